"""Kraken's channels: how those of markets are subscribed to, read, and turned into nouns; those of an account, merged.

One channel and symbol is had once on a connection. Quotes and tickers both come from `ticker`, told at each change of
the best bid or ask; a book's depth is not named in its frames, so that a connection holds one depth of it."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct

from fairlead.errors import UnknownName, cut
from fairlead.model.account import Holding
from fairlead.model.instrument import Instrument
from fairlead.model.market import Candle, Quote, Ticker, Trade
from fairlead.model.numbers import DIGITS_EXACT, EXACT, long_text
from fairlead.model.orders import Fill, OrderReport
from fairlead.venues.kraken import wire
from fairlead.venues.kraken.orders import OUR_TYPES as TYPES
from fairlead.venues.kraken.orders import STATUSES, TIFS, BalanceItem, ExecutionItem
from fairlead.venues.kraken.rest import INTERVALS, NAME, SIDES, exact
from fairlead.venues.kraken.wire import SECOND_NS
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.door import BookRule, Continuity, Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.shapes import LevelShape, Nonsense

SNAPSHOT, UPDATE = "snapshot", "update"
BOOK, TRADE, TICKER, OHLC = "book", "trade", "ticker", "ohlc"
KINDS = {"book": BOOK, "trades": TRADE, "quote": TICKER, "ticker": TICKER, "candles": OHLC}  # topic -> channel
DEPTHS = (10, 25, 100, 500, 1000)  # the usual first: the venue's own, and the only one of which the sum vouches for all
SUM_LEVELS = 10  # whatever the depth
OURS = {int(theirs): ours for ours, theirs in INTERVALS.items()}  # minutes -> interval

Key = tuple[str, str, int]  # channel, the socket's name of the symbol, minutes of ohlc: what a frame tells of itself
Terms = tuple[tuple[str, Any], ...]  # what a subscription says besides channel and symbol


def checksum(bids: Side, asks: Side, instrument: Instrument) -> int:
    """Spot WebSocket v2, Book checksum: of the ten best asks, then bids, price and quantity in all their declared
    decimals without point and leading zeros, which is how an integer of the last decimal is written."""
    levels = (*asks[:SUM_LEVELS], *bids[:SUM_LEVELS])
    return zlib.crc32("".join([f"{price}{qty}" for price, qty in levels]).encode())


# Apply all levels of a frame, quantity 0 removes, cut each side to the depth (what falls out is not told), then sum.
BOOK_RULE = BookRule(
    then=Continuity.SUM, shape=LevelShape.OBJECTS, cut=True, checksum=checksum, checksum_levels=SUM_LEVELS
)


def subscription(topic: Topic, ctx: Ctx) -> tuple[Key, Terms] | Fault:
    """What to ask for to hear a topic, or why it cannot be heard here."""
    try:
        name = ctx.catalog.theirs(topic.symbol).names.get("ws", "")
    except UnknownName as unknown:
        return Fault(Kind.SYMBOL, said=str(unknown))
    if not name:
        return Fault(Kind.SYMBOL, said=f"{topic.symbol} is not on the socket")
    if topic.kind == "book" and topic.detail in ("", *map(str, DEPTHS)):
        return (BOOK, name, 0), (("depth", int(topic.detail or DEPTHS[0])), ("snapshot", True))
    if topic.kind == "candles" and topic.detail in INTERVALS:
        minutes = int(INTERVALS[topic.detail])
        return (OHLC, name, minutes), (("interval", minutes), ("snapshot", True))
    if topic.kind == "trades" and not topic.detail:
        return (TRADE, name, 0), (("snapshot", False),)  # the last 50 would come again at every new beginning
    if topic.kind in ("quote", "ticker") and not topic.detail:
        return (TICKER, name, 0), (("event_trigger", "bbo"), ("snapshot", True))
    valid = {"book": [*map(str, DEPTHS)], "candles": [*INTERVALS]}.get(topic.kind, [*KINDS])
    return Fault(Kind.INVALID, said=f"{topic} is not to be had here; valid ones: {', '.join(valid)}")


# ---- from shape to noun, one a channel


@functools.lru_cache(maxsize=256)
def _second_ns(text: str) -> int:
    try:
        when = datetime.fromisoformat(text + "+00:00")
    except ValueError:
        raise Nonsense(f"not a time: {text!r}") from None
    return int(when.timestamp()) * SECOND_NS


def rfc3339_ns(text: str) -> int:
    """2023-10-06T17:35:55.440295Z in nanoseconds, to its last digit; "" is 0."""
    if not text:
        return 0
    digits = text[20:-1]
    if text[-1] != "Z" or len(digits) > 9 or (digits and not (text[19] == "." and digits.isdecimal())):
        raise Nonsense(f"not a time: {text[:40]!r}")
    return _second_ns(text[:19]) + int(digits.ljust(9, "0") or 0)


def _levels(item: wire.BookItem, frame: wire.BookFrame, topic: Topic, seen_ns: int) -> Levels:
    """Numbered by nothing: the checksum alone tells that nothing is missing."""
    venue_ns = rfc3339_ns(item.timestamp)
    return Levels(topic, frame.type == SNAPSHOT, 0, 0, -1, item.checksum, item.bids, item.asks, venue_ns, seen_ns)


def _trade(item: wire.TradeItem, frame: wire.TradeFrame, topic: Topic, seen_ns: int) -> Trade:
    return Trade(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=rfc3339_ns(item.timestamp),
        seen_ns=seen_ns,
        id=str(item.trade_id),
        price=float(item.price),
        qty=float(item.qty),
        side=item.side,
    )


def _quote_or_ticker(item: wire.TickerItem, frame: wire.TickerFrame, topic: Topic, seen_ns: int) -> Quote | Ticker:
    return _quote(item, topic, seen_ns) if topic.kind == "quote" else _ticker(item, topic, seen_ns)


def _quote(item: wire.TickerItem, topic: Topic, seen_ns: int) -> Quote:
    return Quote(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=rfc3339_ns(item.timestamp),
        seen_ns=seen_ns,
        bid=float(item.bid),
        bid_qty=float(item.bid_qty),
        ask=float(item.ask),
        ask_qty=float(item.ask_qty),
    )


def _ticker(item: wire.TickerItem, topic: Topic, seen_ns: int) -> Ticker:
    return Ticker(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=rfc3339_ns(item.timestamp),
        seen_ns=seen_ns,
        last=_optional(item.last),
        bid=float(item.bid),
        ask=float(item.ask),
        high=_optional(item.high),
        low=_optional(item.low),
        volume=_optional(item.volume),
    )


def _optional(raw: Raw) -> float | None:
    return None if bytes(raw) in (b"", b"null") else float(raw)


def _candle(item: wire.OhlcItem, frame: wire.OhlcFrame, topic: Topic, seen_ns: int) -> Candle:
    """No flag says that a bar is closed; in a snapshot a later bar behind it does."""
    open_ns, last = rfc3339_ns(item.interval_begin), frame.data[-1]
    return Candle(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=rfc3339_ns(frame.timestamp),
        seen_ns=seen_ns,
        interval=topic.detail,
        open_ns=open_ns,
        open=float(item.open),
        high=float(item.high),
        low=float(item.low),
        close=float(item.close),
        volume=float(item.volume),
        trades=item.trades,
        closed=last.symbol == item.symbol and rfc3339_ns(last.interval_begin) > open_ns,
    )


class Channel(Struct, frozen=True):
    name: str
    decode: Callable[[bytes], Any]
    noun: Callable[[Any, Any, Topic, int], Any]
    strange: Callable[[Any], str]  # what is odd about an item that is passed on all the same; "" as a rule
    key: Callable[[Any], Key]  # whose item this is
    from_snapshot: bool = False  # what comes before the snapshot fits nothing


def _channel(name: str, shape: Any, noun: Any, strange: Any, key: Any = None, from_snapshot: bool = False) -> Channel:
    own_key: Callable[[Any], Key] = key or (lambda item: (name, item.symbol, 0))
    return Channel(name, msgspec.json.Decoder(shape).decode, noun, strange, own_key, from_snapshot)


def _long(*numbers: Raw) -> str:
    for number in numbers:
        if memoryview(number).nbytes > DIGITS_EXACT and long_text(bytes(number).decode("ascii", "replace")):
            return "more digits than a float holds"
    return ""


def _strange_trade(item: wire.TradeItem) -> str:
    return _long(item.price, item.qty) if item.side in SIDES.values() else f"trade: unknown side {cut(item.side, 40)}"


CHANNELS: dict[str, Channel] = {one.name: one for one in (
    _channel(BOOK, wire.BookFrame, _levels, lambda item: "", from_snapshot=True),
    _channel(TRADE, wire.TradeFrame, _trade, _strange_trade),
    _channel(TICKER, wire.TickerFrame, _quote_or_ticker,
             lambda item: _long(item.bid, item.bid_qty, item.ask, item.ask_qty, item.last)),
    _channel(OHLC, wire.OhlcFrame, _candle, lambda item: _long(item.open, item.high, item.low, item.close),
             key=lambda item: (OHLC, item.symbol, item.interval)),
)}  # fmt: skip


# ---- of an account

EXECUTIONS, BALANCES = "executions", "balances"
ACCOUNT = {"orders": EXECUTIONS, "balances": BALANCES}  # topic -> channel
# Of one execution, or of one moment: what the next update does not inherit.
_PASSING = ("exec_id", "last_qty", "last_price", "liquidity_ind", "fees", "exec_type", "reason")
_LASTING = tuple(name for name in ExecutionItem.__struct_fields__ if name not in _PASSING)


def merged(known: ExecutionItem, told: ExecutionItem) -> ExecutionItem:
    """All that is known of an order: updates say what is new, and its id."""
    for name in _LASTING:
        value = getattr(told, name)
        if value is not None and value != "":
            setattr(known, name, value)
    known.reason = told.reason  # of this change, not of an earlier one
    return known


def order_report(known: ExecutionItem, begun_ns: int, ctx: Ctx, seen_ns: int) -> OrderReport:
    """A trade says partially_filled even where it fills the order; that it is filled, the next update says."""
    if known.order_status not in STATUSES:
        raise Nonsense(f"an order of unknown status {known.order_status[:40]!r}")
    done, trigger = known.cum_qty, known.triggers.price if known.triggers else known.stop_price
    return OrderReport(
        venue=NAME,
        symbol=_ours(known.symbol, ctx),
        order_id=known.order_id,
        status=STATUSES[known.order_status],
        client_id=known.cl_ord_id,
        venue_ns=rfc3339_ns(known.timestamp),
        seen_ns=seen_ns,
        created_ns=begun_ns,
        side=known.side,
        type=TYPES.get(known.order_type),
        tif=TIFS.get(known.time_in_force.upper()),
        qty=_exact(known.order_qty),
        quote_qty=_exact(known.cash_order_qty),
        price=_exact(known.limit_price) or None,
        trigger=_exact(trigger) or None,
        filled=_exact(done),
        cost=_exact(known.cum_cost),
        average=_exact(known.avg_price) or None,
        post_only=known.post_only,
        reduce_only=known.reduce_only,
        reason=known.reason or "",
    )


def execution_fill(told: ExecutionItem, known: ExecutionItem, ctx: Ctx, seen_ns: int) -> Fill:
    """Fees are in the quote currency only; of several assets none can be told as one."""
    fees = told.fees or []
    assets = {fee.asset for fee in fees}
    assert told.last_price is not None
    assert told.last_qty is not None
    return Fill(
        venue=NAME,
        symbol=_ours(known.symbol, ctx),
        order_id=told.order_id,
        id=told.exec_id,
        side=known.side,
        price=exact(told.last_price),
        qty=exact(told.last_qty),
        fee=functools.reduce(EXACT.add, (exact(fee.qty) for fee in fees)) if len(assets) == 1 else None,
        fee_asset=wire.asset(assets.pop()) if len(assets) == 1 else "",
        maker={"m": True, "t": False}.get(told.liquidity_ind),
        client_id=known.cl_ord_id,
        venue_ns=rfc3339_ns(told.timestamp),
        seen_ns=seen_ns,
    )


def holding(told: BalanceItem, seen_ns: int) -> tuple[Holding, ...]:
    """Of what can be traded: staked and earning coins are in wallets of their own. What is free is not told."""
    if told.wallet_type not in ("", "spot"):
        return ()
    spot = [exact(one.balance) for one in told.wallets or () if one.type == "spot"]
    total = functools.reduce(EXACT.add, spot, Decimal(0)) if told.wallets is not None else exact(told.balance)
    venue_ns = rfc3339_ns(told.timestamp)
    return (Holding(venue=NAME, asset=wire.asset(told.asset), total=total, venue_ns=venue_ns, seen_ns=seen_ns),)


def _ours(name: str, ctx: Ctx) -> str:
    listed = ctx.catalog.ours(name, "ws")
    return listed.symbol if listed else name


def _exact(number: Decimal | None) -> Decimal | None:
    return None if number is None else exact(number)
