"""One venue of a simulated city, one session on it in virtual time, and witnesses of all it shows; it stages nothing.

    play("north", case.act)

What a case does is done through the Stage it is given; what must not be is raised as a Breach."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from fairlead.engine.desk import Desk, Windows
from fairlead.engine.feed import Mends
from fairlead.engine.market import Market
from fairlead.engine.session import Session
from fairlead.io.clock import VirtualClock, VirtualLoop, run_virtual, seeded
from fairlead.keys.signer import FileSigner
from fairlead.model import events
from fairlead.sim.city import City
from fairlead.sim.listing import Listing
from fairlead.sim.mishaps import Handle
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.memory import Memory
from fairlead.sim.stall import Stall
from fairlead.sim.world import World
from fairlead.wire.face import HttpCall, HttpTransport, WsLink, WsListener, WsTransport
from fairlead.wire.http import Reply
from fairlead.wire.venue import Venue
from tests.conformance.witness import BookWitness, Breach, CandleWitness, TradeWitness

H = TypeVar("H", bound=events.Health)

MS = 1_000_000
SYMBOL, OTHER = "BTC/USDT", "ETH/USDT"
SEED = 7
START_NS = 1_750_000_020_000_000_000  # a whole minute
CALM_S = 15.0  # the client learns its cadences before anything goes wrong
SLOTS = 2  # addresses of every host

Act = Callable[["Stage"], Awaitable[None]]


class Call(msgspec.Struct, frozen=True):
    """A request as it left: when, where to, and what status came back (0: none)."""

    at_ms: float
    path: str
    status: int


class Ear:
    """Both transports of the city, with a note of every request and dial that left."""

    def __init__(self, memory: Memory, clock: VirtualClock) -> None:
        self.calls: list[Call] = []
        self.dials: list[float] = []
        self.http: HttpTransport = self
        self.ws: WsTransport = self
        self._memory, self._clock = memory, clock

    async def send(self, call: HttpCall, timeout_ms: int) -> Reply:
        at_ms, path = self._clock.mono_ns() / MS, call.url.partition("://")[2].partition("?")[0]
        status = 0
        try:
            reply = await self._memory.http.send(call, timeout_ms)
            status = reply.status
            return reply
        finally:
            self.calls.append(Call(at_ms, path, status))

    async def dial(self, url: str, listener: WsListener, timeout_ms: int) -> WsLink:
        self.dials.append(self._clock.mono_ns() / MS)
        return await self._memory.ws.dial(url, listener, timeout_ms)

    async def close(self) -> None:
        await self._memory.http.close()


class Shelf:
    """A Store that outlives a session, and nothing else."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self._texts.get(name)

    def write(self, name: str, text: bytes) -> None:
        self._texts[name] = text


class Stage:
    """`async with` opens the session; `calm` watches book and trades and waits until both are learned."""

    def __init__(self, name: str, clock: VirtualClock, city: City, memory: Memory, mends: Mends | None) -> None:
        self.name, self.clock, self.city, self._mends = name, clock, city, mends
        self.venue: Venue = city.mouth(name).venue
        self.stall: Stall = city.mouth(name).stalls[SYMBOL]
        self.told: list[events.Health] = []
        self.ear, self._memory, self._shelf = Ear(memory, clock), memory, Shelf()
        self.book: BookWitness
        self.trades: TradeWitness
        self.session = self._new_session()

    def _new_session(self) -> Session:
        windows = Windows(self.clock, seeded(3), self.ear.http, self.ear.ws, self._shelf)
        minted = self.city.keys[self.name]
        key = {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
        signer = FileSigner(msgspec.json.encode(key), self.venue.key_kinds)
        hosts, signers = self._memory.addresses, {self.name: signer}
        session = Session([self.name], windows, hosts=hosts, mends=self._mends, signers=signers)
        session.health(self.told.append)
        return session

    # What a case does.

    async def calm(self) -> None:
        """Opens the session, watches the book and the trades, and lets some quiet time pass."""
        await self._open()
        await self.wait(CALM_S)
        self.must(self.book.is_live, f"the book never began: {self.book!r}")
        self.told.clear()
        self.book.marks.clear()

    async def _open(self) -> None:
        await self.session.open()
        self.book = BookWitness(self.stall, self.market, self.mono_ms)
        self.trades = TradeWitness(self.stall, self.market)

    def candles(self, interval: str = "1m") -> CandleWitness:
        return CandleWitness(self.stall, self.market, interval)

    async def reopen(self) -> None:
        """The session ends and another one begins, as after a restart; so do the witnesses."""
        await self.whole()
        await self.session.close()
        self.session = self._new_session()
        await self._open()

    def strike(
        self, action: str, channel: str = "ws", *, kind: str = "", op: str = "", most: int = 0, for_ms: int = 0,
        every: int = 0, slot: int = -1, **args: Any,
    ) -> Handle:  # fmt: skip
        """Adds a mishap to this venue."""
        match = Match(kind=kind, op=op, slot=slot)
        return self.city.mishaps.add(
            Rule(action, channel, self.name, match, most=most, for_ms=for_ms, every=every, args=Args(**args))
        )

    async def wait(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def stall_loop(self, seconds: float) -> None:
        """Nothing of ours runs for so long: a collector, a plugin, a stopped process."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.pass_time(seconds)

    def sleep_machine(self, ms: int) -> None:
        """The lid was closed: the world is so much on, and so is our wall clock; our steady clock stood still."""
        self.city._begin_ns += ms * MS
        self.clock.jump(ms * MS)

    # What a case sees.

    @property
    def market(self) -> Market:
        return self.session[self.name]

    @property
    def desk(self) -> Desk:
        return self.session.desk(self.name)

    def mono_ms(self) -> float:
        return self.clock.mono_ns() / MS

    def heard(self, kind: type[H]) -> list[H]:
        """What was told of this kind since the calm."""
        return [one for one in self.told if isinstance(one, kind)]

    def refused(self) -> int:
        """How often the venue's own limits (not a mishap in their name) turned us away."""
        return sum(not one.is_mishap for one in self.city.mouth(self.name).refusals)

    # What must hold.

    def must(self, holds: object, words: str) -> None:
        if not holds:
            raise self.breach(words)

    def breach(self, words: str) -> Breach:
        return Breach(f"{words}; told {[type(one).__name__ for one in self.told]}")

    def saw(self, *kinds: type[events.Health]) -> None:
        for kind in kinds:
            self.must(self.heard(kind), f"{kind.__name__} was not told")

    def never_saw(self, *kinds: type[events.Health]) -> None:
        for kind in kinds:
            self.must(not self.heard(kind), f"{kind.__name__} was told: {self.heard(kind)}")

    async def whole(self) -> None:
        """In the end the book is live and the venue's own, every trade was heard once, and nobody of ours blundered."""
        await self.wait(0.5)
        self.book.ends_true()
        self.trades.ends_true()
        self.never_saw(events.Blunder)
        self.must(not self.refused(), f"{self.refused()} refusals by the venue's limits were our own fault")


def play(name: str, act: Act, mends: Mends | None = None, **knobs: Any) -> None:
    """Lets one case happen on one venue. Knobs change the market; without its mends a session should fail."""

    async def main() -> None:
        clock = VirtualClock()
        city = City([name], World(SEED, listings(name, **knobs), START_NS), clock, seeded(1))
        async with Memory(city, clock, seeded(2), slots=SLOTS) as memory:
            stage = Stage(name, clock, city, memory, mends)
            try:
                await act(stage)
                await stage.whole()
            finally:
                await stage.session.close()

    run_virtual(main)


def listings(name: str, **knobs: Any) -> list[Listing]:
    """A little market that is watched, and one beside it that hardly moves."""
    usual: dict[str, Any] = {"depth": 60, "changes_hz": 6.0, "trades_hz": 1.0, "step_ms": 500, "age_days": 1}
    return [
        Listing(name, SYMBOL, Decimal(62_000), 2, 5, **{**usual, **knobs}),
        Listing(name, OTHER, Decimal(3_000), 2, 5, depth=5, step_ms=60_000, age_days=1),
    ]
