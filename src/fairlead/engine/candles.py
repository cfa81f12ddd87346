"""Candles of a stream without a hole: what was not heard is asked for, marked, and passed on in its place."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.core.candles import Series
from fairlead.engine.feed import Surroundings
from fairlead.engine.flows import FlowFeed
from fairlead.engine.line import Line
from fairlead.model import events
from fairlead.model.market import Candle, State
from fairlead.wire.conversation import Lane, Need, Topic
from fairlead.wire.door import Door


class CandleFeed(FlowFeed[Candle]):
    latest_only = False

    def __init__(self, around: Surroundings, topic: Topic, door: Door) -> None:
        super().__init__(around, topic, door)
        self._series = Series(topic.symbol, topic.detail)
        self._asked: Need | None = None  # on its way
        self._confirming = False
        self._patience = around.backoff()
        self._doubts = around.backoff()

    def _take(self, line: Line) -> Lane:
        def lane(candle: Candle) -> None:
            self._pulse.beat(line.heard_ns)
            if self._allowed(candle):
                self._pass_on(self._series.hear(candle))

        return lane

    def left(self, line: Line) -> None:
        super().left(line)
        self._series.broke()  # its last words may have been on their way

    def _falls(self, state: State, why: str, by_ms: float = 0.0) -> None:
        super()._falls(state, why, by_ms)
        self._series.broke()

    def tick(self) -> None:
        super().tick()
        if self._lines:
            self._pass_on(self._series.pass_to(self._time.now_ns()))
            self._confirm()

    def _confirm(self) -> None:
        """Asks for what no word of the venue closed; one question at a time, so that a short budget makes it longer
        ones, not more."""
        doubt = self._series.doubt(self._time.now_ns())
        if doubt is not None and not self._confirming and self._around.mends.resync:
            self._confirming = True
            self._around.gather(doubt.op, doubt.asked, self._confirmed, self._unconfirmed)

    def _confirmed(self, candles: Sequence[Candle]) -> None:
        """What the answer leaves out is asked for again, as what could not be asked: a little later."""
        for candle in self._series.confirm(candles):
            self._publish(candle)
        if self._series.doubt(self._time.now_ns()) is None:
            self._confirming = False
        else:
            self._unconfirmed()

    def _unconfirmed(self, _: Exception | None = None) -> None:
        self._around.later(self._doubts.next_ms(), self._confirm_again)

    def _confirm_again(self) -> None:
        self._confirming = False
        self._confirm()

    def _pass_on(self, candles: Sequence[Candle]) -> None:
        for candle in candles:
            self._publish(candle)
        need = self._series.need
        if need is not None and self._asked is None and self._around.mends.resync:
            self._asked = need
            self._around.gather(need.op, need.asked, self._fetched, self._unfetched)

    def _fetched(self, candles: Sequence[Candle]) -> None:
        """The venue's own bars for the hole; what is still missing is asked for again a little later."""
        self._asked = None
        ready = self._series.supply(candles)
        mended = [candle for candle in ready if candle.filled]
        if mended:
            self._patience = self._around.backoff()
            self._tell(events.Filled, count=len(mended), first_ns=mended[0].open_ns)
        if self._series.need is None:
            self._pass_on(ready)
            return
        for candle in ready:
            self._publish(candle)
        self._ask_later()

    def _unfetched(self, _: Exception) -> None:
        """The sender told why."""
        self._ask_later()

    def _ask_later(self) -> None:
        self._asked = self._series.need
        self._around.later(self._patience.next_ms(), self._ask_again)

    def _ask_again(self) -> None:
        self._asked = None
        self._pass_on(())
