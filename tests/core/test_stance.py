"""Positions: every fill moves them, nothing else does unseen, and the venue is believed the second time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fairlead.core.reconcile import Shown
from fairlead.core.stance import Leg, Stance
from fairlead.model.orders import Fill
from tests.core import orderly
from tests.core.orderly import VENUE, at

BTC = "BTC/USDT:USDT"

LAG_MS, LATER = 3_000, 60_000


def fill(number: int, qty: str, **more: Any) -> Fill:
    return orderly.fill(number, qty, symbol=BTC, **more)


def shown(ms: int = LATER) -> Shown:
    return Shown(began_ns=at(ms), lag_ms=LAG_MS)


def qtys(qty: str) -> dict[Leg, Decimal]:
    return {(BTC, ""): Decimal(qty)} if Decimal(qty) else {}


def test_a_position_is_what_it_was_and_every_fill_since() -> None:
    """If this failed, a position that nobody traded would go unnoticed, or each trade freeze its symbol."""
    stance = Stance()
    assert list(stance.judge(qtys("5"), shown())) == []
    stance.traded(fill(1, "2"), at(LATER))
    stance.traded(fill(2, "3", side="sell"), at(LATER))
    assert list(stance.judge(qtys("5"), shown(ms=LATER + 1))) == []  # within the lag: says nothing
    assert list(stance.judge(qtys("4"), shown(ms=2 * LATER))) == []
    assert [one.symbol for one in stance.judge(qtys("0"), shown(ms=3 * LATER))] == [BTC]
    assert list(stance.judge(qtys("0"), shown(ms=4 * LATER))) == []  # said twice: so it is
    assert list(stance.judge(qtys("0"), shown(ms=5 * LATER))) == []


def test_a_position_that_goes_on_changing_unexplained_goes_on_being_disputed() -> None:
    """If this failed, another program trading the account would be taken for agreement."""
    stance = Stance()
    assert not list(stance.judge(qtys("1"), shown()))
    for number in range(2, 5):
        assert list(stance.judge(qtys(str(number)), shown(ms=number * LATER)))
    assert "1 disputed" in repr(stance)


def test_what_is_told_on_holds_exactly_the_fills_that_we_know() -> None:
    """If this failed, the limits would count a fill twice, or not at all."""
    stance = Stance()
    stance.learn("ETH/USDT", Decimal(3), shown())
    assert not list(stance.judge({(BTC, "short"): Decimal(-4)}, shown()))
    stance.traded(fill(1, "1"), at(LATER), "short")
    stance.learn("ETH/USDT", Decimal(5), shown())
    told = {(one.symbol, one.pos_side): one.qty for one in stance.positions(VENUE)}
    assert told == {(BTC, "short"): Decimal(-3), ("ETH/USDT", ""): Decimal(5)}


def test_a_holding_that_moved_within_the_lag_is_not_learnt() -> None:
    """If this failed, a stale balance would undo a fill that was counted."""
    stance = Stance()
    stance.learn(BTC, Decimal(1), shown())
    stance.traded(fill(1, "2"), at(LATER))
    stance.learn(BTC, Decimal(1), shown(LATER + 1))
    assert [one.qty for one in stance.positions(VENUE)] == [Decimal(3)]


def test_a_holding_begins_with_what_is_there_and_not_twice() -> None:
    """If this failed, a fill heard before the first reading would count twice."""
    stance = Stance()
    stance.traded(fill(1, "2"), at(LATER))
    for qty in (5, 9):
        stance.begin(BTC, Decimal(qty))
    assert [one.qty for one in stance.positions(VENUE)] == [Decimal(5)]
