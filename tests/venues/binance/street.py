"""What the tests of this venue share: a few listed markets and an ear that remembers."""

from __future__ import annotations

from fairlead.model.instrument import Catalog, Instrument
from fairlead.venues.binance import channels, wire
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Heard


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
