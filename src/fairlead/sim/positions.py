"""What an account of the simulator holds of derivatives: size, entry, what was realised, leverage; exact, no orders.

A position keeps what it cost, not its average price, so that what is realised in parts adds up to the last digit."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TypeAlias

from msgspec import Struct

from fairlead.model.account import Leverage, Position
from fairlead.model.instrument import Instrument
from fairlead.model.numbers import EXACT
from fairlead.sim.purse import ZERO

Name: TypeAlias = tuple[str, str, str]  # symbol, side ("": one-sided), margin
CENT = Decimal("1e-8")  # what cannot be divided evenly is cut here
LEVERAGE = Decimal(10)
LEVERAGE_MOST = Decimal(100)


def cut(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_DOWN, EXACT)


def worth(instrument: Instrument, price: Decimal, qty: Decimal) -> Decimal:
    """In the asset it is settled in; a quantity of spot or of contracts, as it is."""
    size = EXACT.multiply(qty, instrument.contract_size)
    return cut(EXACT.divide(size, price)) if instrument.parts.inverse else EXACT.multiply(size, price)


class Held(Struct):
    instrument: Instrument
    qty: Decimal = ZERO  # signed
    cost: Decimal = ZERO  # what the contracts now held were worth when they were taken

    @property
    def entry(self) -> Decimal | None:
        if not self.qty:
            return None
        size = EXACT.multiply(abs(self.qty), self.instrument.contract_size)
        return cut(EXACT.divide(size, self.cost) if self.instrument.parts.inverse else EXACT.divide(self.cost, size))

    def gain(self, now: Decimal, then: Decimal) -> Decimal:
        """Between two worths of a long of it; an inverse contract gains when its worth in coin falls."""
        up = (self.qty > 0) != self.instrument.parts.inverse
        return EXACT.subtract(now, then) if up else EXACT.subtract(then, now)

    def fill(self, qty: Decimal, price: Decimal) -> Decimal:
        """A fill of so many contracts, signed; what it realises."""
        realised = ZERO
        if self.qty and (self.qty > 0) != (qty > 0):
            closed = min(abs(qty), abs(self.qty))
            share = EXACT.divide(EXACT.multiply(self.cost, closed), abs(self.qty))
            released = self.cost if closed == abs(self.qty) else cut(share)
            realised = self.gain(worth(self.instrument, price, closed), released)
            self.cost = EXACT.subtract(self.cost, released)
            towards = closed if qty > 0 else EXACT.minus(closed)
            self.qty, qty = EXACT.add(self.qty, towards), EXACT.subtract(qty, towards)
        self.qty = EXACT.add(self.qty, qty)
        self.cost = EXACT.add(self.cost, worth(self.instrument, price, abs(qty)))
        return realised


class Positions:
    def __init__(self) -> None:
        self._held: dict[Name, Held] = {}
        self._leverages: dict[Name, Decimal] = {}
        self._touched: dict[Name, None] = {}

    def __bool__(self) -> bool:
        return any(held.qty for held in self._held.values())

    def qty(self, name: Name) -> Decimal:
        return self._held[name].qty if name in self._held else ZERO

    def cost(self, name: Name) -> Decimal:
        return self._held[name].cost if name in self._held else ZERO

    def fill(self, name: Name, instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
        self._touched[name] = None
        return self._held.setdefault(name, Held(instrument)).fill(qty, price)

    def touch(self, name: Name) -> None:
        """It is told of although its size is the same."""
        self._touched[name] = None

    def names(self, symbol: str = "") -> list[Name]:
        """Of those that are not closed."""
        return [name for name, held in self._held.items() if held.qty and symbol in ("", name[0])]

    def leverage(self, name: Name) -> Decimal:
        return self._leverages.get(name, LEVERAGE)

    def set_leverage(self, name: Name, leverage: Decimal) -> Leverage:
        self._leverages[name] = leverage
        return self.lever(name)

    def lever(self, name: Name) -> Leverage:
        symbol, side, margin = name
        return Leverage(symbol=symbol, leverage=self.leverage(name), margin=margin, pos_side=side)

    def changed(self) -> tuple[Name, ...]:
        touched, self._touched = self._touched, {}
        return tuple(touched)

    def told(self, name: Name, venue: str, mark: Decimal, venue_ns: int) -> Position:
        """The position as the venue tells it, at a mark price."""
        held, (symbol, side, margin) = self._held[name], name
        return Position(
            venue=venue, symbol=symbol, qty=held.qty, pos_side=side, margin=margin, entry=held.entry, mark=mark,
            unrealised=held.gain(worth(held.instrument, mark, abs(held.qty)), held.cost) if held.qty else ZERO,
            leverage=self.leverage(name), venue_ns=venue_ns,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Positions: {len(self.names())} open>"
