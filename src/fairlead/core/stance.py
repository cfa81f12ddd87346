"""What a position must be: what it was when it was first read, and every fill since; it reads nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from fairlead.core.reconcile import MS, Quarrel, Shown
from fairlead.model.account import Position
from fairlead.model.numbers import EXACT
from fairlead.model.orders import BUY, Fill
from fairlead.model.symbols import parse

Leg = tuple[str, str]  # symbol, and the side of a two-sided account
ZERO = Decimal(0)


class Stance:
    """Of one account. A reading that does not agree with the fills is disputed; said a second time, with all fills read
    in between, it is the truth: the venue moved the position itself, or another hand did."""

    def __init__(self) -> None:
        self._held: dict[Leg, Decimal] = {}  # what a reading showed, agreed
        self._moved: dict[Leg, Decimal] = {}  # by fills since
        self._moved_ns: dict[Leg, int] = {}
        self._claimed: dict[Leg, Decimal] = {}  # shown once, against our sum

    def traded(self, fill: Fill, at_ns: int, pos_side: str = "") -> None:
        leg = (fill.symbol, pos_side)
        signed = fill.qty if fill.side == BUY else -fill.qty
        self._moved[leg] = EXACT.add(self._moved.get(leg, ZERO), signed)
        self._moved_ns[leg] = at_ns

    def judge(self, qtys: Mapping[Leg, Decimal], shown: Shown) -> Iterator[Quarrel]:
        """`qtys` is a whole reading: what is not in it is 0. A leg that moved within the reading's lag is let be."""
        for leg in sorted({*qtys, *self._held, *self._moved}):
            if parse(leg[0]).kind == "spot" or self._is_fresh(leg, shown):
                continue
            qty, moved = qtys.get(leg, ZERO), self._moved.get(leg, ZERO)
            expected = EXACT.add(self._held.get(leg, EXACT.subtract(qty, moved)), moved)
            claimed = self._claimed.pop(leg, None)
            if qty in (expected, claimed):
                self._hold(leg, qty)
            else:
                self._claimed[leg] = qty
                yield Quarrel(leg[0], f"the venue shows a position of {qty}, our fills make it {expected}")

    def learn(self, symbol: str, qty: Decimal, shown: Shown) -> None:
        """What is held of a spot market's base: it also moves without trades, so nothing is disputed."""
        if not self._is_fresh((symbol, ""), shown):
            self._hold((symbol, ""), qty)

    def begin(self, symbol: str, qty: Decimal) -> None:
        """What is held of a market's base that nothing was known of yet."""
        if (symbol, "") not in self._held:
            self._held[symbol, ""] = EXACT.subtract(qty, self._moved.get((symbol, ""), ZERO))

    def positions(self, venue: str) -> tuple[Position, ...]:
        """As they are with exactly the fills that we know of."""
        legs = sorted({*self._held, *self._moved})
        return tuple(
            Position(
                venue=venue,
                symbol=symbol,
                qty=EXACT.add(self._held.get((symbol, side), ZERO), self._moved.get((symbol, side), ZERO)),
                pos_side=side,
            )
            for symbol, side in legs
        )

    def _hold(self, leg: Leg, qty: Decimal) -> None:
        self._held[leg] = qty
        self._moved.pop(leg, None)

    def _is_fresh(self, leg: Leg, shown: Shown) -> bool:
        return self._moved_ns.get(leg, 0) + shown.lag_ms * MS > shown.began_ns

    def __repr__(self) -> str:
        return f"<Stance of {len(self._held)} legs, {len(self._claimed)} disputed>"
