"""The venue's end of a market stream connection, as strict as web-socket-streams.md says; it makes no market.

It takes the streams that the address names (/stream?streams=a/b, /ws/a) and SUBSCRIBE with its kin. An unknown but
well-formed stream name is acknowledged and then silent, as at the venue. Slow books (`@depth` without a speed) come as
often as the world moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Raw, Struct

from fairlead.model.instrument import Instrument
from fairlead.model.intervals import next_ns
from fairlead.model.market import MS, Candle, Quote, Ticker, Trade
from fairlead.venues.binance.channels import INTERVALS, STREAM_SPELLING
from fairlead.venues.binance.replies import Said, day, pairs, text
from fairlead.venues.binance.stream import LIST, SHUTDOWN, SUBSCRIBE, UNSUBSCRIBE
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth, Ear, Heard
from fairlead.wire.signing import Stamp, Verifier

FRAMES_MOST, FRAMES_NS = 5, 1_000 * MS  # "5 incoming messages per second", whatever they are
STREAMS_MOST = 1_024
PING_NS, PONG_NS = 20_000 * MS, 60_000 * MS  # within the second a copy of a ping's payload must have come back
RAW = "/ws"  # the address of events without envelope
POLICY = 1008  # the close code of those who go too far
_METHODS = (SUBSCRIBE, UNSUBSCRIBE, LIST, "SET_PROPERTY", "GET_PROPERTY")


class Asked(Struct):
    """{"method":"SUBSCRIBE","params":["btcusdt@depth"],"id":1}"""

    method: str
    params: Raw = Raw(b"null")
    id: Any = None


# ---- how events are said


def _told_book(event: Depth, listed: Instrument) -> Said:
    return {"e": "depthUpdate", "E": event.venue_ns // MS, "s": listed.venue_symbol, "U": event.first, "u": event.last,
            "b": pairs(event.bids, listed), "a": pairs(event.asks, listed)}  # fmt: skip


def _told_trade(event: Trade, listed: Instrument) -> Said:
    at_ms = event.venue_ns // MS
    return {"e": "trade", "E": at_ms, "s": listed.venue_symbol, "t": int(event.id), "p": text(event.price),
            "q": text(event.qty), "T": at_ms, "m": event.side == "sell", "M": True}  # fmt: skip


def _told_folded(event: Trade, listed: Instrument) -> Said:
    told, number = dict(_told_trade(event, listed)), int(event.id)
    del told["t"]
    return told | {"e": "aggTrade", "a": number, "f": number - event.count + 1, "l": number}


def _told_quote(event: Quote, listed: Instrument) -> Said:
    return {"u": event.seq, "s": listed.venue_symbol, "b": text(event.bid), "B": text(event.bid_qty),
            "a": text(event.ask), "A": text(event.ask_qty)}  # fmt: skip


def _told_ticker(event: Ticker, listed: Instrument) -> Said:
    told = day(event, listed.venue_symbol)
    letters = {"s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice",
               "x": "prevClosePrice", "c": "lastPrice", "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice",
               "A": "askQty", "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume",
               "O": "openTime", "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count"}  # fmt: skip
    return {"e": "24hrTicker", "E": told["closeTime"], **{letter: told[name] for letter, name in letters.items()}}


def _told_mini(event: Ticker, listed: Instrument) -> Said:
    told = _told_ticker(event, listed)
    return {"e": "24hrMiniTicker", **{letter: told[letter] for letter in "Escohlvq"}}


def _told_bar(event: Candle, listed: Instrument) -> Said:
    trades, volume, turnover = event.trades or 0, event.volume, event.quote_volume or 0.0
    bar = {
        "t": event.open_ns // MS, "T": next_ns(event.interval, event.open_ns) // MS - 1, "s": listed.venue_symbol,
        "i": event.interval, "f": 0 if trades else -1, "L": trades - 1, "o": text(event.open), "c": text(event.close),
        "h": text(event.high), "l": text(event.low), "v": text(volume), "n": trades, "x": event.closed,
        "q": text(turnover), "V": text(volume / 2), "Q": text(turnover / 2), "B": "0",
    }  # fmt: skip
    return {"e": "kline", "E": event.venue_ns // MS, "s": listed.venue_symbol, "k": bar}


# what follows the symbol in a stream's name -> kind of topic, and how it is said
STREAMS: Mapping[str, tuple[str, Callable[[Any, Instrument], Said]]] = {
    "depth": ("book", _told_book),
    "depth@100ms": ("book", _told_book),
    "trade": ("trades", _told_trade),
    "aggTrade": ("trades", _told_folded),
    "bookTicker": ("quote", _told_quote),
    "ticker": ("ticker", _told_ticker),
    "miniTicker": ("ticker", _told_mini),
    "kline": ("candles", _told_bar),
}


_ASKED = msgspec.json.Decoder(Asked).decode
_NAMES = msgspec.json.Decoder(list[str]).decode
_PROPERTY = msgspec.json.Decoder(tuple[str, bool]).decode


class Heart:
    """The venue's pings: a copy of each payload must come back in time."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._pinged_ns = 0
        self._pings: dict[bytes, int] = {}  # not answered yet: payload, and when it went out

    def start(self, at: Stamp) -> None:
        self._pinged_ns = at.mono_ns

    def beat(self, at: Stamp) -> None:
        if at.mono_ns - self._pinged_ns >= PING_NS:
            self._pinged_ns = at.mono_ns
            payload = str(at.venue_ms).encode()
            self._pings.setdefault(payload, at.mono_ns)
            self._ear.ping(payload)
        if self._pings and at.mono_ns - next(iter(self._pings.values())) >= PONG_NS:
            self._ear.close(POLICY, "Pong timeout")

    def pong(self, payload: bytes) -> None:
        """One that nobody asked for is allowed and answers nothing; one to a ping answers those before it too."""
        if (sent_ns := self._pings.get(payload)) is not None:
            self._pings = {one: ns for one, ns in self._pings.items() if ns > sent_ns}


class MarketRoom:
    """At /stream events come combined with the name of their stream, at /ws raw; SET_PROPERTY changes it."""

    def __init__(self, ctx: Ctx, verifier: Verifier, ear: Ear) -> None:
        self._catalog, self._ear = ctx.catalog, ear
        self._names: dict[str, Topic | None] = {}  # what was subscribed; None: a name that nothing answers to
        self._by_topic: dict[Topic, tuple[str, ...]] = {}
        self._combined = True
        self._heard_ns: deque[int] = deque(maxlen=FRAMES_MOST)
        self._heart = Heart(ear)

    def __repr__(self) -> str:
        return f"<MarketRoom {len(self._names)} streams, {'combined' if self._combined else 'raw'}>"

    def open(self, at: Stamp, path: str = "") -> None:
        self._heart.start(at)
        address, _, query = path.partition("?")
        self._combined = not address.startswith(RAW)
        named = parse_qs(query).get("streams", [""])[0] if self._combined else unquote(address[len(RAW) + 1 :])
        names = [name for name in named.split("/") if name]
        if not self._is_too_many(names):
            self._join(names)

    def receive(self, frame: bytes, at: Stamp) -> None:
        if self._is_too_fast(at):
            return
        try:
            asked = _ASKED(frame)
        except msgspec.ValidationError as wrong:
            missing = "`method`" in str(wrong) and "missing" in str(wrong)
            self._error(2, f"Invalid request: {'missing field `method`' if missing else 'invalid type'}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._error(3, "Invalid JSON: expected value at line 1 column 1")
        else:
            self._answer(asked)

    def pong(self, payload: bytes, at: Stamp) -> None:
        if not self._is_too_fast(at):
            self._heart.pong(payload)

    def tell(self, topic: Topic, event: object, at: Stamp) -> None:
        if isinstance(event, Depth) and event.whole:
            return  # the whole comes by REST only
        listed = self._catalog.theirs(topic.symbol)
        for name in self._by_topic.get(topic, ()):
            said = STREAMS[_suffix(name)][1](event, listed)
            self._ear.frame(msgspec.json.encode({"stream": name, "data": said} if self._combined else said))

    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        """No calls are heard here."""

    def warn(self, in_ms: int, at: Stamp) -> None:
        said = {"e": SHUTDOWN, "E": at.venue_ms}
        self._ear.frame(msgspec.json.encode({"stream": f"!{SHUTDOWN}", "data": said} if self._combined else said))

    def tick(self, at: Stamp) -> None:
        self._heart.beat(at)

    def _is_too_fast(self, at: Stamp) -> bool:
        if len(self._heard_ns) == FRAMES_MOST and at.mono_ns - self._heard_ns[0] < FRAMES_NS:
            self._ear.close(POLICY, "Too many requests")
            return True
        self._heard_ns.append(at.mono_ns)
        return False

    # ---- control frames

    def _answer(self, asked: Asked) -> None:
        if asked.method not in _METHODS:
            known = ", ".join(f"`{name}`" for name in _METHODS)
            self._error(2, f"Invalid request: unknown variant `{asked.method}`, expected one of {known}", asked.id)
        elif not _good_id(asked.id):
            self._error(2, "Invalid request: request ID must be an unsigned integer")
        elif asked.method in (SUBSCRIBE, UNSUBSCRIBE):
            self._streams(asked)
        elif asked.method == LIST:
            self._result([*self._names], asked.id)
        else:
            self._property(asked)

    def _streams(self, asked: Asked) -> None:
        try:
            names = _NAMES(asked.params)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._error(2, "Invalid request: invalid type: expected a sequence of stream names", asked.id)
            return
        if asked.method == UNSUBSCRIBE:
            self._result(None, asked.id)
            self._leave(names)
        elif not self._is_too_many(names):
            self._result(None, asked.id)
            self._join(names)

    def _is_too_many(self, names: list[str]) -> bool:
        if len(self._names.keys() | set(names)) <= STREAMS_MOST:
            return False
        self._ear.close(POLICY, "Too many streams")
        return True

    def _join(self, names: list[str]) -> None:
        for name in names:
            if name in self._names:
                continue
            topic = self._names[name] = self._topic(name)
            if topic is not None:
                self._by_topic[topic] = (*self._by_topic.get(topic, ()), name)
                self._ear.join(topic)

    def _leave(self, names: list[str]) -> None:
        for name in names:
            topic = self._names.pop(name, None)
            if topic is not None:
                left = tuple(one for one in self._by_topic[topic] if one != name)
                self._by_topic[topic] = left
                if not left:
                    self._ear.leave(topic)

    def _property(self, asked: Asked) -> None:
        """{"method":"SET_PROPERTY","params":["combined",true],"id":5}"""
        if asked.method == "GET_PROPERTY":
            known = bytes(asked.params) == b'["combined"]'
            self._result(self._combined, asked.id) if known else self._error(0, "Unknown property", asked.id)
            return
        try:
            name, value = _PROPERTY(asked.params)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._error(1, "Invalid value type: expected Boolean", asked.id)
            return
        if name != "combined":
            self._error(0, "Unknown property", asked.id)
            return
        self._combined = value
        self._result(None, asked.id)

    def _topic(self, name: str) -> Topic | None:
        spelled, _, stream = name.partition("@")
        listed = self._catalog.ours(spelled, STREAM_SPELLING)
        if listed is None or _suffix(name) not in STREAMS:
            return None
        kind = STREAMS[_suffix(name)][0]
        if kind != "candles":
            return Topic(kind, listed.symbol)
        interval = stream.removeprefix("kline_")
        return Topic(kind, listed.symbol, interval) if interval in INTERVALS.values() else None

    def _result(self, result: Any, id: Any) -> None:
        self._ear.frame(msgspec.json.encode({"result": result, "id": id}))  # never in an envelope

    def _error(self, code: int, said: str, id: Any = None) -> None:
        self._ear.frame(msgspec.json.encode({"code": code, "msg": said, **({"id": id} if id is not None else {})}))


def _good_id(id: Any) -> bool:
    """An int64, an alphanumeric text of at most 36 characters, or null."""
    if isinstance(id, str):
        return len(id) <= 36 and id.isascii() and id.replace("-", "").isalnum()
    return id is None or (isinstance(id, int) and not isinstance(id, bool) and -(1 << 63) <= id < 1 << 63)


def _suffix(name: str) -> str:
    """btcusdt@kline_1m is said as "kline" is."""
    stream = name.partition("@")[2]
    return "kline" if stream.startswith("kline_") else stream
