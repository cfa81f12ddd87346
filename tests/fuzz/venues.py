"""Every decoder of every registered venue, as targets: conversations, replies, faults, and the simulator's ears."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec

from fairlead.cli.ears import ear
from fairlead.core.candles import Series
from fairlead.core.guard import Guard
from fairlead.io.clock import seeded
from fairlead.sim.keys import Keyring
from fairlead.sim.server.headers import Headers
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Call, Conversation, Lane, Topic
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault
from fairlead.wire.http import Reply, Request
from fairlead.wire.mirror import Heard
from fairlead.wire.printed import printed
from fairlead.wire.shapes import Inspector, Nonsense, strangers
from fairlead.wire.signing import Stamp
from tests.fuzz.target import Drain, Sink, Take, Target, shown
from tests.wire import reader
from tests.wire.cast import Pen

NOW_MS = 1_764_000_060_000
NOW = Stamp(mono_ns=NOW_MS * 1_000_000, venue_ms=NOW_MS, nonce=NOW_MS)
INSPECT_EVERY = 7  # searching for strangers is a decoder too
CALLS = {path: reader.call(path) for path in reader.files("http")}
CONNECTIONS = {path: reader.connection(path) for path in reader.files("frames")}
STATUSES = (200, 200, 400, 404, 418, 429, 500, 503)


def targets() -> Iterator[Target]:
    for venue in registry.names():
        ctx = reader.context(venue)
        yield from _conversations(venue, ctx)
        yield from _reads(venue, ctx)
        yield from _refusals(venue)
        yield from _mirrors(venue, ctx)
        yield from _rooms(venue, ctx)


# ---- what a venue says on a socket


def _conversations(venue: str, ctx: Ctx) -> Iterator[Target]:
    """Each recorded connection, as far as its transcript goes; then come the spoilt frames."""
    own = {path: told for path, told in CONNECTIONS.items() if told.venue == venue}
    every = [line.encode() for told in own.values() for line in told.lines("recv")]
    for path, told in own.items():
        heard = [line.encode() for line in told.lines("recv")]
        if not heard:
            continue  # a venue that says nothing there: the silence is what it shows
        yield Target(f"{venue} hears {path.stem}", heard, _listening(told, ctx), 2, every, lasts=True)


def _listening(told: reader.Connection, ctx: Ctx) -> Any:
    topics = [reader.topic(name, ctx.catalog) for name in told.topics]
    listed = [topic for topic in topics if not topic.symbol or topic.symbol in ctx.catalog]
    door, signer = reader.door(told), Pen(told.venue, told.signed.key) if told.signed else None

    def arm() -> Take:
        conversation = door.speak(ctx, signer, Sink(), Inspector(INSPECT_EVERY))
        conversation.open(Stamp())
        conversation.join([(topic, _lane(told.venue, door, topic, ctx)) for topic in listed], Stamp())
        for number, (what, question, _) in enumerate(told.steps):
            if what == "call":
                conversation.call(Call(str(number), *reader.question(question)), Stamp())
        for line in told.lines("recv"):
            conversation.receive(line.encode(), NOW.mono_ns)
        return _taking(conversation)

    return arm


def _taking(conversation: Conversation) -> Take:
    count = 0

    def take(text: bytes) -> None:
        nonlocal count
        count += 1
        conversation.receive(text, NOW.mono_ns)
        if not count % 50:
            conversation.tick(Stamp(mono_ns=count * 1_000_000))

    return take


def _lane(venue: str, door: Door, topic: Topic, ctx: Ctx) -> Lane:
    """The judges that stand behind a conversation: guard, strand and book, tape, series."""
    if not topic.symbol or (topic.kind == "book" and topic.detail and not topic.detail.isdigit()):
        return shown
    judged = ear(venue, topic, door, ctx.catalog.theirs(topic.symbol), _told)
    if topic.kind == "book" and (whole := _whole(venue, topic.symbol, ctx)) is not None:
        judged.answer(whole)
    series, guard = Series(topic.symbol, topic.detail), Guard(topic.symbol)

    def lane(event: Any) -> None:
        shown(event)
        judged.lane(event)
        if topic.kind == "candles" and not guard.candle(event):
            series.hear(event)
            series.pass_to(NOW.mono_ns)

    return lane


def _told(line: Any) -> None:
    printed(line)


def _whole(venue: str, symbol: str, ctx: Ctx) -> Any:
    known = registry.venue(venue)
    for told in CALLS.values():
        fits = told.venue == venue and told.op is Op.BOOK and told.asked.symbol == symbol
        if fits and known.fault(told.reply, told.op) is None:
            return known.endpoints[Op.BOOK].read(told.reply.body, told.asked, ctx)
    return None


# ---- what a venue answers


def _reads(venue: str, ctx: Ctx) -> Iterator[Target]:
    """As the sender does it: what was refused, else what it says, which fields nobody knows, and the next page."""
    for path, told in CALLS.items():
        if told.venue == venue:
            yield Target(f"{venue} reads {path.stem}", [told.reply.body], _reading(told, ctx), 1, _alike(told))


def _alike(told: reader.Call) -> list[bytes]:
    return [other.reply.body for other in CALLS.values() if (other.venue, other.op) == (told.venue, told.op)]


def _reading(told: reader.Call, ctx: Ctx) -> Any:
    venue = registry.venue(told.venue)
    row = venue.endpoints[told.op]

    def take(text: bytes) -> None:
        reply = Reply(STATUSES[len(text) % len(STATUSES)], told.reply.headers, text)
        printed(venue.fault(reply, told.op))
        strangers(text, row.known)
        try:
            answer = row.read(text, told.asked, ctx)
        except (msgspec.DecodeError, Nonsense) as nonsense:
            str(nonsense)
            return
        shown(answer)
        if row.after is not None:
            following = row.after(told.asked, answer)
            assert following is None or row.ask(following, ctx) is not None

    return lambda: take


def _refusals(venue: str) -> Iterator[Target]:
    """Refusals, and the headers that tell of limits and waits."""
    told = [call for call in CALLS.values() if call.venue == venue]
    known, refused = registry.venue(venue), [one for one in told if registry.venue(venue).fault(one.reply, one.op)]
    headers = {name: value for one in told for name, value in one.reply.headers.items()} | {"retry-after": "7"}
    ops = tuple(known.endpoints)

    def take_body(text: bytes) -> None:
        reply = Reply(STATUSES[len(text) % len(STATUSES)], {}, text)
        printed(known.fault(reply, ops[len(text) % len(ops)]))
        printed(known.readings(reply))

    def take_header(text: bytes) -> None:
        spoilt = text.decode("utf-8", "surrogateescape")
        for status, body in ((429, b""), (418, refused[0].reply.body), (200, b"{}")):
            reply = Reply(status, dict.fromkeys(headers, spoilt), body)
            printed(known.fault(reply, ops[0]))
            printed(known.readings(reply))

    yield Target(f"{venue} refuses", [one.reply.body for one in refused], lambda: take_body, 3)
    yield Target(f"{venue} tells in headers", [value.encode() for value in headers.values()], lambda: take_header)


# ---- the same from the other side


def _mirrors(venue: str, ctx: Ctx) -> Iterator[Target]:
    """Any request is understood or refused, and a refusal can be said."""
    mirror = registry.mirror(venue)
    rng: Any = seeded(1)
    ring, minted = Keyring(), mirror.mint(rng)
    ring.add(minted)
    truths = [_spelled(call.request, minted.key) for call in CALLS.values() if call.venue == venue]

    def take(text: bytes) -> None:
        request = _request(text)
        heard = mirror.hear(request, ctx)
        assert isinstance(heard, (Heard, Fault))
        fault = heard if isinstance(heard, Fault) else mirror.proof(request, ring, NOW)
        printed(heard)
        if fault is not None:
            reply = mirror.refuse(fault)
            assert 200 <= reply.status < 600

    yield Target(f"{venue} is asked", truths, lambda: take, 6)


def _spelled(request: Request, key: str) -> bytes:
    headers = [(name, key if "key" in name.lower() else value) for name, value in request.headers.items()]
    lines = [f"{request.method} {request.target}", *(f"{name}: {value}" for name, value in headers)]
    return "\n".join(lines).encode() + b"\n\n" + request.body


def _request(text: bytes) -> Request:
    """As a lenient server would take it apart."""
    head, _, body = text.partition(b"\n\n")
    first, *lines = head.decode("utf-8", "surrogateescape").split("\n")
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    pairs = [line.partition(": ") for line in lines]
    return Request(method, "rest", path, query, Headers((name, value) for name, _, value in pairs), body)


def _rooms(venue: str, ctx: Ctx) -> Iterator[Target]:
    """Whatever a client says on a socket, and whatever address it dials, is answered or closed upon."""
    mirror = registry.mirror(venue)
    said = [line.encode() for told in CONNECTIONS.values() if told.venue == venue for line in told.lines("send")]
    for name, make in mirror.rooms.items():

        def arm(make: Any = make) -> Take:
            room = make(ctx, Keyring(), Drain())
            room.open(NOW)
            seconds = itertools.count(NOW_MS // 1_000)  # nobody is too fast
            return lambda text: room.receive(text, Stamp(mono_ns=next(seconds) * 1_000_000_000, venue_ms=NOW_MS))

        def dial(make: Any = make) -> Take:
            return lambda text: make(ctx, Keyring(), Drain()).open(NOW, text.decode("utf-8", "surrogateescape"))

        yield Target(f"{venue} room {name} hears", said, arm, 3, lasts=True)
        paths = [
            mirror.paths[name].encode() + query for query in (b"", b"?streams=btcusdt@trade/ethusdt@depth", b"/x@y")
        ]
        yield Target(f"{venue} room {name} is dialled", paths, dial)
