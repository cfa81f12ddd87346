"""Listings: what can make a market, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from fairlead.errors import Misuse
from fairlead.sim.listing import grid
from tests.sim.places import listing


def test_steps_become_units_of_the_last_decimal() -> None:
    """If it failed, every price and quantity of a mouth would be off by a power of ten."""
    one = grid(listing(tick=Decimal("0.5"), price_decimals=1, lot=Decimal("0.001"), qty_decimals=4))
    assert (one.tick, one.lot, one.start_ticks) == (5, 10, 124_000)
    assert listing(symbol="ETH/USDT:USDT").base == "ETH"


@pytest.mark.parametrize(
    "knobs",
    [
        {"tick": Decimal("0.001")},
        {"lot": Decimal("0.0000001")},
        {"tick": Decimal(1_000)},
        {"start": Decimal(0)},
        {"depth": 0},
        {"span_bps": 5_000},
        {"spread_ticks": 0},
        {"step_ms": 0},
        {"trades_hz": -1.0},
        {"changes_hz": float("nan")},
    ],
)
def test_what_cannot_make_a_market_is_refused(knobs: dict[str, Any]) -> None:
    """If it failed, a slip in a configuration would hang the world or fill it with prices off the tick."""
    with pytest.raises(Misuse, match="north BTC/USDT"):
        grid(listing(**knobs))
