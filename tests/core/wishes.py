"""Instruments, orders and touches for tests of what is wanted and what is risked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fairlead.core.worth import Touch
from fairlead.model.instrument import Instrument
from fairlead.model.market import State
from fairlead.model.order import Life, Order
from fairlead.model.orders import OrderType
from fairlead.testing import instrument
from fairlead.wire.orders import AskPlace

BTC, PERP, COIN = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
SPOT = replace(
    instrument(BTC, "BTCUSDT", "0.01", "0.0001"),
    min_qty=Decimal("0.0002"),
    max_qty=Decimal(9),
    min_notional=Decimal(10),
)
LINEAR = replace(instrument(PERP, "BTC-USDT-SWAP", "0.1", "1"), contract_size=Decimal("0.01"))
INVERSE = replace(instrument(COIN, "BTC-USD-SWAP", "0.1", "1"), contract_size=Decimal(100))
EVERYTHING = frozenset({"stops", "quote buy", "quote sell", "amend price", "amend up"})
TOUCH = Touch(Decimal(60_000), Decimal(60_010), State.LIVE, 5)


def listed(symbol: str) -> Instrument | None:
    return {one.symbol: one for one in (SPOT, LINEAR, INVERSE)}.get(symbol)


def order(
    client_id: str = "fl1", *, symbol: str = BTC, side: str = "buy", life: Life = Life.OPEN, **more: Any
) -> Order:
    told = {"qty": "1", "price": "50000", "type": OrderType.LIMIT, **more}
    exact: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, str) and name in _DECIMALS else value for name, value in told.items()
    }
    return Order(venue="v", account="a", client_id=client_id, symbol=symbol, side=side, life=life, **exact)


def place(side: str = "buy", qty: str = "1", price: str | None = "50000", **more: Any) -> AskPlace:
    type_ = more.pop("type", OrderType.MARKET if price is None else OrderType.LIMIT)
    symbol = more.pop("symbol", BTC)
    exact = None if price is None else Decimal(price)
    return AskPlace(symbol=symbol, side=side, type=type_, client_id="fl9", qty=Decimal(qty), price=exact, **more)


_DECIMALS = {"qty", "quote_qty", "price", "trigger", "filled", "cost", "venue_filled"}
