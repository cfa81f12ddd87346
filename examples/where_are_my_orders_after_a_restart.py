"""Where are my orders after a restart? Place one, end the session, open another, and ask for what changed meanwhile.

    python examples/where_are_my_orders_after_a_restart.py okx

It trades, so it only runs where FAIRLEAD_SIM holds the line of a running `fairlead sim --json`."""

import asyncio
import json
import os
import sys

import fairlead

SIM = json.loads(os.environ["FAIRLEAD_SIM"])
SYMBOL = "BTC/USDT"


def opened(venue: str) -> fairlead.Session:
    """With a key of your own this is `key="your label", keys="keys.toml"`; here it is the simulator's demo key."""
    os.environ[f"FAIRLEAD_KEY_{venue.upper()}_DEMO"] = json.dumps(SIM["venues"][venue]["key"])
    return fairlead.open(venue, key="demo", hosts=SIM["alternates"])


async def main(venue: str = "okx") -> None:
    async with opened(venue) as session:
        market = session[venue]
        last = (await market.ask_ticker(SYMBOL)).last
        assert last is not None
        order = await market.buy(SYMBOL, qty="0.01", price=round(last * 0.9), post_only=True)
        seen = market.order(order.client_id).seq  # a bot keeps the highest that it has dealt with
        print("placed:", order.life, order.client_id)

    async with opened(venue) as session:
        market = session[venue]
        changes = market.orders()
        for one in market.open_orders():
            print("still open:", one.client_id, one.qty, "at", one.price)
            await market.cancel(one)  # a wish: whether it ended or was filled before, the venue tells
        async for _ in changes:
            if not market.open_orders():
                changes.close()
        for one in market.changed_since(seen):
            print("changed since:", one.client_id, one.life)


asyncio.run(main(*sys.argv[1:]))
