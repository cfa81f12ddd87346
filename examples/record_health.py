"""What happened while I slept? Every connection lost, gap mended and limit met, a JSON object a line.

    python examples/record_health.py 3600 BTC/USDT ETH/USDT >> health.jsonl

Where FAIRLEAD_SIM holds the line of a running `fairlead sim --json`, the simulated venues are watched."""

import asyncio
import json
import os
import sys

import msgspec

import fairlead

HOSTS = json.loads(os.environ.get("FAIRLEAD_SIM", "{}")).get("alternates")  # none: the real venues


async def main(seconds: str = "30", *symbols: str) -> None:
    async with fairlead.open("binance", "kraken", "okx", hosts=HOSTS) as session:
        health = session.health()  # before the streams begin, so that their beginnings are told too
        for name in session.venues:
            for symbol in symbols or ("BTC/USDT",):
                session[name].book(symbol, lambda book: None)
                session[name].trades(symbol, lambda trade: None)
        try:
            async with asyncio.timeout(float(seconds)):
                async for event in health:
                    print(msgspec.json.encode(event).decode(), flush=True)
        except TimeoutError:
            print(f"in all: {session.counts}", file=sys.stderr)


asyncio.run(main(*sys.argv[1:]))
