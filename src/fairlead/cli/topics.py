"""A topic as it is typed: kind:SYMBOL[:detail]; it knows no venue."""

from __future__ import annotations

from fairlead.errors import Misuse, UnknownName
from fairlead.model import intervals, symbols
from fairlead.wire.asks import QUESTIONS, Op
from fairlead.wire.conversation import Topic
from fairlead.wire.venue import Venue

ACCOUNT = ("orders", "balances", "positions")  # kinds that are of an account and not of a symbol
_ALIASES = {"quotes": "quote", "trade": "trades", "candle": "candles", "books": "book", "tickers": "ticker"}


def read_topic(text: str, venue: Venue) -> Topic:
    """A symbol may hold a colon itself: what follows it is a book's depth, a candle's interval, or its settlement. What
    is of an account needs none; one that is named is only made known."""
    kind, colon, rest = text.partition(":")
    kind = _ALIASES.get(kind, kind)
    kinds = {name.partition(":")[0] for door in venue.doors for name in door.topics}
    if kind not in kinds:
        raise UnknownName("kind of topic", kind, kinds)
    if kind in ACCOUNT and not rest:
        return Topic(kind)
    if not colon:
        raise Misuse(f"{text!r} names no symbol.", next=f"write {kind}:BTC/USDT")
    symbol, _, last = rest.rpartition(":")
    detail = last if symbol and _is_detail(kind, last) else ""
    symbol = symbol if detail else rest
    symbols.parse(symbol)
    if kind == "candles" and not detail:
        raise Misuse(f"{text!r} names no interval.", next=f"write {kind}:{symbol}:1m")
    return Topic(kind, symbol, detail)


def read_op(text: str) -> Op:
    """An operation by its lower-case name; of two words, joined by whatever the shell likes."""
    name = text.lower().replace("-", " ").replace("_", " ")
    known = {str(op) for op in QUESTIONS}
    if name not in known:
        raise UnknownName("operation", text, known)
    return Op(name)


def _is_detail(kind: str, text: str) -> bool:
    if kind == "candles":
        if text not in intervals.NAMES and text[:1].isdigit():
            raise UnknownName("interval", text, intervals.NAMES)
        return text in intervals.NAMES
    return kind == "book" and text.isdigit()
