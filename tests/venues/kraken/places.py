"""Instruments, stamps and short ways to the adapter, for the tests of this folder."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from fairlead.model.instrument import Catalog, Instrument
from fairlead.sim.keys import Keyring
from fairlead.testing import Recorder
from fairlead.venues.kraken.hearing import PublicHearing
from fairlead.venues.kraken.mirror import MIRROR
from fairlead.venues.kraken.stream import MarketStreams
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth, Heard, Minted, Terms
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp

SECOND_NS = 1_000_000_000
AT = Stamp(mono_ns=SECOND_NS, venue_ms=1_767_225_600_000, nonce=1_767_225_600_000)
KEY_ID, SECRET = "fixture/key+of/tests", "ZmFpcmxlYWQtdGVzdC1zZWNyZXQtMDEyMzQ1Njc4OWFi"


def listed(symbol: str, tick: str, step: str = "0.00000001") -> Instrument:
    return MIRROR.listing(Terms(symbol, Decimal(tick), Decimal(step), Decimal(step), Decimal("0.5")))


BTC, ETH, DOGE = listed("BTC/USD", "0.1"), listed("ETH/BTC", "0.00001"), listed("DOGE/USDT", "0.0000001")
CTX = Ctx(Catalog((BTC, ETH, DOGE)))
BOOK, TRADES, QUOTE, TICKER = (
    Topic("book", "BTC/USD", "10"),
    Topic("trades", "BTC/USD"),
    Topic("quote", "BTC/USD"),
    Topic("ticker", "BTC/USD"),
)


def named(*names: str) -> Ctx:
    """A catalogue of whatever markets recordings of the socket speak of."""
    return Ctx(Catalog([listed(name, "0.0001") for name in names]))


def later(seconds: float) -> Stamp:
    return Stamp(AT.mono_ns + int(seconds * SECOND_NS), AT.venue_ms + int(seconds * 1_000))


class Talk:
    """A conversation with its recorder."""

    def __init__(self, *topics: Topic, ctx: Ctx = CTX, every: int = 1) -> None:
        self.out = Recorder()
        self.streams = MarketStreams(ctx, None, self.out, Inspector(every))
        self.streams.open(AT)
        self.join(*topics)

    def join(self, *topics: Topic, at: Stamp = AT) -> None:
        self.streams.join([(topic, self.out.lane(topic)) for topic in topics], at)

    def receive(self, *frames: bytes | dict[str, Any]) -> None:
        for frame in frames:
            self.streams.receive(frame if isinstance(frame, bytes) else msgspec.json.encode(frame), 5)

    def words(self, kind: type[Any]) -> list[Any]:
        return [word for word in self.out.words if isinstance(word, kind)]

    @property
    def sent(self) -> list[Any]:
        return [msgspec.json.decode(frame) for frame in self.out.frames]


class Listener:
    """An Ear that remembers."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.joined: list[Topic] = []
        self.left: list[Topic] = []
        self.closed: tuple[int, str] | None = None

    def frame(self, text: bytes) -> None:
        self.frames.append(text)

    def ping(self, payload: bytes = b"") -> None: ...
    def heard(self, heard: Heard) -> None: ...

    def join(self, topic: Topic) -> None:
        self.joined.append(topic)

    def leave(self, topic: Topic) -> None:
        self.left.append(topic)

    def close(self, code: int, why: str) -> None:
        self.closed = code, why


class Room:
    """The venue's end of a socket, with what it said."""

    def __init__(self, ctx: Ctx = CTX, pads: bool = True) -> None:
        self.ear = Listener()
        self.hearing = PublicHearing(ctx, ring(), self.ear, pads)
        self.hearing.open(AT)
        self.ear.frames.clear()

    def ask(self, method: str, at: Stamp = AT, req_id: int = 1, **params: Any) -> list[Any]:
        return self.hear({"method": method, "params": params, "req_id": req_id} if params else {"method": method}, at)

    def hear(self, frame: bytes | dict[str, Any], at: Stamp = AT) -> list[Any]:
        self.hearing.receive(frame if isinstance(frame, bytes) else msgspec.json.encode(frame), at)
        return self.said

    def tell(self, topic: Topic, event: object, at: Stamp = AT) -> list[Any]:
        self.hearing.tell(topic, event, at)
        return self.said

    @property
    def said(self) -> list[Any]:
        """What was said since the last look."""
        said, self.ear.frames = self.ear.frames, []
        return [msgspec.json.decode(frame) for frame in said]


class Sight:
    """A book of one's own making, in fixed point."""

    def __init__(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.bids, self.asks = bids, asks

    def top(self, levels: int) -> tuple[Side, Side]:
        bids, asks = sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        return bids[:levels], asks[:levels]

    def whole(self) -> Depth:
        bids, asks = self.top(1_000_000)
        return Depth("BTC/USD", True, 0, 0, 0, bids, asks, AT.venue_ms * 1_000_000, self)

    def change(self, bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]] = ()) -> Depth:
        """Makes the change and tells of it."""
        for side, changes in ((self.bids, bids), (self.asks, asks)):
            for price, qty in changes:
                side.update({price: qty})
                if not qty:
                    del side[price]
        return Depth("BTC/USD", False, 0, 0, 0, bids, asks, AT.venue_ms * 1_000_000, self)


class Key:
    """A signer over the tests' secret."""

    key_id, algorithm = KEY_ID, "hmac-sha512"

    def __init__(self, secret: str = SECRET) -> None:
        self._secret = base64.b64decode(secret)

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, "sha512")

    def part(self, name: str) -> str:
        return ""


def ring() -> Keyring:
    """The simulated venue's memory of that key."""
    found = Keyring()
    found.add(Minted(KEY_ID, SECRET, algorithm="hmac-sha512", in_base64=True))
    return found
