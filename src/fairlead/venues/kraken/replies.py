"""What Kraken writes: replies, one a path, and the items of frames, with every key of the documented payload.

Prices are padded, quantities have all their decimals; what the world does not know (fees, the size of the last trade)
is fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw

from fairlead.model import numbers
from fairlead.model.account import Balance
from fairlead.model.instrument import Instrument
from fairlead.model.intervals import next_ns
from fairlead.model.market import Candle, Quote, Ticker, Trade
from fairlead.venues.kraken import wire
from fairlead.venues.kraken.rest import BOOK_USUAL, PATHS, STATUS
from fairlead.wire.asks import Op
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.http import Reply
from fairlead.wire.mirror import Depth, Heard
from fairlead.wire.signing import Stamp

CANDLES_WALL = 720  # the latest so many bars are all there is, whatever `since` says
REST_DECIMALS = 5  # prices of books, tickers and trades have at least so many
ASSETS, SYSTEM_STATUS, BALANCE = "/0/public/Assets", "/0/public/SystemStatus", "/0/private/Balance"  # others ask these
JSON = {"content-type": "application/json; charset=utf-8"}
CODES = {ours: code for code, ours in wire.CODES.items()}  # our asset -> the venue's code, and what it shows
SHOWN = {ours: theirs for theirs, ours in wire.DISPLAY.items()}
_STATUS = {ours: theirs for theirs, ours in reversed(STATUS.items())}


def say(heard: Heard, answer: Any, ctx: Ctx, at: Stamp) -> Reply:
    result = _SAY[heard.path or PATHS[heard.op]](heard, answer, ctx, at)
    return Reply(200, JSON, msgspec.json.encode({"error": [], "result": result}))


def _say_time(heard: Heard, answer: int, ctx: Ctx, at: Stamp) -> Any:
    now = datetime.fromtimestamp(answer // 1_000, UTC)
    return {"unixtime": answer // 1_000, "rfc1123": f"{now:%a}, {now.day:2} {now:%b %y %H:%M:%S} +0000"}


def _say_status(heard: Heard, answer: int, ctx: Ctx, at: Stamp) -> Any:
    return {"status": "online", "timestamp": f"{datetime.fromtimestamp(answer // 1_000, UTC):%Y-%m-%dT%H:%M:%SZ}"}


def _say_pairs(heard: Heard, answer: Iterable[Instrument], ctx: Ctx, at: Stamp) -> Any:
    wanted = heard.tag.split(",") if heard.tag else ()
    return {one.names["reply"]: _pair(one) for one in answer if not wanted or one.symbol in wanted}


def _pair(one: Instrument) -> dict[str, Any]:
    base, _, quote = one.symbol.removesuffix(".d").partition("/")
    named = {"wsname": one.names["wsname"]} if "wsname" in one.names else {}  # dark pools are not on the socket
    return {
        "altname": one.names["alt"], **named, "aclass_base": "currency",
        "base": _code(base), "aclass_quote": "currency", "quote": _code(quote), "lot": "unit",
        "cost_decimals": 5, "pair_decimals": one.price_decimals, "lot_decimals": one.qty_decimals, "lot_multiplier": 1,
        "leverage_buy": [2, 3], "leverage_sell": [2, 3], "fees": [[0, 0.4], [10_000, 0.35]],
        "fees_maker": [[0, 0.25], [10_000, 0.2]], "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40,
        "ordermin": _plain(one.min_qty), "costmin": _plain(one.min_notional), "tick_size": _plain(one.price_tick),
        "status": one.venue_status or _STATUS[one.status], "long_position_limit": 250, "short_position_limit": 200,
        "execution_venue": "international",
    }  # fmt: skip


def _say_assets(heard: Heard, answer: Iterable[Instrument], ctx: Ctx, at: Stamp) -> Any:
    names = {name for one in answer for name in (one.parts.base, one.parts.quote)}
    return {_code(name): _asset(name) for name in sorted(names)}


def _asset(name: str) -> dict[str, Any]:
    decimals, shown = (4, 2) if CODES.get(name, "").startswith("Z") else (10, 5)
    return {"aclass": "currency", "altname": SHOWN.get(name, name), "decimals": decimals, "display_decimals": shown,
            "collateral_value": 1.0, "status": "enabled", "margin_rate": 0.02}  # fmt: skip


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
    return [price, qty, _seconds(told.venue_ns), told.side[0], "l", "", int(told.id)]


def _seconds(ns: int) -> Raw:
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
    return {_code(held.asset): _holding(held) for held in answer}


def _code(asset: str) -> str:
    """A wallet's suffix goes with the name that is shown: XBT.M, but XXBT."""
    stem, dot, wallet = asset.partition(".")
    return SHOWN.get(stem, stem) + dot + wallet if dot else CODES.get(asset, asset)


def _holding(held: Balance) -> dict[str, str]:
    return {
        "balance": _plain(held.total),
        "hold_trade": _plain(held.total - held.free),
        "credit": "0",
        "credit_used": "0",
    }


def _say_totals(heard: Heard, answer: Iterable[Balance], ctx: Ctx, at: Stamp) -> Any:
    return {code: held["balance"] for code, held in _say_balances(heard, answer, ctx, at).items()}


def _plain(number: Decimal) -> str:
    return format(number, "f")


_SAY: Mapping[str, Callable[[Heard, Any, Ctx, Stamp], Any]] = {
    PATHS[Op.TIME]: _say_time,
    SYSTEM_STATUS: _say_status,
    PATHS[Op.INSTRUMENTS]: _say_pairs,
    ASSETS: _say_assets,
    PATHS[Op.TICKER]: _say_ticker,
    PATHS[Op.BOOK]: _say_book,
    PATHS[Op.TRADES]: _say_trades,
    PATHS[Op.CANDLES]: _say_candles,
    PATHS[Op.BALANCES]: _say_balances,
    BALANCE: _say_totals,
}


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


def rfc3339(ns: int, digits: int = 6) -> str:
    second, rest = divmod(ns, wire.SECOND_NS)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}"[: 20 + digits] + "Z"
