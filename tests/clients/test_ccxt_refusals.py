"""What a venue refuses, ccxt names by the class that it has for the real one; of orders: test_ccxt_order_refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fairlead.sim.rules import Args, Rule
from fairlead.venues import registry
from tests.clients.town import Client, Guest, Refused, Town, dial

SPOT = "BTC/USDT"
Ccxt = Callable[[str], Client]
each_venue = pytest.mark.parametrize("venue", registry.names())


def refusal(call: Callable[..., Any], *args: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        call(*args)
    return refused.value


def other(text: str) -> str:
    """A key or secret of the same form."""
    return ("b" if text[0] == "a" else "a") + text[1:]


# Where ccxt has no class for the venue's code (Kraken's signature and pair, OKX's 50119) it raises the common one.
@pytest.mark.parametrize(
    ("venue", "part", "kind", "code"),
    [
        ("binance", "secret", "AuthenticationError", "-1022"),
        ("binance", "apiKey", "AuthenticationError", "-2015"),
        ("kraken", "secret", "ExchangeError", "EAPI:Invalid signature"),
        ("kraken", "apiKey", "AuthenticationError", "EAPI:Invalid key"),
        ("okx", "secret", "AuthenticationError", "50113"),
        ("okx", "apiKey", "ExchangeError", "50119"),
        ("okx", "password", "AuthenticationError", "50105"),
    ],
)
def test_a_wrong_key_or_secret_fails_to_authenticate(
    town: Town, guest: Guest, venue: str, part: str, kind: str, code: str
) -> None:
    """If this failed, a mistyped secret, or a key of another account, would first be noticed at the real venue."""
    key = town.venues[venue]["key"]
    wrong = other({"apiKey": key["key"], "secret": key["secret"], "password": key.get("passphrase", "")}[part])
    refused = refusal(dial(guest, town, venue, **{part: wrong}).fetch_balance)
    assert refused.kinds[0] == kind
    assert code in refused.why


@pytest.mark.parametrize(
    ("venue", "skew_ms", "code"),
    [
        ("binance", 12_000, "outside of the recvWindow"),  # ccxt asks for a window of 10 s
        ("binance", -2_000, "1000ms ahead"),
        ("okx", 40_000, "50102"),
        ("okx", -40_000, "50102"),
    ],
)
def test_a_clock_that_is_off_is_told_from_a_bad_signature(
    town: Town, ccxt: Ccxt, venue: str, skew_ms: int, code: str
) -> None:
    """If this failed, a bot whose clock drifts would look for the fault in its key."""
    skew = town.do(lambda city: city.mishaps.add(Rule("skew", channel="clock", venue=venue, args=Args(ms=skew_ms))))
    try:
        refused = refusal(ccxt(venue).fetch_balance)
    finally:
        town.do(lambda city: skew.end())
    assert refused.kinds[0] == "InvalidNonce"
    assert code in refused.why
    assert ccxt(venue).fetch_balance()["total"]["BTC"] == 2.5


def test_a_nonce_that_does_not_rise_is_refused(town: Town, ccxt: Ccxt) -> None:
    """If this failed, two bots with one Kraken key would live in peace here alone."""
    key = town.venues["kraken"]["key"]["key"]
    kraken = ccxt("kraken")
    kraken.fetch_balance()
    last = town.do(lambda city: city.mouth("kraken").keyring.last_nonce(key))
    town.do(lambda city: city.mouth("kraken").keyring.note_nonce(key, 2 * last))
    try:
        assert refusal(kraken.fetch_balance).kinds[0] == "InvalidNonce"
    finally:
        town.do(lambda city: city.mouth("kraken").keyring.note_nonce(key, last))
    assert kraken.fetch_balance()["total"]["BTC"] == 2.5


@pytest.mark.parametrize(
    ("venue", "verb", "named", "kind", "code"),
    [
        ("binance", "publicGetDepth", {"symbol": "BTCDOGE"}, "BadSymbol", "-1121"),
        ("kraken", "publicGetDepth", {"pair": "BTCDOGE"}, "ExchangeError", "EQuery:Unknown asset pair"),
        ("okx", "publicGetMarketBooks", {"instId": "BTC-DOGE"}, "BadSymbol", "51001"),
    ],
)
def test_an_unknown_symbol_is_refused_as_such(
    ccxt: Ccxt, venue: str, verb: str, named: dict[str, str], kind: str, code: str
) -> None:
    """If this failed, a delisted market would look like a broken request."""
    refused = refusal(getattr(ccxt(venue), verb), named)
    assert refused.kinds[0] == kind
    assert code in refused.why


@each_venue
def test_an_unknown_interval_is_a_bad_request(ccxt: Ccxt, venue: str) -> None:
    """If this failed, bars of an interval that the venue does not keep would be made up here."""
    assert refusal(ccxt(venue).fetch_ohlcv, SPOT, "7m").kinds[0] == "BadRequest"


@pytest.mark.parametrize(
    ("venue", "verb", "args", "most", "kind"),
    [
        ("binance", "publicGetDepth", {"symbol": "BTCUSDT", "limit": 5_000}, 24, "DDoSProtection"),
        ("kraken", "publicGetTime", {}, 20, "DDoSProtection"),
        ("kraken", "privatePostBalanceEx", {}, 25, "DDoSProtection"),
        ("okx", "publicGetPublicTime", {}, 20, "RateLimitExceeded"),
    ],
)
def test_who_asks_too_much_is_told_so(
    guest: Guest, venue: str, verb: str, args: dict[str, Any], most: int, kind: str
) -> None:
    """If this failed, a client without a throttle would work here and be banned there."""
    with Town(venue) as crowded:
        hasty = dial(guest, crowded, venue, enableRateLimit=False)
        assert refusal(hasty.each, 2 * most + 1, verb, args).kinds[0] == kind  # a window may end meanwhile
        refusals = crowded.do(lambda city: len(city.mouth(venue).refusals))
    assert refusals == 1


@each_venue
def test_maintenance_is_not_taken_for_a_refusal(town: Town, ccxt: Ccxt, venue: str) -> None:
    """If this failed, a bot would give up on a request that it only has to repeat later."""
    town.do(lambda city: city.maintain(venue, is_on=True))
    try:
        assert "OperationFailed" in refusal(ccxt(venue).fetch_order_book, SPOT).kinds
    finally:
        town.do(lambda city: city.maintain(venue, is_on=False))
    assert ccxt(venue).fetch_order_book(SPOT)["bids"]
