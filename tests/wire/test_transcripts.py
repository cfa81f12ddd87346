"""Every transcript of every venue, both ways: the adapter asks and reads it, the mirror hears and says it."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.testing import Recorder
from fairlead.venues import registry
from fairlead.wire.conversation import Conversation, Joined, Levels, Topic
from fairlead.wire.door import Door, Side
from fairlead.wire.endpoint import Access, Ctx, build
from fairlead.wire.http import Request
from fairlead.wire.mirror import Depth, Heard, Minted
from fairlead.wire.printed import printed
from fairlead.wire.shapes import READERS, Inspector, LevelShape, strangers
from fairlead.wire.signing import Stamp
from tests.wire import reader

CALLS = reader.files("http")
CONNECTIONS = reader.files("frames")
MS = 1_000_000


class Pen:
    """A Signer of the venue's form, with a transcript's own key."""

    def __init__(self, venue: str, key: Mapping[str, str]) -> None:
        form = _form(venue)
        self.key_id, self.algorithm, self._key = key["key"], form.algorithm, key
        secret = key["secret"]
        self._secret = base64.b64decode(secret) if form.in_base64 else secret.encode()

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, self.algorithm.removeprefix("hmac-"))

    def part(self, name: str) -> str:
        return self._key[name]


class Seal:
    """The Verifier of the same key."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen

    def knows(self, key_id: str) -> bool:
        return key_id == self._pen.key_id

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool:
        return self.knows(key_id) and signature == self._pen.sign(message)

    def part(self, key_id: str, name: str) -> str:
        return self._pen.part(name)

    def last_nonce(self, key_id: str) -> int:
        return 0

    def note_nonce(self, key_id: str, nonce: int) -> None:
        """One transcript is one call."""


class Zero:
    """An Rng without surprises: what is minted matters here by its form alone."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def getrandbits(self, k: int, /) -> int:
        return 0

    def randrange(self, start: int, stop: int | None = None) -> int:
        return 0


class Listener:
    """An Ear that remembers."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.joined: list[Topic] = []
        self.closed: tuple[int, str] | None = None

    def frame(self, text: bytes) -> None:
        self.frames.append(text)

    def ping(self, payload: bytes = b"") -> None: ...
    def heard(self, heard: Heard) -> None: ...
    def leave(self, topic: Topic) -> None: ...

    def join(self, topic: Topic) -> None:
        self.joined.append(topic)

    def close(self, code: int, why: str) -> None:
        self.closed = code, why


class Told:
    """A Sight of one book."""

    def __init__(self, bids: Side, asks: Side) -> None:
        self._sides = bids, asks

    def top(self, levels: int) -> tuple[Side, Side]:
        return self._sides[0][:levels], self._sides[1][:levels]


def _form(venue: str) -> Minted:
    rng: Any = Zero()
    return registry.mirror(venue).mint(rng)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _lines(value: Any) -> list[Any]:
    return [json.loads(printed(one)) for one in (value if isinstance(value, tuple) else (value,))]


def _request(told: reader.Call, ctx: Ctx) -> tuple[Request, Request]:
    """(as asked, as sent)"""
    venue = registry.venue(told.venue)
    row = venue.endpoints[told.op]
    asked = build(row, told.asked, ctx, venue.encode)
    if told.signed is None:
        return asked, asked
    pen = Pen(told.venue, told.signed.key)
    return asked, venue.sign(asked, pen, Stamp(0, told.signed.venue_ms, told.signed.nonce))


def _as_said(answer: Any, ctx: Ctx, shape: LevelShape) -> Any:
    """What the simulator's world would answer: a book in fixed point."""
    if not isinstance(answer, Levels):
        return answer
    listed = ctx.catalog.theirs(answer.topic.symbol)
    bids, asks = _fixed(answer.bids, shape, listed), _fixed(answer.asks, shape, listed)
    return Depth(
        listed.symbol, True, answer.last, answer.last, answer.last, bids, asks, answer.venue_ns, Told(bids, asks)
    )


def _fixed(raw: msgspec.Raw, shape: LevelShape, listed: Instrument) -> Side:
    return [
        (numbers.fixed(price, listed.price_decimals), numbers.fixed(qty, listed.qty_decimals))
        for price, qty in READERS[shape](raw)
    ]


def _compared(answer: Any, ctx: Ctx, shape: LevelShape) -> Any:
    """An answer such that equal ones are equal: levels by their values, whatever zeros pad them."""
    if not isinstance(answer, Levels):
        return _lines(answer)
    book = _as_said(answer, ctx, shape)
    return (answer.last, list(book.bids), list(book.asks))


def _book_shape(venue: str) -> LevelShape:
    rules = [rule for door in registry.venue(venue).doors for _, rule in door.books]
    return rules[0].shape


def test_there_are_transcripts() -> None:
    """If this failed, all the tests below would pass over nothing."""
    assert len(CALLS) >= 8
    assert CONNECTIONS


@pytest.mark.parametrize("venue", registry.names())
def test_every_call_and_every_channel_has_a_transcript(venue: str) -> None:
    """If this failed, an endpoint, or a channel at one of its doors, could be misread without any test noticing."""
    known, catalog = registry.venue(venue), reader.context(venue).catalog
    told = {reader.call(path).op for path in CALLS if path.parent.name == venue}
    connections = [reader.connection(path) for path in CONNECTIONS if path.parent.name == venue]
    topics = [reader.topic(name, catalog) for one in connections for name in one.topics]
    heard = {(door.name, topic.kind) for topic in topics if (door := known.door_for(topic.kind, topic.detail))}
    spoken = {(door.name, name.partition(":")[0]) for door in known.doors for name in door.topics}
    assert (sorted(set(known.endpoints) - told), sorted(spoken - heard)) == ([], [])
    assert set(known.markets) <= {*reader.markets(venue), *(known.markets if len(known.markets) == 1 else ())}


@pytest.mark.parametrize("path", CALLS, ids=_name)
def test_a_call_is_asked_as_documented(path: Path) -> None:
    """If this failed, the venue would be sent something else than its documents ask for, or a wrong signature."""
    told = reader.call(path)
    _, sent = _request(told, reader.context(told.venue))
    got = (sent.method, sent.path, sent.query, sent.body)
    assert got == (told.request.method, told.request.path, told.request.query, told.request.body)
    assert {name.lower(): value for name, value in sent.headers.items()} == {
        name.lower(): value for name, value in told.request.headers.items()
    }


@pytest.mark.parametrize("path", CALLS, ids=_name)
def test_a_reply_is_read_as_documented(path: Path) -> None:
    """If this failed, a number, a time, a side or a refusal of the venue would reach the user as another one."""
    told = reader.call(path)
    venue, ctx = registry.venue(told.venue), reader.context(told.venue)
    row = venue.endpoints[told.op]
    fault = venue.fault(told.reply, told.op)
    if fault is not None:
        assert _lines(fault) == told.answer
        return
    assert strangers(told.reply.body, row.known) == ()
    assert _lines(row.read(told.reply.body, told.asked, ctx)) == told.answer


@pytest.mark.parametrize("path", CALLS, ids=_name)
def test_the_mirror_hears_what_was_asked_and_can_say_the_answer(path: Path) -> None:
    """If this failed, the simulator would be another venue than the one the adapter was written for."""
    told = reader.call(path)
    venue, mirror, ctx = registry.venue(told.venue), registry.mirror(told.venue), reader.context(told.venue)
    row = venue.endpoints[told.op]
    asked, sent = _request(told, ctx)
    heard = mirror.hear(sent, ctx)
    assert isinstance(heard, Heard)
    assert heard.op == told.op
    assert build(row, heard.asked, ctx, venue.encode) == asked
    if told.signed is not None:
        at = Stamp(0, told.signed.venue_ms, told.signed.nonce)
        assert mirror.proof(sent, Seal(Pen(told.venue, told.signed.key)), at) is None
    if told.one_way or venue.fault(told.reply, told.op) is not None:
        return
    shape = _book_shape(told.venue)
    answer = row.read(told.reply.body, told.asked, ctx)
    said = mirror.say(heard, _as_said(answer, ctx, shape), ctx, Stamp(0, 1_700_000_000_000))
    assert _compared(row.read(said.body, told.asked, ctx), ctx, shape) == _compared(answer, ctx, shape)
    assert sorted(reader.shape(told.reply.body) - reader.shape(said.body)) == []


@pytest.mark.parametrize("path", CONNECTIONS, ids=_name)
def test_a_connection_goes_as_documented(path: Path) -> None:
    """If this failed, a subscription would be wrong, or an event lost, doubled, misread or sent down another lane."""
    told = reader.connection(path)
    recorder = Recorder()
    ctx = reader.context(told.venue)
    topics = [reader.topic(name, ctx.catalog) for name in told.topics]
    conversation = _speak(told, topics, ctx, recorder)
    conversation.open(Stamp())
    conversation.join([(topic, recorder.lane(topic)) for topic in topics], Stamp())
    _walk(told, conversation, recorder, ctx)
    words = [json.loads(printed(word)) for word in recorder.words]
    if told.words[:1] != [{"type": "ready"}]:
        words = [word for word in words if word != {"type": "ready"}]
    assert words == told.words
    assert [(str(topic), json.loads(printed(event))) for topic, event in recorder.heard] == told.events


@pytest.mark.parametrize("path", CONNECTIONS, ids=_name)
def test_the_hearing_takes_what_a_connection_says(path: Path) -> None:
    """If this failed, the simulator would not understand a subscription that the venue understands, or not tell so."""
    told = reader.connection(path)
    recorder, listener = Recorder(), Listener()
    ctx = reader.context(told.venue)
    topics = [reader.topic(name, ctx.catalog) for name in told.topics]
    conversation = _speak(told, topics, ctx, recorder)
    seal: Any = None
    hearing = registry.mirror(told.venue).rooms[_door(told, topics).name](ctx, seal, listener)
    hearing.open(Stamp())
    conversation.open(Stamp())
    listed = [topic for topic in topics if topic.symbol in ctx.catalog]
    conversation.join([(topic, recorder.lane(topic)) for topic in listed], Stamp())
    for at, frame in enumerate(recorder.frames):
        hearing.receive(frame, Stamp(mono_ns=at * 1_000 * MS))
    for frame in listener.frames:
        conversation.receive(frame, 0)
    assert listener.closed is None
    joined = {(word.topic.kind, word.topic.symbol) for word in recorder.words if isinstance(word, Joined)}
    assert joined == {(topic.kind, topic.symbol) for topic in listener.joined}
    meant = {(word["topic"]["kind"], word["topic"]["symbol"]) for word in told.words if word["type"] == "joined"}
    assert meant <= joined


def _door(told: reader.Connection, topics: list[Topic]) -> Door:
    door = registry.venue(told.venue).door_for(topics[0].kind, topics[0].detail)
    assert door is not None
    assert door.access is Access.OPEN
    return door


def _speak(told: reader.Connection, topics: list[Topic], ctx: Ctx, recorder: Recorder) -> Conversation:
    return _door(told, topics).speak(ctx, None, recorder, Inspector(1))


def _walk(told: reader.Connection, conversation: Conversation, recorder: Recorder, ctx: Ctx) -> None:
    sent, now_ns = 0, 0
    for what, argument, lines in told.steps:
        at = Stamp(mono_ns=now_ns)
        match what:
            case "send":
                frames = [frame.decode() for frame in recorder.frames[sent:]]
                assert list(map(_frame, frames)) == list(map(_frame, lines))
                sent = len(recorder.frames)
            case "recv":
                for line in lines:
                    conversation.receive(line.encode(), 0)
            case "tick":
                now_ns += int(argument) * MS
                conversation.tick(Stamp(mono_ns=now_ns))
            case "renew":
                conversation.renew(reader.topic(argument, ctx.catalog), at)
            case "leave":
                conversation.leave([reader.topic(argument, ctx.catalog)], at)
            case _:
                pytest.fail(f"an unknown step: {what}")
    assert sent == len(recorder.frames), "frames were sent that the transcript does not know"


def _frame(text: str) -> Any:
    """JSON by its value, anything else as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
