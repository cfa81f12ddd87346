"""Do my candles have holes? Fetch a day of them and look; bars in which nothing traded are filled and marked.

    python examples/candles_without_holes.py binance BTC/USDT 1m

A script without `await`: the same verbs block. Where FAIRLEAD_SIM holds the line of a running
`fairlead sim --json`, the simulated venues are asked."""

import itertools
import json
import os
import sys
from datetime import UTC, datetime

import fairlead.sync

HOSTS = json.loads(os.environ.get("FAIRLEAD_SIM", "{}")).get("alternates")  # none: the real venues
MS, DAY_NS = 1_000_000, 86_400_000_000_000


def main(venue: str = "binance", symbol: str = "BTC/USDT", interval: str = "1m") -> None:
    with fairlead.sync.open(venue, hosts=HOSTS) as session:
        market = session[venue]
        now_ns = market.ask_time() * MS
        candles = market.history(symbol, interval, now_ns - DAY_NS, now_ns)
    assert candles, "the venue has none of that day"

    steps = {after.open_ns - before.open_ns for before, after in itertools.pairwise(candles)}
    first, last = (datetime.fromtimestamp(bar.open_ns / 1e9, UTC) for bar in (candles[0], candles[-1]))
    print(f"{len(candles)} bars from {first:%d %b %H:%M} to {last:%d %b %H:%M} UTC")
    print(f"{sum(bar.filled for bar in candles)} had no trade and carry on the last close")
    print(f"the last one is {'closed' if candles[-1].closed else 'still running'}")
    print("no holes" if len(steps) == 1 else f"steps of different lengths: {sorted(steps)}")


main(*sys.argv[1:])
