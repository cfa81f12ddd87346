"""Names of orders: never twice, whatever the clock and the process do, and short enough for every venue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import ids
from fairlead.core.ids import Ids
from fairlead.io.clock import seeded
from fairlead.venues import registry

NOW_NS = 1_750_000_000_000_000_000
CLOCKS = st.lists(st.integers(-10, 10).map(lambda hours: NOW_NS + hours * 3_600_000_000_000), min_size=2)


@given(CLOCKS)
def test_names_rise_whatever_the_clock_does(clock: list[int]) -> None:
    """If this failed, a clock set back could give a name twice, and the venue would take one order for another."""
    maker = Ids("ab12")
    names = [maker.next(now_ns) for now_ns in clock]
    assert names == sorted(set(names))
    assert all(ids.is_ours(name, "ab12") for name in names)


def test_names_rise_over_a_restart_with_a_clock_that_went_back() -> None:
    """If this failed, a restart after a clock was set back could double an order's name."""
    first = Ids("ab12")
    before = [first.next(NOW_NS) for _ in range(3)]
    second = Ids("ab12", ids.number_of(before[-1]))
    assert second.next(NOW_NS - 3_600_000_000_000) > before[-1]


def test_names_fit_every_venue() -> None:
    """If this failed, a venue would refuse every order of ours."""
    name = Ids(ids.new_installation(seeded(1))).next(NOW_NS)
    for venue in map(registry.venue, registry.names()):
        assert len(name) <= venue.client_id.longest
        assert set(name) <= set(venue.client_id.alphabet)


@pytest.mark.parametrize("name", ["", "flab12", "flab1200000000000A", "x-ab12000000000001", "flab120000000000011"])
def test_other_names_are_not_ours(name: str) -> None:
    """If this failed, cancelling all of ours could cancel somebody else's order."""
    assert not ids.is_ours(name)


def test_another_installation_is_told_apart() -> None:
    """If this failed, two installations that trade one account would not notice each other."""
    name = Ids("ab12").next(NOW_NS)
    assert ids.is_ours(name)
    assert not ids.is_ours(name, "zz99")


@pytest.mark.parametrize("installation", ["", "abc", "ABCD", "ab1_", "abcde"])
def test_a_bad_installation_is_refused(installation: str) -> None:
    """If this failed, a spoilt journal could give names that a venue refuses, or that we do not know again."""
    with pytest.raises(ValueError):
        Ids(installation)
