"""Is my book right? Follow one for a while, and say how long it could be believed and what was mended.

    python examples/is_my_book_right.py binance BTC/USDT 60

A book is LIVE only while the venue's own numbers (or checksum) prove every change; otherwise it says so itself. Where
FAIRLEAD_SIM holds the line of a running `fairlead sim --json`, the simulated venues are asked."""

import asyncio
import json
import os
import sys
from collections import Counter

import fairlead

HOSTS = json.loads(os.environ.get("FAIRLEAD_SIM", "{}")).get("alternates")  # none: the real venues


async def main(venue: str = "binance", symbol: str = "BTC/USDT", seconds: str = "30") -> None:
    states: Counter[fairlead.State] = Counter()
    worst_lag_ms = 0.0
    async with fairlead.open(venue, hosts=HOSTS) as session:

        def look(book: fairlead.Book) -> None:
            """Called at every change, before anything else is done: keep it short."""
            nonlocal worst_lag_ms
            states[book.state] += 1
            if book.state is fairlead.State.LIVE:
                worst_lag_ms = max(worst_lag_ms, book.lag_ms)
                assert book.bid is None or book.ask is None or book.bid < book.ask, "a LIVE book never stands crossed"

        session[venue].book(symbol, look)
        await asyncio.sleep(float(seconds))

        book = session[venue].book(symbol)
        now = await book.first(timeout_s=10)
        print(f"{now.state}: {now.bid_exact} / {now.ask_exact}, {now.age_ms:.0f} ms old, number {now.seq}")
        print("heard while", ", ".join(f"{state}: {count}" for state, count in states.items()))
        print(f"worst lag {worst_lag_ms:.0f} ms")
        print(
            f"gaps {session.counts.get('Gap', 0)}, whole {session.counts.get('Resynced', 0)} times, once at the start"
        )


asyncio.run(main(*sys.argv[1:]))
