"""One voyage: a city, a trading program and its bots in virtual time, and a storm, all drawn from one seed.

`sail(seed)` answers with the Log; it judges nothing itself, the checker does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from fairlead.cli.voyage.bots import BOTS, Deck, Try, crew
from fairlead.cli.voyage.checker import LOOK_MS, MS, Checker
from fairlead.cli.voyage.hull import Births, Hull
from fairlead.cli.voyage.log import Log
from fairlead.cli.voyage.paper import Drawer, Paper
from fairlead.cli.voyage.program import account_of, orders_of, session_of
from fairlead.cli.voyage.storm import Storm
from fairlead.cli.voyage.troubles import Trouble, plan
from fairlead.cli.voyage.waters import listings
from fairlead.engine.desk import Windows
from fairlead.engine.session import Session
from fairlead.errors import Error, Misuse
from fairlead.io import failpoint
from fairlead.io.clock import VIRTUAL_WALL_NS, VirtualClock, run_virtual, seeded
from fairlead.model import events
from fairlead.model.numbers import unfixed
from fairlead.model.order import Order
from fairlead.model.orders import BUY, Fill
from fairlead.sim.city import City
from fairlead.sim.prices import Weather
from fairlead.sim.server.memory import Memory
from fairlead.sim.world import World
from fairlead.venues import registry

TRADES_S = 90.0  # the bots trade for so long
ENDS_S = 240.0  # by then nothing may be in doubt any more
MOST_S = 400.0  # of a whole voyage
DOWN_S = (0.1, 6.0)  # between a death and the next life


def sail(seed: int, *, venues: Iterable[str] = (), calm: bool = False, blind: bool = False) -> Log:
    """Sails it once. `venues`: these, or one to three of all. `calm`: nothing goes wrong; `blind`: only the trace."""
    log = Log(seed, blind)
    run_virtual(lambda: Voyage(seed, log, tuple(venues), calm).run(), seed)
    return log


class Voyage:
    def __init__(self, seed: int, log: Log, venues: tuple[str, ...], calm: bool) -> None:
        rng = seeded(seed)
        names = list(registry.names())
        rng.shuffle(names)
        drawn = tuple(sorted(names[: rng.choice((1, 1, 2, 3))]))
        self._venues = venues or drawn
        self._log, self._rng = log, rng
        self._listings = list(listings(rng, self._venues))
        self._troubles: tuple[Trouble, ...] = ()
        if not calm:
            self._troubles = plan(rng, tuple(registry.venue(name) for name in self._venues))
        self._bots = {name: crew(rng) for name in self._venues}
        self._seeds = [rng.getrandbits(64) for _ in range(4)]
        self._tries: list[Try] = []
        self._touched: list[tuple[str, int, int]] = []
        self._paper, self._drawer = Paper(), Drawer()
        self.hull: Hull | None = None
        self._is_over = False
        self._ends_life = asyncio.Event()  # a restart was asked for

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._lost_error)
        clock, self._births = VirtualClock(), Births()
        self._clock = clock
        world, city, memory, self._client = (seeded(one) for one in self._seeds)
        self._world = World(world.getrandbits(64), self._listings, VIRTUAL_WALL_NS, weather=Weather(vol_year=0.6))
        self._city = City(self._venues, self._world, clock, city)
        self._memory = Memory(self._city, clock, memory, slots=2)
        self._checker = Checker(self._city, self._paper, self._log, self._touched)
        self._begin_ns = clock.mono_ns()
        self.ashore: set[asyncio.Task[Any]] = {asyncio.current_task()}  # type: ignore[arg-type]
        pace = loop.create_task(self._pace(), name="the pace")
        storm = loop.create_task(Storm(self, self._city, clock, self._paper).blow(self._troubles), name="the storm")
        self.ashore |= {pace, storm}
        try:
            async with asyncio.timeout(MOST_S):
                while not self._is_over:
                    await self._life()
                await self._recover()
        except TimeoutError:
            names = sorted(task.get_name() for task in asyncio.all_tasks() - self.ashore)
            self._breach(f"the voyage does not end: {names[:8]}")
            if self.hull is not None:
                self.hull.die()
                await self.hull.bury()
        finally:
            failpoint.disarm()
            for task in self.ashore - {asyncio.current_task()}:
                task.cancel()
            await asyncio.gather(pace, storm, return_exceptions=True)
        await clock.sleep(0.1)
        self._nothing_left()

    # ---- the program's lives

    async def _life(self) -> None:
        """One, to its end: a death, a restart, or the end of the voyage."""
        loop = asyncio.get_running_loop()
        hull = self.hull = Hull(self._memory, self._paper, self.ashore, self._births)
        self._ends_life = asyncio.Event()
        work = loop.create_task(self._sail(hull), name="the program")
        await asyncio.wait([work, hull.died], return_when=asyncio.FIRST_COMPLETED)
        ended_ns = self._clock.mono_ns()
        if not hull.is_dead:
            hull.died.cancel()
            await work
            return
        await hull.bury()
        self._note("died")
        self._checker.accounts.clear()
        await self._clock.sleep(self._rng.uniform(*DOWN_S))
        self._touch("", ended_ns, self._clock.mono_ns())

    async def _sail(self, hull: Hull) -> None:
        """The program: opens, lets its bots trade, closes."""
        began_ns = self._clock.mono_ns()
        session = self._session(hull)
        try:
            await session.open()
        except Error as failed:
            self._note("not opened", type(failed).__name__)
            await self._clock.sleep(1.0)
            self._touch("", began_ns, self._clock.mono_ns())
            self._late_ns()
            return
        self._checker.accounts = {name: account_of(session, name) for name in self._venues}
        self._checker.began()
        self._touch("", began_ns, self._clock.mono_ns())
        bots = [asyncio.ensure_future(BOTS[bot](deck)) for deck, bot in self._decks(session, hull)]
        left_s = max(0.0, TRADES_S - (self._clock.mono_ns() - self._begin_ns) / 1e9)
        try:
            async with asyncio.timeout(left_s):
                await self._ends_life.wait()
        except TimeoutError:
            self._is_over = True
        for bot in bots:
            bot.cancel()
        for failed_bot in await asyncio.gather(*bots, return_exceptions=True):
            if isinstance(failed_bot, Exception):
                self._breach(f"a bot met {failed_bot!r}")
        if self._is_over:
            await self._end(session)
        closing_ns = self._clock.mono_ns()
        await session.close()
        self._touch("", closing_ns, self._clock.mono_ns())

    def _late_ns(self) -> None:
        if self._clock.mono_ns() - self._begin_ns > ENDS_S * 1e9:
            self._breach("the program could not be opened any more")
            self._is_over = True

    def _session(self, hull: Hull) -> Session:
        """Of a program of ours, not open yet."""
        windows = Windows(self._clock, self._client, hull, hull, self._drawer, hull.journal)
        session = session_of(self._city, self._memory, windows)
        session.health(partial(self._health, hull))
        return session

    def _decks(self, session: Session, hull: Hull) -> Iterable[tuple[Deck, str]]:
        for venue, bots in self._bots.items():
            market = session[venue]
            market.orders(partial(self._told, hull))
            market.fills(partial(self._filled, hull))
            symbol = next(one.symbol for one in self._listings if one.venue == venue)
            rng = seeded(self._rng.getrandbits(64))
            for bot in bots:
                price = partial(self._price, venue, symbol)
                yield Deck(market, symbol, price, self._clock, rng, self._tries), bot

    def _price(self, venue: str, symbol: str) -> Decimal:
        market = self._world.market(venue, symbol)
        return unfixed(market.bid[0], market.listing.price_decimals)

    # ---- its end

    async def _end(self, session: Session) -> None:
        """Everything of ours is cancelled, and whatever is in doubt found out."""
        while self._clock.mono_ns() - self._begin_ns < ENDS_S * 1e9:
            for venue in self._venues:
                if session[venue].open_orders():
                    await session[venue].cancel_all()
            await self._clock.sleep(2.0)
            if all(self._is_quiet(session, venue) for venue in self._venues):
                break
        for venue in self._venues:
            await self._clock.sleep(0.5)
            try:
                self._checker.holds(venue, await session[venue].ask_balances(), self._clock.mono_ns())
            except Error as failed:
                self._breach(f"{venue} cannot be asked at the end: {failed}")
        self._checker.look(self._clock.mono_ns())
        self._checker.close(self._clock.mono_ns(), self._tries)

    def _is_quiet(self, session: Session, venue: str) -> bool:
        account = self._checker.accounts[venue]
        return not (session[venue].open_orders() or account.frozen or list(account.running()))

    async def _recover(self) -> None:
        """Opened once more over the same journal, the program knows the same."""
        before = {name: orders_of(account) for name, account in self._checker.accounts.items()}
        hull = self.hull = Hull(self._memory, self._paper, self.ashore, self._births)
        session = self._session(hull)
        try:
            await session.open()
        except Error as failed:
            self._breach(f"at the end the program could not be opened: {failed}")
            return
        for name in self._venues:
            after = orders_of(account_of(session, name))
            if after != before.get(name):
                odd = [one for one, two in zip(after, before.get(name, ()), strict=False) if one != two]
                self._breach(f"{name}: a restart knows other orders: {odd[:2]}")
        await session.close()
        hull.died.cancel()

    def _nothing_left(self) -> None:
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            self._breach(f"tasks are left behind: {left}")

    # ---- what is told

    def _told(self, hull: Hull, order: Order) -> None:
        if not hull.is_dead:
            self._note("order", order)
            self._checker.told(order, self._clock.mono_ns())

    def _filled(self, hull: Hull, fill: Fill) -> None:
        if not hull.is_dead:
            self._note("fill", fill)
            self._checker.filled(fill, self._clock.mono_ns())

    def _health(self, hull: Hull, event: events.Health) -> None:
        if hull.is_dead:
            return
        self._note(type(event).__name__, event)
        if isinstance(event, events.Blunder):
            self._breach(f"a blunder in {event.where}: {event.what}")
        if isinstance(event, events.Foreign) and event.ours:
            self._breach(f"another program of ours is at {event.venue}: {event.what} {event.name}")

    def _lost_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that nobody caught, on either side of the wire."""
        if self.hull is None or not self.hull.is_dead:
            self._breach(f"an error was lost: {context.get('exception') or context['message']!r}")

    def _note(self, kind: str, *what: object) -> None:
        self._log.note(kind, self._clock.mono_ns(), *what)

    def _breach(self, what: str) -> None:
        self._log.breach(self._clock.mono_ns(), what)

    def _touch(self, venue: str, from_ns: int, to_ns: int) -> None:
        self._touched.append((venue, from_ns, to_ns))

    def struck(self, trouble: Trouble) -> None:
        now_ns = self._clock.mono_ns()
        self._touch(trouble.venue, now_ns, now_ns + (trouble.lasts_ms + trouble.tail_ms) * MS)
        self._note("trouble", trouble.kind)
        self._log.struck.add(trouble.kind)

    def restart(self) -> None:
        self._ends_life.set()

    # ---- the world, and what the storm asks for

    async def _pace(self) -> None:
        while True:
            self._city.step()
            self._checker.look(self._clock.mono_ns())
            await self._clock.sleep(LOOK_MS / 1_000)

    async def second(self) -> None:
        """Somebody starts the program a second time."""
        hull = Hull(self._memory, self._paper, self.ashore, self._births)
        session = self._session(hull)
        try:
            await session.open()
        except Misuse:
            self._note("a second program was refused")
        except Error as failed:
            self._note("a second program failed", type(failed).__name__)
        else:
            for venue in self._venues:
                deck = next(deck for deck, _ in self._decks(session, hull) if deck.market.name == venue)
                await deck.place(BUY, qty=deck.qty(), price=deck.price(-250))
            self._breach("two programs trade one account")
            await session.close()
        hull.died.cancel()
