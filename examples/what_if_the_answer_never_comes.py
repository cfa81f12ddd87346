"""What if I send an order and the answer never comes? Lose it and see, against a simulator in the same process.

    python examples/what_if_the_answer_never_comes.py

Nobody knows then, and Fairlead says so, asks the venue, and sends nothing twice. What there is in the end is counted
by the simulator."""

import asyncio
import json
import os
import tempfile

import fairlead
from fairlead.io.clock import RealClock, seeded
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Match, Rule
from fairlead.sim.server.web import Served
from fairlead.sim.world import World

VENUE, SYMBOL = "binance", "BTC/USDT"
LOST = Rule("reset", channel="rest", match=Match(op="place"), phase="after", nth=1)  # after: the venue has acted


async def main(state: str) -> None:
    clock = RealClock()
    city = City([VENUE], World(1, usual([VENUE]), clock.wall_ns()), clock, seeded(1))
    minted = city.keys[VENUE]
    os.environ["FAIRLEAD_KEY_BINANCE_DEMO"] = json.dumps({"key": minted.key, "secret": minted.secret})
    async with (
        Served(city, clock) as served,
        fairlead.open(VENUE, key="demo", hosts=served.addresses, state=state) as session,
    ):
        market = session[VENUE]
        city.mishaps.add(LOST)
        changes = market.orders()
        order = await market.buy(SYMBOL, qty="0.01", price="30000", name="entry of today")
        print("the answer is lost:", order.life)
        async for now in changes:
            if now.life is fairlead.Life.OPEN:
                print("found out:", now.life, now.order_id)
                changes.close()
        again = await market.buy(SYMBOL, qty="0.01", price="30000", name="entry of today")
        print("asked for again:", "the same order" if again.client_id == order.client_id else "another one")
    print("the venue has", len(city.mouth(VENUE).truth.orders))


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(folder))
