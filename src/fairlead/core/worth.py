"""What a quantity is worth in quote, for each kind of instrument, and at which price; exact, and never a forecast."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

from msgspec import Struct

from fairlead.core.book import Book
from fairlead.model.instrument import Instrument
from fairlead.model.market import State
from fairlead.model.numbers import EXACT
from fairlead.model.orders import BUY
from fairlead.model.symbols import parse


class Touch(Struct, frozen=True):
    """The best prices of a book as they were when we looked."""

    bid: Decimal | None
    ask: Decimal | None
    state: State
    age_ms: int = 0

    @property
    def mid(self) -> Decimal | None:
        if self.bid is None or self.ask is None:
            return None
        return EXACT.multiply(EXACT.add(self.bid, self.ask), Decimal("0.5"))

    def far(self, side: str) -> Decimal | None:
        """The price that an order of this side would meet."""
        return self.ask if side == BUY else self.bid


def touch_of(book: Book) -> Touch:
    return Touch(book.bid_exact, book.ask_exact, book.state, int(book.age_ms))


def worth(instrument: Instrument, qty: Decimal, price: Decimal | None) -> Decimal | None:
    """So much quote; None: that needs a price. An inverse contract is an amount of quote whatever the price."""
    units = EXACT.multiply(qty, instrument.contract_size)
    if _is_inverse(instrument.symbol):
        return units
    return None if price is None else EXACT.multiply(units, price)


@lru_cache(maxsize=4_096)
def _is_inverse(symbol: str) -> bool:
    return parse(symbol).inverse


def qty_for(instrument: Instrument, quote_qty: Decimal, price: Decimal) -> Decimal:
    """How much so much quote could buy or sell at this price, rounded up to a step: what may be, not what will be."""
    steps = EXACT.divide(quote_qty, EXACT.multiply(price, instrument.qty_step))
    return EXACT.multiply(steps.to_integral_value(ROUND_CEILING, EXACT), instrument.qty_step)


def dearest(side: str, prices: tuple[Decimal | None, ...], touch: Touch | None) -> Decimal | None:
    """The price to value an order at: the highest of its own and, for a sell, of what buyers offer now, since a sell
    may be filled above its limit and a buy never is. Without a price of its own: the touch."""
    own = [price for price in prices if price is not None]
    if side == BUY and own:
        return max(own)
    met = touch.far(side) if touch is not None else None
    return max([*own, *([met] if met is not None else [])], default=None)
