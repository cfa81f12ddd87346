"""Trades, and the values of which only the latest counts: quotes, tickers, funding, marks, indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from fairlead.core.tape import Heard, Tape
from fairlead.engine.feed import Feed, Surroundings
from fairlead.engine.line import Line
from fairlead.model import events
from fairlead.model.market import Quote, Stamped, State, Trade
from fairlead.wire.asks import AskTrades, Op
from fairlead.wire.conversation import Lane, Topic
from fairlead.wire.door import Door

S = TypeVar("S", bound=Stamped)

FETCH_TRADES = 1_000  # asked for to fill a hole


class FlowFeed(Feed[S]):
    """What every stream of single values shares: beats, the guard's word, and the mark of a late one."""

    def __init__(self, around: Surroundings, topic: Topic, door: Door) -> None:
        super().__init__(around, topic, door)
        self._judge = self._guard.of(topic.kind)

    def _stamp_ns(self) -> int:
        return (self.last.venue_ns or self.last.seen_ns) if self.last is not None else 0

    def joined(self, line: Line) -> None:
        super().joined(line)
        if self.state is State.RESYNCING:
            self._pulse.begin(self._time.clock.mono_ns())
            self._rises()

    def _publish(self, event: S) -> None:
        if self.state is not State.LIVE:
            event = msgspec.structs.replace(event, state=self.state)
        self.last = event
        self._bus.publish(event)

    def _allowed(self, event: S) -> bool:
        """The guard's word; what it labels is kept aside."""
        if self._judge is None or not self._around.mends.guard:
            return True
        label = self._judge(event)
        if label:
            self._odd(label, event)
        return not label


class LatestFeed(FlowFeed[S]):
    """Only the newest value counts; what an overlapping connection repeats is dropped."""

    _newest: S | None = None  # since there is a connection

    def _take(self, line: Line) -> Lane:
        def lane(event: S) -> None:
            self._pulse.beat(line.heard_ns, event.lag_ms)
            if len(self._lines) > 1 and self._older(event):
                return
            if self._allowed(event):
                self._newest = event
                self._publish(event)

        return lane

    def left(self, line: Line) -> None:
        super().left(line)
        if not self._lines:
            self._newest = None  # the venue may count anew

    def _older(self, event: S) -> bool:
        last = self._newest
        if last is None:
            return False
        if isinstance(event, Quote) and isinstance(last, Quote) and event.seq:
            return event.seq <= last.seq
        return event.venue_ns <= last.venue_ns if event.venue_ns else event == last


class TradeFeed(FlowFeed[Trade]):
    """Every trade once, in order; holes are filled from REST before what comes after them is passed on."""

    latest_only = False

    def __init__(self, around: Surroundings, topic: Topic, door: Door) -> None:
        super().__init__(around, topic, door)
        self._tape = Tape(consecutive="trades" in door.consecutive)

    def _take(self, line: Line) -> Lane:
        take = self._tape.take

        def lane(trade: Trade) -> None:
            self._pulse.beat(line.heard_ns, trade.lag_ms)
            if self._tape.knows(trade) or not self._allowed(trade):
                return
            heard = take(trade)
            if heard is Heard.NEW:
                self._publish(trade)
            elif heard is Heard.HOLE:
                self._fill()

        return lane

    def left(self, line: Line) -> None:
        super().left(line)
        if not self._lines:
            self._tape.doubt()

    def _probe(self) -> None:
        if not self._tape.filling and self._tape.last is not None:
            self._tape.hold()
            self._fill()

    def _fill(self) -> None:
        if not self._around.mends.resync:
            self._fetched((), answered=False)
            return
        last = self._tape.last
        since_ns = last.venue_ns if last is not None else 0
        asked = AskTrades(self.topic.symbol, limit=FETCH_TRADES, since_ns=since_ns)
        self._around.gather(Op.TRADES, asked, self._fetched, self._unfetched)

    def _fetched(self, trades: Sequence[Trade], *, answered: bool = True) -> None:
        before, missing = self._tape.last, self._tape.missing
        heard = {trade.id for trade in self._tape.held}
        ready = self._tape.supply(trades)
        if trades and not ready:
            self._pulse.quiet(self._time.clock.mono_ns())  # the venue itself knows of no trade that we did not hear
        filled = [trade for trade in ready if trade.id not in heard]
        if filled:
            self._tell(events.Filled, count=len(filled), first_ns=filled[0].venue_ns)
        lost = self._tape.missing - missing
        if lost:
            after = before.id if before is not None else "the beginning"
            self._tell(events.Gap, why=f"{lost} trades after {after} are gone: the venue gives them no more")
        elif ready and before is not None and not answered and "trades" not in self._door.consecutive:
            self._tell(events.Gap, why=f"trades between {before.id} and {ready[0].id} may be missing: nobody told")
        for trade in ready:
            self._publish(trade)
        if self.state is State.STALE:
            self._tape.doubt()  # still silent: whatever ends the silence may have more missing before it

    def _unfetched(self, _: Exception) -> None:
        """The sender told why; what was held back is passed on, and the hole is told."""
        self._fetched((), answered=False)

    def _falls(self, state: State, why: str, by_ms: float = 0.0) -> None:
        super()._falls(state, why, by_ms)
        if state is State.STALE:
            self._tape.doubt()
