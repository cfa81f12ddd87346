"""A book as one connection tells it: waits for the whole, proves that each change follows, and says when it does not.

It speaks by what `take` and `supply` return; it never fetches, never publishes, knows no venue: the rule is data."""

from __future__ import annotations

from collections import deque
from enum import IntEnum

import msgspec

from fairlead.core.rungs import BadLevel, Rungs
from fairlead.model.instrument import Instrument
from fairlead.wire.conversation import Levels
from fairlead.wire.door import BookRule, Continuity
from fairlead.wire.shapes import READERS, Nonsense

WAITING_MOST = 10_000  # changes kept while the whole is on its way; more than this and we begin again
REMEMBERED = 512  # (prior, last) pairs, to know a repeated change from a missing one


class Take(IntEnum):
    """What became of a message."""

    APPLIED = 0
    WHOLE = 1  # a new beginning: the book is whole as of now
    WAITING = 2  # kept until the whole comes
    IGNORED = 3  # older than what we hold, or a repetition
    GAP = 4  # something is missing, or the sum is wrong: `why`; the book is void until a new whole
    BAD = 5  # levels that cannot be: `label` and `why`; void as well


class Strand:
    """One connection's copy of one book."""

    def __init__(self, instrument: Instrument, rule: BookRule, depth: int) -> None:
        self.rungs = Rungs(instrument.price_decimals, instrument.qty_decimals)
        self.live = False
        self.last = 0  # the venue's number of the last change applied
        self.venue_ns = self.seen_ns = 0
        self.why = self.label = ""
        self.same = False  # the last whole was what we held already: nothing had been missed
        self._instrument, self._rule, self._depth = instrument, rule, depth
        self._read = READERS[rule.shape]
        self._waiting: deque[Levels] = deque()
        self._recent: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._edges = (0, 0)  # worst keys of the whole we began with, where it was cut at the depth asked for
        self._joining = False  # the next change is the first after the whole

    @property
    def wants_whole(self) -> bool:
        """The whole does not come on the stream: somebody must fetch it."""
        return not self.live and self._rule.whole_from is not None

    @property
    def position(self) -> int:
        """How far this strand is: its number, or its time where the venue numbers nothing."""
        return self.last or self.venue_ns

    def reset(self) -> None:
        """Void: wait for a new whole."""
        self.live = False
        self._waiting.clear()
        self._recent.clear()

    def take(self, levels: Levels) -> Take:
        """A message of the stream."""
        try:
            if levels.whole:
                return self._begin(levels)
            if not self.live:
                return self._keep(levels)
            return self._follow(levels)
        except BadLevel as bad:
            return self._void(Take.BAD, str(bad), bad.label)
        except (msgspec.DecodeError, Nonsense) as bad:
            return self._void(Take.BAD, str(bad), "not levels")

    def supply(self, whole: Levels) -> Take:
        """The whole, fetched elsewhere. WAITING: it is older than the first change kept, so fetch again."""
        if self.live:
            return Take.IGNORED
        first = self._waiting[0] if self._waiting else None
        if first is not None and first.first > whole.last + 1:
            self.why = f"snapshot {whole.last} is older than the first change {first.first}"
            return Take.WAITING
        waiting = [levels for levels in self._waiting if levels.last > whole.last]
        took = self.take(whole)
        self._waiting.clear()
        for levels in waiting:
            if took is Take.WHOLE and self.take(levels) > Take.IGNORED:
                return Take.GAP
        return took

    def adopt(self, other: Strand) -> Take:
        """Begin from a book that is live on another connection, if the changes kept here join it."""
        first = self._waiting[0] if self._waiting else None
        if not other.live or first is None or first.first > other.last + 1 or not other.last:
            return Take.WAITING
        waiting = [levels for levels in self._waiting if levels.last > other.last]
        self.rungs.copy_from(other.rungs)
        self.live, self.last, self._edges = True, other.last, other._edges
        self.venue_ns, self.seen_ns = other.venue_ns, other.seen_ns
        self._waiting.clear()
        self._joining = True
        for levels in waiting:
            if self.take(levels) > Take.IGNORED:
                return Take.GAP
        return Take.WHOLE

    def _keep(self, levels: Levels) -> Take:
        if self._rule.whole_from is None:
            return Take.IGNORED  # the stream will send the whole; what comes before it is void
        if len(self._waiting) >= WAITING_MOST:
            self._waiting.popleft()
        self._waiting.append(levels)
        return Take.WAITING

    def _begin(self, levels: Levels) -> Take:
        bids, asks = self._read(levels.bids), self._read(levels.asks)
        held = (self.rungs.bids.qtys, self.rungs.asks.qtys) if self.live else None
        self.rungs.load(bids, asks)
        if self._rule.cut:
            self._cut()
        self.same = held is not None and held == (self.rungs.bids.qtys, self.rungs.asks.qtys)
        self.live, self._joining = True, True
        self._recent.clear()
        self._edges = self._edges_of() if self._depth and max(len(bids), len(asks)) >= self._depth else (0, 0)
        self._note(levels)
        wrong = self._wrong(levels)
        return wrong if wrong is not None else Take.WHOLE

    def _follow(self, levels: Levels) -> Take:
        refused = self._unjoined(levels)
        if refused is not None:
            return refused
        rungs = self.rungs
        bids, asks = self._read(levels.bids), self._read(levels.asks)
        if self._rule.then is Continuity.WHOLE:
            rungs.load(bids, asks)
        else:
            if bids:
                rungs.change(rungs.bids, bids)
            if asks:
                rungs.change(rungs.asks, asks)
            if self._rule.cut:
                self._cut()
        self._joining = False
        self._note(levels)
        wrong = self._wrong(levels)
        return wrong if wrong is not None else Take.APPLIED

    def _unjoined(self, levels: Levels) -> Take | None:
        """Why this change must not be applied; None when it follows."""
        then = self._rule.then
        if self._joining and self._rule.start is not Continuity.WHOLE:
            then = self._rule.start
        if then is Continuity.RANGE:
            if levels.last <= self.last:
                return Take.IGNORED
            if levels.first > self.last + 1:
                return self._void(Take.GAP, f"changes {self.last + 1} to {levels.first - 1} are missing")
        elif then is Continuity.PRIOR:
            if levels.prior != self.last:
                if (levels.prior, levels.last) in self._recent:
                    return Take.IGNORED
                return self._void(Take.GAP, f"a change after {levels.prior} came, we are at {self.last}")
        elif then is Continuity.NEXT:
            if levels.last <= self.last:
                return Take.IGNORED
            if levels.first != self.last + 1:
                return self._void(Take.GAP, f"change {levels.first} came, {self.last + 1} was next")
        elif then is Continuity.WHOLE and levels.last and levels.last < self.last:
            return Take.IGNORED
        return None

    def _wrong(self, levels: Levels) -> Take | None:
        """What the book itself shows after the change: a wrong sum, crossed sides, or levels we never saw."""
        rule, bids, asks = self._rule, self.rungs.bids, self.rungs.asks
        if rule.checksum is not None and levels.checksum is not None:
            ours = rule.checksum(bids.top(rule.checksum_levels), asks.top(rule.checksum_levels), self._instrument)
            if ours != levels.checksum:
                return self._void(Take.GAP, f"checksum {ours}, the venue says {levels.checksum}")
        if bids.keys and asks.keys and -bids.keys[0] >= asks.keys[0] and not rule.crossed_ok:
            label = "locked" if -bids.keys[0] == asks.keys[0] else "crossed"
            return self._void(
                Take.BAD, f"bid {-bids.keys[0]} at ask {asks.keys[0]} ({self.rungs.price_decimals} decimals)", label
            )
        worst_bid, worst_ask = self._edges
        if (worst_bid and bids.keys and bids.keys[0] > worst_bid) or (
            worst_ask and asks.keys and asks.keys[0] > worst_ask
        ):
            return self._void(Take.GAP, "the price left the levels that the snapshot held")
        return None

    def _note(self, levels: Levels) -> None:
        self.last = levels.last
        self.venue_ns = levels.venue_ns or self.venue_ns
        self.seen_ns = levels.seen_ns
        if self._rule.then is Continuity.PRIOR:
            self._recent.append((levels.prior, levels.last))

    def _cut(self) -> None:
        if self._depth:
            for ladder in (self.rungs.bids, self.rungs.asks):
                if len(ladder.keys) > self._depth:
                    ladder.cut(self._depth)

    def _edges_of(self) -> tuple[int, int]:
        if self._rule.whole_from is None:
            return (0, 0)  # the stream itself keeps these levels complete
        bids, asks = self.rungs.bids.keys, self.rungs.asks.keys
        return (bids[-1] if len(bids) >= self._depth else 0, asks[-1] if len(asks) >= self._depth else 0)

    def _void(self, take: Take, why: str, label: str = "") -> Take:
        self.reset()
        self.why, self.label = why, label
        return take

    def __repr__(self) -> str:
        state = f"live at {self.position}" if self.live else f"waiting for the whole, {len(self._waiting)} kept"
        return f"<Strand {self._instrument.symbol} {state}: {self.rungs}>"
