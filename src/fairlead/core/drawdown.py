"""How far an account fell below its highest worth; the peak comes from the journal, so that a restart forgets it not.

It reads what it is handed and judges nothing. A withdrawal looks like a loss: whoever takes money out lowers the peak
by hand."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from fairlead.core.facts import AnyFact, Peaked
from fairlead.model.numbers import EXACT

STEP_BPS = 10  # a new peak is written down when it is this much above the last one: not a line for every tick
SHOWN = Decimal("0.01")  # percent


class Drawdown:
    """Equity is the account's worth in one asset, as the user's program or the venue reckons it."""

    def __init__(self) -> None:
        self.peak: Decimal | None = None
        self.equity: Decimal | None = None
        self._written: Decimal | None = None

    def apply(self, fact: AnyFact) -> None:
        if isinstance(fact, Peaked):
            self._written = fact.equity
            self.peak = fact.equity if fact.by_hand or self.peak is None else max(self.peak, fact.equity)

    def read(self, equity: Decimal) -> bool:
        """Takes a reading; whether the peak is to be written down."""
        self.equity = equity
        if self.peak is None or equity > self.peak:
            self.peak = equity
        least = EXACT.multiply(self._written or Decimal(0), 1 + Decimal(STEP_BPS) / 10_000)
        return self._written is None or self.peak >= max(least, EXACT.next_plus(self._written))

    @property
    def percent(self) -> Decimal | None:
        """How far below the peak, in percent of it; None: nothing was read, or there was nothing to lose."""
        if self.equity is None or self.peak is None or self.peak <= 0:
            return None
        return EXACT.divide(EXACT.multiply(EXACT.subtract(self.peak, self.equity), Decimal(100)), self.peak)

    def __repr__(self) -> str:
        percent = self.percent
        fallen = "nothing read" if percent is None else f"{percent.quantize(SHOWN, ROUND_HALF_EVEN, EXACT)} % below"
        return f"<Drawdown {fallen} {self.peak}>"
