"""The whole world: one seed one story, whoever listens and however time is cut."""

from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.errors import Misuse, UnknownName
from fairlead.sim.happenings import Funded, Happening
from fairlead.sim.prices import recorded
from fairlead.sim.world import World
from tests.sim.places import MINUTE_NS, SECOND_NS, START_NS, listing

TOWN = (
    listing("north"),
    listing("south", symbol="BTC/USD", price_decimals=1, tick=Decimal("0.1"), qty_decimals=8),
    listing("east", symbol="BTC/USDT:USDT", price_decimals=1, qty_decimals=2, funding_hours=8),
    listing("north", symbol="ETH/USDT", start=Decimal(3_000)),
)


def town(seed: int = 1, start_ns: int = START_NS) -> World:
    return World(seed, TOWN, start_ns)


def trace(happenings: Iterator[Happening]) -> str:
    digest = sha256()
    for one in happenings:
        digest.update(repr(one).encode())
    return digest.hexdigest()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_one_seed_tells_one_story(seed: int) -> None:
    """If it failed, no failing voyage could be repeated."""
    first = trace(town(seed).advance(START_NS + 10 * SECOND_NS))
    assert first == trace(town(seed).advance(START_NS + 10 * SECOND_NS))
    assert first != trace(town(seed + 1).advance(START_NS + 10 * SECOND_NS))


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 10 * SECOND_NS), max_size=9))
def test_how_time_is_cut_makes_no_difference(cuts: list[int]) -> None:
    """If it failed, a slow reader would live in another world than a fast one."""

    def piecewise() -> Iterator[Happening]:
        world = town()
        for cut in [*sorted(cuts), 10 * SECOND_NS]:
            yield from world.advance(START_NS + cut)
            assert world.ns == START_NS + cut

    assert trace(piecewise()) == trace(town().advance(START_NS + 10 * SECOND_NS))


def test_a_reader_who_leaves_loses_no_step() -> None:
    """If it failed, stopping in the midst of a turn would tear a market apart from its sequence numbers."""
    world, other = town(), town()
    heard = list(islice(world.advance(START_NS + 10 * SECOND_NS), 200))
    rest = list(world.advance(START_NS + 10 * SECOND_NS))
    whole = list(other.advance(START_NS + 10 * SECOND_NS))
    assert whole[:200] == heard
    assert rest == whole[len(whole) - len(rest) :]
    assert len(whole) - len(rest) - 200 < 10
    assert [market.seq for market in world.markets.values()] == [market.seq for market in other.markets.values()]


def test_markets_do_not_disturb_each_other() -> None:
    """If it failed, adding a market to a voyage would change all the others, and a seed's story with it."""
    few = World(1, TOWN[:1], START_NS)
    heard = [
        one for one in town().advance(START_NS + 10 * SECOND_NS) if (one.venue, one.symbol) == ("north", "BTC/USDT")
    ]
    assert heard == list(few.advance(START_NS + 10 * SECOND_NS))


def test_markets_do_not_move_alike() -> None:
    """If it failed, several venues would be one venue shown several times, and nothing between them would be proven."""
    world = World(1, [listing("north"), listing("south")], START_NS)
    north, south = world.markets.values()
    assert {price for price, _ in north.top(60)[0]} != {price for price, _ in south.top(60)[0]}
    assert north.next_ns != south.next_ns
    assert [qty for _, qty in north.top(60)[0]] != [qty for _, qty in south.top(60)[0]]


def test_time_never_goes_back_and_stays_in_bounds() -> None:
    """If it failed, mouths would send events out of order, or before they happened."""
    world = town()
    assert world.next_ns > START_NS
    times = [one.ns for one in world.advance(START_NS + 10 * SECOND_NS) if not isinstance(one, Funded)]
    assert all(a <= b for a, b in pairwise(times))
    assert START_NS < times[0] <= times[-1] <= START_NS + 10 * SECOND_NS < world.next_ns
    assert repr(world) == f"<World of 4 markets at {START_NS + 10 * SECOND_NS}>"


def test_a_start_within_a_minute_has_lived_its_beginning() -> None:
    """If it failed, the first candle would have a hole between the past and the life of a market."""
    start_ns = START_NS + 42 * SECOND_NS
    market = town(start_ns=start_ns).market("north", "BTC/USDT")
    assert start_ns - 100_000_000 < market.ns <= start_ns < market.next_ns
    ids = [one.id for one in market.history.trades(200)]
    assert ids == list(range(ids[0], ids[0] + 200))
    assert abs(market.bid[0] / 6_200_000 - 1) < 5e-4
    running = market.history.candles("1m", START_NS)
    assert running[0].first_id == market.history.trades(1, since_ns=START_NS)[0].id
    assert START_NS <= market.history.trades(1, since_ns=START_NS)[0].ns < start_ns - 20 * SECOND_NS


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_venues_stay_near_each_other(seed: int) -> None:
    """If it failed, the consolidated view would show riches that no market ever gave."""
    world = town(seed)
    for _ in world.advance(START_NS + 20 * SECOND_NS):
        pass
    prices = [market.bid[0] / 10**market.listing.price_decimals for market in list(world.markets.values())[:3]]
    assert max(prices) / min(prices) - 1 < 1e-3  # basis of 1.8 bps each way, spread, and a step's time between them


def test_a_recorded_path_is_followed() -> None:
    """If it failed, a replayed crash would not be the crash."""
    fall = recorded(f"{START_NS},62000\n{START_NS + 10 * SECOND_NS},62000\n{START_NS + 20 * SECOND_NS},31000\n")
    world = World(1, [listing(basis_bps=0.0), listing("south", basis_bps=0.0)], START_NS, recordings={"BTC": fall})
    for second in range(1, 30):
        for _ in world.advance(START_NS + second * SECOND_NS):
            pass
        for market in world.markets.values():
            assert abs((market.bid[0] + market.ask[0]) / 200 / fall.at(market.ns) - 1) < 1e-4
    # Volume of the past is made up, its price is the recording's.
    before = world.market("north", "BTC/USDT").history.between(START_NS - MINUTE_NS, START_NS)
    assert before is not None
    assert (before.open, before.close) == (6_200_000, 6_200_000)


def test_what_is_not_there_is_named() -> None:
    """If it failed, a mouth's slip would end in a bare KeyError that names nothing."""
    with pytest.raises(UnknownName, match="north BTC/USDT"):
        town().market("north", "BTC/USDC")
    with pytest.raises(Misuse, match="listed twice"):
        World(1, [TOWN[0], TOWN[0]], START_NS)
    assert list(World(1, [], START_NS).advance(START_NS + SECOND_NS)) == []
