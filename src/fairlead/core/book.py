"""A live book as users hold it: best prices, levels, freshness; a view of the strand that leads, never a copy."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from fairlead.core.rungs import Ladder, Rungs
from fairlead.model.market import MS, State
from fairlead.model.numbers import POWERS, text_of, unfixed


class Book:
    """`bid` and `ask` are the floats nearest to the exact prices (None: that side is empty); `*_exact` are Decimals.

    It changes under your hands: take what you need inside the callback, or keep `bids()` and `asks()`."""

    __slots__ = ("_now_ns", "rungs", "seen_ns", "seq", "state", "symbol", "venue", "venue_ns")

    def __init__(self, venue: str, symbol: str, rungs: Rungs, now_ns: Callable[[], int]) -> None:
        self.venue, self.symbol, self.rungs = venue, symbol, rungs
        self.state = State.RESYNCING  # until the first whole has come
        self.seq = self.venue_ns = self.seen_ns = 0
        self._now_ns = now_ns

    @property
    def bid(self) -> float | None:
        keys = self.rungs.bids.keys
        return keys[-1] / POWERS[self.rungs.price_decimals] if keys else None

    @property
    def ask(self) -> float | None:
        keys = self.rungs.asks.keys
        return -keys[-1] / POWERS[self.rungs.price_decimals] if keys else None

    @property
    def bid_qty(self) -> float | None:
        return self._qty(self.rungs.bids)

    @property
    def ask_qty(self) -> float | None:
        return self._qty(self.rungs.asks)

    @property
    def bid_exact(self) -> Decimal | None:
        keys = self.rungs.bids.keys
        return unfixed(keys[-1], self.rungs.price_decimals) if keys else None

    @property
    def ask_exact(self) -> Decimal | None:
        keys = self.rungs.asks.keys
        return unfixed(-keys[-1], self.rungs.price_decimals) if keys else None

    @property
    def age_ms(self) -> float:
        """Now minus the venue's time of the last change (ours where it sends none)."""
        since = self.venue_ns or self.seen_ns
        return (self._now_ns() - since) / MS if since else 0.0

    @property
    def lag_ms(self) -> float:
        """How late the last change was when it came."""
        return (self.seen_ns - self.venue_ns) / MS if self.venue_ns else 0.0

    def bids(self, levels: int = 10) -> list[tuple[float, float]]:
        return self._floats(self.rungs.bids, levels)

    def asks(self, levels: int = 10) -> list[tuple[float, float]]:
        return self._floats(self.rungs.asks, levels)

    def texts(self, levels: int = 10) -> tuple[list[list[str]], list[list[str]]]:
        """(bids, asks) as exact texts in the book's decimals."""
        rungs = self.rungs
        bids, asks = (
            [
                [text_of(price, rungs.price_decimals), text_of(qty, rungs.qty_decimals)]
                for price, qty in side.top(levels)
            ]
            for side in (rungs.bids, rungs.asks)
        )
        return bids, asks

    def _qty(self, side: Ladder) -> float | None:
        return side.qtys[side.keys[-1]] / POWERS[self.rungs.qty_decimals] if side.keys else None

    def _floats(self, side: Ladder, levels: int) -> list[tuple[float, float]]:
        price, qty = POWERS[self.rungs.price_decimals], POWERS[self.rungs.qty_decimals]
        return [(p / price, q / qty) for p, q in side.top(levels)]

    def __repr__(self) -> str:
        return f"<Book {self.venue} {self.symbol} {self.state} {self.bid} / {self.ask} seq {self.seq}>"
