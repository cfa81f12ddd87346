"""The little markets that a voyage trades in: one a venue, drawn from its seed; they cost little time to live."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from fairlead.sim.listing import Listing
from fairlead.venues import registry
from fairlead.wire.face import Rng

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"


def listings(rng: Rng, venues: Iterable[str]) -> Iterable[Listing]:
    """One little market a venue: a change of the book now and then, a trade about as often."""
    for venue in venues:
        has_swap = "swap" in registry.venue(venue).markets and rng.random() < 0.5
        yield Listing(
            venue, SWAP if has_swap else SPOT, Decimal(62_000), 1 if has_swap else 2, 2 if has_swap else 5,
            depth=20, changes_hz=0.5, trades_hz=1.0, step_ms=500, funding_hours=8 if has_swap else 0,
            contract_size=Decimal("0.01") if has_swap else Decimal(1),
            level_qty=Decimal("0.05" if has_swap else "0.005"),  # so that many an order is filled in parts
            trade_qty=Decimal("0.03" if has_swap else "0.003"), age_days=1,
        )  # fmt: skip
