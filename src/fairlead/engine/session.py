"""A session: the venues a program opened, their health in one stream, and the consolidated view over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from types import TracebackType

from fairlead.engine.bus import Bus, Subscription
from fairlead.engine.desk import Desk, Windows
from fairlead.engine.feed import Mends
from fairlead.engine.market import Market
from fairlead.engine.nonces import Nonces
from fairlead.engine.view import View
from fairlead.errors import Closed, Misuse, UnknownName
from fairlead.model import events
from fairlead.venues import registry
from fairlead.wire.face import Store
from fairlead.wire.signing import Signer
from fairlead.wire.venue import Venue

Hosts = Mapping[str, Mapping[str, tuple[str, ...]]]  # venue -> host key -> addresses


class Session:
    """`async with` opens and closes it; `session["name"]` is a venue's Market."""

    def __init__(
        self,
        venues: Iterable[str],
        windows: Windows,
        *,
        environment: str = "live",
        hosts: Hosts | None = None,
        mends: Mends | None = None,
        doubled: Iterable[str] = (),
        signers: Mapping[str, Signer] | None = None,
    ) -> None:
        names = tuple(dict.fromkeys(venues))
        if not names:
            raise Misuse("No venue was named.", next=f"name some of: {', '.join(registry.names())}")
        self._windows = windows
        self._health: Bus[events.Health] = Bus(self._blame)
        self.counts: dict[str, int] = {}
        mends, doubled = mends or Mends(), frozenset(doubled)
        self._desks: dict[str, Desk] = {}
        for name in names:
            venue, where = registry.venue(name), (hosts or {}).get(name)
            if not where and environment not in venue.hosts:
                raise UnknownName(f"environment of {name}", environment, venue.hosts)
            self._desks[name] = Desk(
                venue,
                where or venue.hosts[environment],
                windows,
                self._tell,
                environment=environment,
                # A simulator's ban is none of the real venue's, nor the other way round.
                bans=f"bans-{name}-{'elsewhere' if where else environment}.json",
                mends=mends,
                doubled=doubled,
                signer=(signer := (signers or {}).get(name)),
                nonces=_nonces(venue, signer, windows.store),
            )
        _check_kinds(doubled, self._desks.values())
        self._markets = {name: Market(desk) for name, desk in self._desks.items()}
        self._views: list[View] = []
        self._open = False

    async def __aenter__(self) -> Session:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Every venue at once; if one cannot be opened, none stays open and its error is raised."""
        self._open = True
        try:
            async with asyncio.TaskGroup() as group:
                for desk in self._desks.values():
                    group.create_task(desk.open())
        except BaseException as failed:  # also when we are cancelled: whatever ends the opening, nothing stays open
            await self.close()
            if isinstance(failed, BaseExceptionGroup):
                raise _first(failed) from None
            raise

    async def close(self) -> None:
        self._open = False
        for view in self._views:
            view.close()
        await asyncio.gather(*(desk.close() for desk in self._desks.values()))
        await self._windows.http.close()
        self._health.close()

    def __getitem__(self, name: str) -> Market:
        if name not in self._markets:
            raise UnknownName("open venue", name, self._markets)
        if not self._open:
            raise Closed("The session is not open.", next="use `async with fairlead.open(...)`")
        return self._markets[name]

    @property
    def venues(self) -> tuple[str, ...]:
        return tuple(self._desks)

    def desk(self, name: str) -> Desk:
        """The workshop behind a market: for views, doctors and tests."""
        return self._desks[name]

    def health(self, callback: Callable[[events.Health], None] | None = None) -> Subscription[events.Health]:
        """What happens to connections, streams and data, as it happens."""
        return Subscription(self._health, lambda: None, latest=False, callback=callback, about="health")

    def consolidated(self, symbol: str, callback: Callable[[View], None] | None = None) -> View:
        """The best bid and offer of one symbol over all open venues that list it."""
        listing = {name: market for name, market in self._markets.items() if symbol in market.instruments}
        if not listing:
            known = {one.symbol for market in self._markets.values() for one in market.instruments}
            raise UnknownName("symbol on any open venue", symbol, known)
        view = View(symbol, listing, callback)
        self._views.append(view)
        return view

    def _tell(self, event: events.Health) -> None:
        word = type(event).__name__
        self.counts[word] = self.counts.get(word, 0) + 1
        self._health.publish(event)

    def _blame(self, where: str, blunder: Exception) -> None:
        """A health callback raised: it cannot be told by health; it is counted."""
        self.counts["Blunder"] = self.counts.get("Blunder", 0) + 1

    def __repr__(self) -> str:
        return f"<Session {', '.join(self._desks)}, {'open' if self._open else 'closed'}>"


def _nonces(venue: Venue, signer: Signer | None, store: Store | None) -> Nonces | None:
    """Kept where the venue wants them to rise; under a name of the key's, which is not the key."""
    if signer is None or not venue.nonces_rise:
        return None
    return Nonces(store, f"nonces-{venue.name}-{sha256(signer.key_id.encode()).hexdigest()[:16]}")


def _check_kinds(doubled: Iterable[str], desks: Iterable[Desk]) -> None:
    known = {topics.partition(":")[0] for desk in desks for door in desk.venue.doors for topics in door.topics}
    for kind in doubled:
        if kind not in known:
            raise UnknownName("kind of stream", kind, known)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first real error in a group of them."""
    for error in group.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    return group
