"""A user's bot by the public face alone: it trades, is minded by a watchdog, and waits to be killed."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import fairlead


async def live(told: dict[str, Any]) -> None:
    name = told.pop("venue")
    safety = fairlead.Safety(dead_man=True, timeout_ms=10_000)
    async with fairlead.open(name, key="bot-a", safety=safety, **told) as session:
        order = await session[name].buy("BTC/USDT", qty="0.001", price="30000")
        print("placed", order.life, order.client_id, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(live(json.loads(sys.argv[1])))
