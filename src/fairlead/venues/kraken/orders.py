"""Kraken's shapes of orders and accounts, each with the payload it was written from; it reads nothing by itself.

REST tells numbers as texts, WebSocket v2 as bare JSON numbers: both are read as exact decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct

from fairlead.model.orders import OrderType, Status, Tif
from fairlead.venues.kraken.wire import KNOWN_FRAMES as WORDS
from fairlead.venues.kraken.wire import NONE, under

PAGE_ROWS = 50  # of ClosedOrders and TradesHistory
FLAG_POST, FLAG_QUOTE = "post", "viqc"  # oflags: never take; the volume is in the quote currency
BATCH_LEAST, BATCH_MOST, CANCELS_MOST = 2, 15, 50

TYPES = {
    OrderType.LIMIT: "limit",
    OrderType.MARKET: "market",
    OrderType.STOP: "stop-loss",
    OrderType.STOP_LIMIT: "stop-loss-limit",
    OrderType.TAKE_PROFIT: "take-profit",
    OrderType.TAKE_PROFIT_LIMIT: "take-profit-limit",
}
OUR_TYPES = {theirs: ours for ours, theirs in TYPES.items()} | {"iceberg": OrderType.LIMIT}
STATUSES = {  # REST, then WebSocket v2
    "pending": Status.PENDING, "open": Status.OPEN, "closed": Status.FILLED, "canceled": Status.CANCELLED,
    "expired": Status.EXPIRED, "pending_new": Status.PENDING, "new": Status.OPEN, "triggered": Status.OPEN,
    "partially_filled": Status.PARTIAL, "filled": Status.FILLED,
}  # fmt: skip
TIFS = {"GTC": Tif.GTC, "IOC": Tif.IOC, "FOK": Tif.FOK}


# ---- REST: {"error":[],"result":...}

R = TypeVar("R")


class Enveloped(Struct, Generic[R]):
    result: R


class Descr(Struct):
    """{"pair":"XBTUSDT","type":"buy","ordertype":"limit","price":"29500.0","price2":"0","leverage":"none",
    "order":"buy 0.50000000 XBTUSDT @ limit 29500.0","close":""}; prices may be relative: +1.0000%"""

    pair: str
    type: str
    ordertype: str
    price: str = ""
    price2: str = ""


class OrderRow(Struct):
    """Get Open Orders, Get Closed Orders, Query Orders Info: {"refid":null,"userref":0,"cl_ord_id":"..",
    "status":"open","reason":null,"opentm":1688583840.8648,"closetm":0,"starttm":0,"expiretm":0,"descr":{..},
    "vol":"0.50000000","vol_exec":"0.00000000","cost":"0.00000","fee":"0.00000","price":"0.00000",
    "stopprice":"0.00000","limitprice":"0.00000","misc":"","oflags":"fciq","trades":["T.."],...}; `price` is the
    average of what was filled; of what is unset much is left out."""

    status: str
    descr: Descr
    vol: Decimal
    vol_exec: Decimal
    cost: Decimal
    price: Decimal
    oflags: str = ""
    opentm: Raw = NONE
    closetm: Raw = NONE
    cl_ord_id: str | None = ""
    reason: str | None = ""
    time_in_force: str | None = ""


class OpenOrders(Struct):
    open: dict[str, OrderRow]


class ClosedOrders(Struct):
    closed: dict[str, OrderRow]
    count: Raw = NONE  # a number, or its text; of all pages


class FillRow(Struct):
    """Get Trades History: {"ordertxid":"O..","postxid":"T..","pair":"XXBTZUSD","time":1688585840.8921,"type":"buy",
    "ordertype":"limit","price":"..","cost":"..","fee":"..","vol":"..","margin":"0.00000","leverage":"0","misc":"",
    "trade_id":1001,"maker":true,"ledgers":["L.."]}; the fee is in the quote currency."""

    ordertxid: str
    pair: str
    time: Raw
    type: str
    price: Decimal
    vol: Decimal
    fee: Decimal
    maker: bool | None = None


class Trades(Struct):
    trades: dict[str, FillRow]
    count: Raw = NONE


class Added(Struct):
    """Add Order: {"descr":{"order":"buy 0.01 XBTUSD @ limit 50000.0"},"txid":["OUF4EM-FRGI2-MQMWZD"]}; whether a
    cl_ord_id is told back is not documented."""

    txid: tuple[str, ...]
    cl_ord_id: str = ""


class BatchRow(Struct):
    """Add Order Batch, in the order of the request: {"descr":{..},"txid":".."} or {"error":"EOrder:.."}"""

    txid: str = ""
    error: str = ""


class BatchRows(Struct):
    orders: list[BatchRow]


class Amended(Struct):
    """Amend Order: {"amend_id":"TTW6PD-RC36L-ZZSWNU"}"""

    amend_id: str


class Count(Struct):
    """Cancel Order, Cancel All, Cancel Order Batch: {"count":1}, {"count":1,"pending":true} when queued"""

    count: int


class Timer(Struct):
    """Cancel All Orders After X: {"currentTime":"2026-01-01T00:00:00Z","triggerTime":"2026-01-01T00:01:00Z"}; what
    triggerTime is once it is off is not documented."""

    triggerTime: Any = None  # noqa: N815  the venue's word


class Token(Struct):
    """Get WebSockets Token: {"token":"1Dwc...","expires":900}"""

    token: str


class FeeRow(Struct):
    """{"fee":"0.1000","minfee":"0.1000","maxfee":"0.2600","nextfee":null,...}, in percent; also seen with min_fee"""

    fee: Decimal


class Volume(Struct):
    """Get Trade Volume: {"currency":"ZUSD","volume":"200709587.4223","fees":{..},"fees_maker":{..}}; a pair without
    makers' fees of its own has one for both."""

    fees: dict[str, FeeRow]
    fees_maker: dict[str, FeeRow] = {}


ROW = """refid userref cl_ord_id status reason opentm closetm starttm expiretm descr vol vol_exec cost fee price
    stopprice limitprice misc oflags trigger margin time_in_force sender_sub_id trades"""
DESCR = "pair aclass type ordertype price price2 leverage order close"
FILL = """ordertxid postxid pair aclass time type ordertype price cost fee vol margin leverage misc trade_id maker
    ledgers"""


# ---- WebSocket v2, private: executions and balances


class FeeItem(Struct):
    asset: str
    qty: Decimal


class Triggers(Struct):
    """{"reference":"last","price":1.5,"price_type":"static","actual_price":..,"status":"triggered","timestamp":".."}"""

    price: Decimal | None = None


class ExecutionItem(Struct):
    """Channel executions, partial but for the first of an order: {"order_id":"OK4GJX-KSTLS-7DZZO5",
    "cl_ord_id":"fl-0001","symbol":"BTC/USD","order_qty":0.005,"cum_cost":0.0,"time_in_force":"GTC",
    "exec_type":"pending_new","side":"sell","order_type":"limit","limit_price_type":"static","limit_price":26500.0,
    "order_status":"pending_new","timestamp":"2026-09-22T10:33:05.709950Z"}; of a trade {"exec_id":"TGBB7L-..",
    "trade_id":62887576,"last_qty":0.005,"last_price":26599.9,"liquidity_ind":"t","cost":132.9995,"cum_qty":0.005,
    "fees":[{"asset":"USD","qty":0.3458}],...}"""

    order_id: str
    exec_type: str = ""
    order_status: str = ""
    timestamp: str = ""
    cl_ord_id: str = ""
    symbol: str = ""
    side: str = ""
    order_type: str = ""
    time_in_force: str = ""
    order_qty: Decimal | None = None
    cash_order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    triggers: Triggers | None = None
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    reason: str | None = None
    exec_id: str = ""
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    liquidity_ind: str = ""
    fees: list[FeeItem] | None = None


class ExecutionFrame(Struct):
    type: str
    data: list[ExecutionItem]
    sequence: int = 0


class Wallet(Struct):
    type: str
    balance: Decimal


class BalanceItem(Struct):
    """Channel balances: {"asset":"BTC","asset_class":"currency","balance":1.2,"wallets":[{"type":"spot","id":"main",
    "balance":1.2}]}; updates {"asset":"USD","amount":-0.01,"balance":10.5,"fee":0.0,"ledger_id":"DATKX6..",
    "ref_id":"..","timestamp":"..","type":"trade","category":"trade","wallet_type":"spot","wallet_id":"main"}"""

    asset: str
    balance: Decimal
    wallets: list[Wallet] | None = None
    wallet_type: str = ""
    timestamp: str = ""


class BalanceFrame(Struct):
    type: str
    data: list[BalanceItem]
    sequence: int = 0


class ResultItem(Struct):
    """What a request by socket came to, and one item of batch_add: {"order_id":"OABCDE-12345-FGHIJ",
    "cl_ord_id":"fl-0001","order_userref":0}; {"cl_ord_id":"..","success":false,"error":"EOrder:Invalid price"}"""

    channel: str = ""
    order_id: str = ""
    cl_ord_id: str = ""
    error: str = ""
    success: bool | None = None
    count: int | None = None
    triggerTime: Any = None  # noqa: N815
    orders: list[ResultItem] | None = None
    warnings: list[str] = []


class Said(Struct):
    """Acknowledgements and replies: {"method":"add_order","req_id":42,"result":{..},"success":true,"time_in":"..",
    "time_out":".."}, {"method":"add_order","req_id":99,"success":false,"error":"EOrder:Insufficient funds",..}. The
    result of batch_add has been seen as a list and as {"orders":[..]}."""

    channel: str = ""
    method: str = ""
    success: bool | None = None
    error: str = ""
    req_id: int = 0
    result: ResultItem | list[ResultItem] | None = None


_DATA = under("", "channel type data sequence")
_RESULT = """channel order_id cl_ord_id order_userref amend_id error success status count currentTime triggerTime
    snapshot snap_orders snap_trades order_status ratecounter maxratecount users warnings orders"""
KNOWN_FRAMES: dict[str, frozenset[str]] = {
    "executions": _DATA
    | under("data", """order_id order_userref cl_ord_id symbol order_qty cash_order_qty cum_cost time_in_force exec_type
        exec_id trade_id side order_type limit_price_type limit_price stop_price order_status fee_usd_equiv
        fee_ccy_pref timestamp last_qty last_price liquidity_ind cost cum_qty avg_price fees reason cancel_reason
        margin reduce_only post_only display_qty display_qty_remain effective_time expire_time triggers contingent
        ext_ord_id ext_exec_id ord_ref_id liquidated margin_borrow position_status sender_sub_id user amended
        no_mpp rebased contingent.*""")
    | under("data.fees", "asset qty")
    | under("data.triggers", "reference price price_type actual_price peak_price last_price status timestamp"),
    "balances": _DATA
    | under("data", """asset asset_class balance wallets amount fee ledger_id ref_id timestamp type subtype category
        wallet_type wallet_id user rebased""")
    | under("data.wallets", "type id balance"),
    "status": WORDS["status"],
    "heartbeat": WORDS["heartbeat"],
    "": under("", "method result success error req_id time_in time_out symbol") | under("result", _RESULT)
    | under("result.orders", _RESULT),
}  # fmt: skip
