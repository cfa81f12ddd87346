"""Orders by ccxt: placed, found, cancelled, filled and refused on each simulated venue, as on the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.model.orders import OrderType
from fairlead.sim.account import Account
from fairlead.sim.city import City
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskPlace
from tests.clients.town import Client, Guest, Refused, Town, dial

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
LISTENS_MS = 2_500  # so long ccxt has to log in and subscribe
VENUES = [name for name in registry.names() if registry.venue(name).door_for("orders")]
each_venue = pytest.mark.parametrize("venue", VENUES)


class Owner:
    """A ccxt with a key and an account of its own, and the ledger's view of it."""

    def __init__(self, town: Town, guest: Guest, venue: str) -> None:
        self._town, self.venue = town, venue
        minted = town.do(lambda city: city.new_key(venue))
        named = {"apiKey": minted.key, "secret": minted.secret, "password": minted.passphrase}
        self.ccxt: Client = dial(guest, town, venue, **named)
        self._key = minted.key

    def account(self, look: Callable[[City, Account], Any]) -> Any:
        return self._town.do(lambda city: look(city, city.mouth(self.venue).keyring.account(self._key)))

    def price(self, share: float) -> float:
        bid: float = self._town.do(lambda city: city.mouth(self.venue).stalls[SPOT].quote().bid)
        return round(bid * share, 1)

    def by_hand_soon(self, ms: int, asked: AskPlace) -> None:
        """Places an order from elsewhere, while ccxt listens."""

        def soon(city: City) -> None:
            place = partial(city.by_hand, self.venue, self._key, Op.PLACE, asked)
            asyncio.get_running_loop().call_later(ms / 1_000, place)

        self._town.do(soon)

    def orders(self) -> list[Any]:
        """What the ledger holds of this account."""
        held: list[Any] = self.account(
            lambda city, me: [one for one in city.mouth(self.venue).truth.orders if one.account == me.name]
        )
        return held


@pytest.fixture
def owner(town: Town, guest: Guest) -> Callable[[str], Owner]:
    return lambda venue: Owner(town, guest, venue)


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
    fills = me.account(lambda city, _: city.mouth(venue).truth.fills(made["id"]))
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
    [fill] = me.account(lambda city, _: city.mouth(venue).truth.fills(sold))
    assert (trade["price"], trade["amount"]) == (float(fill.price), float(fill.qty))


@each_venue
def test_what_the_venue_would_refuse_is_refused_by_its_class(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, a program would handle here what it never meets there."""
    me = owner(venue)
    with pytest.raises(Refused) as poor:
        me.ccxt.create_order(SPOT, "limit", "buy", 50, me.price(1))
    assert poor.value.kinds[0] == "InsufficientFunds"
    assert me.orders() == []


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
