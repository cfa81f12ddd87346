"""Kraken's calls that place, change and cancel orders, by REST and by socket, as tables; it asks, reads, sends nothing.

What the venue cannot do as it is asked is said before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from fairlead.errors import Misuse
from fairlead.model.account import DeadMan
from fairlead.model.orders import Receipt, Tif
from fairlead.venues.kraken import auth, orders
from fairlead.venues.kraken.auth import fence, named, plain
from fairlead.venues.kraken.channels import rfc3339_ns
from fairlead.venues.kraken.faults import CALLS, ENGINE, said_fault
from fairlead.venues.kraken.orders import FLAG_POST, FLAG_QUOTE, Enveloped, ResultItem, Said
from fairlead.venues.kraken.rest import strict
from fairlead.venues.kraken.wire import REPLY, under
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Call
from fairlead.wire.endpoint import Ctx, Effect, Endpoint
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.limits import Charge
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelAll, AskCancelMany, AskDeadMan, AskPlace, AskPlaceMany
from fairlead.wire.shapes import Nonsense

# ---- asking


def _order(asked: AskPlace) -> dict[str, Any]:
    auth.checked(asked)
    qty = asked.qty if asked.qty is not None else asked.quote_qty
    assert qty is not None
    first, second = (asked.trigger, asked.price) if asked.type.is_triggered else (asked.price, None)
    flag = FLAG_POST if asked.post_only else FLAG_QUOTE if asked.quote_qty is not None else ""
    told = {
        "type": asked.side, "ordertype": orders.TYPES[asked.type], "volume": plain(qty),
        "price": plain(first) if first is not None else "", "price2": plain(second) if second is not None else "",
        "oflags": flag, "timeinforce": str(asked.tif) if asked.tif is not Tif.GTC else "",
        "cl_ord_id": asked.client_id,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _ask_place(asked: AskPlace, ctx: Ctx) -> Mapping[str, Any]:
    return {"pair": ctx.catalog.theirs(asked.symbol).venue_symbol, **_order(asked), **fence(asked.until_ms)}


def _ask_batch(asked: AskPlaceMany, ctx: Ctx) -> Mapping[str, Any]:
    first = auth.batch(asked).orders[0]
    pair = ctx.catalog.theirs(first.symbol).venue_symbol
    return {"pair": pair, "orders": [_order(one) for one in asked.orders], **fence(first.until_ms)}


def _ask_amend(asked: AskAmend, ctx: Ctx) -> Mapping[str, Any]:
    """Amend Order: `order_qty` is the new total; below what is filled, the rest is cancelled."""
    changes = {"order_qty": asked.qty, "limit_price": asked.price, "trigger_price": asked.trigger}
    told = {name: plain(value) for name, value in changes.items() if value is not None}
    return {**named(asked), **told, **fence(asked.until_ms)}


def _ask_cancels(asked: AskCancelMany, ctx: Ctx) -> Mapping[str, Any]:
    names = [named(one) for one in auth.several(asked).orders]
    told = {"orders": [one["txid"] for one in names if "txid" in one],
            "cl_ord_ids": [one["cl_ord_id"] for one in names if "cl_ord_id" in one]}  # fmt: skip
    return {name: ids for name, ids in told.items() if ids}


def ask_cancel_all(asked: AskCancelAll, ctx: Ctx) -> Mapping[str, Any]:
    if asked.symbol:
        raise Misuse(
            "Kraken cancels all orders of the account, or named ones.", next="cancel the symbol's by their ids"
        )
    return {}


# ---- reading


def _read_place(body: bytes, asked: AskPlace, ctx: Ctx) -> Receipt:
    """Accepted, nothing more: what was filled at once is not in it."""
    added = _ADD(body).result
    if len(added.txid) != 1 or added.cl_ord_id not in ("", asked.client_id):
        raise Nonsense(f"the answer to the order {asked.client_id} is about another, or about several")
    return Receipt(order_id=added.txid[0], client_id=asked.client_id)


def _read_batch(body: bytes, asked: AskPlaceMany, ctx: Ctx) -> tuple[Outcome[Receipt], ...]:
    rows = _BATCH(body).result.orders
    if len(rows) > len(asked.orders):
        raise Nonsense("more orders were answered than asked for")
    told = [_outcome(row, one) for row, one in zip(rows, asked.orders, strict=False)]
    return (*told, *[unsure(LEFT_OUT)] * (len(asked.orders) - len(rows)))


def _outcome(row: orders.BatchRow, one: AskPlace) -> Outcome[Receipt]:
    if row.error:
        return said_fault(row.error, Op.PLACE)
    if not row.txid:
        return unsure(LEFT_OUT)
    return Receipt(order_id=row.txid, client_id=one.client_id)


def _read_amend(body: bytes, asked: AskAmend, ctx: Ctx) -> Receipt:
    _AMENDED(body)
    return Receipt(order_id=asked.order_id, client_id=asked.client_id)


def _read_cancel(body: bytes, asked: AskCancel, ctx: Ctx) -> Receipt:
    if _COUNT(body).result.count != 1:
        raise Nonsense(f"{_COUNT(body).result.count} orders were cancelled instead of one")
    return Receipt(order_id=asked.order_id, client_id=asked.client_id)


def _read_cancels(body: bytes, asked: AskCancelMany, ctx: Ctx) -> tuple[Outcome[Receipt], ...]:
    """Only their number is told: where it is not that of all, nobody knows which."""
    count, most = _COUNT(body).result.count, len(asked.orders)
    if count != most:
        return (unsure(f"{count} of {most} were cancelled, and not told which"),) * most
    return tuple(Receipt(order_id=one.order_id, client_id=one.client_id) for one in asked.orders)


def _read_cancel_all(body: bytes, asked: AskCancelAll, ctx: Ctx) -> tuple[Receipt, ...]:
    """Their number is told, and no names."""
    _COUNT(body)
    return ()


def timer_s(asked: AskDeadMan) -> int:
    """Whole seconds, rounded down: it must not fire later than it was asked to; 0 would switch it off."""
    if asked.timeout_ms and not 1_000 <= asked.timeout_ms < TIMER_MOST_MS:
        raise Misuse("Kraken: the switch takes 1 second to less than a day.", next="give a timeout between, or 0: off")
    return asked.timeout_ms // 1_000


def _read_dead_man(body: bytes, asked: AskDeadMan, ctx: Ctx) -> DeadMan:
    return dead_man(_TIMER(body).result.triggerTime, asked)


def dead_man(fires: object, asked: AskDeadMan) -> DeadMan:
    """What is told once it is off is not documented, and not read."""
    if not asked.timeout_ms:
        return DeadMan(fires_ms=0)
    if not isinstance(fires, str):
        raise Nonsense("the switch was set, and not told when it fires")
    return DeadMan(fires_ms=rfc3339_ns(fires) // 1_000_000)


# ---- the table

_ADD = msgspec.json.Decoder(Enveloped[orders.Added]).decode
_BATCH = msgspec.json.Decoder(Enveloped[orders.BatchRows]).decode
_AMENDED = msgspec.json.Decoder(Enveloped[orders.Amended]).decode
_TIMER = msgspec.json.Decoder(Enveloped[orders.Timer]).decode
_COUNT = msgspec.json.Decoder(Enveloped[orders.Count]).decode

PATHS = {
    Op.PLACE: "/0/private/AddOrder",
    Op.PLACE_MANY: "/0/private/AddOrderBatch",
    Op.AMEND: "/0/private/AmendOrder",
    Op.CANCEL: "/0/private/CancelOrder",
    Op.CANCEL_MANY: "/0/private/CancelOrderBatch",
    Op.CANCEL_ALL: "/0/private/CancelAll",
    Op.DEAD_MAN: "/0/private/CancelAllOrdersAfter",
}
LEFT_OUT = "the answer to the batch leaves this order out"
TIMER_MOST_MS = 86_400_000  # less than a day
_COUNTED = REPLY | under("result", "count pending")
_CALL = (Charge(CALLS),)
Row: TypeAlias = Endpoint[Any, Any]


def cost(op: Op, asked: Any) -> tuple[Charge, ...]:
    """The matching engine's counter, a pair and account, whatever way the order goes: what a cancellation or amendment
    costs by the order's age is not in it."""
    match op:
        case Op.PLACE | Op.AMEND:
            return (Charge(ENGINE, 1, asked.symbol),)
        case Op.PLACE_MANY:
            return (Charge(ENGINE, -(-len(asked.orders) // 2), asked.orders[0].symbol),) if asked.orders else ()
    return ()


def _row(
    op: Op, ask: Any, read: Any, effect: Effect, known: frozenset[str], is_counted: bool = True
) -> Endpoint[Any, Any]:
    """Add Order and Cancel Order alone are free of the counter of calls."""
    charges: Callable[[Any], tuple[Charge, ...]] = lambda asked: (*(_CALL if is_counted else ()), *cost(op, asked))  # noqa: E731
    return Endpoint(op, "POST", PATHS[op], ask, strict(read), effect=effect, cost=charges, known=known)


_ROWS: tuple[Endpoint[Any, Any], ...] = (
    _row(Op.PLACE, _ask_place, _read_place, Effect.ONCE,
         REPLY | under("result", "descr txid cl_ord_id descr.order descr.close"), is_counted=False),
    _row(Op.PLACE_MANY, _ask_batch, _read_batch, Effect.ONCE, REPLY | under("result", "orders")
         | under("result.orders", "descr txid error cl_ord_id descr.order descr.close")),
    _row(Op.AMEND, _ask_amend, _read_amend, Effect.SETS, REPLY | under("result", "amend_id")),
    _row(Op.CANCEL, lambda asked, ctx: named(asked), _read_cancel, Effect.SETS, _COUNTED, is_counted=False),
    _row(Op.CANCEL_MANY, _ask_cancels, _read_cancels, Effect.SETS, _COUNTED),
    _row(Op.CANCEL_ALL, ask_cancel_all, _read_cancel_all, Effect.SETS, _COUNTED),
    _row(Op.DEAD_MAN, lambda asked, ctx: {"timeout": timer_s(asked)}, _read_dead_man, Effect.SETS,
         REPLY | under("result", "currentTime triggerTime")),
)  # fmt: skip
TRADE: Mapping[Op, Endpoint[Any, Any]] = {row.op: row for row in _ROWS}


# ---- the same by socket

CALLED: Mapping[Op, tuple[str, Callable[[Any, Ctx], Mapping[str, Any]]]] = {
    Op.PLACE: ("add_order", auth.socket_place),
    Op.PLACE_MANY: ("batch_add", auth.socket_batch),
    Op.AMEND: ("amend_order", auth.socket_amend),
    Op.CANCEL: ("cancel_order", lambda asked, ctx: {name: [id] for name, id in auth.socket_named(asked).items()}),
    Op.CANCEL_MANY: ("cancel_order", auth.socket_cancels),
    Op.CANCEL_ALL: ("cancel_all", ask_cancel_all),
    Op.DEAD_MAN: ("cancel_all_orders_after", lambda asked, ctx: {"timeout": timer_s(asked)}),
}


def outcome(op: Op, asked: Any, result: ResultItem | list[ResultItem] | None) -> Outcome[Any]:
    """What came of it, by a result without an error."""
    if op is Op.PLACE_MANY:
        rows = result if isinstance(result, list) else result.orders or [] if result else []
        return _of_batch(rows, asked)
    if not isinstance(result, ResultItem):
        return unsure("a success without a result")
    match op:
        case Op.DEAD_MAN:
            try:
                return dead_man(result.triggerTime, asked)
            except ValueError as wrong:
                return unsure(str(wrong))
        case Op.CANCEL_ALL:
            return ()
    order_id = "" if op is Op.PLACE else asked.order_id
    is_other = any(told and ours and told != ours
                   for told, ours in ((result.order_id, order_id), (result.cl_ord_id, asked.client_id)))  # fmt: skip
    if is_other or not (result.order_id or op is not Op.PLACE):
        return unsure("the answer is about another order")
    return Receipt(order_id=result.order_id or order_id, client_id=asked.client_id)


def _of_batch(rows: Sequence[ResultItem], asked: AskPlaceMany) -> tuple[Outcome[Receipt], ...]:
    """By its name where it is told one, else by its place."""
    named, places = {row.cl_ord_id: row for row in rows if row.cl_ord_id}, [*rows, *[None] * len(asked.orders)]
    told: list[Outcome[Receipt]] = []
    for one, placed in zip(asked.orders, places, strict=False):
        row = named.get(one.client_id) or (placed if placed and not placed.cl_ord_id else None)
        if row is not None and (row.error or row.success is False):
            told.append(said_fault(row.error, Op.PLACE))
        elif row is not None and row.order_id:
            told.append(Receipt(order_id=row.order_id, client_id=one.client_id))
        else:
            told.append(unsure(LEFT_OUT))
    return tuple(told)


def unsure(said: str) -> Fault:
    return Fault(Kind.SERVER, Fate.UNKNOWN, said=said)


_OF_ALL = (Kind.LIMIT, Kind.TOKEN, Kind.KEY, Kind.PERMISSION, Kind.ACCOUNT, Kind.BAN)  # refused before it was read


class Pending:
    """A call under way; cancel_order answers it once an id."""

    __slots__ = ("call", "made_ns", "nameless", "told")

    def __init__(self, call: Call, made_ns: int) -> None:
        self.call, self.made_ns = call, made_ns
        self.told: dict[str, Outcome[Any]] = {}  # by the id they are about
        self.nameless: list[Fault] = []

    def outcome(self, said: Said) -> Outcome[Any] | None:
        """None while more is to come."""
        fault = said_fault(said.error, self.call.op) if said.error or said.success is not True else None
        of_all = fault and fault.kind in _OF_ALL and not (self.told or fault.said.startswith("EOrder"))
        if self.call.op is not Op.CANCEL_MANY or of_all:  # the engine's own ("EOrder:...") is of one order among them
            return fault or outcome(self.call.op, self.call.asked, said.result)
        return self._cancelled(said, fault)

    def _cancelled(self, said: Said, fault: Fault | None) -> tuple[Outcome[Receipt], ...] | None:
        """The outcomes, one an id, once all are there: a refusal that names nobody is for whoever is left."""
        asked: AskCancelMany = self.call.asked
        result = said.result if isinstance(said.result, ResultItem) else ResultItem()
        names = {result.order_id, result.cl_ord_id} - {""}
        one = next((one for one in asked.orders if names & {one.order_id, one.client_id}), None)
        if one is not None:
            self.told[one.order_id or one.client_id] = fault or Receipt(order_id=one.order_id, client_id=one.client_id)
        else:
            self.nameless.append(fault or unsure("the answer is about another order"))
        if len(self.told) + len(self.nameless) < len(asked.orders):
            return None
        alike = len({(fault.kind, fault.fate, fault.code) for fault in self.nameless}) == 1
        rest = self.nameless[0] if alike else unsure("several were refused, and not told which for what")
        return tuple(self.told.get(one.order_id or one.client_id, rest) for one in asked.orders)
