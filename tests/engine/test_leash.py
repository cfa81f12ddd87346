"""Real processes over real sockets: a trading process that is killed, stalled or ended in peace, and its watchdog."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from fairlead.engine.desk import Desk, Windows
from fairlead.engine.leash import Leash
from fairlead.engine.session import Session
from fairlead.engine.watchdog import Post, Report
from fairlead.io.clock import RealClock, seeded
from fairlead.io.http import AioHttp
from fairlead.io.socket import Picows
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskOpenOrders
from tests.engine.kennel import MS, OURS, THEIRS, bid
from tests.house.tree import ROOT
from tests.sim.trader import Pen

TRADED = [name for name in registry.names() if registry.venue(name).door_for("orders")]
each_venue = pytest.mark.parametrize("name", TRADED)
LIMIT_MS = 1_000
NOBODY = dict.fromkeys(registry.venue(TRADED[0]).hosts["live"], ("http://127.0.0.1:9",))  # a port without a server


class Street:
    """A venue on loopback, our own view of it, and the processes that were started."""

    def __init__(self, desk: Desk, post: Post) -> None:
        self.desk, self.post = desk, post
        self._started: list[asyncio.subprocess.Process] = []
        self._dogs: set[int] = set()

    async def place(self, *client_ids: str) -> None:
        window_ms = self.desk.venue.settle.fence_ms
        for client_id in client_ids:
            until_ms = self.desk.time.now_ns() // MS + window_ms
            await self.desk.answer(Op.PLACE, replace(bid(client_id), until_ms=until_ms, window_ms=window_ms))

    async def open_orders(self) -> set[str]:
        return {one.client_id async for page in self.desk.pages(Op.OPEN_ORDERS, AskOpenOrders()) for one in page}

    async def start(self, **changed: Any) -> asyncio.subprocess.Process:
        return await self.run("bot", msgspec.json.encode(replace(self.post, **changed)).decode())

    async def run(self, module: str, word: str) -> asyncio.subprocess.Process:
        bot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"tests.engine.{module}", word),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        self._started.append(bot)
        return bot

    async def hears(self, bot: asyncio.subprocess.Process, word: str) -> str:
        """Reads on until the bot says this, and returns the line."""
        assert bot.stdout is not None
        while line := (await bot.stdout.readline()).decode():
            if line.split()[0] == "watching":
                self._dogs.add(int(line.split()[1]))
            if line.startswith(word):
                return line
        raise AssertionError(f"the bot ended and never said {word!r}")

    def follow(self, pid: int) -> None:
        """A watchdog that is to end with the test."""
        self._dogs.add(pid)

    def report(self, name: str = "watchdog.json") -> Report:
        [file] = Path(self.post.folder).glob(name)
        return msgspec.json.decode(file.read_bytes(), type=Report)

    async def until(self, holds: Callable[[], bool]) -> None:
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        for bot in self._started:
            with contextlib.suppress(ProcessLookupError):
                bot.kill()
            await bot.wait()
        for pid in self._dogs:  # a watchdog outlives its master, and looks on for as long as its venue may be late
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def street(name: str, folder: Path) -> AsyncIterator[Street]:
    clock = RealClock()
    city = City([name], World(3, usual([name]), clock.wall_ns()), clock, seeded(1))
    minted = city.keys[name]
    keys = folder / "keys.json"
    told = {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
    keys.write_text(json.dumps({name: {"bot-a": told}}), encoding="utf-8")
    keys.chmod(0o600)
    async with Served(city, clock) as served:
        hosts = {key: tuple(where) for key, where in served.addresses[name].items()}
        windows = Windows(clock=clock, rng=seeded(4), http=AioHttp(), ws=Picows(clock))
        post = Post(
            venue=name, prefix="flours", limit_ms=LIMIT_MS, folder=str(folder), report="watchdog.json", token="first",
            hosts=hosts, keys=str(keys), label="bot-a",
        )  # fmt: skip
        async with Session((name,), windows, hosts={name: hosts}, signers={name: Pen(minted)}) as session:
            made = Street(session.desk(name), post)
            try:
                yield made
            finally:
                await made.close()


@each_venue
async def test_a_killed_process_leaves_none_of_its_orders_open(name: str, tmp_path: Path) -> None:
    """If this failed, a crash would leave orders in the market that nobody minds."""
    async with street(name, tmp_path) as here:
        await here.place(OURS + "1", THEIRS + "1", OURS + "2")
        bot = await here.start()
        assert "watched" in await here.hears(bot, "lives")
        await asyncio.sleep(2 * LIMIT_MS / 1_000)  # it beats: nothing happens
        assert here.report().state == "watching"
        bot.send_signal(signal.SIGKILL)
        await here.until(lambda: len(here.report().cancelled) == 2)
        assert await here.open_orders() == {THEIRS + "1"}


async def test_a_users_bot_that_is_killed_leaves_nothing_open(tmp_path: Path) -> None:
    """If this failed, the parts would work, and the whole that a user opens would not."""
    async with street(TRADED[0], tmp_path) as here:
        await here.place(THEIRS + "1")
        told = {
            "venue": here.post.venue,
            "keys": here.post.keys,
            "hosts": {TRADED[0]: here.post.hosts},
            "state": str(tmp_path),
        }
        bot = await here.run("whole_bot", json.dumps(told))
        placed = (await here.hears(bot, "placed OPEN")).split()[-1]
        assert await here.open_orders() == {THEIRS + "1", placed}
        bot.kill()
        here.follow(here.report("watchdog-*.json").pid)
        await here.until(lambda: here.report("watchdog-*.json").count == 1)
        assert await here.open_orders() == {THEIRS + "1"}


async def test_a_stalled_process_is_as_good_as_dead_and_is_told_when_it_wakes(tmp_path: Path) -> None:
    """If this failed, a hung program would keep its orders, or wake up and take them for open."""
    async with street(TRADED[0], tmp_path) as here:
        await here.place(OURS + "1")
        bot = await here.start()
        await here.hears(bot, "lives")
        bot.send_signal(signal.SIGSTOP)
        await here.until(lambda: len(here.report().cancelled) == 1)
        bot.send_signal(signal.SIGCONT)
        await here.hears(bot, "acting")
        await here.hears(bot, "resumed")
        await here.hears(bot, "gone")  # nobody watches it now, and it knows
        assert await here.open_orders() == set()


async def test_a_peaceful_end_leaves_all_as_it_is(tmp_path: Path) -> None:
    """If this failed, every restart would cancel what was meant to stay."""
    async with street(TRADED[0], tmp_path) as here:
        await here.place(OURS + "1")
        bot = await here.start()
        await here.hears(bot, "lives")
        assert bot.stdin is not None
        bot.stdin.write(b"end\n")
        assert "nobody watches" in await here.hears(bot, "ends")
        assert (await bot.wait(), here.report().state) == (0, "left")
        assert await here.open_orders() == {OURS + "1"}


async def test_a_restarted_process_is_left_to_its_own_watchdog(tmp_path: Path) -> None:
    """If this failed, a quick restart would lose its orders to the watchdog of the process before."""
    async with street(TRADED[0], tmp_path) as here:
        await here.place(OURS + "1")
        first = await here.start(limit_ms=6_000)
        await here.hears(first, "lives")
        first.kill()
        second = await here.start(token="second")
        await here.hears(second, "lives")
        await asyncio.sleep(7)
        assert (here.report().token, here.report().state) == ("second", "watching")
        assert await here.open_orders() == {OURS + "1"}


async def test_a_start_that_was_given_up_leaves_no_watchdog_behind(tmp_path: Path) -> None:
    """If this failed, Ctrl-C at the wrong moment would have open orders cancelled by a watchdog nobody feeds."""
    async with street(TRADED[0], tmp_path) as here:
        await here.place(OURS + "1")
        leash = Leash(here.post, RealClock(), lambda report: None)
        starting = asyncio.create_task(leash.start())
        await asyncio.sleep(0.5)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert starting.cancelled()
        assert not leash.watches
        await asyncio.sleep(2 * LIMIT_MS / 1_000)
        assert await here.open_orders() == {OURS + "1"}


async def test_a_watchdog_that_dies_is_missed(tmp_path: Path) -> None:
    """If this failed, a program would trade on and think itself watched."""
    async with street(TRADED[0], tmp_path) as here:
        bot = await here.start()
        await here.hears(bot, "lives")
        os.kill(here.report().pid, signal.SIGKILL)
        await here.hears(bot, "gone")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"label": "bot-b"}, "did you mean bot-a"),
        ({"keys": "none"}, "cannot be read"),
        ({"hosts": NOBODY}, "was not sent"),
    ],
)
async def test_a_watchdog_that_cannot_begin_says_why(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    """If this failed, a program would start to trade with nobody to clean up behind it."""
    async with street(TRADED[0], tmp_path) as here:
        bot = await here.start(**changed)
        said = await here.hears(bot, "error")
        assert "The watchdog could not begin" in said
        assert words in said
        assert "nobody watches" in said
        assert await bot.wait() == 1
