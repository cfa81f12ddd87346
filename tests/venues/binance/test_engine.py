"""The venue's end of the calls about orders: as strict as the venue, in its own words, and with every field of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from fairlead.model.account import Fees
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.venues.binance.mirror import MIRROR
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import AskSymbol, Op
from fairlead.wire.endpoint import build
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import AskPlace
from fairlead.wire.signing import Stamp
from tests.venues.binance.keys import Keys
from tests.venues.binance.street import CTX, QUESTIONS

AT = Stamp(venue_ms=1_764_000_000_000)
LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "62000",
}
MARKET = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01"}
STOP = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "60000"}
ONE = {"symbol": "BTCUSDT", "orderId": "28"}
OPEN = OrderReport(
    venue="binance", symbol="BTC/USDT", order_id="28", status=Status.OPEN, client_id="fl-1",
    venue_ns=1_764_000_000_000 * MS, side="buy", type=OrderType.LIMIT, tif=Tif.GTC, qty=Decimal("0.01"),
    price=Decimal(62000), filled=Decimal(0), cost=Decimal(0), post_only=False,
)  # fmt: skip


def request(method: str, path: str, params: dict[str, str], in_body: bool = False) -> Request:
    text = urlencode(params)
    return Request(method, "rest", path, query="" if in_body else text, body=text.encode() if in_body else b"")


def ask(method: str, path: str, params: dict[str, str]) -> Heard | Fault:
    return MIRROR.hear(request(method, f"/api/v3/{path}", params), CTX)


def without(params: dict[str, str], name: str) -> dict[str, str]:
    return {one: value for one, value in params.items() if one != name}


REFUSED = [
    ("order", without(LIMIT, "symbol"), -1102, "'symbol'"),
    ("order", without(LIMIT, "side"), -1102, "'side'"),
    ("order", without(LIMIT, "timeInForce"), -1102, "'timeInForce'"),
    ("order", without(LIMIT, "price"), -1102, "'price'"),
    ("order", without(MARKET, "quantity"), -1102, "'quantity'"),
    ("order", without(STOP, "stopPrice"), -1102, "'stopPrice'"),
    ("order", {**LIMIT, "symbol": "NOTHING"}, -1121, "Invalid symbol."),
    ("order", {**LIMIT, "symbol": "btcusdt"}, -1100, "'symbol'"),
    ("order", {**LIMIT, "side": "HOLD"}, -1117, "Invalid side."),
    ("order", {**LIMIT, "type": "FANCY"}, -1116, "Invalid orderType."),
    ("order", {**LIMIT, "timeInForce": "GTD"}, -1115, "Invalid timeInForce."),
    ("order", {**LIMIT, "type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
    ("order", {**LIMIT, "stopPrice": "5"}, -1106, "Parameter 'stopPrice' sent when not required."),
    ("order", {**LIMIT, "quoteOrderQty": "5"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
    ("order", {**MARKET, "price": "5"}, -1106, "Parameter 'price' sent when not required."),
    ("order", {**MARKET, "quoteOrderQty": "5"}, -1106, "Parameter 'quantity' sent when not required."),
    ("order", {**LIMIT, "quantity": "1E-2"}, -1100, "'quantity'"),
    ("order", {**LIMIT, "quantity": "-1"}, -1100, "'quantity'"),
    ("order", {**LIMIT, "quantity": "0.000000001"}, -1111, "Parameter 'quantity' has too much precision."),
    ("order", {**LIMIT, "quantity": "0"}, -1013, "Invalid quantity."),
    ("order", {**LIMIT, "price": "0.00"}, -1013, "Invalid price."),
    ("order", {**LIMIT, "newClientOrderId": "a b"}, -1100, r"legal range is '^[\.A-Z\:/a-z0-9_-]{1,36}$'."),
    ("order", {**LIMIT, "newClientOrderId": "a" * 37}, -1100, "'newClientOrderId'"),
    ("order", {**LIMIT, "newOrderRespType": "ALL"}, -1130, "'newOrderRespType'"),
    ("order", {**LIMIT, "icebergQty": "0.1"}, -1020, "not supported"),
    ("order", {**LIMIT, "reduceOnly": "true"}, -1104, "read '6' parameter(s) but was sent '7'."),
    ("order", {**LIMIT, "recvWindow": "soon"}, -1100, "'recvWindow'"),
]
OTHERS = [
    ("DELETE", "order", {"symbol": "BTCUSDT"}, -1102),
    ("DELETE", "order", {**ONE, "cancelRestrictions": "NEVER"}, -1145),
    ("DELETE", "order", {**ONE, "newClientOrderId": "ä"}, -1100),
    ("DELETE", "order", {**ONE, "orderId": "A1"}, -1100),
    ("DELETE", "openOrders", {}, -1102),
    ("GET", "order", {"symbol": "BTCUSDT"}, -1102),
    ("GET", "allOrders", {}, -1102),
    ("GET", "allOrders", {"symbol": "BTCUSDT", "limit": "0"}, -1130),
    ("GET", "allOrders", {"symbol": "BTCUSDT", "startTime": "9", "endTime": "5"}, -1127),
    ("PUT", "order/amend/keepPriority", ONE, -1102),
    ("PUT", "order/amend/keepPriority", {**ONE, "newQty": "1", "newClientOrderId": "other"}, -1020),
]


@pytest.mark.parametrize(("path", "params", "code", "words"), REFUSED)
def test_a_placement_that_the_venue_refuses_is_refused_in_its_words(
    path: str, params: dict[str, str], code: int, words: str
) -> None:
    """If this failed, a wrong order would pass here and be refused only where money is at stake."""
    told = ask("POST", path, params)
    assert isinstance(told, Fault)
    assert (int(told.code), told.status) == (code, 400)
    assert words in told.said


@pytest.mark.parametrize(("method", "path", "params", "code"), OTHERS)
def test_another_call_that_the_venue_refuses_is_refused(
    method: str, path: str, params: dict[str, str], code: int
) -> None:
    """If this failed, a wrong cancel or query would work here and fail where it counts."""
    told = ask(method, path, params)
    assert isinstance(told, Fault)
    assert int(told.code) == code


def test_listen_keys_are_gone() -> None:
    """If this failed, a client built on what the venue retired would seem to work."""
    for method in ("POST", "PUT", "DELETE"):
        told = ask(method, "userDataStream", {})
        assert isinstance(told, Fault)
        assert told.status == 410
        assert b"410" in MIRROR.refuse(told).body


def test_parameters_are_heard_in_the_body_too_and_the_query_wins() -> None:
    """If this failed, other clients' orders, which travel in the body, would not be heard."""
    told = MIRROR.hear(request("POST", "/api/v3/order", LIMIT, in_body=True), CTX)
    assert isinstance(told, Heard)
    mixed = Request("POST", "rest", "/api/v3/order", query="price=61000", body=urlencode(LIMIT).encode())
    heard = MIRROR.hear(mixed, CTX)
    assert isinstance(heard, Heard)
    assert isinstance(told.asked, AskPlace)
    assert (told.asked.price, heard.asked.price) == (Decimal(62000), Decimal(61000))
    stamped = urlencode({**LIMIT, "timestamp": AT.venue_ms})
    body = f"{stamped}&signature={Keys().sign(stamped.encode()).hex()}".encode()
    assert (
        MIRROR.proof(Request("POST", "rest", "/x", headers={"X-MBX-APIKEY": Keys.key_id}, body=body), Keys(), AT)
        is None
    )


def test_a_fence_ends_at_timestamp_and_window() -> None:
    """If this failed, the simulator would take an order after its fence, and the doubt about it end too early."""
    for window, until_ms, window_ms in (("700", 10_700, 700), ("", 15_000, 0)):
        fence = {"timestamp": "10000"} | ({"recvWindow": window} if window else {})
        told = ask("POST", "order", LIMIT | fence)
        assert isinstance(told, Heard)
        assert (told.asked.until_ms, told.asked.window_ms) == (until_ms, window_ms)


def said(params: dict[str, str], answer: Any, method: str = "POST", path: str = "order") -> Any:
    told = ask(method, path, params)
    assert isinstance(told, Heard)
    return json.loads(MIRROR.say(told, answer, CTX, AT).body)


RECEIPT = Receipt(
    order_id="28", client_id="fl-1", venue_ns=AT.venue_ms * MS, report=OPEN,
    fills=(Fill(venue="binance", symbol="BTC/USDT", order_id="28", id="5", side="buy", price=Decimal(62000),
                qty=Decimal("0.01"), fee=Decimal("0.00001"), fee_asset="BTC"),),
)  # fmt: skip


def test_a_placement_is_answered_as_long_as_it_was_asked_for() -> None:
    """If this failed, other clients would get a shorter or longer reply than the venue gives them."""
    ack = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert said(LIMIT | {"newOrderRespType": "ACK"}, RECEIPT).keys() == ack
    result = said(LIMIT | {"newOrderRespType": "RESULT"}, RECEIPT)
    assert "fills" not in result
    assert ack < result.keys()
    assert said(LIMIT, RECEIPT)["fills"] == [
        {"price": "62000.00000000", "qty": "0.01000000", "commission": "0.00001000", "commissionAsset": "BTC",
         "tradeId": 5}]  # fmt: skip
    assert said(STOP, RECEIPT).keys() == ack
    expired = replace(RECEIPT, report=replace(OPEN, status=Status.EXPIRED, tif=Tif.IOC, reason="ioc"), fills=())
    assert said(LIMIT | {"timeInForce": "IOC"}, expired)["expiryReason"] == "UNFILLED_IOC_QUANTITY_EXPIRED"


def test_an_order_for_an_amount_of_quote_is_told_with_what_was_filled() -> None:
    """If this failed, other clients would take such an order for one of no size at all."""
    spent = replace(OPEN, type=OrderType.MARKET, qty=None, quote_qty=Decimal(100), price=None, filled=Decimal("0.0016"))
    told = said(without(MARKET, "quantity") | {"quoteOrderQty": "100"}, replace(RECEIPT, report=spent))
    assert (told["origQty"], told["executedQty"], told["origQuoteOrderQty"]) == (
        "0.00160000", "0.00160000", "100.00000000")  # fmt: skip


def test_a_cancel_has_a_name_of_its_own() -> None:
    """If this failed, an order would be confused with the request that cancelled it."""
    told = said(ONE | {"newClientOrderId": "mine"}, RECEIPT, "DELETE")
    assert (told["origClientOrderId"], told["clientOrderId"]) == ("fl-1", "mine")
    told = said(ONE, RECEIPT, "DELETE")
    assert (told["origClientOrderId"], told["clientOrderId"]) == ("fl-1", "cancel28")


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", OrderType)
def test_every_state_and_type_of_an_order_is_read_as_it_was_said(status: Status, kind: OrderType) -> None:
    """If this failed, an order that lives would seem dead, or one kind of order another."""
    one = replace(OPEN, status=status, type=kind, reason="")
    row = VENUE.endpoints[Op.ORDER]
    heard = MIRROR.hear(build(row, QUESTIONS[Op.ORDER], CTX, VENUE.encode), CTX)
    assert isinstance(heard, Heard)
    assert row.read(MIRROR.say(heard, one, CTX, AT).body, QUESTIONS[Op.ORDER], CTX) == one


def test_fees_are_told_at_both_addresses() -> None:
    """If this failed, other clients could not ask what they pay."""
    fees = Fees(symbol="BTC/USDT", maker=Decimal("0.001"), taker=Decimal("0.0015"))
    row = VENUE.endpoints[Op.FEES]
    heard = MIRROR.hear(build(row, AskSymbol("BTC/USDT"), CTX, VENUE.encode), CTX)
    assert isinstance(heard, Heard)
    assert row.read(MIRROR.say(heard, fees, CTX, AT).body, AskSymbol("BTC/USDT"), CTX) == fees
    heard = MIRROR.hear(Request("GET", "rest", "/sapi/v1/asset/tradeFee", query="symbol=BTCUSDT"), CTX)
    assert isinstance(heard, Heard)
    assert json.loads(MIRROR.say(heard, fees, CTX, AT).body) == [
        {"symbol": "BTCUSDT", "makerCommission": "0.001", "takerCommission": "0.0015"}]  # fmt: skip


def test_orders_have_limits_and_headers_of_their_own() -> None:
    """If this failed, too many orders would be told as too much weight, and reads stop for them."""
    for budget, words in (("orders", "100 orders per 10 SECOND"), ("orders a day", "200000 orders per 1 DAY")):
        told = MIRROR.limit(budget, 4_000)
        assert (told.kind, told.code, told.status) == (Kind.LIMIT, "-1015", 429)
        assert words in told.said
        [reading] = VENUE.readings(MIRROR.refuse(told))
        assert (reading.budget, reading.quiet_ms) == (budget, 4_000)
        assert MIRROR.ban(budget, 1, 1) is None
    used = MIRROR.toll((Reading("orders", used=3), Reading("orders a day", used=7), Reading("weight", used=9)))
    assert used["x-mbx-order-count-10s"] == "3"
    assert used["x-mbx-order-count-1d"] == "7"
    assert used["x-mbx-used-weight-1m"] == "9"
