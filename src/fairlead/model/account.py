"""What an account holds: balances in exact decimals."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Balance(Struct, frozen=True):
    asset: str  # ours: BTC, not XXBT
    total: Decimal
    free: Decimal
