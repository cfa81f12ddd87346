"""Who keeps a book alive: anonymous takers and makers, one step at a time; it knows neither time nor a venue's words.

In a step takers come first and match the levels everyone could see; then makers follow the fair price, change
quotes near the touch and keep the book as deep as its listing says."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from fairlead.sim.book import Book, Half
from fairlead.sim.chance import WORD
from fairlead.sim.happenings import Level
from fairlead.sim.listing import Grid, Listing

_SLACK = 0.02  # a side may be this much thinner, thicker, shorter or longer than declared before makers mend it
_NEARNESS = 5  # quote changes gather near the touch: the index is a share of the depth to this power
_RARE = WORD // 50  # one taker in fifty comes
_RARE_TIMES = 12  # with so many times the size
_CHANCES = 16  # of so many changes near the touch
_LEAVE, _COME = 2, 2  # these take a level away and these bring one; the others change its quantity


class Flow:
    def __init__(self, listing: Listing, grid: Grid, drawn: Iterator[int]) -> None:
        self._listing, self._grid, self._next = listing, grid, drawn.__next__
        self._changes = listing.changes_hz * listing.step_ms / 1_000
        self._takers = listing.trades_hz * listing.step_ms / 1_000

    def step(self, book: Book, fair_ticks: int) -> list[tuple[str, Level]]:
        """Moves the book by one step; the trades as (taker's side, (price, quantity))."""
        trades = self._take(book)
        tick, spread = self._grid.tick, self._listing.spread_ticks
        bid = max(1, fair_ticks - (spread + 1) // 2) * tick
        ask = bid + spread * tick
        # First both sides leave what the price has moved through, then both quote: never crossed, never locked.
        self._leave(book.bids, ask)
        self._leave(book.asks, -bid)
        span = min(self._listing.depth * self._grid.gap_ticks, fair_ticks // 2)  # bids must stay above zero
        for half, best in ((book.bids, bid), (book.asks, -ask)):
            if not half.keys or half.keys[-1] < best:
                half.put(best, self._lots(self._grid.level_lots))
            self._keep_depth(half, span)
        for _ in range(self._count(self._changes)):
            self._change(book.bids if self._next() & 1 else book.asks, span)
        return trades

    def _take(self, book: Book) -> list[tuple[str, Level]]:
        trades = []
        for _ in range(self._count(self._takers)):
            mean = self._grid.trade_lots * (_RARE_TIMES if self._next() < _RARE else 1)
            side, half = ("buy", book.asks) if self._next() & 1 else ("sell", book.bids)
            trades += [(side, fill) for fill in half.take(self._lots(mean))]
        return trades

    def _leave(self, half: Half, wall: int) -> None:
        while half.keys and half.keys[-1] >= wall:
            half.put(half.keys[-1], 0)

    def _keep_depth(self, half: Half, span_ticks: int) -> None:
        """As many levels as declared over the declared span, give or take the slack."""
        keys, tick, gap = half.keys, self._grid.tick, min(self._grid.gap_ticks, max(1, span_ticks // 4))
        best, span = keys[-1], span_ticks * self._grid.tick
        while keys[0] < best - span * (1 + _SLACK):
            half.put(keys[0], 0)
        while keys[0] > best - span * (1 - _SLACK):
            half.put(keys[0] - tick * (1 + self._next() % (2 * gap - 1)), self._lots(self._grid.level_lots))
        depth = min(self._listing.depth, span_ticks // 2)
        while len(keys) > max(1, depth) * (1 + _SLACK):
            half.put(keys[self._next() % (len(keys) - 1)], 0)  # any but the best
        while len(keys) < depth * (1 - _SLACK):
            key = best - tick * (1 + self._next() % span_ticks)
            if not half.has(key):
                half.put(key, self._lots(self._grid.level_lots))

    def _change(self, half: Half, span_ticks: int) -> None:
        """One maker near the touch comes, leaves or changes its mind about the quantity.

        They leave by rank and come by distance: where levels are dense more leave, where they are sparse more come."""
        keys, luck, share = half.keys, self._next() % _CHANCES, (self._next() / WORD) ** _NEARNESS
        index = int(len(keys) * share)
        if luck < _LEAVE:
            if len(keys) > 1:
                half.put(keys[-1 - max(1, index)], 0)  # the best stays
            return
        comes = luck < _LEAVE + _COME
        key = keys[-1] - self._grid.tick * (1 + int(span_ticks * share)) if comes else keys[-1 - index]
        half.put(key, self._lots(self._grid.level_lots))

    def _count(self, mean: float) -> int:
        return int(mean + self._next() / WORD)

    def _lots(self, mean: float) -> int:
        """A quantity on the lot, above zero, few of them large."""
        return self._grid.lot * (1 + int(-mean * log((self._next() + 1) / WORD)))
