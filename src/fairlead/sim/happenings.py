"""What can happen in the world: frozen facts in fixed point, for mouths to put into a venue's words.

Prices and quantities are integer counts of the listing's last decimal. The first three fields say where and when."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

Level: TypeAlias = tuple[int, int]  # price, quantity
Levels: TypeAlias = tuple[Level, ...]


class Changed(Struct, frozen=True, gc=False):
    """Levels changed together; each took one number of the market's sequence, so `first` is `prior` + 1."""

    venue: str
    symbol: str
    ns: int
    first: int
    last: int
    prior: int  # `last` of the change before
    bids: Levels  # best first; quantity 0 removes
    asks: Levels


class Traded(Struct, frozen=True, gc=False):
    venue: str
    symbol: str
    ns: int
    id: int  # rises by one
    price: int
    qty: int
    side: str  # the taker's: buy or sell


class Marked(Struct, frozen=True, gc=False):
    """Perpetuals only: the price that margins go by, and the common price it leans on."""

    venue: str
    symbol: str
    ns: int
    mark: int
    index: int


class Funded(Struct, frozen=True, gc=False):
    """Perpetuals only: holders paid each other, the long where the rate is above zero; `ns` is when that was due."""

    venue: str
    symbol: str
    ns: int
    rate: Decimal


Happening: TypeAlias = Changed | Traded | Marked | Funded
