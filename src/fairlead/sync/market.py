"""One venue's market without await: each verb of the engine's Market, carried into the session's thread and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

from fairlead.core.book import Book
from fairlead.model.instrument import Catalog, Instrument
from fairlead.model.market import Candle, Funding, FundingPaid, Index, Mark, Quote, Ticker, Trade
from fairlead.sync.stream import Stream, still
from fairlead.sync.trading import Trading
from fairlead.wire.conversation import Levels

T = TypeVar("T")


class Market(Trading):
    """Streams (`book`, `trades`, ...) are iterators; `ask_*` are single questions. What is done with an account is in
    sync/trading."""

    def book(self, symbol: str, *, depth: int | None = None, timeout_s: float | None = None) -> Stream[Book]:
        return Stream(self._loop, lambda: self._market.book(symbol, depth=depth), timeout_s, still)

    def trades(self, symbol: str, *, timeout_s: float | None = None) -> Stream[Trade]:
        return Stream(self._loop, lambda: self._market.trades(symbol), timeout_s)

    def quotes(self, symbol: str, *, timeout_s: float | None = None) -> Stream[Quote]:
        return Stream(self._loop, lambda: self._market.quotes(symbol), timeout_s)

    def tickers(self, symbol: str, *, timeout_s: float | None = None) -> Stream[Ticker]:
        return Stream(self._loop, lambda: self._market.tickers(symbol), timeout_s)

    def candles(self, symbol: str, interval: str, *, timeout_s: float | None = None) -> Stream[Candle]:
        return Stream(self._loop, lambda: self._market.candles(symbol, interval), timeout_s)

    def fundings(self, symbol: str, *, timeout_s: float | None = None) -> Stream[Funding]:
        return Stream(self._loop, lambda: self._market.fundings(symbol), timeout_s)

    def marks(self, symbol: str, *, timeout_s: float | None = None) -> Stream[Mark]:
        return Stream(self._loop, lambda: self._market.marks(symbol), timeout_s)

    def indices(self, symbol: str, *, timeout_s: float | None = None) -> Stream[Index]:
        return Stream(self._loop, lambda: self._market.indices(symbol), timeout_s)

    @property
    def instruments(self) -> Catalog:
        return self._market.instruments

    def instrument(self, symbol: str) -> Instrument:
        return self._market.instrument(symbol)

    def ask_time(self) -> int:
        """The venue's clock, in milliseconds."""
        return self._loop.wait(self._market.ask_time())

    def ask_ticker(self, symbol: str) -> Ticker:
        return self._loop.wait(self._market.ask_ticker(symbol))

    def ask_book(self, symbol: str, depth: int = 0) -> Levels:
        """A snapshot, its levels as the venue sent them."""
        return self._loop.wait(self._market.ask_book(symbol, depth))

    def ask_trades(self, symbol: str, limit: int = 0) -> tuple[Trade, ...]:
        """The latest trades, oldest first."""
        return self._loop.wait(self._market.ask_trades(symbol, limit))

    def ask_funding(self, symbol: str) -> Funding:
        return self._loop.wait(self._market.ask_funding(symbol))

    def ask_mark(self, symbol: str) -> Mark:
        return self._loop.wait(self._market.ask_mark(symbol))

    def ask_index(self, symbol: str) -> Index:
        return self._loop.wait(self._market.ask_index(symbol))

    def history(self, symbol: str, interval: str, start_ns: int, end_ns: int = 0) -> tuple[Candle, ...]:
        """Candles from `start_ns` until before `end_ns` (0: now); bars without trades are filled flat and marked."""
        return self._loop.wait(self._market.history(symbol, interval, start_ns, end_ns))

    def past_trades(self, symbol: str, since_ns: int) -> Iterator[tuple[Trade, ...]]:
        """Trades from then on, page by page, as far back as the venue gives them."""
        pages = self._market.past_trades(symbol, since_ns)
        while (page := self._loop.wait(_next(pages))) is not None:
            yield page

    def past_fundings(self, symbol: str, start_ns: int, end_ns: int = 0) -> tuple[FundingPaid, ...]:
        return self._loop.wait(self._market.past_fundings(symbol, start_ns, end_ns))

    def __repr__(self) -> str:
        return f"<sync {self._market!r}>"


async def _next(pages: AsyncIterator[T]) -> T | None:
    return await anext(pages, None)
