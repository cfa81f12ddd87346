"""A market as a venue shows it: the truth about its book at any kept number, in the venue's own decimals."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

import pytest

from fairlead.errors import Misuse
from fairlead.sim.happenings import Changed
from fairlead.sim.stall import CHANGES_A_WHOLE, CHANGES_KEPT, Stall
from fairlead.sim.world import World
from fairlead.testing import instrument
from fairlead.wire.mirror import Depth
from tests.sim.street import START_NS, listing

BTC = instrument("BTC/USDT", "BTCUSDT", "0.01", "0.00001")


def stall_of(world: World, one: object = BTC) -> Stall:
    return Stall(world.market("toy", "BTC/USDT"), BTC if one is BTC else one)  # type: ignore[arg-type]


def lived(world: World, stall: Stall) -> Iterator[Depth]:
    """Changes as they happen, without end."""
    while True:
        for happening in world.advance(world.next_ns):
            if isinstance(happening, Changed):
                yield stall.change(happening)


def test_the_book_at_a_number_is_what_it_was_then() -> None:
    """If this failed, the checker of every voyage would judge by a wrong book."""
    world = World(5, [listing("BTC/USDT", 62_000)], START_NS)
    stall = stall_of(world)
    told = {stall.market.seq: stall.top(1_000)}
    for change in islice(lived(world, stall), 3 * CHANGES_A_WHOLE):
        told[change.last] = stall.top(1_000)
    assert len(told) == len(stall.seqs()) + 1
    for seq, book in told.items():
        assert stall.book_at(seq) == book


def test_what_is_too_old_or_never_was_is_said_to_be() -> None:
    """If this failed, a check against a forgotten book could pass or fail by chance."""
    world = World(5, [listing("BTC/USDT", 62_000)], START_NS)
    stall = stall_of(world)
    first = stall.market.seq
    changes = list(islice(lived(world, stall), CHANGES_KEPT + 2 * CHANGES_A_WHOLE))
    with pytest.raises(Misuse, match="no longer kept"):
        stall.book_at(first)
    inside = next(change for change in reversed(changes) if change.last > change.first)
    with pytest.raises(Misuse, match="no change ended"):
        stall.book_at(inside.first)
    oldest = stall.seqs()[0]
    assert len(stall.book_at(oldest[0])[0]) > 40


def test_a_time_finds_its_number() -> None:
    """If this failed, venues that number nothing could not be checked at all."""
    world = World(5, [listing("BTC/USDT", 62_000)], START_NS)
    stall = stall_of(world)
    changes = list(islice(lived(world, stall), 50))
    for change in changes:
        assert stall.seq_at(change.venue_ns) == change.last
        assert stall.seq_at(change.venue_ns + 1) == change.last
    with pytest.raises(Misuse, match="no longer kept"):
        stall.seq_at(changes[0].venue_ns - 10**9)


def test_a_stale_whole_is_a_true_earlier_one() -> None:
    """If this failed, a snapshot from before would be one that never was."""
    world = World(5, [listing("BTC/USDT", 62_000)], START_NS)
    stall = stall_of(world)
    changes = list(islice(lived(world, stall), 30))
    old = stall.whole(5, changes_ago=10)
    assert old.last == changes[-10].prior
    bids, asks = stall.book_at(old.last)
    assert (old.bids, old.asks) == (bids[:5], asks[:5])


def test_numbers_follow_the_instruments_decimals() -> None:
    """If this failed, a venue that declares more decimals would show prices ten times too small."""
    world = World(5, [listing("BTC/USDT", 62_000)], START_NS)
    plain, wide = stall_of(world), stall_of(world, instrument("BTC/USDT", "X", "0.0001", "0.0000001"))
    (price, qty), (wide_price, wide_qty) = plain.top(1)[0][0], wide.top(1)[0][0]
    assert (wide_price, wide_qty) == (price * 100, qty * 100)
    assert plain.quote().bid == wide.quote().bid == float(Decimal(price).scaleb(-2))
    with pytest.raises(Misuse, match="decimals"):
        stall_of(world, instrument("BTC/USDT", "X", "0.1", "0.1"))
