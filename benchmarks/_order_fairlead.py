"""Fairlead's side: a whole session, its journal on a disk, by REST or by the trading socket; nothing is left out."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from _orders import PRICE, QTY, SYMBOL, given, measured
from msgspec.structs import replace

import fairlead
from fairlead.venues import registry

TURN_S, TURNS_MOST = 0.05, 200


async def main() -> None:
    side, at = given()
    way, durability = side.split()
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:  # the usual place may be no disk at all
        keys = Path(folder) / "keys.json"
        keys.touch(mode=0o600)
        keys.write_text(json.dumps({"okx": {"bench": at["key"]}}))
        knobs: dict[str, Any] = {"key": "bench", "keys": keys, "state": folder, "durability": durability}
        if way == "rest":
            _take_sockets_away()
        async with fairlead.open("okx", hosts={"okx": {"rest": at["rest"], "ws": at["ws"]}}, **knobs) as session:
            market = session["okx"]
            stream = next(one for one in session.desk("okx").streams if one.door.name == "private")
            for _ in range(TURNS_MOST):
                if stream.caller() is not None:
                    break
                await asyncio.sleep(TURN_S)
            assert bool(stream.caller() and stream.door.calls) == (way == "socket"), f"not by {way}: {stream}"

            async def place() -> None:
                order = await market.buy(SYMBOL, qty=QTY, price=PRICE)
                assert order.life is fairlead.Life.OPEN, order

            await measured(place)


def _take_sockets_away() -> None:
    """Orders go by REST while no door takes them."""
    venue = registry.venue("okx")
    bare = replace(venue, doors=tuple(replace(door, calls=frozenset()) for door in venue.doors))
    registry.venue = lambda name: bare


asyncio.run(main())
