"""A bot as many are: what is not answered is sent again, under another name. Such bots are what chaos is there for."""

from __future__ import annotations

import asyncio
import os

import msgspec

import fairlead


async def main() -> None:
    name, line = os.environ["FAIRLEAD_CHAOS_VENUE"], msgspec.json.decode(os.environ["FAIRLEAD_SIM"])
    folder = os.environ["FAIRLEAD_CHAOS_STATE"]
    for attempt in range(2):
        async with fairlead.open(
            name, key="", keys=os.environ["FAIRLEAD_CHAOS_KEYS"], state=f"{folder}-{attempt}", hosts=line["alternates"]
        ) as session:  # with another journal it knows nothing of what it did before
            order = await session[name].buy("BTC/USDT", qty="0.01", price="30000")
            if order.life is not fairlead.Life.UNKNOWN:
                return


asyncio.run(main())
