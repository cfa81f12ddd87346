"""One venue's workshop: its sender, its streams, its feeds, its clock, and the one task that looks after them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from msgspec import Struct

from fairlead.core.backoff import Backoff
from fairlead.core.budget import Priority
from fairlead.core.routes import Routes
from fairlead.core.worth import Touch, touch_of
from fairlead.engine.around import Listener
from fairlead.engine.bans import Bans
from fairlead.engine.books import BookFeed
from fairlead.engine.candles import CandleFeed
from fairlead.engine.chores import Chores
from fairlead.engine.clocks import Clocks
from fairlead.engine.feed import Feed, Mends
from fairlead.engine.flows import LatestFeed, TradeFeed
from fairlead.engine.line import FIRST_WAIT_MS, MOST_WAIT_MS
from fairlead.engine.listing import Listing
from fairlead.engine.machine import Machine
from fairlead.engine.nonces import Nonces
from fairlead.engine.permits import Permits
from fairlead.engine.private import PrivateFeed
from fairlead.engine.sender import Sender
from fairlead.engine.stream import Stream
from fairlead.engine.teller import Teller
from fairlead.engine.timing import VenueTime
from fairlead.errors import Closed, Error, Misuse, cut
from fairlead.model import events
from fairlead.model.instrument import Instrument
from fairlead.model.market import State
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Access, Ctx
from fairlead.wire.face import Clock, HttpTransport, Journal, Rng, Store, WsTransport
from fairlead.wire.signing import Signer
from fairlead.wire.venue import Venue

TICK_MS = 250
STRANGE_SHOWN = 5  # of one kind; the rest is only counted
_KINDS: dict[str, type[Feed[Any]]] = {"trades": TradeFeed, "candles": CandleFeed}


class Windows(Struct, frozen=True):
    """What reaches the outside; handed in, so that a test or a simulation hands in its own."""

    clock: Clock
    rng: Rng
    http: HttpTransport
    ws: WsTransport
    store: Store | None = None  # None: nothing outlives the process
    # Opens the journal of that name, which is its opener's alone from then on; None: nothing can be traded
    journal: Callable[[str], Journal] | None = None
    machine: Machine | None = None  # None: nobody watches our own machine


class Desk:
    """Built by the session; `open` asks for the instruments, `close` leaves nothing running."""

    def __init__(
        self,
        venue: Venue,
        hosts: Mapping[str, tuple[str, ...]],
        windows: Windows,
        tell: Callable[[events.Health], None],
        *,
        environment: str,
        bans: str,
        mends: Mends,
        doubled: frozenset[str],
        signer: Signer | None,
        nonces: Nonces | None = None,
    ) -> None:
        self.venue, self.name, self.mends, self.signer = venue, venue.name, mends, signer
        self.time = VenueTime(windows.clock, nonces)
        self.transport, self.rng = windows.ws, windows.rng
        self.tell = tell
        self.strangers: dict[str, int] = {}
        shared = tuple(budget for budget in venue.budgets if budget.of != "connection")
        own = tuple(budget for budget in venue.budgets if budget.of == "connection")
        self.permits = Permits(shared, self.time)
        self._routes = {key: Routes(addresses if mends.failover else addresses[:1]) for key, addresses in hosts.items()}
        self._sender = Sender(
            venue,
            self._routes,
            windows.http,
            self.time,
            self.permits,
            tell,
            self.backoff,
            venue.headers.get(environment, {}),
            signer=signer,
            obeys=mends.wait,
        )
        time_routes = self._routes[venue.endpoints[Op.TIME].host]
        self._clocks = Clocks(self._sender, self.time, time_routes, venue.time_step_ms)
        self._streams = {door.name: Stream(self, door, own) for door in venue.doors}
        self._bans = Bans(windows.store, bans, self.permits, self.time)
        self._feeds: dict[Topic, Feed[Any]] = {}
        self._doubled = doubled
        self._chores = Chores(self.blame)
        self.spawn, self.later = self._chores.spawn, self._chores.later
        self._listing = Listing(
            venue, self._sender, self.time, lambda: {topic.symbol for topic in self._feeds}, has_key=signer is not None
        )
        self.teller = Teller(
            venue, self._sender, self._streams, self.time, self.later, doubled=doubled, has_key=signer is not None
        )
        self._closed = False

    # ---- life

    async def open(self) -> None:
        self._bans.recall()
        await self._clocks.read()
        await self._listing.open()
        for retirement in self._listing.retirements():
            self.tell(retirement)
        self.spawn(self._watch(), f"{self.name} watch")

    async def close(self) -> None:
        """Readers hear the end, and nothing is left running; a second time it does nothing."""
        self._closed = True
        for feed in list(self._feeds.values()):
            feed.close()
        await asyncio.gather(*(stream.close() for stream in self._streams.values()))
        await self._chores.close()
        self.permits.close()
        self._keep_bans()  # also when it was never watched: a ban may be why it could not be opened

    async def _watch(self) -> None:
        """Four times a second: streams, feeds; now and then the clock and the catalogue."""
        while True:
            await self.time.clock.sleep(TICK_MS / 1000)
            watched: list[Stream | Feed[Any] | PrivateFeed] = [*self._streams.values(), *self._feeds.values()]
            watched.extend(self.teller.feeds.values())
            for one in watched:
                try:
                    one.tick()
                except Exception as blunder:  # noqa: BLE001 - told; one that fails must not blind us to all others
                    self.blame(repr(one), blunder)
            self._keep_bans()
            if self._clocks.is_due():
                self.spawn(self._clocks.read(), f"{self.name} clock")
            if self._listing.is_due():
                self.spawn(self._renew_catalog(), f"{self.name} catalogue")

    def _keep_bans(self) -> None:
        if not self._bans.keep():
            self.strange("the bans could not be kept: the state folder is not writable", b"")
        if not self.time.nonces.is_kept:
            self.strange("the numbers of requests could not be kept: the state folder is not writable", b"")

    def renew_catalog(self) -> None:
        """What we hold may be out of date: asked for at the next look, and not again for a while."""
        self._listing.doubt()

    async def _renew_catalog(self) -> None:
        if trouble := await self._listing.renew():
            self.strange(trouble, b"")

    # ---- topics

    def feed(self, topic: Topic) -> Feed[Any]:
        """The feed of a topic, begun if it was not heard yet."""
        if self._closed:
            raise Closed(f"The session was closed; {self.name} streams nothing more.")
        topic, door = self._settled(topic)
        feed = self._feeds.get(topic)
        if feed is None:
            feed = self._feeds[topic] = self._new_feed(topic, door)
            self._streams[door.name].join(topic, 2 if topic.kind in self._doubled else 1)
        return feed

    def _settled(self, topic: Topic) -> tuple[Topic, Door]:
        """The topic in full, and where it is heard; Misuse if the venue does not have it."""
        door = self.venue.door_for(topic.kind, topic.detail)
        if door is None or door.access is not Access.OPEN:  # what is an account's, the teller hears
            doors = [door for door in self.venue.doors if door.access is Access.OPEN]
            kinds = sorted({kind.partition(":")[0] for door in doors for kind in door.topics})
            raise Misuse(f"{self.name} streams no {topic.kind}.", next=f"it streams {', '.join(kinds)}")
        if topic.kind == "book":
            depth = topic.detail or str(door.depths[0])
            if int(depth) not in door.depths:
                offers = ", ".join(map(str, sorted(door.depths)))
                raise Misuse(f"{self.name} streams no book of depth {depth}.", next=f"it has {offers}")
            topic = Topic("book", topic.symbol, depth)
            door = self.venue.door_for("book", depth) or door
        return topic, door

    def _new_feed(self, topic: Topic, door: Door) -> Feed[Any]:
        if topic.kind == "book":
            rule = door.book_rule(topic.detail)
            if rule is None:
                raise Misuse(f"{self.name} has no rule for books of depth {topic.detail}.")
            return BookFeed(self, topic, door, rule)
        return _KINDS.get(topic.kind, LatestFeed)(self, topic, door)

    def release(self, topic: Topic) -> None:
        """Nobody reads it any more."""
        door = self._settled(topic)[1]
        if topic in self._feeds:
            self._streams[door.name].leave(topic)
            del self._feeds[topic]

    @property
    def feeds(self) -> Mapping[Topic, Feed[Any]]:
        return self._feeds

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(self._streams.values())

    # ---- what streams and feeds ask of it

    @property
    def ctx(self) -> Ctx:
        return self._sender.ctx

    def listener_of(self, topic: Topic) -> Listener:
        return self._feeds.get(topic) or self.teller.feeds[topic]

    def has(self, topic: Topic) -> bool:
        return topic in self._feeds or topic in self.teller.feeds

    def routes_of(self, host_key: str) -> Routes:
        if host_key not in self._routes:
            raise Misuse(f"No address of {self.name}'s {host_key} is known.", next="give it among the hosts")
        return self._routes[host_key]

    def instrument(self, symbol: str) -> Instrument:
        return self.ctx.catalog.theirs(symbol)

    def touch(self, symbol: str) -> Touch | None:
        """The best prices of a book that is followed, a live one first; None: nobody follows one."""
        books = [
            feed.last for feed in self._feeds.values() if feed.topic.kind == "book" and feed.topic.symbol == symbol
        ]
        seen = [touch_of(book) for book in books if book is not None]
        return min(seen, key=lambda touch: touch.state is not State.LIVE, default=None)

    def backoff(self) -> Backoff:
        return Backoff(FIRST_WAIT_MS, MOST_WAIT_MS, self.rng)

    async def answer(self, op: Op, asked: Any, priority: Priority = Priority.DATA) -> Any:
        return await self._sender.ask(op, asked, priority)

    def pages(self, op: Op, asked: Any, priority: Priority = Priority.HISTORY) -> AsyncIterator[Any]:
        return self._sender.pages(op, asked, priority)

    def fetch(self, op: Op, asked: Any, then: Callable[[Any], None], failed: Callable[[Exception], None]) -> None:
        """Asks without waiting; one of the two is called."""
        self.spawn(
            self._deliver(self._sender.ask(op, asked, Priority.RECOVER, patient=True), then, failed), f"{op} {asked}"
        )

    def gather(self, op: Op, asked: Any, then: Callable[[Any], None], failed: Callable[[Exception], None]) -> None:
        """The same, with the answers of all pages in one."""
        self.spawn(self._deliver(self._all_pages(op, asked), then, failed), f"{op} {asked}")

    async def _all_pages(self, op: Op, asked: Any) -> tuple[Any, ...]:
        pages = self._sender.pages(op, asked, Priority.DATA, patient=True)
        return tuple([one async for page in pages for one in page])

    async def _deliver(
        self, work: Coroutine[Any, Any, Any], then: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        try:
            answer = await work
        except Error as error:
            self.strange(f"a fetch failed: {error.said}", b"")
            failed(error)
        else:
            then(answer)

    def blame(self, where: str, blunder: BaseException) -> None:
        what = cut(f"{type(blunder).__name__}: {blunder}")
        self.tell(events.Blunder(venue=self.name, at_ns=self.time.now_ns(), where=where, what=what))

    def strange(self, what: str, sample: bytes) -> None:
        """Counted always; told a few times."""
        count = self.strangers[what] = self.strangers.get(what, 0) + 1
        if count <= STRANGE_SHOWN:
            self.tell(
                events.Strange(venue=self.name, at_ns=self.time.now_ns(), what=what, sample=cut(sample), count=count)
            )

    def __repr__(self) -> str:
        return f"<Desk {self.name}: {len(self.ctx.catalog)} instruments, {len(self._feeds)} feeds>"
