"""ccxt listens to each simulated venue over a real WebSocket: what it keeps is what the city knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fairlead.venues import registry
from fairlead.venues.binance import hearing
from tests.clients.town import Client, Guest, Town, dial
from tests.clients.truth import MS, Book, Truth, rows

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
MARKETS = [*((venue, SPOT) for venue in registry.names()), ("okx", SWAP)]
Ccxt = Callable[[str], Client]
Find = Callable[[Truth, Any, int], Book]

each_venue = pytest.mark.parametrize("venue", registry.names())
each_market = pytest.mark.parametrize(("venue", "symbol"), MARKETS)


def by_number(truth: Truth, book: Any, levels: int) -> Book:
    return truth.book(book["nonce"], levels)


def by_time(truth: Truth, book: Any, levels: int) -> Book:
    return truth.book_at_ms(book["timestamp"], levels)


# how the city's book is found at the moment that ccxt's names, and how deep ccxt's is sure to reach
BOOKS: Mapping[str, tuple[Find, int]] = {"binance": (by_number, 200), "kraken": (by_time, 10), "okx": (by_number, 400)}


@each_market
def test_a_book_stays_the_citys_through_many_changes(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, a change would be numbered, ordered or summed so that a real client goes astray."""
    truth, (find, levels) = Truth(town, venue, symbol), BOOKS[venue]
    books = ccxt(venue).each(30, "watch_order_book", symbol)
    known = [book for book in books if book["timestamp" if find is by_time else "nonce"]]  # Kraken's whole has no time
    assert len(known) >= 25
    for book in known:
        assert (rows(book["bids"], levels), rows(book["asks"], levels)) == find(truth, book, levels)
    assert len({str(book["bids"][:5]) for book in known}) > 5


def test_a_deeper_book_of_kraken_keeps_its_sum(town: Town, guest: Guest) -> None:
    """If this failed, levels that fall out of a depth, or come back, would differ from what the venue tells."""
    truth, kraken = Truth(town, "kraken", SPOT), dial(guest, town, "kraken")
    books = [book for book in kraken.each(30, "watch_order_book", SPOT, 100) if book["timestamp"]]
    for book in books:
        assert (rows(book["bids"], 100), rows(book["asks"], 100)) == by_time(truth, book, 100)
    assert len(books) >= 25


@each_market
def test_trades_come_once_each_and_as_they_happened(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, a tape would have holes, doubles or another one's trades."""
    told = [trade for some in ccxt(venue).each(4, "watch_trades", symbol) for trade in some]
    ids = [int(trade["id"]) for trade in told]
    assert ids == list(range(ids[0], ids[0] + len(told)))
    assert [(trade["price"], trade["amount"], trade["side"], trade["timestamp"]) for trade in told] == [
        (trade.price, trade.qty, trade.side, trade.venue_ns // MS)
        for trade in Truth(town, venue, symbol).trades(ids[0], ids[-1])
    ]


@each_market
def test_a_ticker_is_pushed(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, a screen of prices would stand still or show another market."""
    ticker = ccxt(venue).each(2, "watch_ticker", symbol)[-1]
    day = Truth(town, venue, symbol).stall(lambda stall: stall.ticker())
    assert ticker["symbol"] == symbol
    assert (ticker["open"], ticker["high"], ticker["low"]) == pytest.approx((day.open, day.high, day.low), rel=1e-3)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]


@each_market
def test_the_touch_is_pushed(town: Town, guest: Guest, venue: str, symbol: str) -> None:
    """If this failed, a quote would be of no moment that ever was."""
    truth = Truth(town, venue, symbol)
    before = truth.seq
    # On a connection of its own: OKX's ccxt takes tickers for quotes as well, and their sizes are not the book's here.
    told = dial(guest, town, venue).each(5, "watch_bids_asks", [symbol])
    tops = [(bids[0], asks[0]) for bids, asks in truth.books_since(before, 1).values()]
    for one in (each[symbol] for each in told):
        assert ((one["bid"], one["bidVolume"]), (one["ask"], one["askVolume"])) in tops


@each_market
def test_the_running_bar_is_pushed(town: Town, ccxt: Ccxt, venue: str, symbol: str) -> None:
    """If this failed, a bar would begin at another time or price than in history."""
    truth = Truth(town, venue, symbol)
    told = ccxt(venue).each(2, "watch_ohlcv", symbol, "1m")[-1][-1]
    known = truth.candles("1m", told[0], 1)[0]
    assert (told[0], told[1]) == (known.open_ns // MS, known.open)
    assert known.low <= told[3] <= told[4] <= told[2] <= known.high
    assert told[5] > 0


def test_marks_and_funding_rates_are_pushed(town: Town, ccxt: Ccxt) -> None:
    """If this failed, a bot that holds a swap would not see what it pays."""
    truth, okx = Truth(town, "okx", SWAP), ccxt("okx")
    due = truth.stall(lambda stall: stall.funding())
    told = okx.watch_funding_rate(SWAP)
    assert (told["fundingRate"], told["fundingTimestamp"]) == (due.rate, due.due_ns // MS)
    assert okx.watch_mark_price(SWAP)["markPrice"] == pytest.approx(
        truth.stall(lambda stall: stall.mark().price), rel=0.01
    )


def test_a_client_that_answers_pings_is_kept(town: Town, guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, Binance's pings would go out so that real clients answer them in vain."""
    monkeypatch.setattr(hearing, "PING_NS", 300 * MS)
    monkeypatch.setattr(hearing, "PONG_NS", 900 * MS)
    binance = dial(guest, town, "binance")
    binance.watch_ticker(SPOT)
    before = town.do(lambda city: len(city.connections))
    for _ in range(3):
        binance.watch_ticker(SPOT)
    assert town.do(lambda city: len(city.connections)) == before
