"""Binance's shapes of the market, each under the payload it stands for and the page that has it; they judge nothing.

Pages are those of the "binance-spot-api-docs": rest-api.md, web-socket-streams.md, filters.md, errors.md. Field names
are the vendor's; numbers stay text. REPLIES and EVENTS name every field of a page, as shapes.strangers spells them."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Raw, Struct

from fairlead.wire.shapes import Ms

T = TypeVar("T")
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]  # JSON itself knows no bound
Text = str  # a number as Binance sends it: "62000.01000000"


class ServerTime(Struct, rename="camel"):
    """{"serverTime":1499827319559} (rest-api.md, Check server time)"""

    server_time: Ms


class RateLimit(Struct, rename="camel"):
    """{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000} (rest-api.md, Limits)"""

    rate_limit_type: str = ""
    interval: str = ""
    limit: int = -1


class Limits(Struct, rename="camel"):
    rate_limits: list[RateLimit] = []


class Filter(Struct, rename="camel"):
    """{"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000"}
    {"filterType":"LOT_SIZE","minQty":"0.00001000","maxQty":"9000.00000000","stepSize":"0.00001000"}
    {"filterType":"NOTIONAL","minNotional":"5.00000000",...}; older symbols: MIN_NOTIONAL (filters.md)"""

    filter_type: str
    tick_size: Text = "0"
    min_qty: Text = "0"
    max_qty: Text = "0"
    step_size: Text = "0"
    min_notional: Text = "0"


class SymbolInfo(Struct, rename="camel"):
    """{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","baseAssetPrecision":8,"quoteAsset":"USDT",
    "quotePrecision":8,"filters":[...],...} (rest-api.md, Exchange information)"""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_asset_precision: int = 8
    quote_precision: int = 8
    filters: list[Filter] = []


class ExchangeInfo(Struct):
    symbols: list[SymbolInfo]


class BookReply(Struct, rename="camel"):
    """{"lastUpdateId":1027024,"bids":[["62000.01000000","0.43100000"]],"asks":[...]} (rest-api.md, Order book)"""

    last_update_id: Count
    bids: Raw
    asks: Raw


class TickerReply(Struct, rename={
    "s": "symbol", "c": "lastPrice", "b": "bidPrice", "a": "askPrice", "o": "openPrice", "h": "highPrice",
    "l": "lowPrice", "v": "volume", "q": "quoteVolume", "E": "closeTime",
}):  # fmt: skip
    """{"symbol":"BTCUSDT","lastPrice":"62005.00","bidPrice":..,"askPrice":..,"openPrice":..,"highPrice":..,"lowPrice":..,
    "volume":..,"quoteVolume":..,"closeTime":1700000000000,...} (rest-api.md, 24hr ticker price change statistics)"""

    E: Ms
    s: str
    c: Text
    b: Text
    a: Text
    o: Text
    h: Text
    l: Text  # noqa: E741
    v: Text
    q: Text


class TradeRow(Struct, rename={"t": "id", "p": "price", "q": "qty", "T": "time", "m": "isBuyerMaker"}):
    """{"id":28457,"price":"62000.01000000","qty":"0.01200000","quoteQty":"744.00012000","time":1700000000000,
    "isBuyerMaker":true,"isBestMatch":true} (rest-api.md, Recent trades list; Old trade lookup)"""

    t: Count
    p: Text
    q: Text
    T: Ms
    m: bool


class FoldedRow(Struct, rename={"t": "l"}):
    """{"a":26129,"p":"62000.01000000","q":"0.04700000","f":27781,"l":27783,"T":1700000000000,"m":true,"M":true}: the
    trades f to l of one taker at one price; both -1 where trades were annulled (rest-api.md, Aggregate trades list)"""

    t: int
    f: int
    p: Text
    q: Text
    T: Ms
    m: bool


class KlineRow(Struct, array_like=True):
    """[1700000000000,"62000.00","62100.00","61900.00","62050.00","12.345",1700000059999,"765432.1",308,"6.1","37.0","0"]:
    open time, open, high, low, close, volume, close time, quote volume, trades, taker's share of both volumes, ignore
    (rest-api.md, Kline/Candlestick data)"""

    t: Ms
    o: Text
    h: Text
    l: Text  # noqa: E741
    c: Text
    v: Text
    T: Ms
    q: Text
    n: Count


class AssetBalance(Struct):
    """{"asset":"BTC","free":"1.00000000","locked":"0.00000000"} (rest-api.md, Account information)"""

    asset: str
    free: Text
    locked: Text


class Account(Struct):
    balances: list[AssetBalance]


class Refusal(Struct):
    """{"code":-1121,"msg":"Invalid symbol."} (errors.md)"""

    code: int
    msg: str = ""


class Wrapped(Struct, Generic[T], gc=False):
    """{"stream":"btcusdt@trade","data":{...}}: each event of /stream (web-socket-streams.md, like all that follow)"""

    data: T


class DepthEvent(Struct, gc=False):
    """{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":157,"u":160,"b":[["62000.00","10"]],"a":[["62000.10","0"]]}"""

    E: Ms
    s: str
    U: Count
    u: Count
    b: Raw
    a: Raw


class TradeEvent(Struct, gc=False):
    """{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":12345,"p":"62000.01","q":"0.01","T":1672515782136,"m":true,"M":true}
    m: the buyer is the maker, so the taker sold. Until 2024 `b` and `a` named the orders."""

    s: str
    t: Count
    p: Text
    q: Text
    T: Ms
    m: bool


class QuoteEvent(Struct, gc=False):
    """{"u":400900217,"s":"BTCUSDT","b":"62000.01","B":"1.2","a":"62000.02","A":"0.7"}: no kind and no time; recordings
    of 2022 carry E and T."""

    u: Count
    s: str
    b: Text
    B: Text
    a: Text
    A: Text
    E: Ms = 0


class TickerEvent(Struct, gc=False):
    """{"e":"24hrTicker","E":1672515782136,"s":"BTCUSDT","p":..,"P":..,"w":..,"x":..,"c":last,"Q":..,"b":bid,"B":..,
    "a":ask,"A":..,"o":open,"h":high,"l":low,"v":volume,"q":quote volume,"O":0,"C":86400000,"F":0,"L":18150,"n":1}"""

    E: Ms
    s: str
    c: Text
    b: Text
    a: Text
    o: Text
    h: Text
    l: Text  # noqa: E741
    v: Text
    q: Text


class Kline(Struct, gc=False):
    t: Ms
    i: str
    o: Text
    c: Text
    h: Text
    l: Text  # noqa: E741
    v: Text
    n: Count
    x: bool
    q: Text


class KlineEvent(Struct, gc=False):
    """{"e":"kline","E":1672515782136,"s":"BTCUSDT","k":{"t":1672515780000,"T":1672515839999,"s":"BTCUSDT","i":"1m","f":100,
    "L":200,"o":..,"c":..,"h":..,"l":..,"v":"1000","n":100,"x":false,"q":"1.0","V":"500","Q":"0.5","B":"123456"}}"""

    E: Ms
    s: str
    k: Kline


class Bar(Struct):
    i: str = ""


class Loose(Struct):
    """Any other frame, by what tells them apart. An event without envelope: {"e":"trade","s":"BTCUSDT",...}, or a
    quote, which has no `e`. An answer: {"result":null,"id":1}, {"result":["btcusdt@depth"],"id":3}, {"code":2,
    "msg":"Invalid request: ...","id":5}, also under "error", not always with its id (Live subscribing; Errors)"""

    stream: str | None = None
    e: str = ""
    s: str = ""
    u: int | None = None
    k: Bar | None = None
    id: int | str | None = None
    result: Raw = Raw(b"")
    code: int | None = None
    msg: str = ""
    error: Refusal | None = None


# ---- every field the pages name


def under(path: str, names: str) -> frozenset[str]:
    return frozenset(f"{path}.{name}" if path else name for name in names.split())


_SYMBOL = """symbol status baseAsset baseAssetPrecision quoteAsset quotePrecision quoteAssetPrecision
    baseCommissionPrecision quoteCommissionPrecision orderTypes icebergAllowed ocoAllowed otoAllowed opoAllowed
    quoteOrderQtyMarketAllowed allowTrailingStop cancelReplaceAllowed amendAllowed pegInstructionsAllowed
    isSpotTradingAllowed isMarginTradingAllowed filters permissions permissionSets defaultSelfTradePreventionMode
    allowedSelfTradePreventionModes"""
_FILTER = """asset filterType minPrice maxPrice tickSize minQty maxQty stepSize limit minTrailingAboveDelta
    maxTrailingAboveDelta minTrailingBelowDelta maxTrailingBelowDelta bidMultiplierUp bidMultiplierDown askMultiplierUp
    askMultiplierDown avgPriceMins multiplierUp multiplierDown minNotional applyMinToMarket maxNotional applyMaxToMarket
    applyToMarket maxNumOrders maxNumOrderLists maxNumAlgoOrders maxNumOrderAmends maxNumIcebergOrders maxPosition"""
_TICKER = """symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice bidQty
    askPrice askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count"""
_ACCOUNT = """makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade canWithdraw
    canDeposit brokered requireSelfTradePrevention preventSor updateTime accountType balances permissions uid"""

REPLIES: dict[str, frozenset[str]] = {
    "time": under("", "serverTime"),
    "exchangeInfo": under("", "timezone serverTime rateLimits exchangeFilters symbols sors")
    | under("rateLimits", "rateLimitType interval intervalNum limit")
    | under("exchangeFilters", _FILTER)
    | under("symbols", _SYMBOL)
    | under("symbols.filters", _FILTER)
    | under("sors", "baseAsset symbols"),
    "depth": under("", "lastUpdateId bids asks"),
    "ticker/24hr": under("", _TICKER),
    "trades": under("", "id price qty quoteQty time isBuyerMaker isBestMatch"),
    "aggTrades": under("", "a p q f l T m M"),
    "klines": frozenset(),
    "account": under("", _ACCOUNT)
    | under("commissionRates", "maker taker buyer seller")
    | under("balances", "asset free locked"),
}
EVENTS: dict[str, frozenset[str]] = {
    kind: under("", "stream data") | under("data", names) | under("data.k", "t T s i f L o c h l v n x q V Q B")
    for kind, names in {
        "book": "e E s U u b a",
        "trades": "e E s t p q b a T m M",
        "quote": "u s b B a A E T",
        "ticker": "e E s p P w x c Q b B a A o h l v q O C F L n",
        "candles": "e E s k",
    }.items()
}
