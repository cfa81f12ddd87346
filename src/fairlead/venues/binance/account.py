"""Binance's calls about an account as a table: what it holds and pays, its open orders, its history; it sends nothing.

History is kept by symbol. With a start and an end, which may lie a day apart at most, pages are days ("@1700000000000")
until one holds something; from there on they go by number ("28458"), which no day bounds. With a start alone the oldest
come first."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from fairlead.model import numbers
from fairlead.model.account import Balance, Fees, Holding
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport
from fairlead.venues.binance import orders, wire
from fairlead.venues.binance.channels import NAME
from fairlead.venues.binance.orders import NO_REASON, STATES, TIFS, TYPES, some, symbol_of
from fairlead.venues.binance.rest import ms_from, page_rows, strict, weight
from fairlead.venues.binance.trade import OPEN, number_of, queried
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx, Endpoint
from fairlead.wire.orders import AskFills, AskOpenOrders, AskOrders
from fairlead.wire.shapes import Nonsense

DAY_MS = 86_400_000  # "the time between startTime and endTime can't be longer than 24 hours"
BALANCES, FEES = "/api/v3/account", "/api/v3/account/commission"
ALL_ORDERS, MY_TRADES = "/api/v3/allOrders", "/api/v3/myTrades"
BY_DAY = "@"

H = TypeVar("H", AskOrders, AskFills)


# ---- what it holds and pays


def _ask_balances(asked: AskNothing, ctx: Ctx) -> Mapping[str, Any]:
    return {"omitZeroBalances": "true"}


def _read_balances(body: bytes, asked: AskNothing, ctx: Ctx) -> tuple[Balance, ...]:
    def one(row: wire.AssetBalance) -> Balance:
        free = numbers.decimal(row.free)
        return Balance(ctx.catalog.asset(row.asset), free + numbers.decimal(row.locked), free)

    return tuple(one(row) for row in _ACCOUNT(body).balances)


def _ask_fees(asked: AskSymbol, ctx: Ctx) -> Mapping[str, Any]:
    return {"symbol": ctx.catalog.theirs(asked.symbol).venue_symbol}


def _read_fees(body: bytes, asked: AskSymbol, ctx: Ctx) -> Fees:
    """The three kinds of commission add up, and each is one for making or taking plus one for buying or selling, of
    which the dearer counts here. What paying in the venue's own coin saves is left out."""
    told = _COMMISSION(body)
    parts = (told.standard_commission, told.special_commission, told.tax_commission)
    side = sum((max(numbers.decimal(one.buyer), numbers.decimal(one.seller)) for one in parts), Decimal(0))
    maker = sum((numbers.decimal(one.maker) for one in parts), side)
    taker = sum((numbers.decimal(one.taker) for one in parts), side)
    return Fees(symbol=symbol_of(told.symbol, ctx), maker=maker, taker=taker)


# ---- orders and fills


def _ask_open(asked: AskOpenOrders, ctx: Ctx) -> Mapping[str, Any]:
    return {"symbol": ctx.catalog.theirs(asked.symbol).venue_symbol} if asked.symbol else {}


def _read_open(body: bytes, asked: AskOpenOrders, ctx: Ctx) -> tuple[OrderReport, ...]:
    return tuple(queried(row, ctx) for row in _ORDERS(body))


def _ask_orders(asked: AskOrders, ctx: Ctx) -> Mapping[str, Any]:
    return {"symbol": ctx.catalog.theirs(asked.symbol).venue_symbol, **_page(asked, "orderId")}


def _read_orders(body: bytes, asked: AskOrders, ctx: Ctx) -> tuple[OrderReport, ...]:
    told = (queried(row, ctx) for row in _ORDERS(body))
    return tuple(one for one in told if not asked.end_ns or one.created_ns < asked.end_ns)


def _ask_fills(asked: AskFills, ctx: Ctx) -> Mapping[str, Any]:
    of = {"orderId": number_of(asked.order_id)} if asked.order_id else {}
    return {"symbol": ctx.catalog.theirs(asked.symbol).venue_symbol, **of, **_page(asked, "fromId")}


def _read_fills(body: bytes, asked: AskFills, ctx: Ctx) -> tuple[Fill, ...]:
    told = (fill(row, ctx) for row in _MY_TRADES(body))
    return tuple(one for one in told if not asked.end_ns or one.venue_ns < asked.end_ns)


def fill(row: orders.MyTrade, ctx: Ctx) -> Fill:
    return Fill(
        venue=NAME,
        symbol=symbol_of(row.symbol, ctx),
        order_id=str(row.order_id),
        id=str(row.id),
        side="buy" if row.is_buyer else "sell",
        price=numbers.decimal(row.price),
        qty=numbers.decimal(row.qty),
        fee=numbers.decimal(row.commission),
        fee_asset=ctx.catalog.asset(row.commission_asset),
        maker=row.is_maker,
        venue_ns=row.time * MS,
    )


# ---- pages of history


def _page(asked: AskOrders | AskFills, number: str) -> dict[str, Any]:
    """The fills of one order take no times."""
    params: dict[str, Any] = {}
    if _is_by_number(asked):
        params[number] = number_of(asked.page)
    elif _is_dated(asked):
        params["startTime"] = start_ms = _start_ms(asked)
        if asked.end_ns:
            params["endTime"] = min(start_ms + DAY_MS, ms_from(asked.end_ns)) - 1  # it is inclusive there
    elif asked.end_ns and not _order_id(asked):
        params["endTime"] = ms_from(asked.end_ns) - 1
    return params | {"limit": page_rows(asked.limit)}


def _is_by_number(asked: AskOrders | AskFills) -> bool:
    return bool(asked.page) and not asked.page.startswith(BY_DAY)


def _is_dated(asked: AskOrders | AskFills) -> bool:
    return bool(asked.start_ns) and not _order_id(asked)


def _order_id(asked: AskOrders | AskFills) -> str:
    return asked.order_id if isinstance(asked, AskFills) else ""


def _start_ms(asked: AskOrders | AskFills) -> int:
    return int(asked.page.removeprefix(BY_DAY) or ms_from(asked.start_ns))


def _after(asked: H, answer: tuple[Any, ...], last_id: str) -> H | None:
    """Rows ascend by number. A day that held nothing is followed by the next; the latest alone by nothing."""
    by_day = _is_dated(asked) and bool(asked.end_ns) and not _is_by_number(asked)
    if by_day and not answer:
        next_ms = _start_ms(asked) + DAY_MS
        return msgspec.structs.replace(asked, page=f"{BY_DAY}{next_ms}") if next_ms * MS < asked.end_ns else None
    is_whole = asked.page or _is_dated(asked) or _order_id(asked)
    if not is_whole or (not by_day and len(answer) < page_rows(asked.limit)):
        return None
    return msgspec.structs.replace(asked, page=str(int(last_id) + 1))


def _after_orders(asked: AskOrders, answer: tuple[OrderReport, ...]) -> AskOrders | None:
    return _after(asked, answer, answer[-1].order_id if answer else "")


def _after_fills(asked: AskFills, answer: tuple[Fill, ...]) -> AskFills | None:
    return _after(asked, answer, answer[-1].id if answer else "")


# ---- the same as the account's stream tells it


def executed(told: orders.Execution, seen_ns: int, ctx: Ctx) -> tuple[Fill | None, OrderReport]:
    """The fill that it tells, if any, and the order as it then stands."""
    if told.X not in STATES:
        raise Nonsense(f"an unknown status of an order: {told.X!r}")
    named = told.c if told.x == "REPLACED" or not told.C else told.C
    symbol, kind, reasons = symbol_of(told.s, ctx), TYPES.get(told.o), (told.eR, told.r)
    whole = OrderReport(
        venue=NAME,
        symbol=symbol,
        order_id=str(told.i),
        status=STATES[told.X],
        client_id=named,
        venue_ns=told.T * MS,
        seen_ns=seen_ns,
        created_ns=told.O * MS,
        side=told.S.lower(),
        type=kind,
        tif=TIFS.get(told.f),
        qty=some(told.q),
        quote_qty=some(told.Q),
        price=some(told.p),
        trigger=some(told.P),
        filled=numbers.decimal(told.z),
        cost=numbers.decimal(told.Z),
        post_only=None if kind is None else told.o == orders.MAKER,
        reason=next((word for word in reasons if word not in NO_REASON), ""),
    )
    qty = numbers.decimal(told.l)
    if told.t < 0 or not qty:
        return None, whole
    return Fill(
        venue=NAME,
        symbol=symbol,
        order_id=whole.order_id,
        id=str(told.t),
        side=whole.side,
        price=numbers.decimal(told.L),
        qty=qty,
        fee=None if told.n is None else numbers.decimal(told.n),
        fee_asset=ctx.catalog.asset(told.N) if told.N else "",
        maker=told.m,
        client_id=named,
        venue_ns=whole.venue_ns,
        seen_ns=seen_ns,
    ), whole


def holding(held: orders.Held, updated_ms: int, seen_ns: int, ctx: Ctx) -> Holding:
    free = numbers.decimal(held.f)
    return Holding(
        venue=NAME,
        asset=ctx.catalog.asset(held.a),
        total=free + numbers.decimal(held.l),
        free=free,
        venue_ns=updated_ms * MS,
        seen_ns=seen_ns,
    )


_ACCOUNT = msgspec.json.Decoder(wire.Account).decode
_COMMISSION = msgspec.json.Decoder(orders.Commission).decode
_ORDERS = msgspec.json.Decoder(list[orders.OrderRow]).decode
_MY_TRADES = msgspec.json.Decoder(list[orders.MyTrade]).decode


# ---- the table

_ROWS: tuple[Endpoint[Any, Any], ...] = (
    Endpoint(Op.BALANCES, "GET", BALANCES, _ask_balances, strict(_read_balances),
             cost=lambda _: weight(20), known=wire.REPLIES["account"]),
    Endpoint(Op.FEES, "GET", FEES, _ask_fees, strict(_read_fees),
             cost=lambda _: weight(20), known=orders.REPLIES["commission"]),
    Endpoint(Op.OPEN_ORDERS, "GET", OPEN, _ask_open, strict(_read_open),
             cost=lambda asked: weight(6 if asked.symbol else 80), known=orders.REPLIES["order"]),
    Endpoint(Op.ORDERS, "GET", ALL_ORDERS, _ask_orders, strict(_read_orders), after=_after_orders,
             cost=lambda _: weight(20), known=orders.REPLIES["order"]),
    Endpoint(Op.FILLS, "GET", MY_TRADES, _ask_fills, strict(_read_fills), after=_after_fills,
             cost=lambda asked: weight(5 if asked.order_id else 20), known=orders.REPLIES["myTrades"]),
)  # fmt: skip
ENDPOINTS: Mapping[Op, Endpoint[Any, Any]] = {row.op: row for row in _ROWS}
