"""Binance's REST from the other side (rest-api.md, errors.md): what it takes and refuses; it knows no market.

As strict as the venue about parameters, signatures and clocks. Any path that nothing is heard at answers 404, a retired
one 410. The calls about orders and accounts are heard in engine.py."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import msgspec

from fairlead.model.market import MS
from fairlead.venues.binance import auth, channels, engine, office, replies
from fairlead.venues.binance.engine import Call, Params, listed
from fairlead.venues.binance.faults import SYMBOLS, USED, Refuse, legal, spoken
from fairlead.venues.binance.hearing import RAW, MarketRoom
from fairlead.venues.binance.private import PATH
from fairlead.venues.binance.rest import BOOK_WEIGHTS, BY_NUMBER, FOLDED, LATEST, ROWS_MOST
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Habits, Heard, Mirror
from fairlead.wire.signing import Stamp, Verifier

BOOK_DEFAULT, ROWS_DEFAULT = 100, 500  # what is given where no `limit` is asked for
RETIRED = ("/api/v3/userDataStream", "/api/v1/")
_JSON = {"content-type": "application/json;charset=UTF-8"}
_HTML = {"content-type": "text/html"}


# ---- hear


def hear(request: Request, ctx: Ctx) -> Heard | Fault:
    call = CALLS.get((request.method, request.path))
    if call is None:
        retired = request.path.startswith(RETIRED)
        return Fault(Kind.GONE, said="Gone" if retired else "Not Found", status=410 if retired else 404)
    return engine.heard(call, request.path, _params(request), ctx, _key(request))


def _params(request: Request) -> Params:
    """Of the body too; what is in both counts as the query has it."""
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)) | dict(
        parse_qsl(request.query, keep_blank_values=True)
    )


def _symbol(params: Params, ctx: Ctx) -> str:
    """Ours; with a status that must be the symbol's own."""
    found = listed(params["symbol"], ctx)
    if params.get("symbolStatus", found.venue_status) != found.venue_status:
        raise Refuse(-1220, "The symbol's status does not match the requested symbolStatus.")
    return found.symbol


def _some(params: Params, ctx: Ctx) -> AskSymbol:
    """`symbol`, `symbols` or neither; several are answered as all, of which the wanted ones are said."""
    if "symbol" in params and "symbols" in params:
        raise Refuse(-1128, "Combination of optional parameters invalid.")
    if "symbol" in params:
        return AskSymbol(listed(params["symbol"], ctx).symbol)
    if "symbols" in params:
        legal("symbols", params["symbols"], SYMBOLS)
        names = msgspec.json.decode(params["symbols"], type=list[str])
        for name in names:
            listed(name, ctx)
    return AskSymbol("")


def _listing(params: Params, ctx: Ctx) -> AskListing:
    _some(params, ctx)
    if {"symbol", "symbols"} & params.keys() and {"permissions", "symbolStatus"} & params.keys():
        raise Refuse(-1128, "Combination of optional parameters invalid.")
    return AskListing()


def _limit(params: Params, default: int, most: int) -> int:
    """More is cut."""
    return min(int(params.get("limit", default)), most)


def _book(params: Params, ctx: Ctx) -> AskBook:
    return AskBook(_symbol(params, ctx), _limit(params, BOOK_DEFAULT, BOOK_WEIGHTS[-1][0]))


def _trades(params: Params, ctx: Ctx) -> AskTrades:
    since_ns = int(params.get("startTime", 0)) * MS
    return AskTrades(_symbol(params, ctx), _limit(params, ROWS_DEFAULT, ROWS_MOST), since_ns, params.get("fromId", ""))


def _candles(params: Params, ctx: Ctx) -> AskCandles:
    ours = {theirs: name for name, theirs in channels.INTERVALS.items()}
    symbol = _symbol(params, ctx)
    if params["interval"] not in ours:
        raise Refuse(-1120, "Invalid interval.")
    start_ns = int(params.get("startTime", 0)) * MS
    end_ns = (int(params["endTime"]) + 1) * MS if "endTime" in params else 0
    return AskCandles(symbol, ours[params["interval"]], start_ns, end_ns, _limit(params, ROWS_DEFAULT, ROWS_MOST))


_SOME = ("symbol", "symbols", "type", "symbolStatus")
_MARKET: Mapping[str, Call] = {
    **dict.fromkeys(replies.EMPTY, Call(Op.TIME, lambda params, ctx: AskNothing(), is_signed=True)),
    replies.PING: Call(Op.TIME, lambda params, ctx: AskNothing()),
    "/api/v3/time": Call(Op.TIME, lambda params, ctx: AskNothing()),
    "/api/v3/exchangeInfo": Call(
        Op.INSTRUMENTS, _listing, may=("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")
    ),
    "/api/v3/depth": Call(Op.BOOK, _book, ("symbol",), ("limit", "symbolStatus")),
    "/api/v3/ticker/24hr": Call(Op.TICKER, _some, may=_SOME),
    "/api/v3/ticker/price": Call(Op.TICKER, _some, may=_SOME),
    "/api/v3/ticker/bookTicker": Call(Op.TICKER, _some, may=_SOME),
    LATEST: Call(Op.TRADES, _trades, ("symbol",), ("limit",)),
    BY_NUMBER: Call(Op.TRADES, _trades, ("symbol",), ("limit", "fromId")),
    FOLDED: Call(Op.TRADES, _trades, ("symbol",), ("limit", "fromId", "startTime", "endTime")),
    "/api/v3/klines": Call(Op.CANDLES, _candles, ("symbol", "interval"), ("limit", "startTime", "endTime")),
    "/api/v3/uiKlines": Call(Op.CANDLES, _candles, ("symbol", "interval"), ("limit", "startTime", "endTime")),
}
CALLS: Mapping[tuple[str, str], Call] = {**{("GET", path): call for path, call in _MARKET.items()}, **engine.CALLS}


# ---- proof


def _key(request: Request) -> str:
    return next((value for name, value in request.headers.items() if name.lower() == auth.KEY_HEADER.lower()), "")


def proof(request: Request, verifier: Verifier, at: Stamp) -> Fault | None:
    try:
        auth.prove(_key(request), _params(request), auth.unsigned(request.query, request.body), verifier, at)
    except Refuse as refused:
        return refused.fault
    return None


# ---- say, refuse, limit


def say(heard: Heard, answer: Any, ctx: Ctx, at: Stamp) -> Reply:
    if isinstance(answer, Fault):
        return refuse(worded(answer, heard.op))
    if heard.op is Op.CANCEL_ALL and not answer:
        return refuse(worded(Fault(Kind.NOT_FOUND), heard.op))
    path, _, query = heard.path.partition("?")
    words = engine.SAYS.get(path)
    said = words(answer, parse_qs(query), ctx, at) if words else replies.reply(heard, answer, ctx, at)
    return Reply(200, _JSON, msgspec.json.encode(said))


_SOCKETS = "Please use WebSocket Streams for live updates to avoid"
# What a fault without the venue's code is said with: a mishap's, the city's own, or the engine's. (status, code, words)
_USUAL: Mapping[Kind, tuple[int, int, str]] = {
    Kind.MAINTENANCE: (503, -1008, "Server is currently overloaded with other requests. Please try again in a few "
                                   "minutes."),
    Kind.SERVER: (500, -1000, "An unknown error occurred while processing the request."),
    Kind.LIMIT: (429, -1003, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
                             f"{_SOCKETS} polling the API."),
    Kind.SYMBOL: (400, -1121, "Invalid symbol."),
    Kind.FUNDS: (400, -2010, "Account has insufficient balance for requested action."),
    Kind.DUPLICATE: (400, -2010, "Duplicate order sent."),
    Kind.POST_ONLY: (400, -2010, "Order would immediately match and take."),
    Kind.MARKET_STATE: (400, -2010, "Market is closed."),
    Kind.PERMISSION: (400, -2010, "This action is disabled on this account."),
    Kind.ACCOUNT: (400, -2010, "This account may not place or cancel orders."),
    Kind.RISK: (400, -2010, "This action is disabled on this account."),
    Kind.KEY: (401, -2015, "Invalid API-key, IP, or permissions for action."),
    Kind.CLOCK: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    Kind.NOT_FOUND: (400, -2013, "Order does not exist."),
    Kind.INVALID: (400, -1013, "Invalid quantity."),
}  # fmt: skip
# The engine was silent: nobody knows what it did.
_SILENT = (
    408,
    -1007,
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
)
_UNKNOWN_ORDER = (400, -2011, "Unknown order sent.")  # filled, cancelled or never there: all the same to a cancel
_FAILED: Mapping[str, tuple[int, int, str]] = {
    "tick": (400, -1013, "Filter failure: PRICE_FILTER"),
    "lot": (400, -1013, "Filter failure: LOT_SIZE"),
    "min qty": (400, -1013, "Filter failure: LOT_SIZE"),
    "max qty": (400, -1013, "Filter failure: LOT_SIZE"),
    "min notional": (400, -1013, "Filter failure: NOTIONAL"),
    "price band": (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    "orders": (400, -1013, "Filter failure: MAX_NUM_ORDERS"),
    "trigger": (400, -2010, "Order would trigger immediately."),
    "liquidity": (400, -1112, "No orders on book for symbol."),
    "no change": (400, -2038, "The requested action would change no state; rejecting"),
    "amend up": (400, -2038, "Order amend (quantity increase) is not supported."),
    "filled": (400, -2038, "The requested action would change no state; rejecting"),
    "deadline": _USUAL[Kind.CLOCK],
}


def worded(fault: Fault, op: Op) -> Fault:
    """What the engine refuses, in the venue's own words; what has a code already stays as it is."""
    if fault.code:
        return fault
    words = _FAILED.get(fault.said) or _USUAL.get(fault.kind)
    if fault.kind is Kind.SERVER and fault.fate is Fate.UNKNOWN:
        words = _SILENT
    if fault.kind is Kind.NOT_FOUND and op in (Op.CANCEL, Op.CANCEL_ALL, Op.AMEND):
        words = _UNKNOWN_ORDER
    return spoken(*words, fault.wait_ms, fault.until_ms) if words else fault


def refuse(fault: Fault) -> Reply:
    """JSON with code and words; a proxy in front of the venue speaks HTML."""
    later = {"retry-after": str(-(-fault.wait_ms // 1_000))} if fault.wait_ms else {}
    if not fault.code and fault.kind not in _USUAL:
        status = fault.status or 500
        page = f"<html><body><center><h1>{status} {fault.said}</h1></center></body></html>"
        return Reply(status, {**_HTML, **later}, page.encode())
    status, code, said = _USUAL.get(fault.kind, (400, 0, ""))
    body = {"code": int(fault.code or code), "msg": fault.said or said}
    return Reply(fault.status or status, {**_JSON, **later}, msgspec.json.encode(body))


_USED_UP: Mapping[str, tuple[int, str]] = {
    "dials": (-1034, "Too many connections."),
    "api dials": (-1034, "Too many connections."),
    "raw": (-1003, "Too many requests; current limit is 300000 requests per 5 MINUTE."),
    "orders": (-1015, "Too many new orders; current limit is 100 orders per 10 SECOND."),
    "orders a day": (-1015, "Too many new orders; current limit is 200000 orders per 1 DAY."),
}


def limit(budget: str, wait_ms: int) -> Fault:
    _, code, said = _USUAL[Kind.LIMIT]
    return spoken(429, *_USED_UP.get(budget, (code, said)), wait_ms)


def ban(budget: str, wait_ms: int, until_ms: int) -> Fault | None:
    """Those who go on after 429. A connection that sends too many frames is cut instead, and who places too many orders
    is only refused more of them."""
    if budget in ("frames", "orders", "orders a day"):
        return None
    said = f"Way too much request weight used; IP banned until {until_ms}. {_SOCKETS} bans."
    return spoken(418, -1003, said, wait_ms, until_ms)


def toll(readings: tuple[Reading, ...]) -> Mapping[str, str]:
    told = {header: str(one.used) for one in readings for header, budget in USED.items() if one.budget == budget}
    weight = told.get("x-mbx-used-weight-1m")
    return told if weight is None else {"x-mbx-used-weight": weight, **told}


MIRROR = Mirror(
    hear=hear,
    proof=proof,
    say=say,
    refuse=refuse,
    limit=limit,
    ban=ban,
    toll=toll,
    rooms={
        "market": MarketRoom,
        "market/raw": MarketRoom,
        "ws_api": partial(office.AccountRoom, office.Desk(CALLS, say)),
    },
    paths={"market": "/stream", "market/raw": RAW, "ws_api": PATH},
    listing=channels.listing,
    decoys=(RETIRED[0], "/api/v1/depth"),
    habits=Habits(latest_cancel="unknown", amend_up=False),
    client_name=lambda number: f"auto{number:018d}",
)
