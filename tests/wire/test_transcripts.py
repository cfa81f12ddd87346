"""Every transcript of every venue, both ways: the adapter asks and reads it, the mirror hears and says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.testing import Recorder
from fairlead.venues import registry
from fairlead.wire.conversation import Answer, Call, Joined, Levels, Ready
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Access, Ctx, build
from fairlead.wire.http import Request
from fairlead.wire.mirror import Depth, Heard, Hearing
from fairlead.wire.printed import printed
from fairlead.wire.shapes import READERS, Inspector, LevelShape, strangers
from fairlead.wire.signing import Stamp
from tests.wire import reader
from tests.wire.cast import Listener, Pen, Seal, Told

CALLS = reader.files("http")
CONNECTIONS = reader.files("frames")
MS = 1_000_000


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
    called = {(reader.door(one).name, op) for one in connections for op in one.calls()}
    assert sorted({(door.name, op) for door in known.doors for op in door.calls} - called) == []
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
    assert build(row, _fenced_as(heard.asked, told.asked), ctx, venue.encode) == asked
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
    """If this failed, a subscription or a call would be wrong, or an event lost, doubled, misread or led astray."""
    told = reader.connection(path)
    play = Play(told)
    play.open()
    _walk(told, play)
    words = [json.loads(printed(word)) for word in play.recorder.words]
    if told.words[:1] != [{"type": "ready"}]:
        words = [word for word in words if word != {"type": "ready"}]
    assert words == told.words
    assert [(str(topic), json.loads(printed(event))) for topic, event in play.recorder.heard] == told.events


@pytest.mark.parametrize("path", CONNECTIONS, ids=_name)
def test_the_hearing_takes_what_a_connection_says(path: Path) -> None:
    """If this failed, the simulator would not understand a subscription or a call that the venue understands, or not
    tell so."""
    told = reader.connection(path)
    play = Play(told, unlisted=False)
    listener = Listener()
    seal: Any = Seal(play.pen) if play.pen else None
    hearing = registry.mirror(told.venue).rooms[play.door.name](play.ctx, seal, listener)
    hearing.open(play.at())
    play.open()
    play.pass_frames(hearing, listener)
    for what, argument, _ in told.steps:
        if what == "supply":
            play.supply(argument)
            play.pass_frames(hearing, listener)
    assert listener.closed is None
    joined = {(word.topic.kind, word.topic.symbol) for word in play.recorder.words if isinstance(word, Joined)}
    # An account's stream may tell of more than was asked for.
    asked = {(topic.kind, topic.symbol) for topic in listener.joined if topic.symbol or topic.kind in told.topics}
    assert joined == asked
    meant = {(word["topic"]["kind"], word["topic"]["symbol"]) for word in told.words if word["type"] == "joined"}
    assert meant <= joined


@pytest.mark.parametrize("path", [path for path in CONNECTIONS if reader.connection(path).calls()], ids=_name)
def test_the_hearing_hears_a_call_and_says_its_outcome(path: Path) -> None:
    """If this failed, the simulator would do another thing than it was called for, or tell of another outcome."""
    told = reader.connection(path)
    original = Play(told)
    original.open()
    _walk(told, original)
    play, listener = Play(told), Listener()
    assert play.pen is not None
    hearing = registry.mirror(told.venue).rooms[play.door.name](play.ctx, Seal(play.pen), listener)
    hearing.open(play.at())
    play.open()
    play.pass_frames(hearing, listener)
    for what, argument, _ in told.steps:
        before = len(listener.calls)
        if what == "supply":
            play.supply(argument)
        elif what == "call":
            play.call(argument)
        play.pass_frames(hearing, listener)
        if what != "call" or len(listener.calls) == before:
            continue  # refused without asking anybody
        [heard] = listener.calls[before:]
        called = play.called[-1]
        assert (heard.op, _unfenced(_lines(heard.asked))) == (called.op, _unfenced(_lines(called.asked)))
        outcome = original.answers().get(called.tag)
        if outcome is not None and not told.one_way:
            hearing.say(heard, outcome, play.at())
            play.pass_frames(hearing, listener)
            assert _lines(play.answers()[called.tag]) == _lines(outcome)


def _fenced_as(heard: Any, asked: Any) -> Any:
    """A signature may bring a fence of its own, which the question did not have."""
    if hasattr(asked, "orders"):
        pairs = zip(heard.orders, asked.orders, strict=True)
        return msgspec.structs.replace(heard, orders=tuple(_fenced_as(*pair) for pair in pairs))
    if not hasattr(asked, "until_ms"):
        return heard
    return msgspec.structs.replace(heard, until_ms=asked.until_ms, window_ms=asked.window_ms)


def _unfenced(asked: Any) -> Any:
    """A fence is a moment to some venues, a length to others: each hears of its own alone."""
    if isinstance(asked, dict):
        return {name: _unfenced(one) for name, one in asked.items() if name not in ("until_ms", "window_ms")}
    return [_unfenced(one) for one in asked] if isinstance(asked, list) else asked


class Play:
    """One conversation of a transcript, with its time, its topics and its calls."""

    def __init__(self, told: reader.Connection, unlisted: bool = True) -> None:
        self.told, self.recorder, self.ctx = told, Recorder(), reader.context(told.venue)
        topics = [reader.topic(name, self.ctx.catalog) for name in told.topics]
        self._topics = [one for one in topics if unlisted or not one.symbol or one.symbol in self.ctx.catalog]
        self.door = reader.door(told)
        assert (self.door.access is Access.OPEN) == (told.signed is None)
        self.pen = Pen(told.venue, told.signed.key) if told.signed else None
        signer: Any = self.pen
        self._conversation = self.door.speak(self.ctx, signer, self.recorder, Inspector(1))
        self.called: list[Call] = []
        self.now_ns = self._nonce = self._passed = 0
        self._is_joined = False

    def at(self) -> Stamp:
        """Nothing takes time here but ticks; a nonce is never given twice."""
        self._nonce += 1
        venue_ms, nonce = (self.told.signed.venue_ms, self.told.signed.nonce) if self.told.signed else (0, 0)
        return Stamp(self.now_ns, venue_ms + self.now_ns // MS if venue_ms else 0, nonce + self._nonce)

    def open(self) -> None:
        self._conversation.open(self.at())
        self._join()

    def receive(self, frame: bytes) -> None:
        self._conversation.receive(frame, 0)
        self._join()

    def tick(self, ms: int) -> None:
        self.now_ns += ms * MS
        self._conversation.tick(self.at())

    def renew(self, topic: str) -> None:
        self._conversation.renew(reader.topic(topic, self.ctx.catalog), self.at())

    def leave(self, topic: str) -> None:
        self._conversation.leave([reader.topic(topic, self.ctx.catalog)], self.at())

    def call(self, text: str) -> None:
        call = Call(f"c{len(self.called) + 1}", *reader.question(text))
        self.called.append(call)
        self._conversation.call(call, self.at())

    def supply(self, text: str) -> None:
        self._conversation.supply(self.recorder.needs[-1], json.loads(text), self.at())
        self._join()

    def answers(self) -> dict[str, Any]:
        return {word.tag: word.outcome for word in self.recorder.words if isinstance(word, Answer)}

    def pass_frames(self, hearing: Hearing, listener: Listener) -> None:
        """To and fro until both are silent; slowly, as limits of frames want it."""
        while self._passed < len(self.recorder.frames) or listener.frames:
            for frame in self.recorder.frames[self._passed :]:
                self._passed += 1
                self.now_ns += 1_000 * MS
                hearing.receive(frame, self.at())
            said, listener.frames = listener.frames, []
            for frame in said:
                self.receive(frame)

    def _join(self) -> None:
        if not self._is_joined and any(isinstance(word, Ready) for word in self.recorder.words):
            self._is_joined = True
            self._conversation.join([(topic, self.recorder.lane(topic)) for topic in self._topics], self.at())


def _walk(told: reader.Connection, play: Play) -> None:
    sent, recorder = 0, play.recorder
    for what, argument, lines in told.steps:
        match what:
            case "send":
                frames = [frame.decode() for frame in recorder.frames[sent:]]
                assert list(map(_frame, frames)) == list(map(_frame, lines))
                sent = len(recorder.frames)
            case "recv":
                for line in lines:
                    play.receive(line.encode())
            case "tick":
                play.tick(int(argument))
            case "renew":
                play.renew(argument)
            case "leave":
                play.leave(argument)
            case "call":
                play.call(argument)
            case "supply":
                play.supply(argument)
            case _:
                pytest.fail(f"an unknown step: {what}")
    assert sent == len(recorder.frames), "frames were sent that the transcript does not know"


def _frame(text: str) -> Any:
    """JSON by its value, anything else as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
