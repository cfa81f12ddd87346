"""Leave to send: the pure budgets of core, with somebody to call when a ticket is granted; it decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from fairlead.core.budget import Budgets, Priority, Ticket
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import Closed
from fairlead.wire.limits import Budget, Charge, Reading

CLOSED = "The session was closed; nothing was sent."


class Permits:
    """One queue for one set of budgets; grants in the order of priority, all or nothing."""

    def __init__(self, budgets: Iterable[Budget], time: VenueTime) -> None:
        known = tuple(budgets)
        self.names = frozenset(budget.name for budget in known)
        self.budgets, self._time = Budgets(known), time
        self._wanted: dict[Ticket, Callable[[], None]] = {}
        self._takers: dict[Ticket, asyncio.Future[None]] = {}
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, charges: tuple[Charge, ...], priority: Priority, granted: Callable[[], None]) -> Ticket:
        """Calls `granted` as soon as these may be spent, which may be before this returns; never after `close`."""
        ticket = self.budgets.wish(charges, priority, self._time.clock.mono_ns())
        if self._closed:
            self.budgets.cancel(ticket)
        else:
            self._wanted[ticket] = granted
            self.look()
        return ticket

    async def take(
        self,
        charges: tuple[Charge, ...],
        priority: Priority,
        *,
        most_ms: int | None = None,
        waiting: Callable[[], Awaitable[None]] | None = None,
    ) -> Ticket:
        """Returns when these may be spent; they are spent then. Tell by `answered` when the reply came. TimeoutError
        after `most_ms`; `waiting` is awaited first where it is not granted at once."""
        if self._closed:
            raise Closed(CLOSED)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = self.ask(charges, priority, partial(_settle, done))
        self._takers[ticket] = done
        try:
            if waiting is not None and not done.done():
                await waiting()
            async with asyncio.timeout(None if most_ms is None else most_ms / 1000):
                await done
        finally:
            del self._takers[ticket]
            if self._wanted.pop(ticket, None) is not None:
                self.budgets.cancel(ticket)
        return ticket

    def drop(self, ticket: Ticket) -> None:
        """Nobody wants it any more: given back, unless it was granted."""
        if self._wanted.pop(ticket, None) is not None:
            self.budgets.cancel(ticket)
            self.look()  # others may have waited behind it

    def rests_ms(self, charges: tuple[Charge, ...]) -> int:
        """For how long the venue still wants quiet on what these are charged to."""
        names, standing = {charge.budget for charge in charges}, self.budgets.state(self._time.clock.mono_ns())
        return max([0, *(quiet.until_ms - self._venue_ms() for quiet in standing.quiets if quiet.budget in names)])

    def answered(self, ticket: Ticket) -> None:
        self.budgets.answered(ticket, self._time.clock.mono_ns(), self._venue_ms())
        if self._wanted:
            self.look()  # what has arrived may have left room behind

    def told(self, readings: tuple[Reading, ...]) -> None:
        """What the venue says of its budgets; it may close some, or open others."""
        self.budgets.told(readings, self._time.clock.mono_ns(), self._venue_ms())
        self.look()

    def look(self) -> None:
        """Grants what can be granted now and sets the timer for the rest."""
        mono_ns, venue_ms = self._time.clock.mono_ns(), self._venue_ms()
        for ticket in self.budgets.granted(mono_ns, venue_ms):
            call = self._wanted.pop(ticket, None)
            if call is not None:
                call()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait_ms = self.budgets.wake_ms(mono_ns, venue_ms) if self._wanted else -1
        if wait_ms > 0:
            self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self.look)

    def close(self) -> None:
        """Whoever waits is told so: nothing will be granted any more."""
        self._closed = True
        for ticket in self._wanted:
            self.budgets.cancel(ticket)
        self._wanted.clear()
        for taker in self._takers.values():
            if not taker.done():
                taker.set_exception(Closed(CLOSED))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _venue_ms(self) -> int:
        return self._time.now_ns() // MS

    def __repr__(self) -> str:
        return f"<Permits {len(self._wanted)} waiting: {self.budgets!r}>"


def _settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
