"""Where prices come from: a calm random walk by seed or a recording, and how far each market strays; never an order.

A path is a function of time alone, so it can be asked for any moment, past or future, in any order. Its values are
relative where it walks (1.0 at its beginning) and absolute where it was recorded: the market scales them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from math import exp, sqrt
from typing import Protocol

from msgspec import Struct

from fairlead.errors import Misuse
from fairlead.sim.chance import WORD, words

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_MINUTES = 1_440
DAY_NS = DAY_MINUTES * MINUTE_NS
_YEAR_MINUTES = 365 * DAY_MINUTES
_ROOT12 = sqrt(12.0)  # a word is spread evenly; this makes its deviation one
_KEPT = 64  # days and minutes remembered; anything forgotten is drawn again, equal


class Path(Protocol):
    def at(self, ns: int) -> float: ...
    def minutes(self, day: int) -> Sequence[float]:
        """The values at the 1,441 whole minutes from the beginning of a day (counted from the epoch) to its end."""


class Weather(Struct, frozen=True):
    """How wild the walk is. A burst is a minute that moves `burst_times` as far as others."""

    vol_year: float = 0.6
    bursts_day: float = 0.0
    burst_times: float = 8.0


class Walk:
    """A geometric random walk, drawn day by day, within a minute second by second."""

    def __init__(self, seed: int, base: str, start_ns: int, weather: Weather) -> None:
        self._seed, self._base, self._weather = seed, base, weather
        self._sigma = weather.vol_year / sqrt(_YEAR_MINUTES)
        self._begins = {start_ns // DAY_NS: 0.0}  # log value at the beginning of each day known so far: a closed range
        self._days: dict[int, list[float]] = {}
        self._seconds: dict[int, list[float]] = {}
        self._zero = self._log(start_ns)

    def at(self, ns: int) -> float:
        return exp(self._log(ns) - self._zero)

    def minutes(self, day: int) -> Sequence[float]:
        begin = self._begin(day) - self._zero
        return [exp(begin + one) for one in self._day(day)]

    def _log(self, ns: int) -> float:
        minute, rest_ns = divmod(ns, MINUTE_NS)
        second, part_ns = divmod(rest_ns, SECOND_NS)
        seconds = self._seconds.get(minute) or self._minute(minute)
        low = seconds[second]
        return low + (seconds[second + 1] - low) * part_ns / SECOND_NS

    def _minute(self, minute: int) -> list[float]:
        """The 61 log values at a minute's seconds: a walk bent so that it ends where the next minute begins."""
        day, index = divmod(minute, DAY_MINUTES)
        begin, steps = self._begin(day), self._day(day)
        low, high = begin + steps[index], begin + steps[index + 1]
        scale = self._sigma / sqrt(60.0) * _ROOT12 / WORD
        walk = list(
            accumulate(
                ((word - WORD // 2) * scale for word in words(60, self._seed, self._base, "minute", minute)),
                initial=0.0,
            )
        )
        slope = (high - low - walk[60]) / 60
        seconds = [low + value + slope * second for second, value in enumerate(walk)]
        return _keep(self._seconds, minute, seconds)

    def _day(self, day: int) -> list[float]:
        """The 1,441 log values at a day's minutes, relative to its beginning."""
        known = self._days.get(day)
        if known is not None:
            return known
        scale = self._sigma * _ROOT12 / WORD
        steps = [(word - WORD // 2) * scale for word in words(DAY_MINUTES, self._seed, self._base, "day", day)]
        if self._weather.bursts_day:
            bar = self._weather.bursts_day / DAY_MINUTES * WORD
            times = self._weather.burst_times
            luck = words(DAY_MINUTES, self._seed, self._base, "burst", day)
            steps = [step * times if word < bar else step for step, word in zip(steps, luck, strict=True)]
        return _keep(self._days, day, list(accumulate(steps, initial=0.0)))

    def _begin(self, day: int) -> float:
        """The log value at the beginning of a day: the known range grows towards it, a day at a time."""
        begins = self._begins
        if day in begins:
            return begins[day]
        last, first = max(begins), min(begins)
        for one in range(last, day):
            begins[one + 1] = begins[one] + self._day(one)[DAY_MINUTES]
        for one in range(first - 1, day - 1, -1):
            begins[one] = begins[one + 1] - self._day(one)[DAY_MINUTES]
        return begins[day]


class Recorded:
    """A price as it was recorded, in a straight line between two records, still before the first and after the last."""

    def __init__(self, rows: Iterable[tuple[int, Decimal]]) -> None:
        kept = list(rows)
        self._ns = [ns for ns, _ in kept]
        self._prices = [float(price) for _, price in kept]
        if not kept:
            raise Misuse("A recording needs at least one row.")
        if any(later <= earlier for earlier, later in zip(self._ns, self._ns[1:], strict=False)):
            raise Misuse("A recording's times must rise from row to row.")
        if any(not 0 < price < float("inf") for price in self._prices):
            raise Misuse("A recording's prices must be above zero.")

    def at(self, ns: int) -> float:
        after = bisect_right(self._ns, ns)
        if after == 0 or after == len(self._ns):
            return self._prices[max(0, after - 1)]
        begin, end = self._ns[after - 1], self._ns[after]
        low, high = self._prices[after - 1], self._prices[after]
        return low + (high - low) * (ns - begin) / (end - begin)

    def minutes(self, day: int) -> Sequence[float]:
        return [self.at(day * DAY_NS + minute * MINUTE_NS) for minute in range(DAY_MINUTES + 1)]


def recorded(csv: str) -> Recorded:
    """A recording from CSV: `nanoseconds,price` a line, more columns ignored; a heading is skipped."""
    rows = []
    for number, line in enumerate(csv.splitlines(), 1):
        cells = line.split(",")
        if not line.strip() or (number == 1 and not cells[0].strip().isdigit()):
            continue
        try:
            rows.append((int(cells[0]), Decimal(cells[1].strip())))
        except (ValueError, IndexError, InvalidOperation):
            raise Misuse(f"Line {number} of the recording is not `nanoseconds,price`: {line[:80]!r}") from None
    return Recorded(rows)


class Basis:
    """How far one market strays from the common path: smooth, around zero, never beyond 1.8 times its measure."""

    KNOT_NS = 30 * SECOND_NS
    _BLOCK = 2 * DAY_MINUTES  # knots drawn at a time: a day's

    def __init__(self, seed: int, venue: str, symbol: str, bps: float) -> None:
        self._name = (seed, venue, symbol, "basis")
        self._scale = bps / 10_000 * _ROOT12 / WORD
        self._days: dict[int, list[float]] = {}

    def at(self, ns: int) -> float:
        knot, part_ns = divmod(ns, self.KNOT_NS)
        day, index = divmod(knot, self._BLOCK)
        knots = self._days.get(day) or self._day(day)
        return knots[index] + (knots[index + 1] - knots[index]) * part_ns / self.KNOT_NS

    def minutes(self, day: int) -> Sequence[float]:
        return self._day(day)[::2]

    def _day(self, day: int) -> list[float]:
        known = self._days.get(day)
        if known is not None:
            return known
        drawn = (*words(self._BLOCK, *self._name, day), *words(1, *self._name, day + 1))
        return _keep(self._days, day, [(word - WORD // 2) * self._scale for word in drawn])


def _keep(kept: dict[int, list[float]], key: int, values: list[float]) -> list[float]:
    if len(kept) >= _KEPT:
        del kept[next(iter(kept))]
    kept[key] = values
    return values
