"""Books: a strand a line, the furthest one leads, and a broken one begins again without the others noticing."""

from __future__ import annotations

from functools import partial

from fairlead.core.backoff import Backoff
from fairlead.core.book import Book
from fairlead.core.strand import Strand, Take
from fairlead.engine.feed import Feed, Surroundings
from fairlead.engine.line import Line
from fairlead.engine.timing import MS
from fairlead.model import events
from fairlead.model.market import State
from fairlead.wire.asks import AskBook
from fairlead.wire.conversation import Lane, Levels, Topic
from fairlead.wire.door import BookRule, Door

AGAIN_MS, AGAIN_MOST_MS = 3_000, 60_000  # a whole that has not come is asked for again, each time after twice as long
SUSPECT_VOIDS = 3  # so many in a row, and what we know of the instrument is doubted
OLDER_MOST = 5  # snapshots in a row from before what was published are disbelieved
CALM_MS = 60_000  # a strand that lived so long begins anew at once, not after a pause


class _Mend:
    """How one line's strand gets its whole: since when it is wanted, and how patient we are by now."""

    __slots__ = ("asked_ns", "backoff", "fetching", "live_ns", "next_ms", "voids")

    def __init__(self, backoff: Backoff) -> None:
        self.backoff = backoff
        self.asked_ns = 0
        self.live_ns = 0
        self.next_ms = AGAIN_MS
        self.fetching = False
        self.voids = 0  # since it last lived for long


class BookFeed(Feed[Book]):
    """Publishes one living Book; its `state` says whether it may be believed."""

    def __init__(self, around: Surroundings, topic: Topic, door: Door, rule: BookRule) -> None:
        super().__init__(around, topic, door)
        self._rule = rule
        self._depth = int(topic.detail) if topic.detail.isdigit() else 0
        self._instrument = around.instrument(topic.symbol)
        self._strands: dict[int, Strand] = {}
        self._mend: dict[int, _Mend] = {}
        self._lead = Strand(self._instrument, rule, self._depth)
        self._widened = 0
        self._position = 0
        self._older = 0  # snapshots in a row from before that position
        self._tops = (0, 0)
        self.book = Book(around.name, topic.symbol, self._lead.rungs, self._time.now_ns)
        self.last = self.book

    def _stamp_ns(self) -> int:
        return self.book.venue_ns or self.book.seen_ns

    # ---- lines

    def _take(self, line: Line) -> Lane:
        strand = Strand(self._instrument, self._rule, self._depth)
        self._strands[line.number] = strand
        self._mend[line.number] = _Mend(self._around.backoff())
        take = strand.take

        def lane(levels: Levels) -> None:
            took = take(levels)
            if took is Take.APPLIED:
                self._applied(strand, line)
            elif took > Take.IGNORED or took is Take.WHOLE:
                self._turned(line, strand, took)

        return lane

    def joined(self, line: Line) -> None:
        super().joined(line)
        self._want(line)

    def left(self, line: Line) -> None:
        strand = self._strands.pop(line.number, None)
        if strand is not None:
            strand.reset()  # whoever still holds it, as the leader does, must not take it for a living one
        self._mend.pop(line.number, None)
        super().left(line)
        self._lead_on("the connection was lost", sound=True)

    def live_on(self, line: Line) -> bool:
        strand = self._strands.get(line.number)
        return strand is not None and strand.live and strand.position >= self._position

    # ---- the hot path

    def _applied(self, strand: Strand, line: Line) -> None:
        book = self.book
        self._pulse.beat(line.heard_ns, self._lag_ms(strand))
        if strand is not self._lead:
            if strand.position <= self._position:
                return
            self._follow(strand)
        self._position = strand.last or strand.venue_ns
        book.seq, book.venue_ns, book.seen_ns = strand.last, strand.venue_ns, strand.seen_ns
        rungs = strand.rungs
        bids, asks = rungs.bids.keys, rungs.asks.keys
        if bids and asks and (bids[-1], asks[-1]) != self._tops:
            self._tops = (bids[-1], asks[-1])
            if self._around.mends.guard and self._jumped(line, strand):
                return
        if rungs.widened > self._widened:
            self._widen(strand)
        self._bus.publish(book)

    @staticmethod
    def _lag_ms(strand: Strand) -> float:
        return (strand.seen_ns - strand.venue_ns) / MS if strand.venue_ns and strand.seen_ns else 0.0

    # ---- what is not hot

    def _turned(self, line: Line, strand: Strand, took: Take) -> None:
        """A new whole, or a strand that can no longer be believed."""
        if took is Take.WHOLE:
            self._whole(line, strand)
            return
        if took is Take.BAD:
            self._odd(strand.label, strand.why)
        else:
            self._tell(events.Gap, why=strand.why)
        self._void(line, strand, strand.why)

    def _void(self, line: Line, strand: Strand, why: str) -> None:
        strand.reset()
        self._lead_on(why)
        if not self._around.mends.resync:
            return
        mend = self._mend[line.number]
        mend.voids += 1
        if mend.voids == SUSPECT_VOIDS:
            self._around.renew_catalog()  # a changed precision would make every checksum wrong
        lived_ms = (self._time.clock.mono_ns() - mend.live_ns) / MS if mend.live_ns else 0.0
        mend.live_ns = 0
        if lived_ms >= CALM_MS:
            mend.voids = 0
            mend.backoff = self._around.backoff()
            self._begin(line)
        else:
            self._begin_later(line)

    def _begin_later(self, line: Line) -> None:
        self._around.later(self._mend[line.number].backoff.next_ms(), partial(self._begin, line))

    def _begin(self, line: Line) -> None:
        """Ask this line for a new beginning."""
        strand = self._strands.get(line.number)
        if strand is None or strand.live or self._lines.get(line.number) is not line:
            return
        strand.redeclare(self._around.instrument(self.topic.symbol))
        if strand.wants_whole:
            self._want(line)
        else:
            self._mend[line.number].asked_ns = self._time.clock.mono_ns()
            line.renew(self.topic)

    def _want(self, line: Line) -> None:
        """The stream does not send the whole: take a living sibling's, or fetch it."""
        strand, mend = self._strands[line.number], self._mend[line.number]
        mend.asked_ns = self._time.clock.mono_ns()
        if not strand.wants_whole or mend.fetching:
            return
        for other in self._strands.values():
            if other is not strand and strand.adopt(other) is Take.WHOLE:
                self._whole(line, strand)
                return
        mend.fetching = True
        asked = AskBook(self.topic.symbol, self._depth)
        self._around.fetch(
            self._rule.whole_from,  # type: ignore[arg-type]  # wants_whole says that there is one
            asked,
            partial(self._fetched, line, strand),
            partial(self._unfetched, line, strand),
        )

    def _probe(self) -> None:
        """A silent book whose whole comes by REST: if that is no further than ours, the market is quiet."""
        if self._rule.whole_from is not None and self._lead.live:
            asked = AskBook(self.topic.symbol, self._depth)
            self._around.fetch(self._rule.whole_from, asked, self._probed, lambda _: None)

    def _probed(self, whole: Levels) -> None:
        if self._lead.live and 0 < whole.last <= self._lead.last:
            self._pulse.quiet(self._time.clock.mono_ns())

    def _fetched(self, line: Line, strand: Strand, whole: Levels) -> None:
        if self._strands.get(line.number) is not strand:
            return
        self._mend[line.number].fetching = False
        took = strand.supply(whole) if self._is_recent(whole) else Take.WAITING
        if took is Take.WAITING:
            self._begin_later(line)
        elif took is not Take.IGNORED:
            self._turned(line, strand, took)

    def _is_recent(self, whole: Levels) -> bool:
        """A snapshot from before what was published lags behind; whoever goes on giving such ones numbers anew."""
        self._older = self._older + 1 if 0 < whole.last < self._position else 0
        return not 0 < self._older <= OLDER_MOST

    def _unfetched(self, line: Line, strand: Strand, _: Exception) -> None:
        """The sender gave up (and told); here it is only a reason to ask again later."""
        if self._strands.get(line.number) is strand:
            self._mend[line.number].fetching = False
            self._begin_later(line)

    def _whole(self, line: Line, strand: Strand) -> None:
        mend = self._mend[line.number]
        mend.live_ns, mend.next_ms = self._time.clock.mono_ns(), AGAIN_MS
        if strand.same:
            self._pulse.quiet(self._time.clock.mono_ns())
        if strand is not self._lead and self._lead.live and strand.position <= self._position:
            return  # a second connection has caught up; the first still leads
        if self.state is State.RESYNCING:
            self._pulse.begin(mend.live_ns)  # how long we had no book says nothing of how often the venue speaks
        else:
            self._pulse.beat(line.heard_ns, self._lag_ms(strand))
        self._follow(strand)
        bids, asks = strand.rungs.bids.keys, strand.rungs.asks.keys
        if bids and asks:
            self._tops = (bids[-1], asks[-1])
            if self._around.mends.guard and self._jumped(line, strand):
                return
        if self.state is State.RESYNCING:
            self._rises()
        else:
            self._bus.publish(self.book)

    def _follow(self, strand: Strand) -> None:
        """Show this one from now on, as far as it is."""
        self._lead, self._position, book = strand, strand.position, self.book
        book.rungs = strand.rungs
        book.seq, book.venue_ns, book.seen_ns = strand.last, strand.venue_ns, strand.seen_ns

    def _lead_on(self, why: str, *, sound: bool = False) -> None:
        """Whichever strand lives leads; none: the book is void until one does. `sound`: the leader was not wrong, only
        its connection is gone; what it showed stands until another is as far, so that the book never goes back."""
        if self._lead.live:
            return
        living = [strand for strand in self._strands.values() if strand.live]
        if not living:
            self._falls(State.RESYNCING, why)
            return
        best = max(living, key=lambda strand: strand.position)
        if not sound or best.position >= self._position:
            self._follow(best)

    def _jumped(self, line: Line, strand: Strand) -> bool:
        label = self._guard.top(self.book.bid, self.book.ask)
        if not label:
            return False
        self._odd(label, f"bid {self.book.bid} ask {self.book.ask} seq {strand.last}")
        self._void(line, strand, f"the best prices are impossible ({label})")
        return True

    def _widen(self, strand: Strand) -> None:
        rungs = strand.rungs
        self._widened = rungs.widened
        self._around.tell(
            events.Strange(
                venue=self._around.name,
                at_ns=self._time.now_ns(),
                what=f"{self.topic}: more decimals than declared",
                sample=f"now {rungs.price_decimals} of price, {rungs.qty_decimals} of quantity",
            )
        )

    def tick(self) -> None:
        super().tick()
        now_ns = self._time.clock.mono_ns()
        for number, line in list(self._lines.items()):
            strand, mend = self._strands[number], self._mend[number]
            waited_ms = (now_ns - mend.asked_ns) / MS
            if strand.live or not self._joined[number] or mend.fetching or waited_ms < mend.next_ms:
                continue
            if self._around.mends.resync:
                mend.next_ms = min(2 * mend.next_ms, AGAIN_MOST_MS)
                self._begin(line)

    def _restate(self) -> None:
        self.book.state = self.state
        self._bus.publish(self.book)
