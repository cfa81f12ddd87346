"""What was traded today and how fast orders were wanted, counted from the journal's facts, so that a restart forgets
neither; days are UTC days on the venue's clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from fairlead.core.facts import AmendSent, AnyFact, Intended, Traded
from fairlead.core.limits import RATE_MOST
from fairlead.core.worth import worth
from fairlead.errors import RiskRefused
from fairlead.model.instrument import Instrument
from fairlead.model.numbers import EXACT
from fairlead.model.symbols import parse

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
ZERO = Decimal(0)


class Tally:
    """Of one account; it is told all its facts, in the order of the journal."""

    def __init__(self) -> None:
        self._day = 0
        self._traded: dict[str, tuple[Decimal, Decimal]] = {}  # symbol -> sum of quantities, sum of quantity * price
        self._fills: set[tuple[str, str, str]] = set()  # today's: the journal tells one again when its fee was learnt
        self._wanted_ns: deque[int] = deque(maxlen=RATE_MOST)

    def apply(self, fact: AnyFact) -> None:
        if isinstance(fact, Intended | AmendSent):
            self._wanted_ns.append(fact.at_ns)
            while self._wanted_ns[0] <= fact.at_ns - MINUTE_NS:
                self._wanted_ns.popleft()
        elif isinstance(fact, Traded):
            self._count(fact)

    def _count(self, fact: Traded) -> None:
        fill = fact.fill
        day = (fill.venue_ns or fact.at_ns) // DAY_NS
        if day > self._day:
            self._day, self._traded, self._fills = day, {}, set()
        name = (fill.symbol, fill.order_id, fill.id)
        if day == self._day and name not in self._fills:  # a fill of an earlier day, told late, is none of today's
            self._fills.add(name)
            qty, cost = self._traded.get(fill.symbol, (ZERO, ZERO))
            more = EXACT.multiply(fill.qty, fill.price)
            self._traded[fill.symbol] = EXACT.add(qty, fill.qty), EXACT.add(cost, more)

    def traded(self, quote: str, now_ns: int, listed: Callable[[str], Instrument | None]) -> Decimal:
        """Today's sum in one quote asset, over all symbols that are counted in it."""
        total = ZERO
        for symbol, (qty, cost) in self._traded.items() if now_ns // DAY_NS <= self._day else ():
            if parse(symbol).quote == quote:
                total = EXACT.add(total, _worth(symbol, qty, cost, listed(symbol)))
        return total

    def in_second(self, now_ns: int) -> int:
        return self._since(now_ns - SECOND_NS)

    def in_minute(self, now_ns: int) -> int:
        return self._since(now_ns - MINUTE_NS)

    def _since(self, ns: int) -> int:
        """What lies in the future counts: our idea of the venue's clock may have stepped back."""
        count = 0
        for at_ns in reversed(self._wanted_ns):
            if at_ns <= ns:
                break
            count += 1
        return count

    def __repr__(self) -> str:
        return f"<Tally of {len(self._traded)} symbols traded, {len(self._wanted_ns)} orders wanted of late>"


def _worth(symbol: str, qty: Decimal, cost: Decimal, instrument: Instrument | None) -> Decimal:
    if instrument is None and parse(symbol).kind != "spot":
        raise RiskRefused(
            f"The limit day_notional cannot be judged: {symbol} was traded today and is not listed any more.",
            known="what a contract of it is worth is not known",
            next="wait for the next UTC day, or take the limit away",
        )
    if instrument is None:
        return cost
    per_unit = worth(instrument, Decimal(1), Decimal(1)) or ZERO
    return EXACT.multiply(qty if instrument.parts.inverse else cost, per_unit)
