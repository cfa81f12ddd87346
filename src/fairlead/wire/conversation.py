"""One websocket connection as a pure machine: calls in, words out through an Out and one lane a topic.

It never returns a list, never raises, never opens anything; the engine carries its frames to a socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Raw, Struct

from fairlead.wire.asks import Op
from fairlead.wire.faults import Fault, Outcome
from fairlead.wire.limits import Charge
from fairlead.wire.signing import Stamp

A = TypeVar("A")


class Topic(Struct, frozen=True):
    """What can be heard: kind, our symbol, and a detail (a book's depth, a candle's interval)."""

    # book, trades, quote, ticker, candles, funding, mark, index. Of an account, without a symbol: orders (OrderReport
    # and Fill, in the venue's order), balances (Holding), positions (Position)
    kind: str
    symbol: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.kind, self.symbol, self.detail) if part)


class Levels(Struct, frozen=True, gc=False):
    """What a venue says about a book: its own numbers, and the levels as sent. `bids` and `asks` point into a frame
    that is owned bytes and never reused."""

    topic: Topic
    whole: bool  # the book itself, not a change of it
    first: int  # the venue's number of the first change in it (0: it numbers nothing)
    last: int
    prior: int  # the number it must follow, where the venue says so; -1: none
    checksum: int | None
    bids: Raw
    asks: Raw
    venue_ns: int
    seen_ns: int


Event: TypeAlias = Any  # Levels, Trade, ..., OrderReport, Fill, Holding, Position
Lane: TypeAlias = Callable[[Event], None]  # where one topic's events go; chosen at join, not looked up by type


class Need(Struct, frozen=True):
    """I cannot go on without this."""

    op: Op
    asked: Any
    why: str


class Call(Struct, frozen=True):
    """An operation sent by socket."""

    tag: str
    op: Op
    asked: Any


class Answer(Struct, Generic[A], frozen=True):
    """What became of a call: said once for each, or never, if the connection ends before."""

    tag: str
    outcome: Outcome[A]


class Missed(Struct, frozen=True):
    """The venue's own numbers show that something of this topic was not heard. The conversation goes on; whoever
    needs the whole asks for it."""

    topic: Topic
    why: str


class Whole(Struct, frozen=True):
    """All that the venue tells of this topic at its beginning was told: what was not in it is not there."""

    topic: Topic


class Ousted(Struct, frozen=True):
    """The venue ended our leave to hear of the account (key revoked, session over) and left the connection open."""

    fault: Fault


class Joined(Struct, frozen=True):
    topic: Topic


class Refused(Struct, frozen=True):
    """A subscription was refused (`Fault.wait_ms` says when another try makes sense; 0: never)."""

    topic: Topic
    fault: Fault


class Ready(Struct, frozen=True):
    """Logged in where that is needed: topics may be joined and calls may flow."""


class Ending(Struct, frozen=True):
    """The venue announced the end of this connection: open the next one first."""

    in_ms: int
    said: str


class Broken(Struct, frozen=True):
    """This connection is of no more use; after `fault.wait_ms` another may be."""

    fault: Fault


class Odd(Struct, frozen=True):
    """An unknown field, word or frame: counted, shown, never fatal."""

    what: str
    sample: bytes


Word: TypeAlias = Joined | Refused | Ready | Ending | Broken | Odd | Answer[Any] | Missed | Whole | Ousted


class Out(Protocol):
    """Where a conversation speaks to: engine/stream in life, a recorder in tests."""

    def event(self, word: Word) -> None: ...
    # tag: whose call these bytes are, so that it can be told whether they may have left
    def frame(self, text: bytes, cost: tuple[Charge, ...] = (), tag: str = "") -> None: ...
    def need(self, need: Need) -> None: ...


class Conversation(Protocol):
    """The engine calls `open` once the socket is up, `join` after Ready, `tick` about once a second. Whatever a frame
    holds, `receive` speaks (at worst Odd) and never raises."""

    def open(self, at: Stamp) -> None: ...
    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None: ...
    def leave(self, topics: Sequence[Topic], at: Stamp) -> None: ...
    def renew(self, topic: Topic, at: Stamp) -> None: ...  # begin again, with a whole book where the stream sends it
    def call(self, call: Call, at: Stamp) -> None: ...
    def receive(self, frame: bytes, seen_ns: int) -> None: ...
    def supply(self, need: Need, answer: object, at: Stamp) -> None: ...
    def tick(self, at: Stamp) -> None: ...
