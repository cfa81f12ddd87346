"""What happens to my program when the wire breaks? Break it and see, against a simulator in the same process.

    python examples/what_happens_when_the_wire_breaks.py

It contacts nobody. Other ways to make things go wrong stand in docs/simulator.md."""

import asyncio

import fairlead
from fairlead.io.clock import RealClock, seeded
from fairlead.model import events
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Match, Rule
from fairlead.sim.server.web import Served
from fairlead.sim.world import World

VENUE, SYMBOL = "binance", "BTC/USDT"
MISHAPS = [
    Rule("cut", channel="conn"),  # the connection breaks without a word
    Rule("gap", match=Match(kind="book"), nth=1),  # one change of the book never comes
]


async def main() -> None:
    clock = RealClock()
    city = City([VENUE], World(1, usual([VENUE]), clock.wall_ns()), clock, seeded(1))
    async with (
        Served(city, clock) as served,
        fairlead.open(VENUE, hosts=served.addresses) as session,
    ):
        session.health(lambda event: print("  ", type(event).__name__, getattr(event, "why", "")))
        states = session[VENUE].book(SYMBOL)
        while (await states.first()).state is not fairlead.State.LIVE:
            pass
        for rule in MISHAPS:
            print(f"now {rule.action}:")
            health = session.health()
            city.mishaps.add(rule)
            async for event in health:
                if isinstance(event, events.Resynced):
                    print(f"   mended after {event.took_ms:.0f} ms")
                    health.close()


asyncio.run(main())
