"""The simulator's book: sides, the matching walk, and what changed."""

from hypothesis import given
from hypothesis import strategies as st

from fairlead.sim.book import Book, Half


def asks() -> Half:
    half = Half(-1)
    for price, qty in ((103, 5), (101, 2), (102, 3)):
        half.put(-price, qty)
    half.changes()
    return half


def test_a_taker_walks_level_after_level() -> None:
    """If it failed, fills would come at wrong prices, or liquidity would be sold twice."""
    half = asks()
    assert half.take(4) == [(101, 2), (102, 2)]
    assert half.top(9) == ((102, 1), (103, 5))
    assert half.changes() == ((101, 0), (102, 1))


def test_a_limit_stops_the_walk() -> None:
    """If it failed, an order would fill beyond its limit price."""
    half = asks()
    assert half.take(100, worst=-102) == [(101, 2), (102, 3)]
    assert half.top(9) == ((103, 5),)


def test_an_empty_side_fills_nothing() -> None:
    """If it failed, trades would be made out of nothing, or the world would stop."""
    half = asks()
    assert sum(qty for _, qty in half.take(100)) == 10
    assert half.take(1) == []


def test_changes_tell_only_what_differs_in_the_end() -> None:
    """If it failed, mouths would announce levels that never were, and sequence numbers would count phantoms."""
    half = asks()
    half.put(-100, 7)
    half.put(-100, 0)
    half.put(-101, 9)
    half.put(-101, 2)
    assert half.changes() == ()


def test_top_gives_no_more_than_asked() -> None:
    """If it failed, a snapshot of depth zero would be the whole book."""
    assert asks().top(0) == ()
    assert asks().top(2) == ((101, 2), (102, 3))
    assert repr(Book()) == "<Book 0 bids, 0 asks, best [(), ()]>"


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5))), st.integers(0, 60), st.sampled_from([1, -1]))
def test_a_side_equals_its_simplest_model(puts: list[tuple[int, int]], qty: int, sign: int) -> None:
    """If it failed, levels would be lost, doubled or out of order, and every book of every mouth with them."""
    half, model, told = Half(sign), dict[int, int](), dict[int, int]()
    for price, held in puts:
        half.put(price * sign, held)
        model[price] = held
        told.update(half.changes())
    model = {price: held for price, held in model.items() if held}
    assert {price: held for price, held in told.items() if held} == model
    assert half.top(99) == tuple(sorted(model.items(), reverse=sign > 0))
    filled = half.take(qty)
    assert sum(part for _, part in filled) == min(qty, sum(model.values()))
    assert all(part <= model[price] for price, part in filled)
