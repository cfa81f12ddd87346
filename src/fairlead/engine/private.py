"""What a venue tells of our own account: each word handed on as it came, with what the connection does around it.

Nothing is dropped, conflated or judged: silence is the usual thing here, and doubles are told apart by whoever folds
them. That a connection itself fell silent is told; ending it is the line's."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Protocol

from msgspec import Struct

from fairlead.engine.line import Line
from fairlead.engine.timing import MS, VenueTime
from fairlead.wire.conversation import Event, Lane, Topic
from fairlead.wire.door import Door
from fairlead.wire.faults import Fault

KINDS = ("orders", "balances", "positions")  # what an account can be heard of, where a venue tells it
JOIN_WAIT_MS = 10_000  # an acknowledgement that takes longer is asked for again
AGAIN_MS = 30_000  # a refusal without a wait is asked again so late: rights may come back
STALE_SHARE = 0.8  # of the time after which a silent connection is cut


class Turn(StrEnum):
    """What happened to the hearing of one topic."""

    JOINED = "joined"  # heard from now on, after it was not: what happened in between must be asked for
    WHOLE = "whole"  # the venue has told all that there is: what was not in it is not there
    MISSED = "missed"  # by the venue's own numbers something was not heard
    STALE = "stale"  # the connection is too silent, and may be dead
    FRESH = "fresh"  # it speaks again, and is the same one
    LOST = "lost"  # no connection carries it; JOINED will follow
    OUSTED = "ousted"  # the venue took our leave to hear; LOST follows, and a new login is tried
    REFUSED = "refused"  # the venue does not give it; tried again after a while


class Turned(Struct, frozen=True):
    topic: Topic
    what: Turn
    why: str = ""
    fault: Fault | None = None


class Ears(Protocol):
    """Who folds what is heard; called on the loop, at once, in the order of arrival."""

    def heard(self, topic: Topic, event: Event) -> None: ...  # OrderReport, Fill, Holding, Position
    def turned(self, word: Turned) -> None: ...


class Surroundings(Protocol):
    """What a private feed needs from its desk."""

    time: VenueTime

    def later(self, wait_ms: int, call: Callable[[], None]) -> None: ...
    def rejoin(self, topic: Topic) -> None: ...  # unless a line carries it already


class PrivateFeed:
    """One topic of one account, on one line or on two at once."""

    def __init__(self, around: Surroundings, topic: Topic, door: Door, ears: Ears) -> None:
        self.topic, self.is_stale = topic, False
        self._around, self._door, self._ears = around, door, ears
        self._lines: dict[Line, bool] = {}  # whether the venue said yes
        self._asked_ns: dict[Line, int] = {}

    # ---- lines (stream.Listener)

    def lane(self, line: Line) -> Lane:
        self._lines[line], self._asked_ns[line] = False, self._mono_ns
        return partial(self._ears.heard, self.topic)

    def joined(self, line: Line) -> None:
        was_heard = self.is_heard
        self._lines[line] = True
        if not was_heard:
            self._turn(Turn.JOINED)

    def left(self, line: Line) -> None:
        was_heard = self.is_heard
        self._lines.pop(line, None)
        self._asked_ns.pop(line, None)
        if was_heard and not self.is_heard:
            self.is_stale = False
            self._turn(Turn.LOST, "the connection was lost")

    def refused(self, line: Line, fault: Fault) -> None:
        self.left(line)
        if not self._lines:
            self._turn(Turn.REFUSED, fault.said, fault)
            if not fault.wait_ms:  # with a wait, the stream itself asks again
                self._around.later(AGAIN_MS, partial(self._around.rejoin, self.topic))

    def missed(self, line: Line, why: str) -> None:
        self._turn(Turn.MISSED, why)

    def whole(self, line: Line) -> None:
        self._turn(Turn.WHOLE)

    def ousted(self, line: Line, fault: Fault) -> None:
        self._turn(Turn.OUSTED, fault.said, fault)

    def live_on(self, line: Line) -> bool:
        return self._lines.get(line, False)

    @property
    def is_heard(self) -> bool:
        return any(self._lines.values())

    # ---- freshness

    def tick(self) -> None:
        """About four times a second: answers to a subscription that never came, and connections without a heartbeat."""
        now_ns = self._mono_ns
        for line, is_joined in list(self._lines.items()):
            if not is_joined and line.up and now_ns - self._asked_ns[line] > JOIN_WAIT_MS * MS:
                self._asked_ns[line] = now_ns
                line.renew(self.topic)
        if self.is_heard:
            self._judge(now_ns)

    def _judge(self, now_ns: int) -> None:
        quiet_ms = min((now_ns - line.heard_ns) / MS for line, is_joined in self._lines.items() if is_joined)
        is_stale = quiet_ms > self._door.quiet_ms * STALE_SHARE
        if is_stale is not self.is_stale:
            self.is_stale = is_stale
            self._turn(*((Turn.STALE, f"nothing was heard for {quiet_ms / 1000:.0f} s") if is_stale else (Turn.FRESH,)))

    @property
    def _mono_ns(self) -> int:
        return self._around.time.clock.mono_ns()

    def _turn(self, what: Turn, why: str = "", fault: Fault | None = None) -> None:
        self._ears.turned(Turned(self.topic, what, why, fault))

    def __repr__(self) -> str:
        state = "stale" if self.is_stale else "heard" if self.is_heard else "not heard"
        return f"<PrivateFeed {self.topic} {state}, on {len(self._lines)} lines>"
