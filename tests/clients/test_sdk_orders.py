"""Orders by the venues' own clients: Binance's over REST and its trading socket, OKX's over REST and its stream."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from fairlead.model.orders import OrderType, Status
from fairlead.wire.orders import AskPlace
from tests.clients.owner import SPOT, Owner
from tests.clients.town import Client, Refused

LOGS_IN_MS = 8_000  # OKX's client sleeps for five seconds between its login and its first subscription
SMALL = Decimal("0.001")

# ---- Binance


def connector(me: Owner, kind: str = "binance-rest") -> Client:
    return me.open_client(kind, api_key=me.key.key, api_secret=me.key.secret)


def test_binances_connector_trades(owner: Callable[[str], Owner]) -> None:
    """If this failed, the venue's own client would place one order and the simulator hold another."""
    me = owner("binance")
    binance, terms = connector(me), {"timeInForce": "GTC", "quantity": "0.001", "price": str(me.price(0.9))}
    made = binance.new_order("BTCUSDT", "BUY", "LIMIT", newClientOrderId="mine", **terms)
    [order] = me.open()
    assert (str(made["orderId"]), made["status"]) == (order.order_id, "NEW")
    assert (order.client_id, order.qty, order.price) == ("mine", SMALL, Decimal(terms["price"]))
    assert binance.get_order("BTCUSDT", origClientOrderId="mine")["orderId"] == made["orderId"]
    assert [one["orderId"] for one in binance.get_open_orders("BTCUSDT")] == [made["orderId"]]
    assert binance.cancel_order("BTCUSDT", orderId=made["orderId"])["status"] == "CANCELED"
    assert me.open() == []
    sold = binance.new_order("BTCUSDT", "SELL", "MARKET", quantity="0.002")
    fills = me.fills(str(sold["orderId"]))
    told = binance.my_trades("BTCUSDT")
    assert [(one["id"], Decimal(one["price"]), Decimal(one["qty"]), Decimal(one["commission"])) for one in told] == [
        (int(one.id), one.price, one.qty, one.fee) for one in fills
    ]
    assert [one["status"] for one in binance.get_orders("BTCUSDT")] == ["CANCELED", "FILLED"]
    held = {row["asset"]: Decimal(row["free"]) for row in binance.account()["balances"]}
    assert held["USDT"] == me.account(lambda _, account: account.purse.total("USDT"))


def test_binances_connector_is_refused(owner: Callable[[str], Owner]) -> None:
    """If this failed, the venue's own client would show an error that the venue does not have."""
    me = owner("binance")
    binance, terms = connector(me), {"timeInForce": "GTC", "quantity": "0.001", "price": str(me.price(0.9))}
    binance.new_order("BTCUSDT", "BUY", "LIMIT", newClientOrderId="mine", **terms)
    for code, changed in {
        "-2010.*Duplicate order sent": {"newClientOrderId": "mine"},
        "-2010.*insufficient balance": {"quantity": "50"},
        "-1013.*LOT_SIZE": {"quantity": "0.000001"},
    }.items():
        with pytest.raises(Refused, match=code) as refused:
            binance.new_order("BTCUSDT", "BUY", "LIMIT", **{**terms, **changed})
        assert refused.value.kinds[0] == "ClientError"
    with pytest.raises(Refused, match="-2011"):
        binance.cancel_order("BTCUSDT", orderId=999_999)
    assert len(me.orders()) == 1


def test_binances_connector_trades_by_its_socket(owner: Callable[[str], Owner]) -> None:
    """If this failed, the trading socket would take what our adapter signs, and nothing else."""
    me = owner("binance")
    binance = connector(me, "binance-caller")
    terms = {"timeInForce": "GTC", "quantity": "0.001", "price": str(me.price(0.9))}
    made = binance.said("new_order", symbol="BTCUSDT", side="BUY", type="LIMIT", newClientOrderId="mine", **terms)
    assert [(one.order_id, one.how) for one in me.orders()] == [(str(made["result"]["orderId"]), "socket")]
    found = binance.said("get_order", symbol="BTCUSDT", origClientOrderId="mine")
    assert (found["status"], found["result"]["status"]) == (200, "NEW")
    refused = binance.said("new_order", symbol="BTCUSDT", side="BUY", type="LIMIT", newClientOrderId="mine", **terms)
    assert (refused["status"], refused["error"]["code"]) == (400, -2010)
    assert binance.said("cancel_order", symbol="BTCUSDT", origClientOrderId="mine")["result"]["status"] == "CANCELED"
    assert me.open() == []
    assert binance.said("cancel_order", symbol="BTCUSDT", orderId=999_999)["error"]["code"] == -2011


# ---- OKX


def python_okx(me: Owner) -> Client:
    named = {"api_key": me.key.key, "api_secret_key": me.key.secret, "passphrase": me.key.passphrase}
    return me.open_client("okx-rest", **named)


def test_okxs_client_trades(owner: Callable[[str], Owner]) -> None:
    """If this failed, the venue's own client would place one order and the simulator hold another."""
    me = owner("okx")
    okx, price = python_okx(me), str(me.price(0.9))
    [made] = okx.place_order("BTC-USDT", "cash", "buy", "limit", "0.001", clOrdId="mine", px=price)["data"]
    [order] = me.open()
    assert (made["ordId"], made["sCode"]) == (order.order_id, "0")
    assert (order.client_id, order.qty, order.price) == ("mine", SMALL, Decimal(price))
    okx.amend_order("BTC-USDT", clOrdId="mine", newSz="0.0008")
    assert [(one.order_id, one.qty) for one in me.open()] == [(made["ordId"], Decimal("0.0008"))]
    [found] = okx.get_order("BTC-USDT", clOrdId="mine")["data"]
    assert (found["ordId"], found["state"], found["sz"]) == (made["ordId"], "live", "0.0008")
    assert [one["ordId"] for one in okx.get_order_list()["data"]] == [made["ordId"]]
    okx.cancel_order("BTC-USDT", ordId=made["ordId"])
    assert [end.status for end in (me.end_of(made["ordId"]),) if end] == [Status.CANCELLED]
    [sold] = okx.place_order("BTC-USDT", "cash", "sell", "market", "0.002")["data"]
    assert [(one["tradeId"], Decimal(one["fillPx"]), Decimal(one["fillSz"])) for one in okx.get_fills()["data"]] == [
        (one.id, one.price, one.qty) for one in me.fills(sold["ordId"])
    ]
    states = [one["state"] for one in okx.get_orders_history("SPOT")["data"]]
    assert states == ["filled", "canceled"]


def test_okxs_client_is_refused(owner: Callable[[str], Owner]) -> None:
    """If this failed, a program would look for an error where this venue never puts one."""
    me = owner("okx")
    okx, price = python_okx(me), str(me.price(0.9))
    okx.place_order("BTC-USDT", "cash", "buy", "limit", "0.001", clOrdId="mine", px=price)
    for code, symbol, size, client_id in (
        ("51016", "BTC-USDT", "0.001", "mine"),
        ("51008", "BTC-USDT", "50", ""),
        ("51121", "BTC-USDT", "0.000001", ""),
        ("51001", "BTC-DOGE", "0.001", ""),
    ):
        refused = okx.place_order(symbol, "cash", "buy", "limit", size, clOrdId=client_id, px=price)
        assert (refused["code"], refused["data"][0]["sCode"]) == ("1", code)
    assert okx.cancel_order("BTC-USDT", ordId="123456789012345678")["data"][0]["sCode"] == "51400"
    assert okx.get_order("BTC-USDT", ordId="123456789012345678")["code"] == "51603"
    assert len(me.orders()) == 1


def test_okxs_client_trades_a_swap(owner: Callable[[str], Owner]) -> None:
    """If this failed, contracts, leverage or a close would mean something else than at the venue."""
    me = owner("okx")
    okx = python_okx(me)
    okx.set_leverage("5", "cross", instId="BTC-USDT-SWAP")
    okx.place_order("BTC-USDT-SWAP", "cross", "buy", "market", "1")
    [held] = okx.get_positions("SWAP")["data"]
    assert (held["pos"], held["lever"], held["posSide"]) == ("1", "5", "net")
    assert okx.close_positions("BTC-USDT-SWAP", "cross")["code"] == "0"
    assert [one for one in okx.get_positions("SWAP")["data"] if one["pos"] not in ("", "0")] == []


def test_okxs_client_hears_of_its_orders(owner: Callable[[str], Owner]) -> None:
    """If this failed, the venue's own client could log in and hear nothing."""
    me = owner("okx")
    named = {"apiKey": me.key.key, "passphrase": me.key.passphrase, "secretKey": me.key.secret}
    stream = me.open_client("okx-stream", path="/ws/v5/private", **named)
    sells = AskPlace(symbol=SPOT, side="sell", type=OrderType.MARKET, client_id="byhand", qty=SMALL)
    me.by_hand_soon(LOGS_IN_MS, sells)
    stream.join([{"channel": "orders", "instType": "ANY"}])
    logged, subscribed, connected, *told = stream.heard(5)
    assert [one["event"] for one in (logged, subscribed, connected)] == ["login", "subscribe", "channel-conn-count"]
    [order] = me.orders()
    rows = [row for one in told for row in one["data"]]
    assert [(row["ordId"], row["clOrdId"], row["state"], row["accFillSz"]) for row in rows] == [
        (order.order_id, "byhand", "live", "0"),
        (order.order_id, "byhand", "filled", "0.001"),
    ]
    stream.close()
