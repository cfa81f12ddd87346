"""What became of my order? One is placed, followed, forgotten by the program, found again, and cancelled.

    FAIRLEAD_KEY_OKX='{"key": "...", "secret": "...", "passphrase": "..."}' python examples/what_became_of_my_order.py

Where FAIRLEAD_SIM holds the line of a running `fairlead sim --json`, it trades there, with the key of that line."""

import asyncio
import json
import os
import sys

import fairlead

SIM = json.loads(os.environ.get("FAIRLEAD_SIM", "{}"))
HOSTS = SIM.get("alternates")  # none: the real venues, and real money
NAME = "an order of mine"  # asked for again under this name, the same order is meant


async def main(venue: str = "okx", symbol: str = "BTC/USDT") -> None:
    if SIM:
        os.environ[f"FAIRLEAD_KEY_{venue.upper()}"] = json.dumps(SIM["venues"][venue]["key"])
    limits = fairlead.limits_from("order_notional = 1000")  # more than that is refused before it is sent
    async with fairlead.open(venue, key="", limits=limits, hosts=HOSTS) as session:
        market = session[venue]
        market.orders(lambda order: print(order.client_id, order.life, "filled", order.filled))
        book = await market.book(symbol).first(30)
        price = int(
            (book.bid or 0) * 0.9
        )  # a whole number lies on every step; whatever does not is refused, not rounded
        order = await market.buy(symbol, qty="0.01", price=price, post_only=True, name=NAME)
    async with fairlead.open(venue, key="", hosts=HOSTS) as session:  # as another process would, after a crash
        market = session[venue]
        (found,) = market.open_orders(symbol)
        print("found again:", found.client_id == order.client_id, found.life)
        orders = market.orders()
        await market.cancel(found)
        async for order in orders:
            if order.life.is_over:
                print("in the end:", order.life, "filled", order.filled)
                break


asyncio.run(main(*sys.argv[1:]))
