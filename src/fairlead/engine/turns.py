"""One at a time, the most urgent first: the signed requests of a key whose numbers must arrive in their order.

A turn ends with the reply; or when so long has passed that what left has arrived, or never will: one that hangs must
not hold up a cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

from fairlead.core.budget import Priority
from fairlead.core.windows import ARRIVES_MS


class Turns:
    """Where the venue does not care for the order of arrival, it is always everybody's turn."""

    def __init__(self, *, in_order: bool) -> None:
        self._in_order = in_order
        self._taken = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    async def take(self, priority: Priority) -> Callable[[], None]:
        """Returns when it is this one's turn, with the call that ends it."""
        if not self._in_order:
            return _nothing
        if self._taken:
            self._count += 1
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heappush(self._waiting, (priority, self._count, mine))
            try:
                await mine
            except asyncio.CancelledError:
                if not mine.cancelled():  # it was given the turn just now
                    self._pass_on()
                raise
        self._taken = True
        return self._begun()

    def _begun(self) -> Callable[[], None]:
        is_over = False

        def end() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                timer.cancel()
                self._pass_on()

        timer = asyncio.get_running_loop().call_later(ARRIVES_MS / 1000, end)
        return end

    def _pass_on(self) -> None:
        """The next that still waits is given the turn; it stays taken until then."""
        while self._waiting:
            mine = heappop(self._waiting)[2]
            if not mine.done():
                mine.set_result(None)
                return
        self._taken = False

    def __repr__(self) -> str:
        return f"<Turns {'taken' if self._taken else 'free'}, {len(self._waiting)} waiting>"


def _nothing() -> None:
    """Nobody waits for this."""
