"""How far a venue's clock is from ours, from readings of both; pure arithmetic: it never asks for the time itself."""

from __future__ import annotations

from collections import deque
from statistics import median_low

from msgspec import Struct

READINGS_MAX = 9  # the latest so many count: enough to outvote liars, few enough to follow a drifting clock
JUMP_MS = 500  # a wall clock that parts from the monotonic one by more has been moved


class Reading(Struct, frozen=True):
    """One question for the venue's time; ours by the monotonic clock, so that a moved wall clock changes nothing."""

    sent_ns: int
    received_ns: int
    venue_ms: int
    step_ms: int = 1  # in which the venue tells its time: what it says may be this much old

    @property
    def offset_ns(self) -> int:
        """As if the venue had told the middle of its step; whole milliseconds are taken as they are."""
        middle_ns = (self.step_ms - 1) * 500_000
        return self.venue_ms * 1_000_000 + middle_ns - (self.sent_ns + self.received_ns) // 2

    @property
    def uncertainty_ns(self) -> int:
        """The venue read its clock at some moment between our two, so half the round trip either way, and its step."""
        return (self.received_ns - self.sent_ns) // 2 + self.step_ms * 1_000_000


class Offset:
    """The median of the latest readings, without those that the median proves wrong."""

    def __init__(self, readings_max: int = READINGS_MAX) -> None:
        self._readings: deque[Reading] = deque(maxlen=readings_max)
        self._doubted = False
        self._settle()

    def __repr__(self) -> str:
        if not self._readings:
            return "<Offset unknown>"
        doubt = ", in doubt" if self._doubted else ""
        return f"<Offset {self.offset_ms} ms ± {self.uncertainty_ms} ms from {self.count} readings{doubt}>"

    def add(self, reading: Reading) -> None:
        if reading.received_ns < reading.sent_ns:
            return  # the reply came before the question: our clock was moved in between, and the reading says nothing
        if self._doubted:
            self._readings.clear()
            self._doubted = False
        self._readings.append(reading)
        self._settle()

    def doubt(self) -> None:
        """A clock was moved or the machine slept: what is known serves until the next reading, which replaces it."""
        self._doubted = True

    @property
    def is_known(self) -> bool:
        return bool(self._readings)

    @property
    def is_doubted(self) -> bool:
        return self._doubted

    @property
    def offset_ms(self) -> int:
        """The venue's clock minus our monotonic one."""
        return self._offset_ns // 1_000_000

    @property
    def uncertainty_ms(self) -> int:
        return -(-self._uncertainty_ns // 1_000_000)  # rounded up: it is a bound

    @property
    def count(self) -> int:
        """How many readings speak for the offset, dropped ones not counted."""
        return self._count

    def venue_ms(self, mono_ns: int) -> int:
        """The venue's clock at that moment of ours."""
        return (mono_ns + self._offset_ns) // 1_000_000

    def wall_error_ms(self, mono_ns: int, wall_ns: int) -> int:
        """How far our wall clock is ahead of the venue's: for telling the user."""
        return wall_ns // 1_000_000 - self.venue_ms(mono_ns)

    def _settle(self) -> None:
        self._offset_ns = self._uncertainty_ns = self._count = 0
        if not self._readings:
            return
        middle_ns = median_low(reading.offset_ns for reading in self._readings)
        slack_ns = min(r.uncertainty_ns for r in self._readings if r.offset_ns == middle_ns)
        kept = [r for r in self._readings if abs(r.offset_ns - middle_ns) <= r.uncertainty_ns + slack_ns]
        best = min(kept, key=lambda reading: reading.uncertainty_ns)
        self._offset_ns = median_low(reading.offset_ns for reading in kept)
        # The truth lies within the best reading's bounds, so this far from the median at most.
        self._uncertainty_ns = best.uncertainty_ns + abs(self._offset_ns - best.offset_ns)
        self._count = len(kept)
        self._narrow(kept)

    def _narrow(self, kept: list[Reading]) -> None:
        """A clock told in long steps: every reading bounds the offset, and bounds from different phases close in."""
        least_ns = max(r.venue_ms * 1_000_000 - r.received_ns for r in kept)
        most_ns = min((r.venue_ms + r.step_ms) * 1_000_000 - r.sent_ns for r in kept)
        if kept[0].step_ms > 1 and least_ns <= most_ns:
            self._offset_ns, self._uncertainty_ns = (least_ns + most_ns) // 2, (most_ns - least_ns) // 2


class Parting:
    """Tells when the wall clock parted from the monotonic one: it was set, or the machine slept."""

    def __init__(self, mono_ns: int, wall_ns: int) -> None:
        self._apart_ns = wall_ns - mono_ns

    def moved_ms(self, mono_ns: int, wall_ns: int) -> int:
        """By how much since it last told, or 0; slow drift is followed and never told."""
        apart_ns = wall_ns - mono_ns
        moved_ms = (apart_ns - self._apart_ns) // 1_000_000
        self._apart_ns = apart_ns
        return moved_ms if abs(moved_ms) > JUMP_MS else 0
