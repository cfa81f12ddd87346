"""One voyage: a city and a client in virtual time, ten minutes and a storm, all drawn from one seed, all of it watched.

`sail(seed)` answers with the Log; it judges nothing itself, the look-outs do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from fairlead.engine.desk import Windows
from fairlead.engine.feed import Mends
from fairlead.engine.session import Session
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.model import events
from fairlead.sim.city import City
from fairlead.sim.listing import Listing
from fairlead.sim.server.memory import Memory
from fairlead.venues import registry
from fairlead.wire.conversation import Topic
from fairlead.wire.face import Rng
from tests.voyage.books import LOOK_MS, MS, STEP_MS, BookLookout
from tests.voyage.chronicle import Chronicle
from tests.voyage.flows import CandleLookout, TradeLookout, ValueLookout
from tests.voyage.holdings import holdings
from tests.voyage.log import Log
from tests.voyage.plan import Place, Trouble, plan
from tests.voyage.weather import Weather

LASTS_S = 600
START_NS = 1_750_000_020_000_000_000
VENUES = ("binance", "kraken", "okx")
SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
OTHER = "ETH/USDT"  # listed, so that a wrong name can be a listed one; nobody watches it
SLOTS = 2  # addresses of each host
LOOKS_A_STEP = STEP_MS // LOOK_MS
HELD_MOST = 4_200  # of anything that the client keeps: the largest are memos of 4,096
HOLDINGS_EVERY = 2_900  # looks
WARNED_MS = 100  # what was on its way when a refusal struck could not know


def sail(seed: int, mends: Mends | None = None, *, calm: bool = False, blind: bool = False) -> Log:
    """Sails it once. `calm`: nothing goes wrong; `blind`: nothing is judged. `mends`: what the client mends, all of it
    unless said otherwise."""
    log = Log(seed, blind)
    run_virtual(lambda: Voyage(seed, log, mends or Mends(), calm).run(), seed)
    return log


class Voyage:
    def __init__(self, seed: int, log: Log, mends: Mends, calm: bool) -> None:
        rng = seeded(seed)
        self._log, self._mends, self._rng = log, mends, rng
        self._world = Chronicle(rng.getrandbits(64), _listings(rng), START_NS)
        self._watched = {key: story for key, story in self._world.stories.items() if key[1] != OTHER}
        places = tuple(_place(venue, self._watched) for venue in VENUES)
        self._troubles: tuple[Trouble, ...] = () if calm else plan(rng, places)
        markets = list(self._watched)
        rng.shuffle(markets)
        self._with_candles = frozenset(markets[: rng.randrange(1, 3)])
        swaps = [((venue, symbol), rng.choice(("mark", "funding"))) for venue, symbol in markets if symbol == SWAP]
        self._more = ((markets[-1], "quote"), *swaps)
        self._doubled = ("book",) if rng.random() < 0.25 else ()
        self._seeds = [rng.getrandbits(64) for _ in range(3)]
        self._books: list[BookLookout] = []
        self._trades: dict[tuple[str, str], TradeLookout] = {}
        self._candles: list[CandleLookout] = []
        self._slow: list[Any] = []
        self._session: Session | None = None  # while it is under way

    async def run(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._lost_error)
        clock = VirtualClock()
        city, memory_rng, client_rng = (seeded(one) for one in self._seeds)
        self._clock = clock
        self._city = City(VENUES, self._world, clock, city)
        self._weather = Weather(self._city, clock, self._troubles)
        memory = Memory(self._city, clock, memory_rng, slots=SLOTS)  # its pace is ours, see `_pace`
        pace = asyncio.create_task(self._pace(), name="the pace")
        windows = Windows(clock=clock, rng=client_rng, http=memory.http, ws=memory.ws)
        session = Session(VENUES, windows, hosts=memory.addresses, mends=self._mends, doubled=self._doubled)
        async with session:
            self._board(session)
            self._session = session
            await clock.sleep(LASTS_S)
            self._session = None
            self._end(session)
        await clock.sleep(0.1)
        pace.cancel()
        await asyncio.gather(pace, return_exceptions=True)
        self._log.note("counts", clock.mono_ns(), sorted(session.counts.items()))
        self._nothing_left()

    # ---- before

    def _board(self, session: Session) -> None:
        """Everything is subscribed and watched."""
        session.health(self._health)
        for (venue, symbol), story in self._watched.items():
            market, now = session[venue], self._clock.mono_ns
            book = BookLookout(market.feed(Topic("book", symbol)), story, self._weather, self._log)  # type: ignore[arg-type]
            market.book(symbol, _with_now(book.hear, now))
            self._books.append(book)
            trades = TradeLookout(market.feed(Topic("trades", symbol)), venue, story, self._log)
            market.trades(symbol, _with_now(trades.hear, now))
            self._trades[venue, str(Topic("trades", symbol))] = trades
            if (venue, symbol) in self._with_candles:
                feed = market.feed(Topic("candles", symbol, "1m"))
                candles = CandleLookout(venue, feed, self._city.mouth(venue).stalls[symbol], self._log)
                market.candles(symbol, "1m", _with_now(candles.hear, now))
                self._candles.append(candles)
            for kind in (kind for one, kind in self._more if one == (venue, symbol)):
                topic = Topic(kind, symbol)
                value = ValueLookout(venue, market.feed(topic), story, self._log)
                market.feed(topic).subscribe(_with_now(value.hear, now))
        self._slow = [session[venue].trades(symbol) for venue, symbol in self._watched]  # nobody reads these
        self._view = session.consolidated(SPOT)

    def _health(self, event: events.Health) -> None:
        self._log.note("health", self._clock.mono_ns(), event)
        self._log.words[type(event).__name__] += 1
        if isinstance(event, events.Gap) and (event.venue, event.topic) in self._trades:
            self._trades[event.venue, event.topic].told_gone(event.why)
        if isinstance(event, events.Blunder):
            self._log.breach(self._clock.mono_ns(), f"a blunder in {event.where}: {event.what}")

    def _lost_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that nobody caught, on either side of the wire."""
        self._log.breach(
            self._clock.mono_ns(), f"an error was lost: {context.get('exception') or context['message']!r}"
        )

    # ---- under way

    async def _pace(self) -> None:
        """The world steps, and whoever is on board looks around right before it does."""
        looks = 0
        while True:
            if self._session is not None:
                self._look(self._session, looks)
            if looks % LOOKS_A_STEP == 0:
                self._city.step()
            looks += 1
            await self._clock.sleep(LOOK_MS / 1_000)

    def _look(self, session: Session, looks: int) -> None:
        now_ns, world_ns = self._clock.mono_ns(), self._city.now_ns()
        self._weather.look()
        if self._log.is_blind:
            return
        for book in self._books:
            book.look(now_ns, world_ns)
        self._look_at_view(now_ns)
        self._look_at_refusals(now_ns)
        if looks % HOLDINGS_EVERY == HOLDINGS_EVERY - 1:
            self._look_at_holdings(session, now_ns)

    def _look_at_view(self, now_ns: int) -> None:
        marked = [book.venue for book in self._books if book.symbol == SPOT and not book.is_live]
        for side in (self._view.bid, self._view.ask) if marked else ():
            if side is not None and side.venue in marked:
                self._log.breach(now_ns, f"the consolidated view shows {side.venue}, which is not LIVE")

    def _look_at_refusals(self, now_ns: int) -> None:
        """Invariant I5: the venue's own limits are never met, save by what was on its way when they fell."""
        for mouth in self._city.mouths:
            while mouth.refusals:
                one = mouth.refusals.popleft()
                if not one.is_mishap and now_ns > self._weather.refused_ns(mouth.venue.name) + WARNED_MS * MS:
                    self._log.breach(now_ns, f"{one.venue} refused us by its limit of {one.budget}: {one}")

    def _look_at_holdings(self, session: Session, now_ns: int) -> None:
        """Invariant I17: nothing that the client keeps grows without a bound."""
        for where, count in holdings(session):
            if count > HELD_MOST:
                self._log.breach(now_ns, f"{where} holds {count}")

    # ---- after

    def _end(self, session: Session) -> None:
        now_ns, world_ns = self._clock.mono_ns(), self._city.now_ns()
        everything: list[TradeLookout | CandleLookout] = [*self._trades.values(), *self._candles]
        for one in everything if not self._log.is_blind else ():
            one.close(now_ns, world_ns)
        self._log.struck = self._weather.struck
        self._log.topics = sum(len(session.desk(venue).feeds) for venue in VENUES)

    def _nothing_left(self) -> None:
        now_ns = self._clock.mono_ns()
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            self._log.breach(now_ns, f"tasks are left behind: {left}")
        if self._city.connections:
            self._log.breach(now_ns, f"connections are left open: {self._city.connections}")


def _listings(rng: Rng) -> list[Listing]:
    """Little markets: a change of the book about twice a second, a trade about as often."""
    found = [Listing(venue, OTHER, Decimal(3_000), 2, 4, depth=2, step_ms=60_000) for venue in VENUES]
    last = rng.choice(((SPOT,), (SWAP,), (SPOT,), (SWAP,), (SPOT, SWAP)))
    for venue, symbol in ((VENUES[0], SPOT), (VENUES[1], SPOT), *((VENUES[2], symbol) for symbol in last)):
        swap = symbol == SWAP
        found.append(
            Listing(
                venue, symbol, Decimal(62_000), 1 if swap else 2, 2 if swap else 5,
                depth=rng.randrange(55, 80), changes_hz=rng.uniform(3, 6), trades_hz=rng.uniform(0.3, 0.9),
                step_ms=rng.choice((500, 600)), funding_hours=8 if swap else 0,
                contract_size=Decimal("0.01") if swap else Decimal(1),
                level_qty=Decimal(50) if swap else Decimal("0.5"), trade_qty=Decimal(5) if swap else Decimal("0.05"),
            )
        )  # fmt: skip
    return found


def _place(venue: str, watched: Iterable[tuple[str, str]]) -> Place:
    doors = registry.venue(venue).doors
    counts = any("trades" in door.consecutive for door in doors)
    sums = any(rule.checksum is not None for door in doors for _, rule in door.books)
    return Place(venue, tuple(symbol for name, symbol in watched if name == venue), counts, sums)


def _with_now(hear: Callable[[Any, int], None], now: Callable[[], int]) -> Callable[[Any], None]:
    return lambda event: hear(event, now())
