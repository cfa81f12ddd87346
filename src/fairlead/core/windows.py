"""How much of one budget is used, by each way venues count; it never decides who may use the rest.

What was let go counts from then on, since it may arrive at once; what it counts as ends as late as it can, since it may
arrive late: when its answer came, or after `ARRIVES_MS`. So what is held here is never less than what the venue holds,
whatever the wire does in between.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from fairlead.wire.limits import Budget, Window

MS = 1_000_000
ARRIVES_MS = 1_000  # what leaves now has arrived by then, or never will
SKEW_MS = 250  # how far our idea of the venue's clock may be off
SLOTS = 64  # a sliding window is counted in as many parts, each leaving as late as its last


class Now(Struct, frozen=True, gc=False):
    mono_ns: int
    venue_ms: int


class Flight(Struct, frozen=True, gc=False):
    """Units let go, of which we do not know yet that they arrived."""

    units: int
    left: Now


class Count(Protocol):
    """What one budget holds, for one who shares it."""

    def used(self, now: Now) -> int: ...  # with all that is in flight
    def take(self, number: int, units: int, now: Now) -> None: ...
    def arrived(self, number: int, now: Now) -> None: ...  # an answer came: it arrived between then and now
    def told(self, used: int, now: Now) -> None: ...  # the venue's own count, believed where it is higher
    def opens_ns(
        self, units: int, ceiling: int, now: Now
    ) -> int: ...  # when it is worth looking again; 0: there is room


def count_of(budget: Budget) -> Count:
    if budget.window is Window.FIXED:
        return Fixed(budget.per_ms)
    if budget.window is Window.SLIDING:
        return Sliding(budget.per_ms)
    return Leaking(budget.units, budget.per_ms)


class Fixed:
    """Windows that begin at multiples of their length on the venue's clock. Near an edge both are charged."""

    def __init__(self, per_ms: int) -> None:
        self._per_ms = per_ms
        self._windows: dict[int, int] = {}
        self._flights: dict[int, Flight] = {}

    def used(self, now: Now) -> int:
        self._land(now)
        return max(self._windows.get(index, 0) for index in self._span(now.venue_ms))

    def take(self, number: int, units: int, now: Now) -> None:
        self._flights[number] = Flight(units, now)
        for index in self._span(now.venue_ms):
            self._windows[index] = self._windows.get(index, 0) + units

    def arrived(self, number: int, now: Now) -> None:
        flight = self._flights.pop(number, None)
        if flight is None:
            return
        last = (now.venue_ms + SKEW_MS) // self._per_ms
        for index in self._span(flight.left.venue_ms):
            if index > last:
                self._windows[index] -= flight.units

    def told(self, used: int, now: Now) -> None:
        index = now.venue_ms // self._per_ms
        # Just after an edge the count may be that of the window before: the next answer will tell.
        if (now.venue_ms - min(ARRIVES_MS, self._per_ms // 4)) // self._per_ms == index:
            self._windows[index] = max(self._windows.get(index, 0), used)

    def opens_ns(self, units: int, ceiling: int, now: Now) -> int:
        self._land(now)
        first = (now.venue_ms - SKEW_MS) // self._per_ms
        looks = (now.venue_ms, *(index * self._per_ms + SKEW_MS for index in range(first + 1, first + 4)))
        for venue_ms in looks:
            if all(self._windows.get(index, 0) + units <= ceiling for index in self._span(venue_ms)):
                return (venue_ms - now.venue_ms) * MS
        return self._per_ms * MS

    def _span(self, venue_ms: int) -> range:
        """The windows in which what leaves now may be counted."""
        return range((venue_ms - SKEW_MS) // self._per_ms, (venue_ms + ARRIVES_MS + SKEW_MS) // self._per_ms + 1)

    def _land(self, now: Now) -> None:
        for number in [one for one, flight in self._flights.items() if _landed(flight, now)]:
            del self._flights[number]
        first = (now.venue_ms - SKEW_MS) // self._per_ms
        for index in [one for one in self._windows if one < first]:
            del self._windows[index]


class Sliding:
    """Any stretch of so many milliseconds."""

    def __init__(self, per_ms: int) -> None:
        self._slot_ns = max(1, per_ms * MS // SLOTS)
        self._per_ns = per_ms * MS
        self._slots: dict[int, int] = {}  # when they leave the window, in slots
        self._flights: dict[int, Flight] = {}

    def used(self, now: Now) -> int:
        self._land(now)
        return sum(self._slots.values()) + _units(self._flights)

    def take(self, number: int, units: int, now: Now) -> None:
        self._flights[number] = Flight(units, now)

    def arrived(self, number: int, now: Now) -> None:
        flight = self._flights.pop(number, None)
        if flight is not None:
            self._settle(flight.units, min(now.mono_ns, flight.left.mono_ns + ARRIVES_MS * MS))

    def told(self, used: int, now: Now) -> None:
        self._settle(max(0, used - self.used(now)), now.mono_ns)

    def opens_ns(self, units: int, ceiling: int, now: Now) -> int:
        over = self.used(now) + units - ceiling
        if over <= 0:
            return 0
        leaving = [(slot * self._slot_ns, held) for slot, held in self._slots.items()]
        leaving += [(one.left.mono_ns + ARRIVES_MS * MS + self._per_ns, one.units) for one in self._flights.values()]
        for at_ns, held in sorted(leaving):
            over -= held
            if over <= 0:
                return max(1, at_ns - now.mono_ns)
        return self._per_ns

    def _settle(self, units: int, arrived_ns: int) -> None:
        slot = (arrived_ns + self._per_ns) // self._slot_ns + 1
        self._slots[slot] = self._slots.get(slot, 0) + units

    def _land(self, now: Now) -> None:
        for number in [one for one, flight in self._flights.items() if _landed(flight, now)]:
            self.arrived(number, now)
        for slot in [one for one in self._slots if one * self._slot_ns <= now.mono_ns]:
            del self._slots[slot]


class Leaking:
    """A counter that falls evenly by `units` every `per_ms`: a decaying one, or a bucket of tokens seen from below."""

    def __init__(self, units: int, per_ms: int) -> None:
        self._rate, self._per_ns = units, per_ms * MS
        self._level, self._at_ns = 0, 0  # in units times per_ns, so that it falls by `_rate` a nanosecond, exactly
        self._flights: dict[int, Flight] = {}

    def used(self, now: Now) -> int:
        self._land(now)
        return -(-self._level // self._per_ns) + _units(self._flights)

    def take(self, number: int, units: int, now: Now) -> None:
        self._flights[number] = Flight(units, now)

    def arrived(self, number: int, now: Now) -> None:
        flight = self._flights.pop(number, None)
        if flight is not None:
            self._fall(now.mono_ns)
            self._level += flight.units * self._per_ns

    def told(self, used: int, now: Now) -> None:
        self._level += max(0, used - self.used(now)) * self._per_ns

    def opens_ns(self, units: int, ceiling: int, now: Now) -> int:
        self._land(now)
        over = self._level + (_units(self._flights) + units - ceiling) * self._per_ns
        if over <= 0:
            return 0
        if over <= self._level:
            return -(-over // self._rate)
        first_ns = min(one.left.mono_ns for one in self._flights.values()) + ARRIVES_MS * MS if self._flights else 0
        return max(1, first_ns - now.mono_ns) if self._flights else self._per_ns

    def _fall(self, mono_ns: int) -> None:
        if mono_ns > self._at_ns:
            self._level = max(0, self._level - (mono_ns - self._at_ns) * self._rate)
            self._at_ns = mono_ns

    def _land(self, now: Now) -> None:
        for number in [one for one, flight in self._flights.items() if _landed(flight, now)]:
            self.arrived(number, now)
        self._fall(now.mono_ns)


def _landed(flight: Flight, now: Now) -> bool:
    return now.mono_ns >= flight.left.mono_ns + ARRIVES_MS * MS


def _units(flights: dict[int, Flight]) -> int:
    return sum(flight.units for flight in flights.values())
