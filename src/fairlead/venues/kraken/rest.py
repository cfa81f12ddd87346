"""Kraken's REST v0 calls as a table that reads like its Spot REST reference; it asks and reads, and sends nothing.

A market goes by its altname in questions (XBTUSD), by its key in replies (XXBTZUSD); prices carry trailing zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from fairlead.errors import UnknownName, cut
from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.model.market import Candle, Ticker, Trade
from fairlead.venues.kraken import wire
from fairlead.venues.kraken.faults import PUBLIC
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.endpoint import Access, Ctx, Endpoint
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Nonsense, number_text

NAME = "kraken"
BOOK_USUAL, BOOK_MOST = 100, 500  # levels a side
TRADES_MOST = 1000  # a page
FLOAT_NS = 1_000  # times of trades are floats of seconds, good to a fraction of this
ENDLESS_NS = 1 << 63

INTERVALS = {"1m": "1", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "4h": "240", "1d": "1440", "1w": "10080",
             "15d": "21600"}  # fmt: skip
STATUS = {
    "online": "trading",
    "cancel_only": "cancel-only",
    "post_only": "post-only",
    "limit_only": "limit-only",
    "reduce_only": "reduce-only",
    "maintenance": "halted",
    "work_in_progress": "pending",
    "delisted": "closed",
}
HOME_VENUE = "international"  # listings of another execution venue are traded under other terms and are not ours
SIDES = {"b": "buy", "s": "sell"}

Q = TypeVar("Q")
A = TypeVar("A")


def exact(number: Decimal) -> Decimal:
    return numbers.decimal(str(number))  # a decimal's text may also be NaN, or 1E+999999


# ---- time, instruments


def _read_time(body: bytes, asked: AskNothing, ctx: Ctx) -> int:
    """Whole seconds: the clock of this reply is up to one second behind."""
    return _TIME(body).result.unixtime * 1_000


def _read_instruments(body: bytes, asked: AskListing, ctx: Ctx) -> tuple[Instrument, ...]:
    listed = {key: pair for key, pair in _PAIRS(body).result.items() if pair.execution_venue in ("", HOME_VENUE)}
    return tuple(_instruments(listed))


def _instruments(listed: Mapping[str, wire.Pair]) -> Iterable[Instrument]:
    """The first listing of a pair has its plain symbol. A dark pool is a market of its own (XBTUSD.d is BTC/USD.d) and
    so is any further listing of the same pair, under its own key: every symbol leads to one market and back. Nor is a
    name on the socket given twice."""
    symbols, heard = set[str](), set[str]()
    for key, pair in listed.items():
        symbol = f"{wire.asset(pair.base)}/{wire.asset(pair.quote)}" + (".d" if pair.altname.endswith(".d") else "")
        if symbol in symbols:
            symbol = f"{symbol}.{key.replace('/', '-').replace(':', '-')}"
        yield _instrument(key, symbol, pair, "" if pair.wsname in heard else pair.wsname)
        symbols.add(symbol)
        heard.add(pair.wsname)


def _instrument(key: str, symbol: str, pair: wire.Pair, wsname: str) -> Instrument:
    """Older lists name no tick: then it is one unit of the last decimal. Dark pools have no name on the socket."""
    names = {"reply": key, "alt": pair.altname}
    if wsname:
        names |= {"ws": "/".join(wire.DISPLAY.get(one, one) for one in wsname.split("/")), "wsname": wsname}
    return Instrument(
        symbol=symbol,
        venue_symbol=pair.altname,
        price_tick=exact(pair.tick_size) or Decimal(1).scaleb(-pair.pair_decimals),
        qty_step=Decimal(1).scaleb(-pair.lot_decimals),
        price_decimals=pair.pair_decimals,
        qty_decimals=pair.lot_decimals,
        status=STATUS.get(pair.status, "unknown") if pair.status else "trading",
        venue_status=pair.status,
        min_qty=exact(pair.ordermin),
        min_notional=exact(pair.costmin),
        names=names,
    )


# ---- one market: book, ticker, trades, candles


def pair(symbol: str, ctx: Ctx) -> dict[str, Any]:
    return {"pair": ctx.catalog.theirs(symbol).venue_symbol}


def _about(body: bytes, symbol: str, ctx: Ctx) -> tuple[Raw, Mapping[str, Raw]]:
    """The member of `result` that is about the market asked for, and the whole result. Replies have named it by key,
    altname and wsname; a name that is another market's is no answer."""
    result = _BY_PAIR(body).result
    markets = [name for name in result if name != "last"]
    if len(markets) != 1:
        raise Nonsense(f"asked for {symbol}, told of {cut(', '.join(markets)) or 'nothing'}")
    known = ctx.catalog.ours(markets[0])
    if known is not None and known.symbol != symbol:
        raise Nonsense(f"asked for {symbol}, told of {known.symbol}")
    return result[markets[0]], result


def _ask_book(asked: AskBook, ctx: Ctx) -> Mapping[str, Any]:
    return pair(asked.symbol, ctx) | {"count": min(asked.depth or BOOK_USUAL, BOOK_MOST)}


def _read_book(body: bytes, asked: AskBook, ctx: Ctx) -> Levels:
    """Numbered by nothing; each level has a time, the whole has none."""
    rows = _DEPTH(_about(body, asked.symbol, ctx)[0])
    detail = str(asked.depth) if asked.depth else ""
    return Levels(Topic("book", asked.symbol, detail), True, 0, 0, -1, None, rows.bids, rows.asks, 0, 0)


def _read_ticker(body: bytes, asked: AskSymbol, ctx: Ctx) -> Ticker:
    """Of each pair the second is the last 24 hours; the first, and `o`, begin at midnight UTC."""
    row = _TICKER(_about(body, asked.symbol, ctx)[0])
    return Ticker(
        venue=NAME,
        symbol=asked.symbol,
        venue_ns=0,
        seen_ns=0,
        last=float(row.c[0]),
        bid=float(row.b[0]),
        ask=float(row.a[0]),
        high=float(row.h[1]),
        low=float(row.l[1]),
        volume=float(row.v[1]),
    )


# A page begins at the nanosecond of the last trade known, since others may share it, and leaves out what is known. Its
# name is "since:number of the last one known:how many of the known come again".


def _ask_trades(asked: AskTrades, ctx: Ctx) -> Mapping[str, Any]:
    """`since` is exclusive."""
    params = pair(asked.symbol, ctx)
    if asked.page or asked.since_ns:
        params["since"] = asked.page.partition(":")[0] or str(asked.since_ns - 1)
    return params | {"count": _page_rows(asked)}


def _read_trades(body: bytes, asked: AskTrades, ctx: Ctx) -> tuple[Trade, ...]:
    """`last` is the last trade's time to the nanosecond, where its own row has lost digits to a float."""
    raw, result = _about(body, asked.symbol, ctx)
    known_id = int(asked.page.split(":")[1]) if asked.page else 0
    trades = [_trade(row, asked.symbol) for row in _TRADES(raw) if row.id > known_id or not row.id]
    last_ns = int(number_text(result["last"]) or 0) if "last" in result else 0
    if trades and abs(trades[-1].venue_ns - last_ns) < FLOAT_NS:
        trades[-1] = msgspec.structs.replace(trades[-1], venue_ns=last_ns)
    return tuple(trades)


def _trade(row: wire.TradeRow, symbol: str) -> Trade:
    return Trade(
        venue=NAME,
        symbol=symbol,
        venue_ns=numbers.fixed(number_text(row.time), 9),
        seen_ns=0,
        id=str(row.id) if row.id else "",
        price=float(row.price),
        qty=float(row.qty),
        side=SIDES.get(row.side, row.side),
    )


def _after_trades(asked: AskTrades, answer: tuple[Trade, ...]) -> AskTrades | None:
    """Only forward: the latest trades have no next page."""
    if not (asked.since_ns or asked.page) or not answer or len(answer) + _known_again(asked) < _page_rows(asked):
        return None
    last_ns, last_id = answer[-1].venue_ns, answer[-1].id or "0"
    again = sum(trade.venue_ns > last_ns - FLOAT_NS for trade in answer)
    if asked.page and int(asked.page.partition(":")[0]) >= last_ns - FLOAT_NS:
        again += _known_again(asked)  # a whole page of one instant
    return msgspec.structs.replace(asked, page=f"{last_ns - 1}:{last_id}:{again}")


def _page_rows(asked: AskTrades) -> int:
    return min((asked.limit or TRADES_MOST) + _known_again(asked), TRADES_MOST)


def _known_again(asked: AskTrades) -> int:
    return int(asked.page.split(":")[2]) if asked.page else 0


def _ask_candles(asked: AskCandles, ctx: Ctx) -> Mapping[str, Any]:
    if asked.interval not in INTERVALS:
        raise UnknownName("interval", asked.interval, INTERVALS)
    params = pair(asked.symbol, ctx) | {"interval": INTERVALS[asked.interval]}
    if asked.start_ns:
        params["since"] = -(-asked.start_ns // wire.SECOND_NS) - 1  # what opened after that second
    return params


def _read_candles(body: bytes, asked: AskCandles, ctx: Ctx) -> tuple[Candle, ...]:
    """`last` is the last committed bar; what opened after it is running. Without a start, `limit` means the latest."""
    raw, result = _about(body, asked.symbol, ctx)
    last = int(number_text(result["last"])) if "last" in result else 0
    end_ns = asked.end_ns or ENDLESS_NS
    bars = tuple(
        _candle(row, asked, row.time <= last)
        for row in _OHLC(raw)
        if asked.start_ns <= row.time * wire.SECOND_NS < end_ns
    )
    return bars if asked.start_ns or not asked.limit else bars[-asked.limit :]


def _candle(row: wire.OhlcRow, asked: AskCandles, closed: bool) -> Candle:
    return Candle(
        venue=NAME, symbol=asked.symbol, venue_ns=0, seen_ns=0, interval=asked.interval, closed=closed,
        open_ns=row.time * wire.SECOND_NS, open=float(row.open), high=float(row.high), low=float(row.low),
        close=float(row.close), volume=float(row.volume), trades=row.count,
    )  # fmt: skip


# ---- the table


def strict(read: Callable[[bytes, Q, Ctx], A]) -> Callable[[bytes, Q, Ctx], A]:
    """Whatever is wrong with a reply is said as Nonsense (or msgspec's own error), nothing else."""

    def reading(body: bytes, asked: Q, ctx: Ctx) -> A:
        try:
            return read(body, asked, ctx)
        except (ValueError, ArithmeticError, RecursionError) as wrong:
            raise Nonsense(str(wrong)) from None

    return reading


_TIME = msgspec.json.Decoder(wire.Time).decode
_PAIRS = msgspec.json.Decoder(wire.Pairs).decode
_BY_PAIR = msgspec.json.Decoder(wire.ByPair).decode
_TICKER = msgspec.json.Decoder(wire.TickerRow).decode
_DEPTH = msgspec.json.Decoder(wire.DepthRows).decode
_TRADES = msgspec.json.Decoder(list[wire.TradeRow]).decode
_OHLC = msgspec.json.Decoder(list[wire.OhlcRow]).decode

PATHS = {
    Op.TIME: "/0/public/Time",
    Op.INSTRUMENTS: "/0/public/AssetPairs",
    Op.BOOK: "/0/public/Depth",
    Op.TICKER: "/0/public/Ticker",
    Op.TRADES: "/0/public/Trades",
    Op.CANDLES: "/0/public/OHLC",
}


def _public(op: Op, ask: Any, read: Any, after: Any = None) -> Endpoint[Any, Any]:
    """Public calls are counted by address, about one a second."""
    return Endpoint(op, "GET", PATHS[op], ask, strict(read), access=Access.OPEN, after=after, known=wire.KNOWN[op],
                    cost=lambda _: (Charge(PUBLIC),))  # fmt: skip


_ROWS: tuple[Endpoint[Any, Any], ...] = (
    _public(Op.TIME, lambda asked, ctx: {}, _read_time),
    _public(Op.INSTRUMENTS, lambda asked, ctx: {}, _read_instruments),
    _public(Op.BOOK, _ask_book, _read_book),
    _public(Op.TICKER, lambda asked, ctx: pair(asked.symbol, ctx), _read_ticker),
    _public(Op.TRADES, _ask_trades, _read_trades, _after_trades),
    _public(Op.CANDLES, _ask_candles, _read_candles),  # no page after: behind the wall there is nothing
)  # fmt: skip
MARKET: Mapping[Op, Endpoint[Any, Any]] = {row.op: row for row in _ROWS}
