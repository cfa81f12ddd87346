"""OKX's REST calls as a table that reads like the vendor's document; it sends nothing and knows no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from fairlead.model import intervals
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS, Candle, FundingPaid, Trade
from fairlead.venues.okx import wire
from fairlead.venues.okx.channels import bar, index_name
from fairlead.venues.okx.wire import REPLY, known
from fairlead.wire.asks import (
    AskBook,
    AskCandles,
    AskFundings,
    AskListing,
    AskSymbol,
    AskTrades,
    Op,
)
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.endpoint import Access, Ctx, Endpoint
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Nonsense

R = TypeVar("R")
N = TypeVar("N")
Params = Mapping[str, Any]

FENCE, ROWS = "expTime", "rows"  # parameters that do not go into a body's object

TYPES = {"spot": "SPOT", "swap": "SWAP"}  # our market -> instType
BOOK_MOST, TRADES_MOST, OLD_TRADES_MOST, CANDLES_MOST, FUNDINGS_MOST = 400, 500, 100, 300, 400  # rows of one reply


def encode(method: str, params: Mapping[str, Any]) -> tuple[str, bytes, Mapping[str, str]]:
    """Parameters of a GET are its query, of a POST its JSON body: an object or, under the name ROWS, a list. The fence
    goes into a header."""
    if method == "GET":
        return urlencode(params), b"", {}
    asked = {name: value for name, value in params.items() if name != FENCE}
    headers = {FENCE: str(params[FENCE])} if FENCE in params else {}
    return "", msgspec.json.encode(asked.get(ROWS, asked)), headers


def inst_id(symbol: str, ctx: Ctx) -> str:
    return ctx.catalog.theirs(symbol).venue_symbol


def charges(path: str, of: str = "") -> tuple[Charge, ...]:
    return (Charge(path.removeprefix("/api/v5/"), of=of),)


def nouns(body: bytes, kind: type[R], noun: Callable[[R], N]) -> list[N]:
    """What the rows of a reply mean; Nonsense where a text is not the number it stands for."""
    try:
        reply: wire.Envelope[R] = msgspec.json.decode(body, type=wire.Envelope[kind])  # type: ignore[valid-type]
        return [noun(row) for row in reply.data]
    except (ValueError, OverflowError, RecursionError) as wrong:
        raise Nonsense(f"{type(wrong).__name__}: {wrong}") from None


def only(found: list[N]) -> N:
    if not found:
        raise Nonsense("the reply holds no row")
    return found[0]


def _oldest_first(rows: list[N]) -> tuple[N, ...]:
    """The venue sends the newest row first."""
    return tuple(reversed(rows))


# ---- instruments, book, trades
def _read_instruments(body: bytes, asked: AskListing, ctx: Ctx) -> tuple[Instrument, ...]:
    found = nouns(body, wire.InstrumentRow, wire.InstrumentRow.noun)
    return tuple(one for one in found if one is not None)


def _ask_book(asked: AskBook, ctx: Ctx) -> Params:
    return {"instId": inst_id(asked.symbol, ctx), "sz": str(min(asked.depth or BOOK_MOST, BOOK_MOST))}


def _read_book(body: bytes, asked: AskBook, ctx: Ctx) -> Levels:
    topic = Topic("book", asked.symbol)
    return only(nouns(body, wire.BookRow, lambda row: row.noun(topic, whole=True)))


def _trades_path(asked: AskTrades) -> str:
    return "/api/v5/market/history-trades" if asked.page else "/api/v5/market/trades"


def _ask_trades(asked: AskTrades, ctx: Ctx) -> Params:
    """`after` asks for trades older than an id (the usual type of pages, 1)."""
    most = OLD_TRADES_MOST if asked.page else TRADES_MOST
    after = {"after": asked.page} if asked.page else {}
    return {"instId": inst_id(asked.symbol, ctx)} | after | {"limit": str(min(asked.limit or most, most))}


def _read_trades(body: bytes, asked: AskTrades, ctx: Ctx) -> tuple[Trade, ...]:
    topic = Topic("trades", asked.symbol)
    rows = nouns(body, wire.TradeRow, lambda row: row.noun(topic))
    return _oldest_first([one for one in rows if one.venue_ns >= asked.since_ns])


def _older_trades(asked: AskTrades, answer: tuple[Trade, ...]) -> AskTrades | None:
    """The venue cannot begin at a time: pages go back, newest page first, until one holds nothing since then."""
    return replace(asked, page=answer[0].id) if asked.since_ns and answer else None


# ---- candles: `before` and `after` are exclusive, newest first
def _candles_path(asked: AskCandles) -> str:
    """The plain call holds the latest 1,440 bars only; whoever names a beginning may mean any."""
    return "/api/v5/market/history-candles" if asked.start_ns else "/api/v5/market/candles"


def _candles_limit(asked: AskCandles) -> int:
    return min(asked.limit or CANDLES_MOST, CANDLES_MOST)


def _window(asked: AskCandles) -> tuple[int, int]:
    """From when until when this page asks. With both ends named, pages are windows that go forward; without an end they
    go back from now (the newest page first), since only the venue knows where now is."""
    start, end = asked.start_ns, asked.end_ns
    if not (start and end):
        return start, int(asked.page) if asked.page else end
    begin = until = int(asked.page) if asked.page else start
    for _ in range(_candles_limit(asked)):
        until = intervals.next_ns(asked.interval, until)
        if until >= end:
            return begin, end
    return begin, until


def _ask_candles(asked: AskCandles, ctx: Ctx) -> Params:
    begin, until = _window(asked)
    before = {"before": str(-(-begin // MS) - 1)} if begin else {}
    after = {"after": str(-(-until // MS))} if until else {}
    limit = {"limit": str(_candles_limit(asked))}
    return {"instId": inst_id(asked.symbol, ctx), "bar": bar(asked.interval)} | after | before | limit


def _read_candles(body: bytes, asked: AskCandles, ctx: Ctx) -> tuple[Candle, ...]:
    topic = Topic("candles", asked.symbol, asked.interval)
    return _oldest_first(nouns(body, list[str], lambda row: wire.candle(row, topic)))


def _next_candles(asked: AskCandles, answer: tuple[Candle, ...]) -> AskCandles | None:
    if asked.start_ns and asked.end_ns:
        _, until = _window(asked)
        return replace(asked, page=str(until)) if until < asked.end_ns else None
    if not asked.start_ns or not answer or answer[0].open_ns <= asked.start_ns:
        return None
    return replace(asked, page=str(answer[0].open_ns))


# ---- swaps: funding, mark, index
def _ask_fundings(asked: AskFundings, ctx: Ctx) -> Params:
    until = int(asked.page) if asked.page else asked.end_ns
    before = {"before": str(-(-asked.start_ns // MS) - 1)} if asked.start_ns else {}
    after = {"after": str(-(-until // MS))} if until else {}
    limit = {"limit": str(min(asked.limit or FUNDINGS_MOST, FUNDINGS_MOST))}
    return {"instId": inst_id(asked.symbol, ctx)} | after | before | limit


def _read_fundings(body: bytes, asked: AskFundings, ctx: Ctx) -> tuple[FundingPaid, ...]:
    return _oldest_first(nouns(body, wire.PaidRow, lambda row: row.noun(asked.symbol)))


def _older_fundings(asked: AskFundings, answer: tuple[FundingPaid, ...]) -> AskFundings | None:
    if not asked.start_ns or not answer or answer[0].venue_ns <= asked.start_ns:
        return None
    return replace(asked, page=str(answer[0].venue_ns))


def _ask_mark(asked: AskSymbol, ctx: Ctx) -> Params:
    """Spot pairs have a mark price as margin pairs."""
    one = ctx.catalog.theirs(asked.symbol)
    return {"instType": {"spot": "MARGIN", "swap": "SWAP"}.get(one.kind, "FUTURES"), "instId": one.venue_symbol}


def call(
    op: Op,
    path: str,
    ask: Callable[[Any, Ctx], Params],
    read: Callable[[bytes, Any, Ctx], Any],
    names: str,
    each: Callable[[Any], str] = lambda asked: "",
    access: Access = Access.OPEN,
) -> Endpoint[Any, Any]:
    """A read at one address, paid from the budget of that address; `each`: for whom it is counted apart."""
    full = f"/api/v5/{path}"
    cost = lambda asked: charges(full, each(asked))  # noqa: E731
    return Endpoint(op, "GET", full, ask, read, access=access, cost=cost, known=known(REPLY, names))


def _single(kind: type[Any], what: str) -> Callable[[bytes, AskSymbol, Ctx], Any]:
    def read(body: bytes, asked: AskSymbol, ctx: Ctx) -> Any:
        topic = Topic(what, asked.symbol)
        return only(nouns(body, kind, lambda row: row.noun(topic)))

    return read


def _symbol(asked: AskSymbol | AskFundings) -> str:
    return asked.symbol


def _instrument(asked: AskSymbol | AskBook, ctx: Ctx) -> Params:
    return {"instId": inst_id(asked.symbol, ctx)}


ENDPOINTS: dict[Op, Endpoint[Any, Any]] = {
    row.op: row
    for row in (
        call(
            Op.TIME, "public/time", lambda asked, ctx: {},
            lambda body, asked, ctx: only(nouns(body, wire.TimeRow, wire.TimeRow.noun)), wire.TIME,
        ),
        call(
            Op.INSTRUMENTS, "public/instruments", lambda asked, ctx: {"instType": TYPES[asked.market]},
            _read_instruments, wire.INSTRUMENT, lambda asked: asked.market,
        ),
        call(Op.TICKER, "market/ticker", _instrument, _single(wire.TickerRow, "ticker"), wire.TICKER),
        call(
            Op.BOOK, "market/books", _ask_book, _read_book, wire.BOOK,
        ),
        Endpoint(
            Op.TRADES, "GET", _trades_path, _ask_trades, _read_trades, access=Access.OPEN,
            cost=lambda asked: charges(_trades_path(asked)), after=_older_trades, known=known(REPLY, wire.TRADE),
        ),
        Endpoint(
            Op.CANDLES, "GET", _candles_path, _ask_candles, _read_candles, access=Access.OPEN,
            cost=lambda asked: charges(_candles_path(asked)), after=_next_candles, known=REPLY,
        ),
        call(
            Op.FUNDING, "public/funding-rate", _instrument, _single(wire.FundingRow, "funding"), wire.FUNDING, _symbol,
        ),
        replace(
            call(Op.FUNDINGS, "public/funding-rate-history", _ask_fundings, _read_fundings, wire.PAID, _symbol),
            after=_older_fundings,
        ),
        call(Op.MARK, "public/mark-price", _ask_mark, _single(wire.MarkRow, "mark"), wire.MARK, _symbol),
        call(
            Op.INDEX, "market/index-tickers", lambda asked, ctx: {"instId": index_name(asked.symbol)},
            _single(wire.IndexRow, "index"), wire.INDEX,
        ),
    )
}  # fmt: skip
