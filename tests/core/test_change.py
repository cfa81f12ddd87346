"""Changes of orders: new totals, never below what was filled, and never of an order whose fate is not known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.core.change import amended
from fairlead.errors import BadNumber, Error, Held, InDoubt, Misuse
from fairlead.model.order import Life, Order
from fairlead.model.orders import OrderType
from fairlead.wire.orders import AskAmend
from tests.core.wishes import EVERYTHING, SPOT, order

MARKET: dict[str, Any] = {"type": OrderType.MARKET, "price": None}


def change(of: Order | None = None, **news: Any) -> AskAmend:
    return amended(of or order(order_id="7"), news.pop("instrument", SPOT), can=news.pop("can", EVERYTHING), **news)


def refused(kind: type[Error], *words: str, of: Order | None = None, **news: Any) -> None:
    with pytest.raises(kind) as caught:
        change(of, **news)
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value), (word, str(caught.value))


def test_only_what_changes_is_asked_for() -> None:
    """If this failed, a change of the price would also set back a quantity that another change had set."""
    assert change(price="50000.01") == AskAmend(
        symbol="BTC/USDT", client_id="fl1", order_id="7", price=Decimal("50000.01")
    )
    assert change(qty=2, price=50000) == AskAmend(symbol="BTC/USDT", client_id="fl1", order_id="7", qty=Decimal(2))


def test_a_change_below_what_is_filled_is_refused() -> None:
    """If this failed, a venue would make of it a cancel, or an error that nobody expects."""
    partly = order(life=Life.PARTIAL, filled="0.3", venue_filled="0.4")
    refused(BadNumber, "not above what is filled", "0.4 are filled", "cancel the order", of=partly, qty="0.4")
    assert change(partly, qty="0.4001").qty == Decimal("0.4001")


@pytest.mark.parametrize(
    ("of", "kind", "words"),
    [
        (order(life=Life.FILLED), Misuse, ("has ended", "fl1 is FILLED")),
        (order(life=Life.INTENT), Held, ("was not sent yet",)),
        (order(life=Life.SENDING), InDoubt, ("the order itself is not known yet", "nothing was sent")),
        (order(life=Life.UNKNOWN), InDoubt, ("the order itself is not known yet",)),
        (order(amending=True), InDoubt, ("what became of an earlier change",)),
        (order(cancelling=True), InDoubt, ("what became of a cancel",)),
    ],
)
def test_an_order_that_is_not_surely_open_is_not_changed(of: Order, kind: type[Error], words: tuple[str, ...]) -> None:
    """If this failed, two changes could cross on the way, and nobody could tell which one holds."""
    refused(kind, *words, of=of, price=49000)


@pytest.mark.parametrize(
    ("kind", "words", "news"),
    [
        (Misuse, ("changes nothing", "fl1 is OPEN"), {}),
        (Misuse, ("changes nothing",), {"qty": "1.0", "price": 50000}),
        (Misuse, ("has no trigger",), {"trigger": 40000}),
        (Misuse, ("has no price",), {"of": order(**MARKET), "price": 1}),
        (Misuse, ("has no quantity",), {"of": order(**{**MARKET, "qty": None}, quote_qty="50"), "qty": 1}),
        (Misuse, ("does not change the price", "place another"), {"price": 1, "can": {"amend up"}}),
        (
            Misuse,
            ("does not change the trigger",),
            {"of": order(trigger="49000", type=OrderType.STOP_LIMIT), "trigger": 48000, "can": ()},
        ),
        (Misuse, ("does not make an order larger: 1 to 2",), {"qty": 2, "can": {"amend price"}}),
        (BadNumber, ("multiple of 0.01",), {"price": "50000.001"}),
        (BadNumber, ("below the least",), {"qty": "0.0001"}),
        (BadNumber, ("above the most",), {"qty": 10}),
        (BadNumber, ("worth 9 USDT",), {"price": 9}),
        (Held, ("is halted",), {"price": 49000, "instrument": replace(SPOT, status="halted")}),
    ],
)
def test_each_refusal_of_a_change_says_why(kind: type[Error], words: tuple[str, ...], news: dict[str, Any]) -> None:
    """If this failed, the venue would refuse what we could have explained."""
    refused(kind, *words, **news)
