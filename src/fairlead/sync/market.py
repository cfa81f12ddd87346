"""One venue's market without await: each verb of the engine's Market, carried into the session's thread and back."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Generic, TypeVar

from fairlead.core.book import Book
from fairlead.core.rungs import Rungs
from fairlead.engine import market
from fairlead.engine.bus import Subscription
from fairlead.errors import Closed
from fairlead.model.account import Balance
from fairlead.model.instrument import Catalog, Instrument
from fairlead.model.market import Candle, Funding, FundingPaid, Index, Mark, Quote, Ticker, Trade
from fairlead.sync.loop import Loop
from fairlead.wire.conversation import Levels

T = TypeVar("T")


class Market:
    """Streams (`book`, `trades`, ...) are iterators; `ask_*` are single questions."""

    def __init__(self, loop: Loop, living: market.Market) -> None:
        self._loop, self._market = loop, living
        self.name = living.name

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

    def ask_balances(self) -> tuple[Balance, ...]:
        return self._loop.wait(self._market.ask_balances())

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


class Stream(Generic[T]):
    """An iterator over what comes. Where nothing comes for `timeout_s` it raises TimeoutError, and can be read on; what
    a slow reader loses is as with the stream behind it: books and quotes conflate, trades tell by `dropped`."""

    def __init__(
        self,
        loop: Loop,
        subscribe: Callable[[], Subscription[T]],
        timeout_s: float | None,
        take: Callable[[T], T] | None = None,
    ) -> None:
        self._loop, self._timeout_s, self._take = loop, timeout_s, take
        self._source = loop.call(subscribe)
        self._coming: Future[T] | None = None  # outlives a wait that ends halfway, so that what then comes is not lost

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            if self._coming is None:
                self._coming = self._loop.begin(self._next())
            event = self._coming.result(self._timeout_s)
            self._coming = None
            return event if self._take is None else self._loop.call(partial(self._take, event))
        except TimeoutError:
            raise TimeoutError(f"Nothing came for {self._timeout_s:g} s: {self._source!r}.") from None
        except (StopAsyncIteration, CancelledError, Closed):
            raise StopIteration from None

    async def _next(self) -> T:
        return await anext(self._source)

    @property
    def dropped(self) -> int:
        return self._source.dropped

    def close(self) -> None:
        """The venue's stream is let go when this was its last reader; a second time it does nothing."""
        if not self._source.closed:
            self._loop.call(self._source.close)

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<sync {self._source!r}>"


def still(book: Book) -> Book:
    """The book as it is now."""
    taken = copy.copy(book)
    taken.rungs = Rungs(book.rungs.price_decimals, book.rungs.qty_decimals)
    taken.rungs.copy_from(book.rungs)
    return taken


async def _next(pages: AsyncIterator[T]) -> T | None:
    return await anext(pages, None)
