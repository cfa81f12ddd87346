"""Witnesses of what a session shows: each value beside what the city knows to be true, at the moment it is shown."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from fairlead.core.book import Book
from fairlead.engine.feed import Feed
from fairlead.engine.market import Market
from fairlead.model.market import Candle, State, Trade
from fairlead.sim.happenings import Levels
from fairlead.sim.stall import Stall
from fairlead.wire.conversation import Topic

MS = 1_000_000
LEVELS = 25  # of each side: compared to the last digit
BEHIND_NS = 800 * MS  # a step of the market and the way
MINUTE_NS = 60_000 * MS
FETCH = 50_000


class Breach(AssertionError):
    """What must not be."""


class BookWitness:
    """Invariant I14 at every publication: a LIVE book is the city's, to the last digit, and never goes back."""

    def __init__(self, stall: Stall, market: Market, mono_ms: Callable[[], float]) -> None:
        self.marks: list[tuple[float, State]] = []  # when it changed, and to what
        self.shown = 0
        self._breaches: list[Breach] = []
        self._stall, self._mono_ms = stall, mono_ms
        self._feed: Feed[Book] = market.feed(Topic("book", stall.symbol))
        self.topic = self._feed.topic
        depth = self.topic.detail
        self._levels = min(LEVELS, int(depth) if depth.isdigit() and int(depth) else LEVELS)
        self._state, self._seq = State.RESYNCING, -1
        self._feed.subscribe(self._hear)

    @property
    def book(self) -> Book:
        assert self._feed.last is not None, "a feed of books always has one"
        return self._feed.last

    @property
    def is_live(self) -> bool:
        return self._state is State.LIVE

    @property
    def was_marked(self) -> bool:
        return any(state is not State.LIVE for _, state in self.marks)

    def ends_true(self) -> None:
        for breach in self._breaches:
            raise breach
        if not self.is_live:
            raise Breach(f"{self!r} is not live in the end")
        recent = [self._stall.seq_at(self._stall.market.ns + self._stall.skew_ns - BEHIND_NS)]
        recent += [seq for seq, _ in self._stall.seqs() if seq > recent[0]]
        if not any(self._is(seq) for seq in recent):
            raise Breach(f"{self!r} is LIVE and not the city's book of the last {BEHIND_NS // MS} ms")

    def _hear(self, book: Book) -> None:
        self.shown += 1
        if book.state is not self._state:
            self._state = book.state
            self.marks.append((self._mono_ms(), book.state))
        if book.state is State.LIVE:
            try:
                self._check(book)
            except Breach as breach:
                self._breaches.append(breach)

    def _check(self, book: Book) -> None:
        """By its number; where the venue numbers nothing, by its time, of which venues cut digits."""
        seqs = [book.seq] if book.seq else self._of_time(book.venue_ns)
        true = [seq for seq in seqs if self._is(seq)]
        if not true:
            raise Breach(f"{book!r} is LIVE and not the city's")
        if true[-1] < self._seq:
            raise Breach(f"{book!r} went back from {self._seq} to {true[-1]}")
        self._seq = true[-1]

    def _of_time(self, ns: int) -> list[int]:
        last = self._stall.seq_at(ns + MS)
        return [seq for seq, at_ns in self._stall.seqs() if at_ns + self._stall.skew_ns >= ns - MS and seq <= last]

    def _is(self, seq: int) -> bool:
        rungs, one = self.book.rungs, self._stall.instrument
        if (rungs.price_decimals, rungs.qty_decimals) != (one.price_decimals, one.qty_decimals):
            raise Breach(f"{rungs!r} has other decimals than {one}")
        bids, asks = self._stall.book_at(seq)
        mine: tuple[Levels, Levels] = (tuple(rungs.bids.top(self._levels)), tuple(rungs.asks.top(self._levels)))
        return mine == (bids[: self._levels], asks[: self._levels])

    def __repr__(self) -> str:
        return f"<{self._feed.last!r}, marked {self.marks}>"


class TradeWitness:
    """Every trade of the city once, in order, with its numbers; what was doubted was kept aside, not passed on."""

    def __init__(self, stall: Stall, market: Market) -> None:
        self.heard: list[Trade] = []
        self._stall, self._feed = stall, market.feed(Topic("trades", stall.symbol))
        self._feed.subscribe(self.heard.append)

    def ends_true(self) -> None:
        if not self.heard:
            raise Breach("not one trade was heard")
        for before, after in pairwise(self.heard):
            if int(after.id) <= int(before.id):
                raise Breach(f"trade {after.id} came after {before.id}")
        true = {one.id: one for one in self._stall.trades(FETCH, from_id=int(self.heard[0].id))}
        for trade in self.heard:
            if (one := true.get(trade.id)) is None or _numbers(trade) != _numbers(one):
                raise Breach(f"{trade!r} was {one!r} in the city")
        known = {trade.id for trade in self.heard} | {one.id for _, one in self._feed.anomalies}
        due_ns = self._stall.market.ns + self._stall.skew_ns - BEHIND_NS
        lost = [one.id for one in true.values() if one.id not in known and one.venue_ns < due_ns]
        if lost:
            raise Breach(f"trades {lost} were never heard")


class CandleWitness:
    """Each bar closes once, with the city's numbers, and none is left out; a revision is another telling of it."""

    def __init__(self, stall: Stall, market: Market, interval: str) -> None:
        self.closed: list[Candle] = []
        self._stall, self._interval = stall, interval
        market.candles(stall.symbol, interval, self._hear)

    def _hear(self, candle: Candle) -> None:
        if candle.closed:
            self.closed.append(candle)

    def ends_true(self, bars: int) -> None:
        last = {candle.open_ns: candle for candle in self.closed}
        if len(last) < bars:
            raise Breach(f"{len(last)} bars closed, {bars} should have")
        for before, after in pairwise(last):
            if after != before + MINUTE_NS:
                raise Breach(f"a hole between the bars of {before} and {after}")
        for open_ns, candle in last.items():
            true = self._stall.candles(self._interval, open_ns, open_ns + 1, 1)[0]
            if _bar(true) != _bar(candle):
                raise Breach(f"{candle!r} was {true!r} in the city")


def _numbers(trade: Trade) -> tuple[float, float, str]:
    return trade.price, trade.qty, trade.side


def _bar(candle: Candle) -> tuple[float, ...]:
    return candle.open, candle.high, candle.low, candle.close, candle.volume
