"""Binance's calls about orders and accounts from the other side: what it takes, what it answers, and in which words its
engine refuses; it keeps no order and matches none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from fairlead.model.account import Balance, Fees
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS
from fairlead.model.orders import Tif
from fairlead.venues.binance import account, trade
from fairlead.venues.binance.auth import WINDOW_MS
from fairlead.venues.binance.faults import CLIENT_ID, DECIMAL, INT, SYMBOL, Refuse, legal, need
from fairlead.venues.binance.orders import MAKER, TYPES
from fairlead.venues.binance.replies import PLACES, Query, Said, text
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import (
    AskAmend,
    AskCancel,
    AskCancelAll,
    AskFills,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPlace,
)
from fairlead.wire.signing import Stamp

Params = Mapping[str, str]
SIGNED = frozenset({"timestamp", "recvWindow", "signature"})
ROWS_DEFAULT, ROWS_MOST = 500, 1_000
TRADE_FEE = "/sapi/v1/asset/tradeFee"  # another way to ask for fees, which other clients take


class Call(Struct, frozen=True):
    op: Op
    hear: Callable[[Params, Ctx], Any]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    is_signed: bool = False


# ---- what every call is checked for


def check(call: Call, params: Params) -> None:
    for name in call.needs:
        need(name, params)
    known = {*call.needs, *call.may, *(SIGNED if call.is_signed else ())}
    read = sum(name in known for name in params)
    if read < len(params):
        raise Refuse(
            -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(params)}'."
        )
    for name in ("limit", "startTime", "endTime", "fromId", "orderId"):
        legal(name, params.get(name, "0"), INT)
    if params.get("limit") == "0":
        raise Refuse(-1130, "Data sent for parameter 'limit' is not valid.")


def heard(call: Call, path: str, params: Params, ctx: Ctx, key_id: str, tag: str = "") -> Heard | Fault:
    """What is asked, or what the venue says to who asks so."""
    try:
        check(call, params)
        asked = call.hear(params, ctx)
    except Refuse as refused:
        return refused.fault
    newest = call.op in (Op.ORDERS, Op.FILLS) and not (asked.start_ns or asked.page)
    return Heard(call.op, asked, key_id, tag, f"{path}?{urlencode(params, errors='surrogateescape')}", newest)


def listed(spelled: str, ctx: Ctx) -> Instrument:
    legal("symbol", spelled, SYMBOL)
    found = ctx.catalog.ours(spelled)
    if found is None or found.venue_symbol != spelled:
        raise Refuse(-1121, "Invalid symbol.")
    return found


# ---- placing

_MAY = ("timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "stopPrice", "newOrderRespType",
        "selfTradePreventionMode", "strategyId", "strategyType", "trailingDelta", "icebergQty", "pegPriceType",
        "pegOffsetType", "pegOffsetValue")  # fmt: skip
# Of the venue's, but not of this engine's.
_BEYOND = ("trailingDelta", "icebergQty", "pegPriceType", "pegOffsetType", "pegOffsetValue")
_BY_TYPE: Mapping[str, tuple[str, ...]] = {  # what each type demands; what only others take was "not required"
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),  # one of quantity and quoteOrderQty
    "STOP_LOSS": ("quantity", "stopPrice"),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
    "TAKE_PROFIT": ("quantity", "stopPrice"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price", "stopPrice"),
}
_CONDITIONAL = ("timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice")


def _place(params: Params, ctx: Ctx) -> AskPlace:
    symbol = listed(params["symbol"], ctx).symbol
    if params["side"] not in ("BUY", "SELL"):
        raise Refuse(-1117, "Invalid side.")
    kind = params["type"]
    if kind not in _BY_TYPE:
        raise Refuse(-1116, "Invalid orderType.")
    if params.get("timeInForce", "GTC") not in {tif.value for tif in Tif}:
        raise Refuse(-1115, "Invalid timeInForce.")
    if any(name in params for name in _BEYOND):
        raise Refuse(-1020, "This operation is not supported.")
    _check_shape(kind, params)
    client_id = params.get("newClientOrderId", "")
    legal("newClientOrderId", client_id or "x", CLIENT_ID)
    until_ms, window_ms = _fence(params)
    return AskPlace(
        symbol=symbol,
        side=params["side"].lower(),
        type=TYPES[kind],
        client_id=client_id,
        qty=_number("quantity", params),
        quote_qty=_number("quoteOrderQty", params),
        price=_number("price", params),
        trigger=_number("stopPrice", params),
        tif=Tif(params.get("timeInForce", "GTC")),
        post_only=kind == MAKER,
        until_ms=until_ms,
        window_ms=window_ms,
    )


def _check_shape(kind: str, params: Params) -> None:
    demanded: tuple[str, ...] = _BY_TYPE[kind]
    if kind == "MARKET":
        demanded = ("quoteOrderQty",) if "quoteOrderQty" in params else ("quantity",)
    for name in demanded:
        need(name, params)
    for name in _CONDITIONAL:
        if name in params and name not in demanded:
            raise Refuse(-1106, f"Parameter '{name}' sent when not required.")
    if params.get("newOrderRespType", "FULL") not in ("ACK", "RESULT", "FULL"):
        raise Refuse(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")


def _number(name: str, params: Params) -> Decimal | None:
    """A plain decimal above zero."""
    if name not in params:
        return None
    legal(name, params[name], DECIMAL)
    if len(params[name].partition(".")[2].rstrip("0")) > PLACES:
        raise Refuse(-1111, f"Parameter '{name}' has too much precision.")
    number = Decimal(params[name])
    if not number:
        raise Refuse(-1013, f"Invalid {'price' if name.lower().endswith('price') else 'quantity'}.")
    return number


def _fence(params: Params) -> tuple[int, int]:
    """(until_ms, window_ms). The window is counted from the timestamp, and is there also where none was asked for."""
    stamp, window = params.get("timestamp", ""), params.get("recvWindow", "")
    legal("timestamp", stamp or "0", INT)
    legal("recvWindow", window or "0", DECIMAL)
    window_ms = int(Decimal(window or 0))
    return int(stamp) + (window_ms or WINDOW_MS) if stamp else 0, window_ms


# ---- naming, and history


def _names(params: Params) -> dict[str, Any]:
    if not (params.get("orderId") or params.get("origClientOrderId")):
        raise Refuse(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return {"order_id": params.get("orderId", ""), "client_id": params.get("origClientOrderId", "")}


def _amend(params: Params, ctx: Ctx) -> AskAmend:
    """An amendment may rename its order; this engine keeps names."""
    named = _names(params)
    if params.get("newClientOrderId", named["client_id"]) != named["client_id"]:
        raise Refuse(-1020, "This operation is not supported.")
    until_ms, window_ms = _fence(params)
    symbol, qty = listed(params["symbol"], ctx).symbol, _number("newQty", params)
    return AskAmend(symbol=symbol, qty=qty, until_ms=until_ms, window_ms=window_ms, **named)


def _cancel(params: Params, ctx: Ctx) -> AskCancel:
    if params.get("cancelRestrictions", "ONLY_NEW") not in ("ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
        raise Refuse(-1145, "Invalid cancelRestrictions")
    legal("newClientOrderId", params.get("newClientOrderId", "x"), CLIENT_ID)
    return AskCancel(symbol=listed(params["symbol"], ctx).symbol, **_names(params))


def _order(params: Params, ctx: Ctx) -> AskOrder:
    return AskOrder(symbol=listed(params["symbol"], ctx).symbol, **_names(params))


def _open(params: Params, ctx: Ctx) -> AskOpenOrders:
    return AskOpenOrders(symbol=listed(params["symbol"], ctx).symbol if "symbol" in params else "")


def _history(params: Params, page: str) -> dict[str, Any]:
    start_ms, end_ms = int(params.get("startTime", 0)), int(params.get("endTime", 0))
    if start_ms and end_ms and not 0 <= end_ms - start_ms < account.DAY_MS:
        raise Refuse(-1127, "More than 24 hours between startTime and endTime.")
    return {
        "start_ns": start_ms * MS,
        "end_ns": (end_ms + 1) * MS if end_ms else 0,
        "limit": min(int(params.get("limit", ROWS_DEFAULT)), ROWS_MOST),
        "page": page,
    }


def _all_orders(params: Params, ctx: Ctx) -> AskOrders:
    return AskOrders(symbol=listed(params["symbol"], ctx).symbol, **_history(params, params.get("orderId", "")))


# "Only these combinations": symbol alone or with one of these.
_TRADES_WITH = ({"orderId"}, {"startTime"}, {"endTime"}, {"fromId"}, {"startTime", "endTime"}, {"orderId", "fromId"})


def _my_trades(params: Params, ctx: Ctx) -> AskFills:
    given = params.keys() & {"orderId", "startTime", "endTime", "fromId"}
    if given and given not in _TRADES_WITH:
        raise Refuse(-1128, "Combination of optional parameters invalid.")
    told = _history(params, params.get("fromId", ""))
    return AskFills(symbol=listed(params["symbol"], ctx).symbol, order_id=params.get("orderId", ""), **told)


_NAMED = ("orderId", "origClientOrderId")
CALLS: Mapping[tuple[str, str], Call] = {
    ("POST", trade.ORDER): Call(Op.PLACE, _place, ("symbol", "side", "type"), _MAY, True),
    ("PUT", trade.AMEND): Call(Op.AMEND, _amend, ("symbol", "newQty"), (*_NAMED, "newClientOrderId"), True),
    ("DELETE", trade.ORDER): Call(
        Op.CANCEL, _cancel, ("symbol",), (*_NAMED, "newClientOrderId", "cancelRestrictions"), True
    ),
    ("DELETE", trade.OPEN): Call(
        Op.CANCEL_ALL, lambda params, ctx: AskCancelAll(listed(params["symbol"], ctx).symbol), ("symbol",), (), True
    ),
    ("GET", trade.ORDER): Call(Op.ORDER, _order, ("symbol",), _NAMED, True),
    ("GET", trade.OPEN): Call(Op.OPEN_ORDERS, _open, (), ("symbol",), True),
    ("GET", account.ALL_ORDERS): Call(
        Op.ORDERS, _all_orders, ("symbol",), ("orderId", "startTime", "endTime", "limit"), True
    ),
    ("GET", account.MY_TRADES): Call(
        Op.FILLS, _my_trades, ("symbol",), ("orderId", "startTime", "endTime", "fromId", "limit"), True
    ),
    ("GET", account.BALANCES): Call(Op.BALANCES, lambda params, ctx: AskNothing(), (), ("omitZeroBalances",), True),
    **dict.fromkeys(
        (("GET", account.FEES), ("GET", TRADE_FEE)),
        Call(Op.FEES, lambda params, ctx: AskSymbol(listed(params["symbol"], ctx).symbol), ("symbol",), (), True),
    ),
}


# ---- what an account's calls are answered with (those about orders: replies.py)


def _fees(answer: Fees, query: Query, ctx: Ctx, at: Stamp) -> Said:
    none = dict.fromkeys(("maker", "taker", "buyer", "seller"), text(0.0))
    return {
        "symbol": ctx.catalog.theirs(answer.symbol).venue_symbol,
        "standardCommission": {**none, "maker": text(answer.maker), "taker": text(answer.taker)},
        "specialCommission": none, "taxCommission": none,
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB",
                     "discount": text(0.75)},
    }  # fmt: skip


def _trade_fee(answer: Fees, query: Query, ctx: Ctx, at: Stamp) -> list[Said]:
    spelled = ctx.catalog.theirs(answer.symbol).venue_symbol
    return [{"symbol": spelled, "makerCommission": str(answer.maker), "takerCommission": str(answer.taker)}]


def _account(answer: Sequence[Balance], query: Query, ctx: Ctx, at: Stamp) -> Said:
    shown = [one for one in answer if one.total or query.get("omitZeroBalances") != ["true"]]
    none = text(0.0)
    return {
        "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {"maker": "0.00100000", "taker": "0.00100000", "buyer": none, "seller": none},
        "canTrade": True, "canWithdraw": False, "canDeposit": True, "brokered": False,
        "requireSelfTradePrevention": False, "preventSor": False, "updateTime": at.venue_ms, "accountType": "SPOT",
        "balances": [
            {"asset": one.asset, "free": text(one.free), "locked": text(one.total - one.free)} for one in shown
        ],
        "permissions": ["SPOT"], "uid": 354_937_868,
    }  # fmt: skip


SAYS: Mapping[str, Callable[[Any, Query, Ctx, Stamp], Any]] = {
    account.BALANCES: _account,
    account.FEES: _fees,
    TRADE_FEE: _trade_fee,
}
