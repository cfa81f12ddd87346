"""Binance's shapes of orders, fills and the account's stream, each under the payload it stands for; they judge nothing.

Pages are those of the "binance-spot-api-docs": rest-api.md and user-data-stream.md; the WebSocket API answers with the
shapes of REST. Field names are the vendor's; numbers stay text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Raw, Struct

from fairlead.model import numbers
from fairlead.model.orders import OrderType, Status, Tif
from fairlead.venues.binance.wire import Count, Text, under
from fairlead.wire.endpoint import Ctx
from fairlead.wire.shapes import Ms

MAKER = "LIMIT_MAKER"  # what post-only is called here
TYPES: Mapping[str, OrderType] = {
    "LIMIT": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
    MAKER: OrderType.LIMIT,
}
STATES: Mapping[str, Status] = {  # enums.md, Order status
    "PENDING_NEW": Status.PENDING,
    "NEW": Status.OPEN,
    "PARTIALLY_FILLED": Status.PARTIAL,
    "PENDING_CANCEL": Status.OPEN,  # "currently unused"; not yet cancelled, in any case
    "FILLED": Status.FILLED,
    "CANCELED": Status.CANCELLED,
    "REJECTED": Status.REJECTED,
    "EXPIRED": Status.EXPIRED,
    "EXPIRED_IN_MATCH": Status.EXPIRED,  # self-trade prevention
}
SPELLED: Mapping[OrderType, str] = {ours: theirs for theirs, ours in TYPES.items() if theirs != MAKER}
TIFS = {tif.value: tif for tif in Tif}
NO_REASON = ("", "NONE")


# ---- REST and calls by socket


class FillPart(Struct, rename="camel"):
    """{"price":"62000.00","qty":"0.01","commission":"0.00001","commissionAsset":"BTC","tradeId":56}: of a FULL reply"""

    price: Text
    qty: Text
    commission: Text
    commission_asset: str
    trade_id: Count


class OrderRow(Struct, rename="camel"):
    """A query's (rest-api.md, Query order), and with fewer fields the replies to a placement and to a cancel:
    {"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"fl-1","price":"62000.00","origQty":"0.01",
    "executedQty":"0.0","cummulativeQuoteQty":"0.0","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY",
    "stopPrice":"0.0","time":1499827319559,"updateTime":1499827319559,"origQuoteOrderQty":"0.000000",...}
    A cancel's reply names the order in origClientOrderId; its clientOrderId is the name of the cancel."""

    symbol: str
    order_id: Count
    client_order_id: str = ""
    orig_client_order_id: str = ""
    transact_time: Ms = 0
    price: Text = "0"
    orig_qty: Text = "0"
    executed_qty: Text = "0"
    orig_quote_order_qty: Text = "0"
    cummulative_quote_qty: Text = "0"
    status: str = ""
    time_in_force: str = ""
    type: str = ""
    side: str = ""
    stop_price: Text = "0"
    time: Ms = 0
    update_time: Ms = 0
    expiry_reason: str = ""
    fills: list[FillPart] = []


class AmendedRow(OrderRow, rename="camel"):
    """The same under other names (rest-api.md, Order Amend Keep Priority): {"orderId":33,"origClientOrderId":"a",
    "clientOrderId":"b","price":"..","qty":"5.0","executedQty":"0.0","quoteOrderQty":"0.0","cumulativeQuoteQty":"0.0"}"""

    qty: Text = ""
    cumulative_quote_qty: Text = ""
    quote_order_qty: Text = ""


class Amended(Struct, rename="camel"):
    """{"transactTime":1741926410255,"executionId":75,"amendedOrder":{...}}"""

    transact_time: Ms
    amended_order: AmendedRow


class Cancelled(Struct, rename="camel"):
    """One of a cancel-all's rows: an order, or a list of orders with a row of each in orderReports."""

    symbol: str
    order_id: Count = 0
    order_reports: list[OrderRow] = []


class MyTrade(Struct, rename="camel"):
    """{"symbol":"BTCUSDT","id":28457,"orderId":28,"price":"..","qty":"..","commission":"..","commissionAsset":"BNB",
    "time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true} (rest-api.md, Account trade list)"""

    symbol: str
    id: Count
    order_id: Count
    price: Text
    qty: Text
    commission: Text
    commission_asset: str
    time: Ms
    is_buyer: bool
    is_maker: bool


class Rates(Struct, frozen=True):
    maker: Text = "0"
    taker: Text = "0"
    buyer: Text = "0"
    seller: Text = "0"


class Commission(Struct, rename="camel"):
    """{"symbol":"BTCUSDT","standardCommission":{"maker":"0.001","taker":"0.001","buyer":"0","seller":"0"},
    "specialCommission":{...},"taxCommission":{...},"discount":{...}} (rest-api.md, Query Commission Rates)"""

    symbol: str
    standard_commission: Rates
    special_commission: Rates = Rates()
    tax_commission: Rates = Rates()


# ---- the account's stream (user-data-stream.md)


class Execution(Struct, tag_field="e", tag="executionReport"):
    """{"e":"executionReport","E":1499405658658,"s":"BTCUSDT","c":"fl-1","S":"BUY","o":"LIMIT","f":"GTC","q":"1.0",
    "p":"62000.0","P":stop price,"C":"","x":what happened,"X":status,"r":reject reason,"i":4293153,"l":filled now,
    "z":filled,"L":at this price,"n":fee,"N":its asset,"T":1499405658657,"t":trade or -1,"w":on the book,"m":maker,
    "O":created,"Z":cost,"Q":quantity in quote,...}. On a cancel `c` is the cancel's own name and `C` the order's."""

    s: str
    c: str
    S: str
    o: str
    f: str
    q: Text
    p: Text
    x: str
    X: str
    i: Count
    l: Text  # noqa: E741
    z: Text
    L: Text
    T: Ms
    t: int
    P: Text = "0"
    C: str = ""
    r: str = ""
    n: Text | None = None
    N: str | None = None
    m: bool = False
    O: Ms = 0  # noqa: E741
    Z: Text = "0"
    Q: Text = "0"
    eR: str = ""  # noqa: N815


class Held(Struct):
    a: str
    f: Text
    l: Text  # noqa: E741


class AccountPosition(Struct, tag_field="e", tag="outboundAccountPosition"):
    """{"e":"outboundAccountPosition","E":..,"u":..,"B":[{"a":"BTC","f":"1.0","l":"0.0"}]}: what may have changed"""

    u: Ms
    B: list[Held]


class BalanceMoved(Struct, tag_field="e", tag="balanceUpdate"):
    """{"e":"balanceUpdate","E":..,"a":"BTC","d":"1.0","T":..}: a deposit, withdrawal or transfer"""

    a: str
    d: Text


class LockMoved(Struct, tag_field="e", tag="externalLockUpdate"):
    """{"e":"externalLockUpdate","E":..,"a":"NEO","d":"10.0","T":..}: locked or freed by another system"""

    a: str
    d: Text


class ListStatus(Struct, tag_field="e", tag="listStatus"):
    """{"e":"listStatus","s":"..","g":2,"c":"OCO","l":"EXEC_STARTED",...}: its orders are reported one by one besides"""


class Terminated(Struct, tag_field="e", tag="eventStreamTerminated"):
    """{"e":"eventStreamTerminated","E":..}"""


class Shutdown(Struct, tag_field="e", tag="serverShutdown"):
    """{"e":"serverShutdown","E":..}"""


_BARE = re.compile(rb'\s*\{\s*"e"\s*:').match
_RELAYED = re.compile(rb'\s*\{\s*"stream"\s*:\s*"[^"]*"\s*,\s*"data"\s*:').match
AccountEvent = Execution | AccountPosition | BalanceMoved | LockMoved | ListStatus | Terminated | Shutdown


class Said(Struct, rename="camel"):
    """All that the WebSocket API says: {"id":"1","status":200,"result":{}} or "error" (web-socket-api.md, Response
    format), and events: {"subscriptionId":0,"event":{...}}"""

    id: int | str | None = None
    status: int = 0
    result: Raw = Raw(b"")
    error: Raw = Raw(b"")
    subscription_id: int | None = None
    event: AccountEvent | None = None


def enveloped(frame: bytes) -> bytes:
    """Recordings, and whoever relays an account stream, give events bare, or as combined streams wrap them."""
    if _BARE(frame):
        return b'{"event":%s}' % frame
    relayed = _RELAYED(frame)
    return b'{"event":' + frame[relayed.end() :] if relayed else frame


class Subscribed(Struct, rename="camel"):
    """{"subscriptionId":0}"""

    subscription_id: int


# ---- what both share


def symbol_of(spelled: str, ctx: Ctx) -> str:
    """Ours; an order of a market that is not listed (any more) keeps the venue's spelling, rather than be hidden."""
    listed = ctx.catalog.ours(spelled)
    return listed.symbol if listed else spelled


def some(text: str) -> Decimal | None:
    """What does not apply is told as zero."""
    return numbers.decimal(text) or None


# ---- every field the pages name

_LISTED = """orderListId contingencyType listStatusType listOrderStatus listClientOrderId transactionTime symbol orders
    orderReports"""
# The second half is there under conditions: self-trade prevention, trailing stops, order routing, pegs, expiry.
_ORDER = """symbol orderId orderListId clientOrderId origClientOrderId transactTime price origQty executedQty
    origQuoteOrderQty cummulativeQuoteQty status timeInForce type side stopPrice icebergQty time updateTime isWorking
    workingTime selfTradePreventionMode fills
    preventedMatchId preventedQuantity strategyId strategyType trailingDelta trailingTime usedSor workingFloor
    pegPriceType pegOffsetType pegOffsetValue peggedPrice expiryReason tradeGroupId counterOrderId counterSymbol
    allocationId matchType"""
_RATES = "maker taker buyer seller"

REPLIES: Mapping[str, frozenset[str]] = {
    "order": under("", _ORDER)
    | under("fills", "price qty commission commissionAsset tradeId matchType allocId")
    | under("", _LISTED)
    | under("orders", "symbol orderId clientOrderId")
    | under("orderReports", _ORDER),
    "amend": under("", "transactTime executionId amendedOrder listStatus")
    | under("amendedOrder", f"{_ORDER} qty preventedQty quoteOrderQty cumulativeQuoteQty"),
    "myTrades": under("", "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer "
                           "isMaker isBestMatch"),
    "commission": under("", "symbol standardCommission specialCommission taxCommission discount")
    | under("standardCommission", _RATES)
    | under("specialCommission", _RATES)
    | under("taxCommission", _RATES)
    | under("discount", "enabledForAccount enabledForSymbol discountAsset discount"),
}  # fmt: skip
EVENT: frozenset[str] = (
    under("", "subscriptionId event")
    | under("event", "e E s c S o f q p P F g C x X r i l z L n N T t I w m M O Z Y Q W V")
    | under("event", "d D j J v A B u U Cs pl pL pY b a k uS gP gOT gOV gp eR Mt")
    | under("event.B", "a f l")
    | under("event", "O.s O.i O.c")
)
