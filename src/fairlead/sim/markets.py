"""The markets that a simulated venue lists when nobody says otherwise; it names no venue and draws nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from fairlead.sim.listing import Listing
from fairlead.venues import registry

SPOT = (("BTC/USDT", "62000", 2, 5), ("ETH/USDT", "3100", 2, 4))  # symbol, start, decimals of prices and quantities
SWAPS = (("BTC/USDT:USDT", "62000", 1, 2),)  # quantities in contracts
CONTRACT_SIZE = Decimal("0.01")
FUNDING_HOURS = 8
CONTRACTS_A_LEVEL = Decimal(50)


def usual(names: Iterable[str]) -> Iterator[Listing]:
    """A few large, calm markets for each of these venues: of each kind that it has."""
    for name in names:
        kinds = registry.venue(name).markets
        for symbol, start, price_decimals, qty_decimals in SPOT if "spot" in kinds else ():
            yield Listing(name, symbol, Decimal(start), price_decimals, qty_decimals)
        for symbol, start, price_decimals, qty_decimals in SWAPS if "swap" in kinds else ():
            yield Listing(
                name, symbol, Decimal(start), price_decimals, qty_decimals, contract_size=CONTRACT_SIZE,
                funding_hours=FUNDING_HOURS, level_qty=CONTRACTS_A_LEVEL, trade_qty=CONTRACTS_A_LEVEL / 10,
            )  # fmt: skip
