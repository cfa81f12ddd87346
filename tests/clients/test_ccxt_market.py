"""ccxt asks each simulated venue over real HTTP: what it understands is what the city knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fairlead.model.intervals import next_ns
from fairlead.venues import registry
from tests.clients.town import Client, Town
from tests.clients.truth import MS, Truth, rows

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
HOUR_MS = 3_600_000
MARKETS = [*((venue, SPOT) for venue in registry.names()), ("okx", SWAP)]
DEPTHS = {"binance": (5, 100, 500), "kraken": (1, 25, 500), "okx": (1, 25, 400, 500)}

each_venue = pytest.mark.parametrize("venue", registry.names())
each_market = pytest.mark.parametrize(("venue", "symbol"), MARKETS)
Ccxt = Callable[[str], Client]


@each_venue
def test_markets_are_listed_with_their_steps_and_least_sizes(town: Town, ccxt: Ccxt, venue: str) -> None:
    """If this failed, a bot would round its orders by other steps here than at the venue."""
    listed = {one.symbol: one for one in town.do(lambda city: tuple(city.mouth(venue).ctx.catalog))}
    told: dict[str, Any] = ccxt(venue).load_markets()
    assert told.keys() == listed.keys()
    for symbol, one in listed.items():
        market = told[symbol]
        assert market["id"] == one.venue_symbol
        assert market["active"] is True
        assert (market["spot"], market["swap"]) == (symbol == one.parts.base + "/" + one.parts.quote, symbol == SWAP)
        assert market["precision"]["price"] == float(one.price_tick)
        assert market["precision"]["amount"] == float(one.qty_step)
        assert market["limits"]["amount"]["min"] == float(one.min_qty)
        if symbol == SWAP:
            assert (market["contractSize"], market["linear"]) == (float(one.contract_size), True)
        elif venue != "okx":  # which names no least notional
            assert market["limits"]["cost"]["min"] == float(one.min_notional)


@each_venue
def test_the_venues_time_is_the_citys(town: Town, ccxt: Ccxt, venue: str) -> None:
    """If this failed, a client that corrects its clock would correct it to a wrong one."""
    truth = Truth(town, venue, SPOT)
    before = truth.now_ms()
    said = ccxt(venue).fetch_time()
    assert before // 1_000 * 1_000 <= said <= truth.now_ms()


@each_market
def test_books_are_whole_at_every_depth(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, levels would be missing, doubled, misread or in another order."""
    truth = Truth(town, venue, symbol)
    for depth in DEPTHS[venue]:
        before = truth.seq
        book = ccxt(venue).fetch_order_book(symbol, depth)
        shown = rows(book["bids"], depth), rows(book["asks"], depth)
        assert len(book["bids"]) == len(book["asks"]) == depth
        books = truth.books_since(before, depth)
        assert shown in books.values()
        assert venue != "binance" or shown == books[book["nonce"]]


@each_market
def test_a_ticker_shows_the_touch_and_the_day(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, the price a bot looks at first would be another market's or another time's."""
    truth = Truth(town, venue, symbol)
    before = truth.seq
    one, every = ccxt(venue).fetch_ticker(symbol), ccxt(venue).fetch_tickers([symbol])
    tops = [(bids[0][0], asks[0][0]) for bids, asks in truth.books_since(before, 1).values()]
    for ticker in (one, every[symbol]):
        assert (ticker["bid"], ticker["ask"]) in tops
        assert ticker["low"] <= ticker["last"] <= ticker["high"]
        assert ticker["baseVolume"] > 0


@each_market
def test_trades_are_those_that_happened(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, a trade's price, size, side or time would be another one's, or a trade be left out."""
    truth = Truth(town, venue, symbol)
    latest = ccxt(venue).fetch_trades(symbol, None, 50)
    since_ms = truth.now_ms() - 20_000
    recent = ccxt(venue).fetch_trades(symbol, since_ms, 20)
    for told in (latest, recent):
        ids = [int(trade["id"]) for trade in told]
        assert ids == list(range(ids[0], ids[0] + len(told)))
        happened = truth.trades(ids[0], ids[-1])
        assert [(trade["price"], trade["amount"], trade["side"]) for trade in told] == [
            (trade.price, trade.qty, trade.side) for trade in happened
        ]
        # ccxt multiplies Kraken's seconds as a float, in which .9999999 is the next second.
        off = [abs(one["timestamp"] - other.venue_ns // MS) for one, other in zip(told, happened, strict=True)]
        assert max(off) <= (venue == "kraken")
    assert len(latest) == 50
    assert all(trade["timestamp"] >= since_ms for trade in recent)


@each_market
@pytest.mark.parametrize("interval", ["1m", "1h", "1d"])
def test_candles_are_the_citys(town: Town, ccxt: Ccxt, venue: str, symbol: str, interval: str) -> None:
    """If this failed, a strategy would be tested on bars that never were, or that begin at another time."""
    truth = Truth(town, venue, symbol)
    told = ccxt(venue).fetch_ohlcv(symbol, interval, None, 10)
    assert len(told) == 10
    _same(told[:-1], truth, interval)
    assert next_ns(interval, told[-1][0] * MS) // MS > truth.now_ms() - 60_000
    assert told[-1][1] == truth.candles(interval, told[-1][0], 1)[0].open


@each_market
def test_candles_are_given_from_a_time_on(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, whoever downloads history in pages would get holes or bars twice."""
    truth = Truth(town, venue, symbol)
    since_ms = truth.now_ms() // HOUR_MS * HOUR_MS - 48 * HOUR_MS
    first = ccxt(venue).fetch_ohlcv(symbol, "1h", since_ms, 5)
    second = ccxt(venue).fetch_ohlcv(symbol, "1h", since_ms + 5 * HOUR_MS, 5)
    told = first + second
    assert [bar[0] for bar in told] == [since_ms + number * HOUR_MS for number in range(10)]
    _same(told, truth, "1h")


def _same(told: list[list[float]], truth: Truth, interval: str) -> None:
    contract = float(truth.stall(lambda stall: stall.market.listing.contract_size))
    known = truth.candles(interval, int(told[0][0]), len(told))
    assert [bar[:5] for bar in told] == [[one.open_ns // MS, one.open, one.high, one.low, one.close] for one in known]
    assert [bar[5] for bar in told] == pytest.approx([one.volume * contract for one in known])


def test_funding_rates_are_due_and_were_paid_as_told(town: Town, ccxt: Ccxt) -> None:
    """If this failed, a bot would hold a position over a rate it does not know."""
    truth, okx = Truth(town, "okx", SWAP), ccxt("okx")
    due, told = truth.stall(lambda stall: stall.funding()), okx.fetch_funding_rate(SWAP)
    assert (told["fundingRate"], told["fundingTimestamp"]) == (due.rate, due.due_ns // MS)
    assert told["interval"] == "8h"
    paid = okx.fetch_funding_rate_history(SWAP, None, 10)
    known = truth.stall(lambda stall: stall.fundings(0, 0, 10))
    assert [(one["timestamp"], one["fundingRate"]) for one in paid] == [(one.venue_ns // MS, one.rate) for one in known]
    assert len(paid) == 10


def test_a_mark_price_is_the_markets(town: Town, ccxt: Ccxt) -> None:
    """If this failed, a liquidation price would be reckoned from another market."""
    truth = Truth(town, "okx", SWAP)
    before = truth.stall(lambda stall: stall.mark().price)
    told = ccxt("okx").fetch_mark_price(SWAP)["markPrice"]
    assert told == pytest.approx(before, rel=0.01)


@each_venue
def test_a_signed_call_shows_what_the_account_holds(ccxt: Ccxt, venue: str) -> None:
    """If this failed, ccxt's signature, which real venues take, would not be taken here; or the purse be misread."""
    held = ccxt(venue).fetch_balance()
    assert {asset: held["total"][asset] for asset in ("BTC", "ETH", "USDT", "USD")} == {
        "BTC": 2.5, "ETH": 40.0, "USDT": 250_000.0, "USD": 100_000.0,
    }  # fmt: skip
    assert held["free"] == held["total"]
