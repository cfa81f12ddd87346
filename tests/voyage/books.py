"""Invariant I14 for one book, at every event and ten times a second: it equals the city's, or it is marked.

The rules, all in virtual time:
- A LIVE book's best 50 levels are, to the last digit, the city's at that sequence number; where the venue numbers
  nothing, the city's at some moment not before the one published last.
- A book is marked only with a cause: something had a hand in it within the last CAUSE. It is LIVE again MARKED after
  the later of its mark and the end of the last thing that had a hand in it.
- A LIVE book nothing had a hand in lies no further behind the city than a wire and a step (CALM_BEHIND); otherwise at
  most as long as its own cadence allows silence (what Pulse has learned, at most SILENCE_MOST) and a bit (NOTICE)."""

from __future__ import annotations

from fairlead.core.book import Book
from fairlead.engine.books import BookFeed
from fairlead.model.market import State
from tests.voyage.chronicle import LEVELS, Page, Story
from tests.voyage.log import Log
from tests.voyage.weather import Weather

MS = 1_000_000
ROUND_TRIP_MS = 50  # twice the way with an unlucky jitter
LOOK_MS = 100  # the look-out looks ten times a second ...
STEP_MS = 200  # ... and the world steps five times
LOOKS_IN_FULL = 10  # a book that shows no change is compared only now and then
MARKED_NS = (2_000 + 2 * ROUND_TRIP_MS + LOOK_MS) * MS
CALM_BEHIND_NS = (ROUND_TRIP_MS + STEP_MS + LOOK_MS) * MS
SILENCE_MOST_NS = 8_000 * MS
NOTICE_NS = 4_000 * MS
CAUSE_NS = 15_000 * MS


class BookLookout:
    def __init__(self, feed: BookFeed, story: Story, weather: Weather, log: Log) -> None:
        self._feed, self._story, self._weather, self._log = feed, story, weather, log
        self.venue, self.symbol = feed.book.venue, feed.topic.symbol
        self._name = f"{self.venue} {feed.topic}"
        self._page = -1  # the page it showed last
        self._marked_ns = 0  # since when it is marked; 0: it is LIVE
        self._begun = False
        self._looks = 0
        self._seen: tuple[object, ...] = ()  # the book that was last compared
        one, listing = feed._instrument, story.market.listing
        self._price_up = 10 ** (one.price_decimals - listing.price_decimals)  # from the world's scale to the venue's
        self._qty_up = 10 ** (one.qty_decimals - listing.qty_decimals)
        self._decimals = (one.price_decimals, one.qty_decimals)

    @property
    def is_live(self) -> bool:
        return self._feed.state is State.LIVE

    def hear(self, book: Book, now_ns: int) -> None:
        self._log.note("book", now_ns, book.venue, book.symbol, book.seq, book.venue_ns, book.state, book.bid, book.ask)
        if book.state is State.LIVE and not self._log.is_blind:
            self._begun = True
            self._equals(book, now_ns)

    def look(self, now_ns: int, world_ns: int) -> None:
        if not self._begun:
            if now_ns > self._weather.begin_ns + 10_000 * MS:
                self._log.breach(now_ns, f"{self._name} never began")
        elif self._feed.state is not State.LIVE:
            self._is_marked(now_ns)
        else:
            self._marked_ns = 0
            self._looks += 1
            book = self._feed.book
            if self._looks % LOOKS_IN_FULL == 0 or self._print(book) != self._seen:
                self._equals(book, now_ns)
            self._is_near(now_ns, world_ns)

    def _print(self, book: Book) -> tuple[object, ...]:
        """What cannot stay the same when the book changes, or hardly ever: then it is looked at in full."""
        bids, asks = book.rungs.bids.keys, book.rungs.asks.keys
        return book.rungs, book.seq, book.venue_ns, bids[-1:], asks[-1:], len(bids), len(asks)

    def _equals(self, book: Book, now_ns: int) -> None:
        self._seen = self._print(book)
        rungs, depth = book.rungs, self._feed._depth
        bids, asks = rungs.bids.top(LEVELS), rungs.asks.top(LEVELS)
        if (rungs.price_decimals, rungs.qty_decimals) != self._decimals:
            self._log.breach(now_ns, f"{self._name} has other decimals than the instrument: {rungs!r}")
            return
        levels = min(LEVELS, depth or LEVELS)
        page = self._find(book.seq, bids, asks, levels)
        if page < 0:
            self._log.breach(now_ns, f"{self._name} is LIVE at {book.seq} and is not the city's book: {book!r}")
        elif page < self._page:
            self._log.breach(now_ns, f"{self._name} went back from page {self._page} to {page}")
        self._page = max(self._page, page)

    def _find(self, seq: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]], levels: int) -> int:
        """The page of the chronicle that this is; -1: none."""
        pages = self._story.pages
        if seq:
            page = self._story.at.get(seq, -1)
            return page if page >= 0 and self._is(pages[page], bids, asks, levels) else -1
        for page in range(max(0, self._page), len(pages)):
            if self._is(pages[page], bids, asks, levels):
                return page
        return -1

    def _is(self, page: Page, bids: list[tuple[int, int]], asks: list[tuple[int, int]], levels: int) -> bool:
        price_up, qty_up = self._price_up, self._qty_up
        true_bids, true_asks = page.bids[:levels], page.asks[:levels]
        if price_up != 1 or qty_up != 1:
            true_bids = [(price * price_up, qty * qty_up) for price, qty in true_bids]
            true_asks = [(price * price_up, qty * qty_up) for price, qty in true_asks]
        return bids == true_bids and asks == true_asks

    def _touched_ns(self) -> int:
        return self._weather.touched_ns(self.venue, self._feed.topic)

    def _is_marked(self, now_ns: int) -> None:
        touched_ns = self._touched_ns()
        if not self._marked_ns:
            self._marked_ns = now_ns
            if not touched_ns or touched_ns < now_ns - CAUSE_NS:
                self._log.breach(now_ns, f"{self._name} is {self._feed.state} without a cause: {self._feed._why}")
        late_ns = now_ns - max(self._marked_ns, touched_ns) - MARKED_NS
        if 0 < late_ns <= LOOK_MS * MS:  # told once
            self._log.breach(now_ns, f"{self._name} is still {self._feed.state} ({self._feed._why})")

    def _is_near(self, now_ns: int, world_ns: int) -> None:
        pages = self._story.pages
        if self._page + 1 >= len(pages):
            return
        behind_ns = world_ns - pages[self._page + 1].ns
        if behind_ns <= CALM_BEHIND_NS:
            return
        touched_ns = self._touched_ns()
        silence_ns = min(self._feed._pulse.allowed_ns, SILENCE_MOST_NS)
        if not touched_ns or touched_ns < now_ns - CAUSE_NS or behind_ns > silence_ns + NOTICE_NS:
            depth = self._feed._depth or LEVELS
            mine, theirs = pages[self._page], pages[-1]
            if mine.bids[:depth] != theirs.bids[:depth] or mine.asks[:depth] != theirs.asks[:depth]:
                self._log.breach(now_ns, f"{self._name} is LIVE and {behind_ns // MS} ms behind")
