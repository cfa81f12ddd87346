"""The venue's end of the private socket: what it tells of orders and balances, and what it refuses."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fairlead.model.account import Balance, Holding
from fairlead.model.orders import OrderReport, OrderType, Status
from fairlead.venues.kraken.hearing import FRAMES_A_SECOND
from fairlead.venues.kraken.replies import Manners, named
from fairlead.wire.conversation import Missed, Odd, Whole
from fairlead.wire.mirror import Execution
from tests.venues.kraken.places import AT, later
from tests.venues.kraken.stage import BALANCES_TOPIC, BOUGHT, ORDERS_TOPIC, TOKEN, Line
from tests.venues.kraken.test_engine import DONE, NS, report
from tests.venues.kraken.test_trade import ID, OTHER


def unstamped(event: Any) -> Any:
    """As it was told: when it was seen here, and zeros at the end of numbers, are not the venue's word."""
    return msgspec.structs.replace(event, seen_ns=0)


def told(*events: Execution) -> list[Any]:
    """What the adapter makes of what the mirror was told."""
    line = Line(ORDERS_TOPIC)
    line.tell("orders", (), *events)
    assert line.words(Odd) == line.words(Missed) == []
    return [unstamped(event) for event in line.heard]


def test_a_life_of_an_order_is_heard_as_it_was_told() -> None:
    """If this failed, a fill or an end would be lost between the simulator's engine and the adapter's events."""
    execution = msgspec.structs.replace(BOUGHT, price=Decimal(50000), qty=Decimal("0.25"))
    partial = report(status=Status.PARTIAL, venue_ns=NS + 1_000, **DONE)
    cancelled = report(status=Status.CANCELLED, venue_ns=NS + 2_000, reason="user", **DONE)
    events = told(
        Execution("accepted", report()), Execution("filled", partial, execution), Execution("cancelled", cancelled)
    )
    pending = msgspec.structs.replace(report(), status=Status.PENDING)
    ended = msgspec.structs.replace(cancelled, reason="User requested")
    assert events == [pending, report(), execution, partial, ended]


def test_an_order_filled_at_once_is_partial_then_filled() -> None:
    """If this failed, an order would seem to be open after all of it was filled, or its fill be counted after it."""
    whole = report(status=Status.FILLED, filled=Decimal("0.5"), cost=Decimal(25000), average=Decimal(50000))
    events = told(Execution("accepted", report()), Execution("filled", whole, BOUGHT))
    kinds = [event.status if isinstance(event, OrderReport) else event.id for event in events]
    assert kinds == [Status.PENDING, Status.OPEN, named("T", 1), Status.PARTIAL, Status.FILLED]
    assert events[-1] == whole


@pytest.mark.parametrize(
    ("reason", "words"),
    [("post only", "Post only order"), ("user", "User requested"), ("ioc", "IOC order was canceled"), ("", "")],
)
def test_what_was_never_live_is_told_as_pending_then_ended(reason: str, words: str) -> None:
    """If this failed, an order cancelled on arrival would have no beginning, and be taken for one never told of."""
    events = told(Execution("cancelled", report(status=Status.CANCELLED, reason=reason)))
    assert [(event.status, event.reason) for event in events] == [(Status.PENDING, ""), (Status.CANCELLED, words)]


def test_amendments_and_triggers_are_heard() -> None:
    """If this failed, the price of an open order would be the one before it was amended."""
    changed = report(price=Decimal("49999.5"), qty=Decimal("0.75"), venue_ns=NS + 1_000)
    stop = report(order_id=OTHER, type=OrderType.STOP, price=None, trigger=Decimal(49000))
    events = told(
        Execution("accepted", report()),
        Execution("amended", changed),
        Execution("accepted", stop),
        Execution("triggered", msgspec.structs.replace(stop, venue_ns=NS + 2_000)),
    )
    assert events[2] == changed
    assert (events[-1].status, events[-1].trigger, events[-1].venue_ns) == (Status.OPEN, Decimal(49000), NS + 2_000)


def test_open_orders_come_first_and_then_it_is_said_that_these_were_all() -> None:
    """If this failed, an order that is not in the beginning could not be known to be gone."""
    line = Line(ORDERS_TOPIC)
    line.tell("orders", (report(), report(order_id=OTHER, status=Status.PARTIAL, **DONE)))
    assert [event.order_id for event in line.heard] == [ID, OTHER]
    assert line.words(Whole) == [Whole(ORDERS_TOPIC)]
    line.tell("orders", Execution("cancelled", report(status=Status.CANCELLED, reason="user")))
    assert line.heard[-1].status is Status.CANCELLED


@pytest.mark.parametrize("pads", [True, False])
def test_balances_are_totals_and_only_told_when_something_was_booked(pads: bool) -> None:
    """If this failed, an amount held by an order would look like one that was spent."""
    line = Line(BALANCES_TOPIC, manners=Manners(pads=pads))
    usd, held = Balance("USD", Decimal(1000), Decimal(1000)), Balance("USD", Decimal(1000), Decimal(1))
    line.tell(
        "balances",
        (usd, Balance("BTC", Decimal("0.10"), Decimal(0))),
        (held,),
        (Balance("USD", Decimal("1e-8"), Decimal(0)),),
    )
    assert [(one.asset, one.total, one.free) for one in line.heard if isinstance(one, Holding)] == [
        ("USD", Decimal(1000), None), ("BTC", Decimal("0.1"), None), ("USD", Decimal("0.00000001"), None)]  # fmt: skip
    assert line.words(Whole) == [Whole(BALANCES_TOPIC)]
    assert line.words(Odd) == []


# ---- what a venue's end refuses


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ({"method": "subscribe", "params": {"channel": "book", "token": TOKEN}},
         "Public market data subscriptions are unavailable on this endpoint"),
        ({"method": "subscribe", "params": {"channel": "executions", "token": "other"}}, "ESession:Invalid session"),
        ({"method": "subscribe", "params": {"channel": "executions", "token": TOKEN}}, "Already subscribed"),
        ({"method": "unsubscribe", "params": {"channel": "balances", "token": TOKEN}}, "Subscription Not Found"),
        ({"method": "edit_order", "params": {"token": TOKEN}}, "EGeneral:Unknown method"),
        ({"method": "cancel_order", "params": {"order_id": [ID], "cl_ord_id": ["a"], "token": TOKEN}},
         "EGeneral:Invalid arguments"),
        ({"method": "add_order", "params": {"symbol": "NO/PE", "token": TOKEN}}, "EQuery:Unknown asset pair"),
        ({"method": "cancel_all", "params": {"deadline": "2025-12-31T23:59:59Z", "token": TOKEN}},
         "EService:Deadline elapsed"),
        ({"method": "cancel_all", "params": {}}, "ESession:Invalid session"),
        ("[", "Malformed request"),
    ],
)  # fmt: skip
def test_the_venues_end_refuses_in_the_venues_words(frame: Any, error: str) -> None:
    """If this failed, a client's mistake would work in the simulator and fail at the venue."""
    line = Line(ORDERS_TOPIC)
    line.hearing.receive(frame.encode() if isinstance(frame, str) else msgspec.json.encode(frame), AT)
    [said] = line.ear.frames
    assert (json.loads(said)["error"], json.loads(said)["success"]) == (error, False)
    assert line.ear.calls == []


def test_too_many_frames_are_refused_and_an_idle_connection_is_closed() -> None:
    """If this failed, a client would learn neither the measure of frames nor that it must ping."""
    line = Line()
    for _ in range(FRAMES_A_SECOND + 1):
        line.hearing.receive(b'{"method":"cancel_all","params":{"token":"token"}}', later(10))
    assert "Exceeded msg rate" in line.ear.frames[-1].decode()
    line.hearing.tick(later(100))
    assert line.ear.closed is not None
