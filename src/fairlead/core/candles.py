"""A series of candles without a hole and without a double; it never calls a bar empty that the venue has not shown so.

Bars are passed on in order, each closed once. What is missing is asked for, and what comes after waits for it; what
the venue had to be asked for is marked `filled`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from fairlead.core.holes import flat
from fairlead.model import intervals
from fairlead.model.intervals import SECOND_NS
from fairlead.model.market import Candle
from fairlead.wire.asks import AskCandles, Op
from fairlead.wire.conversation import Need

GRACE_NS = 2 * SECOND_NS  # so long after a bar's end its last word may come
LOOKS = 2  # as many answers without a bar, and without a later one, show that it had no trades
KEPT = 100  # closed bars remembered, to tell a revision from a double
HELD_MOST = 1_000  # bars that may wait for a hole to be mended; more are asked for with it


class Series:
    """The candles of one symbol and interval as a stream brings them.

    Some venues say that a bar is closed; of the others a bar closes when the next one opens, or its time has passed.
    Whether its last trade was heard, nobody says then: such a bar is passed on, and `doubt` asks the venue for its own.
    `need` is what must be asked now (None: nothing); ask again until it is gone."""

    def __init__(self, symbol: str, interval: str) -> None:
        self.counts: Counter[str] = Counter()  # closed, filled, revised, double, old, off the grid
        self.need: Need | None = None
        self._symbol, self._interval = symbol, interval
        self._last: Candle | None = None  # the newest passed on
        self._kept: dict[int, Candle] = {}  # closed ones, by their opening
        self._held: dict[int, Candle] = {}  # after the hole
        self._hole_end_ns = 0
        self._says_closed = False  # this venue does
        self._broke = False  # the running bar may have missed trades
        self._timed = False  # the newest bar was closed by its time alone
        self._looks = 0
        self._unsure: set[int] = set()  # openings of bars that no word of the venue closed

    def hear(self, candle: Candle) -> tuple[Candle, ...]:
        """What may be passed on now: a running bar, closed ones, or a closed one again, with other numbers: revised."""
        self._says_closed |= candle.closed
        last = self._last
        if last is not None and candle.open_ns < self._after(last):
            return self._again(candle)
        said = self._close() if self.need is None else ()
        if self.need is None and (last is None or candle.open_ns == self._after(last)):
            return (*said, *self._pass_on(candle))
        return (*said, *self._hold(candle))

    def pass_to(self, venue_ns: int) -> tuple[Candle, ...]:
        """Time has passed: the running bar may be over, or a bar be missing that nobody spoke of."""
        last, over_ns = self._last, venue_ns - GRACE_NS
        if last is None or self.need is not None or over_ns < self._after(last):
            return ()
        said, end_ns = self._close(), self._after(last)
        self._timed = self._timed or bool(said)
        while (further_ns := intervals.next_ns(self._interval, end_ns)) <= over_ns:
            end_ns = further_ns
        self._miss(end_ns)
        return said

    def doubt(self, venue_ns: int) -> Need | None:
        """What to ask the venue, so that what was closed without its word is what it says, or is revised."""
        due = [open_ns for open_ns in self._unsure if intervals.next_ns(self._interval, open_ns) + GRACE_NS <= venue_ns]
        if not due:
            return None
        end_ns = intervals.next_ns(self._interval, max(due))
        asked = AskCandles(self._symbol, self._interval, min(due), end_ns)
        return Need(Op.CANDLES, asked, f"nobody said that these bars of {self._symbol} {self._interval} are closed")

    def confirm(self, candles: Iterable[Candle]) -> tuple[Candle, ...]:
        """The answer to `doubt`: closed bars that are others than we told, told again."""
        said = list[Candle]()
        for candle in candles:
            if candle.open_ns not in self._unsure:
                continue
            self._unsure.remove(candle.open_ns)
            if _traded(self._kept[candle.open_ns]) != _traded(candle):
                said.append(self._revise(replace(candle, filled=True)))
        return tuple(said)

    def broke(self) -> None:
        """The stream was interrupted, or silent for too long: what we heard of the running bar may not be all of it,
        nor of the one that was closed since, by its time alone."""
        self._broke = True
        if self._timed and self._last is not None:
            self._last, self._timed = replace(self._last, closed=False), False
        self._held = {open_ns: candle for open_ns, candle in self._held.items() if candle.closed}

    def supply(self, candles: Iterable[Candle]) -> tuple[Candle, ...]:
        """The answer to `need`, with all its pages: what it leaves out had no trades, or is late at the venue too."""
        if self.need is None:
            return ()
        found = {candle.open_ns: candle for candle in candles}
        newest_ns = max(found, default=0)
        self._looks += 1
        said = list[Candle]()
        for open_ns in self._hole():
            bar = found.get(open_ns)
            if bar is None and (open_ns < newest_ns or self._looks >= LOOKS):
                bar = self._without(open_ns)
            if bar is None:
                break
            said += self._fill(replace(bar, closed=True, filled=True))
        return (*said, *self._settle())

    def __repr__(self) -> str:
        state = f"waits for {self.need.asked.start_ns}" if self.need else "whole"
        counts = ", ".join(f"{count} {word}" for word, count in sorted(self.counts.items()))
        return f"<Series {self._symbol} {self._interval}: {state}, {len(self._held)} held; {counts or 'nothing yet'}>"

    def _close(self) -> tuple[Candle, ...]:
        """Closes the running bar, if what we heard of it can be its end; otherwise it is missing."""
        last = self._last
        if last is None or last.closed:
            return ()
        if self._says_closed or self._broke:
            self._miss(self._after(last))
            return ()
        said = self._pass_on(replace(last, closed=True))
        self._unsure.add(last.open_ns)
        return said

    def _again(self, candle: Candle) -> tuple[Candle, ...]:
        """A bar that we passed on before."""
        last = self._last
        if last is not None and candle.open_ns == last.open_ns and not last.closed:
            if candle.venue_ns < last.venue_ns:
                self.counts["old"] += 1
                return ()
            return (*self._pass_on(candle), *self._settle())
        before = self._kept.get(candle.open_ns)
        if before is not None and self._is_earlier(candle, before):
            self.counts["old"] += 1
            return ()
        if before is None:
            self.counts["off the grid" if last and candle.open_ns > last.open_ns else "old"] += 1
            return ()
        if _numbers(before) == _numbers(candle):
            self.counts["double"] += 1
            return ()
        return (self._revise(candle),)

    def _revise(self, candle: Candle) -> Candle:
        """A closed bar is another than we told."""
        self.counts["revised"] += 1
        revised = self._kept[candle.open_ns] = replace(candle, closed=True)
        if self._last is not None and self._last.closed and self._last.open_ns == candle.open_ns:
            self._last = revised
        return revised

    def _is_earlier(self, candle: Candle, closed: Candle) -> bool:
        """What the slower of two connections still says of a bar that the faster one has closed."""
        return (self._says_closed and not candle.closed) or candle.venue_ns < closed.venue_ns

    def _fill(self, bar: Candle) -> tuple[Candle, ...]:
        """A bar that was asked for; one that we closed in doubt is told again only if it is another."""
        before = self._kept.get(bar.open_ns)
        if before is not None and _numbers(before) == _numbers(bar):
            self._last, self._broke = before, False
            self._unsure.discard(bar.open_ns)
            return ()
        self.counts["filled" if before is None else "revised"] += 1
        self._unsure.discard(bar.open_ns)
        return self._pass_on(bar)

    def _pass_on(self, candle: Candle) -> tuple[Candle, ...]:
        self._last, self._broke, self._timed = candle, False, False
        if candle.closed:
            self.counts["closed"] += 1
            self._kept[candle.open_ns] = candle
            for oldest in list(islice(self._kept, max(0, len(self._kept) - KEPT))):
                del self._kept[oldest]
                self._unsure.discard(oldest)
        return (candle,)

    def _hold(self, candle: Candle) -> tuple[Candle, ...]:
        """What comes after a hole waits for it."""
        self._held[candle.open_ns] = candle
        if len(self._held) > HELD_MOST:
            del self._held[min(self._held)]
        self._miss(min(self._held))
        return self._settle()

    def _miss(self, end_ns: int) -> None:
        """Bars are missing up to `end_ns`."""
        self._hole_end_ns = end_ns
        start_ns = self._hole_start()
        if start_ns >= end_ns:
            self.need = None
            return
        # One bar more is asked for: where it is shown, a bar missing before it had no trades.
        asked = AskCandles(self._symbol, self._interval, start_ns, intervals.next_ns(self._interval, end_ns))
        if self.need is None or self.need.asked != asked:
            self._looks = 0
            self.need = Need(Op.CANDLES, asked, f"bars of {self._symbol} {self._interval} were not heard")

    def _hole(self) -> Iterator[int]:
        """The openings of the bars that are missing."""
        open_ns = self._hole_start()
        while open_ns < self._hole_end_ns:
            yield open_ns
            open_ns = intervals.next_ns(self._interval, open_ns)

    def _hole_start(self) -> int:
        last = self._last
        assert last is not None, "nothing can be missing before the first bar"
        return self._after(last) if last.closed else last.open_ns

    def _settle(self) -> tuple[Candle, ...]:
        """Narrows the hole to what is still missing; where it is mended, says what waited, up to the next hole."""
        if self.need is not None:
            self._miss(self._hole_end_ns)
        said = list[Candle]()
        if self.need is None:
            waiting, self._held = sorted(self._held.items()), {}
            for _, candle in waiting:
                said += self.hear(candle)
        return tuple(said)

    def _without(self, open_ns: int) -> Candle | None:
        """A bar that the venue does not show: what we heard of it, or the last close carried on."""
        last = self._last
        return last if last is None or last.open_ns == open_ns else flat(last, open_ns)

    def _after(self, candle: Candle) -> int:
        """Where the next bar begins."""
        return intervals.next_ns(self._interval, candle.open_ns)


def _traded(candle: Candle) -> tuple[float, ...]:
    """What a missed trade would have moved; a turnover is worked out, and rounded, in more than one way."""
    return candle.open, candle.high, candle.low, candle.close, candle.volume


def _numbers(candle: Candle) -> tuple[float | None, ...]:
    """What makes a bar another one."""
    return candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume
