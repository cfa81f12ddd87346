"""Leave to send: the pure budgets of core, with somebody to call when a ticket is granted; it decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from fairlead.core.budget import Budgets, Priority, Ticket
from fairlead.engine.timing import MS, VenueTime
from fairlead.wire.limits import Charge

SOON_MS = 5  # a budget that names no moment is looked at again after this


class Permits:
    """One queue for one set of budgets; grants in the order of priority, all or nothing."""

    def __init__(self, budgets: Budgets, time: VenueTime) -> None:
        self.budgets, self._time = budgets, time
        self._wanted: dict[Ticket, Callable[[], None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, charges: tuple[Charge, ...], priority: Priority, granted: Callable[[], None]) -> Ticket | None:
        """Calls `granted` as soon as these may be spent: at once, if they may be now (None is then returned)."""
        ticket = self.budgets.wish(charges, priority, self._time.clock.mono_ns())
        self._wanted[ticket] = granted
        self.look()
        return ticket if ticket in self._wanted else None

    async def take(self, charges: tuple[Charge, ...], priority: Priority) -> None:
        """Returns when these may be spent; they are spent then."""
        if not charges:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = self.ask(charges, priority, partial(_settle, done))
        try:
            await done
        finally:
            if ticket is not None and self._wanted.pop(ticket, None) is not None:
                self.budgets.cancel(ticket)

    def look(self) -> None:
        """Grants what can be granted now and sets the timer for the rest."""
        mono_ns, venue_ms = self._time.clock.mono_ns(), self._time.now_ns() // MS
        for ticket in self.budgets.granted(mono_ns, venue_ms):
            call = self._wanted.pop(ticket, None)
            if call is not None:
                call()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._wanted:
            wait_ms = self.budgets.wake_ms(mono_ns, venue_ms)
            self._timer = asyncio.get_running_loop().call_later((wait_ms or SOON_MS) / 1000, self.look)

    def close(self) -> None:
        self._wanted.clear()
        if self._timer is not None:
            self._timer.cancel()

    def __repr__(self) -> str:
        return f"<Permits {len(self._wanted)} waiting>"


def _settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
