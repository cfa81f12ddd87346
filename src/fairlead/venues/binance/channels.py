"""How Binance calls our topics, and how its shapes become nouns, on streams as on REST; it asks and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from fairlead.model import numbers
from fairlead.model.instrument import Catalog, Instrument
from fairlead.model.market import MS, Candle, Quote, Ticker, Trade
from fairlead.model.symbols import parse
from fairlead.venues.binance import wire
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.mirror import Terms
from fairlead.wire.shapes import Nonsense

NAME = "binance"
STREAM_SPELLING = "ws"  # Instrument.names: streams spell symbols in lower case
BOOK_DEPTHS = (1000, 100, 500, 5000)  # levels a side; what they weigh: rest.BOOK_WEIGHTS. 1000 cost a fifth of 5000
INTERVALS: Mapping[str, str] = {name: name for name in
    ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")}  # fmt: skip
STATUS = {  # rest-api.md, Symbol status
    "TRADING": "trading",
    "END_OF_DAY": "closed",
    "HALT": "halted",
    "BREAK": "halted",
    "CANCEL_ONLY": "cancel-only",
}
_NO_FILTER = wire.Filter("")


def instrument(info: wire.SymbolInfo) -> Instrument:
    """A tick or step of "0" disables that part of the filter; then the asset's precision is all that is declared."""
    by_type = {one.filter_type: one for one in info.filters}
    price, lot = by_type.get("PRICE_FILTER", _NO_FILTER), by_type.get("LOT_SIZE", _NO_FILTER)
    notional = by_type.get("NOTIONAL", by_type.get("MIN_NOTIONAL", _NO_FILTER))
    tick, step = _plain(price.tick_size), _plain(lot.step_size)
    return Instrument(
        symbol=f"{info.base_asset}/{info.quote_asset}",
        venue_symbol=info.symbol,
        price_tick=tick,
        qty_step=step,
        price_decimals=numbers.decimals_of(tick) if tick else info.quote_precision,
        qty_decimals=numbers.decimals_of(step) if step else info.base_asset_precision,
        status=STATUS.get(info.status, "unknown"),
        venue_status=info.status,
        min_qty=_plain(lot.min_qty),
        max_qty=_plain(lot.max_qty),
        min_notional=_plain(notional.min_notional),
        names={STREAM_SPELLING: info.symbol.lower()},
    )


def _plain(text: str) -> Decimal:
    """Without the padding: 0.01 for "0.01000000"."""
    return numbers.decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def listing(terms: Terms) -> Instrument:
    """As the venue would list such a market."""
    parts = parse(terms.symbol)
    spelled = f"{parts.base}{parts.quote}"
    return Instrument(
        symbol=terms.symbol,
        venue_symbol=spelled,
        price_tick=terms.price_tick,
        qty_step=terms.qty_step,
        price_decimals=numbers.decimals_of(terms.price_tick),
        qty_decimals=numbers.decimals_of(terms.qty_step),
        venue_status="TRADING",
        min_qty=terms.min_qty,
        max_qty=Decimal(9000),
        min_notional=terms.min_notional,
        names={STREAM_SPELLING: spelled.lower()},
    )


def trade(data: wire.TradeEvent | wire.TradeRow | wire.FoldedRow, topic: Topic, seen_ns: int = 0) -> Trade:
    return Trade(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=data.T * MS,
        seen_ns=seen_ns,
        id=str(data.t),
        price=float(data.p),
        qty=float(data.q),
        side="sell" if data.m else "buy",  # the maker bought: the taker sold
    )


def folded(data: wire.FoldedRow, topic: Topic) -> Trade:
    return msgspec.structs.replace(trade(data, topic), count=data.t - data.f + 1)


def levels(data: wire.DepthEvent, topic: Topic, seen_ns: int) -> Levels:
    return Levels(topic, False, data.U, data.u, -1, None, data.b, data.a, data.E * MS, seen_ns)


def whole(reply: wire.BookReply, topic: Topic) -> Levels:
    """The reply holds no time."""
    return Levels(topic, True, 0, reply.last_update_id, -1, None, reply.bids, reply.asks, 0, 0)


def quote(data: wire.QuoteEvent, topic: Topic, seen_ns: int) -> Quote:
    return Quote(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=data.E * MS,
        seen_ns=seen_ns,
        bid=float(data.b),
        bid_qty=float(data.B),
        ask=float(data.a),
        ask_qty=float(data.A),
        seq=data.u,
    )


def ticker(data: wire.TickerEvent | wire.TickerReply, topic: Topic, seen_ns: int = 0) -> Ticker:
    return Ticker(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=data.E * MS,
        seen_ns=seen_ns,
        last=float(data.c),
        bid=float(data.b),
        ask=float(data.a),
        open=float(data.o),
        high=float(data.h),
        low=float(data.l),
        volume=float(data.v),
        quote_volume=float(data.q),
    )


def candle(data: wire.KlineEvent, topic: Topic, seen_ns: int) -> Candle:
    if data.k.i != INTERVALS[topic.detail]:
        raise Nonsense(f"{data.k.i} instead of {topic.detail}")
    return bar(data.k, topic, data.k.x, data.E * MS, seen_ns)


def bar(data: wire.Kline | wire.KlineRow, topic: Topic, closed: bool, venue_ns: int = 0, seen_ns: int = 0) -> Candle:
    """A row of history has no time but its own."""
    return Candle(
        venue=NAME,
        symbol=topic.symbol,
        venue_ns=venue_ns,
        seen_ns=seen_ns,
        interval=topic.detail,
        open_ns=data.t * MS,
        open=float(data.o),
        high=float(data.h),
        low=float(data.l),
        close=float(data.c),
        volume=float(data.v),
        quote_volume=float(data.q),
        trades=data.n,
        closed=closed,
    )


# ---- the kinds of topics


class Sort(Struct, frozen=True):
    """A kind of topic: the `e` of its events, what follows the symbol in its streams' names, its decoder, the noun it
    becomes, the prices and quantities that a float must hold, and the details that may be asked for."""

    kind: str
    word: str
    suffix: str
    decode: Callable[[bytes], Any]
    noun: Callable[[Any, Topic, int], Any]
    texts: Callable[[Any], tuple[str, ...]] | None
    details: frozenset[str]


def _sort(kind: str, word: str, suffix: str, shape: Any, noun: Any, texts: Any, details: Iterable[str] = ("",)) -> Sort:
    decode = msgspec.json.Decoder(wire.Wrapped[shape]).decode
    return Sort(kind, word, suffix, decode, noun, texts, frozenset(details))


SORTS = {sort.kind: sort for sort in (
    _sort("book", "depthUpdate", "depth@100ms", wire.DepthEvent, levels, None, ("", *map(str, BOOK_DEPTHS))),
    _sort("trades", "trade", "trade", wire.TradeEvent, trade, lambda data: (data.p, data.q)),
    _sort("quote", "", "bookTicker", wire.QuoteEvent, quote, lambda data: (data.b, data.B, data.a, data.A)),
    _sort("ticker", "24hrTicker", "ticker", wire.TickerEvent, ticker, lambda data: (data.c, data.b, data.a)),
    _sort("candles", "kline", "kline_", wire.KlineEvent, candle,
          lambda data: (data.k.o, data.k.h, data.k.l, data.k.c), INTERVALS),
)}  # fmt: skip
_SUFFIXES = {sort.word: sort.suffix for sort in SORTS.values()}
# The other events that the page names; nobody joins them here.
_OTHERS = frozenset(
    ("aggTrade", "blockTrade", "24hrMiniTicker", "1hTicker", "4hTicker", "1dTicker", "avgPrice", "referencePrice")
)


def stream_name(topic: Topic, catalog: Catalog) -> str:
    """btcusdt@depth@100ms, btcusdt@kline_1m"""
    interval = INTERVALS[topic.detail] if topic.kind == "candles" else ""
    return f"{catalog.theirs(topic.symbol).venue_symbol.lower()}@{SORTS[topic.kind].suffix}{interval}"


def bare_name(event: wire.Loose) -> str:
    """The name of the stream to which an event without envelope belongs; empty for what is no event of the page's."""
    if event.e in _OTHERS:
        return f"{event.s.lower()}@{event.e}"
    suffix = _SUFFIXES.get(event.e) if event.e or event.u is not None else None
    return f"{event.s.lower()}@{suffix}{event.k.i if event.k else ''}" if suffix else ""


def unheard(topic: Topic, catalog: Catalog) -> Fault | None:
    """The venue acknowledges every well-formed name, known or not, and then is silent: so names are judged here."""
    sort = SORTS.get(topic.kind)
    if sort is None or topic.detail not in sort.details:
        return Fault(Kind.INVALID, said=f"there is no stream for {topic}")
    return None if topic.symbol in catalog else Fault(Kind.SYMBOL, said=f"{topic.symbol} is not listed")
