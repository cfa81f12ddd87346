"""One venue's time as this machine knows it: our monotonic clock plus the measured distance; it asks nobody itself."""

from __future__ import annotations

from fairlead.engine.nonces import Nonces
from fairlead.io.offset import Offset, Parting, Reading
from fairlead.wire.face import Clock
from fairlead.wire.signing import Stamp

MS = 1_000_000
DOUBT_MS = 5_000  # a doubt so soon after a reading is none of the clock's: a request was slow


class VenueTime:
    """`ahead_ns` is what to add to our monotonic clock; until it is measured, our own wall clock serves."""

    def __init__(self, clock: Clock, nonces: Nonces | None = None) -> None:
        self.clock = clock
        self.offset = Offset()
        self.ahead_ns = clock.wall_ns() - clock.mono_ns()
        self._parting = Parting(clock.mono_ns(), clock.wall_ns())
        self.nonces = nonces or Nonces()
        self._heard_ns = 0  # when the last reading came
        self._doubted = self._is_asked = False

    def now_ns(self) -> int:
        return self.clock.mono_ns() + self.ahead_ns

    def stamp(self) -> Stamp:
        mono_ns = self.clock.mono_ns()
        now_ns = mono_ns + self.ahead_ns
        return Stamp(mono_ns=mono_ns, venue_ms=now_ns // MS, nonce=self.nonces.next(now_ns // 1000))

    def heard(self, sent_ns: int, received_ns: int, venue_ms: int, step_ms: int = 1) -> None:
        """The venue told its time in answer to a question sent and answered at these monotonic moments."""
        reading = Reading(sent_ns, received_ns, venue_ms, step_ms)
        if self._doubted and self._contradicts(reading):
            self.offset.doubt()
        self._doubted, self._heard_ns = False, received_ns
        self.offset.add(reading)
        if self.offset.is_known:
            self.ahead_ns = self.offset.offset_ms * MS

    def doubt(self) -> None:
        """The venue refused a time of ours: measured again, and a reading that cannot be with the others replaces
        them. A deadline that was merely missed thus costs a reading, and no precision."""
        if self.clock.mono_ns() - self._heard_ns > DOUBT_MS * MS:
            self._doubted = self._is_asked = True

    def jumped(self) -> bool:
        """Whether to measure again, told once: our wall clock was moved (or the machine slept), or there is a doubt."""
        is_asked, self._is_asked = self._is_asked, False
        if self._parting.moved_ms(self.clock.mono_ns(), self.clock.wall_ns()) == 0:
            return is_asked
        self.offset.doubt()
        return True

    def _contradicts(self, reading: Reading) -> bool:
        apart_ns = abs(reading.offset_ns - self.offset.offset_ms * MS)
        return apart_ns > reading.uncertainty_ns + self.offset.uncertainty_ms * MS

    def __repr__(self) -> str:
        return f"<VenueTime {self.offset!r}>"
