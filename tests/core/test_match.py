"""What a market does to one order: taken level by level, queued by price and time, filled in proportion, triggered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import match
from fairlead.core.match import Resting
from fairlead.model.orders import OrderType

ASKS = [(101, 3), (102, 5), (105, 1)]
BIDS = [(100, 2), (98, 4)]

books = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 50)), max_size=8, unique_by=lambda level: level[0])


def test_a_taker_takes_level_after_level_down_to_its_limit() -> None:
    """If this failed, an order would be filled worse than its limit, or not at all where somebody was."""
    assert match.taken("buy", 4, 102, ASKS) == [(101, 3), (102, 1)]
    assert match.taken("buy", 9, 102, ASKS) == [(101, 3), (102, 5)]
    assert match.taken("buy", 99, None, ASKS) == ASKS
    assert match.taken("sell", 3, 98, BIDS) == [(100, 2), (98, 1)]
    assert match.taken("sell", 3, 101, BIDS) == []


@given(books, st.integers(0, 200), st.one_of(st.none(), st.integers(1, 500)), st.sampled_from(["buy", "sell"]))
def test_nobody_gets_more_than_there_is_nor_beyond_the_limit(
    book: list[tuple[int, int]], qty: int, limit: int | None, side: str
) -> None:
    """If this failed, quantity would come from nowhere."""
    levels = sorted(book, reverse=side == "sell")
    fills = match.taken(side, qty, limit, levels)
    reach = sum(there for price, there in levels if match.reaches(side, limit, price))
    assert sum(got for _, got in fills) == min(qty, reach)
    assert all(0 < got <= dict(levels)[price] and match.reaches(side, limit, price) for price, got in fills)


@given(books, st.integers(0, 100_000), st.integers(1, 7))
def test_an_amount_is_never_overspent_and_lots_stay_whole(book: list[tuple[int, int]], budget: int, lot: int) -> None:
    """If this failed, a market order for an amount would cost more than was said, or leave a part of a lot."""
    levels = sorted((price, qty * lot) for price, qty in book)
    fills = match.taken_for(budget, lot, levels)
    spent = sum(price * qty for price, qty in fills)
    assert spent <= budget
    assert all(qty % lot == 0 and qty > 0 for _, qty in fills)
    if fills and len(fills) < len(levels):
        assert budget - spent < levels[len(fills)][0] * lot or fills[-1][1] < dict(levels)[fills[-1][0]]


def test_a_trade_at_its_price_serves_those_ahead_first() -> None:
    """If this failed, a resting order would be filled by trades that were somebody else's."""
    order = match.rest("buy", 100, 5, there=3)
    order, got = match.passed(order, "sell", 100, 2)
    assert (got, order.ahead) == (0, 1)
    order, got = match.passed(order, "sell", 100, 4)
    assert (got, order.left, order.ahead) == (3, 2, 0)
    order, got = match.passed(order, "sell", 100, 9)
    assert (got, order.left) == (2, 0)


def test_a_trade_through_its_price_is_all_its_own_and_one_short_of_it_none() -> None:
    """If this failed, an order could be left behind by a market that went through it."""
    order = match.rest("sell", 105, 5, there=100)
    assert match.passed(order, "buy", 104, 50) == (order, 0)
    assert match.passed(order, "sell", 105, 50) == (order, 0)
    assert match.passed(order, "buy", 106, 2) == (Resting("sell", 105, 3, 0), 2)
    assert match.passed(order, "buy", 106, 50) == (Resting("sell", 105, 0, 0), 5)


def test_a_book_that_comes_to_it_trades_with_it_and_shortens_its_queue() -> None:
    """If this failed, an order inside the market would wait for ever, or behind people who have left."""
    order = match.rest("buy", 102, 10, there=7)
    assert match.seen(order, 2, [(103, 9)]) == (Resting("buy", 102, 10, 2), 0)
    assert match.seen(order, 9, ASKS) == (Resting("buy", 102, 2, 7), 8)


def test_stops_wait_for_the_price_to_go_against_and_take_profits_for_it_to_go_their_way() -> None:
    """If this failed, a stop would fire at once, or never."""
    for type, side, fires in [
        (OrderType.STOP, "buy", [100, 101]), (OrderType.STOP_LIMIT, "sell", [99, 100]),
        (OrderType.TAKE_PROFIT, "buy", [99, 100]), (OrderType.TAKE_PROFIT_LIMIT, "sell", [100, 101]),
    ]:  # fmt: skip
        assert [last for last in (99, 100, 101) if match.is_triggered(side, type, 100, last)] == fires
