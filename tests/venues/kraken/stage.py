"""Both ends of one private connection, for the tests of this folder."""

from __future__ import annotations

from typing import Any

import msgspec

from fairlead.testing import Recorder
from fairlead.venues.kraken.mirror import mirror
from fairlead.venues.kraken.private import PrivateStreams
from fairlead.venues.kraken.replies import Manners
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Topic
from fairlead.wire.mirror import Heard
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from tests.venues.kraken.places import AT, CTX, Listener, later
from tests.venues.kraken.test_engine import fill

ORDERS_TOPIC, BALANCES_TOPIC = Topic("orders"), Topic("balances")
TOKEN = "token"
BOUGHT = msgspec.structs.replace(fill(1), client_id="fl0000000001", side="buy")


class Tokens:
    """A Verifier that gave one token, good or not."""

    def __init__(self) -> None:
        self.is_good = True

    def bearer(self, token: str) -> str:
        return "K" if token == TOKEN and self.is_good else ""


class Ear(Listener):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Heard] = []

    def heard(self, heard: Heard) -> None:
        self.calls.append(heard)


class Line:
    """Both ends of one private connection."""

    def __init__(self, *topics: Topic, manners: Manners = Manners()) -> None:
        self.out, self.ear, self.tokens = Recorder(), Ear(), Tokens()
        self.streams = PrivateStreams(CTX, None, self.out, Inspector(1))
        verifier: Any = self.tokens
        self.hearing = mirror(manners).rooms["private"](CTX, verifier, self.ear)
        self._passed, self._at = 0, 0.0
        self.hearing.open(AT)
        self.streams.open(AT)
        self.streams.supply(self.out.needs[-1], TOKEN, AT)
        self.streams.join([(topic, self.out.lane(topic)) for topic in topics], AT)
        self.pump()

    def now(self) -> Stamp:
        return later(self._at)

    def pump(self) -> None:
        """To and fro until both are silent, slowly enough for the limit of frames."""
        while self._passed < len(self.out.frames) or self.ear.frames:
            for frame in self.out.frames[self._passed :]:
                self._passed, self._at = self._passed + 1, self._at + 0.1
                self.hearing.receive(frame, self.now())
            said, self.ear.frames = self.ear.frames, []
            for frame in said:
                self.streams.receive(frame, 5)

    def tell(self, kind: str, *events: Any) -> None:
        for event in events:
            self.hearing.tell(Topic(kind, "", "K"), event, self.now())
        self.pump()

    def call(self, op: Op, asked: Any, outcome: Any = None) -> Any:
        self.streams.call(Call(f"{op}", op, asked), self.now())
        self.pump()
        if outcome is not None:
            self.hearing.say(self.ear.calls[-1], outcome, self.now())
            self.pump()
        answers = self.words(Answer)
        return answers[-1].outcome if answers else None

    def words(self, kind: type[Any]) -> list[Any]:
        return [word for word in self.out.words if isinstance(word, kind)]

    @property
    def heard(self) -> list[Any]:
        return [event for _, event in self.out.heard]
