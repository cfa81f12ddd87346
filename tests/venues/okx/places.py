"""Instruments, stamps and short ways to the adapter, for the tests of this folder."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from fairlead.model.instrument import Catalog, Instrument
from fairlead.sim.keys import Keyring
from fairlead.testing import Recorder
from fairlead.venues.okx import private
from fairlead.venues.okx.mirror import MIRROR
from fairlead.venues.okx.stream import Channels
from fairlead.venues.okx.venue import VENUE
from fairlead.venues.okx.wire import InstrumentRow
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic, Word
from fairlead.wire.endpoint import Ctx, build
from fairlead.wire.http import Request
from fairlead.wire.mirror import Minted, Terms
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"  # the sample of the vendor's document
AT = Stamp(mono_ns=1_000_000_000, venue_ms=1_607_418_537_715)
SECOND_NS = 1_000_000_000


def terms(symbol: str, tick: str, step: str, contract: str = "1", number: int = 0) -> Terms:
    return Terms(symbol, Decimal(tick), Decimal(step), Decimal(step), contract_size=Decimal(contract), number=number)


LISTED: tuple[Instrument, ...] = tuple(
    MIRROR.listing(one)
    for one in (
        terms("BTC/USDT", "0.1", "0.00000001"),
        terms("ETH/BTC", "0.00001", "0.000001", number=1),
        terms("BTC/USDT:USDT", "0.1", "0.01", "0.01", number=2),
        terms("BTC/USD:BTC", "0.1", "1", "100", number=3),
        terms("BTC/USD:USD", "0.1", "1", "0.001", number=4),
    )
)
CTX = Ctx(Catalog(LISTED))
BOOK, TRADES = Topic("book", "BTC/USDT", "400"), Topic("trades", "BTC/USDT")


def named(*inst_ids: str) -> Ctx:
    """A catalogue of whatever instruments recordings speak of."""
    rows = (InstrumentRow(one, "0.1", "0.00000001", settle_ccy="") for one in inst_ids)
    return Ctx(Catalog([found for row in rows if (found := row.noun()) is not None]))


def asking(op: Op, asked: Any, ctx: Ctx = CTX) -> Request:
    return build(VENUE.endpoints[op], asked, ctx, VENUE.encode)


LOGGED_IN = {"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"}


class Talk:
    """A conversation with its recorder."""

    def __init__(self, topics: Sequence[Topic] = (), ctx: Ctx = CTX, every: int = 1) -> None:
        self.out = Recorder()
        self.told = Channels(ctx, None, self.out, Inspector(every))
        self.told.open(AT)
        if topics:
            self.join(*topics)

    def join(self, *topics: Topic, at: Stamp = AT) -> None:
        self.told.join([(topic, self.out.lane(topic)) for topic in topics], at)

    def receive(self, *frames: bytes | dict[str, Any]) -> None:
        for frame in frames:
            self.told.receive(frame if isinstance(frame, bytes) else msgspec.json.encode(frame), 5)

    def words(self, kind: type[Any]) -> list[Any]:
        return [word for word in self.out.words if isinstance(word, kind)]

    @property
    def asked(self) -> list[Any]:
        return [msgspec.json.decode(frame) for frame in self.out.frames if frame != b"ping"]

    @property
    def last_word(self) -> Word:
        return self.out.words[-1]


class Private:
    """A private conversation with its recorder, logged in."""

    def __init__(self, topics: Sequence[Topic] = (), ctx: Ctx = CTX, log_in: bool = True) -> None:
        self.out = Recorder()
        self.told = private.Private(ctx, Key(), self.out, Inspector(1))
        self.told.open(AT)
        if log_in:
            self.receive(LOGGED_IN)
            self.out.words.clear()
        self.told.join([(topic, self.out.lane(topic)) for topic in topics], AT)

    def receive(self, *frames: bytes | dict[str, Any]) -> None:
        for frame in frames:
            self.told.receive(frame if isinstance(frame, bytes) else msgspec.json.encode(frame), 5)

    def words(self, kind: type[Any]) -> list[Any]:
        return [word for word in self.out.words if isinstance(word, kind)]

    @property
    def asked(self) -> list[Any]:
        return [msgspec.json.decode(frame) for frame in self.out.frames if frame != b"ping"]


def later(seconds: float) -> Stamp:
    return Stamp(mono_ns=AT.mono_ns + int(seconds * SECOND_NS), venue_ms=AT.venue_ms + int(seconds * 1000))


def acked(topic: Topic, channel: str, inst_id: str) -> bytes:
    arg = {"channel": channel, "instId": inst_id}
    return msgspec.json.encode({"id": "s1", "event": "subscribe", "arg": arg, "connId": "a4d3ae55"})


class Key:
    """A signer over the document's sample secret."""

    key_id, algorithm, passphrase = "37c541a1-0000-0000-0000-10fe7a038418", "hmac-sha256", "open sesame"

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(SECRET.encode(), message, hashlib.sha256)

    def part(self, name: str) -> str:
        assert name == "passphrase"
        return self.passphrase


def ring() -> Keyring:
    """The simulated venue's memory of that key."""
    found = Keyring()
    found.add(Minted(Key.key_id, SECRET, Key.passphrase))
    return found
