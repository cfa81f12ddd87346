"""A bot of its own process for the demo to kill: it wants one order, says how it stands, and ends when it is open.

Started again it wants the same by the same name. It knows nothing of the demo and is told all on standard input."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

import msgspec
from msgspec import Struct

import fairlead
from fairlead.cli.demo.hurry import hurried
from fairlead.io.clock import RealClock
from fairlead.wire.printed import printed

LOOK_S = 0.02
VALID_MS = 60_000  # so long the order is still wanted, if it is proven that it never arrived


class Errand(Struct, frozen=True):
    venue: str
    hosts: Mapping[str, Mapping[str, tuple[str, ...]]]
    keys: str  # a file
    key: str  # its label there
    state: str  # a folder
    symbol: str
    qty: str
    price: str


async def run(errand: Errand) -> None:
    async with fairlead.open(
        errand.venue, key=errand.key, keys=errand.keys, state=errand.state, environment="sim", hosts=errand.hosts
    ) as session:
        market = session[errand.venue]
        market.orders(_say)
        order = await market.buy(
            errand.symbol,
            qty=errand.qty,
            price=errand.price,
            name="the order of the demo",
            valid_for_ms=VALID_MS,
            resend_if_not_accepted=True,
        )
        _say(order)
        while market.order(order.client_id).life is not fairlead.Life.OPEN:
            await RealClock().sleep(LOOK_S)


def _say(order: fairlead.Order) -> None:
    print(printed(order).decode(), flush=True)


if __name__ == "__main__":
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Errand)
    with hurried([told.venue]):
        asyncio.run(run(told))
