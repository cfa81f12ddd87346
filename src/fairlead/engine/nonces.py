"""The rising number of a key's signed requests: above every one it was given before, also when the clock was set back.

A mark ahead of what is used is kept in the store, so that writing is rare; what a crash leaves unused is skipped."""

from __future__ import annotations

from fairlead.wire.face import Store

AHEAD_US = 60_000_000  # how far the mark lies ahead: one write a minute at the usual pace
MOST = 1 << 62  # no number of ours is that high: such a text is not ours


class Nonces:
    """Without a store they rise within this process alone."""

    def __init__(self, store: Store | None = None, name: str = "") -> None:
        self._store, self._name = store, name
        self._last = self._mark = self._recalled()
        self.is_kept = True  # whether the mark could be written

    def next(self, now_us: int) -> int:
        """Never the same twice."""
        self._last = max(self._last + 1, now_us)
        if self._store is not None and self._last > self._mark:
            self._keep(self._store)
        return self._last

    def doubt(self) -> None:
        """The venue has seen a higher one: another program may use this key, and has left its mark."""
        self._last = max(self._last, self._recalled())

    def _keep(self, store: Store) -> None:
        """An unwritable mark stops nobody: a number that is too low is refused by the venue, and so no danger."""
        mark = self._last + AHEAD_US
        try:
            store.write(self._name, b"%d" % mark)
        except OSError:
            self.is_kept = False  # and tried again with the next number
        else:
            self._mark, self.is_kept = mark, True

    def _recalled(self) -> int:
        text = self._store.read(self._name) if self._store is not None else None
        if text is None or not text.isdigit() or len(text) > len(str(MOST)):
            return 0
        return min(int(text), MOST)

    def __repr__(self) -> str:
        return f"<Nonces at {self._last}, {'kept' if self.is_kept else 'not kept'} up to {self._mark}>"
