"""Kraken's market streams (Spot WebSocket v2): one public connection as a machine; it opens nothing, knows no book."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

import msgspec

from fairlead.errors import cut
from fairlead.model.market import MS
from fairlead.venues.kraken import wire
from fairlead.venues.kraken.channels import CHANNELS, SNAPSHOT, UPDATE, Channel, Key, Terms, subscription
from fairlead.venues.kraken.faults import FRAMES, MSG_RATE, said_fault
from fairlead.venues.kraken.wire import KNOWN_FRAMES, UNREADABLE
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Joined, Lane, Need, Odd, Out, Ready, Refused, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, strangers
from fairlead.wire.signing import Signer, Stamp

SYMBOLS_A_FRAME = 50  # each is answered by a snapshot
ACK_NS = 10_000 * MS  # an acknowledgement that has not come by then is lost
WHOLE_NS = 1_000 * MS  # a snapshot goes before all changes: if after so long only these come, it was lost
TRIES_MOST = 3  # so often is a subscription sent
AGAIN_MS = 30_000  # when another try makes sense after that
PING_NS = 3_000 * MS  # after so much silence we ask: heartbeats come every second, but only to subscribers
SAMPLE_BYTES = 300
SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
EXPECTED_WARNINGS = ("timestamp is deprecated, use interval_begin",)  # told to all who take ohlc; we use the latter
_FRAME = (Charge(FRAMES),)
_BY_PREFIX = tuple((f'{{"channel":"{name}"'.encode(), channel) for name, channel in CHANNELS.items())
_OTHER = msgspec.json.Decoder(wire.Other).decode
_STATUS = msgspec.json.Decoder(wire.StatusFrame).decode


class Standing(Enum):
    ASKED = "asked"
    OPEN = "open"
    LEAVING = "leaving"


class Line:
    """One subscription and whoever listens to it."""

    __slots__ = ("asked_ns", "heard", "key", "req_id", "standing", "terms", "tries", "whole")

    def __init__(self, key: Key, terms: Terms) -> None:
        self.key, self.terms = key, terms
        self.heard: tuple[tuple[Topic, Lane], ...] = ()
        self.standing = Standing.LEAVING  # until it is asked for
        self.whole = False  # something has come since it was asked for; of a book: the snapshot
        self.tries = self.req_id = self.asked_ns = 0

    def __repr__(self) -> str:
        return f"<Line {'/'.join(map(str, self.key))} {self.standing.value} for {len(self.heard)}>"


class MarketStreams:
    """The conversation at the public door."""

    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspector: Inspector) -> None:
        self._ctx, self._out, self._due = ctx, out, inspector.due
        self._lines: dict[Key, Line] = {}
        self._req_id, self._silent = 0, True  # silent: nothing came since the last tick
        self._now_ns = self._heard_ns = 0

    # ---- what the engine asks

    def open(self, at: Stamp) -> None:
        self._now_ns = self._heard_ns = at.mono_ns
        self._out.event(Ready())

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        asked: list[Line] = []
        for topic, lane in topics:
            line = self._line_for(topic)
            if isinstance(line, Fault):
                self._out.event(Refused(topic, line))
                continue
            line.heard = (*(pair for pair in line.heard if pair[0] != topic), (topic, lane))
            if line.standing is Standing.OPEN:
                self.renew(topic, at)  # a new listener needs the beginning too
            elif line.standing is Standing.LEAVING:
                line.standing, line.tries = Standing.ASKED, 0
                asked.append(line)
        self._subscribe(asked, at.mono_ns)

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        left: list[Line] = []
        for line in self._lines.values():
            kept = tuple(pair for pair in line.heard if pair[0] not in topics)
            if line.heard and not kept:
                line.standing, line.asked_ns = Standing.LEAVING, at.mono_ns
                left.append(line)
            line.heard = kept
        self._send(UNSUBSCRIBE, left)

    def renew(self, topic: Topic, at: Stamp) -> None:
        """Unsubscribing and subscribing brings a new snapshot; what comes before it belongs to the old book."""
        line = next((one for one in self._lines.values() if any(pair[0] == topic for pair in one.heard)), None)
        if line is not None and (line.whole or line.standing is Standing.OPEN):
            line.tries = 0
            self._anew(line, at.mono_ns)

    def call(self, call: Call, at: Stamp) -> None:
        self._out.event(Answer(call.tag, Fault(Kind.INVALID, said="no orders go through this door")))

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        """It needs nothing."""

    def tick(self, at: Stamp) -> None:
        self._now_ns = at.mono_ns
        if not self._silent:
            self._silent, self._heard_ns = True, at.mono_ns
        elif at.mono_ns - self._heard_ns >= PING_NS:
            self._heard_ns = at.mono_ns
            self._out.frame(msgspec.json.encode({"method": "ping", "req_id": self._next_id()}), _FRAME)
        late = [one for one in self._lines.values() if one.standing is not Standing.OPEN]
        late = [one for one in late if at.mono_ns - one.asked_ns >= ACK_NS]
        again: list[Line] = []
        for line in late:
            if line.standing is Standing.LEAVING:
                del self._lines[line.key]
            elif line.whole:
                self._opened(line)  # its data came: only the acknowledgement was lost
            elif line.tries < TRIES_MOST:
                again.append(line)
            else:
                self._send(UNSUBSCRIBE, [line])  # it may stand after all
                self._refuse(line, Fault(Kind.SERVER, said="no answer to the subscription", wait_ms=AGAIN_MS))
        self._subscribe(again, at.mono_ns)

    # ---- what the venue says

    def receive(self, frame: bytes, seen_ns: int) -> None:
        """Frames begin with their channel; one that does not is read for it first."""
        self._silent = False
        for prefix, channel in _BY_PREFIX:
            if frame.startswith(prefix):
                self._data(channel, frame, seen_ns)
                return
        try:
            other = _OTHER(frame)
            system = _STATUS(frame).data[0].system if other.channel == "status" else ""
        except (*UNREADABLE, IndexError):
            self._odd("unreadable frame", frame)
            return
        if other.channel in CHANNELS:
            self._data(CHANNELS[other.channel], frame, seen_ns)
        elif other.channel not in KNOWN_FRAMES:
            self._odd(f"channel {cut(other.channel, 40)}, which nobody asked for", frame)
        else:
            self._inspect(other.channel, frame)
            if other.channel == "status" and system != "online":
                self._odd(f"system {cut(system, 40)}", frame)  # data pauses; the connection and its lines stay
            elif not other.channel:
                self._acknowledge(other, frame)

    def _data(self, channel: Channel, frame: bytes, seen_ns: int) -> None:
        try:
            got = channel.decode(frame)
        except UNREADABLE:
            self._odd(f"unreadable {channel.name} frame", frame)
            return
        if got.type not in (SNAPSHOT, UPDATE):
            self._odd(f"{channel.name} of unknown type {cut(got.type, 40)}", frame)
            return
        self._inspect(channel.name, frame)
        for item in got.data:
            line = self._lines.get(channel.key(item))
            if line is None:
                self._odd(f"{channel.name} of {cut(item.symbol, 40)}, which nobody asked for", frame)
                continue
            if not line.whole:
                if channel.from_snapshot and got.type != SNAPSHOT:
                    if line.tries < TRIES_MOST and self._now_ns - line.asked_ns >= WHOLE_NS:
                        self._anew(line, self._now_ns)
                    continue
                line.whole = True
            try:
                events = [(lane, channel.noun(item, got, topic, seen_ns)) for topic, lane in line.heard]
            except UNREADABLE:
                self._odd(f"unreadable {channel.name} of {cut(item.symbol, 40)}", frame)
                continue
            if strange := channel.strange(item):
                self._odd(strange, frame)
            for lane, event in events:
                lane(event)

    def _acknowledge(self, other: wire.Other, frame: bytes) -> None:
        told = other.result
        if other.error or other.success is False:
            self._refused(other, frame)
        elif other.method in (SUBSCRIBE, UNSUBSCRIBE) and told is not None:
            for warning in told.warnings:
                if warning not in EXPECTED_WARNINGS:
                    self._odd(f"warned: {cut(warning, 100)}", frame)
            line = self._lines.get((told.channel, told.symbol, told.interval))
            if line is None or line.standing is Standing.LEAVING:
                if other.method == UNSUBSCRIBE and line is not None:
                    del self._lines[line.key]
            elif line.standing is Standing.ASKED and other.method == SUBSCRIBE and other.req_id in (0, line.req_id):
                self._opened(line)  # not by an older answer, whose subscription was left since
        elif other.method != "pong":
            self._odd("unknown frame", frame)

    def _refused(self, other: wire.Other, frame: bytes) -> None:
        """A refusal names the symbol, or nothing; the frame's number says which of our frames it is about."""
        fault = said_fault(other.error, Op.TICKER)
        about = [
            line
            for line in self._lines.values()
            if line.standing is not Standing.OPEN
            and (line.standing is Standing.LEAVING) == (other.method == UNSUBSCRIBE)
            and other.symbol in ("", line.key[1])
            and (line.req_id == other.req_id if other.req_id else other.symbol or MSG_RATE in other.error)
        ]
        for line in about:
            if line.standing is Standing.LEAVING:
                del self._lines[line.key]
            elif fault.kind is not Kind.DUPLICATE or line.tries >= TRIES_MOST:
                self._refuse(line, fault)
            elif line.whole or not CHANNELS[line.key[0]].from_snapshot:
                self._opened(line)  # it stands: only the acknowledgement was lost
            else:
                self._anew(line, self._now_ns)
        if not about and other.method != UNSUBSCRIBE:  # what is left and does not stand is just as well
            self._odd(f"refused: {cut(other.error, 100)}", frame)

    # ---- lines

    def _line_for(self, topic: Topic) -> Line | Fault:
        found = subscription(topic, self._ctx)
        if isinstance(found, Fault):
            return found
        key, terms = found
        line = self._lines.setdefault(key, Line(key, terms))
        if line.terms != terms and line.standing is not Standing.LEAVING:
            return Fault(
                Kind.INVALID, said=f"{line.heard[0][0]} is open here, and a connection holds one depth of a book"
            )
        line.terms = terms
        return line

    def _opened(self, line: Line) -> None:
        line.standing = Standing.OPEN
        for topic, _ in line.heard:
            self._out.event(Joined(topic))

    def _refuse(self, line: Line, fault: Fault) -> None:
        del self._lines[line.key]
        for topic, _ in line.heard:
            self._out.event(Refused(topic, fault))

    def _anew(self, line: Line, now_ns: int) -> None:
        self._send(UNSUBSCRIBE, [line])
        self._subscribe([line], now_ns)

    def _subscribe(self, lines: Sequence[Line], now_ns: int) -> None:
        for line in lines:
            line.standing, line.whole, line.asked_ns = Standing.ASKED, False, now_ns
            line.tries += 1
        self._send(SUBSCRIBE, lines)

    def _send(self, method: str, lines: Iterable[Line]) -> None:
        """Many symbols in few frames: those with the same channel and terms go together."""
        alike: dict[tuple[str, Terms], list[Line]] = {}
        for line in lines:
            alike.setdefault((line.key[0], line.terms), []).append(line)
        for (channel, terms), group in alike.items():
            for start in range(0, len(group), SYMBOLS_A_FRAME):
                some, number = group[start : start + SYMBOLS_A_FRAME], self._next_id()
                params = {"channel": channel, "symbol": [line.key[1] for line in some], **dict(terms)}
                if method == UNSUBSCRIBE:
                    params.pop("snapshot")
                text = msgspec.json.encode({"method": method, "params": params, "req_id": number})
                self._out.frame(text, _FRAME)
                for line in some:
                    line.req_id = number

    def _next_id(self) -> int:
        self._req_id += 1
        return self._req_id

    # ---- oddities

    def _inspect(self, channel: str, frame: bytes) -> None:
        if self._due(channel):
            for field in strangers(frame, KNOWN_FRAMES[channel]):
                self._odd(f"{channel or 'acknowledgement'}: unknown field {cut(field, 60)}", frame)

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(Odd(what, frame[:SAMPLE_BYTES]))

    def __repr__(self) -> str:
        standing = [sum(line.standing is one for line in self._lines.values()) for one in Standing]
        return "<Kraken streams {} asked, {} open, {} leaving>".format(*standing)
