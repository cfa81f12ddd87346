"""The shapes of the toy's messages. It says our own nouns under their field names; only its books are its own.

{"topic":"book:BTC/USDT:0","event":{"symbol":"BTC/USDT","whole":false,"first":8,"last":9,"prior":7,
 "bids":[["62000.01","0.50000"]],"asks":[],"at":1750000000000000000,"sum":42}}"""

from __future__ import annotations

from msgspec import Raw, Struct

from fairlead.wire.conversation import Levels, Topic


class Book(Struct):
    """A whole, or the level changes `first` to `last` of it; `at` is in nanoseconds."""

    symbol: str
    whole: bool
    first: int
    last: int
    bids: Raw
    asks: Raw
    at: int

    def levels(self, topic: Topic, seen_ns: int) -> Levels:
        first = self.last if self.whole else self.first
        return Levels(topic, self.whole, first, self.last, -1, None, self.bids, self.asks, self.at, seen_ns)


class Frame(Struct):
    """An event of a topic, or one of the words beside it."""

    topic: str = ""
    event: Raw = Raw(b"")
    joined: str = ""
    refused: str = ""
    ending: int = 0  # ms until this connection ends


class Refusal(Struct):
    """{"code":"slow-down","said":"weight","until":0}"""

    code: str
    said: str = ""
    until: int = 0  # ms, on the venue's clock
