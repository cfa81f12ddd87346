"""Binance's REST from the other side (rest-api.md, errors.md): what it takes and refuses; it knows no market.

As strict as the venue about parameters, signatures and clocks. Heard are the calls for market data and balances; any
other path answers 404, a retired one 410."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from fairlead.model.instrument import Instrument
from fairlead.model.market import MS
from fairlead.venues.binance import auth, channels, faults, replies, wire
from fairlead.venues.binance.hearing import RAW, MarketRoom
from fairlead.venues.binance.rest import BOOK_WEIGHTS, BY_NUMBER, FOLDED, LATEST, ROWS_MOST
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Heard, Mirror
from fairlead.wire.signing import Stamp, Verifier

BOOK_DEFAULT, ROWS_DEFAULT = 100, 500  # what is given where no `limit` is asked for
WINDOW_MS, WINDOW_MOST_MS, AHEAD_MS = 5_000, 60_000, 1_000
SIGNED = frozenset({"timestamp", "recvWindow", "signature"})
RETIRED = ("/api/v3/userDataStream", "/api/v1/")
_JSON = {"content-type": "application/json;charset=UTF-8"}
_HTML = {"content-type": "text/html"}
# The legal ranges that -1100 names.
_SYMBOL, _INT, _DECIMAL = r"^[A-Z0-9-_.]{1,20}$", r"^[0-9]{1,20}$", r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_SYMBOLS = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'

Params = Mapping[str, str]


class Call(Struct, frozen=True):
    op: Op
    hear: Callable[[Params, Ctx], Any]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


class Refuse(Exception):
    def __init__(self, code: int, said: str, status: int = 400) -> None:
        super().__init__(said)
        self.fault = _fault(status, code, said)


# ---- hear


def hear(request: Request, ctx: Ctx) -> Heard | Fault:
    call = CALLS.get(request.path) if request.method == "GET" else None
    if call is None:
        retired = request.path.startswith(RETIRED)
        return Fault(Kind.GONE, said="Gone" if retired else "Not Found", status=410 if retired else 404)
    params = dict(parse_qsl(request.query, keep_blank_values=True))
    try:
        _check(call, params)
        asked = call.hear(params, ctx)
    except Refuse as refused:
        return refused.fault
    return Heard(call.op, asked, key_id=_key(request), path=request.target)


def _check(call: Call, params: Params) -> None:
    for name in call.needs:
        if not params.get(name):
            raise Refuse(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    known = {*call.needs, *call.may, *(SIGNED if call.op is Op.BALANCES else ())}
    read = sum(name in known for name in params)
    if read < len(params):
        raise Refuse(
            -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(params)}'."
        )
    for name in ("limit", "startTime", "endTime", "fromId"):
        _legal(name, params.get(name, "0"), _INT)
    if params.get("limit") == "0":
        raise Refuse(-1130, "Data sent for parameter 'limit' is not valid.")


def _legal(name: str, text: str, legal: str) -> None:
    if not re.fullmatch(legal, text):
        raise Refuse(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def _listed(spelled: str, ctx: Ctx) -> Instrument:
    _legal("symbol", spelled, _SYMBOL)
    found = ctx.catalog.ours(spelled)
    if found is None or found.venue_symbol != spelled:
        raise Refuse(-1121, "Invalid symbol.")
    return found


def _symbol(params: Params, ctx: Ctx) -> str:
    """Ours; with a status that must be the symbol's own."""
    listed = _listed(params["symbol"], ctx)
    if params.get("symbolStatus", listed.venue_status) != listed.venue_status:
        raise Refuse(-1220, "The symbol's status does not match the requested symbolStatus.")
    return listed.symbol


def _some(params: Params, ctx: Ctx) -> AskSymbol:
    """`symbol`, `symbols` or neither; several are answered as all, of which the wanted ones are said."""
    if "symbol" in params and "symbols" in params:
        raise Refuse(-1128, "Combination of optional parameters invalid.")
    if "symbol" in params:
        return AskSymbol(_listed(params["symbol"], ctx).symbol)
    if "symbols" in params:
        _legal("symbols", params["symbols"], _SYMBOLS)
        names = msgspec.json.decode(params["symbols"], type=list[str])
        for name in names:
            _listed(name, ctx)
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
CALLS: Mapping[str, Call] = {
    **dict.fromkeys(replies.EMPTY, Call(Op.TIME, lambda params, ctx: AskNothing(), may=tuple(SIGNED))),
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
    "/api/v3/account": Call(Op.BALANCES, lambda params, ctx: AskNothing(), may=("omitZeroBalances",)),
}


# ---- proof


def _key(request: Request) -> str:
    return next((value for name, value in request.headers.items() if name.lower() == auth.KEY_HEADER.lower()), "")


def proof(request: Request, verifier: Verifier, at: Stamp) -> Fault | None:
    try:
        _prove(request, verifier, at)
    except Refuse as refused:
        return refused.fault
    return None


def _prove(request: Request, verifier: Verifier, at: Stamp) -> None:
    key = _key(request)
    if not re.fullmatch(r"[A-Za-z0-9]{64}", key):
        raise Refuse(-2014, "API-key format invalid.", 401)
    params = dict(parse_qsl(request.query, keep_blank_values=True))
    for name in ("timestamp", "signature"):
        if not params.get(name):
            raise Refuse(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    _check_clock(params, at)
    if not verifier.knows(key):
        raise Refuse(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    signed, signature = auth.unsigned(request.query)
    if not signature or not verifier.verify(key, auth.payload(signed, request.body), signature):
        raise Refuse(-1022, "Signature for this request is not valid.")


def _check_clock(params: Params, at: Stamp) -> None:
    """Taken iff timestamp < serverTime + 1000 and serverTime - timestamp <= recvWindow."""
    window = params.get("recvWindow", str(WINDOW_MS))
    _legal("timestamp", params["timestamp"], _INT)
    _legal("recvWindow", window, _DECIMAL)
    if float(window) > WINDOW_MOST_MS:
        raise Refuse(-1102, f"'recvWindow' contains unexpected value. Cannot be greater than {WINDOW_MOST_MS}.")
    timestamp_ms = int(params["timestamp"])
    if timestamp_ms >= at.venue_ms + AHEAD_MS:
        raise Refuse(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if at.venue_ms - timestamp_ms > float(window):
        raise Refuse(-1021, "Timestamp for this request is outside of the recvWindow.")


# ---- say, refuse, limit


def say(heard: Heard, answer: Any, ctx: Ctx, at: Stamp) -> Reply:
    return Reply(200, _JSON, msgspec.json.encode(replies.reply(heard, answer, ctx, at)))


_SOCKETS = "Please use WebSocket Streams for live updates to avoid"
# What a fault without the venue's code is said with: a mishap's, or the city's own. (status, code, words)
_USUAL: Mapping[Kind, tuple[int, int, str]] = {
    Kind.MAINTENANCE: (503, -1008, "Server is currently overloaded with other requests. Please try again in a few "
                                   "minutes."),
    Kind.SERVER: (500, -1000, "An unknown error occurred while processing the request."),
    Kind.LIMIT: (429, -1003, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
                             f"{_SOCKETS} polling the API."),
    Kind.SYMBOL: (400, -1121, "Invalid symbol."),
}  # fmt: skip


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


def _fault(status: int, code: int, said: str, wait_ms: int = 0, until_ms: int = 0) -> Fault:
    kind = faults.kind_of(status, wire.Refusal(code, said))
    return Fault(kind, code=str(code), said=said, status=status, wait_ms=wait_ms, until_ms=until_ms)


def limit(budget: str, wait_ms: int) -> Fault:
    if budget == "dials":
        return _fault(429, -1034, "Too many connections.", wait_ms)
    if budget == "raw":
        return _fault(429, -1003, "Too many requests; current limit is 300000 requests per 5 MINUTE.", wait_ms)
    return _fault(*_USUAL[Kind.LIMIT], wait_ms)


def ban(budget: str, wait_ms: int, until_ms: int) -> Fault | None:
    """Those who go on after 429; a connection that sends too many frames is cut instead."""
    if budget == "frames":
        return None
    said = f"Way too much request weight used; IP banned until {until_ms}. {_SOCKETS} bans."
    return _fault(418, -1003, said, wait_ms, until_ms)


def toll(readings: tuple[Reading, ...]) -> Mapping[str, str]:
    used = next((str(one.used) for one in readings if one.budget == "weight"), None)
    return {} if used is None else {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}


MIRROR = Mirror(
    hear=hear,
    proof=proof,
    say=say,
    refuse=refuse,
    limit=limit,
    ban=ban,
    toll=toll,
    rooms={"market": MarketRoom, "market/raw": MarketRoom},
    paths={"market": "/stream", "market/raw": RAW},
    listing=channels.listing,
    decoys=(RETIRED[0], "/api/v1/depth"),
)
