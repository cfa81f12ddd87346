"""Where is the best price now? One symbol over several venues; a venue whose book is not LIVE never counts.

    python examples/best_price_over_venues.py BTC/USDT 60

Where FAIRLEAD_SIM holds the line of a running `fairlead sim --json`, the simulated venues are asked."""

import asyncio
import json
import os
import sys

import fairlead
from fairlead import View

HOSTS = json.loads(os.environ.get("FAIRLEAD_SIM", "{}")).get("alternates")  # none: the real venues


def show(view: View) -> None:
    """Called when the best bid or ask changes: another price, another venue, or one that stopped being live."""
    if view.bid is None or view.ask is None:
        print("nobody is live")
        return
    mark = "  crossed!" if view.crossed else ""
    print(f"buy at {view.ask.price} on {view.ask.venue}, sell at {view.bid.price} on {view.bid.venue}{mark}")


async def main(symbol: str = "BTC/USDT", seconds: str = "30") -> None:
    async with fairlead.open("binance", "kraken", "okx", hosts=HOSTS) as session:
        view = session.consolidated(symbol, show)
        await asyncio.sleep(float(seconds))
        for name, book in sorted(view.rows.items()):
            print(f"{name}: {book.state}, {book.bid} / {book.ask}, {book.age_ms:.0f} ms old")


asyncio.run(main(*sys.argv[1:]))
