"""OKX's end of orders and accounts: what a request asks, and what an engine answers, in the venue's words.

It keeps no order and knows no balance: others do, and this only hears and says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS
from fairlead.model.orders import OrderType
from fairlead.venues.okx import auth, channels
from fairlead.venues.okx.account import HEDGED, ONE_SIDED, PAGE_MOST, SWITCH_LEAST_MS, SWITCH_MOST_MS, family
from fairlead.venues.okx.faults import Denied, Wrong
from fairlead.venues.okx.orders import KINDS
from fairlead.venues.okx.rest import FENCE, TYPES
from fairlead.venues.okx.trade import BATCH_MOST, usual_margin
from fairlead.wire import orders as ask
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Kind
from fairlead.wire.http import Request

Query: TypeAlias = Mapping[str, str]
Question: TypeAlias = tuple[Op, Any, str]  # with what its answer must be told by
DIGITS_MOST, NAME_MOST_CHARS = 20, 32
_body = msgspec.json.Decoder(float_hook=Decimal).decode


# ---- parameters
def given(query: Query, name: str) -> str:
    if not query.get(name):
        raise Wrong("50014", f"Parameter {name} can not be empty.")
    return query[name]


def number(query: Query, name: str) -> int:
    """0 where it is not given."""
    text = query.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MOST):
        raise Wrong("51000", f"Parameter {name} error")
    return int(text or 0)


def instrument(query: Query, ctx: Ctx) -> Instrument:
    found = channels.by_id(given(query, "instId"), ctx)
    if found is None:
        raise Wrong("51001", "Instrument ID doesn't exist.", Kind.SYMBOL, 200)
    return found


def _word(query: Query, name: str, *words: str) -> str:
    text = query.get(name, "")
    if text not in words:
        raise Wrong("51000", f"Parameter {name} error")
    return text


def _amount(query: Query, name: str) -> Decimal | None:
    text = query.get(name, "")
    try:
        found = numbers.decimal(text) if text else None
    except ValueError:
        found = Decimal(-1)
    if found is not None and found <= 0:
        raise Wrong("51000", f"Parameter {name} error")
    return found


def _name(query: Query, name: str) -> str:
    text = query.get(name, "")
    if text and not (text.isascii() and text.isalnum() and len(text) <= NAME_MOST_CHARS):
        raise Wrong("51000", f"Parameter {name} error")
    return text


def _names(query: Query) -> dict[str, str]:
    names = {"client_id": _name(query, "clOrdId"), "order_id": query.get("ordId", "")}
    if not any(names.values()):
        raise Wrong("51003", "Either client order ID or order ID is required.")
    return names


def _margin(query: Query, one: Instrument, ctx: Ctx, name: str) -> str:
    """Of spot nothing is said, since an account has but one way."""
    if one.kind == "spot":
        return _word(query, name, usual_margin(one, ctx)) and ""
    return _word(query, name, "cross", "isolated")


# ---- orders: each by REST with its instId, by socket with its instIdCode
def placed(query: Query, ctx: Ctx, until_ms: int) -> ask.AskPlace:
    """An order larger than the balance is refused, whatever `banAmend` says: the simulator cuts none to size."""
    one = instrument(query, ctx)
    spot, type_ = one.kind == "spot", given(query, "ordType")
    if type_ not in KINDS or type_ in ("rpi", "optimal_limit_ioc"):
        raise Wrong("51000", "Parameter ordType error")
    kind, tif, post_only = KINDS[type_]
    side, margin = _word(query, "side", "buy", "sell"), _margin(query, one, ctx, "tdMode")
    given(query, "sz")
    size, market = _amount(query, "sz"), kind is OrderType.MARKET
    if not market:
        given(query, "px")
    units = _word(query, "tgtCcy", "", "base_ccy", "quote_ccy") or ("quote_ccy" if side == "buy" else "base_ccy")
    in_quote = spot and market and units == "quote_ccy"
    pos_side = _side(query, *(() if spot else _SIDES))
    asked = ask.AskPlace(
        symbol=one.symbol, side=side, type=kind, client_id=_name(query, "clOrdId"), price=_amount(query, "px"),
        qty=None if in_quote else size, quote_qty=size if in_quote else None, post_only=post_only,
        reduce_only=not spot and query.get("reduceOnly") == "true", margin=margin,
        pos_side=pos_side, until_ms=until_ms,
    )  # fmt: skip
    return asked if tif is None else replace(asked, tif=tif)


_SIDES = ("long", "short")


def _side(query: Query, *sides: str) -> str:
    return _word(query, "posSide", "", "net", *sides).removeprefix("net")


def amended(query: Query, ctx: Ctx, until_ms: int) -> ask.AskAmend:
    qty, price, request = _amount(query, "newSz"), _amount(query, "newPx"), _name(query, "reqId")
    if qty is None and price is None:
        raise Wrong("51000", "Parameter newSz error")
    asked = ask.AskAmend(symbol=instrument(query, ctx).symbol, qty=qty, price=price, request=request, until_ms=until_ms)
    return replace(asked, **_names(query))


def cancelled(query: Query, ctx: Ctx, until_ms: int) -> ask.AskCancel:
    return ask.AskCancel(symbol=instrument(query, ctx).symbol, **_names(query))


EACH: dict[Op, Callable[[Query, Ctx, int], Any]] = {
    Op.PLACE: placed, Op.PLACE_MANY: placed, Op.AMEND: amended, Op.CANCEL: cancelled, Op.CANCEL_MANY: cancelled,
}  # fmt: skip


def orders_of(
    op: Op, rows: list[Query], ctx: Ctx, until_ms: int, named: Callable[[Query], Query] = lambda row: row
) -> Any:
    """The question that these rows are. One wrong row refuses the batch, as it does in a portfolio account: the
    simulator does not take half of one."""
    many = op in (Op.PLACE_MANY, Op.CANCEL_MANY)
    if not rows or len(rows) > (BATCH_MOST if many else 1):
        raise Wrong("50024" if rows else "50002", "Too many orders in the request" if rows else "JSON syntax error")
    try:
        asked = tuple(EACH[op](named(row), ctx, until_ms) for row in rows)
    except Wrong as wrong:
        fault, names = wrong.fault, tuple((row.get("clOrdId", ""), row.get("ordId", "")) for row in rows)
        wrong.fault = Denied(fault.kind, code=fault.code, said=fault.said, status=200, rows=names)
        raise
    if not many:
        return asked[0]
    return ask.AskPlaceMany(asked) if op is Op.PLACE_MANY else ask.AskCancelMany(asked)


# ---- all else
def _open_orders(query: Query, ctx: Ctx) -> Question:
    symbol = _backwards(query, ctx)
    return Op.OPEN_ORDERS, ask.AskOpenOrders(symbol=symbol, page=query.get("after", "")), _kept(query)


def _kept(query: Query) -> str:
    """Which rows are told: of a type, in a state, as many as one reply holds at the most."""
    return f"{query.get('instType', '')} {query.get('state', '')} {min(number(query, 'limit') or PAGE_MOST, PAGE_MOST)}"


def _backwards(query: Query, ctx: Ctx) -> str:
    """Of which instrument ("": all). Pages that go forward are not simulated."""
    number(query, "after")
    _word(query, "before", "")
    _word(query, "instType", "", *TYPES.values())
    return instrument(query, ctx).symbol if query.get("instId") else ""


def _orders(query: Query, ctx: Ctx) -> Question:
    given(query, "instType")
    return Op.ORDERS, ask.AskOrders(**_range(query, ctx)), _kept(query)


def _fills(query: Query, ctx: Ctx) -> Question:
    return Op.FILLS, ask.AskFills(**_range(query, ctx), order_id=query.get("ordId", "")), _kept(query)


def _range(query: Query, ctx: Ctx) -> dict[str, Any]:
    """`begin` and `end` are both within. Where rows are still to be left out, all are asked for."""
    start_ns, end_ns, symbol = number(query, "begin") * MS, number(query, "end") * MS, _backwards(query, ctx)
    limit = 0 if query.get("state") or not symbol else min(number(query, "limit"), PAGE_MOST) % PAGE_MOST
    return {"symbol": symbol, "start_ns": start_ns, "end_ns": end_ns, "limit": limit, "page": query.get("after", "")}


def _order(query: Query, ctx: Ctx) -> Question:
    return Op.ORDER, ask.AskOrder(symbol=instrument(query, ctx).symbol, **_names(query)), ""


def _positions(query: Query, ctx: Ctx) -> Question:
    """By one name, by several (told apart in the answer), or all."""
    names = query.get("instId", "")
    return Op.POSITIONS, ask.AskPositions(instrument(query, ctx).symbol if names and "," not in names else ""), names


def _close(query: Query, ctx: Ctx) -> Question:
    one = instrument(query, ctx)
    margin = _margin(query, one, ctx, "mgnMode")
    name, side = _name(query, "clOrdId"), _side(query, *_SIDES)
    return Op.CLOSE, ask.AskClose(symbol=one.symbol, client_id=name, pos_side=side, margin=margin), ""


def _leverages(query: Query, ctx: Ctx) -> Question:
    one, margin = instrument(query, ctx), _word(query, "mgnMode", "cross", "isolated")
    return Op.LEVERAGE, ask.AskLeverages(symbol=one.symbol, margin=margin), ""


def _leverage(query: Query, ctx: Ctx) -> Question:
    one, margin = instrument(query, ctx), _word(query, "mgnMode", "cross", "isolated")
    given(query, "lever")
    side = _side(query, *_SIDES)
    lever = _amount(query, "lever") or Decimal(0)
    return Op.SET_LEVERAGE, ask.AskLeverage(symbol=one.symbol, leverage=lever, margin=margin, pos_side=side), ""


def _set_mode(query: Query, ctx: Ctx) -> Question:
    return Op.SET_MODE, ask.AskSetMode(_word(query, "posMode", ONE_SIDED, HEDGED) == HEDGED), ""


def _fees(query: Query, ctx: Ctx) -> Question:
    """Of a pair by its name, of a swap by its family."""
    name = query.get("instFamily") or query.get("uly", "")
    if _word(query, "instType", *TYPES.values()) == "SPOT":
        return Op.FEES, AskSymbol(instrument(query, ctx).symbol), ""
    found = next((one for one in ctx.catalog if one.kind == "swap" and family(one.venue_symbol) == name), None)
    if found is None:
        raise Wrong("51000", "Parameter instFamily error")
    return Op.FEES, AskSymbol(found.symbol), ""


def _switch(query: Query, ctx: Ctx) -> Question:
    given(query, "timeOut")
    ms = number(query, "timeOut") * 1_000
    if ms and not SWITCH_LEAST_MS <= ms <= SWITCH_MOST_MS:
        raise Wrong("51000", "Parameter timeOut error")
    return Op.DEAD_MAN, ask.AskDeadMan(ms), query.get("tag", "")


READS: dict[str, Callable[[Query, Ctx], Question]] = {
    "trade/order": _order,
    "trade/orders-pending": _open_orders,
    "trade/orders-history": _orders,
    "trade/orders-history-archive": _orders,
    "trade/fills": _fills,
    "trade/fills-history": _fills,
    "account/positions": _positions,
    "account/config": lambda query, ctx: (Op.MODE, AskNothing(), ""),
    "account/leverage-info": _leverages,
    "account/trade-fee": _fees,
}
_WRITES: dict[str, Callable[[Query, Ctx], Question]] = {
    "trade/close-position": _close,
    "trade/cancel-all-after": _switch,
    "account/set-leverage": _leverage,
    "account/set-position-mode": _set_mode,
}
_ORDERS = {
    "trade/order": Op.PLACE, "trade/batch-orders": Op.PLACE_MANY, "trade/amend-order": Op.AMEND,
    "trade/cancel-order": Op.CANCEL, "trade/cancel-batch-orders": Op.CANCEL_MANY,
}  # fmt: skip
POSTED = frozenset({*_WRITES, *_ORDERS})


def hear_post(request: Request, path: str, ctx: Ctx) -> Question:
    rows = texts(request.body)
    op = _ORDERS.get(path)
    if op is None:
        return _WRITES[path](rows[0] if rows else {}, ctx)
    return op, orders_of(op, rows, ctx, number({FENCE: auth.header(request, FENCE)}, FENCE)), ""


def texts(body: bytes) -> list[Query]:
    """The objects of a body, every value as the text it stands for; numbers may come bare."""
    try:
        said = _body(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Wrong("50002", "JSON syntax error") from None
    rows = said if isinstance(said, list) else [said]
    if not all(isinstance(row, dict) for row in rows):
        raise Wrong("50002", "JSON syntax error")
    return [query(row) for row in rows]


def query(row: Mapping[str, Any]) -> Query:
    told = {name: value for name, value in row.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in told.items()}
