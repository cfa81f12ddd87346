"""An order that may or may not be at the venue: when to look next, and when absence is proven; it never gives up.

Not before the fence is over, with the time the venue's engine may still act on what it holds and the time its readings
may trail its truth. Then two complete readings, apart, neither of which shows it: one reading may have come from a
mirror that lags, and a list that was cut short says nothing of what is not on it."""

from __future__ import annotations

from msgspec import Struct

from fairlead.model.orders import OrderReport
from fairlead.wire.venue import Settle

LOOKS_MS = (250, 750, 2_000, 4_000, 8_000)  # waits before each look; the last one goes on
CHANGE_LOOKS_MS = (2_000, 4_000, 8_000)  # of a change: the stream tells most of them, and no risk waits for it
APART_MS = 1_000  # between the end of one reading that counts and the beginning of the next
READINGS = 2


class Sighting(Struct, frozen=True, kw_only=True):
    """What one look brought. `complete`: every question was answered, every list read to its end, and every fill since
    the order was sent belongs to an order that is known to be another."""

    began_ms: int  # on the venue's clock: before the first question left
    ended_ms: int
    wide: bool = False  # everything was asked, not only for the order itself
    complete: bool = False
    report: OrderReport | None = None
    said: str = ""  # what was read, for the record


class Doubt:
    """`until_ms` is the fence of the last attempt, 0 if it had none: then only its being found ends the doubt.
    `slack_ms` is how wrong our idea of the venue's clock may be."""

    def __init__(self, settle: Settle, *, asked_ms: int, until_ms: int, slack_ms: int = 0, can_prove: bool = True):
        self.until_ms = until_ms
        self.can_prove = can_prove and until_ms > 0
        self.settled_ms = until_ms + settle.engine_ms + settle.lag_ms + slack_ms if self.can_prove else 0
        self.looks = 0
        self.due_ms = asked_ms + LOOKS_MS[0]
        self._clean: list[Sighting] = []

    def is_due(self, now_ms: int) -> bool:
        return now_ms >= self.due_ms

    def is_wide(self, now_ms: int) -> bool:
        """Whether a look that begins now should ask everything: it may be part of the proof."""
        return self.can_prove and now_ms >= self.settled_ms

    def take(self, sighting: Sighting) -> str:
        """The evidence, once absence is proven; "" until then. Whoever found the order asks no more."""
        self.looks += 1
        if self._counts(sighting):
            self._clean.append(sighting)
        elif sighting.report is not None:
            self._clean.clear()  # the readings contradict each other: begin anew
        self._plan(sighting)
        if len(self._clean) < READINGS:
            return ""
        first, last = self._clean[0], self._clean[-1]
        return (
            f"{len(self._clean)} complete readings, {first.began_ms - self.until_ms} ms and "
            f"{last.began_ms - self.until_ms} ms after its fence, do not know it: {last.said}"
        )

    def _counts(self, sighting: Sighting) -> bool:
        if not (sighting.wide and sighting.complete and sighting.report is None):
            return False
        if not self.is_wide(sighting.began_ms):
            return False
        return not self._clean or sighting.began_ms >= self._clean[-1].ended_ms + APART_MS

    def _plan(self, sighting: Sighting) -> None:
        wait_ms = LOOKS_MS[min(self.looks, len(LOOKS_MS) - 1)]
        due_ms = sighting.ended_ms + (APART_MS if self._clean else wait_ms)
        if self.can_prove and sighting.ended_ms < self.settled_ms < due_ms:
            due_ms = self.settled_ms
        self.due_ms = due_ms

    def __repr__(self) -> str:
        proof = f"provable from {self.settled_ms}" if self.can_prove else "absence cannot be proven"
        return f"<Doubt after {self.looks} looks, {len(self._clean)} clean, next at {self.due_ms}, {proof}>"


class ChangeDoubt:
    """A cancel or an amendment of which nobody knows what became of it: judged by the order as a reading shows it that
    began when the change could no longer be under way."""

    def __init__(self, settle: Settle, *, sent_ms: int, until_ms: int = 0, slack_ms: int = 0) -> None:
        over_ms = max(until_ms, sent_ms + settle.fence_ms)
        self.settled_ms = over_ms + settle.engine_ms + settle.lag_ms + slack_ms
        self.due_ms = sent_ms + CHANGE_LOOKS_MS[0]
        self.looks = 0

    def is_due(self, now_ms: int) -> bool:
        return now_ms >= self.due_ms

    def take(self, sighting: Sighting) -> bool:
        """Whether what this reading shows is the truth for good: a change that it does not show was not made."""
        self.looks += 1
        self.due_ms = sighting.ended_ms + CHANGE_LOOKS_MS[min(self.looks, len(CHANGE_LOOKS_MS) - 1)]
        if sighting.ended_ms < self.settled_ms < self.due_ms:
            self.due_ms = self.settled_ms
        return sighting.report is not None and sighting.began_ms >= self.settled_ms

    def __repr__(self) -> str:
        return f"<ChangeDoubt after {self.looks} looks, next at {self.due_ms}, settled from {self.settled_ms}>"
