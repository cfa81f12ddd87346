"""What OKX calls our topics, and how the frames of each channel are read; it knows no connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from fairlead.errors import UnknownName
from fairlead.model.instrument import Instrument
from fairlead.model.symbols import parse
from fairlead.venues.okx import wire
from fairlead.venues.okx.orders import BALANCE, ORDER, POSITION, PUSHED, BalanceRow, OrderRow, PositionRow
from fairlead.venues.okx.wire import FRAME, known
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx

# From 6 hours up the plain names open at midnight in Hong Kong; the ones with `utc` open in UTC.
BARS = {
    "1s": "1s", "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H", "2h": "2H", "4h": "4H",
    "6h": "6Hutc", "12h": "12Hutc", "1d": "1Dutc", "2d": "2Dutc", "3d": "3Dutc", "1w": "1Wutc", "1M": "1Mutc",
    "3M": "3Mutc",
}  # fmt: skip


Noun: TypeAlias = Callable[[Any, Topic, int], Any]  # (a row, whose it is, when it was seen) -> the event


class Feed(Struct, frozen=True):
    """How the frames of a channel are read."""

    decode: Callable[[bytes], Any]
    known: frozenset[str]
    noun: Noun | None = None  # None: a book
    whole: bool = False  # each frame is the whole book
    named: bool = False  # each row names its instrument
    long: Callable[[Any], bool] | None = None  # a row has a number beyond a float's digits


def _feed(row: Any, names: str, named: bool = True) -> Feed:
    decode, long = msgspec.json.Decoder(wire.Frame[row]).decode, getattr(row, "long", None)
    return Feed(decode, known(FRAME, names), row.noun, named=named, long=long)


_BOOK = Feed(msgspec.json.Decoder(wire.BookFrame).decode, known(FRAME, wire.BOOK))
_CANDLE = Feed(msgspec.json.Decoder(wire.Frame[list[str]]).decode, FRAME, wire.candle)
FEEDS: dict[str, Feed] = {
    "books": _BOOK,
    "books5": replace(_BOOK, whole=True),
    "books-l2-tbt": _BOOK,  # this and the next need a login and a fee tier; the venue refuses who has neither
    "books50-l2-tbt": _BOOK,
    "bbo-tbt": _feed(wire.BestRow, wire.BOOK, named=False),
    "trades": _feed(wire.TradeRow, wire.TRADE),
    "tickers": _feed(wire.TickerRow, wire.TICKER),
    "funding-rate": _feed(wire.FundingRow, wire.FUNDING),
    "mark-price": _feed(wire.MarkRow, wire.MARK),
    "index-tickers": _feed(wire.IndexRow, wire.INDEX),
} | {f"candle{bar}": _CANDLE for bar in BARS.values()}
BOOKS = {"": "books", "400": "books", "5": "books5", "400-tbt": "books-l2-tbt", "50-tbt": "books50-l2-tbt"}
CHANNELS = {
    "trades": "trades", "quote": "bbo-tbt", "ticker": "tickers", "funding": "funding-rate", "mark": "mark-price",
    "index": "index-tickers",
}  # fmt: skip


# ---- of an account
class AccountFeed(Struct, frozen=True):
    """A channel of the private socket: how it is asked for, and how its frames are read."""

    arg: dict[str, str]
    decode: Callable[[Raw], list[Any]]
    known: frozenset[str]
    nouns: Callable[[Any, Ctx, int], list[Any]]  # (a row, its context, when it was seen) -> events, in order


def _order(row: OrderRow, ctx: Ctx, seen_ns: int) -> list[Any]:
    """The fill first, then the report that counts it."""
    fill = row.fill(ctx, seen_ns)
    return [*([fill] if fill is not None else []), row.report(ctx, seen_ns)]


def _account(row: Any, names: str, nouns: Callable[[Any, Ctx, int], list[Any]], **arg: str) -> AccountFeed:
    decode = msgspec.json.Decoder(list[row]).decode
    return AccountFeed(arg, decode, known(FRAME | _ACCOUNT_FRAME, names), nouns)


_ACCOUNT_FRAME = {"arg.uid", "arg.instType", "arg.instFamily", "eventType", "curPage", "lastPage"}
ACCOUNT: dict[str, AccountFeed] = {  # our topic -> its channel
    "orders": _account(OrderRow, f"{ORDER} {PUSHED}", _order, channel="orders", instType="ANY"),
    "balances": _account(
        BalanceRow, BALANCE, lambda row, ctx, seen_ns: [one.holding(seen_ns) for one in row.details], channel="account"
    ),
    "positions": _account(
        PositionRow, POSITION, lambda row, ctx, seen_ns: [row.noun(ctx, seen_ns)], channel="positions", instType="SWAP"
    ),
}
ACCOUNT_TOPICS = {feed.arg["channel"]: kind for kind, feed in ACCOUNT.items()}


class _Channel(Struct, frozen=True):
    channel: str = ""


class AccountFrame(Struct, rename="camel"):
    """Any frame of the private socket. Calls and subscriptions are answered under the id they were made with."""

    event: str = ""
    id: str = ""
    op: str = ""
    code: str = ""
    msg: str = ""
    channel: str = ""
    arg: _Channel = _Channel()
    data: Raw = Raw(b"[]")
    last_page: bool = False


said_in = msgspec.json.Decoder(AccountFrame).decode


class Arg(Struct, frozen=True, rename="camel"):
    """What a frame is about; a subscription is for one."""

    channel: str
    inst_id: str = ""

    @property
    def head(self) -> bytes:
        """How every frame about it begins."""
        return b'{"arg":' + msgspec.json.encode(self)


def arg_of(topic: Topic, ctx: Ctx) -> Arg:
    """The subscription of a topic; Misuse for what the venue does not have."""
    inst_id = ctx.catalog.theirs(topic.symbol).venue_symbol
    if topic.kind == "candles":
        return Arg(f"candle{bar(topic.detail)}", inst_id)
    if topic.kind == "book":
        if topic.detail not in BOOKS:
            raise UnknownName("depth", topic.detail, BOOKS)
        return Arg(BOOKS[topic.detail], inst_id)
    if topic.kind not in CHANNELS:
        raise UnknownName("topic", topic.kind, CHANNELS)
    return Arg(CHANNELS[topic.kind], index_name(topic.symbol) if topic.kind == "index" else inst_id)


_TOPICS = (
    {channel: (kind, "") for kind, channel in CHANNELS.items()}
    | {channel: ("book", depth) for depth, channel in BOOKS.items()}
    | {f"candle{theirs}": ("candles", ours) for ours, theirs in BARS.items()}
)


def topic_of(arg: Arg, ctx: Ctx) -> Topic | None:
    """What a subscription is for; None if there is no such channel or instrument."""
    kind, detail = _TOPICS.get(arg.channel, ("", ""))
    one = by_index(arg.inst_id, ctx) if kind == "index" else by_id(arg.inst_id, ctx)
    if one is None or not kind or (kind == "funding" and one.kind != "swap"):
        return None
    return Topic(kind, one.symbol, detail)


def by_id(inst_id: str, ctx: Ctx) -> Instrument | None:
    found = ctx.catalog.ours(inst_id)
    return found if found is not None and found.venue_symbol == inst_id else None


def by_index(name: str, ctx: Ctx) -> Instrument | None:
    """One that the index is of: a swap where there is one, since swaps lean on it."""
    named = [one for one in ctx.catalog if index_name(one.symbol) == name]
    return next((one for one in named if one.kind == "swap"), named[0] if named else None)


def index_name(symbol: str) -> str:
    """The index is named by what is traded: BTC-USDT for BTC/USDT and BTC/USDT:USDT alike."""
    parts = parse(symbol)
    return f"{parts.base}-{parts.quote}"


def bar(interval: str) -> str:
    found = BARS.get(interval)
    if found is None:
        raise UnknownName("interval", interval, BARS)
    return found
