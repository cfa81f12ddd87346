"""What a market can tell of itself: trades and candles, lived and from before the world, without a seam between them.

The world begins at a whole minute; before it `Past` makes the trades up, after it they are heard. Every candle,
whatever its length, is folded from the same whole days, hours, minutes and seconds, so all lengths agree."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from fairlead.model import intervals
from fairlead.sim import bars
from fairlead.sim.bars import Candle
from fairlead.sim.happenings import Traded
from fairlead.sim.past import Past
from fairlead.sim.prices import DAY_NS, MINUTE_NS, SECOND_NS

HOUR_NS = 60 * MINUTE_NS
TRADES_KEPT = 20_000  # heard trades that can still be asked for one by one; older ones only as minutes
SECONDS_KEPT = 7_200  # likewise for candles of seconds
BARS_MOST = 20_000  # bars looked at for one question, with or without trades
_UNITS_NS = (DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS)


class History:
    """Of one market; `listed_ns` is where its past begins and `origin_ns` where its life does."""

    def __init__(self, past: Past, listed_ns: int, origin_ns: int) -> None:
        self._past, self.listed_ns, self.origin_ns = past, listed_ns, origin_ns
        self.now_ns = origin_ns
        self._origin_id = self.next_id = past.before(origin_ns // MINUTE_NS)
        self._trades: list[Traded] = []
        self._lived: dict[int, dict[int, Candle]] = {MINUTE_NS: {}, SECOND_NS: {}}  # by unit, then beginning
        self._folded: dict[tuple[int, int], Candle | None] = {}  # whole days and hours that are over

    def hear(self, trade: Traded) -> None:
        self.now_ns = max(self.now_ns, trade.ns)
        self.next_id = trade.id + 1
        self._trades.append(trade)
        if len(self._trades) >= 2 * TRADES_KEPT:
            del self._trades[:TRADES_KEPT]
        for unit_ns, known in self._lived.items():
            begin_ns = trade.ns - trade.ns % unit_ns
            one = bars.of_trade(trade, begin_ns)
            before = known.get(begin_ns)
            known[begin_ns] = (before and bars.fold((before, one), begin_ns)) or one
        seconds = self._lived[SECOND_NS]
        if len(seconds) > SECONDS_KEPT:
            del seconds[next(iter(seconds))]

    def candles(
        self, interval: str, begin_ns: int = 0, end_ns: int = 0, most: int = 500,
        *, filled: bool = False, offset_ns: int = 0,
    ) -> tuple[Candle, ...]:  # fmt: skip
        """Bars that open in [begin_ns, end_ns), oldest first, at most `most`: the first ones when a beginning is given,
        else the latest; the last may still be running. Bars without a trade are left out, or `filled` with the last
        close. `offset_ns` moves the bars: 8 hours makes days begin at 16:00 UTC."""
        end_ns = min(end_ns or self.now_ns + 1, self.now_ns + 1)
        if begin_ns:
            found = self._bars(self._ahead(interval, begin_ns, end_ns, offset_ns), most, filled)
            return tuple(found)
        found = self._bars(self._back(interval, end_ns, offset_ns), most, filled)
        return tuple(reversed(list(found)))

    def between(self, begin_ns: int, end_ns: int) -> Candle | None:
        """All trades of [begin_ns, end_ns) as one candle, both ends on whole seconds; None when nobody traded."""
        return bars.fold(list(self._parts(max(begin_ns, self.listed_ns), end_ns, _UNITS_NS)), begin_ns)

    def day(self) -> Candle | None:
        """The last 24 hours, to the minute."""
        end_ns = self.now_ns - self.now_ns % MINUTE_NS + MINUTE_NS
        return self.between(end_ns - DAY_NS, end_ns)

    def trades(self, most: int = 500, *, from_id: int = -1, since_ns: int = 0) -> tuple[Traded, ...]:
        """The latest trades; or the first from an id or a time on. Oldest first, ids without a hole."""
        if since_ns:
            from_id = self._id_at(since_ns)
        elif from_id < 0:
            from_id = self.next_id - most
        first = max(from_id, self._past.before(self.listed_ns // MINUTE_NS))
        found: list[Traded] = []
        while first < self._origin_id and len(found) < most:
            minute = self._past.minute_of(first)
            found += self._past.trades(minute)[first - self._past.before(minute) :]
            first = found[-1].id + 1
        if self._trades and len(found) < most:
            begin = self._trades[0].id
            if first == self._origin_id < begin:
                return tuple(found[:most])  # what came next is no longer kept: no hole, rather the end
            found += self._trades[max(0, first - begin) : max(0, first - begin) + most - len(found)]
        return tuple(found[:most])

    def _id_at(self, ns: int) -> int:
        """The id of the first trade at or after a time."""
        if ns >= self.origin_ns:
            index = bisect_left(self._trades, ns, key=lambda trade: trade.ns)
            return self._trades[index].id if index < len(self._trades) else self.next_id
        minute = max(ns, self.listed_ns) // MINUTE_NS
        earlier = sum(trade.ns < ns for trade in self._past.trades(minute))
        return self._past.before(minute) + earlier

    def _bars(self, spans: Iterator[tuple[int, int]], most: int, filled: bool) -> Iterator[Candle]:
        for _, (begin_ns, end_ns) in zip(range(BARS_MOST), spans, strict=False):
            if most <= 0:
                return
            bar = self.between(begin_ns, end_ns) or (self._empty(begin_ns) if filled else None)
            if bar:
                most -= 1
                yield bar

    def _ahead(self, interval: str, begin_ns: int, end_ns: int, offset_ns: int) -> Iterator[tuple[int, int]]:
        least_ns = max(begin_ns, self.listed_ns)
        at_ns = intervals.start_ns(interval, least_ns + offset_ns)
        while at_ns - offset_ns < end_ns:
            next_ns = intervals.next_ns(interval, at_ns)
            if at_ns - offset_ns >= begin_ns:
                yield at_ns - offset_ns, next_ns - offset_ns
            at_ns = next_ns

    def _back(self, interval: str, end_ns: int, offset_ns: int) -> Iterator[tuple[int, int]]:
        at_ns = intervals.start_ns(interval, end_ns - 1 + offset_ns)
        next_ns = intervals.next_ns(interval, at_ns)
        while next_ns - offset_ns > self.listed_ns:
            yield at_ns - offset_ns, next_ns - offset_ns
            at_ns, next_ns = intervals.start_ns(interval, at_ns - 1), at_ns

    def _empty(self, begin_ns: int) -> Candle | None:
        for back_ns in (HOUR_NS, DAY_NS, begin_ns - self.listed_ns):
            before = self.between(begin_ns - back_ns, begin_ns)
            if before:
                return bars.flat(begin_ns, before.close)
        return None

    def _parts(self, begin_ns: int, end_ns: int, units_ns: tuple[int, ...]) -> Iterator[Candle]:
        """The candles of the longest whole units that tile the span, shorter ones at its ends."""
        if begin_ns >= end_ns or not units_ns:
            return
        unit_ns, finer = units_ns[0], units_ns[1:]
        low = -(-begin_ns // unit_ns) * unit_ns
        high = end_ns // unit_ns * unit_ns
        if low >= high:
            yield from self._parts(begin_ns, end_ns, finer)
            return
        yield from self._parts(begin_ns, low, finer)
        for at_ns in range(low, min(high, self.now_ns + 1), unit_ns):
            whole = self._whole(unit_ns, at_ns)
            if whole:
                yield whole
        yield from self._parts(high, end_ns, finer)

    def _whole(self, unit_ns: int, at_ns: int) -> Candle | None:
        if unit_ns == MINUTE_NS:
            return self._lived[unit_ns].get(at_ns) if at_ns >= self.origin_ns else self._past.candle(at_ns // MINUTE_NS)
        if unit_ns == SECOND_NS:
            return self._lived[unit_ns].get(at_ns) if at_ns >= self.origin_ns else self._second(at_ns)
        key = (unit_ns, at_ns)
        if key in self._folded:
            return self._folded[key]
        finer = _UNITS_NS[_UNITS_NS.index(unit_ns) + 1 :]
        whole = bars.fold(list(self._parts(at_ns, at_ns + unit_ns, finer)), at_ns)
        if at_ns + unit_ns <= self.now_ns:
            self._folded[key] = whole
        return whole

    def _second(self, at_ns: int) -> Candle | None:
        trades = [one for one in self._past.trades(at_ns // MINUTE_NS) if at_ns <= one.ns < at_ns + SECOND_NS]
        return bars.fold([bars.of_trade(one, at_ns) for one in trades], at_ns)
