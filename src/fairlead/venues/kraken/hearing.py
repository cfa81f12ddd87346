"""Kraken's end of a public socket: acknowledges symbol by symbol, keeps what each subscriber sees, sums books, beats.

A book is shown to its depth: a level that falls out of it is not told to go, one that comes into it is told as new."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from fairlead.model.instrument import Instrument
from fairlead.model.market import MS, Candle, Quote, Ticker, Trade
from fairlead.venues.kraken.channels import (
    BOOK,
    CHANNELS,
    DEPTHS,
    OHLC,
    OURS,
    SNAPSHOT,
    SUM_LEVELS,
    TICKER,
    TRADE,
    UPDATE,
    Key,
    checksum,
)
from fairlead.venues.kraken.faults import MSG_RATE
from fairlead.venues.kraken.replies import book_item, candle_item, rfc3339, ticker_item, trade_item
from fairlead.venues.kraken.stream import EXPECTED_WARNINGS, SUBSCRIBE, UNSUBSCRIBE
from fairlead.venues.kraken.wire import SECOND_NS, UNREADABLE
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth, Ear, Heard
from fairlead.wire.signing import Stamp, Verifier

BEAT_NS = 1_000 * MS  # to subscribers, when nothing else was said for so long
IDLE_NS = 60_000 * MS  # neither subscribed nor heard from: closed
FRAMES_A_SECOND = 20  # the venue publishes none; clients are told to stay below
GOING_AWAY = 1001
PRIVATE = ("executions", "balances", "level3")
MALFORMED = "Malformed request"
NOT_HERE = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"


class Params(Struct):
    channel: str = ""
    symbol: list[str] = []
    depth: int = 10
    interval: int = 1
    event_trigger: str = "trades"
    snapshot: bool | None = None  # yes, but of trades


class Asked(Struct):
    method: str = ""
    params: Params = field(default_factory=Params)
    req_id: int | None = None


_ASKED = msgspec.json.Decoder(Asked).decode


class Shown(Struct):
    """A subscription and what its client has been shown."""

    one: Instrument
    topics: tuple[Topic, ...]
    params: Params
    begun: bool = False  # the snapshot was sent
    edges: tuple[int | None, int | None] = (None, None)  # worst bid and ask shown; None: there are fewer than the depth
    quote: Quote | None = None
    ticker: Ticker | None = None
    bar: Candle | None = None


class Socket:
    """What the ends of both sockets do alike: greet, count frames, answer, beat, and close what is idle."""

    def __init__(self, ear: Ear, read: Callable[[bytes], Any], hear: Callable[[Any, Stamp], None]) -> None:
        self._ear, self._read, self._hear = ear, read, hear
        self._spoke_ns = self._heard_ns = 0
        self._arrivals: deque[int] = deque(maxlen=FRAMES_A_SECOND)

    def open(self, at: Stamp, path: str = "") -> None:
        self._heard_ns = at.mono_ns
        number = (1 << 63) + at.mono_ns  # greater than many languages' integers
        data = [{"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": number}]
        self._say({"channel": "status", "type": UPDATE, "data": data}, at)

    def receive(self, frame: bytes, at: Stamp) -> None:
        self._heard_ns = at.mono_ns
        is_too_fast = len(self._arrivals) == FRAMES_A_SECOND and at.mono_ns - self._arrivals[0] < SECOND_NS
        self._arrivals.append(at.mono_ns)
        try:
            asked = self._read(frame)
        except UNREADABLE:
            self._reply(Asked(), at, error=MALFORMED)
            return
        if is_too_fast:
            self._reply(asked, at, error=MSG_RATE)
        elif asked.method == "ping":
            self._say({"method": "pong", **_numbered(asked), **_times(at)}, at)
        else:
            self._hear(asked, at)

    def pong(self, payload: bytes, at: Stamp) -> None:
        """Kraken sends no pings of the protocol."""

    def warn(self, in_ms: int, at: Stamp) -> None:
        """Kraken ends connections unannounced."""

    def _beat(self, is_subscribed: bool, at: Stamp) -> None:
        if is_subscribed and at.mono_ns - self._spoke_ns >= BEAT_NS:
            self._say({"channel": "heartbeat"}, at)
        elif not is_subscribed and at.mono_ns - self._heard_ns >= IDLE_NS:
            self._ear.close(GOING_AWAY, "idle")

    def _reply(self, asked: Any, at: Stamp, symbol: str = "", *, error: str = "", result: Any = None) -> None:
        told: dict[str, Any] = (
            {"error": error, "method": asked.method} if error else {"method": asked.method, "result": result}
        )
        if error and symbol:
            told["symbol"] = symbol
        self._say(told | {"success": not error, **_times(at), **_numbered(asked)}, at)

    def _say(self, words: dict[str, Any], at: Stamp) -> None:
        self._spoke_ns = at.mono_ns
        self._ear.frame(msgspec.json.encode(words))


class PublicHearing(Socket):
    """`pads` off leaves out the zeros at the end of numbers, as some recordings have them."""

    def __init__(self, ctx: Ctx, verifier: Verifier, ear: Ear, pads: bool = True) -> None:
        super().__init__(ear, _ASKED, self._asked)
        self._ctx, self._pads = ctx, pads
        self._shown: dict[Key, Shown] = {}

    def _asked(self, asked: Asked, at: Stamp) -> None:
        if asked.method not in (SUBSCRIBE, UNSUBSCRIBE):
            self._reply(asked, at, error=NOT_HERE)
        elif asked.params.channel in PRIVATE or asked.params.channel not in CHANNELS:
            self._reply(asked, at, error=NOT_HERE if asked.params.channel in PRIVATE else "Subscription name invalid")
        elif not asked.params.symbol:
            self._reply(asked, at, error=MALFORMED)
        else:
            for symbol in asked.params.symbol:
                (self._subscribe if asked.method == SUBSCRIBE else self._unsubscribe)(asked, symbol, at)

    def _subscribe(self, asked: Asked, symbol: str, at: Stamp) -> None:
        params, one = asked.params, self._ctx.catalog.ours(symbol, "ws")
        key = _key(params, symbol)
        if one is None:
            self._reply(asked, at, symbol, error=f"Currency pair not supported {symbol}")
        elif params.channel == BOOK and params.depth not in DEPTHS:
            self._reply(asked, at, symbol, error="Subscription depth not supported")
        elif params.channel == OHLC and params.interval not in OURS:
            self._reply(asked, at, symbol, error="Subscription ohlc interval not supported")
        elif key in self._shown:
            self._reply(asked, at, symbol, error="Already subscribed")
        else:
            shown = self._shown[key] = Shown(one, _topics(params, one.symbol), params)
            self._reply(asked, at, symbol, result=_terms(params) | {"symbol": symbol})
            for topic in shown.topics:
                self._ear.join(topic)

    def _unsubscribe(self, asked: Asked, symbol: str, at: Stamp) -> None:
        shown = self._shown.pop(_key(asked.params, symbol), None)
        if shown is None:
            self._reply(asked, at, symbol, error="Subscription Not Found")
            return
        for topic in shown.topics:
            self._ear.leave(topic)
        kept = {name: value for name, value in _terms(shown.params).items() if name in ("channel", "depth", "interval")}
        self._reply(asked, at, symbol, result=kept | {"symbol": symbol})

    def tell(self, topic: Topic, event: object, at: Stamp) -> None:
        for shown in [one for one in self._shown.values() if topic in one.topics]:
            match event:
                case Depth():
                    self._tell_book(shown, event, at)
                case Trade():
                    self._frame(TRADE, UPDATE, trade_item(shown.one, event, self._bare), at)
                case Quote() | Ticker():
                    self._tell_ticker(shown, event, at)
                case Candle():
                    self._tell_candle(shown, event, at)

    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        """No calls come by this door."""

    def tick(self, at: Stamp) -> None:
        self._beat(bool(self._shown), at)

    # ---- what is told

    def _tell_book(self, shown: Shown, told: Depth, at: Stamp) -> None:
        """The changes within the depth, and what came up into it; the sum is of the book as it stands."""
        one, depth = shown.one, shown.params.depth
        bids, asks = told.sight.top(depth)
        edges = (bids[-1][0] if len(bids) == depth else None, asks[-1][0] if len(asks) == depth else None)
        told_bids, told_asks = told.bids[:depth], told.asks[:depth]
        if not told.whole:
            told_bids = _seen(told.bids, bids, shown.edges[0], edges[0], 1)
            told_asks = _seen(told.asks, asks, shown.edges[1], edges[1], -1)
        shown.begun, shown.edges = True, edges
        if told_bids or told_asks:
            total = checksum(bids[:SUM_LEVELS], asks[:SUM_LEVELS], one)
            item = book_item(one, told_bids, told_asks, total, told.venue_ns, self._bare)
            self._frame(BOOK, SNAPSHOT if told.whole else UPDATE, item, at)

    def _tell_ticker(self, shown: Shown, told: Quote | Ticker, at: Stamp) -> None:
        """One frame holds both; it goes out at a change of the best prices, or at trades, as was asked."""
        if isinstance(told, Quote):
            shown.quote, is_trigger = told, shown.params.event_trigger == "bbo"
        else:
            shown.ticker, is_trigger = told, shown.params.event_trigger != "bbo"
        if shown.quote is not None and shown.ticker is not None and (is_trigger or not shown.begun):
            item = ticker_item(shown.one, shown.quote, shown.ticker, told.venue_ns, self._bare)
            self._frame(TICKER, UPDATE if shown.begun else SNAPSHOT, item, at)
            shown.begun = True

    def _tell_candle(self, shown: Shown, told: Candle, at: Stamp) -> None:
        """Bars are told on trades only: one that closes, or stays empty, is not."""
        if shown.begun and (not told.trades or (shown.bar is not None and _same(shown.bar, told))):
            return
        item = candle_item(shown.one, told, shown.params.interval, self._bare)
        self._frame(OHLC, UPDATE if shown.begun else SNAPSHOT, item, at, timestamp=rfc3339(told.venue_ns, 9))
        shown.begun, shown.bar = True, told

    # ---- words

    def _bare(self, text: str) -> Raw:
        return Raw((text if self._pads else repr(float(text))).encode())

    def _frame(self, channel: str, kind: str, item: Any, at: Stamp, **more: str) -> None:
        self._say({"channel": channel, "type": kind, **more, "data": [item]}, at)

    def __repr__(self) -> str:
        return f"<Kraken hearing of {len(self._shown)} subscriptions>"


def _seen(changes: Side, now: Side, old_edge: int | None, edge: int | None, sign: int) -> list[tuple[int, int]]:
    """What a client of this depth is told of the changes: what goes from within the old edge, what stands within the
    new one, and what was beyond the old edge and is now within."""
    known = {price for price, _ in changes}
    told = [(p, q) for p, q in changes if p <= 0 or _reaches(p, edge if q else old_edge, sign)]
    return told + [(p, q) for p, q in now if p not in known and not _reaches(p, old_edge, sign)]


def _reaches(price: int, edge: int | None, sign: int) -> bool:
    return edge is None or price * sign >= edge * sign


def _key(params: Params, symbol: str) -> Key:
    return (params.channel, symbol, params.interval if params.channel == OHLC else 0)


def _topics(params: Params, symbol: str) -> tuple[Topic, ...]:
    return {
        BOOK: (Topic("book", symbol, str(params.depth)),),
        TRADE: (Topic("trades", symbol),),
        TICKER: (Topic("ticker", symbol), Topic("quote", symbol)),
        OHLC: (Topic("candles", symbol, OURS.get(params.interval, "")),),
    }[params.channel]


def _terms(params: Params) -> dict[str, Any]:
    """What an acknowledgement repeats."""
    snapshot = params.channel != TRADE if params.snapshot is None else params.snapshot
    own: dict[str, dict[str, Any]] = {
        BOOK: {"depth": params.depth},
        TICKER: {"event_trigger": params.event_trigger},
        OHLC: {"interval": params.interval, "warnings": EXPECTED_WARNINGS},
    }
    return {"channel": params.channel, "snapshot": snapshot} | own.get(params.channel, {})


def _numbered(asked: Any) -> dict[str, int]:
    return {} if asked.req_id is None else {"req_id": asked.req_id}


def _times(at: Stamp) -> dict[str, str]:
    now = rfc3339(at.venue_ms * MS)
    return {"time_in": now, "time_out": now}


def _same(one: Candle, other: Candle) -> bool:
    return all(
        getattr(one, name) == getattr(other, name) for name in ("open_ns", "open", "high", "low", "close", "volume")
    )
