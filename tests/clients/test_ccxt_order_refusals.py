"""What a venue refuses of orders, ccxt names by the class that it has for the real one, and the ledger took nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fairlead.sim.rules import Args, Rule
from tests.clients.owner import SPOT, VENUES, Owner
from tests.clients.test_ccxt_orders import CLIENT_IDS
from tests.clients.test_ccxt_refusals import other, refusal
from tests.clients.town import Town

each_venue = pytest.mark.parametrize("venue", VENUES)
NEVER_ISSUED = {"binance": "999999", "kraken": "OAAAAA-BBBBB-CCCCCC", "okx": "123456789012345678"}
# How ccxt asks to place an order, when its own checks are left out; and a size below the venue's least.
RAW: dict[str, tuple[str, dict[str, str]]] = {
    "binance": (
        "privatePostOrder",
        {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001",
         "price": "50000"},
    ),
    "kraken": (
        "privatePostAddOrder",
        {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "volume": "0.001", "price": "50000"},
    ),
    "okx": (
        "privatePostTradeOrder",
        {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.001", "px": "50000"},
    ),
}  # fmt: skip


def raw(me: Owner, **changed: str) -> tuple[Callable[..., Any], dict[str, str]]:
    verb, params = RAW[me.venue]
    return getattr(me.ccxt, verb), {**params, **changed}


@each_venue
def test_what_the_account_cannot_pay_is_refused(owner: Callable[[str], Owner], venue: str) -> None:
    """If this failed, a program would handle here what it never meets there."""
    me = owner(venue)
    assert refusal(me.ccxt.create_order, SPOT, "limit", "buy", 50, me.price(1)).kinds[0] == "InsufficientFunds"
    assert me.orders() == []


@pytest.mark.parametrize(
    ("venue", "kind", "code"),
    [
        ("binance", "AuthenticationError", "-1022"),
        ("kraken", "ExchangeError", "EAPI:Invalid signature"),
        ("okx", "AuthenticationError", "50113"),
    ],
)
def test_an_order_with_a_wrong_signature_is_none(
    owner: Callable[[str], Owner], venue: str, kind: str, code: str
) -> None:
    """If this failed, anybody could trade for anybody."""
    me = owner(venue)
    refused = refusal(me.dial(secret=other(me.key.secret)).create_order, SPOT, "limit", "buy", 0.001, me.price(0.9))
    assert refused.kinds[0] == kind
    assert code in refused.why
    assert me.orders() == []


@pytest.mark.parametrize(("venue", "code"), [("binance", "-1021"), ("okx", "50102")])
def test_an_order_with_an_old_timestamp_is_none(
    town: Town, owner: Callable[[str], Owner], venue: str, code: str
) -> None:
    """If this failed, an order that hung in a queue would still be taken when nobody wants it any more."""
    me = owner(venue)
    price = me.price(0.9)
    me.ccxt.load_markets()
    skew = town.do(lambda city: city.mishaps.add(Rule("skew", channel="clock", venue=venue, args=Args(ms=40_000))))
    try:
        refused = refusal(me.ccxt.create_order, SPOT, "limit", "buy", 0.001, price)
    finally:
        town.do(lambda city: skew.end())
    assert (refused.kinds[0], code in refused.why) == ("InvalidNonce", True)
    assert me.orders() == []


def test_an_order_with_a_nonce_that_does_not_rise_is_none(town: Town, owner: Callable[[str], Owner]) -> None:
    """If this failed, an order could be sent again by whoever has seen it."""
    me = owner("kraken")
    price = me.price(0.9)
    me.ccxt.fetch_balance()
    key = me.key.key
    last = town.do(lambda city: city.mouth("kraken").keyring.last_nonce(key))
    town.do(lambda city: city.mouth("kraken").keyring.note_nonce(key, 2 * last))
    assert refusal(me.ccxt.create_order, SPOT, "limit", "buy", 0.001, price).kinds[0] == "InvalidNonce"
    assert me.orders() == []


@pytest.mark.parametrize(
    ("venue", "changed", "kind", "code"),
    [
        ("binance", {"quantity": "0.000001"}, "InvalidOrder", "LOT_SIZE"),
        ("binance", {"quantity": "0.00001"}, "BadRequest", "NOTIONAL"),
        ("binance", {"price": "50000.001"}, "InvalidOrder", "PRICE_FILTER"),
        ("binance", {"symbol": "BTCDOGE"}, "BadSymbol", "-1121"),
        ("binance", {"type": "LMT"}, "BadRequest", "-1116"),
        ("kraken", {"volume": "0.000001"}, "InvalidOrder", "EGeneral:Invalid arguments:volume"),
        ("kraken", {"volume": "0.00001"}, "ExchangeError", "EOrder:Cost minimum not met"),
        ("kraken", {"price": "50000.001"}, "ExchangeError", "EOrder:Tick size check failed"),
        ("kraken", {"pair": "XBTDOGE"}, "ExchangeError", "EQuery:Unknown asset pair"),
        ("okx", {"sz": "0.000001"}, "InvalidOrder", "51121"),
        ("okx", {"px": "50000.001"}, "ExchangeError", "51150"),
        ("okx", {"instId": "BTC-DOGE"}, "BadSymbol", "51001"),
        ("okx", {"side": "up"}, "BadRequest", "51000"),
    ],
)
def test_an_order_that_does_not_fit_the_market_is_refused(
    owner: Callable[[str], Owner], venue: str, changed: dict[str, str], kind: str, code: str
) -> None:
    """If this failed, a bot's rounding would work here and nowhere else."""
    me = owner(venue)
    verb, params = raw(me, **changed)
    refused = refusal(verb, params)
    assert (refused.kinds[0], code) == (kind, code if code in refused.why else refused.why)
    assert me.orders() == []


@pytest.mark.parametrize(
    ("venue", "kind"), [("binance", "InvalidOrder"), ("kraken", "ExchangeError"), ("okx", "InvalidOrder")]
)
def test_a_name_that_is_in_use_is_refused(owner: Callable[[str], Owner], venue: str, kind: str) -> None:
    """If this failed, an order sent twice would be two orders."""
    me = owner(venue)
    asked = (SPOT, "limit", "buy", 0.001, me.price(0.9), {"clientOrderId": CLIENT_IDS[venue]})
    me.ccxt.create_order(*asked)
    assert refusal(me.ccxt.create_order, *asked).kinds[0] == kind
    assert len(me.orders()) == 1


@pytest.mark.parametrize(("venue", "kind"), [("binance", "OrderImmediatelyFillable"), ("kraken", "ExchangeError")])
def test_a_maker_that_would_take_is_refused(owner: Callable[[str], Owner], venue: str, kind: str) -> None:
    """If this failed, an order would pay the taker's fee that it was told not to."""
    me = owner(venue)
    refused = refusal(me.ccxt.create_order, SPOT, "limit", "buy", 0.001, me.price(1.01), {"postOnly": True})
    assert refused.kinds[0] == kind
    assert me.orders() == []


def test_a_maker_that_would_take_is_accepted_by_okx_and_ended(owner: Callable[[str], Owner]) -> None:
    """If this failed, a bot would wait for a refusal that the venue never sends."""
    me = owner("okx")
    made = me.ccxt.create_order(SPOT, "limit", "buy", 0.001, me.price(1.01), {"postOnly": True})
    assert (me.open(), me.fills(made["id"])) == ([], [])
    assert me.ccxt.fetch_order(made["id"], SPOT)["status"] == "canceled"


@pytest.mark.parametrize(
    ("venue", "verb", "kind"),
    [
        ("binance", "cancel_order", "OrderNotFound"),
        ("binance", "fetch_order", "OrderNotFound"),
        ("kraken", "cancel_order", "InvalidOrder"),  # an id that was never issued has a code of its own there
        ("kraken", "fetch_order", "InvalidOrder"),
        ("okx", "cancel_order", "OrderNotFound"),
        ("okx", "fetch_order", "OrderNotFound"),
    ],
)
def test_an_order_that_never_was_is_not_found(owner: Callable[[str], Owner], venue: str, verb: str, kind: str) -> None:
    """If this failed, a program would take an order for cancelled that it only misspelled."""
    assert refusal(getattr(owner(venue).ccxt, verb), NEVER_ISSUED[venue], SPOT).kinds[0] == kind
