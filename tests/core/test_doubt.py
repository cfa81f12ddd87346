"""How a doubt ends: never while the venue can still act, never from one reading, and in time once it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.doubt import APART_MS, ChangeDoubt, Doubt, Sighting
from fairlead.model.orders import Status
from fairlead.wire.venue import Settle
from tests.core.orderly import report

SETTLE = Settle(fence_min_ms=1_000, fence_ms=5_000, engine_ms=2_000, lag_ms=3_000)
SETTLED_MS = 10_000


def doubt(slack_ms: int = 0) -> Doubt:
    return Doubt(SETTLE, asked_ms=0, until_ms=5_000, slack_ms=slack_ms)


def sight(began_ms: int, took_ms: int = 10, *, wide: bool = True, complete: bool = True) -> Sighting:
    return Sighting(began_ms=began_ms, ended_ms=began_ms + took_ms, wide=wide, complete=complete)


LOOKS = st.lists(
    st.tuples(st.integers(0, 3_000), st.integers(0, 4_000), st.booleans(), st.booleans()), min_size=1, max_size=40
)


@given(LOOKS, st.integers(0, 500))
def test_absence_is_proven_by_two_complete_readings_after_the_settling_and_nothing_less(
    looks: list[tuple[int, int, bool, bool]], slack_ms: int
) -> None:
    """If this failed, an order that the venue can still take would be called not accepted, and be sent again."""
    one, now_ms, clean = doubt(slack_ms=slack_ms), 0, list[Sighting]()
    for wait_ms, took_ms, wide, complete in looks:
        now_ms += wait_ms
        seen = sight(now_ms, took_ms, wide=wide, complete=complete)
        counts = wide and complete and now_ms >= SETTLED_MS + slack_ms
        if counts and (not clean or now_ms >= clean[-1].ended_ms + APART_MS):
            clean.append(seen)
        assert bool(one.take(seen)) == (len(clean) >= 2)
        now_ms += took_ms


@given(st.integers(0, 200_000))
def test_once_the_venue_answers_again_a_doubt_ends_within_half_a_minute(down_ms: int) -> None:
    """If this failed, money would stay reserved for an order that never was, long after the venue is back."""
    one, now_ms = doubt(), 0
    while True:
        now_ms = max(now_ms, one.due_ms)
        is_up = now_ms >= down_ms
        if one.take(sight(now_ms, 2_000, wide=one.is_wide(now_ms), complete=is_up)):
            break
        now_ms += 2_000
    assert SETTLED_MS < now_ms <= max(SETTLED_MS, down_ms) + 30_000


def test_looks_come_at_once_and_then_less_often() -> None:
    """If this failed, a lost answer would be found late, or the venue be asked without end."""
    one, begins = Doubt(SETTLE, asked_ms=0, until_ms=500_000), list[int]()
    for _ in range(8):
        begins.append(one.due_ms)
        one.take(sight(one.due_ms, 0))
    assert begins == [250, 1_000, 3_000, 7_000, 15_000, 23_000, 31_000, 39_000]


def test_a_look_is_planned_for_the_moment_when_it_counts() -> None:
    """If this failed, a proof would wait for the next rare look."""
    one = doubt()
    for _ in range(4):
        one.take(sight(one.due_ms, 0, wide=False))
    assert one.due_ms == SETTLED_MS
    assert one.is_wide(one.due_ms)
    assert one.is_due(SETTLED_MS)
    assert not one.is_due(SETTLED_MS - 1)


@pytest.mark.parametrize(("until_ms", "can_prove"), [(0, True), (5_000, False)])
def test_without_a_fence_or_without_means_to_ask_the_doubt_stays(until_ms: int, can_prove: bool) -> None:
    """If this failed, silence of a venue that cannot be asked would pass for proof."""
    one = Doubt(SETTLE, asked_ms=0, until_ms=until_ms, can_prove=can_prove)
    for _ in range(100):
        assert not one.is_wide(one.due_ms)
        assert one.take(sight(one.due_ms)) == ""
    assert "cannot be proven" in repr(one)


def test_a_sighting_among_the_readings_begins_the_proof_anew() -> None:
    """If this failed, readings that contradict each other would prove something."""
    one = doubt()
    one.take(sight(SETTLED_MS))
    one.take(Sighting(began_ms=12_000, ended_ms=12_010, wide=True, complete=True, report=report(Status.OPEN)))
    assert one.take(sight(14_000)) == ""
    assert "2 complete readings" in one.take(sight(16_000))


def test_a_change_is_judged_by_a_reading_that_it_can_no_longer_overtake() -> None:
    """If this failed, a cancel that is still under way would be called without effect."""
    one = ChangeDoubt(SETTLE, sent_ms=0)
    shown = report(Status.OPEN)
    while one.due_ms < SETTLED_MS:
        assert not one.take(Sighting(began_ms=one.due_ms, ended_ms=one.due_ms + 10, report=shown))
    assert one.is_due(SETTLED_MS)
    assert not one.take(Sighting(began_ms=SETTLED_MS, ended_ms=SETTLED_MS + 10))
    assert one.take(Sighting(began_ms=one.due_ms, ended_ms=one.due_ms + 10, report=shown))
    assert "settled from 10000" in repr(one)
