"""The consolidated view: best bid and offer of one symbol over venues; one that is not LIVE never counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from fairlead.core.book import Book
from fairlead.engine.bus import Subscription
from fairlead.model.market import State


class Side(Struct, frozen=True):
    """The best price of one side and who has it."""

    venue: str
    price: float
    qty: float


class Books(Protocol):
    def book(self, symbol: str, callback: Callable[[Book], None] | None = None) -> Subscription[Book]: ...


class View:
    """`bid` and `ask` are None while no venue is live. `rows` shows every venue with its freshness.

    Quantities are in the venues' own units; prices of one symbol compare."""

    def __init__(self, symbol: str, venues: Mapping[str, Books], callback: Callable[[View], None] | None) -> None:
        self.symbol = symbol
        self.rows: dict[str, Book] = {}
        self._callback = callback
        self._shown: tuple[Side | None, Side | None] = (None, None)
        self._subscriptions = [market.book(symbol, self._changed) for market in venues.values()]

    @property
    def bid(self) -> Side | None:
        offers = [Side(b.venue, b.bid, b.bid_qty or 0.0) for b in self.rows.values() if b.state is State.LIVE and b.bid]
        return max(offers, key=lambda side: side.price, default=None)

    @property
    def ask(self) -> Side | None:
        offers = [Side(b.venue, b.ask, b.ask_qty or 0.0) for b in self.rows.values() if b.state is State.LIVE and b.ask]
        return min(offers, key=lambda side: side.price, default=None)

    @property
    def crossed(self) -> bool:
        """One venue bids more than another asks: normal between venues, and not for long."""
        bid, ask = self.bid, self.ask
        return bid is not None and ask is not None and bid.price >= ask.price

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()

    def _changed(self, book: Book) -> None:
        self.rows[book.venue] = book
        if self._callback is not None:
            now = (self.bid, self.ask)
            if now != self._shown:
                self._shown = now
                self._callback(self)

    def __repr__(self) -> str:
        live = sum(book.state is State.LIVE for book in self.rows.values())
        return f"<View {self.symbol}: {live} of {len(self._subscriptions)} live>"
