"""Binance's calls about one order, and the cancel of all, as a table that reads like its rest-api.md; it sends nothing.

Each is signed. The fence of an order is its `recvWindow`, which the venue counts from `timestamp` and checks for the
last time just before the engine: with a moment given (`until_ms`) both are set such that they meet there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from fairlead.errors import Misuse
from fairlead.model import numbers
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status
from fairlead.venues.binance import orders, wire
from fairlead.venues.binance.auth import WINDOW_MOST_MS
from fairlead.venues.binance.channels import NAME
from fairlead.venues.binance.faults import is_nothing_open
from fairlead.venues.binance.orders import MAKER, NO_REASON, SPELLED, STATES, TIFS, TYPES, some, symbol_of
from fairlead.venues.binance.rest import strict, weight
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Ctx, Effect, Endpoint
from fairlead.wire.limits import Charge
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelAll, AskOrder, AskPlace
from fairlead.wire.shapes import Nonsense

ORDER, AMEND, OPEN = "/api/v3/order", "/api/v3/order/amend/keepPriority", "/api/v3/openOrders"

A = TypeVar("A", Receipt, OrderReport)

_NUMBER = re.compile(r"[0-9]{1,19}")


# ---- one order


def _ask_place(asked: AskPlace, ctx: Ctx) -> Mapping[str, Any]:
    if asked.reduce_only or asked.pos_side:
        raise Misuse("Binance spot knows no positions to reduce.", next="leave reduce_only and pos_side out")
    if asked.margin not in ("", "cash"):
        raise Misuse(f"Binance spot trades for cash, not on {asked.margin} margin.", next="leave margin out")
    if asked.quote_qty is not None and asked.type is not OrderType.MARKET:
        raise Misuse("Only a market order takes its quantity in quote here.", next="give qty")
    if asked.post_only and asked.type is not OrderType.LIMIT:
        raise Misuse(f"A {asked.type} order cannot be post-only here.", next="place a limit order")
    params: dict[str, Any] = {
        "symbol": ctx.catalog.theirs(asked.symbol).venue_symbol,
        "side": asked.side.upper(),
        "type": MAKER if asked.post_only else SPELLED[asked.type],
    }
    if asked.type.is_limit and not asked.post_only:  # "sent when not required" is an error
        params["timeInForce"] = asked.tif.value
    wished = {"quantity": asked.qty, "quoteOrderQty": asked.quote_qty, "price": asked.price, "stopPrice": asked.trigger}
    params |= {name: plain(number) for name, number in wished.items() if number is not None}
    if asked.client_id:
        params["newClientOrderId"] = asked.client_id
    # FULL: only with it (or RESULT) come the fills and the reason why an order expired at once.
    return params | {"newOrderRespType": "FULL"} | _fence(asked)


def _ask_amend(asked: AskAmend, ctx: Ctx) -> Mapping[str, Any]:
    """The order would get a new client id if its own were not sent again."""
    if asked.qty is None or asked.price is not None or asked.trigger is not None:
        raise Misuse("Binance amends the quantity only, and only downwards.", next="cancel it and place another")
    named = {"newClientOrderId": asked.client_id} if asked.client_id else {}
    return {**_named(asked, ctx), "newQty": plain(asked.qty), **named, **_fence(asked)}


def _ask_one(asked: AskCancel | AskOrder, ctx: Ctx) -> Mapping[str, Any]:
    return _named(asked, ctx)


def _ask_all(asked: AskCancelAll, ctx: Ctx) -> Mapping[str, Any]:
    if not asked.symbol:
        raise Misuse("Binance cancels all orders of one symbol at a time.", next="ask for each symbol that has some")
    return {"symbol": ctx.catalog.theirs(asked.symbol).venue_symbol}


def _named(asked: AskAmend | AskCancel | AskOrder, ctx: Ctx) -> dict[str, Any]:
    """With both names the venue searches by its own and checks ours."""
    params: dict[str, Any] = {"symbol": ctx.catalog.theirs(asked.symbol).venue_symbol}
    if asked.order_id:
        params["orderId"] = number_of(asked.order_id)
    if asked.client_id:
        params["origClientOrderId"] = asked.client_id
    return params


def _fence(asked: AskPlace | AskAmend) -> dict[str, Any]:
    if not asked.window_ms:
        return {}
    if asked.window_ms > WINDOW_MOST_MS:
        raise Misuse(f"Binance takes a window of {WINDOW_MOST_MS} ms at most.", next="give the order less time")
    stamped = {"timestamp": asked.until_ms - asked.window_ms} if asked.until_ms else {}
    return {"recvWindow": asked.window_ms, **stamped}


def number_of(order_id: str) -> int:
    if not _NUMBER.fullmatch(order_id):
        raise Misuse(f"{order_id!r} is no order id of Binance, which are numbers.", next="give client_id instead")
    return int(order_id)


def plain(number: Decimal) -> str:
    """Exponents are refused as illegal characters."""
    return format(number, "f")


# ---- what they answer


def _read_receipt(body: bytes, asked: AskPlace | AskCancel, ctx: Ctx) -> Receipt:
    return _own(receipt(_ORDER(body), ctx), asked)


def _read_amended(body: bytes, asked: AskAmend, ctx: Ctx) -> Receipt:
    return _own(amended(_AMENDED(body), ctx), asked)


def _own(told: A, asked: AskPlace | AskCancel | AskAmend | AskOrder) -> A:
    """A reply about another order than was asked for proves nothing."""
    order_id = "" if isinstance(asked, AskPlace) else asked.order_id
    if asked.client_id not in ("", told.client_id) or order_id not in ("", told.order_id):
        raise Nonsense(f"asked for {asked.client_id or order_id}, told of {told.client_id} ({told.order_id})")
    return told


def _read_all(body: bytes, asked: AskCancelAll, ctx: Ctx) -> tuple[Receipt, ...]:
    """Lists of orders come as such, with each of their orders; where nothing was open it is said as a refusal."""
    if body.lstrip().startswith(b"{") and is_nothing_open(_REFUSAL(body)):
        return ()
    rows = [row for raw in _ROWS(body) for row in (_CANCELLED(raw).order_reports or [_ORDER(raw)])]
    return tuple(receipt(row, ctx) for row in rows)


def _read_order(body: bytes, asked: AskOrder, ctx: Ctx) -> OrderReport:
    return _own(queried(_ORDER(body), ctx), asked)


def queried(row: orders.OrderRow, ctx: Ctx) -> OrderReport:
    return report(row, row.client_order_id, row.update_time or row.time, ctx)


def report(row: orders.OrderRow, client_id: str, venue_ms: int, ctx: Ctx) -> OrderReport:
    if row.status not in STATES:
        raise Nonsense(f"an unknown status of an order: {row.status!r}")
    kind, cost = TYPES.get(row.type), numbers.decimal(row.cummulative_quote_qty)
    return OrderReport(
        venue=NAME,
        symbol=symbol_of(row.symbol, ctx),
        order_id=str(row.order_id),
        status=STATES[row.status],
        client_id=client_id,
        venue_ns=venue_ms * MS,
        created_ns=row.time * MS,
        side=row.side.lower(),
        type=kind,
        tif=TIFS.get(row.time_in_force),
        qty=some(row.orig_qty),
        quote_qty=some(row.orig_quote_order_qty),
        price=some(row.price),
        trigger=some(row.stop_price),
        filled=numbers.decimal(row.executed_qty),
        cost=cost if cost >= 0 else None,  # "some historical orders": negative means that it is not available
        post_only=None if kind is None else row.type == MAKER,
        reason="" if row.expiry_reason in NO_REASON else row.expiry_reason,
    )


def receipt(row: orders.OrderRow, ctx: Ctx) -> Receipt:
    """Of a placement or a cancel. The shortest form (ACK) shows nothing of the order."""
    client_id, at_ms = row.orig_client_order_id or row.client_order_id, row.transact_time or row.update_time
    fills = tuple(_part(part, row, client_id, ctx) for part in row.fills)
    shown = report(row, client_id, at_ms, ctx) if row.status else None
    return Receipt(order_id=str(row.order_id), client_id=client_id, venue_ns=at_ms * MS, report=shown, fills=fills)


def amended(told: orders.Amended, ctx: Ctx) -> Receipt:
    row = told.amended_order
    row.orig_qty = row.qty or row.orig_qty
    row.cummulative_quote_qty = row.cumulative_quote_qty or row.cummulative_quote_qty
    row.orig_quote_order_qty = row.quote_order_qty or row.orig_quote_order_qty
    shown = report(row, row.client_order_id, told.transact_time, ctx)
    return Receipt(order_id=shown.order_id, client_id=shown.client_id, venue_ns=shown.venue_ns, report=shown)


def _part(part: orders.FillPart, row: orders.OrderRow, client_id: str, ctx: Ctx) -> Fill:
    """What was filled at once was taken."""
    return Fill(
        venue=NAME,
        symbol=symbol_of(row.symbol, ctx),
        order_id=str(row.order_id),
        id=str(part.trade_id),
        side=row.side.lower(),
        price=numbers.decimal(part.price),
        qty=numbers.decimal(part.qty),
        fee=numbers.decimal(part.commission),
        fee_asset=ctx.catalog.asset(part.commission_asset),
        maker=False,
        client_id=client_id,
        venue_ns=row.transact_time * MS,
    )


# ---- the other way

_STATUS: Mapping[Status, str] = {ours: theirs for theirs, ours in reversed(tuple(STATES.items()))}
_WHY: Mapping[str, str] = {  # the engine's words -> expiryReason
    "ioc": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "fok": "UNFILLED_FOK_ORDER_EXPIRED",
    "liquidity": "INSUFFICIENT_LIQUIDITY",
    "funds": "REJECTED",
    "venue": "EXCHANGE_CANCELED",
}


def reason(one: OrderReport) -> str:
    """Why it expired, in the venue's words; NONE where it did not."""
    if one.status is not Status.EXPIRED:
        return "NONE"
    return _WHY.get(one.reason, one.reason if one.reason.isupper() else "NONE")


def spelled(one: OrderReport) -> tuple[str, str, str]:
    """(status, type, timeInForce); an order without a limit is told as GTC."""
    kind = MAKER if one.post_only else SPELLED[one.type or OrderType.LIMIT]
    return _STATUS[one.status], kind, one.tif.value if one.tif else "GTC"


def size(one: OrderReport) -> Decimal | None:
    """An order for an amount of quote is told with what was filled as its quantity."""
    return one.filled if one.qty is None else one.qty


def cancel_name(order_id: str) -> str:
    """What the venue calls a cancel that was not named."""
    return f"cancel{order_id}"


_ORDER = msgspec.json.Decoder(orders.OrderRow).decode
_AMENDED = msgspec.json.Decoder(orders.Amended).decode
_ROWS = msgspec.json.Decoder(list[msgspec.Raw]).decode
_REFUSAL = msgspec.json.Decoder(wire.Refusal).decode
_CANCELLED = msgspec.json.Decoder(orders.Cancelled).decode


# ---- the table. Calls that succeed cost nothing, failed ones the weight that is named; who asks cannot know which


def _place_cost(asked: AskPlace) -> tuple[Charge, ...]:
    return *weight(1), Charge("orders"), Charge("orders a day")


_KNOWN = orders.REPLIES["order"]
_TABLE: tuple[Endpoint[Any, Any], ...] = (
    Endpoint(Op.PLACE, "POST", ORDER, _ask_place, strict(_read_receipt),
             effect=Effect.ONCE, cost=_place_cost, known=_KNOWN),
    Endpoint(Op.AMEND, "PUT", AMEND, _ask_amend, strict(_read_amended),
             effect=Effect.SETS, cost=lambda _: weight(4), known=orders.REPLIES["amend"]),
    Endpoint(Op.CANCEL, "DELETE", ORDER, _ask_one, strict(_read_receipt),
             effect=Effect.SETS, cost=lambda _: weight(1), known=_KNOWN),
    Endpoint(Op.CANCEL_ALL, "DELETE", OPEN, _ask_all, strict(_read_all),
             effect=Effect.SETS, cost=lambda _: weight(1), known=_KNOWN | {"code", "msg"}),
    Endpoint(Op.ORDER, "GET", ORDER, _ask_one, strict(_read_order), cost=lambda _: weight(4), known=_KNOWN),
)  # fmt: skip
ENDPOINTS: Mapping[Op, Endpoint[Any, Any]] = {row.op: row for row in _TABLE}
