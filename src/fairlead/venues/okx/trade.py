"""OKX's calls of orders as a table that reads like the vendor's document; it sends nothing.

Stop and take-profit orders are no orders at this venue but algo orders: another call, another id, another channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fairlead.errors import Misuse
from fairlead.model.instrument import Instrument
from fairlead.model.orders import OrderType, Receipt, Tif
from fairlead.model.symbols import parse
from fairlead.venues.okx import faults
from fairlead.venues.okx.orders import ACK, AckRow
from fairlead.venues.okx.rest import FENCE, ROWS, inst_id, nouns, only
from fairlead.venues.okx.wire import REPLY, known
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Ctx, Effect, Endpoint
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.limits import Charge
from fairlead.wire.orders import (
    AskAmend,
    AskCancel,
    AskCancelMany,
    AskOrder,
    AskPlace,
    AskPlaceMany,
)
from fairlead.wire.shapes import Nonsense

Params = Mapping[str, Any]
BATCH_MOST = 20  # orders of one request


# ---- place
def place(asked: AskPlace, ctx: Ctx) -> dict[str, Any]:
    """One order in the venue's words, without the fence, which is the request's."""
    one = ctx.catalog.theirs(asked.symbol)
    spot = one.kind == "spot"
    if asked.type.is_triggered or asked.trigger is not None:
        raise Misuse(
            f"OKX takes no {asked.type.value} order as an order.",
            known="there it is an algo order, with its own call, id and channel, and cannot be followed by our id",
            next="watch the price and place a limit or market order when it is reached",
        )
    if (asked.qty is None) == (asked.quote_qty is None):
        raise Misuse("An order has either a quantity or an amount of quote.", next="give qty or quote_qty")
    market = asked.type is OrderType.MARKET
    if asked.quote_qty is not None and not (spot and market):
        raise Misuse("OKX takes an amount of quote for spot market orders alone.", next="give qty")
    found: dict[str, Any] = {
        "instId": one.venue_symbol,
        "tdMode": asked.margin or usual_margin(one, ctx),
        "side": asked.side,
    }
    found |= _sides(asked, one, ctx)
    found["ordType"] = "market" if market else _limit_type(asked)
    if not market and asked.price is not None:
        found["px"] = format(asked.price, "f")
    size = asked.qty if asked.qty is not None else asked.quote_qty
    found["sz"] = format(size, "f") if size is not None else ""
    if spot and market:
        # Left out, a buy is counted in quote and a sell in base; and what exceeds the balance is cut in silence.
        found |= {"tgtCcy": "base_ccy" if asked.qty is not None else "quote_ccy", "banAmend": True}
    return found | ({"clOrdId": asked.client_id} if asked.client_id else {})


def usual_margin(one: Instrument, ctx: Ctx) -> str:
    """Spot is paid in cash except where the account is of several currencies (3) or of a portfolio (4)."""
    return "cross" if one.kind != "spot" or ctx.mode.level in ("3", "4") else "cash"


def _limit_type(asked: AskPlace) -> str:
    if asked.post_only and asked.tif is not Tif.GTC:
        raise Misuse(f"An order cannot be both post-only and {asked.tif.value}.", next="leave one of them out")
    if asked.price is None:
        raise Misuse("A limit order needs its price.", next="give price, or place a market order")
    return "post_only" if asked.post_only else {Tif.GTC: "limit", Tif.IOC: "ioc", Tif.FOK: "fok"}[asked.tif]


def _sides(asked: AskPlace, one: Instrument, ctx: Ctx) -> dict[str, Any]:
    """Where positions have two sides, each order names its own, and closing is what reduces: the venue's flag is for
    one-sided positions alone."""
    if one.kind == "spot":
        if asked.reduce_only or asked.pos_side:
            raise Misuse("A spot order has no position to reduce.", next="leave out reduce_only and pos_side")
        return {}
    if not ctx.mode.hedged:
        if asked.pos_side:
            raise Misuse("Positions of this account are one-sided.", next="leave out pos_side, or set the mode")
        return {"reduceOnly": True} if asked.reduce_only else {}
    if asked.pos_side not in ("long", "short"):
        raise Misuse("Positions of this account have two sides.", next="give pos_side: long or short")
    if asked.reduce_only and (asked.side == "buy") == (asked.pos_side == "long"):
        raise Misuse(f"To {asked.side} {asked.pos_side} opens a position.", next="leave out reduce_only")
    return {"posSide": asked.pos_side}


def _fence(until_ms: int) -> dict[str, str]:
    return {FENCE: str(until_ms)} if until_ms else {}


def _ask_place(asked: AskPlace, ctx: Ctx) -> Params:
    return place(asked, ctx) | _fence(asked.until_ms)


def _ask_place_many(asked: AskPlaceMany, ctx: Ctx) -> Params:
    _some(asked.orders)
    return {ROWS: [place(one, ctx) for one in asked.orders]} | _fence(asked.orders[0].until_ms)


def _some(orders: tuple[Any, ...]) -> None:
    if not 0 < len(orders) <= BATCH_MOST:
        raise Misuse(f"A batch of OKX holds 1 to {BATCH_MOST} orders, not {len(orders)}.", next="split it")


# ---- amend, cancel
def named(asked: AskAmend | AskCancel | AskOrder, ctx: Ctx) -> dict[str, Any]:
    if not asked.client_id and not asked.order_id:
        raise Misuse("It is not said which order.", next="give client_id or order_id")
    order = {"ordId": asked.order_id} if asked.order_id else {}
    client = {"clOrdId": asked.client_id} if asked.client_id else {}
    return {"instId": inst_id(asked.symbol, ctx)} | order | client


def amend(asked: AskAmend, ctx: Ctx) -> dict[str, Any]:
    """`newSz` is the total, what was filled included."""
    if asked.trigger is not None:
        raise Misuse("Orders of OKX have no trigger to amend.", next="give qty or price")
    if asked.qty is None and asked.price is None:
        raise Misuse("The amendment changes nothing.", next="give qty or price")
    found = named(asked, ctx)
    if asked.request:
        found["reqId"] = asked.request
    if asked.qty is not None:
        found["newSz"] = format(asked.qty, "f")
    if asked.price is not None:
        found["newPx"] = format(asked.price, "f")
    return found


def _ask_amend(asked: AskAmend, ctx: Ctx) -> Params:
    return amend(asked, ctx) | _fence(asked.until_ms)


def _ask_cancel_many(asked: AskCancelMany, ctx: Ctx) -> Params:
    _some(asked.orders)
    return {ROWS: [named(one, ctx) for one in asked.orders]}


def _read_ack(body: bytes, asked: AskPlace | AskAmend | AskCancel, ctx: Ctx) -> Receipt:
    receipt: Receipt = only(nouns(body, AckRow, AckRow.noun))
    if not _about(receipt.order_id, receipt.client_id, asked):
        raise Nonsense(f"the reply is about another order: {receipt.client_id or receipt.order_id}")
    return receipt


def _about(order_id: str, client_id: str, asked: Any) -> bool:
    theirs = getattr(asked, "order_id", "")
    return client_id in ("", asked.client_id or client_id) and (not theirs or order_id in ("", theirs))


LOST = Fault(Kind.SERVER, Fate.UNKNOWN, said="the reply to the batch says nothing of this order")


def _read_many(body: bytes, asked: AskPlaceMany | AskCancelMany, ctx: Ctx) -> tuple[Outcome[Receipt], ...]:
    """One row for each, in the same order; a row that names another order says nothing of this one."""
    op = Op.PLACE_MANY if isinstance(asked, AskPlaceMany) else Op.CANCEL_MANY
    acks = nouns(body, AckRow, lambda row: row)
    by_name = {ack.cl_ord_id: ack for ack in acks if ack.cl_ord_id}
    in_place = acks if len(acks) == len(asked.orders) else []
    found: list[Outcome[Receipt]] = []
    each: tuple[AskPlace | AskCancel, ...] = asked.orders
    for at, one in enumerate(each):
        ack = by_name.get(one.client_id) or (in_place[at] if in_place else None)
        if ack is None or not _about(ack.ord_id, ack.cl_ord_id, one):
            found.append(LOST)
        else:
            found.append(ack.noun() if ack.s_code == "0" else faults.of_code(ack.s_code, ack.s_msg, op))
    return tuple(found)


# ---- by socket
CALLS = {
    Op.PLACE: "order", Op.PLACE_MANY: "batch-orders", Op.CANCEL: "cancel-order",
    Op.CANCEL_MANY: "batch-cancel-orders", Op.AMEND: "amend-order",
}  # fmt: skip


def by_socket(op: Op, asked: Any, ctx: Ctx) -> dict[str, Any]:
    """As on REST, but for the instrument, which goes by its number, and the fence, which stands beside."""
    params = dict(ENDPOINTS[op].ask(asked, ctx))
    fence = {FENCE: params.pop(FENCE)} if FENCE in params else {}
    return {"op": CALLS[op], **fence, "args": [_numbered(row, ctx) for row in params.get(ROWS, [params])]}


def _numbered(row: Params, ctx: Ctx) -> dict[str, Any]:
    one = ctx.catalog.ours(row["instId"])
    code = one.names.get("code", "") if one is not None else ""
    if not code.isdecimal():
        raise Misuse(f"{row['instId']} has no instIdCode yet, and orders by socket need it.", next="place it by REST")
    return {"instIdCode": int(code)} | {name: value for name, value in row.items() if name != "instId"}


# ---- what it costs
def _sums(path: str, symbols: Iterable[str], counted: bool) -> tuple[Charge, ...]:
    """Each instrument has its own budget, REST and socket together. New and amended orders of derivatives are counted
    for the account as a whole as well."""
    units: dict[str, int] = {}
    for symbol in symbols:
        units[symbol] = units.get(symbol, 0) + 1
    each = tuple(Charge(path, count, of) for of, count in units.items())
    swaps = sum(count for of, count in units.items() if counted and parse(of).kind != "spot")
    return each + ((Charge(ORDERS_BUDGET, swaps),) if swaps else ())


ORDERS_BUDGET = "orders"


def _row(
    op: Op, name: str, ask: Callable[[Any, Ctx], Params], read: Callable[[bytes, Any, Ctx], Any], effect: Effect,
    symbols: Callable[[Any], Iterable[str]] = lambda asked: (asked.symbol,),
) -> Endpoint[Any, Any]:  # fmt: skip
    path, counted = f"trade/{name}", op in (Op.PLACE, Op.PLACE_MANY, Op.AMEND)

    def cost(asked: Any) -> tuple[Charge, ...]:
        every = tuple(symbols(asked))
        single = len(every) == 1 and name in SINGLE  # a batch of one counts as one by itself
        return _sums(f"trade/{SINGLE[name]}" if single else path, every, counted)

    return Endpoint(op, "POST", f"/api/v5/{path}", ask, read, effect=effect, cost=cost, known=KNOWN)


SINGLE = {"batch-orders": "order", "cancel-batch-orders": "cancel-order"}
KNOWN = known(REPLY | {"inTime", "outTime"}, ACK)
_each = lambda asked: (one.symbol for one in asked.orders)  # noqa: E731

ENDPOINTS: dict[Op, Endpoint[Any, Any]] = {
    row.op: row
    for row in (
        _row(Op.PLACE, "order", _ask_place, _read_ack, Effect.ONCE),
        _row(Op.PLACE_MANY, "batch-orders", _ask_place_many, _read_many, Effect.ONCE, _each),
        _row(Op.AMEND, "amend-order", _ask_amend, _read_ack, Effect.SETS),
        _row(Op.CANCEL, "cancel-order", named, _read_ack, Effect.SETS),
        _row(Op.CANCEL_MANY, "cancel-batch-orders", _ask_cancel_many, _read_many, Effect.SETS, _each),
    )
}
