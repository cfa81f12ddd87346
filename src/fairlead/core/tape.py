"""The trades of one symbol in order and once each: doubles are dropped, holes are found and mended from REST.

It holds live trades back while a hole is being filled, so that order is kept; it fetches nothing itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import IntEnum

from fairlead.model.market import Trade

REMEMBERED = 4_096  # ids known again after a reconnect
VAIN_MOST = 5  # jumps of the ids in a row behind which nothing was missing
ID_MOST_DIGITS = 32  # of a number that rises; longer is no number of a trade
HELD_MOST = 10_000  # trades held back while a hole is filled; what comes then is a hole again, to be filled next


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
        self._number: int | None = None  # of the last
        self.missing = 0  # trades known to be lost for good

    def take(self, trade: Trade) -> Heard:
        if trade.id in self._ids:
            return Heard.AGAIN
        apart = self._apart(trade)
        if apart is not None and self._is_old(trade, apart):
            return Heard.AGAIN
        if self._held is not None:
            if len(self._held) < HELD_MOST:
                self._held.append(trade)
            else:
                self._suspect = True
            return Heard.HELD
        if (apart is not None and apart > 0) or (self._suspect and apart != 0):
            self._held, self._suspect = [trade], False
            return Heard.HOLE
        self._suspect = False
        self._note(trade)
        return Heard.NEW

    def knows(self, trade: Trade) -> bool:
        """It was heard before: whatever else is odd about it now, it is only a repetition."""
        return trade.id in self._ids

    def doubt(self) -> None:
        """The wire was cut: whatever comes next may have something missing before it."""
        self._suspect = self.last is not None

    def hold(self) -> None:
        """What comes from now on waits for the next `supply`."""
        if self._held is None:
            self._held, self._suspect = [], False

    def supply(self, fetched: Sequence[Trade]) -> list[Trade]:
        """What may be published now, in order: the trades that were missed and those held back."""
        held, self._held = self._held or [], None
        waiting, folded = {trade.id for trade in held}, [trade for trade in held if trade.count > 1]
        missed = [
            trade
            for trade in fetched
            if self._is_news(trade) and trade.id not in waiting and not any(_folds(one, trade) for one in folded)
        ]
        asked_for_hole = bool(held and self._hole_before(held[0]) and fetched)
        missing, ready = self.missing, []
        for trade in sorted([*missed, *held], key=self._place):
            if trade.id not in self._ids:
                self.missing += self._hole_before(trade)
                self._note(trade)
                ready.append(trade)
        if asked_for_hole:  # what came late by itself filled it as well as what was fetched
            self._learn(useful=bool(missed) or self.missing == missing)
        return ready

    def _learn(self, *, useful: bool) -> None:
        """Ids that jump though nothing is missing are not consecutive after all: stop asking for what is not there."""
        self._vain = 0 if useful else self._vain + 1
        self._consecutive = self._consecutive and self._vain < VAIN_MOST

    @property
    def held(self) -> tuple[Trade, ...]:
        """What waits behind the hole."""
        return tuple(self._held or ())

    @property
    def filling(self) -> bool:
        return self._held is not None

    def _is_news(self, trade: Trade) -> bool:
        """Neither heard nor from before the last one heard."""
        if self.last is None:
            return True
        apart = self._apart(trade)
        is_old = trade.venue_ns < self.last.venue_ns or (apart is not None and self._is_old(trade, apart))
        return not is_old and trade.id not in self._ids

    def _apart(self, trade: Trade) -> int | None:
        """How many ids lie between the last trade and this one; None: the ids cannot tell."""
        if not self._consecutive or self._number is None:
            return None
        number = _number(trade)
        return None if number is None else number - trade.count - self._number

    def _hole_before(self, trade: Trade) -> int:
        return max(0, self._apart(trade) or 0)

    def _is_old(self, trade: Trade, apart: int) -> bool:
        """By its id, and not newer by its time: a venue that counts anew is believed."""
        return apart + trade.count <= 0 and self.last is not None and trade.venue_ns <= self.last.venue_ns

    def _place(self, trade: Trade) -> tuple[int, int]:
        """By number, those of a venue that counts anew last: the same time is told finer here and coarser there. Where
        ids cannot tell, by time, and trades of one moment stay as they came."""
        number = _number(trade) if self._consecutive else None
        if number is None:
            return (0, trade.venue_ns)
        return (int(self._number is not None and number <= self._number), number)

    def _note(self, trade: Trade) -> None:
        self.last, self._number = trade, _number(trade)
        self._ids.add(trade.id)
        self._order.append(trade.id)
        if len(self._order) > REMEMBERED:
            self._ids.discard(self._order.popleft())

    def __repr__(self) -> str:
        held = f", {len(self._held)} held" if self._held is not None else ""
        return f"<Tape at {self.last.id if self.last else 'its beginning'}{held}>"


def _number(trade: Trade) -> int | None:
    return int(trade.id) if trade.id.isdecimal() and len(trade.id) <= ID_MOST_DIGITS else None


def _folds(one: Trade, other: Trade) -> bool:
    """Whether the other is one of the trades folded into this one."""
    last, number = _number(one), _number(other)
    return last is not None and number is not None and 0 <= last - number < one.count
