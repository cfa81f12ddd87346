"""The toy's topics: what each kind's events are read as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, json

from fairlead.model.market import Candle, Funding, Index, Mark, Quote, Ticker, Trade
from fairlead.wire.conversation import Topic
from tests.conformance.toy.wire import Book

KINDS: Mapping[str, type[Struct]] = {
    "book": Book, "trades": Trade, "quote": Quote, "ticker": Ticker, "candles": Candle,
    "mark": Mark, "index": Index, "funding": Funding,
}  # fmt: skip
READERS: Mapping[str, json.Decoder[Any]] = {kind: json.Decoder(noun) for kind, noun in KINDS.items()}


def topic_of(text: str) -> Topic:
    kind, symbol, detail = (*text.split(":"), "", "")[:3]
    return Topic(kind, symbol, detail)
