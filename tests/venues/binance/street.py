"""What the tests of this venue share: a few listed markets and an ear that remembers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fairlead.model.instrument import Catalog, Instrument
from fairlead.model.orders import OrderType
from fairlead.venues.binance import channels, wire
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import (
    AskAmend,
    AskCancel,
    AskCancelAll,
    AskFills,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPlace,
)


def listed(base: str, quote: str, tick: str = "0.01000000", step: str = "0.00001000") -> Instrument:
    """As exchangeInfo lists it."""
    filters = [wire.Filter("PRICE_FILTER", tick_size=tick), wire.Filter("LOT_SIZE", min_qty=step, step_size=step)]
    return channels.instrument(wire.SymbolInfo(f"{base}{quote}", "TRADING", base, quote, filters=filters))


BTC = listed("BTC", "USDT")
MARKETS = (
    BTC,
    listed("ETH", "USDT"),
    listed("ETH", "BTC", "0.00001000", "0.00010000"),
    listed("BNB", "BTC", "0.00000100", "0.00100000"),
    listed("BTC", "USDC"),
    listed("GNT", "BTC", "0.00000001", "1.00000000"),
    listed("NKN", "USDT", "0.00010000", "1.00000000"),
    listed("LRC", "BTC", "0.00000001", "1.00000000"),
)
CTX = Ctx(Catalog(MARKETS))
QUESTIONS: dict[Op, Any] = {  # one of each about orders and the account
    Op.PLACE: AskPlace(
        symbol="BTC/USDT", side="buy", type=OrderType.LIMIT, client_id="fl-1", qty=Decimal("0.01"), price=Decimal(62000)
    ),
    Op.AMEND: AskAmend(symbol="BTC/USDT", client_id="fl-1", qty=Decimal("0.005")),
    Op.CANCEL: AskCancel(symbol="BTC/USDT", client_id="fl-1"),
    Op.CANCEL_ALL: AskCancelAll("BTC/USDT"),
    Op.ORDER: AskOrder(symbol="BTC/USDT", client_id="fl-1", order_id="28"),
    Op.OPEN_ORDERS: AskOpenOrders(symbol="BTC/USDT"),
    Op.ORDERS: AskOrders(symbol="BTC/USDT", limit=1000),
    Op.FILLS: AskFills(symbol="BTC/USDT", limit=1000),
    Op.BALANCES: AskNothing(),
    Op.FEES: AskSymbol("BTC/USDT"),
}


class Listener:
    """An Ear."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.joined: list[Topic] = []
        self.left: list[Topic] = []
        self.pings: list[bytes] = []
        self.closed: tuple[int, str] | None = None

    def frame(self, text: bytes) -> None:
        self.frames.append(text)

    def ping(self, payload: bytes = b"") -> None:
        self.pings.append(payload)

    def heard(self, heard: Heard) -> None:
        raise AssertionError("market streams take no calls")

    def join(self, topic: Topic) -> None:
        self.joined.append(topic)

    def leave(self, topic: Topic) -> None:
        self.left.append(topic)

    def close(self, code: int, why: str) -> None:
        self.closed = code, why
