"""How long to wait before the next try; it never waits itself and never believes a success that did not last."""

from __future__ import annotations

from fairlead.wire.face import Rng

SETTLED_MS = 10_000  # a connection that lived shorter proves nothing
_MOST_DOUBLINGS = 40


class Backoff:
    """Full jitter: any wait between the floor and a ceiling that doubles with each try, up to `most_ms`.

    The jitter spreads many clients that lost the same venue at once; the floor keeps an unlucky draw from being none.
    Only a connection that lived for `settled_ms`, and for as long as the ceiling, starts the ceiling anew: whoever is
    accepted and thrown out again waits longer each time."""

    def __init__(self, first_ms: int, most_ms: int, rng: Rng, settled_ms: int = SETTLED_MS) -> None:
        if not 0 < first_ms <= most_ms:
            raise ValueError(f"waits must grow from {first_ms} ms to {most_ms} ms")
        self.tries = 0
        self._first_ms, self._most_ms, self._settled_ms = first_ms, most_ms, settled_ms
        self._rng = rng

    @property
    def ceiling_ms(self) -> int:
        """The longest that the next wait can be."""
        return min(self._most_ms, self._first_ms << min(self.tries, _MOST_DOUBLINGS))

    def next_ms(self) -> int:
        """One more try has failed: the wait before the next."""
        wait_ms = round(self._rng.uniform(self._first_ms / 2, self.ceiling_ms))
        self.tries += 1
        return max(1, wait_ms)

    def worked(self, lived_ms: float) -> None:
        """A try succeeded, and what it opened lived this long."""
        if lived_ms >= max(self._settled_ms, self.ceiling_ms):
            self.tries = 0

    def __repr__(self) -> str:
        return f"<Backoff after {self.tries} tries: at most {self.ceiling_ms} of {self._most_ms} ms>"
