"""Kraken's own shapes, each with the payload it was written from, and the fields its documents name."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from fairlead.wire.shapes import Seconds

SECOND_NS = 1_000_000_000
NONE = Raw()  # a number that was not sent
NO_LEVELS = Raw(b"[]")
Decimals = Annotated[int, Meta(ge=0, le=30)]

# ---- names of assets. The early ones carry X (coins) or Z (money), a closed table; the socket says BTC and DOGE.
DISPLAY = {"XBT": "BTC", "XDG": "DOGE"}
CODES = {
    "XXBT": "BTC", "XXDG": "DOGE", "XETC": "ETC", "XETH": "ETH", "XICN": "ICN", "XLTC": "LTC", "XMLN": "MLN",
    "XNMC": "NMC", "XREP": "REP", "XXLM": "XLM", "XXMR": "XMR", "XXRP": "XRP", "XXVN": "XVN", "XZEC": "ZEC",
    "ZAUD": "AUD", "ZCAD": "CAD", "ZEUR": "EUR", "ZGBP": "GBP", "ZJPY": "JPY", "ZKRW": "KRW", "ZUSD": "USD",
}  # fmt: skip


def asset(code: str) -> str:
    """Their code as ours; a wallet's suffix stays, since staked coins are not free coins: XBT.M is BTC.M."""
    stem, dot, wallet = code.partition(".")
    return CODES.get(stem, DISPLAY.get(stem, stem)) + dot + wallet


# ---- REST. Every reply: {"error":[],"result":...}, HTTP 200 even when `error` holds something.


class TimeResult(Struct):
    """Get Server Time: {"unixtime":1767225600,"rfc1123":"Thu,  1 Jan 26 00:00:00 +0000"}"""

    unixtime: Seconds


class Time(Struct):
    result: TimeResult


class Pair(Struct):
    """Get Tradable Asset Pairs, one member of `result`; older lists lack the fields that have defaults here.
    {"altname":"XBTUSD","wsname":"XBT/USD","aclass_base":"currency","base":"XXBT","aclass_quote":"currency",
    "quote":"ZUSD","lot":"unit","cost_decimals":5,"pair_decimals":1,"lot_decimals":8,"lot_multiplier":1,...,
    "ordermin":"0.00005","costmin":"0.5","tick_size":"0.1","status":"online","execution_venue":"international"}"""

    altname: str
    base: str
    quote: str
    pair_decimals: Decimals
    lot_decimals: Decimals
    wsname: str = ""
    ordermin: Decimal = Decimal(0)
    costmin: Decimal = Decimal(0)
    tick_size: Decimal = Decimal(0)
    status: str = ""
    execution_venue: str = ""


class Pairs(Struct):
    result: dict[str, Pair]


class ByPair(Struct):
    """Replies about one market: its name is a key (beside `last`), whichever of its spellings was asked for."""

    result: dict[str, Raw]


class TickerRow(Struct):
    """Get Ticker Information; a, b: price, whole lots, lots; c: price, lots; the others: today, last 24 hours.
    {"a":["30300.10","1","1.000"],"b":[..],"c":["30303.20","0.00067643"],"v":["4083.67","4412.73"],"p":[..],
    "t":[34619,38907],"l":["29868.3","29868.3"],"h":["31631.0","31631.0"],"o":"30502.8"}"""

    a: tuple[str, str, str]
    b: tuple[str, str, str]
    c: tuple[str, str]
    v: tuple[str, str]
    l: tuple[str, str]  # noqa: E741  the venue's letter
    h: tuple[str, str]


class DepthRows(Struct):
    """Get Order Book: {"asks":[["105944.30000","0.136",1762820248]],"bids":[...]}"""

    asks: Raw
    bids: Raw


class TradeRow(Struct, array_like=True):
    """Get Recent Trades: ["105433.6","0.00027625",1762795433.9717445,"b","l","",10218208]; older ones lack the id."""

    price: str
    qty: str
    time: Raw
    side: str
    kind: str
    misc: str
    id: int = 0


class OhlcRow(Struct, array_like=True):
    """Get OHLC Data: [1762777200,"o","h","l","c","vwap","volume",count]"""

    time: int
    open: str
    high: str
    low: str
    close: str
    vwap: str
    volume: str
    count: int


class Holding(Struct):
    """Get Extended Balance: {"balance":"25435.21","hold_trade":"8249.76","credit":"0","credit_used":"0"}"""

    balance: Decimal
    hold_trade: Decimal
    credit: Decimal = Decimal(0)
    credit_used: Decimal = Decimal(0)


class Holdings(Struct):
    result: dict[str, Holding]


class KeyInfo(Struct):
    """Get API Key Info: {"apiKeyName":"bot","permissions":["query-funds",...],"ipAllowlist":[],...}; also seen with
    names like ip_allowlist, and [""] for an empty list. Without `permissions` a key is not harmless but unreadable."""

    permissions: tuple[str, ...]
    ipAllowlist: tuple[str, ...] = ()  # noqa: N815  the venue's word
    ip_allowlist: tuple[str, ...] = ()


class Trouble(Struct):
    """The errors of any reply; entries that begin with W are warnings."""

    error: list[str] = []


class Result(Struct):
    result: Any = None


# ---- WebSocket v2. Numbers are bare JSON numbers: prices and quantities stay as text until somebody needs them.


class BookItem(Struct, gc=False):
    """Channel book: {"symbol":"BTC/USD","bids":[{"price":105944.20,"qty":0.136}],"asks":[..],"checksum":2439117997,
    "timestamp":"2023-10-06T17:35:55.440295Z"}; a snapshot may lack the timestamp."""

    symbol: str
    bids: Raw = NO_LEVELS
    asks: Raw = NO_LEVELS
    checksum: int | None = None
    timestamp: str = ""


class BookFrame(Struct, gc=False):
    type: str
    data: list[BookItem]


class TradeItem(Struct, gc=False):
    """Channel trade: {"symbol":"BTC/USD","side":"buy","price":105944.20,"qty":0.00027625,"ord_type":"limit",
    "trade_id":10218208,"timestamp":".."}; `side` is the taker's."""

    symbol: str
    side: str
    price: Raw
    qty: Raw
    trade_id: int
    timestamp: str


class TradeFrame(Struct, gc=False):
    type: str
    data: list[TradeItem]


class TickerItem(Struct, gc=False):
    """Channel ticker: {"symbol":"BTC/USD","bid":1.1,"bid_qty":2,"ask":1.2,"ask_qty":3,"last":1.1,"volume":100,
    "vwap":1.1,"low":1,"high":2,"change":0.1,"change_pct":0.24,"timestamp":".."}; an empty side is 0."""

    symbol: str
    bid: Raw
    bid_qty: Raw
    ask: Raw
    ask_qty: Raw
    last: Raw = NONE
    volume: Raw = NONE
    low: Raw = NONE
    high: Raw = NONE
    timestamp: str = ""


class TickerFrame(Struct, gc=False):
    type: str
    data: list[TickerItem]


class OhlcItem(Struct, gc=False):
    """Channel ohlc: {"symbol":"BTC/USD","open":1,"high":1,"low":1,"close":1,"trades":12,"volume":1,"vwap":1,
    "interval_begin":"2023-10-04T16:25:00.000000000Z","interval":5,"timestamp":".."} (`timestamp`, the bar's end, is
    deprecated)."""

    symbol: str
    open: Raw
    high: Raw
    low: Raw
    close: Raw
    volume: Raw
    interval_begin: str
    interval: int
    trades: int | None = None


class OhlcFrame(Struct, gc=False):
    type: str
    data: list[OhlcItem]
    timestamp: str = ""


class StatusItem(Struct):
    """Channel status: {"version":"2.0.10","system":"online","api_version":"v2","connection_id":12393906104898154338}"""

    system: str


class StatusFrame(Struct):
    data: list[StatusItem]


class Told(Struct):
    channel: str = ""
    symbol: str = ""
    interval: int = 0
    warnings: list[str] = []


class Other(Struct):
    """Whatever else is said; acknowledgements hold no channel at the top.
    {"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true,
    "time_in":"..","time_out":"..","req_id":1}; {"error":"Currency pair not supported ABC/DEF","method":"subscribe",
    "success":false,"symbol":"ABC/DEF","time_in":"..","time_out":"..","req_id":1}; {"method":"pong","req_id":2,..};
    {"channel":"heartbeat"}"""

    channel: str = ""
    method: str = ""
    success: bool | None = None
    error: str = ""
    symbol: str = ""
    req_id: int = 0
    result: Told | None = None


def under(path: str, names: str) -> frozenset[str]:
    return frozenset(f"{path}.{name}" if path else name for name in names.split())


REPLY = under("", "error result")
_ANY = "result.<any>"  # keyed by the names of markets or assets
_ROWS = REPLY | {_ANY, "result.last"}
_DATA = under("", "channel type data")
_PAIR = """altname wsname aclass_base base aclass_quote quote lot cost_decimals pair_decimals lot_decimals
    lot_multiplier leverage_buy leverage_sell fees fees_maker fee_volume_currency margin_call margin_stop ordermin
    costmin tick_size status long_position_limit short_position_limit execution_venue"""
KNOWN: dict[str, frozenset[str]] = {
    "time": REPLY | under("result", "unixtime rfc1123"),
    "instruments": REPLY | {_ANY} | under(_ANY, _PAIR),
    "book": REPLY | {_ANY} | under(_ANY, "asks bids"),
    "ticker": REPLY | {_ANY} | under(_ANY, "a b c v p t l h o"),
    "trades": _ROWS,
    "candles": _ROWS,
}
KNOWN_FRAMES: dict[str, frozenset[str]] = {
    "book": _DATA
    | under("data", "symbol bids asks checksum timestamp")
    | under("data.bids", "price qty")
    | under("data.asks", "price qty"),
    "trade": _DATA | under("data", "symbol side price qty ord_type trade_id timestamp"),
    "ticker": _DATA
    | under("data", "symbol bid bid_qty ask ask_qty last volume vwap low high change change_pct timestamp"),
    "ohlc": _DATA
    | under("", "timestamp")
    | under("data", "symbol open high low close trades volume vwap interval_begin interval timestamp"),
    "status": _DATA | under("data", "version system api_version connection_id"),
    "heartbeat": under("", "channel"),
    "": under("", "method result success error symbol time_in time_out req_id")  # acknowledgements and pongs
    | under("result", "channel symbol depth interval snapshot event_trigger warnings"),
}

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)  # whatever a decoder may raise over foreign bytes
