"""What an account holds and how it is set up: balances, positions, fees; all in exact decimals."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Balance(Struct, frozen=True):
    asset: str  # ours: BTC, not XXBT
    total: Decimal
    free: Decimal


class Holding(Struct, frozen=True, kw_only=True):
    """One asset as a stream tells it: `None` where the venue does not say."""

    venue: str
    asset: str
    total: Decimal | None = None
    free: Decimal | None = None
    venue_ns: int = 0
    seen_ns: int = 0


class Position(Struct, frozen=True, kw_only=True):
    """`qty` is signed: a short is negative, also where the venue tells it in two sides; 0 is a closed one."""

    venue: str
    symbol: str
    qty: Decimal  # contracts
    pos_side: str = ""  # long, short; "": one-sided
    margin: str = ""  # cross, isolated
    entry: Decimal | None = None  # average price
    mark: Decimal | None = None
    unrealised: Decimal | None = None
    leverage: Decimal | None = None
    liquidation: Decimal | None = None
    venue_ns: int = 0
    seen_ns: int = 0


class Leverage(Struct, frozen=True, kw_only=True):
    symbol: str
    leverage: Decimal
    margin: str = ""
    pos_side: str = ""


class Fees(Struct, frozen=True, kw_only=True):
    """What this account pays now, as a share of the cost: 0.001 is a tenth of a percent; a rebate is negative."""

    symbol: str
    maker: Decimal
    taker: Decimal


class DeadMan(Struct, frozen=True, kw_only=True):
    """The venue's own dead man's switch, as it stands: when it will cancel everything (0: it is off)."""

    fires_ms: int  # on the venue's clock
