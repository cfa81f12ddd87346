"""A live market: books, trades, marks and funding of one listing, step by step."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.sim.happenings import Changed, Funded, Happening, Marked, Traded
from fairlead.sim.market import Market
from fairlead.sim.prices import recorded
from fairlead.sim.world import World
from tests.sim.places import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, START_NS, Replica, alone, listing

KNOBS = st.fixed_dictionaries(
    {},
    optional={
        "depth": st.sampled_from([1, 2, 5, 40, 200]),
        "spread_ticks": st.integers(1, 9),
        "span_bps": st.sampled_from([5, 100, 2_000]),
        "changes_hz": st.sampled_from([0.0, 3.0, 200.0]),
        "trades_hz": st.sampled_from([0.0, 0.1, 60.0]),
        "level_qty": st.sampled_from([Decimal("0.00001"), Decimal("0.1"), Decimal(9_000)]),
        "trade_qty": st.sampled_from([Decimal("0.00001"), Decimal("0.1"), Decimal(9_000)]),
        "start": st.sampled_from([Decimal(50), Decimal(700), Decimal(62_000)]),
        "tick": st.sampled_from([Decimal("0.01"), Decimal("0.5")]),
        "lot": st.sampled_from([Decimal("0.00001"), Decimal("0.001")]),
        "step_ms": st.sampled_from([10, 100, 5_000]),
        "basis_bps": st.sampled_from([0.0, 1.0, 500.0]),
    },
)


def check_step(market: Market, replica: Replica, told: tuple[Happening, ...]) -> None:
    """The invariants of one step; the replica follows it."""
    of = market.listing
    tick, lot = max(1, int(of.tick * 10**2)), max(1, int(of.lot * 10**5))
    seen = {"buy": dict(replica.asks), "sell": dict(replica.bids)}  # what takers could see
    for one in told:
        if isinstance(one, Traded):
            resting = seen[one.side]
            assert one.price == (min(resting) if one.side == "buy" else max(resting))
            assert 0 < one.qty <= resting[one.price]
            assert one.qty % lot == 0
            resting[one.price] -= one.qty
            if not resting[one.price]:
                del resting[one.price]
        elif isinstance(one, Changed):
            assert one.first == one.prior + 1
            assert one.last == one.prior + len(one.bids) + len(one.asks) > one.prior
            assert list(one.bids) == sorted(one.bids, reverse=True)
            assert list(one.asks) == sorted(one.asks)
            for price, qty in one.bids + one.asks:
                assert price > 0 == price % tick
                assert qty >= 0 == qty % lot
            replica.apply(one)
    bids, asks = replica.sides()
    assert (bids, asks) == market.top(10**6)
    assert bids[0][0] < asks[0][0]
    assert (bids[0], asks[0]) == (market.bid, market.ask)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**64), knobs=KNOBS)
def test_a_book_is_always_a_book(seed: int, knobs: dict[str, Any]) -> None:
    """If it failed, books would cross, leave the tick, hold nothing, or trade where nobody quoted."""
    _, market = alone(seed, **knobs)
    replica = Replica(*market.top(10**6))
    for _ in range(12):
        check_step(market, replica, market.step())


def test_changes_and_trades_are_numbered_without_a_hole() -> None:
    """If it failed, every client would see a gap on a perfect wire, or none when there was one."""
    world, market = alone(trades_hz=20.0)
    seq, id = market.seq, market.history.next_id
    for one in world.advance(START_NS + MINUTE_NS):
        if isinstance(one, Changed):
            assert one.prior == seq
            seq = one.last
        elif isinstance(one, Traded):
            assert one.id == id
            id += 1
    assert id > market.history.trades(1, since_ns=START_NS)[0].id + 500
    assert (market.seq, market.history.next_id) == (seq, id)


def test_some_takers_walk_through_several_levels() -> None:
    """If it failed, no client would ever see one order fill at two prices."""
    world, _ = alone(trades_hz=20.0, trade_qty=Decimal("0.5"))
    trades = [one for one in world.advance(START_NS + MINUTE_NS) if isinstance(one, Traded)]
    walked = [b for a, b in pairwise(trades) if a.ns == b.ns and a.side == b.side and a.price != b.price]
    assert len(walked) > 50


def test_depth_and_span_are_kept_as_the_price_moves() -> None:
    """If it failed, books would dry up or swell over a day, and deep subscriptions would prove nothing."""
    world, market = alone(depth=1_000, step_ms=500)
    for _ in world.advance(START_NS + 3 * MINUTE_NS):
        bids, asks = len(market.top(10**6)[0]), len(market.top(10**6)[1])
        assert 970 <= bids <= 1_050
        assert 970 <= asks <= 1_050


def test_the_span_is_kept_on_both_sides_of_a_climb() -> None:
    """If it failed, a side that the price leaves behind would drag its old levels along for ever."""
    climb = recorded(f"{START_NS},60000\n{START_NS + MINUTE_NS},63000\n")
    one = listing(start=Decimal(60_000), basis_bps=0.0, depth=500)
    world = World(1, [one], START_NS, recordings={"BTC": climb})
    market = world.market("north", "BTC/USDT")
    for _ in world.advance(START_NS + MINUTE_NS):
        bids, asks = market.top(10**6)
        assert 0.024 < (bids[0][0] - bids[-1][0]) / 6_000_000 < 0.026
        assert 0.024 < (asks[-1][0] - asks[0][0]) / 6_000_000 < 0.026


def test_a_narrow_span_still_holds_the_declared_depth() -> None:
    """If it failed, a market of coarse ticks would come up with half its levels."""
    _, market = alone(start=Decimal(1_000), tick=Decimal("0.5"), depth=200, span_bps=100)
    assert min(map(len, market.top(10**6))) >= 190


def test_quotes_come_and_go_when_the_price_stands_still() -> None:
    """If it failed, a still market would only change quantities, or its levels near the touch would all wear away."""
    still = recorded(f"{START_NS},62000\n")
    world = World(1, [listing(basis_bps=0.0, trades_hz=0.0, depth=500)], START_NS, recordings={"BTC": still})
    market = world.market("north", "BTC/USDT")

    def near() -> set[int]:
        bids = market.top(10**6)[0]
        return {price for price, _ in bids if bids[0][0] - price < 6_200_000 * 0.025 / 20}

    before = near()
    for _ in world.advance(START_NS + 3 * MINUTE_NS):
        pass
    assert 12 < len(before) < 40
    assert 8 < len(near()) < 80
    assert len(near() - before) > 10


def test_a_calm_market_is_calm() -> None:
    """If it failed, the guard would label what nobody planted: jumps of the touch, or trades far from it."""
    world, market = alone(trades_hz=5.0)
    middle = (market.bid[0] + market.ask[0]) / 2
    for one in world.advance(START_NS + 5 * MINUTE_NS):
        if isinstance(one, Traded):
            assert abs(one.price / middle - 1) < 0.005
        elif isinstance(one, Changed):
            now = (market.bid[0] + market.ask[0]) / 2
            assert abs(now / middle - 1) < 0.001
            middle = now


def test_the_price_starts_where_the_listing_says() -> None:
    """If it failed, a declared market would come up at another price than its listing names."""
    _, market = alone(basis_bps=0.0)
    assert abs(market.bid[0] - 6_200_000) < 2_000


def test_marks_come_on_time_and_lean_on_the_index() -> None:
    """If it failed, margins would go by a stale price or by one far from every market."""
    world, market = alone(symbol="BTC/USDT:USDT", funding_hours=8, mark_ms=3_000)
    marks = [one for one in world.advance(START_NS + MINUTE_NS) if isinstance(one, Marked)]
    assert [one.ns // (3 * SECOND_NS) for one in marks] == list(
        range(START_NS // (3 * SECOND_NS) + 1, marks[-1].ns // (3 * SECOND_NS) + 1)
    )
    assert len(marks) >= 19
    assert all(abs(one.mark / one.index - 1) < 2e-4 for one in marks)
    assert (market.mark, market.index) == (marks[-1].mark, marks[-1].index) or market.ns > marks[-1].ns


def test_funding_is_paid_when_due_and_remembered() -> None:
    """If it failed, a payment would be lost or doubled, or history would disagree with what was announced."""
    start_ns = START_NS + 8 * HOUR_NS - MINUTE_NS
    world, market = alone(start_ns=start_ns, symbol="BTC/USDT:USDT", funding_hours=8, step_ms=1_000)
    due_ns = START_NS + 8 * HOUR_NS
    assert market.due_ns == due_ns
    announced, earlier = market.funding(due_ns), market.fundings(most=2)
    paid = [one for one in world.advance(start_ns + 2 * MINUTE_NS) if isinstance(one, Funded)]
    assert [(one.ns, one.rate) for one in paid] == [(due_ns, announced)]
    assert market.fundings(most=3) == (*earlier, *paid)
    assert market.fundings(begin_ns=earlier[0].ns, most=2) == earlier
    assert market.fundings(begin_ns=earlier[0].ns + 1, end_ns=due_ns) == earlier[1:]
    assert market.due_ns == due_ns + 8 * HOUR_NS
    history = market.fundings(begin_ns=market.history.listed_ns, most=10_000)
    assert {b.ns - a.ns for a, b in pairwise(history)} == {8 * HOUR_NS}
    assert history[0].ns == market.history.listed_ns == START_NS - 200 * DAY_NS
    assert len({one.rate for one in history}) > 100
    assert all(abs(one.rate) < Decimal("0.001") for one in history)


def test_spot_has_neither_marks_nor_funding() -> None:
    """If it failed, a spot market would charge for holding."""
    world, market = alone()
    assert not any(isinstance(one, Marked | Funded) for one in world.advance(START_NS + MINUTE_NS))
    assert (market.due_ns, market.fundings()) == (0, ())
