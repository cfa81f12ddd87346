"""Binance's REST calls for the market as a table that reads like its rest-api.md; it asks and reads, and sends nothing.

All of its data is public. Data ascends in time: with only `startTime` the oldest come first from it on, with
only `endTime` the latest up to it, with both the oldest from the start on, not beyond the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from fairlead.errors import UnknownName
from fairlead.model import intervals
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS, Candle, Ticker, Trade
from fairlead.venues.binance import channels, wire
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.endpoint import Access, Ctx, Endpoint
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Nonsense

BOOK_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))  # up to so many levels a side -> weight; more is cut
ROWS_MOST = 1000  # trades or candles a page

Q = TypeVar("Q")
A = TypeVar("A")


def encode(method: str, params: Mapping[str, Any]) -> tuple[str, bytes, Mapping[str, str]]:
    """Everything goes into the query, whatever the method: it is percent-encoded here, once, and signed as it stands
    (since 2026-01 the payload is signed after encoding)."""
    return urlencode(params, quote_via=quote), b"", {}


def weight(units: int) -> tuple[Charge, ...]:
    """Every request counts as one raw request besides its weight."""
    return Charge("weight", units), Charge("raw")


# ---- one at a time


def _read_time(body: bytes, asked: AskNothing, ctx: Ctx) -> int:
    return _SERVER_TIME(body).server_time


def _ask_instruments(asked: AskListing, ctx: Ctx) -> Mapping[str, Any]:
    return {"showPermissionSets": "false"}  # they make up most of the reply and concern accounts, not markets


def _read_instruments(body: bytes, asked: AskListing, ctx: Ctx) -> tuple[Instrument, ...]:
    return tuple(channels.instrument(info) for info in _EXCHANGE_INFO(body).symbols)


def book_limit(depth: int) -> int:
    return min(depth or channels.BOOK_DEPTHS[0], BOOK_WEIGHTS[-1][0])


def book_weight(depth: int) -> int:
    return next(units for most, units in BOOK_WEIGHTS if book_limit(depth) <= most)


def _ask_book(asked: AskBook, ctx: Ctx) -> Mapping[str, Any]:
    return {"symbol": _spelled(asked, ctx), "limit": book_limit(asked.depth)}


def _read_book(body: bytes, asked: AskBook, ctx: Ctx) -> Levels:
    return channels.whole(_BOOK(body), Topic("book", asked.symbol, str(asked.depth or "")))


def _ask_symbol(asked: AskSymbol, ctx: Ctx) -> Mapping[str, Any]:
    return {"symbol": _spelled(asked, ctx)}


def _read_ticker(body: bytes, asked: AskSymbol, ctx: Ctx) -> Ticker:
    reply = _TICKER(body)
    if reply.s != _spelled(asked, ctx):
        raise Nonsense(f"asked for {asked.symbol}, told of {reply.s}")
    return channels.ticker(reply, Topic("ticker", asked.symbol))


# ---- trades: the latest one by one; history folded by taker and price, which costs a sixth and holds more
# A page of history begins at the millisecond of the last trade known, "1700000000123:28460", and leaves out what is
# known. Should one millisecond fill a page, what follows is asked for by number, "28461".

LATEST, BY_NUMBER, FOLDED = "/api/v3/trades", "/api/v3/historicalTrades", "/api/v3/aggTrades"


def _trades_path(asked: AskTrades) -> str:
    if asked.page:
        return FOLDED if ":" in asked.page else BY_NUMBER
    return FOLDED if asked.since_ns else LATEST


def _ask_trades(asked: AskTrades, ctx: Ctx) -> Mapping[str, Any]:
    params: dict[str, Any] = {"symbol": _spelled(asked, ctx)}
    start, colon, _ = asked.page.partition(":")
    if asked.page:
        params["startTime" if colon else "fromId"] = start
    elif asked.since_ns:
        params["startTime"] = ms_from(asked.since_ns)
    return params | {"limit": page_rows(asked.limit)}


def _read_trades(body: bytes, asked: AskTrades, ctx: Ctx) -> tuple[Trade, ...]:
    topic = Topic("trades", asked.symbol)
    if _trades_path(asked) != FOLDED:
        return tuple(channels.trade(row, topic) for row in _TRADES(body))
    known_id = int(asked.page.partition(":")[2] or -1)  # annulled trades have this number as well
    return tuple(channels.folded(row, topic) for row in _FOLDED_TRADES(body) if row.t > known_id)


def _after_trades(asked: AskTrades, answer: tuple[Trade, ...]) -> AskTrades | None:
    """How full a page was, the answer does not tell any more: history ends with a page that brings nothing new."""
    if not answer or _trades_path(asked) == LATEST:
        return None
    last = answer[-1]
    last_ms = last.venue_ns // MS
    began_ms = int(asked.page.partition(":")[0]) if ":" in asked.page else answer[0].venue_ns // MS
    page = str(int(last.id) + 1) if last_ms == began_ms else f"{last_ms}:{last.id}"
    return msgspec.structs.replace(asked, page=page)


# ---- candles


def _ask_candles(asked: AskCandles, ctx: Ctx) -> Mapping[str, Any]:
    """Both ends are times of opening, and both are inclusive there; ours leaves the end out."""
    if asked.interval not in channels.INTERVALS:
        raise UnknownName("interval", asked.interval, channels.INTERVALS)
    params: dict[str, Any] = {"symbol": _spelled(asked, ctx), "interval": channels.INTERVALS[asked.interval]}
    if asked.page or asked.start_ns:
        params["startTime"] = asked.page or ms_from(asked.start_ns)
    if asked.end_ns:
        params["endTime"] = ms_from(asked.end_ns) - 1
    return params | {"limit": page_rows(asked.limit)}


def _read_candles(body: bytes, asked: AskCandles, ctx: Ctx) -> tuple[Candle, ...]:
    """A bar is closed for certain when a later one stands behind it; the last of a page may be running."""
    rows, topic = _KLINES(body), Topic("candles", asked.symbol, asked.interval)
    return tuple(channels.bar(row, topic, closed=at < len(rows)) for at, row in enumerate(rows, 1))


def _after_candles(asked: AskCandles, answer: tuple[Candle, ...]) -> AskCandles | None:
    if not (asked.start_ns or asked.page) or len(answer) < page_rows(asked.limit):
        return None
    next_ns = intervals.next_ns(asked.interval, answer[-1].open_ns)
    if asked.end_ns and next_ns >= asked.end_ns:
        return None
    return msgspec.structs.replace(asked, page=str(next_ns // MS))


# ---- what they share


def _spelled(asked: AskSymbol | AskBook | AskTrades | AskCandles, ctx: Ctx) -> str:
    return ctx.catalog.theirs(asked.symbol).venue_symbol


def ms_from(at_ns: int) -> int:
    """The first millisecond that is not before."""
    return -(-at_ns // MS)


def page_rows(limit: int) -> int:
    return min(limit or ROWS_MOST, ROWS_MOST)


def strict(read: Callable[[bytes, Q, Ctx], A]) -> Callable[[bytes, Q, Ctx], A]:
    """Whatever is wrong with a reply is said as Nonsense (or msgspec's own error), nothing else."""

    def reading(body: bytes, asked: Q, ctx: Ctx) -> A:
        try:
            return read(body, asked, ctx)
        except (ValueError, ArithmeticError, RecursionError) as wrong:
            raise Nonsense(str(wrong)) from None

    return reading


_SERVER_TIME = msgspec.json.Decoder(wire.ServerTime).decode
_EXCHANGE_INFO = msgspec.json.Decoder(wire.ExchangeInfo).decode
_BOOK = msgspec.json.Decoder(wire.BookReply).decode
_TICKER = msgspec.json.Decoder(wire.TickerReply).decode
_TRADES = msgspec.json.Decoder(list[wire.TradeRow]).decode
_FOLDED_TRADES = msgspec.json.Decoder(list[wire.FoldedRow]).decode
_KLINES = msgspec.json.Decoder(list[wire.KlineRow]).decode


# ---- the table

_OPEN = Access.OPEN
_ROWS: tuple[Endpoint[Any, Any], ...] = (
    Endpoint(Op.TIME, "GET", "/api/v3/time", lambda asked, ctx: {}, strict(_read_time),
             access=_OPEN, cost=lambda _: weight(1), known=wire.REPLIES["time"]),
    Endpoint(Op.INSTRUMENTS, "GET", "/api/v3/exchangeInfo", _ask_instruments, strict(_read_instruments),
             access=_OPEN, cost=lambda _: weight(20), known=wire.REPLIES["exchangeInfo"]),
    Endpoint(Op.BOOK, "GET", "/api/v3/depth", _ask_book, strict(_read_book),
             access=_OPEN, cost=lambda asked: weight(book_weight(asked.depth)), known=wire.REPLIES["depth"]),
    Endpoint(Op.TICKER, "GET", "/api/v3/ticker/24hr", _ask_symbol, strict(_read_ticker),
             access=_OPEN, cost=lambda asked: weight(2 if asked.symbol else 80), known=wire.REPLIES["ticker/24hr"]),
    Endpoint(Op.TRADES, "GET", _trades_path, _ask_trades, strict(_read_trades), after=_after_trades,
             access=_OPEN, cost=lambda asked: weight(4 if _trades_path(asked) == FOLDED else 25),
             known=wire.REPLIES["trades"] | wire.REPLIES["aggTrades"]),
    Endpoint(Op.CANDLES, "GET", "/api/v3/klines", _ask_candles, strict(_read_candles), after=_after_candles,
             access=_OPEN, cost=lambda _: weight(2), known=wire.REPLIES["klines"]),
)  # fmt: skip
ENDPOINTS: Mapping[Op, Endpoint[Any, Any]] = {row.op: row for row in _ROWS}
