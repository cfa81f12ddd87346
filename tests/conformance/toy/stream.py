"""The toy's conversation: {"join": "book:BTC/USDT:0"} is answered by {"joined": ...} or {"refused": ...}; a book's
whole comes with each joining, so that joining again is how one begins anew."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import DecodeError

from fairlead.errors import cut
from fairlead.wire.conversation import Answer, Call, Ending, Joined, Lane, Need, Odd, Out, Ready, Refused, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Signer, Stamp
from tests.conformance.toy.channels import READERS, topic_of
from tests.conformance.toy.wire import Book, Frame

_FRAME = msgspec.json.Decoder(Frame).decode
_UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)


class Talk:
    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspector: Inspector) -> None:
        self._out = out
        self._lanes: dict[str, tuple[Topic, Lane]] = {}

    def open(self, at: Stamp) -> None:
        self._out.event(Ready())

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        self._lanes.update({str(topic): (topic, lane) for topic, lane in topics})
        self._say("join", [topic for topic, _ in topics])

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        for topic in topics:
            self._lanes.pop(str(topic), None)
        self._say("leave", topics)

    def renew(self, topic: Topic, at: Stamp) -> None:
        self._say("join", [topic])

    def call(self, call: Call, at: Stamp) -> None:
        self._out.event(Answer(call.tag, Fault(Kind.INVALID, said="no orders go through this door")))

    def receive(self, frame: bytes, seen_ns: int) -> None:
        try:
            said = _FRAME(frame)
            if said.topic:
                self._event(said, frame, seen_ns)
        except _UNREADABLE:
            self._odd("unreadable frame", frame)
            return
        topic, _ = self._lanes.get(said.joined or said.refused, (None, None))
        if said.ending:
            self._out.event(Ending(said.ending, "the toy said so"))
        elif topic is not None and said.joined:
            self._out.event(Joined(topic))
        elif topic is not None:
            del self._lanes[said.refused]
            self._out.event(Refused(topic, Fault(Kind.SYMBOL, code="no-symbol", said="there is no such instrument")))

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        """It needs nothing."""

    def tick(self, at: Stamp) -> None:
        """The toy's own heartbeats keep the connection from being quiet."""

    def _event(self, said: Frame, frame: bytes, seen_ns: int) -> None:
        topic, lane = self._lanes.get(said.topic, (topic_of(said.topic), None))
        if topic.kind not in READERS or lane is None:
            self._odd(f"{cut(said.topic, 40)}, which nobody asked for", frame)
            return
        event = READERS[topic.kind].decode(said.event)
        if event.symbol != topic.symbol:
            self._odd(f"{topic} speaks of {cut(event.symbol, 40)}", frame)
        elif isinstance(event, Book):
            lane(event.levels(topic, seen_ns))
        else:
            lane(msgspec.structs.replace(event, seen_ns=seen_ns))

    def _say(self, verb: str, topics: Sequence[Topic]) -> None:
        if topics:
            self._out.frame(msgspec.json.encode({verb: ",".join(map(str, topics))}))

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(Odd(what, frame[:200]))

    def __repr__(self) -> str:
        return f"<Toy talk of {len(self._lanes)} topics>"
