"""Paths: functions of time that can be asked for any moment in any order."""

from decimal import Decimal
from itertools import pairwise
from math import log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.errors import Misuse
from fairlead.sim.prices import Basis, Recorded, Walk, Weather, recorded
from tests.sim.places import DAY_NS, MINUTE_NS, SECOND_NS, START_NS

DAY = START_NS // DAY_NS


def walk(seed: int = 1, **weather: float) -> Walk:
    return Walk(seed, "BTC", START_NS, Weather(**weather))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**64), moments=st.lists(st.integers(-90 * DAY_NS, 3 * DAY_NS), min_size=1, max_size=8))
def test_the_order_of_questions_makes_no_difference(seed: int, moments: list[int]) -> None:
    """If it failed, a candle asked for twice would differ, and a second run of a seed would not be the first."""
    forth, back = walk(seed), walk(seed)
    asked = [forth.at(START_NS + moment) for moment in moments]
    assert asked == [back.at(START_NS + moment) for moment in reversed(moments)][::-1]


def test_minutes_are_the_same_path_as_moments() -> None:
    """If it failed, candles of the past would tell another price than the market that follows them."""
    one = walk()
    for day in (DAY - 3, DAY, DAY + 1):
        minutes = one.minutes(day)
        for index in (0, 1, 719, 1_439, 1_440):
            assert minutes[index] == pytest.approx(one.at(day * DAY_NS + index * MINUTE_NS), rel=1e-9)


def test_the_walk_is_whole_across_seconds_minutes_and_days() -> None:
    """If it failed, books would jump at the seams and the guard would label a calm day."""
    one = walk()
    for seam in (START_NS, START_NS + DAY_NS, START_NS + 7 * MINUTE_NS, START_NS + 5 * SECOND_NS):
        assert abs(log(one.at(seam) / one.at(seam - 1_000))) < 1e-6


def test_the_walk_is_as_wild_as_declared_and_no_wilder() -> None:
    """If it failed, a calm day would not be calm: anomalies would be labelled that nobody planted."""
    steps = [log(after / before) for day in range(DAY, DAY + 20) for before, after in pairwise(walk().minutes(day))]
    year = sqrt(sum(step * step for step in steps) / len(steps) * 365 * 1_440)
    assert 0.57 < year < 0.63
    assert max(map(abs, steps)) < 0.002


def test_bursts_are_wilder() -> None:
    """If it failed, the knob would do nothing and stormy voyages would be calm ones under another name."""
    calm = [abs(log(b / a)) for a, b in pairwise(walk().minutes(DAY))]
    wild = [abs(log(b / a)) for a, b in pairwise(walk(bursts_day=200.0, burst_times=8.0).minutes(DAY))]
    burst = [minute for minute in range(1_440) if wild[minute] > 2 * calm[minute]]
    assert 140 < len(burst) < 260
    assert all(wild[m] == pytest.approx(8 * calm[m], rel=1e-3) for m in burst)


def test_a_recording_is_followed_and_still_at_its_ends() -> None:
    """If it failed, a replayed market would not be the recorded one."""
    path = recorded("ns,price\n1000,10.0\n2000,20.0,ignored\n\n4000,10\n")
    assert [path.at(ns) for ns in (0, 1_000, 1_500, 2_000, 3_000, 4_000, 9_000)] == [10, 10, 15, 20, 15, 10, 10]
    assert set(path.minutes(DAY)) == {10.0}


@pytest.mark.parametrize(
    "csv", ["", "ns,price\n", "1,2\n1,3\n", "2,2\n1,3\n", "1,0\n", "1,-5\n", "1,inf\n", "1\n", "1,2\nx,3\n", "1,one\n"]
)
def test_a_bad_recording_is_refused(csv: str) -> None:
    """If it failed, a spoilt file would become a market of nonsense prices instead of an error."""
    with pytest.raises(Misuse):
        recorded(csv)


def test_rows_may_be_given_directly() -> None:
    """If it failed, a recording built in a test would be read wrongly."""
    assert Recorded([(5, Decimal("1.5")), (7, Decimal("2.5"))]).at(6) == 2.0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**64), moment=st.integers(-40 * DAY_NS, 40 * DAY_NS), bps=st.floats(0, 100))
def test_a_basis_stays_near_zero_and_is_whole(seed: int, moment: int, bps: float) -> None:
    """If it failed, venues would drift apart for good, or jump, and the consolidated view would be crossed all day."""
    basis, at_ns = Basis(seed, "north", "BTC/USDT", bps), START_NS + moment
    assert abs(basis.at(at_ns)) <= 1.8 * bps / 10_000
    assert abs(basis.at(at_ns + 1_000) - basis.at(at_ns)) <= 1e-6
    whole = (at_ns // DAY_NS) * DAY_NS
    assert abs(basis.at(whole) - basis.at(whole - 1_000)) <= 1e-6
    assert basis.minutes(whole // DAY_NS)[5] == basis.at(whole + 5 * MINUTE_NS)
