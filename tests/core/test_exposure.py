"""The worst that a symbol's orders may come to: of each kind of contract, in doubt, changing, reducing."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.book import Book
from fairlead.core.exposure import Claim, Exposure, Leg, claim_of, exposure, place_claim
from fairlead.core.rungs import Rungs
from fairlead.core.worth import Touch, touch_of
from fairlead.model.account import Position
from fairlead.model.market import State
from fairlead.model.order import Life, Order
from fairlead.model.orders import OrderType
from fairlead.wire.orders import AskAmend
from tests.core.wishes import BTC, COIN, INVERSE, LINEAR, PERP, SPOT, TOUCH, order, place

RUNNING = [life for life in Life if not life.is_over]
D = Decimal


def held(qty: str, symbol: str = BTC, pos_side: str = "") -> Position:
    return Position(venue="v", symbol=symbol, qty=D(qty), pos_side=pos_side)


def reach(seen: Exposure) -> list[object]:
    return [seen.position, seen.longest, seen.shortest, seen.notional]


def claimed(one: Order) -> Claim:
    claim = claim_of(one, SPOT, TOUCH)
    assert claim is not None
    return claim


@pytest.mark.parametrize("life", RUNNING)
def test_an_order_counts_in_full_from_the_intent_until_its_end(life: Life) -> None:
    """If this failed, an order in doubt could fill on top of the limit that was thought to hold."""
    seen = exposure([order(life=life)], [held("2")], SPOT)
    assert reach(seen) == [2, 3, 0, 50_000]
    assert seen.doubtful == (1 if life in (Life.SENDING, Life.UNKNOWN) else 0)


@pytest.mark.parametrize("life", [life for life in Life if life.is_over])
def test_an_order_that_ended_counts_only_for_fills_still_on_their_way(life: Life) -> None:
    """If this failed, a dead order would hold room for ever, or a fill already made would be forgotten for a while."""
    assert exposure([order(life=life)], [], SPOT) == Exposure({"": Leg()})
    late = exposure([order(life=life, filled="0.25", venue_filled="0.75")], [held("0.25")], SPOT)
    assert reach(late) == [D("0.25"), D("0.75"), 0, 25_000]


def test_buys_and_sells_are_never_netted() -> None:
    """If this failed, a bot with both sides open could end far from where its limit says."""
    both = [order("fl1", qty="3"), order("fl2", side="sell", qty="2", price="70000")]
    seen = exposure(both, [held("1")], SPOT)
    assert reach(seen) == [1, 4, 1, 290_000]


def test_only_the_symbols_own_orders_and_positions_count() -> None:
    """If this failed, one market's orders would use up another's limit."""
    others = [order(symbol=PERP), order(symbol=COIN)]
    assert exposure(others, [held("9", PERP)], SPOT) == Exposure()


def test_contracts_are_valued_as_their_kind_demands() -> None:
    """If this failed, a hundred contracts could count as a hundred coins, or as nothing."""
    linear = place_claim(place(qty="3", price="50000", symbol=PERP), LINEAR)
    inverse = place_claim(place(qty="3", price="50000", symbol=COIN), INVERSE)
    assert linear == Claim("buy", "", D(3), D(1_500))
    assert inverse == Claim("buy", "", D(3), D(300))
    assert place_claim(place(qty="3", price=None, symbol=COIN), INVERSE) == inverse  # it needs no price


def test_an_order_is_valued_at_the_dearest_price_it_may_get() -> None:
    """If this failed, a sell far below the market would pass as a small one."""
    for asked, price in [
        (place("buy", "1", "70000"), 70_000),
        (place("sell", "1", "1"), 60_000),
        (place("sell", "1", "70000"), 70_000),
        (place("buy", "1", None), 60_010),
        (place("sell", "1", None), 60_000),
        (place("buy", "1", "65000", trigger=D(64_000), type=OrderType.STOP_LIMIT), 65_000),
        (place("sell", "1", None, trigger=D(40_000), type=OrderType.STOP), 60_000),
    ]:
        claim = place_claim(asked, SPOT, TOUCH)
        assert claim is not None
        assert claim.notional == price, asked


def test_an_amount_of_quote_is_as_much_as_it_can_buy() -> None:
    """If this failed, an order by value would have no size, and no position cap would hold it."""
    market = order(type=OrderType.MARKET, price=None, qty=None, quote_qty="90", cost="30", filled="0.0005")
    assert claimed(market) == Claim("buy", "", D("0.0010"), D(60))  # 60 / 60000
    large = order(type=OrderType.MARKET, price=None, qty=None, quote_qty="6000000")
    assert claimed(large).qty == D(100)  # at the lowest price there is
    odd = order(type=OrderType.MARKET, price=None, qty=None, quote_qty="61")
    assert claimed(odd).qty == D("0.0011")  # up to a whole step: never less than what may be


def test_what_nobody_can_value_is_named() -> None:
    """If this failed, an order without a price would count as nothing."""
    market = order("fl7", type=OrderType.MARKET, price=None, life=Life.UNKNOWN)
    seen = exposure([market, order("fl8")], [], SPOT)
    assert (seen.unpriced, seen.doubtful, seen.longest) == (("fl7",), 1, D(1))
    assert exposure([market], [], SPOT, TOUCH).unpriced == ()
    assert exposure([order("fl7", qty=None, quote_qty="5", price=None)], [], SPOT).unpriced == ("fl7",)


@pytest.mark.parametrize(
    ("news", "qty", "notional"),
    [
        ({"qty": D(3)}, 3, 150_000),
        ({"qty": D("0.5")}, 1, 50_000),
        ({"price": D(60_000)}, 1, 60_000),
        ({"qty": D("0.5"), "price": D(70_000)}, 1, 50_000),
    ],
)
def test_a_change_on_its_way_counts_as_whichever_goes_further(news: dict[str, Any], qty: int, notional: int) -> None:
    """If this failed, a larger order could stand at the venue than the one that was counted."""
    changes = {"fl1": AskAmend(symbol=BTC, client_id="fl1", **news)}
    seen = exposure([order(amending=True)], [], SPOT, changes=changes)
    assert reach(seen) == [0, qty, 0, notional]


def test_what_only_reduces_adds_to_neither_side() -> None:
    """If this failed, an order that closes a position would be refused for its size."""
    closing = order(symbol=PERP, side="sell", qty="5", reduce_only=True)
    seen = exposure([closing], [held("5", PERP)], LINEAR)
    assert reach(seen) == [5, 5, 0, 2_500]


def test_two_sided_positions_are_kept_apart() -> None:
    """If this failed, a long and a short would cancel each other, or closing one would count as opening the other."""
    orders = [
        order("fl1", symbol=PERP, side="buy", qty="2", pos_side="long"),
        order("fl2", symbol=PERP, side="sell", qty="4", pos_side="long"),
        order("fl3", symbol=PERP, side="sell", qty="1", pos_side="short"),
        order("fl4", symbol=PERP, side="buy", qty="9", pos_side="short"),  # closes the short, and never turns it
    ]
    seen = exposure(orders, [held("3", PERP, "long"), held("-6", PERP, "short")], LINEAR)
    assert reach(seen)[:3] == [-3, 5, 7]


def test_a_touch_is_taken_from_a_live_book_exactly() -> None:
    """If this failed, money would be valued at a float."""
    rungs = Rungs(2, 3)
    book = Book("v", BTC, rungs, lambda: 9_000_000)
    assert touch_of(book) == Touch(None, None, State.RESYNCING)
    rungs.load([("60000.10", "1")], [("60000.13", "1")])
    book.state, book.seen_ns = State.LIVE, 2_000_000
    touch = touch_of(book)
    assert touch == Touch(D("60000.10"), D("60000.13"), State.LIVE, 7)
    assert touch.mid == D("60000.115")


sizes = st.decimals("0.0001", "99", places=4)
orders = st.lists(
    st.builds(
        lambda side, qty, price, done, life: order(
            side=side, qty=qty, price=price, filled=min(done, qty), venue_filled=min(done, qty), life=life
        ),
        st.sampled_from(["buy", "sell"]),
        sizes,
        st.decimals("1", "99999", places=2),
        sizes,
        st.sampled_from(RUNNING),
    ),
    max_size=5,
)


@given(orders=orders, start=st.decimals("-50", "50", places=4))
def test_no_way_in_which_orders_fill_goes_further(orders: list[Order], start: Decimal) -> None:
    """If this failed, some order of fills would carry the position beyond what was promised."""
    seen = exposure(orders, [held(str(start))], SPOT)
    longest = shortest = Decimal(0)
    for fills in product((0, 1), repeat=len(orders)):
        end = start
        for one, is_filled in zip(orders, fills, strict=True):
            assert one.left is not None
            end += (one.left if one.side == "buy" else -one.left) * is_filled
        longest, shortest = max(longest, end), max(shortest, -end)
    assert (seen.longest, seen.shortest) == (longest, shortest)
    assert seen.notional == sum((one.left or 0) * (one.price or 0) for one in orders)


@given(orders=orders)
def test_a_claim_taken_back_leaves_no_trace(orders: list[Order]) -> None:
    """If this failed, room would leak with every order until nothing could be placed, or everything."""
    seen = exposure(orders, [], SPOT)
    for one in orders:
        claim = claimed(one)
        assert seen.with_claim(claim).without(claim) == Exposure({"": Leg(), **seen.legs}, seen.notional, seen.doubtful)
