"""Asks a venue for its time, host after host, and says when to ask again; what the answers mean, timing knows."""

from __future__ import annotations

from fairlead.core.routes import Routes
from fairlead.engine.sender import Sender
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import TransportError, VenueError
from fairlead.wire.asks import AskNothing, Op

FIRST = 3  # readings at the first time: one alone may have been slow on its way
EVERY_MS = 60_000
TRIP_MOST_MS = 2_000  # an answer that took longer says too little ...
AGAIN_MS = 1_000  # ... and is asked for again so soon
COARSE_MS = 100  # a venue that tells its time in longer steps is asked more often at first ...
SETTLED = 9  # ... until so many readings agree


class Clocks:
    """Each reading after the first goes to another of the venue's hosts, so that all of them are measured."""

    def __init__(self, sender: Sender, time: VenueTime, routes: Routes, step_ms: int) -> None:
        self._sender, self._time, self._routes, self._step_ms = sender, time, routes, step_ms
        self._due_ns = 0
        self._asked = 0

    def is_due(self) -> bool:
        """True once: whoever hears it reads."""
        now_ns = self._time.clock.mono_ns()
        if not self._time.jumped() and now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + EVERY_MS * MS
        return True

    async def read(self) -> None:
        address = self._next() if self._time.offset.is_known else ""
        for _ in range(1 if address else FIRST):
            sent_ns = self._time.clock.mono_ns()
            try:
                venue_ms = await self._sender.ask(Op.TIME, AskNothing(), address=address)
            except (TransportError, VenueError):
                return  # the sender counted it against that host; the next reading asks another
            heard_ns = self._time.clock.mono_ns()
            if self._time.offset.is_known and heard_ns - sent_ns > TRIP_MOST_MS * MS:
                self._due_ns = heard_ns + AGAIN_MS * MS
                return  # it waited for leave, or was tried again: when the venue read its clock, nobody knows
            self._time.heard(sent_ns, heard_ns, venue_ms, self._step_ms)
        # Readings within one step of a coarse clock say the same: spread over several, they settle on its middle.
        coarse = self._step_ms > COARSE_MS and self._time.offset.count < SETTLED
        self._due_ns = self._time.clock.mono_ns() + (self._step_ms * 13 // 10 if coarse else EVERY_MS) * MS

    def _next(self) -> str:
        addresses = [score.address for score in self._routes.scores(self._time.clock.mono_ns())]
        self._asked += 1
        return addresses[self._asked % len(addresses)]

    def __repr__(self) -> str:
        return f"<Clocks {self._time!r}, asked {self._asked} times since the first>"
