"""The demo's stage: a city on loopback, a session with all of its venues, and witnesses of what the session says.

Whether something was found and mended is read from the health events alone; what became of orders, from the city."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

import fairlead
from fairlead.cli.board import Board
from fairlead.cli.demo.hurry import hurried
from fairlead.cli.words import sentence
from fairlead.engine.feed import Mends
from fairlead.engine.session import Session
from fairlead.engine.view import View
from fairlead.io.clock import RealClock, seeded
from fairlead.model import events
from fairlead.model.events import Health
from fairlead.model.market import State, Trade
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Rule
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire.door import Door
from fairlead.wire.face import Clock
from fairlead.wire.mirror import Minted
from fairlead.wire.printed import printed

SYMBOL = "BTC/USDT"
TRADES_HZ = 5.0  # of each venue
HOSTS_EACH = 2
MINE, BOTS = "demo", "bot"  # labels of keys: of this process, and of the one that is killed; an account each
FAR = 0.5  # a trade this far from the book is one that must not be passed on
MS = 1_000_000

Evidence = Callable[[Any], bool]


class Plan(Struct, frozen=True):
    """How one thing goes wrong on a venue, and by what its finding and its mending are known: the first piece of
    evidence is the finding, the last the mending, and they come in this order."""

    rules: tuple[Rule, ...]
    evidence: tuple[Evidence, ...]
    ask: bool = False  # a ticker is asked for, and the answer is evidence too
    until: type[Health] | None = None  # the mishap is over as soon as this is told


class Witness:
    """Hears what is said of one venue and notes when each piece of evidence came."""

    def __init__(self, venue: str, plan: Plan, clock: Clock) -> None:
        self.came_ms: list[float] = []
        self.told: list[str] = []
        self.done = asyncio.Event()
        self._venue, self._plan, self._clock = venue, plan, clock
        self._begin_ns = clock.mono_ns()

    def hear(self, event: Any) -> None:
        evidence = self._plan.evidence
        if event.venue == self._venue and not self.done.is_set() and evidence[len(self.came_ms)](event):
            self.came_ms.append((self._clock.mono_ns() - self._begin_ns) / MS)
            self.told.append(sentence(event) if isinstance(event, Health) else "answered")
            if len(self.came_ms) == len(evidence):
                self.done.set()

    @property
    def found_ms(self) -> float | None:
        return self.came_ms[0] if self.came_ms else None

    @property
    def mended_ms(self) -> float | None:
        return self.came_ms[-1] if self.done.is_set() else None


class Stage:
    """`folder` holds what must outlive a process: the file of keys, and a folder of state for each of them."""

    def __init__(self, served: Served, session: Session, clock: Clock, folder: Path) -> None:
        self.served, self.session, self.clock, self.folder = served, session, clock, folder
        self.board = Board()
        self.view: View = session.consolidated(SYMBOL, self.board.show)
        self.unmended: set[str] = set()  # venues
        self.fooled = 0  # impossible trades that a reader got to see
        self.health: list[Callable[[Health], None]] = [self.board.health, self._note]
        self._hosts: dict[tuple[str, str], str] = {}  # venue, door -> the address in use
        session.health(self._spread)
        for name in session.venues:
            session[name].trades(SYMBOL, self._trade)

    @property
    def names(self) -> Sequence[str]:
        return self.session.venues

    def seated(self, seats: Sequence[int]) -> list[str]:
        """The venues on these seats, counted round."""
        return [self.names[seat % len(self.names)] for seat in seats]

    def door(self, venue: str) -> Door:
        """Where its books are heard."""
        door = registry.venue(venue).door_for("book")
        assert door is not None, "every venue streams books"
        return door

    def slot(self, venue: str) -> int:
        """Which of its addresses serves the books now."""
        door = self.door(venue)
        addresses = self.served.addresses[venue][door.host]
        return addresses.index(self._hosts.get((venue, door.name), addresses[0]))

    async def calm(self, most_s: float) -> None:
        """Waits until every book is live, except on venues where something was left unmended."""
        until_ns = self.clock.mono_ns() + most_s * 1_000 * MS
        while not self._is_calm() and self.clock.mono_ns() < until_ns:
            await self.clock.sleep(0.05)

    def _is_calm(self) -> bool:
        rows = self.view.rows
        return all(name in rows and rows[name].state is State.LIVE for name in self.names if name not in self.unmended)

    async def play(self, venue: str, plan: Plan, patience_s: float) -> Witness:
        """Lets it go wrong, and waits for the evidence or until patience ends."""
        witness = Witness(venue, plan, self.clock)
        handles = [self.served.city.mishaps.add(rule) for rule in plan.rules]

        def hear(event: Health) -> None:
            witness.hear(event)
            if plan.until is not None and isinstance(event, plan.until) and event.venue == venue:
                for handle in handles:
                    handle.end()

        self.health.append(hear)
        try:
            async with asyncio.timeout(patience_s):
                if plan.ask:
                    witness.hear(await self.session[venue].ask_ticker(SYMBOL))
                await witness.done.wait()
        except (TimeoutError, fairlead.Error):
            pass  # not mended: the witness knows how far it came
        finally:
            if not witness.done.is_set():
                self.unmended.add(venue)
            self.health.remove(hear)
            for handle in handles:
                handle.end()
        return witness

    def _spread(self, event: Health) -> None:
        for hear in tuple(self.health):
            hear(event)

    def _note(self, event: Health) -> None:
        if isinstance(event, events.Connected):
            self._hosts[event.venue, event.door] = event.host

    def _trade(self, trade: Trade) -> None:
        book = self.view.rows.get(trade.venue)
        if book is not None and book.bid and abs(trade.price / book.bid - 1) > FAR:
            self.fooled += 1


@asynccontextmanager
async def staged(seed: int, mends: Mends) -> AsyncIterator[Stage]:
    clock, names = RealClock(), registry.names()
    listings = [replace(one, trades_hz=TRADES_HZ) for one in usual(names) if one.symbol == SYMBOL]
    city = City(names, World(seed, listings, clock.wall_ns()), clock, seeded(seed))
    with TemporaryDirectory() as place, hurried(names):
        folder = Path(place)
        async with (
            Served(city, clock, slots=HOSTS_EACH) as served,
            fairlead.open(
                *names,
                key=MINE,
                keys=_key_file(folder, city),
                state=folder / MINE,
                environment="sim",
                hosts=served.addresses,
                mends=mends,
            ) as session,
        ):
            yield Stage(served, session, clock, folder)


def _key_file(folder: Path, city: City) -> Path:
    file = key_file(folder)
    keys = {name: {MINE: _key(mine), BOTS: _key(city.new_key(name))} for name, mine in city.keys.items()}
    file.touch(0o600)
    file.write_bytes(printed(keys))
    return file


def key_file(folder: Path) -> Path:
    return folder / "keys.json"


def _key(minted: Minted) -> dict[str, str]:
    return {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
