"""A session and a simulated venue with real sockets between them, in real time; for what only a socket can do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fairlead.core.book import Book
from fairlead.engine.desk import Windows
from fairlead.engine.session import Session
from fairlead.io.clock import RealClock, seeded
from fairlead.io.http import AioHttp
from fairlead.io.socket import Picows
from fairlead.model import events
from fairlead.model.market import State
from fairlead.sim.city import City
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from tests.conformance.stage import SEED, START_NS, SYMBOL, listings
from tests.conformance.witness import Breach

PATIENCE_S = 20.0  # nothing is measured by it: it ends a run that hangs

Visit = Callable[["Harbour"], Awaitable[None]]


class Harbour:
    def __init__(self, name: str, city: City, session: Session) -> None:
        self.name, self.city, self.session = name, city, session
        self.told: list[events.Health] = []
        self._live, self._lost = asyncio.Event(), asyncio.Event()
        session.health(self._hear)

    async def strikes(self, action: str, *, code: int, **args: Any) -> None:
        """One frame of the book is harmed: the connection must end with that code, and the book live again."""
        await self._wait(self._live, "the book never began")
        self._lost.clear()
        self.city.mishaps.add(Rule(action, venue=self.name, match=Match(kind="book"), most=1, args=Args(**args)))
        await self._wait(self._lost, f"{action} did not end the connection")
        codes = [event.code for event in self.told if isinstance(event, events.Lost)]
        if codes != [code]:
            raise Breach(f"{action} ended with {codes}, not {code}: {self.told}")
        self.told.clear()
        self._live.clear()
        await self._wait(self._live, f"the book did not live again after {action}")

    def watch(self) -> None:
        self.session[self.name].book(SYMBOL, self._see)

    def _see(self, book: Book) -> None:
        if book.state is State.LIVE:
            self._live.set()

    def _hear(self, event: events.Health) -> None:
        self.told.append(event)
        if isinstance(event, events.Lost):
            self._lost.set()

    async def _wait(self, event: asyncio.Event, words: str) -> None:
        try:
            await asyncio.wait_for(event.wait(), PATIENCE_S)
        except TimeoutError:
            raise Breach(f"{words}; told {self.told}") from None


def visit(name: str, act: Visit) -> None:
    """Lets one case happen on one venue."""

    async def main() -> None:
        clock = RealClock()
        city = City([name], World(SEED, listings(name), START_NS), clock, seeded(1))
        async with Served(city, clock) as served:
            windows = Windows(clock, seeded(3), AioHttp(), Picows(clock))
            async with Session([name], windows, hosts=served.addresses) as session:
                harbour = Harbour(name, city, session)
                harbour.watch()
                await act(harbour)

    asyncio.run(main())
