"""One venue, opened: its instruments, its REST questions and its streams; what a user's code holds in its hand.

It knows the venue only as a value of the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from fairlead.core.book import Book
from fairlead.core.holes import mend
from fairlead.engine.bus import Subscription
from fairlead.engine.feed import Feed
from fairlead.engine.trading import Trading
from fairlead.errors import Misuse, UnknownName
from fairlead.model import intervals
from fairlead.model.instrument import Catalog, Instrument
from fairlead.model.market import Candle, Funding, FundingPaid, Index, Mark, Quote, Ticker, Trade
from fairlead.wire.asks import AskBook, AskCandles, AskFundings, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Levels, Topic

T = TypeVar("T")
Call = Callable[[T], None]


class Market(Trading):
    """Streams (`book`, `trades`, ...) take a callback, or are read with `async for`; `ask_*` are single questions. What
    is done with an account is in engine/trading."""

    # ---- streams

    def book(self, symbol: str, callback: Call[Book] | None = None, *, depth: int | None = None) -> Subscription[Book]:
        return self._subscribe("book", symbol, "" if depth is None else str(depth), callback)

    def trades(self, symbol: str, callback: Call[Trade] | None = None) -> Subscription[Trade]:
        return self._subscribe("trades", symbol, "", callback)

    def quotes(self, symbol: str, callback: Call[Quote] | None = None) -> Subscription[Quote]:
        return self._subscribe("quote", symbol, "", callback)

    def tickers(self, symbol: str, callback: Call[Ticker] | None = None) -> Subscription[Ticker]:
        return self._subscribe("ticker", symbol, "", callback)

    def candles(self, symbol: str, interval: str, callback: Call[Candle] | None = None) -> Subscription[Candle]:
        return self._subscribe("candles", symbol, self._interval(interval), callback)

    def fundings(self, symbol: str, callback: Call[Funding] | None = None) -> Subscription[Funding]:
        return self._subscribe("funding", symbol, "", callback)

    def marks(self, symbol: str, callback: Call[Mark] | None = None) -> Subscription[Mark]:
        return self._subscribe("mark", symbol, "", callback)

    def indices(self, symbol: str, callback: Call[Index] | None = None) -> Subscription[Index]:
        return self._subscribe("index", symbol, "", callback)

    def feed(self, topic: Topic) -> Feed[Any]:
        """What stands behind a stream: its state, age, anomalies."""
        return self._desk.feed(topic)

    def _subscribe(self, kind: str, symbol: str, detail: str, callback: Call[T] | None) -> Subscription[T]:
        return self._desk.feed(Topic(kind, self.instrument(symbol).symbol, detail)).subscribe(callback)

    # ---- questions

    @property
    def instruments(self) -> Catalog:
        return self._desk.ctx.catalog

    def instrument(self, symbol: str) -> Instrument:
        return self.instruments.theirs(symbol)

    async def ask_time(self) -> int:
        """The venue's clock, in milliseconds."""
        answer: int = await self._desk.answer(Op.TIME, AskNothing())
        return answer

    async def ask_ticker(self, symbol: str) -> Ticker:
        answer: Ticker = await self._desk.answer(Op.TICKER, AskSymbol(self.instrument(symbol).symbol))
        return answer

    async def ask_book(self, symbol: str, depth: int = 0) -> Levels:
        """A snapshot, its levels as the venue sent them."""
        answer: Levels = await self._desk.answer(Op.BOOK, AskBook(self.instrument(symbol).symbol, depth))
        return answer

    async def ask_trades(self, symbol: str, limit: int = 0) -> tuple[Trade, ...]:
        """The latest trades, oldest first."""
        asked = AskTrades(self.instrument(symbol).symbol, limit)
        answer: tuple[Trade, ...] = await self._desk.answer(Op.TRADES, asked)
        return answer

    async def ask_funding(self, symbol: str) -> Funding:
        answer: Funding = await self._desk.answer(Op.FUNDING, AskSymbol(self.instrument(symbol).symbol))
        return answer

    async def ask_mark(self, symbol: str) -> Mark:
        answer: Mark = await self._desk.answer(Op.MARK, AskSymbol(self.instrument(symbol).symbol))
        return answer

    async def ask_index(self, symbol: str) -> Index:
        answer: Index = await self._desk.answer(Op.INDEX, AskSymbol(self.instrument(symbol).symbol))
        return answer

    # ---- history

    async def history(
        self, symbol: str, interval: str, start_ns: int, end_ns: int = 0, told: Call[int] | None = None
    ) -> tuple[Candle, ...]:
        """Candles that open from `start_ns` until before `end_ns`, oldest first; bars without trades are filled flat
        and marked. `told` hears how many have come so far."""
        end_ns = end_ns or self._desk.time.now_ns()
        asked = AskCandles(self.instrument(symbol).symbol, self._interval(interval), start_ns, end_ns)
        found: list[Candle] = []
        async for page in self._desk.pages(Op.CANDLES, asked):
            found.extend(page)
            if told is not None:
                told(len(found))
        return mend(found, interval, start_ns, end_ns)

    async def past_trades(self, symbol: str, since_ns: int) -> AsyncIterator[tuple[Trade, ...]]:
        """Trades from then on, page by page, as far back as the venue gives them."""
        asked = AskTrades(self.instrument(symbol).symbol, since_ns=since_ns)
        async for page in self._desk.pages(Op.TRADES, asked):
            yield page

    async def past_fundings(self, symbol: str, start_ns: int, end_ns: int = 0) -> tuple[FundingPaid, ...]:
        asked = AskFundings(self.instrument(symbol).symbol, start_ns, end_ns)
        rows: list[FundingPaid] = []
        async for page in self._desk.pages(Op.FUNDINGS, asked):
            rows.extend(page)
        return tuple(sorted(set(rows), key=lambda row: row.venue_ns))

    def _interval(self, interval: str) -> str:
        if interval not in intervals.NAMES:
            raise UnknownName("interval", interval, intervals.NAMES)
        if interval not in self._desk.venue.intervals:
            raise Misuse(
                f"{self.name} has no {interval} candles.", next=f"it has {', '.join(self._desk.venue.intervals)}"
            )
        return interval

    def __repr__(self) -> str:
        return f"<Market {self._desk!r}>"
