"""A download of candles without a hole: what is missing is found, and bars without trades carry on the last close."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from fairlead.model import intervals
from fairlead.model.market import Candle


class Hole(Struct, frozen=True):
    """Bars that open from `start_ns` on and before `end_ns` are missing."""

    start_ns: int
    end_ns: int
    count: int


def holes(candles: Sequence[Candle], interval: str, start_ns: int, end_ns: int) -> tuple[Hole, ...]:
    """What is missing of the bars that open in [start, end); `candles` in any order, with any doubles."""
    opens = sorted({candle.open_ns for candle in candles if start_ns <= candle.open_ns < end_ns})
    first_ns = intervals.start_ns(interval, start_ns)
    if first_ns < start_ns:
        first_ns = intervals.next_ns(interval, first_ns)
    edges = [(first_ns, opens[0] if opens else end_ns)]
    edges += [(intervals.next_ns(interval, one), other) for one, other in pairwise([*opens, end_ns])]
    found = ((start, end, _count(interval, start, end)) for start, end in edges)
    return tuple(Hole(*hole) for hole in found if hole[2])


def mend(candles: Sequence[Candle], interval: str, start_ns: int, end_ns: int) -> tuple[Candle, ...]:
    """Downloaded bars in order, each once (the last told counts), with empty ones carried on from the last close.

    The venue has answered for all of [start, end): what it left out had no trades. Before its first bar there is
    nothing to carry on; `holes` of the result still tells it."""
    known = {candle.open_ns: candle for candle in candles if start_ns <= candle.open_ns < end_ns}
    said = list[Candle]()
    for open_ns in sorted(known):
        while said and (next_ns := intervals.next_ns(interval, said[-1].open_ns)) < open_ns:
            said.append(flat(said[-1], next_ns))
        said.append(known[open_ns])
    while said and (next_ns := intervals.next_ns(interval, said[-1].open_ns)) < end_ns:
        said.append(flat(said[-1], next_ns))
    return tuple(said)


def _count(interval: str, start_ns: int, end_ns: int) -> int:
    count = 0
    while start_ns < end_ns:
        start_ns, count = intervals.next_ns(interval, start_ns), count + 1
    return count


def flat(before: Candle, open_ns: int) -> Candle:
    """A bar without trades."""
    price = before.close
    return replace(
        before, venue_ns=0, seen_ns=0, open_ns=open_ns, open=price, high=price, low=price, close=price, volume=0.0,
        quote_volume=None if before.quote_volume is None else 0.0,
        trades=None if before.trades is None else 0, closed=True, filled=True,
    )  # fmt: skip
