"""Waiting before the next try."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.backoff import SETTLED_MS, Backoff


@given(seed=st.integers(), first=st.integers(1, 5_000), factor=st.integers(1, 500), tries=st.integers(1, 120))
def test_every_wait_lies_between_the_floor_and_the_doubling_ceiling(
    seed: int, first: int, factor: int, tries: int
) -> None:
    """If this failed, a venue would be hammered without a pause, or left alone for ever after many failures."""
    most = first * factor
    backoff = Backoff(first, most, random.Random(seed))
    for number in range(tries):
        ceiling = min(most, first * 2**number)
        assert max(1, first // 2) <= backoff.next_ms() <= ceiling
    assert backoff.tries == tries


def test_the_wait_is_spread_over_the_whole_range() -> None:
    """If this failed, all clients that lost a venue together would come back together and be banned together."""
    waits = []
    for seed in range(400):
        backoff = Backoff(1_000, 60_000, random.Random(seed))
        for _ in range(9):
            wait = backoff.next_ms()
        waits.append(wait)
    assert min(waits) < 6_000
    assert max(waits) > 54_000
    assert 27_000 < sum(waits) / len(waits) < 33_000


def test_being_accepted_and_thrown_out_keeps_growing() -> None:
    """If this failed, a venue that accepts and closes at once would be dialled in a tight loop until it bans us."""
    backoff = Backoff(250, 60_000, random.Random(7))
    for number in range(12):
        assert backoff.tries == number
        backoff.next_ms()
        backoff.worked(lived_ms=SETTLED_MS - 1)
    assert backoff.ceiling_ms == 60_000


def test_only_a_life_as_long_as_the_wait_starts_anew() -> None:
    """If this failed, dials would outnumber what waiting allows, or a good hour would count for nothing."""
    backoff = Backoff(250, 60_000, random.Random(7))
    for _ in range(12):
        backoff.next_ms()
    backoff.worked(lived_ms=59_999)
    assert backoff.tries == 12
    backoff.worked(lived_ms=60_000)
    assert backoff.tries == 0
    assert backoff.next_ms() <= 250


@pytest.mark.parametrize(("first", "most"), [(0, 10), (-1, 10), (20, 10)])
def test_a_wait_that_cannot_grow_is_refused(first: int, most: int) -> None:
    """If this failed, a mistyped setting would mean no pause at all."""
    with pytest.raises(ValueError, match="must grow"):
        Backoff(first, most, random.Random(1))


def test_it_says_where_it_stands() -> None:
    """If this failed, a log line about a lost venue would hide how patient we are by now."""
    backoff = Backoff(250, 1_000, random.Random(1))
    backoff.next_ms()
    assert repr(backoff) == "<Backoff after 1 tries: at most 500 of 1000 ms>"
