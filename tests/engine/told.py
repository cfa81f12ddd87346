"""What a scripted venue says on the stage: words, levels, trades, quotes, bars; and a reader that takes them down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Raw

from fairlead.model.market import MS, Candle, Quote, Trade
from fairlead.wire.conversation import Lane, Levels, Out, Topic, Word
from fairlead.wire.limits import Charge


class Speaker(Protocol):
    """The conversation at the other end, as a frame may move it."""

    out: Out
    lanes: dict[Topic, Lane]


Say = Callable[[Speaker], object]

SECOND_NS = 1_000 * MS
BTC, ETH = "BTC/USDT", "ETH/USDT"
BOOK, OTHER_BOOK = Topic("book", BTC, "10"), Topic("book", ETH, "10")
TRADES, QUOTES, MARKS, BARS = Topic("trades", BTC), Topic("quote", BTC), Topic("mark", BTC), Topic("candles", BTC, "1m")


def word(said: Word) -> Say:
    return lambda script: script.out.event(said)


def frame(text: str, *budgets: str) -> Say:
    """The conversation is made to send this."""
    return lambda script: script.out.frame(text.encode(), tuple(Charge(name) for name in budgets))


def boom(script: Speaker) -> None:
    raise RuntimeError("a bug in receive")


def hand_on(topic: Topic, event: Any, script: Speaker) -> None:
    script.lanes[topic](event)


def topic_of(name: str) -> Topic:
    kind, symbol, detail = (*name.split(":"), "", "")[:3]
    return Topic(kind, symbol, detail)


def raw(levels: Mapping[str, str]) -> Raw:
    return Raw(msgspec.json.encode(list(levels.items())))


def change(
    last: int, bids: Mapping[str, str] | None = None, asks: Mapping[str, str] | None = None,
    *, first: int = 0, topic: Topic = BOOK, whole: bool = False, at_ns: int = 0, checksum: int | None = None,
) -> Levels:  # fmt: skip
    """One number a change, unless told otherwise."""
    return Levels(topic, whole, first or last, last, -1, checksum, raw(bids or {}), raw(asks or {}), at_ns, at_ns)


def whole(
    last: int, bid: str = "100.00", ask: str = "101.00", *, topic: Topic = BOOK, qty: str = "1", at_ns: int = 0
) -> Levels:
    return change(last, {bid: qty}, {ask: qty}, topic=topic, whole=True, at_ns=at_ns)


def trade(number: int, *, symbol: str = BTC, price: float = 100.0, count: int = 1) -> Trade:
    return Trade(
        venue="stage", symbol=symbol, venue_ns=number * MS, seen_ns=0, id=str(number), price=price, qty=1.0,
        side="buy", count=count,
    )  # fmt: skip


def quote(seq: int, bid: float = 100.0, ask: float = 101.0) -> Quote:
    return Quote(venue="stage", symbol=BTC, venue_ns=0, seen_ns=0, bid=bid, bid_qty=1.0, ask=ask, ask_qty=1.0, seq=seq)


MINUTE_NS = 60 * SECOND_NS


def bar(minute: int, *, close: float = 100.0, closed: bool = False) -> Candle:
    return Candle(
        venue="stage", symbol=BTC, venue_ns=0, seen_ns=0, interval="1m", open_ns=minute * MINUTE_NS,
        open=100.0, high=max(100.0, close), low=min(100.0, close), close=close, volume=1.0, closed=closed,
    )  # fmt: skip


class Reader:
    """What a callback heard, taken down at once, because books change under one's hands."""

    def __init__(self, take: Callable[[Any], Any] = lambda event: event) -> None:
        self.heard: list[Any] = []
        self._take = take

    def __call__(self, event: Any) -> None:
        self.heard.append(self._take(event))


def shot(book: Any) -> tuple[int, float | None, float | None, str]:
    return (book.seq, book.bid, book.ask, str(book.state))
