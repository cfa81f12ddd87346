"""The face: what a program imports, opens and closes, over the real transports and a city on loopback."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import fairlead
from fairlead.io.clock import RealClock, seeded
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from tests.house.test_face import loaded

BTC = "BTC/USDT"
SOON_S = 20.0  # a limit for a test that hangs, never a measure


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@asynccontextmanager
async def city(*names: str) -> AsyncIterator[Served]:
    clock = RealClock()
    async with Served(City(names, World(1, usual(names), clock.wall_ns()), clock, seeded(1)), clock) as served:
        yield served


async def test_a_book_and_a_question_over_real_sockets_leave_nothing_behind() -> None:
    """If this failed, the first lines of the README would not work, or their end would leave a socket open."""
    async with city("binance", "kraken") as served:
        before = asyncio.all_tasks()
        async with fairlead.open("binance", "kraken", hosts=served.addresses) as session:
            for name in session.venues:
                book = await session[name].book(BTC).first(SOON_S)
                assert isinstance(book, fairlead.Book)
                assert book.state is fairlead.State.LIVE
                assert book.bid is not None
                assert book.ask is not None
                assert book.bid < book.ask
                assert isinstance(await session[name].ask_ticker(BTC), fairlead.Ticker)
            began_s = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began_s < 5, "it waits for a far end that has long gone"
        await asyncio.sleep(0.1)
        assert not served.city.connections
        assert {task for task in asyncio.all_tasks() - before if "fairlead" in repr(task.get_coro())} == set()
    gc.collect()


async def test_one_address_may_be_given_as_a_text() -> None:
    """If this failed, an address would be taken apart into letters, each of them dialled."""
    async with city("kraken") as served:
        hosts: dict[str, Any] = {"kraken": {key: one[0] for key, one in served.addresses["kraken"].items()}}
        async with fairlead.open("kraken", hosts=hosts) as session:
            assert BTC in session["kraken"].instruments


@pytest.mark.parametrize(
    ("names", "knobs", "words"),
    [(("krakn",), {}, "did you mean kraken"), (("kraken",), {"environment": "nope"}, "environment of kraken"),
     (("kraken",), {"doubled": ["boook"]}, "did you mean book"), ((), {}, "No venue was named")],
)  # fmt: skip
async def test_a_wrong_word_is_told_before_anything_is_opened(
    names: tuple[str, ...], knobs: dict[str, Any], words: str
) -> None:
    """If this failed, a misspelled name would leave a pool of connections that nobody can close."""
    with pytest.raises(fairlead.Misuse, match=words):
        fairlead.open(*names, **knobs)
    gc.collect()


async def test_a_venue_that_cannot_be_reached_is_an_error_of_ours_and_leaves_nothing() -> None:
    """If this failed, a program would meet a library's error, or a half-open session."""
    dead = {"kraken": {"rest": "http://127.0.0.1:9", "ws": "ws://127.0.0.1:9"}}
    session = fairlead.open("kraken", hosts=dead)
    with pytest.raises(fairlead.NotSent) as raised:
        await session.open()
    assert raised.value.fault == "network"
    gc.collect()


def test_every_public_name_is_there_and_explained() -> None:
    """If this failed, a name that the documentation shows could not be imported."""
    for name in fairlead.__all__:
        assert getattr(fairlead, name) is not None
        assert name in dir(fairlead)
        assert inspect.getdoc(getattr(fairlead, name)) or issubclass(getattr(fairlead, name), Exception), name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        fairlead.nonsense  # noqa: B018


def test_the_names_for_type_checkers_are_those_that_are_loaded() -> None:
    """If this failed, a program that type-checks would fail to run, or the other way round."""
    source = Path(str(fairlead.__file__)).read_text(encoding="utf-8")
    told = {
        line.split(" as ")[1].strip() for line in source.splitlines() if line.startswith("    from ") and " as " in line
    }
    assert told == set(fairlead._HOMES)


def test_naming_the_venues_imports_none_of_them() -> None:
    """If this failed, listing what there is would cost as much as opening all of it."""
    modules = loaded("import fairlead\nassert 'kraken' in fairlead.venue_names()")
    assert not [name for name in modules if name.startswith("fairlead.venues.") and name != "fairlead.venues.registry"]
