"""What a venue does when it is asked to act: each such operation handed to its exchange, batches item by item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from fairlead.sim import settings
from fairlead.sim.account import Account
from fairlead.sim.exchange import STRAIGHT, Exchange, Twist
from fairlead.sim.truth import Truth
from fairlead.wire.asks import Op
from fairlead.wire.mirror import Heard


class Act(Struct, frozen=True):
    """Somebody's request as the engine takes it."""

    exchange: Exchange
    account: Account
    asked: Any
    ns: int  # the world's
    twist: Twist = STRAIGHT
    how: str = "rest"


def _place_many(act: Act) -> Any:
    place = act.exchange.place
    return tuple(place(act.account, one, act.ns, act.twist, act.how) for one in act.asked.orders)


def _cancel_many(act: Act) -> Any:
    return tuple(act.exchange.cancel(act.account, one, act.ns, act.twist) for one in act.asked.orders)


ACTS: Mapping[Op, Callable[[Act], Any]] = {
    Op.PLACE: lambda act: act.exchange.place(act.account, act.asked, act.ns, act.twist, act.how),
    Op.PLACE_MANY: _place_many,
    Op.AMEND: lambda act: act.exchange.amend(act.account, act.asked, act.ns, act.twist),
    Op.CANCEL: lambda act: act.exchange.cancel(act.account, act.asked, act.ns, act.twist),
    Op.CANCEL_MANY: _cancel_many,
    Op.CANCEL_ALL: lambda act: act.twist.refusal or act.exchange.cancel_all(act.account, act.asked, act.ns),
    Op.CLOSE: lambda act: act.exchange.close(act.account, act.asked, act.ns, act.twist, act.how),
    Op.DEAD_MAN: lambda act: act.twist.refusal or act.exchange.dead_man(act.account, act.asked.timeout_ms, act.ns),
    Op.SET_MODE: lambda act: act.twist.refusal or settings.set_mode(act.account, act.asked),
    Op.SET_LEVERAGE: lambda act: act.twist.refusal or settings.set_leverage(
        act.exchange.pit, act.account, act.asked, act.ns
    ),
}  # fmt: skip


def witness(truth: Truth, heard: Heard, ns: int, how: str) -> None:
    """Writes down that a request about orders has arrived, whatever becomes of it."""
    if heard.op not in ACTS:
        return
    for one in getattr(heard.asked, "orders", (heard.asked,)):
        op = {Op.PLACE_MANY: Op.PLACE, Op.CANCEL_MANY: Op.CANCEL}.get(heard.op, heard.op)
        symbol, client_id, order_id = (getattr(one, name, "") for name in ("symbol", "client_id", "order_id"))
        truth.receive(ns, heard.key_id, op, symbol, client_id, order_id, how)
