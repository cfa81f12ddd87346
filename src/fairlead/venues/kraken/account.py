"""Kraken's REST calls that ask about orders, fills and the account, as a table; it asks and reads, and sends nothing.

An order is found by its txid; by our id (cl_ord_id) only among the open ones and among those that ended. Lists are told
of all markets at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from fairlead.errors import Misuse
from fairlead.model import numbers
from fairlead.model.account import Balance, Fees
from fairlead.model.orders import Fill, OrderReport, Status
from fairlead.venues.kraken import orders, wire
from fairlead.venues.kraken.channels import execution_fill, merged, order_report, rfc3339_ns
from fairlead.venues.kraken.faults import CALLS
from fairlead.venues.kraken.orders import FLAG_POST, FLAG_QUOTE, OUR_TYPES, PAGE_ROWS, STATUSES, TIFS, Enveloped
from fairlead.venues.kraken.rest import NAME, exact, pair, strict
from fairlead.venues.kraken.wire import REPLY, SECOND_NS, under
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx, Endpoint
from fairlead.wire.limits import Charge
from fairlead.wire.orders import AskFills, AskOpenOrders, AskOrder, AskOrders
from fairlead.wire.shapes import Nonsense, number_text

HISTORY_UNITS = 4  # of TradesHistory: the reference says 2, a newer page 4; to count too many does no harm
ORDERS_KEPT = 10_000  # of which a connection remembers what was told
T = TypeVar("T")


class Page(tuple[T, ...]):
    """One page of a list that is told of all markets: what was left out of it still counts for the next."""

    next: str = ""  # how many rows to pass over; "": this was the last


# ---- orders


def _ask_order(asked: AskOrder, ctx: Ctx) -> Mapping[str, Any]:
    if not asked.order_id:
        raise Misuse(
            "Kraken finds an order by its txid alone.", next="ask open orders, then orders, with this client_id"
        )
    return {"txid": asked.order_id}


def _ask_open(asked: AskOpenOrders | AskOrders) -> Mapping[str, Any]:
    return {"cl_ord_id": asked.client_id} if asked.client_id else {}


def _span(asked: AskOrders | AskFills) -> dict[str, Any]:
    """`start` is exclusive, `end` inclusive, both whole seconds: rounded outwards."""
    told = {"start": -(-asked.start_ns // SECOND_NS) - 1 if asked.start_ns else 0,
            "end": -(-(asked.end_ns - 1) // SECOND_NS) if asked.end_ns else 0, "ofs": int(asked.page or 0)}  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _ask_closed(asked: AskOrders, ctx: Ctx) -> Mapping[str, Any]:
    return {**_ask_open(asked), **_span(asked)}


def _read_order(body: bytes, asked: AskOrder, ctx: Ctx) -> OrderReport:
    rows = _QUERIED(body).result
    if list(rows) != [asked.order_id]:
        raise Nonsense(f"asked for {asked.order_id}, told of {', '.join(rows)[:100] or 'nothing'}")
    return report(asked.order_id, rows[asked.order_id], ctx)


def _read_open(body: bytes, asked: AskOpenOrders, ctx: Ctx) -> tuple[OrderReport, ...]:
    told = [report(id, row, ctx) for id, row in _OPEN(body).result.open.items()]
    return tuple(one for one in told if asked.symbol in ("", one.symbol))


def _read_closed(body: bytes, asked: AskOrders, ctx: Ctx) -> tuple[OrderReport, ...]:
    """Newest first."""
    told = _CLOSED(body).result
    reports = [report(id, row, ctx) for id, row in told.closed.items()]
    return _page((one for one in reports if asked.symbol in ("", one.symbol)), asked, len(reports), told.count)


def _page(kept: Iterable[T], asked: AskOrders | AskFills, rows: int, count: Raw) -> Page[T]:
    """Rows come in newer ones before them: so a page may tell again what the one before told, and leaves none out."""
    page, passed = Page(kept), int(asked.page or 0) + rows
    total = int(number_text(count) or 0)
    page.next = str(passed) if rows and (rows >= PAGE_ROWS or passed < total) else ""
    return page


def _after(asked: Any, answer: tuple[Any, ...]) -> Any:
    rest = answer.next if isinstance(answer, Page) else ""
    return msgspec.structs.replace(asked, page=rest) if rest else None


def report(id: str, row: orders.OrderRow, ctx: Ctx) -> OrderReport:
    """With viqc the volume is in the quote currency; `price` is the average, the limit stands in `descr`."""
    flags, descr, type = row.oflags.split(","), row.descr, OUR_TYPES.get(row.descr.ordertype)
    listed, in_quote = ctx.catalog.ours(descr.pair), FLAG_QUOTE in row.oflags.split(",")
    if row.status not in STATUSES:
        raise Nonsense(f"an order of unknown status {row.status[:40]!r}")
    status, done, volume = STATUSES[row.status], exact(row.vol_exec), exact(row.vol)
    first, second = _price(descr.price), _price(descr.price2)
    is_triggered = type is not None and type.is_triggered
    begun_ns, ended_ns = _ns(row.opentm), _ns(row.closetm)
    return OrderReport(
        venue=NAME,
        symbol=listed.symbol if listed else descr.pair,
        order_id=id,
        status=Status.PARTIAL if status is Status.OPEN and done else status,
        client_id=row.cl_ord_id or "",
        venue_ns=ended_ns or (0 if done else begun_ns),
        created_ns=begun_ns,
        side=descr.type,
        type=type,
        tif=TIFS.get(row.time_in_force or ""),
        qty=None if in_quote else volume,
        quote_qty=volume if in_quote else None,
        price=second if is_triggered else first,
        trigger=first if is_triggered else None,
        filled=None if in_quote and done else done,
        cost=exact(row.cost),
        average=exact(row.price) if done else None,
        post_only=FLAG_POST in flags,
        reason=row.reason or "",
    )


def _price(text: str) -> Decimal | None:
    """None where there is none ("0"), or one relative to the market ("+1.0000%")."""
    if text[:1] in ("+", "-", "#") or text.endswith("%"):
        return None
    return (numbers.decimal(text) or None) if text else None


def _ns(raw: Raw) -> int:
    text = number_text(raw)
    return numbers.fixed(text, 9) if text not in ("", "null") else 0


class Known:
    """What was told of each order, since updates are partial; of the longest silent it is forgotten first."""

    def __init__(self) -> None:
        self._orders: dict[str, tuple[orders.ExecutionItem, int]] = {}  # with when each began

    def take(self, told: orders.ExecutionItem, ctx: Ctx, seen_ns: int) -> tuple[Fill | OrderReport, ...]:
        """The fill, if it is one, and the report that counts it; nothing of an order that was never told of."""
        known, begun_ns = self._orders.pop(told.order_id, (told, 0))
        if told.exec_type in ("pending_new", "new") and not begun_ns:
            begun_ns = rfc3339_ns(told.timestamp)
        known = merged(known, told)
        if not known.symbol:
            return ()
        self._orders[told.order_id] = known, begun_ns
        if len(self._orders) > ORDERS_KEPT:
            del self._orders[next(iter(self._orders))]
        reported = order_report(known, begun_ns, ctx, seen_ns)
        is_fill = told.exec_id and told.last_price is not None and told.last_qty is not None
        return (execution_fill(told, known, ctx, seen_ns), reported) if is_fill else (reported,)


# ---- fills


def _read_fills(body: bytes, asked: AskFills, ctx: Ctx) -> tuple[Fill, ...]:
    """Newest first."""
    told = _HISTORY(body).result
    fills = [_fill(id, row, ctx) for id, row in told.trades.items()]
    kept = (one for one in fills if asked.symbol in ("", one.symbol) and asked.order_id in ("", one.order_id))
    return _page(kept, asked, len(fills), told.count)


def _fill(id: str, row: orders.FillRow, ctx: Ctx) -> Fill:
    """The fee is told in the quote currency, whichever it was taken from."""
    listed = ctx.catalog.ours(row.pair)
    return Fill(
        venue=NAME,
        symbol=listed.symbol if listed else row.pair,
        order_id=row.ordertxid,
        id=id,
        side=row.type,
        price=exact(row.price),
        qty=exact(row.vol),
        fee=exact(row.fee),
        fee_asset=listed.parts.quote.removesuffix(".d") if listed else "",
        maker=row.maker,
        venue_ns=_ns(row.time),
    )


# ---- the account


def _read_balances(body: bytes, asked: AskNothing, ctx: Ctx) -> tuple[Balance, ...]:
    """What is free: balance + credit - credit_used - hold_trade. Both numbers leave out withdrawals under way."""
    told = []
    for code, held in _HOLDINGS(body).result.items():
        total, more, less, traded = map(exact, (held.balance, held.credit, held.credit_used, held.hold_trade))
        told.append(Balance(wire.asset(code), total, total + more - less - traded))
    return tuple(told)


def _read_fees(body: bytes, asked: AskSymbol, ctx: Ctx) -> Fees:
    """In percent, by the pair's key."""
    told, listed = _FEE(body).result, ctx.catalog.theirs(asked.symbol)
    key = next((name for name in told.fees if ctx.catalog.ours(name) is listed), "")
    if not key:
        raise Nonsense(f"asked for the fees of {asked.symbol}, told of {', '.join(told.fees)[:100] or 'none'}")
    taker = exact(told.fees[key].fee)
    maker = exact(told.fees_maker[key].fee) if key in told.fees_maker else taker
    return Fees(symbol=asked.symbol, maker=maker.scaleb(-2, numbers.EXACT), taker=taker.scaleb(-2, numbers.EXACT))


def _read_token(body: bytes, asked: AskNothing, ctx: Ctx) -> str:
    return _TOKEN(body).result.token


# ---- the table

_QUERIED = msgspec.json.Decoder(Enveloped[dict[str, orders.OrderRow]]).decode
_OPEN = msgspec.json.Decoder(Enveloped[orders.OpenOrders]).decode
_CLOSED = msgspec.json.Decoder(Enveloped[orders.ClosedOrders]).decode
_HISTORY = msgspec.json.Decoder(Enveloped[orders.Trades]).decode
_HOLDINGS = msgspec.json.Decoder(wire.Holdings).decode
_FEE = msgspec.json.Decoder(Enveloped[orders.Volume]).decode
_TOKEN = msgspec.json.Decoder(Enveloped[orders.Token]).decode

PATHS = {
    Op.ORDER: "/0/private/QueryOrders",
    Op.OPEN_ORDERS: "/0/private/OpenOrders",
    Op.ORDERS: "/0/private/ClosedOrders",
    Op.FILLS: "/0/private/TradesHistory",
    Op.BALANCES: "/0/private/BalanceEx",
    Op.FEES: "/0/private/TradeVolume",
    Op.TOKEN: "/0/private/GetWebSocketsToken",
}
_ANY = "result.<any>"
_FEE_FIELDS = "fee minfee maxfee nextfee nextvolume tiervolume min_fee max_fee next_fee next_volume tier_volume"


def _rows(path: str) -> frozenset[str]:
    return REPLY | {path} | under(path, orders.ROW) | under(f"{path}.descr", orders.DESCR)


KNOWN = {
    Op.ORDER: _rows(_ANY),
    Op.OPEN_ORDERS: under("result", "open") | _rows("result.open.<any>"),
    Op.ORDERS: under("result", "closed count") | _rows("result.closed.<any>"),
    Op.FILLS: REPLY | under("result", "trades count trades.<any>") | under("result.trades.<any>", orders.FILL),
    Op.BALANCES: REPLY | {_ANY} | under(_ANY, "balance hold_trade credit credit_used"),
    Op.FEES: REPLY | under("result", "currency volume schedules fees fees_maker fees.<any> fees_maker.<any>")
    | under("result.fees.<any>", _FEE_FIELDS) | under("result.fees_maker.<any>", _FEE_FIELDS),
    Op.TOKEN: REPLY | under("result", "token expires"),
}  # fmt: skip


def account(history_units: int = HISTORY_UNITS) -> Mapping[Op, Endpoint[Any, Any]]:
    """`history_units`: what the venue counts for a page of fills, of which it says two things."""

    def row(op: Op, ask: Any, read: Any, units: int = 1, **more: Any) -> Endpoint[Any, Any]:
        charges: Callable[[Any], tuple[Charge, ...]] = lambda asked: (Charge(CALLS, units),)  # noqa: E731
        return Endpoint(op, "POST", PATHS[op], ask, strict(read), cost=charges, known=KNOWN[op], **more)

    rows = (
        row(Op.ORDER, _ask_order, _read_order),
        row(Op.OPEN_ORDERS, lambda asked, ctx: _ask_open(asked), _read_open),
        row(Op.ORDERS, _ask_closed, _read_closed, after=_after),
        row(Op.FILLS, lambda asked, ctx: _span(asked), _read_fills, history_units, after=_after),
        row(Op.BALANCES, lambda asked, ctx: {}, _read_balances),
        row(Op.FEES, lambda asked, ctx: pair(asked.symbol, ctx), _read_fees),
        row(Op.TOKEN, lambda asked, ctx: {}, _read_token),
    )
    return {one.op: one for one in rows}
