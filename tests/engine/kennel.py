"""A watchdog over a simulated venue in memory, and orders of several hands for it to find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import msgspec

from fairlead.core.vigil import Vigil
from fairlead.engine.desk import Windows
from fairlead.engine.session import Session
from fairlead.engine.watchdog import LOOK_MS, Post, Report, Watchdog
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.model.orders import OrderReport, OrderType
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.memory import Memory
from fairlead.sim.world import World
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskOpenOrders, AskPlace
from tests.sim.trader import Pen

MS = 1_000_000
SYMBOL = "BTC/USDT"
OURS, THEIRS = "flours00000000000", "flthem00000000000"
LIMIT_MS = 1_000


class Shelf(dict[str, bytes]):
    """A Store in memory."""

    def read(self, name: str) -> bytes | None:
        return self.get(name)

    def write(self, name: str, text: bytes) -> None:
        self[name] = text


def bid(client_id: str) -> AskPlace:
    """One that rests far below the market."""
    qty, price = Decimal("0.001"), Decimal(30_000)
    return AskPlace(symbol=SYMBOL, side="buy", type=OrderType.LIMIT, client_id=client_id, qty=qty, price=price)


class Kennel:
    """`dog` watches; `beat` keeps it quiet until `dies`."""

    def __init__(self, name: str, memory: Memory, session: Session) -> None:
        self.desk, self.memory, self.store = session.desk(name), memory, Shelf()
        self.clock = self.desk.time.clock
        self.post = Post(
            venue=name, prefix="flours", limit_ms=LIMIT_MS, folder="", report="watchdog.json", token="first"
        )
        self.vigil = Vigil(LIMIT_MS, LOOK_MS, self.clock.mono_ns())
        self.said: list[str] = []
        self.dog = Watchdog(self.post, self.desk, self.store, self.clock, self.vigil, self._hear)
        self.ended: asyncio.Task[str] | None = None

    def _hear(self, report: Report) -> None:
        self.said.append(report.state)

    @property
    def report(self) -> Report:
        return msgspec.json.decode(self.store["watchdog.json"], type=Report)

    def begin(self) -> None:
        self.ended = asyncio.create_task(self.dog.watch())

    async def live(self, ms: int) -> None:
        """The heart beats for so long."""
        for _ in range(ms // 250):
            self.vigil.beat(self.clock.mono_ns())
            await self.clock.sleep(0.25)

    async def wait(self, ms: int) -> None:
        await self.clock.sleep(ms / 1_000)

    async def end(self) -> str:
        assert self.ended is not None
        return await self.ended

    async def place(self, *client_ids: str) -> None:
        settle = self.desk.venue.settle
        for client_id in client_ids:
            until_ms = self.desk.time.now_ns() // MS + settle.fence_ms
            asked = msgspec.structs.replace(bid(client_id), until_ms=until_ms, window_ms=settle.fence_ms)
            await self.desk.answer(Op.PLACE, asked)

    async def open_orders(self) -> set[str]:
        found: list[OrderReport] = [
            one async for page in self.desk.pages(Op.OPEN_ORDERS, AskOpenOrders()) for one in page
        ]
        return {one.client_id for one in found}

    def disturb(self, op: str, ms: int) -> None:
        """The venue answers this with an error for so long."""
        city = self.memory.city
        city.mishaps.add(Rule(channel="rest", action="status", match=Match(op=op), args=Args(status=503), for_ms=ms))


def watched(name: str, visit: Callable[[Kennel], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        clock = VirtualClock()
        city = City([name], World(3, usual([name]), clock.wall_ns()), clock, seeded(1))
        async with Memory(city, clock, seeded(2)) as memory:
            windows = Windows(clock=clock, rng=seeded(4), http=memory.http, ws=memory.ws)
            hosts = {name: {key: tuple(where) for key, where in memory.addresses[name].items()}}
            async with Session((name,), windows, hosts=hosts, signers={name: Pen(city.keys[name])}) as session:
                await visit(Kennel(name, memory, session))

    run_virtual(main)
