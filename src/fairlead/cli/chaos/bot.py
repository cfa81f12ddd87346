"""The bot that is used when the user brings none: it bids, trades, cancels, says how its orders stand, and ends.

It is a process of its own, and finds the simulator as any other bot does: by its environment. Killed and started again
it wants the same by the same names."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import msgspec

import fairlead
from fairlead.cli.demo.hurry import hurried
from fairlead.engine.market import Market
from fairlead.io.clock import RealClock
from fairlead.wire.printed import printed

SYMBOL, QTY = "BTC/USDT", "0.001"
LOOK_S, CALM_S = 0.05, 1.5


async def trade(market: Market) -> None:
    """Each wish is tried again as long as the answer is a no for sure; what is unknown is never sent again."""
    clock = RealClock()
    before = [
        one.price for one in market.changed_since(0) if one.price is not None
    ]  # of this bot, before it was killed
    price = before[0] if before else int((await market.ask_ticker(SYMBOL)).last or 0) * 9 // 10
    bid = await _tried(lambda: market.buy(SYMBOL, qty=QTY, price=price, name="the bid"))
    await _tried(lambda: market.buy(SYMBOL, qty=QTY, name="what is to be had"))
    await clock.sleep(CALM_S)
    await _settled(market)
    if bid is not None:
        await _tried(lambda: market.cancel(bid))
    await clock.sleep(CALM_S)
    await market.cancel_all()
    await _settled(market)


async def _tried(wish: Callable[[], Awaitable[fairlead.Order]]) -> fairlead.Order | None:
    clock = RealClock()
    for _ in range(5):
        try:
            return await wish()
        except fairlead.Error as refused:
            print(f"{type(refused).__name__}: {refused}", file=sys.stderr, flush=True)
            await clock.sleep(1.0)
    return None


async def _settled(market: Market) -> None:
    """Nothing is in doubt, nothing is changing, and every fill that the venue counted is known."""
    clock = RealClock()
    while any(
        one.life.is_in_doubt or one.cancelling or one.filled != one.venue_filled for one in market.changed_since(0)
    ):
        await clock.sleep(LOOK_S)


async def live(name: str) -> None:
    line = msgspec.json.decode(os.environ["FAIRLEAD_SIM"])
    keys, state = os.environ["FAIRLEAD_CHAOS_KEYS"], os.environ["FAIRLEAD_CHAOS_STATE"]
    with hurried([name]):
        async with fairlead.open(
            name, key="", keys=keys, state=state, hosts=line["alternates"], environment="sim"
        ) as session:
            await trade(session[name])
            for order in session[name].changed_since(0):
                print(printed(order).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(live(os.environ["FAIRLEAD_CHAOS_VENUE"]))
