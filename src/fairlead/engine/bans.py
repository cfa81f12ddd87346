"""Bans outlive the process: a venue that told us to be quiet is not asked again by the next start."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from fairlead.core.budget import Standing
from fairlead.engine.permits import Permits
from fairlead.engine.timing import MS, VenueTime
from fairlead.wire.face import Store


class Bans:
    """Until the venue's clock is measured, ours serves: a ban is then over a little early or late, never forgotten. A
    clock that was set back lengthens none: it cannot be earlier now than when it was written down."""

    def __init__(self, store: Store | None, name: str, permits: Permits, time: VenueTime) -> None:
        self._store, self._name, self._permits, self._time = store, name, permits, time
        self._kept = Standing()

    def recall(self) -> None:
        """What an earlier process was told; a text that is not ours counts as nothing."""
        text = self._store.read(self._name) if self._store is not None else None
        if text is None:
            return
        try:
            standing = msgspec.json.decode(text, type=Standing)
        except msgspec.DecodeError:
            return
        back_ms = max(0, standing.at_ms - self._now_ms)
        quiets = tuple(replace(quiet, until_ms=quiet.until_ms - back_ms) for quiet in standing.quiets)
        self._kept = Standing(quiets)
        self._permits.budgets.restore(self._kept, self._time.clock.mono_ns(), self._now_ms)

    def keep(self) -> bool:
        """Writes what has changed; False when it could not."""
        standing = self._permits.budgets.state(self._time.clock.mono_ns())
        if self._store is None or standing == self._kept:
            return True
        try:
            self._store.write(self._name, msgspec.json.encode(replace(standing, at_ms=self._now_ms)))
        except OSError:
            return False  # and tried again at the next look
        self._kept = standing
        return True

    @property
    def _now_ms(self) -> int:
        return self._time.now_ns() // MS

    def __repr__(self) -> str:
        return f"<Bans {self._name}: {len(self._kept.quiets)} kept>"
