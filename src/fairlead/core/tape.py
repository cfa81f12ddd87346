"""The trades of one symbol in order and once each: doubles are dropped, holes are found and mended from REST.

It holds live trades back while a hole is being filled, so that order is kept; it fetches nothing itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import IntEnum

from fairlead.model.market import Trade

REMEMBERED = 4_096  # ids known again after a reconnect
VAIN_MOST = 5
HELD_MOST = 10_000  # trades held back while a hole is filled; then the wait is over, whatever came of it


class Heard(IntEnum):
    NEW = 0
    AGAIN = 1  # known already
    HELD = 2  # waits until the hole before it is filled
    HOLE = 3  # a hole was found: fetch, then `supply`; the trade is held


class Tape:
    """`consecutive`: the venue's ids rise by one a trade, so that a hole shows in the ids themselves."""

    def __init__(self, *, consecutive: bool) -> None:
        self._consecutive = consecutive
        self._ids: set[str] = set()
        self._order: deque[str] = deque()
        self._held: list[Trade] | None = None
        self._suspect = False
        self._vain = 0  # fetches in a row that brought nothing
        self.last: Trade | None = None
        self.missing = 0  # trades known to be lost for good

    def take(self, trade: Trade) -> Heard:
        if trade.id in self._ids:
            return Heard.AGAIN
        if self._held is not None:
            if len(self._held) < HELD_MOST:
                self._held.append(trade)
            return Heard.HELD
        if self.last is not None and (self._suspect or self._jumps(trade)):
            self._held = [trade]
            return Heard.HOLE
        self._note(trade)
        return Heard.NEW

    def doubt(self) -> None:
        """The wire was cut: whatever comes next may have something missing before it."""
        self._suspect = self.last is not None

    def hold(self) -> None:
        """What comes from now on waits for the next `supply`."""
        self._held = self._held if self._held is not None else []

    def supply(self, fetched: Iterable[Trade]) -> list[Trade]:
        """What may be published now, in order: the trades that were missed, then those held back."""
        held, self._held, self._suspect = self._held or [], None, False
        floor = self.last.venue_ns if self.last is not None else 0
        first_held = {trade.id for trade in held}
        missed = [t for t in fetched if t.id not in self._ids and t.id not in first_held and t.venue_ns >= floor]
        out = sorted([*missed, *held], key=_place) if missed else held
        self._learn(useful=bool(missed))
        ready = []
        for trade in out:
            if trade.id not in self._ids:
                self.missing += self._hole_before(trade)
                self._note(trade)
                ready.append(trade)
        return ready

    def _learn(self, *, useful: bool) -> None:
        """Ids that jump though nothing is missing are not consecutive after all: stop asking for what is not there."""
        self._vain = 0 if useful else self._vain + 1
        self._consecutive = self._consecutive and self._vain < VAIN_MOST

    @property
    def filling(self) -> bool:
        return self._held is not None

    def _jumps(self, trade: Trade) -> bool:
        return self._hole_before(trade) > 0

    def _hole_before(self, trade: Trade) -> int:
        if not self._consecutive or self.last is None or not (trade.id.isdigit() and self.last.id.isdigit()):
            return 0
        return max(0, int(trade.id) - trade.count - int(self.last.id))

    def _note(self, trade: Trade) -> None:
        self.last = trade
        self._ids.add(trade.id)
        self._order.append(trade.id)
        if len(self._order) > REMEMBERED:
            self._ids.discard(self._order.popleft())

    def __repr__(self) -> str:
        held = f", {len(self._held)} held" if self._held is not None else ""
        return f"<Tape at {self.last.id if self.last else 'its beginning'}{held}>"


def _place(trade: Trade) -> tuple[int, int, str]:
    return (trade.venue_ns, int(trade.id) if trade.id.isdigit() else 0, trade.id)
