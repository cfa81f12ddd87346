"""What an account of the simulator owns, asset by asset, and what of it is held for orders; exact to the last digit.

It never asks why something moves: whoever moves it has checked, and writes it into the ledger of truth."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from fairlead.model.account import Balance
from fairlead.model.numbers import EXACT

ZERO = Decimal(0)


class Purse:
    def __init__(self, owned: Iterable[tuple[str, Decimal]]) -> None:
        self._totals = dict(owned)
        self._held: dict[str, Decimal] = {}
        self._holds: dict[str, tuple[str, Decimal]] = {}  # by what it is held for: an order's id, a position's name
        self._touched: dict[str, None] = {}

    def total(self, asset: str) -> Decimal:
        return self._totals.get(asset, ZERO)

    def free(self, asset: str) -> Decimal:
        return EXACT.subtract(self.total(asset), self._held.get(asset, ZERO))

    def move(self, asset: str, amount: Decimal) -> None:
        """So much comes in, or goes out below zero."""
        self._totals[asset] = EXACT.add(self.total(asset), amount)
        self._touched[asset] = None

    def hold(self, what: str, asset: str, amount: Decimal) -> None:
        """From now on so much is held for it, whatever was before; 0: nothing."""
        before = self._holds.pop(what, (asset, ZERO))
        if before == (asset, amount):
            if amount:
                self._holds[what] = before
            return
        for name, more in ((before[0], EXACT.minus(before[1])), (asset, amount)):
            self._held[name] = EXACT.add(self._held.get(name, ZERO), more)
            self._touched[name] = None
        if amount:
            self._holds[what] = (asset, amount)

    def held(self, what: str) -> Decimal:
        return self._holds.get(what, ("", ZERO))[1]

    def balances(self) -> tuple[Balance, ...]:
        return tuple(self._balance(asset) for asset in self._totals)

    def changed(self) -> tuple[Balance, ...]:
        """What may have changed since this was last asked."""
        touched, self._touched = self._touched, {}
        return tuple(self._balance(asset) for asset in touched if asset)  # what held nothing names none

    def _balance(self, asset: str) -> Balance:
        return Balance(asset, self.total(asset), self.free(asset))

    def __repr__(self) -> str:
        return f"<Purse of {len(self._totals)} assets, {len(self._holds)} holds>"
