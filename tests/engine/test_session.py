"""A session over real venues in the city: opened and closed as a whole, with health and a view over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fairlead.engine.desk import Windows
from fairlead.engine.session import Session
from fairlead.errors import Closed, Error, Misuse, UnknownName
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.io.store import FileStore
from fairlead.keys.signer import FileSigner
from fairlead.model import events
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Args, Rule
from fairlead.sim.server.memory import Memory
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire.face import Journal, Store

NAMES = ("binance", "okx", "kraken")
Journals = Callable[[str], Journal]
BTC = "BTC/USDT"


class Town:
    """A city, its transports, and a count of how often they were closed."""

    def __init__(self, city: City, memory: Memory, clock: VirtualClock) -> None:
        self.city, self.memory, self.clock = city, memory, clock
        self.closed = 0

    def session(
        self, *names: str, store: Store | None = None, journal: Journals | None = None, seed: int = 9, **knobs: Any
    ) -> Session:
        windows = Windows(self.clock, seeded(seed), self, self.memory.ws, store, journal)
        return Session(names or NAMES, windows, hosts=self.memory.addresses, **knobs)

    def signer(self, name: str, like: str = "") -> FileSigner:
        """Of the account that every venue of a city has, or of another key to it."""
        minted = self.city.new_key(name, like) if like else self.city.keys[name]
        key = {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
        return FileSigner(msgspec.json.encode(key), registry.venue(name).key_kinds)

    async def send(self, call: Any, timeout_ms: int) -> Any:
        return await self.memory.http.send(call, timeout_ms)

    async def close(self) -> None:
        self.closed += 1


def in_town(visit: Callable[[Town], Coroutine[Any, Any, None]], names: tuple[str, ...] = NAMES) -> None:
    async def main() -> None:
        clock = VirtualClock()
        city = City(names, World(3, usual(names), clock.wall_ns()), clock, seeded(1))
        async with Memory(city, clock, seeded(2)) as memory:
            before = asyncio.all_tasks()
            await visit(Town(city, memory, clock))
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == before
            assert not city.connections

    run_virtual(main)


def test_all_venues_are_opened_at_once_and_closed_without_a_trace() -> None:
    """If this failed, a start would take as long as all venues together, or an end leave connections behind."""

    async def visit(town: Town) -> None:
        began_ns = town.clock.mono_ns()
        async with town.session() as session:
            assert (town.clock.mono_ns() - began_ns) / 1e6 < 500
            assert session.venues == NAMES
            streams = [session[name].book(BTC) for name in NAMES]
            for stream in streams:
                book = await stream.first(20)
                assert book.bid is not None
            assert town.city.connections
        assert len([book async for book in streams[0]]) <= 1
        await session.close()
        assert town.closed == 2

    in_town(visit)


def test_when_one_venue_cannot_be_opened_none_stays_open() -> None:
    """If this failed, half a session would run on without an owner, and hold connections nobody can close."""

    async def visit(town: Town) -> None:
        town.city.mishaps.add(Rule("status", channel="rest", venue="okx", args=Args(status=403)))
        session = town.session()
        with pytest.raises(Error, match="okx"):
            await session.open()
        assert town.closed == 1
        with pytest.raises(Closed):
            session["binance"]

    in_town(visit)


def test_an_opening_that_is_cancelled_leaves_nothing() -> None:
    """If this failed, a timeout around the start would leave venues open that nobody can reach."""

    async def visit(town: Town) -> None:
        town.city.mishaps.add(Rule("hang", channel="rest", venue="okx"))
        session = town.session()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.open(), 5)
        assert town.closed == 1

    in_town(visit)


def test_names_that_do_not_exist_name_the_nearest() -> None:
    """If this failed, a misspelled venue, environment or symbol would end in an error nobody can act on."""

    async def visit(town: Town) -> None:
        with pytest.raises(UnknownName, match="did you mean kraken"):
            town.session("krakn")
        with pytest.raises(UnknownName, match="environment of binance 'live2'"):
            Session(["binance"], Windows(town.clock, seeded(1), town, town.memory.ws), environment="live2")
        with pytest.raises(Misuse, match="No venue was named"):
            Session([], Windows(town.clock, seeded(1), town, town.memory.ws))
        with pytest.raises(UnknownName, match="did you mean book"):
            town.session(doubled={"boook"})
        async with town.session("binance") as session:
            with pytest.raises(UnknownName, match="open venue 'okx'"):
                session["okx"]
            with pytest.raises(UnknownName, match="did you mean BTC/USDT"):
                session["binance"].book("BTC-USDT")
            with pytest.raises(UnknownName, match="symbol on any open venue"):
                session.consolidated("BTC/USD")

    in_town(visit)


def test_a_session_that_is_not_open_says_so() -> None:
    """If this failed, forgetting `async with` would end in an AttributeError of ours."""

    async def visit(town: Town) -> None:
        session = town.session()
        with pytest.raises(Closed, match="not open"):
            session["binance"]
        with pytest.raises(UnknownName):
            session.consolidated(BTC)
        assert "closed" in repr(session)
        assert "0 instruments" in repr(session.desk("binance"))

    in_town(visit)


def test_health_is_heard_and_counted_and_a_broken_listener_harms_nobody() -> None:
    """If this failed, an alert that raises would stop the market data it watches over."""

    async def visit(town: Town) -> None:
        async with town.session("kraken") as session:
            heard: list[events.Health] = []

            def broken(_: events.Health) -> None:
                raise RuntimeError("mine")

            session.health(broken)
            session.health(heard.append)
            await session["kraken"].trades(BTC).first(60)
            assert [type(event) for event in heard] == [events.Connected, events.Resynced]
            assert session.counts == {"Connected": 1, "Resynced": 1, "Blunder": 2}

    in_town(visit)


def test_the_view_over_all_venues_follows_their_books_and_their_losses() -> None:
    """If this failed, the best price of several venues would be one that is not there."""

    async def visit(town: Town) -> None:
        async with town.session() as session:
            view = session.consolidated(BTC)
            await asyncio.sleep(5)
            assert set(view.rows) == set(NAMES)
            bids = {name: session[name].feed(_topic(session, name)).last.bid for name in NAMES}  # type: ignore[union-attr]
            assert view.bid is not None
            assert view.bid.price == max(bids.values())
            town.city.maintain("okx", is_on=True)
            await asyncio.sleep(1)
            assert str(view.rows["okx"].state) == "RESYNCING"
            assert "2 of 3 live" in repr(view)
            town.city.maintain("okx", is_on=False)
            await asyncio.sleep(60)
            assert "3 of 3 live" in repr(view)

    in_town(visit)


def test_a_simulators_ban_is_not_the_real_venues(tmp_path: Path) -> None:
    """If this failed, playing with a simulator would keep the next real session waiting, or hide a real ban."""

    async def visit(town: Town) -> None:
        async with town.session("binance", store=FileStore(tmp_path)) as session:
            town.city.mishaps.add(Rule("ban", channel="rest", nth=1, args=Args(ms=3_600_000)))
            with pytest.raises(Error):
                await session["binance"].ask_ticker(BTC)

    in_town(visit)
    assert [path.name for path in tmp_path.iterdir()] == ["bans-binance-elsewhere.json"]


def _topic(session: Session, name: str) -> Any:
    return next(topic for topic in session.desk(name).feeds if topic.kind == "book")
