"""A book as one connection tells it: waits for the whole, proves that each change follows, and says when it does not.

It speaks by what `take` and `supply` return; it never fetches, never publishes, knows no venue: the rule is data."""

from __future__ import annotations

from collections import deque
from enum import IntEnum

import msgspec

from fairlead.core.rungs import BadLevel, Ladder, Rungs
from fairlead.model.instrument import Instrument
from fairlead.wire.conversation import Levels
from fairlead.wire.door import BookRule, Continuity
from fairlead.wire.shapes import READERS, Nonsense

WAITING_MOST = 10_000  # changes kept while the whole is on its way; then the oldest go, and it must be a newer whole
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
        self._each_whole = rule.then is Continuity.WHOLE
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

    def redeclare(self, instrument: Instrument) -> None:
        """The venue declares other decimals now: the next whole is read with them."""
        declared = (instrument.price_decimals, instrument.qty_decimals)
        if not self.live and declared != (self._instrument.price_decimals, self._instrument.qty_decimals):
            self.rungs = Rungs(*declared)
        self._instrument = instrument

    def take(self, levels: Levels) -> Take:
        """A message of the stream."""
        try:
            if self.live and (self._each_whole or not levels.whole):
                return self._follow(levels)
            if self._each_whole or levels.whole:
                return self._begin(levels)
            return self._keep(levels)
        except BadLevel as bad:
            return self._void(Take.BAD, str(bad), bad.label)
        except (msgspec.DecodeError, Nonsense) as bad:
            return self._void(Take.BAD, str(bad), "not levels")

    def supply(self, whole: Levels) -> Take:
        """The whole, fetched elsewhere. WAITING: it is older than the first change kept, so fetch again."""
        if self.live:
            return Take.IGNORED
        first = self._waiting[0] if self._waiting else None
        if first is not None and _after(first) > whole.last:
            self.why = f"snapshot {whole.last} is older than the first change {first.first}"
            return Take.WAITING
        took = self.take(whole)
        return self._catch_up() if took is Take.WHOLE else took

    def adopt(self, other: Strand) -> Take:
        """Begin from a book that is live on another connection, if the changes kept here join it."""
        first = self._waiting[0] if self._waiting else None
        if not other.live or not other.last or first is None or _after(first) > other.last:
            return Take.WAITING
        self.rungs.copy_from(other.rungs)
        self.live, self.last, self._joining = True, other.last, True
        self.venue_ns, self.seen_ns = other.venue_ns, other.seen_ns
        return self._catch_up()

    def _catch_up(self) -> Take:
        """What came while the whole was on its way; the older of it is ignored."""
        while self._waiting:
            took = self.take(self._waiting.popleft())
            if took > Take.IGNORED:
                return took
        return Take.WHOLE

    def _keep(self, levels: Levels) -> Take:
        if self._rule.whole_from is None:
            return Take.IGNORED  # the stream will send the whole; what comes before it is void
        if len(self._waiting) >= WAITING_MOST:
            self._waiting.popleft()
        self._waiting.append(levels)
        return Take.WAITING

    def _begin(self, levels: Levels) -> Take:
        if self.live and 0 < levels.venue_ns < self.venue_ns and levels.last <= self.last:
            return Take.IGNORED  # it was asked for before what we hold, and was overtaken
        bids, asks = self._read(levels.bids), self._read(levels.asks)
        held = (dict(self.rungs.bids.qtys), dict(self.rungs.asks.qtys)) if self.live else None
        self.rungs.load(bids, asks)
        if self._rule.cut:
            self._cut()
        self.same = held is not None and held == (self.rungs.bids.qtys, self.rungs.asks.qtys)
        if self._rule.whole_from is not None:
            self._mark_ends()
        self.live, self._joining = True, True
        self._recent.clear()
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
            if _after(levels) > self.last:
                return self._void(Take.GAP, f"changes {self.last + 1} to {_after(levels)} are missing")
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
        elif then is Continuity.WHOLE and self._is_older(levels):
            return Take.IGNORED
        return None

    def _is_older(self, whole: Levels) -> bool:
        """By number or time, and newer by neither: a venue that counts anew after maintenance is still followed."""
        older = whole.last < self.last or whole.venue_ns < self.venue_ns
        return older and whole.last <= self.last and whole.venue_ns <= self.venue_ns

    def _wrong(self, levels: Levels) -> Take | None:
        """What the book itself shows after the change: a wrong sum, crossed sides, or levels we never saw."""
        rule, bids, asks = self._rule, self.rungs.bids, self.rungs.asks
        if rule.checksum is not None and levels.checksum is not None:
            ours = rule.checksum(bids.top(rule.checksum_levels), asks.top(rule.checksum_levels), self._instrument)
            if ours != levels.checksum:
                return self._void(Take.GAP, f"checksum {ours}, the venue says {levels.checksum}")
        elif rule.then is Continuity.SUM:
            return self._void(Take.GAP, "no checksum came, and nothing else proves the change")
        may_cross = rule.crossed_ok and self._instrument.status != "trading"
        if bids.keys and asks.keys and bids.keys[-1] >= -asks.keys[-1] and not may_cross:
            bid, ask = bids.keys[-1], -asks.keys[-1]
            why = f"bid {bid} at ask {ask} ({self.rungs.price_decimals} decimals)"
            return self._void(Take.BAD, why, "locked" if bid == ask else "crossed")
        if (bids.edge is not None and _left(bids, bids.edge)) or (asks.edge is not None and _left(asks, asks.edge)):
            return self._void(Take.GAP, "the price left the levels that the snapshot held")
        return None

    def _note(self, levels: Levels) -> None:
        self.last = levels.last
        self.venue_ns = levels.venue_ns or self.venue_ns
        self.seen_ns = levels.seen_ns or self.seen_ns
        if self._rule.then is Continuity.PRIOR:
            if levels.last < levels.prior:
                self._recent.clear()  # the venue counts anew: what we remember are other changes' numbers
            self._recent.append((levels.prior, levels.last))

    def _cut(self) -> None:
        if self._depth:
            for ladder in (self.rungs.bids, self.rungs.asks):
                if len(ladder.keys) > self._depth:
                    ladder.cut(self._depth)

    def _mark_ends(self) -> None:
        """A side as long as was asked for goes on where we cannot see it, and changes tell only what changes there."""
        for ladder in (self.rungs.bids, self.rungs.asks):
            if self._depth and len(ladder.keys) >= self._depth:
                ladder.end()

    def _void(self, take: Take, why: str, label: str = "") -> Take:
        self.reset()
        self.why, self.label = why, label
        return take

    def __repr__(self) -> str:
        state = f"live at {self.position}" if self.live else f"waiting for the whole, {len(self._waiting)} kept"
        return f"<Strand {self._instrument.symbol} {state}: {self.rungs}>"


def _after(levels: Levels) -> int:
    """The number that a change must follow."""
    return levels.prior if levels.prior >= 0 else levels.first - 1


def _left(ladder: Ladder, edge: int) -> bool:
    return not ladder.keys or ladder.keys[-1] < edge
