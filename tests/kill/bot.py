"""A trading process to be killed: it does one deed by the public face, or looks what became of all, and says so.

It is run as a module of its own and told everything on its input; each order is a line of its output whenever it
changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

import fairlead
from fairlead.engine.market import Market
from fairlead.io import tape
from fairlead.io.clock import RealClock
from fairlead.venues import registry
from fairlead.wire.printed import printed
from fairlead.wire.venue import Settle

SYMBOL, QTY = "BTC/USDT", "0.001"
LOW, DEEP = "30000", "0.2"  # a price at which nothing trades; what is filled at once
FENCE_MS, LAG_MS = 1_000, 250  # the settle time, shortened: the simulator's readings do not trail
STORM = 70  # orders at once, again and again: soon more than a venue gives leave for
PAGES = 4  # after so many of them the journal's write-ahead file is folded in
LOOK_S = 0.05


class Errand(Struct, frozen=True):
    venue: str
    hosts: Mapping[str, Mapping[str, tuple[str, ...]]]
    keys: str  # a file
    state: str  # a folder
    deed: str
    seen: int = 0  # the last line of which the bot before heard


async def bid(market: Market) -> None:
    await market.buy(SYMBOL, qty=QTY, price=LOW, name="a bid")


async def storm(market: Market) -> None:
    while True:
        await asyncio.gather(*(market.buy(SYMBOL, qty=QTY, price=LOW) for _ in range(STORM)), return_exceptions=True)


async def take(market: Market) -> None:
    while True:  # how many commits a fill takes is chance
        await market.buy(SYMBOL, qty=DEEP)
        await RealClock().sleep(LOOK_S)


async def cancel(market: Market) -> None:
    await market.cancel(await market.buy(SYMBOL, qty=QTY, price=LOW))


async def amend(market: Market) -> None:
    await market.amend(await market.buy(SYMBOL, qty="0.002", price=LOW), qty=QTY)


async def many(market: Market) -> None:
    while True:
        await cancel(market)


async def look(market: Market) -> None:
    """Until nothing is in doubt and nothing is changing."""
    clock = RealClock()
    while any(one.life.is_in_doubt or one.cancelling or one.amending for one in market.changed_since(0)):
        await clock.sleep(LOOK_S)
    while any(one.filled != one.venue_filled for one in market.changed_since(0)):
        await clock.sleep(LOOK_S)


DEEDS: Mapping[str, Callable[[Market], Awaitable[None]]] = {
    deed.__name__: deed for deed in (bid, storm, take, cancel, amend, many, look)
}


async def live(errand: Errand) -> None:
    name = errand.venue
    async with fairlead.open(
        name, key="bot-a", keys=errand.keys, state=errand.state, hosts=errand.hosts, environment="sim"
    ) as session:
        market = session[name]
        market.orders(_say)
        await DEEDS[errand.deed](market)
        for order in market.changed_since(errand.seen):
            _say(order)


def _say(order: fairlead.Order) -> None:
    print(printed(order).decode(), flush=True)


if __name__ == "__main__":
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Errand)
    tape.CHECKPOINT_PAGES = PAGES
    venue = registry.venue(told.venue)
    least_ms = venue.settle.fence_min_ms
    short = Settle(fence_min_ms=least_ms, fence_ms=max(FENCE_MS, least_ms), engine_ms=LAG_MS, lag_ms=LAG_MS)
    with registry.instead([replace(venue, settle=short)]):
        asyncio.run(live(told))
