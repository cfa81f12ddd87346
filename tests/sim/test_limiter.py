"""The venue's limits against an oracle that remembers every arrival and adds it up the slow way."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.errors import Misuse
from fairlead.sim.limiter import BAN_FIRST_MS, STRIKES_TO_BAN, Limiter, Who
from fairlead.wire.limits import Budget, Charge, Window

ME, YOU = Who("10.0.0.1", "mine", "1"), Who("10.0.0.2", "yours", "2")
UNITS, PER_MS, MOST = 10, 1_000, 15


def used(window: Window, log: list[tuple[int, int]], now_ms: int) -> Fraction:
    """What the vendor's sentence about such a window says, computed from the whole past."""
    if window is Window.FIXED:
        return Fraction(sum(units for at, units in log if at // PER_MS == now_ms // PER_MS))
    if window is Window.SLIDING:
        return Fraction(sum(units for at, units in log if at > now_ms - PER_MS))
    level, last_ms = Fraction(0), 0
    for at, units in (*log, (now_ms, 0)):
        level = max(Fraction(0), level - Fraction((at - last_ms) * UNITS, PER_MS)) + units
        last_ms = at
    return level


@given(
    st.sampled_from(list(Window)),
    st.lists(st.tuples(st.integers(0, 700), st.integers(1, 8)), max_size=40),
)
def test_each_window_counts_as_its_words_say(window: Window, steps: list[tuple[int, int]]) -> None:
    """If this failed, our own budgets could be proven against a limiter that no venue has."""
    most = MOST if window is Window.DECAYING else 0
    limiter = Limiter([Budget("b", UNITS, PER_MS, window, "ip", most)], lambda _: False)
    limit, now_ms, log = most or UNITS, 5_000, list[tuple[int, int]]()
    for gap_ms, units in steps:
        now_ms += gap_ms
        fits = used(window, log, now_ms) + units <= limit
        over = limiter.admit((Charge("b", units),), ME, now_ms, now_ms)
        assert (over is None) == fits
        if over is not None:
            later_ms = now_ms + over.wait_ms
            assert used(window, log, later_ms) + units <= limit, "the wait it tells is enough"
            assert used(window, log, later_ms - 1) + units > limit, "and not longer than needed"
        else:
            log.append((now_ms, units))
    (reading,) = limiter.readings((Charge("b"),), ME, now_ms, now_ms)
    assert 0 <= reading.used - used(window, log, now_ms) < 1
    assert reading.limit == limit


@pytest.mark.parametrize("of", ["account", "instrument"])
def test_keys_of_one_account_share_what_is_counted_for_it(of: str) -> None:
    """If this failed, a second key would double what a venue lets an account order."""
    limiter = Limiter([Budget("orders", 1, 1_000, Window.SLIDING, of)], lambda _: False)
    mine, also_mine = Who("1.1.1.1", "a", account="one"), Who("2.2.2.2", "b", account="one")
    other = Who("1.1.1.1", "c", account="two")
    charge = (Charge("orders", of="BTC/USDT"),)
    assert [limiter.admit(charge, who, 0, 0) is None for who in (mine, also_mine, other)] == [True, False, True]


def test_all_or_nothing() -> None:
    """If this failed, a refused request would still use up what others could have."""
    limiter = Limiter(
        [Budget("wide", 100, 1_000, Window.FIXED, "ip"), Budget("narrow", 1, 1_000, Window.FIXED, "ip")],
        lambda _: False,
    )
    both = (Charge("wide", 10), Charge("narrow"))
    assert limiter.admit(both, ME, 0, 0) is None
    refused = limiter.admit(both, ME, 0, 0)
    assert refused is not None
    assert refused.budget == "narrow"
    assert [one.used for one in limiter.readings(both, ME, 0, 0)] == [10, 1]


@pytest.mark.parametrize("of", ["ip", "key", "account", "connection", "instrument"])
def test_a_budget_is_its_owners_alone(of: str) -> None:
    """If this failed, one client would be refused for what another did."""
    limiter = Limiter([Budget("b", 1, 1_000, Window.SLIDING, of)], lambda _: False)
    charge = (Charge("b", of="BTC/USDT"),)
    assert limiter.admit(charge, ME, 0, 0) is None
    assert limiter.admit(charge, YOU, 0, 0) is None
    assert limiter.admit(charge, ME, 0, 0) is not None
    if of == "instrument":
        assert limiter.admit((Charge("b", of="ETH/USDT"),), ME, 0, 0) is None


def test_who_goes_on_is_banned_longer_each_time() -> None:
    """If this failed, a client that ignores refusals would look as well-behaved as one that waits."""
    limiter = Limiter([Budget("b", 1, 1_000, Window.FIXED, "ip")], lambda _: True)
    now_ms, charge = 0, (Charge("b"),)
    for expected_ms in (BAN_FIRST_MS, 2 * BAN_FIRST_MS, 4 * BAN_FIRST_MS):
        assert limiter.admit(charge, ME, now_ms, now_ms) is None
        for _ in range(STRIKES_TO_BAN):
            refused = limiter.admit(charge, ME, now_ms, now_ms)
            assert refused is not None
            assert refused.until_ms == 0
        banned = limiter.admit(charge, ME, now_ms, now_ms)
        assert banned is not None
        assert banned.until_ms == now_ms + expected_ms
        almost = limiter.admit((), ME, now_ms + expected_ms - 1, now_ms + expected_ms - 1)
        assert almost is not None
        assert almost.wait_ms == 1
        now_ms += expected_ms
    assert limiter.admit(charge, YOU, now_ms, now_ms) is None


def test_who_waits_is_never_banned() -> None:
    """If this failed, an honest client would be shut out for refusals it has obeyed."""
    limiter = Limiter([Budget("b", 1, 1_000, Window.FIXED, "ip")], lambda _: True)
    for second in range(3 * STRIKES_TO_BAN):
        now_ms = second * 1_000
        assert limiter.admit((Charge("b"),), ME, now_ms, now_ms) is None
        refused = limiter.admit((Charge("b"),), ME, now_ms, now_ms)
        assert refused is not None
        assert refused.until_ms == 0


def test_a_connection_that_is_gone_leaves_nothing() -> None:
    """If this failed, every connection ever made would cost memory for ever."""
    limiter = Limiter([Budget("b", 1, 1_000, Window.SLIDING, "connection")], lambda _: False)
    for number in range(100):
        limiter.admit((Charge("b"),), Who("10.0.0.1", connection=str(number)), 0, 0)
        limiter.forget(str(number))
    assert "0 meters" in repr(limiter)


def test_a_charge_without_a_budget_is_a_mistake() -> None:
    """If this failed, a misspelled budget in a venue's table would count for nothing."""
    with pytest.raises(Misuse):
        Limiter([], lambda _: False).admit((Charge("b"),), ME, 0, 0)
