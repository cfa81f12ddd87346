"""What Binance writes, from our nouns: REST replies and stream events with every documented field; it judges none.

What a noun does not hold (the quantity behind a ticker's best bid, who of the takers bought) is filled in plausibly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import msgspec

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.model.intervals import next_ns
from fairlead.model.market import MS, Candle, Ticker, Trade
from fairlead.model.orders import Fill, OrderReport, Receipt, Status
from fairlead.venues.binance.rest import BY_NUMBER, FOLDED, LATEST, book_limit
from fairlead.venues.binance.trade import cancel_name, reason, size, spelled
from fairlead.wire.asks import Op
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth, Heard
from fairlead.wire.signing import Stamp

PLACES = 8  # prices and quantities are padded to so many decimals
DAY_MS = 86_400_000
NEVER_MS = 1 << 43  # in the year 2248
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
STP_MODES = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
RATE_LIMITS = tuple(
    {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}
    for kind, interval, count, limit in (
        ("REQUEST_WEIGHT", "MINUTE", 1, 6_000),
        ("ORDERS", "SECOND", 10, 100),
        ("ORDERS", "DAY", 1, 200_000),
        ("RAW_REQUESTS", "MINUTE", 5, 300_000),
    )
)
Said = Mapping[str, Any]
Query = Mapping[str, list[str]]


def text(number: float | Decimal | None) -> str:
    """A Decimal, exactly, or a float's shortest text, padded; what is not known is 0."""
    if isinstance(number, Decimal):
        return format(number, f".{max(PLACES, numbers.decimals_of(number))}f")
    return format(Decimal(repr(number or 0.0)), f".{PLACES}f")


def pairs(side: Side, listed: Instrument) -> list[tuple[str, str]]:
    price_places, qty_places = max(PLACES, listed.price_decimals), max(PLACES, listed.qty_decimals)
    prices, qtys = 10 ** (price_places - listed.price_decimals), 10 ** (qty_places - listed.qty_decimals)
    return [(numbers.text_of(p * prices, price_places), numbers.text_of(q * qtys, qty_places)) for p, q in side]


# ---- REST (rest-api.md)


def reply(heard: Heard, answer: Any, ctx: Ctx, at: Stamp) -> Any:
    """The body of the reply, for the path and the query that Heard.path holds."""
    path, _, query = heard.path.partition("?")
    if heard.op in _ORDERS:
        return _ORDERS[heard.op](answer, parse_qs(query), ctx)
    return _REPLIES[path](answer, parse_qs(query), ctx, at)


def _exchange_info(answer: Sequence[Instrument], query: Query, ctx: Ctx, at: Stamp) -> Said:
    wanted = _wanted(query)
    with_sets = query.get("showPermissionSets") != ["false"]
    shown = [one for one in answer if not wanted or one.venue_symbol in wanted]
    by_base: dict[str, list[str]] = {}
    for one in shown:
        by_base.setdefault(one.parts.base, []).append(one.venue_symbol)
    return {
        "timezone": "UTC",
        "serverTime": at.venue_ms,
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": [_symbol(one, with_sets) for one in shown],
        "sors": [{"baseAsset": base, "symbols": names} for base, names in by_base.items()],
    }


def _wanted(query: Query) -> list[str]:
    """`symbol=A` or `symbols=["A","B"]`; empty: all."""
    many = query.get("symbols")
    return msgspec.json.decode(many[0], type=list[str]) if many else query.get("symbol", [])


def _symbol(one: Instrument, with_sets: bool) -> Said:
    parts = one.parts
    beyond = (  # what this engine does not do, it does not promise either
        "icebergAllowed", "ocoAllowed", "otoAllowed", "opoAllowed", "allowTrailingStop", "cancelReplaceAllowed",
        "pegInstructionsAllowed",
    )  # fmt: skip
    return {
        "symbol": one.venue_symbol, "status": one.venue_status, "baseAsset": parts.base, "baseAssetPrecision": PLACES,
        "quoteAsset": parts.quote, "quotePrecision": PLACES, "quoteAssetPrecision": PLACES,
        "baseCommissionPrecision": PLACES, "quoteCommissionPrecision": PLACES, "orderTypes": ORDER_TYPES,
        **dict.fromkeys(beyond, False), "quoteOrderQtyMarketAllowed": True, "amendAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
        "filters": list(_filters(one)), "permissions": [], "permissionSets": [["SPOT"]] if with_sets else [],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER", "allowedSelfTradePreventionModes": STP_MODES,
    }  # fmt: skip


def _filters(one: Instrument) -> Iterable[Said]:
    """filters.md"""
    tick, step, none = text(one.price_tick), text(one.qty_step), text(0.0)
    up_down = ("minTrailingAboveDelta", "maxTrailingAboveDelta", "minTrailingBelowDelta", "maxTrailingBelowDelta")
    yield {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": text(1e6), "tickSize": tick}
    yield {"filterType": "LOT_SIZE", "minQty": text(one.min_qty), "maxQty": text(one.max_qty), "stepSize": step}
    yield {"filterType": "ICEBERG_PARTS", "limit": 100}
    yield {"filterType": "MARKET_LOT_SIZE", "minQty": none, "maxQty": text(one.max_qty), "stepSize": none}
    yield {"filterType": "TRAILING_DELTA", **dict(zip(up_down, (10, 2000, 10, 2000), strict=True))}
    yield {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
           "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5}  # fmt: skip
    yield {"filterType": "NOTIONAL", "minNotional": text(one.min_notional), "applyMinToMarket": True,
           "maxNotional": text(9e6), "applyMaxToMarket": False, "avgPriceMins": 5}  # fmt: skip
    yield {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200}
    yield {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20}
    yield {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5}
    yield {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10}


def _depth(answer: Depth, query: Query, ctx: Ctx, at: Stamp) -> Said:
    listed, most = ctx.catalog.theirs(answer.symbol), book_limit(int(query.get("limit", ["100"])[0]))
    bids, asks = pairs(answer.bids[:most], listed), pairs(answer.asks[:most], listed)
    return {"lastUpdateId": answer.last, "bids": bids, "asks": asks}


def _ticker_reply(say: Callable[[Ticker, str], Said]) -> Callable[..., Any]:
    """One ticker, or a list of them where no `symbol` was named."""

    def saying(answer: Ticker | Sequence[Ticker], query: Query, ctx: Ctx, at: Stamp) -> Said | list[Said]:
        if isinstance(answer, Ticker):
            return say(answer, ctx.catalog.theirs(answer.symbol).venue_symbol)
        spelled = [(one, ctx.catalog.theirs(one.symbol).venue_symbol) for one in answer]
        wanted = _wanted(query)
        return [say(one, name) for one, name in spelled if not wanted or name in wanted]

    return saying


def day(one: Ticker, spelled: str) -> Said:
    first, last, volume, turnover = one.open or 0.0, one.last or 0.0, one.volume or 0.0, one.quote_volume or 0.0
    closed_ms, none = one.venue_ns // MS, text(0.0)
    return {
        "symbol": spelled, "priceChange": text(last - first), "priceChangePercent": _percent(first, last),
        "weightedAvgPrice": text(turnover / volume if volume else 0.0), "prevClosePrice": text(first),
        "lastPrice": text(last), "lastQty": none, "bidPrice": text(one.bid), "bidQty": none,
        "askPrice": text(one.ask), "askQty": none, "openPrice": text(first), "highPrice": text(one.high),
        "lowPrice": text(one.low), "volume": text(volume), "quoteVolume": text(turnover),
        "openTime": closed_ms - DAY_MS, "closeTime": closed_ms, "firstId": 0, "lastId": 0, "count": 1,
    }  # fmt: skip


def _percent(first: float, last: float) -> str:
    return f"{(last / first - 1) * 100 if first else 0.0:.3f}"


def _price(one: Ticker, spelled: str) -> Said:
    return {"symbol": spelled, "price": text(one.last)}


def _best(one: Ticker, spelled: str) -> Said:
    none = text(0.0)
    return {"symbol": spelled, "bidPrice": text(one.bid), "bidQty": none, "askPrice": text(one.ask), "askQty": none}


def _trades(answer: Sequence[Trade], query: Query, ctx: Ctx, at: Stamp) -> list[Said]:
    return [
        {"id": int(one.id), "price": text(one.price), "qty": text(one.qty),
         "quoteQty": text(Decimal(repr(one.price)) * Decimal(repr(one.qty))), "time": one.venue_ns // MS,
         "isBuyerMaker": one.side == "sell", "isBestMatch": True}
        for one in answer
    ]  # fmt: skip


def _folded_trades(answer: Sequence[Trade], query: Query, ctx: Ctx, at: Stamp) -> list[Said]:
    end_ns = (int(query.get("endTime", ["0"])[0]) or NEVER_MS) * MS
    return [
        {"a": int(one.id), "p": text(one.price), "q": text(one.qty), "f": int(one.id) - one.count + 1,
         "l": int(one.id), "T": one.venue_ns // MS, "m": one.side == "sell", "M": True}
        for one in answer
        if one.venue_ns <= end_ns
    ]  # fmt: skip


def _klines(answer: Sequence[Candle], query: Query, ctx: Ctx, at: Stamp) -> list[Sequence[Any]]:
    return [
        (one.open_ns // MS, text(one.open), text(one.high), text(one.low), text(one.close), text(one.volume),
         next_ns(one.interval, one.open_ns) // MS - 1, text(one.quote_volume), one.trades or 0, text(one.volume / 2),
         text((one.quote_volume or 0.0) / 2), "0")
        for one in answer
    ]  # fmt: skip


# ---- orders and fills: what a Receipt, an OrderReport, a Fill are called here


def _row(one: OrderReport, ctx: Ctx) -> dict[str, Any]:
    status, kind, tif = spelled(one)
    row = {
        "symbol": ctx.catalog.theirs(one.symbol).venue_symbol, "orderId": int(one.order_id), "orderListId": -1,
        "clientOrderId": one.client_id, "price": text(one.price), "origQty": text(size(one)),
        "executedQty": text(one.filled), "origQuoteOrderQty": text(one.quote_qty),
        "cummulativeQuoteQty": text(one.cost), "status": status, "timeInForce": tif, "type": kind,
        "side": one.side.upper(), "selfTradePreventionMode": "NONE",
    }  # fmt: skip
    return row | ({"expiryReason": reason(one)} if one.status is Status.EXPIRED else {})


def _placed(told: Receipt, params: Query, ctx: Ctx) -> Said:
    """A market or limit order is told in full unless otherwise asked for, another in short."""
    form = params.get("newOrderRespType", ["FULL" if params["type"][0] in ("MARKET", "LIMIT") else "ACK"])[0]
    at_ms = told.venue_ns // MS
    ack = {"symbol": params["symbol"][0], "orderId": int(told.order_id), "orderListId": -1,
           "clientOrderId": told.client_id, "transactTime": at_ms}  # fmt: skip
    if told.report is None or form == "ACK":
        return ack
    trigger = {"stopPrice": text(told.report.trigger)} if told.report.trigger else {}
    fills = {"fills": [_part(one) for one in told.fills]} if form == "FULL" else {}
    return ack | _row(told.report, ctx) | {"workingTime": -1 if trigger else at_ms} | trigger | fills


def _part(one: Fill) -> Said:
    return {"price": text(one.price), "qty": text(one.qty), "commission": text(one.fee),
            "commissionAsset": one.fee_asset, "tradeId": int(one.id)}  # fmt: skip


def _cancelled(told: Receipt, params: Query, ctx: Ctx) -> Said:
    own = params.get("newClientOrderId", [cancel_name(told.order_id)])[0]
    row = _row(told.report, ctx) if told.report else {"symbol": params["symbol"][0], "orderId": int(told.order_id)}
    return row | {"origClientOrderId": told.client_id, "clientOrderId": own, "transactTime": told.venue_ns // MS}


def _amended(told: Receipt, params: Query, ctx: Ctx) -> Said:
    row = _row(told.report, ctx) if told.report else {}
    other = {"origQty": "qty", "origQuoteOrderQty": "quoteOrderQty", "cummulativeQuoteQty": "cumulativeQuoteQty"}
    named = {other.get(name, name): value for name, value in row.items()}
    at_ms = told.venue_ns // MS
    more = {"origClientOrderId": told.client_id, "preventedQty": text(0.0), "workingTime": at_ms}
    return {"transactTime": at_ms, "executionId": at_ms, "amendedOrder": named | more}


def _queried(one: OrderReport, params: Query, ctx: Ctx) -> Said:
    made_ms = one.created_ns // MS
    return _row(one, ctx) | {
        "stopPrice": text(one.trigger), "icebergQty": text(0.0), "time": made_ms, "updateTime": one.venue_ns // MS,
        "isWorking": one.status is not Status.PENDING, "workingTime": made_ms,
    }  # fmt: skip


def _filled(one: Fill, params: Query, ctx: Ctx) -> Said:
    return {
        "symbol": ctx.catalog.theirs(one.symbol).venue_symbol, "id": int(one.id), "orderId": int(one.order_id),
        "orderListId": -1, "price": text(one.price), "qty": text(one.qty), "quoteQty": text(one.price * one.qty),
        "commission": text(one.fee), "commissionAsset": one.fee_asset, "time": one.venue_ns // MS,
        "isBuyer": one.side == "buy", "isMaker": bool(one.maker), "isBestMatch": True,
    }  # fmt: skip


def _each(say: Callable[[Any, Query, Ctx], Said]) -> Callable[[Any, Query, Ctx], list[Said]]:
    return lambda answer, params, ctx: [say(one, params, ctx) for one in answer]


_ORDERS: Mapping[Op, Callable[[Any, Query, Ctx], Any]] = {
    Op.PLACE: _placed,
    Op.AMEND: _amended,
    Op.CANCEL: _cancelled,
    Op.CANCEL_ALL: _each(_cancelled),
    Op.ORDER: _queried,
    Op.OPEN_ORDERS: _each(_queried),
    Op.ORDERS: _each(_queried),
    Op.FILLS: _each(_filled),
}


PING = "/api/v3/ping"
# What clients with a key ask the wallet and margin for before they list markets: this account has neither.
EMPTY = ("/sapi/v1/capital/config/getall", "/sapi/v1/margin/allPairs", "/sapi/v1/margin/isolated/allPairs")
_REPLIES: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(EMPTY, lambda answer, query, ctx, at: []),
    PING: lambda answer, query, ctx, at: {},
    "/api/v3/time": lambda answer, query, ctx, at: {"serverTime": answer},
    "/api/v3/exchangeInfo": _exchange_info,
    "/api/v3/depth": _depth,
    "/api/v3/ticker/24hr": _ticker_reply(day),
    "/api/v3/ticker/price": _ticker_reply(_price),
    "/api/v3/ticker/bookTicker": _ticker_reply(_best),
    LATEST: _trades,
    BY_NUMBER: _trades,
    FOLDED: _folded_trades,
    "/api/v3/klines": _klines,
    "/api/v3/uiKlines": _klines,
}
