"""Kraken's REST about orders from the venue's side: hears what is asked, as strict as the venue, and answers it.

It decides nothing about an order itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from fairlead.model import numbers
from fairlead.model.account import DeadMan
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Tif
from fairlead.venues.kraken import account, orders, trade
from fairlead.venues.kraken.channels import rfc3339_ns
from fairlead.venues.kraken.faults import ARGUMENTS, NO_ORDER, NO_PAIR, worded
from fairlead.venues.kraken.replies import Manners, fill_row, in_words, order_row, rfc3339
from fairlead.venues.kraken.wire import SECOND_NS
from fairlead.wire import orders as asks
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind, Outcome
from fairlead.wire.mirror import Habits, Heard
from fairlead.wire.signing import Stamp

T = TypeVar("T")
TIMER_MOST_S = 86_400
SECONDS_CHARS = 10  # of a time in seconds
_TXID = re.compile(r"O[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}")
_CLIENT_ID = re.compile(r"[a-z0-9_-]{1,18}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FLAGS = {"", orders.FLAG_POST, "fcib", "fciq", orders.FLAG_QUOTE, "nompp", "no_mpp"}
# Post-only orders that would take are refused, or cancelled before they were live; FOK is cancelled after it was. A
# cancel tells an order that has ended from one that never was; fees are taken in the quote currency.
HABITS = Habits(post_only_shown=False, fok="cancelled", rest="cancelled", fee_of="quote", amend_filled="cancelled")


# ---- what is asked

Params = Mapping[str, Any]


class Wrong(ValueError):
    """An argument the venue does not take; its text is what the venue says."""


def number(params: Params, name: str) -> Decimal | None:
    if params.get(name) in (None, ""):
        return None
    try:
        found = numbers.decimal(str(params[name]))
    except ValueError:
        found = Decimal(0)
    if found <= 0:
        raise Wrong(f"{ARGUMENTS}:{name}")
    return found


def until_ms(params: Params) -> int:
    try:
        return rfc3339_ns(str(params.get("deadline", ""))) // MS
    except ValueError:
        raise Wrong(f"{ARGUMENTS}:deadline") from None


def listed(name: str, ctx: Ctx) -> Instrument:
    found = ctx.catalog.ours(name)
    if found is None:
        raise Wrong(NO_PAIR if name else ARGUMENTS)
    return found


def placed(params: Params, symbol: str, fence_ms: int) -> asks.AskPlace:
    """One order, in the words of Add Order."""
    kind = orders.OUR_TYPES.get(str(params.get("ordertype")))
    tif = orders.TIFS.get(str(params.get("timeinforce") or "GTC").upper())
    flags, side = set(str(params.get("oflags", "")).split(",")), str(params.get("type"))
    volume, first, second = (number(params, name) for name in ("volume", "price", "price2"))
    is_quote = orders.FLAG_QUOTE in flags
    checks = {
        "type": side in ("buy", "sell"),
        "ordertype": kind is not None,
        "volume": volume is not None,
        "price": kind is OrderType.MARKET or first is not None,
        "price2": second is not None or kind not in (OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT),
        "timeinforce": tif is not None and (tif is not Tif.FOK or kind is OrderType.LIMIT),
        "oflags": flags <= _FLAGS and not (orders.FLAG_POST in flags and (tif is Tif.IOC or kind is OrderType.MARKET)),
        "viqc": not is_quote or (kind is OrderType.MARKET and side == "buy"),
        "leverage": str(params.get("leverage") or "none") == "none",
        "close": not any(name.startswith("close") for name in params),  # nor is anything made to follow
        "validate": str(params.get("validate") or "false").lower() == "false",  # nothing is tried out here
    }
    wrong = next((name for name, is_right in checks.items() if not is_right), "")
    if wrong:
        raise Wrong(f"{ARGUMENTS}:{wrong}")
    assert kind is not None, "or the check has failed"
    assert tif is not None, "likewise"
    is_stop, has_price = kind.is_triggered, kind is not OrderType.MARKET
    return asks.AskPlace(
        symbol=symbol, side=side, type=kind, client_id=client_id(params), until_ms=fence_ms, tif=tif,
        qty=None if is_quote else volume, quote_qty=volume if is_quote else None,
        price=(second if is_stop else first) if kind.is_limit else None,
        trigger=first if is_stop and has_price else None, post_only=orders.FLAG_POST in flags,
        reduce_only=str(params.get("reduce_only", "")).lower() == "true",
    )  # fmt: skip


def client_id(params: Params) -> str:
    """A UUID, with or without dashes, or up to 18 characters; and no userref beside it."""
    name = str(params.get("cl_ord_id", ""))
    if name and (not _CLIENT_ID.fullmatch(name) or params.get("userref")):
        raise Wrong(f"{ARGUMENTS}:cl_ord_id")
    return name


def order_id(params: Params) -> str:
    """Of a form that no id has: the venue never issued it."""
    id = str(params.get("txid") or "")
    if id and not _TXID.fullmatch(id):
        raise Wrong(NO_ORDER)
    return id


def many(rows: Any, symbol: str, fence_ms: int) -> asks.AskPlaceMany:
    if not isinstance(rows, list) or not orders.BATCH_LEAST <= len(rows) <= orders.BATCH_MOST:
        raise Wrong(f"{ARGUMENTS}:orders")
    return asks.AskPlaceMany(tuple(placed(row if isinstance(row, dict) else {}, symbol, fence_ms) for row in rows))


def amended(params: Params) -> asks.AskAmend:
    id, name = order_id(params), client_id(params)
    qty, price, trigger = (number(params, name) for name in ("order_qty", "limit_price", "trigger_price"))
    if bool(id) == bool(name) or (qty, price, trigger) == (None, None, None):
        raise Wrong(ARGUMENTS)
    return asks.AskAmend(
        symbol="", order_id=id, client_id=name, qty=qty, price=price, trigger=trigger, until_ms=until_ms(params)
    )


def _cancel(params: Params) -> asks.AskCancel:
    id, name = order_id(params), client_id(params)
    if bool(id) == bool(name):
        raise Wrong(ARGUMENTS)
    return asks.AskCancel(symbol="", order_id=id, client_id=name)


def cancels(ids: Any, names: Any) -> asks.AskCancelMany:
    if not (isinstance(ids, list) and isinstance(names, list) and 1 <= len(ids) + len(names) <= orders.CANCELS_MOST):
        raise Wrong(f"{ARGUMENTS}:orders")
    by_id = [asks.AskCancel(symbol="", order_id=order_id({"txid": one})) for one in ids]
    return asks.AskCancelMany(
        (*by_id, *(asks.AskCancel(symbol="", client_id=client_id({"cl_ord_id": one})) for one in names))
    )


def _order(params: Params) -> asks.AskOrder:
    """The txid is required; several at once are not told here."""
    if not params.get("txid"):
        raise Wrong(ARGUMENTS)
    return asks.AskOrder(symbol="", order_id=order_id(params))


def _span(params: Params) -> dict[str, Any]:
    """`start` is exclusive, `end` inclusive."""
    start, end = whole(params, "start"), whole(params, "end")
    return {"start_ns": start * SECOND_NS + 1 if start else 0, "end_ns": end * SECOND_NS + 1 if end else 0}


def whole(params: Params, name: str) -> int:
    """Seconds may have a fraction, which is dropped; rows to pass over have none."""
    given = str(params.get(name) or "0").partition(".")[0]
    if not given.isdecimal() or not given.isascii() or len(given) > SECONDS_CHARS:
        raise Wrong(f"{ARGUMENTS}:{name}")
    return int(given)


def timer(params: Params) -> asks.AskDeadMan:
    given = str(params.get("timeout", ""))
    if not given.isdecimal() or not given.isascii() or int(given) >= TIMER_MOST_S:
        raise Wrong(f"{ARGUMENTS}:timeout")
    return asks.AskDeadMan(int(given) * 1_000)


def _of_pair(params: Params, ctx: Ctx) -> Instrument:
    return listed(str(params.get("pair", "")), ctx)


def _hear(op: Op, read: Callable[[Params, Ctx], Any]) -> Callable[[Params, Ctx], Heard | Fault]:
    """A page is cut from the whole list: how much of it was passed over, the tag tells the answer."""

    def listen(params: Params, ctx: Ctx) -> Heard | Fault:
        try:
            return Heard(op, read(params, ctx), tag=str(whole(params, "ofs") or ""))
        except Wrong as wrong:
            return Fault(Kind.INVALID, said=str(wrong))

    return listen


LISTEN: Mapping[str, Callable[[Params, Ctx], Heard | Fault]] = {
    trade.PATHS[Op.PLACE]: _hear(Op.PLACE, lambda p, ctx: placed(p, _of_pair(p, ctx).symbol, until_ms(p))),
    trade.PATHS[Op.PLACE_MANY]: _hear(
        Op.PLACE_MANY, lambda p, ctx: many(p.get("orders"), _of_pair(p, ctx).symbol, until_ms(p))
    ),
    trade.PATHS[Op.AMEND]: _hear(Op.AMEND, lambda p, ctx: amended(p)),
    trade.PATHS[Op.CANCEL]: _hear(Op.CANCEL, lambda p, ctx: _cancel(p)),
    trade.PATHS[Op.CANCEL_MANY]: _hear(
        Op.CANCEL_MANY, lambda p, ctx: cancels(p.get("orders", []), p.get("cl_ord_ids", []))
    ),
    trade.PATHS[Op.CANCEL_ALL]: _hear(Op.CANCEL_ALL, lambda p, ctx: asks.AskCancelAll()),
    account.PATHS[Op.ORDER]: _hear(Op.ORDER, lambda p, ctx: _order(p)),
    account.PATHS[Op.OPEN_ORDERS]: _hear(Op.OPEN_ORDERS, lambda p, ctx: asks.AskOpenOrders(client_id=client_id(p))),
    account.PATHS[Op.ORDERS]: _hear(
        Op.ORDERS, lambda p, ctx: asks.AskOrders(symbol="", client_id=client_id(p), **_span(p))
    ),
    account.PATHS[Op.FILLS]: _hear(Op.FILLS, lambda p, ctx: asks.AskFills(symbol="", **_span(p))),
    account.PATHS[Op.BALANCES]: _hear(Op.BALANCES, lambda p, ctx: AskNothing()),
    account.PATHS[Op.FEES]: _hear(Op.FEES, lambda p, ctx: AskSymbol(_of_pair(p, ctx).symbol)),
    account.PATHS[Op.TOKEN]: _hear(Op.TOKEN, lambda p, ctx: AskNothing()),
    trade.PATHS[Op.DEAD_MAN]: _hear(Op.DEAD_MAN, lambda p, ctx: timer(p)),
}


# ---- what is answered


def _say_place(heard: Heard, answer: Receipt, ctx: Ctx, manners: Manners) -> Any:
    echo = {"cl_ord_id": answer.client_id} if manners.tells_client_id and answer.client_id else {}
    return {"descr": {"order": _in_words(heard.asked, ctx)}, "txid": [answer.order_id], **echo}


def _say_batch(heard: Heard, answer: Iterable[Outcome[Receipt]], ctx: Ctx, manners: Manners) -> Any:
    """What one order is refused for before matching is its own."""
    rows = zip(answer, heard.asked.orders, strict=True)
    return {"orders": [{"error": worded(one, asked, manners.texts)} if isinstance(one, Fault)
                       else {"descr": {"order": _in_words(asked, ctx)}, "txid": one.order_id}
                       for one, asked in rows]}  # fmt: skip


def _in_words(asked: asks.AskPlace, ctx: Ctx) -> str:
    prices = (asked.trigger, asked.price) if asked.type.is_triggered else (asked.price,)
    qty = asked.qty if asked.qty is not None else asked.quote_qty
    return in_words(ctx.catalog.theirs(asked.symbol), asked.side, asked.type, qty, prices)


def _say_amended(heard: Heard, answer: Receipt, ctx: Ctx, manners: Manners) -> Any:
    return {"amend_id": "T" + answer.order_id[1:] if answer.order_id else "TTW6PD-RC36L-ZZSWNU"}


def _say_count(heard: Heard, answer: Receipt | tuple[Outcome[Receipt], ...], ctx: Ctx, manners: Manners) -> Any:
    told = answer if isinstance(answer, tuple) else (answer,)
    return {"count": sum(not isinstance(one, Fault) for one in told)}


def _say_order(heard: Heard, answer: OrderReport, ctx: Ctx, manners: Manners) -> Any:
    return {answer.order_id: order_row(answer, ctx)}


def _say_orders(heard: Heard, answer: Iterable[OrderReport], ctx: Ctx, manners: Manners) -> Any:
    """Newest first; of those that ended a page, and the number of all."""
    told = sorted(answer, key=lambda one: -max(one.created_ns, one.venue_ns))
    if heard.op is Op.OPEN_ORDERS:
        return {"open": {one.order_id: order_row(one, ctx) for one in told}}
    told = [one for one in told if one.status.is_final]
    return {"closed": {one.order_id: order_row(one, ctx) for one in _cut(told, heard)}, "count": len(told)}


def _say_fills(heard: Heard, answer: Iterable[Fill], ctx: Ctx, manners: Manners) -> Any:
    told = sorted(answer, key=lambda one: -one.venue_ns)
    return {"trades": {one.id: fill_row(one, ctx) for one in _cut(told, heard)}, "count": len(told)}


def _cut(told: list[T], heard: Heard) -> list[T]:
    passed = int(heard.tag or 0)
    return told[passed : passed + orders.PAGE_ROWS]


def timer_told(answer: DeadMan, at: Stamp, manners: Manners) -> Any:
    fires = _second(answer.fires_ms) if answer.fires_ms else manners.timer_off
    return {"currentTime": _second(at.venue_ms), "triggerTime": fires}


def _second(ms: int) -> str:
    return rfc3339(ms * MS, 0).replace(".", "")


SAY: Mapping[str, Callable[[Heard, Any, Ctx, Manners], Any]] = {
    trade.PATHS[Op.PLACE]: _say_place,
    trade.PATHS[Op.PLACE_MANY]: _say_batch,
    trade.PATHS[Op.AMEND]: _say_amended,
    trade.PATHS[Op.CANCEL]: _say_count,
    trade.PATHS[Op.CANCEL_MANY]: _say_count,
    trade.PATHS[Op.CANCEL_ALL]: _say_count,
    account.PATHS[Op.ORDER]: _say_order,
    account.PATHS[Op.OPEN_ORDERS]: _say_orders,
    account.PATHS[Op.ORDERS]: _say_orders,
    account.PATHS[Op.FILLS]: _say_fills,
}
