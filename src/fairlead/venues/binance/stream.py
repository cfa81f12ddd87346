"""Binance's market streams (web-socket-streams.md): one connection as a machine; it opens nothing and knows no book.

Combined mode: every event comes in an envelope that names its stream, {"stream":"btcusdt@trade","data":{...}}, so that
an event without kind or symbol cannot go astray. Events without it, which recordings hold, are put into one first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct

from fairlead.model.market import MS
from fairlead.model.numbers import DIGITS_EXACT, long_text
from fairlead.venues.binance import wire
from fairlead.venues.binance.channels import SORTS, Sort, bare_name, stream_name, unheard
from fairlead.wire.conversation import Answer, Call, Ending, Joined, Lane, Levels, Need, Odd, Out, Ready, Refused, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, strangers
from fairlead.wire.signing import Signer, Stamp

NAMES_A_FRAME = 100  # about 2.5 kB: many names in few frames, since frames are counted, but none of them long
ACK_NS = 10_000 * MS  # an acknowledgement that has not come by then is lost
TRIES = 3  # so often is a subscription sent
AGAIN_MS = 30_000  # when another try makes sense after that
PROBE_NS = 10_000 * MS  # after so much silence we ask, so that a quiet connection is never mistaken for a dead one
SAMPLE_BYTES = 300
SUBSCRIBE, UNSUBSCRIBE, LIST = "SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"
SHUTDOWN = "serverShutdown"

_FRAME = (Charge("frames"),)
_ENVELOPE = b'{"stream":"'
_START = len(_ENVELOPE)
_UNREADABLE = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)
_LOOSE = msgspec.json.Decoder(wire.Loose).decode
_LISTED = msgspec.json.Decoder(list[str]).decode


class Route:
    """Where one stream's events go. Only books share a stream: one topic for each depth asked for."""

    __slots__ = ("joined", "known", "lane", "lanes", "name", "sort", "spelled", "topic")
    topic: Topic
    lane: Lane

    def __init__(self, name: str, sort: Sort, spelled: str) -> None:
        self.name, self.sort, self.spelled = name, sort, spelled
        self.known = wire.EVENTS[sort.kind]
        self.lanes: dict[Topic, Lane] = {}
        self.joined = False

    def share(self) -> None:
        """After `lanes` changed: a single topic is served without a detour."""
        (self.topic, self.lane), *more = self.lanes.items()
        if more:
            lanes = tuple(self.lanes.items())

            def fan(event: Levels) -> None:
                for topic, lane in lanes:
                    lane(msgspec.structs.replace(event, topic=topic))

            self.lane = fan


class Asked(Struct, frozen=True):
    """A frame of ours that has not been answered yet."""

    method: str
    names: tuple[str, ...]
    sent_ns: int
    tries: int


class Streams:
    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspector: Inspector) -> None:
        self._catalog, self._out, self._inspector = ctx.catalog, out, inspector
        self._routes: dict[bytes, Route] = {}  # by the stream's name
        self._asked: dict[int, Asked] = {}
        self._last_id = 0
        self._now_ns = 0  # of the last call that told: exact enough for a frame that an answer sets off
        self._quiet_ns = 0  # since when nothing has been heard
        self._heard = False

    def __repr__(self) -> str:
        joined = sum(route.joined for route in self._routes.values())
        return f"<Streams {joined} of {len(self._routes)} joined, {len(self._asked)} frames unanswered>"

    # ---- what the engine says

    def open(self, at: Stamp) -> None:
        self._now_ns = self._quiet_ns = at.mono_ns
        self._out.event(Ready())

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        self._now_ns = at.mono_ns
        names: dict[str, None] = {}
        for topic, lane in topics:
            fault = unheard(topic, self._catalog)
            if fault is not None:
                self._out.event(Refused(topic, fault))
                continue
            route = self._route(topic)
            route.lanes[topic] = lane
            route.share()
            names[route.name] = None
        self._say(SUBSCRIBE, tuple(names))

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        self._now_ns = at.mono_ns
        names = []
        for route in self._routes_of(topics):
            for topic in topics:
                route.lanes.pop(topic, None)
            if route.lanes:
                route.share()
            else:
                del self._routes[route.name.encode()]
                names.append(route.name)
        self._say(UNSUBSCRIBE, tuple(names))

    def renew(self, topic: Topic, at: Stamp) -> None:
        """The stream from the start. The whole of a book comes by REST, so nothing that arrives has to be ignored: a
        hole in the numbers is seen by the book itself."""
        self._now_ns = at.mono_ns
        names = tuple(route.name for route in self._routes_of([topic]))
        self._say(UNSUBSCRIBE, names)
        self._say(SUBSCRIBE, names)

    def call(self, call: Call, at: Stamp) -> None:
        self._out.event(Answer(call.tag, Fault(Kind.INVALID, said="market streams take no calls")))

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        """Nothing is ever needed here."""

    def tick(self, at: Stamp) -> None:
        self._now_ns = now_ns = at.mono_ns
        for number, asked in tuple(self._asked.items()):
            if now_ns - asked.sent_ns >= ACK_NS:
                del self._asked[number]
                self._unanswered(asked)
        if self._heard:
            self._heard, self._quiet_ns = False, now_ns
        elif now_ns - self._quiet_ns >= PROBE_NS and all(asked.method != LIST for asked in self._asked.values()):
            self._send(LIST, ())

    # ---- what the venue says

    def receive(self, frame: bytes, seen_ns: int) -> None:
        self._heard = True
        if frame.startswith(_ENVELOPE):
            route = self._routes.get(frame[_START : frame.find(b'"', _START)])
            if route is not None:
                self._event(route, frame, seen_ns)
                return
        self._unusual(frame, seen_ns)

    def _event(self, route: Route, frame: bytes, seen_ns: int) -> None:
        sort = route.sort
        try:
            data = sort.decode(frame).data
            event = sort.noun(data, route.topic, seen_ns)
        except _UNREADABLE:
            self._odd(f"not of the shape of {sort.kind}", frame)
            return
        if data.s != route.spelled:
            self._odd(f"data of {data.s} on {route.name}", frame)
            return
        if sort.texts is not None:
            for text in sort.texts(data):
                if len(text) > DIGITS_EXACT and long_text(text):
                    self._odd("more digits than a float holds", frame)
        if self._inspector.due(sort.kind):
            self._inspect(route, frame)
        route.lane(event)

    def _inspect(self, route: Route, frame: bytes) -> None:
        for name in strangers(frame, route.known):
            self._odd(f"unknown field: {route.sort.kind} {name}", frame)

    def _unusual(self, frame: bytes, seen_ns: int) -> None:
        """Everything but the event of a joined stream in its usual envelope."""
        try:
            loose = _LOOSE(frame)
        except _UNREADABLE:
            self._odd("not a frame of this venue", frame)
            return
        if loose.e == SHUTDOWN or loose.stream == f"!{SHUTDOWN}":
            self._out.event(Ending(0, SHUTDOWN))  # "open a replacement at once": no lead time is promised
        elif loose.stream is not None and "@" in loose.stream:
            self._strayed(loose.stream, frame, seen_ns)
        elif name := bare_name(loose):
            self._strayed(name, b'{"stream":"%s","data":%s}' % (name.encode(), frame), seen_ns)
        elif loose.code is not None or loose.error is not None:
            self._erred(loose.id, loose.error or wire.Refusal(loose.code or 0, loose.msg), frame)
        elif isinstance(loose.id, int) and loose.id in self._asked:
            self._answered(self._asked.pop(loose.id), loose.result)
        else:
            self._odd("neither a known event nor an answer to what was asked", frame)

    def _strayed(self, name: str, frame: bytes, seen_ns: int) -> None:
        """In another envelope or, until now, none. What nobody has joined (or not any more) is no cause for wonder."""
        route = self._routes.get(name.encode())
        if route is not None:
            self._event(route, frame, seen_ns)

    def _answered(self, asked: Asked, result: Raw) -> None:
        """`result` is null, or for LIST the streams that the venue sends us: one it has lost is subscribed again."""
        if asked.method == SUBSCRIBE:
            for route in self._routes_named(asked.names):
                route.joined = True
                for topic in route.lanes:
                    self._out.event(Joined(topic))
        elif asked.method == LIST:
            try:
                listed = set(_LISTED(result))
            except _UNREADABLE:
                self._odd("not a list of streams", bytes(result))
                return
            self._say(SUBSCRIBE, tuple(r.name for r in self._routes.values() if r.joined and r.name not in listed))

    def _erred(self, number: int | str | None, error: wire.Refusal, frame: bytes) -> None:
        """Errors may lack their id; answers come in order, so then the oldest frame is meant. One bad name spoils its
        whole frame, so halves are tried until it stands alone."""
        asked = self._asked.pop(number if isinstance(number, int) else next(iter(self._asked), 0), None)
        if asked is None or asked.method != SUBSCRIBE:
            self._odd(f"error {error.code}: {error.msg}", frame)
        elif len(asked.names) > 1:
            middle = len(asked.names) // 2
            self._say(SUBSCRIBE, asked.names[:middle])
            self._say(SUBSCRIBE, asked.names[middle:])
        else:
            self._refuse(asked.names, Fault(Kind.INVALID, code=str(error.code), said=error.msg))

    def _unanswered(self, asked: Asked) -> None:
        if asked.method == SUBSCRIBE and asked.tries < TRIES:
            self._say(SUBSCRIBE, asked.names, asked.tries + 1)
        elif asked.method == SUBSCRIBE:
            said = f"{TRIES} subscriptions were not acknowledged within {ACK_NS // MS} ms each"
            self._refuse(asked.names, Fault(Kind.SERVER, said=said, wait_ms=AGAIN_MS))

    # ---- what we say

    def _refuse(self, names: tuple[str, ...], fault: Fault) -> None:
        for route in self._routes_named(names):
            del self._routes[route.name.encode()]
            for topic in route.lanes:
                self._out.event(Refused(topic, fault))

    def _say(self, method: str, names: tuple[str, ...], tries: int = 1) -> None:
        for first in range(0, len(names), NAMES_A_FRAME):
            self._send(method, names[first : first + NAMES_A_FRAME], tries)

    def _send(self, method: str, names: tuple[str, ...], tries: int = 1) -> None:
        self._last_id += 1
        self._asked[self._last_id] = Asked(method, names, self._now_ns, tries)
        params = {"params": names} if names else {}
        self._out.frame(msgspec.json.encode({"method": method, **params, "id": self._last_id}), _FRAME)

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(Odd(what, frame[:SAMPLE_BYTES]))

    # ---- names

    def _route(self, topic: Topic) -> Route:
        name = stream_name(topic, self._catalog)
        route = self._routes.get(name.encode())
        if route is None:
            route = Route(name, SORTS[topic.kind], self._catalog.theirs(topic.symbol).venue_symbol)
            self._routes[name.encode()] = route
        return route

    def _routes_named(self, names: Iterable[str]) -> list[Route]:
        return [route for name in names if (route := self._routes.get(name.encode())) is not None]

    def _routes_of(self, topics: Iterable[Topic]) -> list[Route]:
        wanted = set(topics)
        return [route for route in self._routes.values() if wanted & route.lanes.keys()]
