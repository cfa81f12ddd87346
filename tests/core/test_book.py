"""core/book: what users read is the exact book, as Decimals and as the nearest floats."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.book import Book
from fairlead.core.rungs import Rungs
from fairlead.model.market import State

plain = st.from_regex(r"[1-9][0-9]{0,17}(\.[0-9]{1,18})?", fullmatch=True)


def book_of(bids: list[tuple[str, str]], asks: list[tuple[str, str]], now_ns: int = 0) -> Book:
    rungs = Rungs(2, 3)
    rungs.load(bids, asks)
    return Book("here", "BTC/USDT", rungs, lambda: now_ns)


@given(plain, plain, plain, plain)
def test_floats_are_those_nearest_to_the_venue_s_text(bid: str, bid_qty: str, ask: str, ask_qty: str) -> None:
    """A price would differ in its last bit from the one that every other program reads from the same text."""
    book = book_of([(bid, bid_qty)], [(ask, ask_qty)])
    assert (book.bid, book.bid_qty, book.ask, book.ask_qty) == tuple(map(float, (bid, bid_qty, ask, ask_qty)))
    assert book.bids() == [(float(bid), float(bid_qty))]
    assert book.asks() == [(float(ask), float(ask_qty))]
    assert (book.bid_exact, book.ask_exact) == (Decimal(bid), Decimal(ask))
    bids, asks = book.texts()
    assert [[Decimal(text) for text in row] for row in bids + asks] == [
        [Decimal(bid), Decimal(bid_qty)],
        [Decimal(ask), Decimal(ask_qty)],
    ]


def test_an_empty_side_is_none_and_not_zero() -> None:
    """A bot would see a price of 0 and trade on it."""
    book = book_of([], [])
    assert (book.bid, book.ask, book.bid_qty, book.ask_qty, book.bid_exact, book.ask_exact) == (None,) * 6
    assert (book.bids(), book.asks(), book.texts()) == ([], [], ([], []))
    assert book.state is State.RESYNCING, "before the first whole nothing may be believed"


def test_levels_come_best_first_in_the_declared_decimals() -> None:
    """The best bid would be taken from the wrong end, or printed with fewer digits than the venue declares."""
    book = book_of([("99", "1"), ("101.5", "2"), ("100", "3")], [("103", "1"), ("102", "2"), ("104", "3")])
    assert book.bids(2) == [(101.5, 2.0), (100.0, 3.0)]
    assert book.asks(2) == [(102.0, 2.0), (103.0, 1.0)]
    assert book.texts(1) == ([["101.50", "2.000"]], [["102.00", "2.000"]])


def test_a_book_is_a_view_and_never_a_copy() -> None:
    """The callback would read prices of a message ago."""
    book = book_of([("1", "1")], [("3", "1")])
    book.rungs.change(book.rungs.bids, [("2", "1")])
    assert book.bid == 2.0


@pytest.mark.parametrize(
    ("venue_ns", "seen_ns", "age_ms", "lag_ms"),
    [
        (900_000_000, 950_000_000, 100.0, 50.0),
        (0, 950_000_000, 50.0, 0.0),  # the venue sends no time: ours serves
        (0, 0, 0.0, 0.0),
    ],
)
def test_age_and_lag_are_measured_from_the_venue_s_time(
    venue_ns: int, seen_ns: int, age_ms: float, lag_ms: float
) -> None:
    """A late book would pass for a young one because it came just now."""
    book = book_of([], [], now_ns=1_000_000_000)
    book.venue_ns, book.seen_ns = venue_ns, seen_ns
    assert (book.age_ms, book.lag_ms) == (age_ms, lag_ms)
    assert "RESYNCING" in repr(book)
