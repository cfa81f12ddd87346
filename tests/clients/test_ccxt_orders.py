"""Orders by ccxt: placed, changed, found, cancelled and filled on each simulated venue, as on the real one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from fairlead.model.orders import OrderType, Status
from fairlead.venues import registry
from fairlead.wire.orders import AskPlace
from tests.clients.owner import LISTENS_MS, SPOT, SWAP, VENUES, Owner
from tests.clients.town import Refused

each_venue = pytest.mark.parametrize("venue", VENUES)
EDITED = [venue for venue in VENUES if venue != "binance"]  # there ccxt cancels and places anew, which is another thing
CLIENT_IDS = {"binance": "bot-a.1", "kraken": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "okx": "bota1"}


@each_venue
def test_an_order_is_placed_found_and_cancelled(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, only our own adapter could trade with our own simulator."""
    me = owner(venue)
    price = me.price(0.9)
    made = me.ccxt.create_order(SPOT, "limit", "buy", 0.001, price)
    [order] = me.orders()
    assert made["id"] == order.order_id
    found = me.ccxt.fetch_order(made["id"], SPOT)
    assert (found["status"], found["amount"], found["price"], found["side"]) == ("open", 0.001, price, "buy")
    assert [one["id"] for one in me.ccxt.fetch_open_orders(SPOT)] == [made["id"]]
    me.ccxt.cancel_order(made["id"], SPOT)
    assert me.account(lambda _, account: len(account.open)) == 0
    assert me.ccxt.fetch_open_orders(SPOT) == []
    with pytest.raises(Refused) as refused:
        me.ccxt.cancel_order(made["id"], SPOT)
    assert "OrderNotFound" in refused.value.kinds


@each_venue
def test_a_sale_is_filled_and_moves_the_balance_by_what_was_traded(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, fills, fees and balances would add up for us alone."""
    me = owner(venue)
    before = me.ccxt.fetch_balance()["total"]
    made = me.ccxt.create_order(SPOT, "market", "sell", 0.002)
    trades = me.ccxt.fetch_my_trades(SPOT)
    fills = me.fills(made["id"])
    assert sorted((one["price"], one["amount"]) for one in trades) == sorted(
        (float(one.price), float(one.qty)) for one in fills
    )
    assert {one["takerOrMaker"] for one in trades} == {"taker"}
    after = me.ccxt.fetch_balance()["total"]
    assert round(before["BTC"] - after["BTC"], 9) == 0.002
    earned = sum((one.price * one.qty - (one.fee or 0) for one in fills), Decimal(0))
    assert after["USDT"] - before["USDT"] == pytest.approx(float(earned))
    closed = me.ccxt.fetch_closed_orders(SPOT)
    assert [(one["id"], one["status"], one["filled"]) for one in closed] == [(made["id"], "closed", 0.002)]


@each_venue
def test_the_private_stream_tells_of_orders_and_trades(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, a login, a subscription or an event would be such as no real client understands."""
    me = owner(venue)
    rests = AskPlace(
        symbol=SPOT, side="buy", type=OrderType.LIMIT, client_id="flw1", qty=Decimal("0.001"), price=Decimal(50_000)
    )
    me.by_hand_soon(LISTENS_MS, rests)
    [told] = me.ccxt.watch_orders(SPOT)
    [order] = me.orders()
    assert (told["id"], told["status"], told["price"], told["amount"]) == (order.order_id, "open", 50_000, 0.001)
    me.by_hand_soon(LISTENS_MS // 5, replace(rests, side="sell", client_id="flw2"))
    [trade] = me.ccxt.watch_my_trades(SPOT)
    sold = me.orders()[-1].order_id
    [fill] = me.fills(sold)
    assert (trade["price"], trade["amount"]) == (float(fill.price), float(fill.qty))


@each_venue
def test_its_balance_is_told_when_it_changes(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, a bot would go on with money that it has spent."""
    me = owner(venue)
    sells = AskPlace(symbol=SPOT, side="sell", type=OrderType.MARKET, client_id="flw3", qty=Decimal("0.5"))
    for number, halves in enumerate((2, 3, 4)):  # some tell each asset by itself; ccxt keeps none unawaited
        me.by_hand_soon(LISTENS_MS * halves // 2, replace(sells, client_id=f"flw{number}"))
    told = {"BTC": 2.5, "USDT": 250_000.0}
    while told["BTC"] == 2.5 or told["USDT"] == 250_000:
        told = me.ccxt.watch_balance()["total"]
    for asset in ("BTC", "USDT"):
        assert any(told[asset] == pytest.approx(total, rel=1e-9) for total in me.totals(asset))


@each_venue
def test_orders_go_by_the_trading_socket(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, the quickest way to the venue would be open to our adapter alone."""
    me = owner(venue)
    ccxt, price = me.ccxt, me.price(0.9)
    made = ccxt.create_order_ws(SPOT, "limit", "buy", 0.001, price)
    assert [(one.order_id, one.how) for one in me.orders()] == [(made["id"], "socket")]
    assert [one.price for one in me.open()] == [Decimal(str(price))]
    if venue in EDITED:
        ccxt.edit_order_ws(made["id"], SPOT, "limit", "buy", 0.0008, price)
        assert [one.qty for one in me.open()] == [Decimal("0.0008")]
    ccxt.cancel_order_ws(made["id"], *([] if venue == "kraken" else [SPOT]))
    assert me.open() == []


@pytest.mark.parametrize("venue", EDITED)
def test_an_order_is_changed_and_stays_the_same(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, a change would make a second order, or none."""
    me = owner(venue)
    ccxt, price = me.ccxt, me.price(0.9)
    made = ccxt.create_order(SPOT, "limit", "buy", 0.001, price)
    lower = round(price * 0.99, 1)
    ccxt.edit_order(made["id"], SPOT, "limit", "buy", 0.0008, lower)
    [now] = me.open()
    assert (now.order_id, now.price, now.qty) == (made["id"], Decimal(str(lower)), Decimal("0.0008"))
    found = ccxt.fetch_order(made["id"], SPOT)
    assert (found["status"], found["price"], found["amount"]) == ("open", lower, 0.0008)


def test_binance_lets_an_order_become_smaller(owner: Callable[[str], Owner]) -> None:
    """If this failed, the only change that keeps an order's place would not be heard."""
    me = owner("binance")
    ccxt = me.ccxt
    made = ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(0.9))
    smaller = {"symbol": "BTCUSDT", "orderId": made["id"], "newQty": "0.0008"}
    ccxt.request("order/amend/keepPriority", ["private"], "PUT", smaller)  # ccxt has no name for it
    assert [(one.order_id, one.qty) for one in me.open()] == [(made["id"], Decimal("0.0008"))]
    assert ccxt.fetch_order(made["id"], SPOT)["amount"] == 0.0008


def test_binance_does_not_promise_to_replace_an_order_and_leaves_it_alone(owner: Callable[[str], Owner]) -> None:
    """If this failed, half of a replacement could be done: the cancel without the order, or both orders."""
    me = owner("binance")
    made = me.ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(0.9))
    [listed] = me.ccxt.publicGetExchangeInfo({"symbol": "BTCUSDT"})["symbols"]
    assert (listed["cancelReplaceAllowed"], listed["amendAllowed"]) == (False, True)
    with pytest.raises(Refused, match="404"):
        me.ccxt.edit_order(made["id"], SPOT, "limit", "buy", 0.001, me.price(0.8))
    assert [one.order_id for one in me.open()] == [made["id"]]


@each_venue
def test_an_order_is_cancelled_by_the_name_its_owner_gave_it(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, an order whose reply was lost could not be stopped."""
    me = owner(venue)
    ccxt, named = me.ccxt, {"clientOrderId": CLIENT_IDS[venue]}
    ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(0.9), named)
    assert [one.client_id for one in me.orders()] == [CLIENT_IDS[venue]]
    ccxt.cancel_order("", SPOT, named)
    assert me.open() == []


@each_venue
@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_what_may_not_rest_takes_or_ends(owner: Callable[[str], Owner], venue: str, tif: str) -> None:
    """If this failed, an order that should be over would lie in the book and be filled later."""
    me = owner(venue)
    ccxt = me.ccxt
    taken = ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(1.01), {"timeInForce": tif})
    assert sum(one.qty for one in me.fills(taken["id"])) == Decimal("0.001")
    ended = ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(0.9), {"timeInForce": tif})
    assert (me.open(), me.fills(ended["id"])) == ([], [])
    assert me.end_of(ended["id"]) is not None
    found = ccxt.fetch_order(ended["id"], SPOT)
    assert (found["status"] in ("canceled", "expired"), found["filled"]) == (True, 0.0)


@each_venue
def test_a_sum_is_spent_at_the_market(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, 50 USDT would be taken for 50 BTC."""
    me = owner(venue)
    made = me.ccxt.create_market_buy_order_with_cost(SPOT, 50)
    spent = sum(one.price * one.qty for one in me.fills(made["id"]))
    assert 49 < spent <= 50


@each_venue
def test_a_maker_rests(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, an order that may only make would be made as another."""
    me = owner(venue)
    ccxt = me.ccxt
    made = ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(0.9), {"postOnly": True})
    [order] = me.open()
    assert (order.order_id, order.post_only) == (made["id"], True)
    ccxt.cancel_order(made["id"], SPOT)


@pytest.mark.parametrize("venue", ["binance", "kraken"])  # OKX's ccxt sends these to another endpoint
def test_a_stop_waits_for_its_price(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, a stop would be filled at once, or never be heard."""
    me = owner(venue)
    ccxt, stop = me.ccxt, me.price(0.9)
    ccxt.create_order(SPOT, "limit", "sell", 0.001, round(stop * 0.99, 1), {"stopLossPrice": stop})
    [waits] = me.open()
    assert (waits.trigger, waits.type) == (Decimal(str(stop)), OrderType.STOP_LIMIT)
    [found] = ccxt.fetch_open_orders(SPOT)
    assert (found["id"], found["triggerPrice"]) == (waits.order_id, stop)


@pytest.mark.parametrize("venue", ["kraken", "okx"])  # Binance takes no batches on spot
def test_several_orders_go_at_once_and_all_are_cancelled(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, of a batch one would be lost or placed twice."""
    me = owner(venue)
    ccxt, one = me.ccxt, {"symbol": SPOT, "type": "limit", "side": "buy", "amount": 0.001}
    made = ccxt.create_orders([{**one, "price": me.price(0.9)}, {**one, "price": me.price(0.8)}])
    assert [order["id"] for order in made] == [order.order_id for order in me.orders()]
    assert len(me.open()) == 2
    ccxt.cancel_orders([order["id"] for order in made], SPOT)
    assert me.open() == []


@pytest.mark.parametrize("venue", ["binance", "kraken"])  # OKX's ccxt cannot
def test_all_orders_are_cancelled(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, who wants out would stay in."""
    me = owner(venue)
    ccxt = me.ccxt
    ids = {ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(share))["id"] for share in (0.9, 0.8)}
    ccxt.cancel_all_orders(SPOT)
    assert me.open() == []
    assert {end.status for one in ids if (end := me.end_of(one))} == {Status.CANCELLED}


@pytest.mark.parametrize("venue", [name for name in VENUES if "swap" in registry.venue(name).markets])
def test_a_position_is_opened_levered_and_closed(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, a position would be one thing to us and another to everybody else."""
    me = owner(venue)
    me.ccxt.set_leverage(5, SWAP, {"marginMode": "cross"})
    me.ccxt.create_order(SWAP, "market", "buy", 1)
    [held] = me.ccxt.fetch_positions([SWAP])
    assert (held["contracts"], held["side"], held["leverage"]) == (1, "long", 5)
    me.ccxt.close_position(SWAP, "net")
    assert me.ccxt.fetch_positions([SWAP]) == []
