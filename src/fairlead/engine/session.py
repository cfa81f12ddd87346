"""A session: the venues a program opened, their health in one stream, and the consolidated view over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from fairlead.engine.bus import Bus, Subscription
from fairlead.engine.desk import Desk, Windows
from fairlead.engine.feed import Mends
from fairlead.engine.market import Market
from fairlead.engine.nonces import Nonces
from fairlead.engine.view import View
from fairlead.errors import Closed, Misuse, UnknownName
from fairlead.model import events
from fairlead.venues import registry
from fairlead.wire.face import Journal, Store
from fairlead.wire.signing import Signer
from fairlead.wire.venue import Venue

if TYPE_CHECKING:
    from fairlead.core.limits import Limits
    from fairlead.engine.account import AccountDesk


class Stage(StrEnum):
    """How far a session goes; nothing deeper than the session asks."""

    READ_ONLY = "read-only"  # orders are refused, whatever the key allows
    LIVE = "live"  # orders go to the venue, or to the simulator in its place


class Minding(Protocol):
    """Somebody who minds an account's orders when this process is gone (engine/minder)."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...


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
        labels: Mapping[str, str] | None = None,
        stage: Stage = Stage.READ_ONLY,
        limits: Limits | None = None,
        minds: Callable[[AccountDesk], Minding] | None = None,
    ) -> None:
        """`labels`: the user's own word for the account behind each signer; where the stage is live, it is traded.
        `minds` makes whoever minds an account."""
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
        self._labels, self._limits = (labels or {}) if stage is Stage.LIVE else {}, limits
        self._journal_name = f"journal-{'elsewhere' if hosts else environment}"
        self._journal: Journal | None = None
        self._accounts: dict[str, AccountDesk] = {}
        self._reckoned: set[tuple[str, str]] = set()  # accounts that were held against their venue
        self._minds, self._minders = minds, list[Minding]()
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
        """Every venue at once; if one cannot be opened, none stays open and its error is raised. Accounts after their
        venues: the journal first, whose folder belongs to one process alone."""
        self._open = True
        if self._windows.machine is not None:
            self._windows.machine.begin(self._tell)
        try:
            if self._labels:
                self._take_accounts()
            async with asyncio.TaskGroup() as group:
                for desk in self._desks.values():
                    group.create_task(desk.open())
            async with asyncio.TaskGroup() as group:
                for account in self._accounts.values():
                    group.create_task(account.open())
            if self._minds is not None:
                self._minders = [self._minds(account) for account in self._accounts.values()]
            for minder in self._minders:
                await minder.open()
        except BaseException as failed:  # also when we are cancelled: whatever ends the opening, nothing stays open
            await self.close()
            if isinstance(failed, BaseExceptionGroup):
                raise _first(failed) from None
            raise

    async def close(self) -> None:
        self._open = False
        for view in self._views:
            view.close()
        await asyncio.gather(*(minder.close() for minder in self._minders))
        await asyncio.gather(*(account.close() for account in self._accounts.values()))
        await asyncio.gather(*(desk.close() for desk in self._desks.values()))
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        await self._windows.http.close()
        if self._windows.machine is not None:
            self._windows.machine.end()
        self._health.close()

    def _take_accounts(self) -> None:
        from fairlead.engine.account import AccountDesk  # a third of all code: whoever only reads needs none of it

        if self._windows.journal is None:
            raise Misuse("Nothing can be traded without a journal.", next="hand one in")
        self._journal = self._windows.journal(self._journal_name)
        for name, label in self._labels.items():
            desk = self._desks[name]
            account = self._accounts[name] = AccountDesk(
                desk, label, self._journal, desk.rng, limits=self._limits, touch_for=desk.touch
            )
            self._markets[name] = Market(desk, account)

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
        if isinstance(event, events.TradingOpened):
            self._reckoned.add((event.venue, event.account))
            self._settle()

    def _settle(self) -> None:
        """A journal that may lack lines is whole again when each account in it was held against its venue."""
        journal = self._journal
        if journal is None or not journal.older or len(self._reckoned) < len(self._accounts):
            return
        from fairlead.core import facts

        written = (facts.read(line.body) for line in journal.lines())
        if {(fact.venue, fact.account) for fact in written} <= self._reckoned:
            journal.settled()

    def _blame(self, where: str, blunder: Exception) -> None:
        """A health callback raised: it cannot be told by health; it is counted."""
        self.counts["Blunder"] = self.counts.get("Blunder", 0) + 1

    def __repr__(self) -> str:
        return f"<Session {', '.join(self._desks)}, {'open' if self._open else 'closed'}>"


def stage_of(word: str, *, has_key: bool) -> Stage:
    """What a user says, or where he says nothing: with a key he wants to trade."""
    if word == "paper":
        raise Misuse(
            "There is no paper trading yet.",
            next='trade with stage="live" in a demo environment of the venue, or on the simulator by its hosts',
        )
    if word and word not in list(Stage):
        raise UnknownName("stage", word, list(Stage))
    stage = Stage(word) if word else Stage.LIVE if has_key else Stage.READ_ONLY
    if stage is Stage.LIVE and not has_key:
        raise Misuse("Only who has a key can trade.", next='give key="..." with your label of it')
    return stage


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
