"""What this machine does to us, told as health: names it cannot resolve, a loop that stands still; it mends none."""

from __future__ import annotations

from collections.abc import Callable

from fairlead.io.names import Names
from fairlead.io.stall import Stall, StallWatch
from fairlead.model import events
from fairlead.wire.face import Clock


class Machine:
    """Of one session. `venue` of what it tells is "": it is nobody's fault but ours."""

    def __init__(self, clock: Clock, names: Names) -> None:
        self._clock, self._names = clock, names
        self._tell: Callable[[events.Health], None] = lambda event: None
        self._watch: StallWatch | None = None

    def begin(self, tell: Callable[[events.Health], None]) -> None:
        """In the loop that is to be watched."""
        self._tell, self._names.tell = tell, self._old_name
        self._watch = StallWatch(self._clock, self._stalled)

    def end(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _old_name(self, host: str, age_s: float) -> None:
        self._tell(events.OldName(venue="", at_ns=self._clock.wall_ns(), host=host, age_ms=age_s * 1_000))

    def _stalled(self, stall: Stall) -> None:
        self._tell(events.Stalled(venue="", at_ns=self._clock.wall_ns(), lasted_ms=stall.lasted_ms, where=stall.stack))

    def __repr__(self) -> str:
        return f"<Machine {'watched' if self._watch is not None else 'not watched'}, {self._names!r}>"
