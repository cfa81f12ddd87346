"""Listings and small views that the world's tests share."""

from decimal import Decimal
from typing import Any

from fairlead.sim.happenings import Changed, Levels
from fairlead.sim.listing import Listing
from fairlead.sim.market import Market
from fairlead.sim.world import World

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
START_NS = 1_790_035_200 * SECOND_NS  # 2026-09-22T00:00:00Z, a Tuesday


def listing(venue: str = "north", symbol: str = "BTC/USDT", **knobs: Any) -> Listing:
    usual: dict[str, Any] = {"start": Decimal(62_000), "price_decimals": 2, "qty_decimals": 5, "depth": 60}
    return Listing(venue, symbol, **{**usual, **knobs})


def alone(seed: int = 1, start_ns: int = START_NS, **knobs: Any) -> tuple[World, Market]:
    """A world of one market."""
    one = listing(**knobs)
    world = World(seed, [one], start_ns)
    return world, world.market(one.venue, one.symbol)


class Replica:
    """A book kept from changes alone, as a client would."""

    def __init__(self, bids: Levels, asks: Levels) -> None:
        self.bids, self.asks = dict(bids), dict(asks)

    def apply(self, changed: Changed) -> None:
        for side, levels in ((self.bids, changed.bids), (self.asks, changed.asks)):
            for price, qty in levels:
                if qty:
                    side[price] = qty
                else:
                    del side[price]

    def sides(self) -> tuple[Levels, Levels]:
        return tuple(sorted(self.bids.items(), reverse=True)), tuple(sorted(self.asks.items()))
