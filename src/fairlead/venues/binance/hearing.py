"""The venue's end of a market stream connection, as strict as web-socket-streams.md says; it makes no market.

It takes the streams that the address names (/stream?streams=a/b, /ws/a) and SUBSCRIBE with its kin. An unknown but
well-formed stream name is acknowledged and then silent, as at the venue. Slow books (`@depth` without a speed) come as
often as the world moves."""

from __future__ import annotations

from collections import deque
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Raw, Struct

from fairlead.model.market import MS
from fairlead.venues.binance import replies
from fairlead.venues.binance.channels import INTERVALS, STREAM_SPELLING
from fairlead.venues.binance.stream import LIST, SHUTDOWN, SUBSCRIBE, UNSUBSCRIBE
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth, Ear, Heard
from fairlead.wire.signing import Stamp, Verifier

FRAMES_MOST, FRAMES_NS = 5, 1_000 * MS  # "5 incoming messages per second", whatever they are
STREAMS_MOST = 1_024
PING_NS = 20_000 * MS
PONG_NS = 60_000 * MS  # within which a copy of a ping's payload must have come back
RAW = "/ws"  # the address of events without envelope
POLICY = 1008  # the close code of those who go too far
_METHODS = (SUBSCRIBE, UNSUBSCRIBE, LIST, "SET_PROPERTY", "GET_PROPERTY")
_ID_LONGEST = 36


class Asked(Struct):
    """{"method":"SUBSCRIBE","params":["btcusdt@depth"],"id":1}"""

    method: str
    params: Raw = Raw(b"null")
    id: Any = None


_ASKED = msgspec.json.Decoder(Asked).decode
_NAMES = msgspec.json.Decoder(list[str]).decode
_PROPERTY = msgspec.json.Decoder(tuple[str, bool]).decode


class MarketRoom:
    """At /stream events come combined with the name of their stream, at /ws raw; SET_PROPERTY changes it."""

    def __init__(self, ctx: Ctx, verifier: Verifier, ear: Ear) -> None:
        self._catalog, self._ear = ctx.catalog, ear
        self._names: dict[str, Topic | None] = {}  # what was subscribed; None: a name that nothing answers to
        self._by_topic: dict[Topic, tuple[str, ...]] = {}
        self._combined = True
        self._heard_ns: deque[int] = deque(maxlen=FRAMES_MOST)
        self._pinged_ns = 0
        self._pings: dict[bytes, int] = {}  # not answered yet: payload, and when it went out

    def __repr__(self) -> str:
        return f"<MarketRoom {len(self._names)} streams, {'combined' if self._combined else 'raw'}>"

    def open(self, at: Stamp, path: str = "") -> None:
        self._pinged_ns = at.mono_ns
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
        """One that nobody asked for is allowed and answers nothing; one to a ping answers those before it too."""
        if not self._is_too_fast(at) and payload in self._pings:
            sent_ns = self._pings[payload]
            self._pings = {one: ns for one, ns in self._pings.items() if ns > sent_ns}

    def tell(self, topic: Topic, event: object, at: Stamp) -> None:
        if isinstance(event, Depth) and event.whole:
            return  # the whole comes by REST only
        listed = self._catalog.theirs(topic.symbol)
        for name in self._by_topic.get(topic, ()):
            said = replies.STREAMS[_suffix(name)][1](event, listed)
            self._ear.frame(msgspec.json.encode({"stream": name, "data": said} if self._combined else said))

    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        """No calls are heard here."""

    def warn(self, in_ms: int, at: Stamp) -> None:
        said = {"e": SHUTDOWN, "E": at.venue_ms}
        self._ear.frame(msgspec.json.encode({"stream": f"!{SHUTDOWN}", "data": said} if self._combined else said))

    def tick(self, at: Stamp) -> None:
        if at.mono_ns - self._pinged_ns >= PING_NS:
            self._pinged_ns = at.mono_ns
            payload = str(at.venue_ms).encode()
            self._pings.setdefault(payload, at.mono_ns)
            self._ear.ping(payload)
        if self._pings and at.mono_ns - next(iter(self._pings.values())) >= PONG_NS:
            self._ear.close(POLICY, "Pong timeout")

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
        if listed is None or _suffix(name) not in replies.STREAMS:
            return None
        kind = replies.STREAMS[_suffix(name)][0]
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
        return len(id) <= _ID_LONGEST and id.isascii() and id.replace("-", "").isalnum()
    return id is None or (isinstance(id, int) and not isinstance(id, bool) and -(1 << 63) <= id < 1 << 63)


def _suffix(name: str) -> str:
    """btcusdt@kline_1m is said as "kline" is."""
    stream = name.partition("@")[2]
    return "kline" if stream.startswith("kline_") else stream
