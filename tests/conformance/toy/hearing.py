"""The toy's end of a connection, and the bare one, which does not greet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Ear, Heard
from fairlead.wire.printed import plain
from fairlead.wire.signing import Stamp, Verifier
from tests.conformance.toy.channels import topic_of
from tests.conformance.toy.replies import said

BEAT_TICKS = 50  # of a tenth of a second


class Hearing:
    """{"join": "book:BTC/USDT"} is acknowledged by {"joined": ...} or refused; {"ask": "/time"} is a call."""

    def __init__(self, ctx: Ctx, verifier: Verifier, ear: Ear) -> None:
        self._ctx, self._ear = ctx, ear
        self.ticks = 0

    def open(self, at: Stamp, path: str = "") -> None:
        self._frame({"hello": at.venue_ms, "path": path})

    def receive(self, frame: bytes, at: Stamp) -> None:
        try:
            words = msgspec.json.decode(frame, type=dict[str, str])
        except msgspec.DecodeError:
            self._ear.close(1008, "nonsense")
            return
        if "ask" in words:
            self._ear.heard(Heard(Op.TIME, AskNothing(), tag=words["ask"]))
            return
        do: Callable[[Topic], None] = self._ear.join if "join" in words else self._ear.leave
        for text in words.get("join", words.get("leave", "")).split(","):
            topic = topic_of(text)
            if topic.symbol not in self._ctx.catalog:
                self._frame({"refused": text})
                continue
            self._frame({"joined" if "join" in words else "left": text})
            do(topic)

    def pong(self, payload: bytes, at: Stamp) -> None:
        self._frame({"pong": payload.decode()})

    def tell(self, topic: Topic, event: object, at: Stamp) -> None:
        self._frame({"topic": str(topic), "event": said(event, self._ctx)})

    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        self._frame({"answer": heard.tag, "is": plain(outcome)})

    def warn(self, in_ms: int, at: Stamp) -> None:
        self._frame({"ending": in_ms})

    def tick(self, at: Stamp) -> None:
        self.ticks += 1
        if self.ticks % BEAT_TICKS == 0:
            self._frame({"beat": self.ticks})
            self._ear.ping(b"%d" % self.ticks)

    def _frame(self, words: Any) -> None:
        self._ear.frame(msgspec.json.encode(words))


class BareHearing(Hearing):
    """The same at another path, without a greeting."""

    def open(self, at: Stamp, path: str = "") -> None:
        """It waits to be asked."""
