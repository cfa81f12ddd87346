"""What Kraken writes: replies, one a path, and the items of frames, with every key of the documented payload.

Prices are padded, quantities have all their decimals; what the world does not know (fees, the size of the last trade)
is fixed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from string import ascii_uppercase, digits
from typing import Any

from msgspec import Raw, Struct

from fairlead.model import numbers
from fairlead.model.account import Balance
from fairlead.model.instrument import Instrument
from fairlead.model.intervals import next_ns
from fairlead.model.market import Candle, Quote, Ticker, Trade
from fairlead.model.orders import Fill, OrderReport, OrderType, Status, Tif
from fairlead.venues.kraken import account, wire
from fairlead.venues.kraken.auth import plain
from fairlead.venues.kraken.faults import Texts
from fairlead.venues.kraken.orders import FLAG_POST, FLAG_QUOTE, TYPES
from fairlead.venues.kraken.rest import BOOK_USUAL, PATHS
from fairlead.wire.asks import Op
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth, Heard
from fairlead.wire.signing import Stamp

LETTERS = digits + ascii_uppercase  # of the names of orders
SCATTER = 5_123_456_789_012_345_678_901_239  # prime to their number, so that no two orders share a name
CANDLES_WALL = 720  # the latest so many bars are all there is, whatever `since` says
REST_DECIMALS = 5  # prices of books, tickers and trades have at least so many
ASSETS, SYSTEM_STATUS, BALANCE = "/0/public/Assets", "/0/public/SystemStatus", "/0/private/Balance"  # others ask these
JSON = {"content-type": "application/json; charset=utf-8"}
CODES = {ours: code for code, ours in wire.CODES.items()}  # our asset -> the venue's code, and what it shows
SHOWN = {ours: theirs for theirs, ours in wire.DISPLAY.items()}
REASONS = {"user": "User requested", "post only": "Post only order", "dead man": "Cancel all orders after timeout"}
REST_STATUS = {
    Status.PENDING: "pending", Status.OPEN: "open", Status.PARTIAL: "open", Status.FILLED: "closed",
    Status.CANCELLED: "canceled", Status.EXPIRED: "expired", Status.REJECTED: "canceled",
}  # fmt: skip


class Manners(Struct, frozen=True):
    """What the documents do not say, or say in two ways."""

    texts: Texts = Texts()
    rest: str = "IOC order was canceled"  # the reason of what an IOC or a market order leaves
    timer_off: Any = "0"  # triggerTime once the switch is off
    tells_client_id: bool = False  # Add Order repeats the cl_ord_id
    lists_batch: bool = False  # batch_add answers with a list instead of {"orders":[..]}
    leaves_out: bool = False  # Query Orders leaves out what is not there, instead of refusing
    spells_fees: str = "minfee maxfee nextfee nextvolume tiervolume"  # or min_fee ...
    pads: bool = True  # numbers on the socket keep the zeros at their end


def _say_time(heard: Heard, answer: int, ctx: Ctx, at: Stamp) -> Any:
    now = datetime.fromtimestamp(answer // 1_000, UTC)
    return {"unixtime": answer // 1_000, "rfc1123": f"{now:%a}, {now.day:2} {now:%b %y %H:%M:%S} +0000"}


def _say_status(heard: Heard, answer: int, ctx: Ctx, at: Stamp) -> Any:
    return {"status": "online", "timestamp": f"{datetime.fromtimestamp(answer // 1_000, UTC):%Y-%m-%dT%H:%M:%SZ}"}


def _say_ticker(heard: Heard, answer: Ticker | tuple[Ticker, ...], ctx: Ctx, at: Stamp) -> Any:
    wanted = heard.tag.split(",") if heard.tag else ()
    told = answer if isinstance(answer, tuple) else (answer,)
    return {ctx.catalog.theirs(one.symbol).names["reply"]: _ticker(one, ctx.catalog.theirs(one.symbol))
            for one in told if not wanted or one.symbol in wanted}  # fmt: skip


def _ticker(told: Ticker, one: Instrument) -> dict[str, Any]:
    """Sizes and counts are not the world's to tell; today is told as the last 24 hours."""

    def price(number: float | None) -> str:
        return f"{number or 0.0:.{max(REST_DECIMALS, one.price_decimals)}f}"

    volume = f"{told.volume or 0.0:.{one.qty_decimals}f}"
    vwap = told.quote_volume / told.volume if told.quote_volume and told.volume else told.last
    return {
        "a": [price(told.ask), "1", "1.000"], "b": [price(told.bid), "1", "1.000"],
        "c": [price(told.last), f"{0:.{one.qty_decimals}f}"], "v": [volume, volume], "p": [price(vwap), price(vwap)],
        "t": [1, 1], "l": [price(told.low), price(told.low)], "h": [price(told.high), price(told.high)],
        "o": price(told.open),
    }  # fmt: skip


def _say_book(heard: Heard, answer: Depth, ctx: Ctx, at: Stamp) -> Any:
    one, asked = ctx.catalog.theirs(answer.symbol), heard.asked
    second = answer.venue_ns // wire.SECOND_NS
    more = "0" * (REST_DECIMALS - one.price_decimals)

    def rows(side: Side) -> list[Any]:
        texts = [_texts(level, one) for level in side[: asked.depth or BOOK_USUAL]]
        return [[_padded(price, more), qty, second] for price, qty in texts]

    return {one.names["reply"]: {"asks": rows(answer.asks), "bids": rows(answer.bids)}}


def _texts(level: tuple[int, int], one: Instrument) -> tuple[str, str]:
    return numbers.text_of(level[0], one.price_decimals), numbers.text_of(level[1], one.qty_decimals)


def _padded(text: str, more: str) -> str:
    return text + ("." if more and "." not in text else "") + more


def _say_trades(heard: Heard, answer: tuple[Trade, ...], ctx: Ctx, at: Stamp) -> Any:
    one = ctx.catalog.theirs(heard.asked.symbol)
    last_ns = answer[-1].venue_ns if answer else max(0, heard.asked.since_ns - 1)
    return {one.names["reply"]: [_trade(told, one) for told in answer], "last": str(last_ns)}


def _trade(told: Trade, one: Instrument) -> list[Any]:
    price, qty = f"{told.price:.{max(REST_DECIMALS, one.price_decimals)}f}", f"{told.qty:.{one.qty_decimals}f}"
    return [price, qty, seconds(told.venue_ns), told.side[0], "l", "", int(told.id)]


def seconds(ns: int) -> Raw:
    return Raw(numbers.text_of(ns, 9).rstrip("0").rstrip(".").encode())


def _say_candles(heard: Heard, answer: tuple[Candle, ...], ctx: Ctx, at: Stamp) -> Any:
    """The last row is the running bar, and `last` the one before it."""
    one, bars = ctx.catalog.theirs(heard.asked.symbol), answer[-CANDLES_WALL:]
    rows = [[bar.open_ns // wire.SECOND_NS,
             *(f"{number:.{one.price_decimals}f}" for number in (bar.open, bar.high, bar.low, bar.close, _vwap(bar))),
             f"{bar.volume:.{one.qty_decimals}f}", bar.trades or 0] for bar in bars]  # fmt: skip
    committed = [bar.open_ns // wire.SECOND_NS for bar in bars if bar.closed]
    return {one.names["reply"]: rows, "last": committed[-1] if committed else 0}


def _vwap(bar: Candle) -> float:
    return bar.quote_volume / bar.volume if bar.quote_volume and bar.volume else bar.close


def _say_balances(heard: Heard, answer: Iterable[Balance], ctx: Ctx, at: Stamp) -> Any:
    return {code_of(held.asset): _holding(held) for held in answer}


def code_of(asset: str) -> str:
    """A wallet's suffix goes with the name that is shown: XBT.M, but XXBT."""
    stem, dot, wallet = asset.partition(".")
    return SHOWN.get(stem, stem) + dot + wallet if dot else CODES.get(asset, asset)


def _holding(held: Balance) -> dict[str, str]:
    return {
        "balance": plain(held.total),
        "hold_trade": plain(held.total - held.free),
        "credit": "0",
        "credit_used": "0",
    }


def _say_totals(heard: Heard, answer: Iterable[Balance], ctx: Ctx, at: Stamp) -> Any:
    return {code: held["balance"] for code, held in _say_balances(heard, answer, ctx, at).items()}


SAY: Mapping[str, Callable[[Heard, Any, Ctx, Stamp], Any]] = {
    PATHS[Op.TIME]: _say_time,
    SYSTEM_STATUS: _say_status,
    PATHS[Op.TICKER]: _say_ticker,
    PATHS[Op.BOOK]: _say_book,
    PATHS[Op.TRADES]: _say_trades,
    PATHS[Op.CANDLES]: _say_candles,
    account.PATHS[Op.BALANCES]: _say_balances,
    BALANCE: _say_totals,
}


# ---- one order, one fill


def order_row(told: OrderReport, ctx: Ctx) -> dict[str, Any]:
    """`price` is the average; the limit, or the trigger and the limit, stand in `descr`."""
    listed, kind = ctx.catalog.theirs(told.symbol), told.type or OrderType.LIMIT
    first, second = (told.trigger, told.price) if kind.is_triggered else (told.price, None)
    flags = ["fciq", *([FLAG_POST] if told.post_only else []), *([FLAG_QUOTE] if told.quote_qty is not None else [])]
    filled, volume = told.filled, told.qty
    if told.quote_qty is not None:
        filled, volume = told.cost, told.quote_qty  # with viqc both are in the quote currency
    descr = {"pair": listed.venue_symbol, "type": told.side, "ordertype": TYPES[kind],
             "price": padded(first, listed.price_decimals) if first else "0",
             "price2": padded(second, listed.price_decimals) if second else "0", "leverage": "none",
             "order": in_words(listed, told.side, kind, volume, (first, second)), "close": ""}  # fmt: skip
    ended = (
        {"closetm": _stamp(told.venue_ns), "reason": REASONS.get(told.reason, told.reason) or None}
        if told.status.is_final
        else {}
    )
    named = {"cl_ord_id": told.client_id} if told.client_id else {}
    return {"refid": None, "userref": 0, **named, "status": REST_STATUS[told.status], "reason": None,
            "opentm": _stamp(told.created_ns), "closetm": 0, "starttm": 0, "expiretm": 0, **ended, "descr": descr,
            "vol": padded(volume, listed.qty_decimals), "vol_exec": padded(filled, listed.qty_decimals),
            "cost": padded(told.cost, 5), "fee": "0.00000", "price": padded(told.average, 5), "stopprice": "0.00000",
            "limitprice": "0.00000", "misc": "", "oflags": ",".join(flags), "trigger": "last", "margin": False,
            "time_in_force": str(told.tif or Tif.GTC), "sender_sub_id": ""}  # fmt: skip


def in_words(one: Instrument, side: str, kind: OrderType, qty: Decimal | None, prices: Iterable[Decimal | None]) -> str:
    """Buy 0.50000000 XBTUSDT @ stop loss 29000.0 -> limit 29500.0"""
    name, is_limit = TYPES[kind].removesuffix("-limit").replace("-", " "), " -> limit "
    told = is_limit.join(padded(price, one.price_decimals) for price in prices if price is not None)
    return f"{side} {padded(qty, one.qty_decimals)} {one.venue_symbol} @ {name} {told}".rstrip()


def fill_row(told: Fill, ctx: Ctx) -> dict[str, Any]:
    listed = ctx.catalog.theirs(told.symbol)
    cost = numbers.EXACT.multiply(told.price, told.qty)
    return {"ordertxid": told.order_id, "postxid": "TKH2SE-M7IF5-CFI7LT", "pair": listed.names["reply"],
            "time": _stamp(told.venue_ns), "type": told.side, "ordertype": "limit", "price": padded(told.price, 5),
            "cost": padded(cost, 5), "fee": padded(told.fee, 5), "vol": padded(told.qty, listed.qty_decimals),
            "margin": "0.00000", "leverage": "0", "misc": "", "trade_id": trade_number(told.id),
            "maker": bool(told.maker), "ledgers": []}  # fmt: skip


def padded(number: Decimal | None, decimals: int) -> str:
    """With so many decimals at least; nothing is rounded away."""
    text = plain(number or Decimal(0))
    have = len(text.partition(".")[2])
    return _padded(text, "0" * (decimals - have)) if have < decimals else text


def trade_number(id: str) -> int:
    return zlib.crc32(id.encode())


def named(letter: str, number: int) -> str:
    """OUF4EM-FRGI2-MQMWZD: six, five and six characters that do not show which came first."""
    rest, text = number * SCATTER % len(LETTERS) ** 16, ""
    for _ in range(16):
        rest, digit = divmod(rest, len(LETTERS))
        text += LETTERS[digit]
    return f"{letter}{text[:5]}-{text[5:10]}-{text[10:]}"


def _stamp(ns: int) -> Raw:
    return seconds(ns - ns % 1_000)  # to the microsecond


# ---- items of frames; `bare` makes a text a number of JSON

Bare = Callable[[str], Raw]


def book_item(one: Instrument, bids: Side, asks: Side, checksum: int, venue_ns: int, bare: Bare) -> dict[str, Any]:
    def objects(side: Side) -> list[dict[str, Raw]]:
        return [{"price": bare(price), "qty": bare(qty)} for price, qty in (_texts(level, one) for level in side)]

    return {"symbol": one.names["ws"], "bids": objects(bids), "asks": objects(asks), "checksum": checksum,
            "timestamp": rfc3339(venue_ns)}  # fmt: skip


def trade_item(one: Instrument, told: Trade, bare: Bare) -> dict[str, Any]:
    price, qty = _words(one, bare)
    return {"symbol": one.names["ws"], "side": told.side, "price": price(told.price), "qty": qty(told.qty),
            "ord_type": "limit", "trade_id": int(told.id), "timestamp": rfc3339(told.venue_ns)}  # fmt: skip


def ticker_item(one: Instrument, quote: Quote, day: Ticker, venue_ns: int, bare: Bare) -> dict[str, Any]:
    price, qty = _words(one, bare)
    last, first = day.last or 0.0, day.open or day.last or 0.0
    vwap = day.quote_volume / day.volume if day.quote_volume and day.volume else last
    return {"symbol": one.names["ws"], "bid": price(quote.bid), "bid_qty": qty(quote.bid_qty), "ask": price(quote.ask),
            "ask_qty": qty(quote.ask_qty), "last": price(last), "volume": qty(day.volume), "vwap": price(vwap),
            "low": price(day.low), "high": price(day.high), "change": price(last - first),
            "change_pct": bare(f"{100 * (last / first - 1) if first else 0.0:.2f}"),
            "timestamp": rfc3339(venue_ns)}  # fmt: skip


def candle_item(one: Instrument, bar: Candle, minutes: int, bare: Bare) -> dict[str, Any]:
    price, qty = _words(one, bare)
    end_ns = next_ns(bar.interval, bar.open_ns)
    return {"symbol": one.names["ws"], "open": price(bar.open), "high": price(bar.high), "low": price(bar.low),
            "close": price(bar.close), "trades": bar.trades or 0, "volume": qty(bar.volume), "vwap": price(_vwap(bar)),
            "interval_begin": rfc3339(bar.open_ns, 9), "interval": minutes, "timestamp": rfc3339(end_ns)}  # fmt: skip


def _words(one: Instrument, bare: Bare) -> tuple[Callable[[float | None], Raw], Callable[[float | None], Raw]]:
    return (
        lambda number: bare(f"{number or 0.0:.{one.price_decimals}f}"),
        lambda number: bare(f"{number or 0.0:.{one.qty_decimals}f}"),
    )


def rfc3339(ns: int, places: int = 6) -> str:
    second, rest = divmod(ns, wire.SECOND_NS)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}"[: 20 + places] + "Z"
