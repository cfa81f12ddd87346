"""One scenario against one bot: a simulated venue on loopback, the bot as a process of its own, and what came of it.

The bot is told where to trade by its environment, and is ended when its time is over; it is not asked how it did it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fairlead.cli.chaos.judge import Verdict, judged, words
from fairlead.cli.chaos.scenarios import Scenario
from fairlead.cli.sim import line_of
from fairlead.io.clock import RealClock, seeded
from fairlead.model.orders import BUY, OrderType
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskPlace
from fairlead.wire.printed import printed

OWN_BOT = (sys.executable, "-m", "fairlead.cli.chaos.bot")
SYMBOL = "BTC/USDT"
LOOK_S, END_WAIT_S = 0.01, 12.0
COMPLAINT_MOST = 2_000  # characters of what a bot complains of


class Outcome(Struct, frozen=True):
    verdict: Verdict
    struck: int  # how often what was to go wrong did
    ended: str  # how the bot ended
    complaint: str  # the end of what it said on its error output


async def staged(scenario: Scenario, venue: str, command: Sequence[str], folder: Path, seconds: float) -> Outcome:
    clock = RealClock()
    city = City([venue], World(1, usual([venue]), clock.wall_ns()), clock, seeded(1))
    foreign = _by_hand(city, venue) if scenario.deed == "hand" else ""
    async with Served(city, clock, slots=2) as served:
        handles = [city.mishaps.add(replace(rule, venue=venue)) for rule in scenario.rules]
        around = _around(served, venue, folder)
        process = await _begun(command, around)
        if scenario.deed == "kill":
            await _killed(process, city, venue, seconds)
            process = await _begun(command, around)
        said, complaint, ended = await _ended(process, seconds)
        struck = sum(one.fired for one in handles) + bool(scenario.deed)
        return Outcome(judged(city.mouth(venue), words(said), foreign), struck, ended, complaint)


def _around(served: Served, venue: str, folder: Path) -> dict[str, str]:
    """The environment of the bot: where to trade, with which key, and where to keep what must outlive it."""
    minted = served.city.keys[venue]
    parts = {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
    keys = folder / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({venue: {"chaos": {name: part for name, part in parts.items() if part}}}))
    told = {"SIM": printed(line_of(served)).decode(), "CHAOS_VENUE": venue, "CHAOS_KEYS": str(keys)}
    told["CHAOS_STATE"] = str(folder / "state")
    return {**os.environ, **{f"FAIRLEAD_{name}": value for name, value in told.items()}}


def _by_hand(city: City, venue: str) -> str:
    """An order of somebody else's on the account, far from the market; its id."""
    asked = AskPlace(
        symbol=SYMBOL, side=BUY, type=OrderType.LIMIT, client_id="", qty=Decimal("0.01"), price=Decimal(20_000)
    )
    placed: Any = city.by_hand(venue, city.keys[venue].key, Op.PLACE, asked)
    order_id: str = placed.order_id
    return order_id


async def _begun(command: Sequence[str], around: dict[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=around)


async def _killed(process: Process, city: City, venue: str, seconds: float) -> None:
    """As soon as its first order has arrived; one that never places any is killed when its time is over."""
    until_ns = city.now_ns() + int(seconds * 1e9)
    while not len(city.mouth(venue).truth.received) and city.now_ns() < until_ns and process.returncode is None:
        await RealClock().sleep(LOOK_S)
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def _ended(process: Process, seconds: float) -> tuple[bytes, str, str]:
    """(what it said, what it complained of, how it ended)."""
    reading = asyncio.ensure_future(process.communicate())
    how = "by itself"
    for end, wait_s in ((None, seconds), (process.terminate, END_WAIT_S), (process.kill, END_WAIT_S)):
        if end is not None:
            how = "asked to" if end == process.terminate else "killed"
            end()
        done, _ = await asyncio.wait([reading], timeout=wait_s)
        if done:
            break
    said, complaint = await reading
    if how == "by itself" and process.returncode:
        how = f"with code {process.returncode}"
    return said, complaint.decode(errors="replace")[-COMPLAINT_MOST:].strip(), how
