"""A calm day of a whole simulated venue under the guard's eyes: every value is normal, and none is called otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.core.guard import Guard
from fairlead.io.clock import VIRTUAL_WALL_NS, seeded
from fairlead.model.intervals import SECOND_NS
from fairlead.model.market import MS
from fairlead.sim.happenings import Changed, Happening, Marked, Traded
from fairlead.sim.markets import usual
from fairlead.sim.mishaps import Mishaps
from fairlead.sim.mouth import Mouth
from fairlead.sim.stall import Stall
from fairlead.sim.world import World
from fairlead.venues import registry
from tests.conftest import Figure

BEGIN_NS, DAY_S, MINUTE_S = VIRTUAL_WALL_NS, 86_400, 60
WAY_MS = (5, 400)  # from the venue to us
CALM = {"depth": 100, "changes_hz": 0.2, "trades_hz": 0.2, "step_ms": 2_000, "mark_ms": 10_000, "age_days": 2}


class Day:
    """One venue with its usual markets, each with a guard of its own."""

    def __init__(self, venue: str, seed: int) -> None:
        self._rng = seeded(seed)
        self._world = World(seed, [replace(one, **CALM) for one in usual([venue])], BEGIN_NS)
        now_ns = lambda: self._world.ns  # noqa: E731
        mishaps = Mishaps(now_ns, self._rng, [venue])
        self._mouth = Mouth(registry.venue(venue), registry.mirror(venue), self._world, mishaps, now_ns)
        self.guards = {
            symbol: Guard(symbol, float(stall.instrument.price_tick)) for symbol, stall in self._mouth.stalls.items()
        }
        self.judged: Counter[str] = Counter()

    def live(self, seconds: int, every: int) -> list[str]:
        """What was labelled. Candles, tickers and fundings are told `every` so many seconds, as streams do."""
        labelled: list[str] = []
        for second in range(every, seconds + 1, every):
            for happening in self._world.advance(BEGIN_NS + second * SECOND_NS):
                labelled += self._judge(happening.symbol, self._told(happening))
            for symbol, stall in self._mouth.stalls.items():
                labelled += self._judge(symbol, self._on_the_minute(stall))
        return labelled

    def _told(self, happening: Happening) -> Iterator[tuple[str, Any]]:
        stall = self._mouth.stalls[happening.symbol]
        match happening:
            case Changed():
                quote = stall.quote()
                yield "book", (quote.bid, quote.ask)
                yield "quote", quote
            case Traded():
                yield "trades", stall.trade(happening)
            case Marked():
                yield "mark", stall.mark()
                yield "index", stall.index()

    def _on_the_minute(self, stall: Stall) -> Iterator[tuple[str, Any]]:
        yield "ticker", stall.ticker()
        for interval in ("1m", "1h", "1d"):
            for bar in stall.candles(interval, 0, 0, 2):
                yield "candles", bar
        if stall.market.due_ns:
            yield "funding", stall.funding()

    def _judge(self, symbol: str, told: Iterator[tuple[str, Any]]) -> Iterator[str]:
        guard = self.guards[symbol]
        for kind, value in told:
            self.judged[kind] += 1
            if kind == "book":
                label = guard.top(*value)
            else:
                judge = guard.of(kind)
                assert judge is not None
                label = judge(replace(value, seen_ns=value.venue_ns + self._rng.randrange(*WAY_MS) * MS))
            if label:
                yield f"{label}: {value}"


@pytest.mark.parametrize("venue", registry.names())
def test_a_calm_day_has_no_anomaly(venue: str, figure: Figure) -> None:
    """If this failed, users would learn to ignore the labels, and miss the one that is true."""
    day = Day(venue, seed=11)
    labelled = day.live(DAY_S, MINUTE_S)
    assert labelled == []
    assert {"book", "quote", "trades", "ticker", "candles"} <= set(day.judged)
    assert min(day.judged.values()) >= DAY_S // MINUTE_S
    figure("guard: values of a calm day", day.judged.total())
    figure("guard: labels on them", len(labelled))


def test_such_a_day_is_looked_at() -> None:
    """If this failed, the day above could pass because nobody judges it."""
    day = Day(registry.names()[0], seed=12)
    assert day.live(5 * MINUTE_S, MINUTE_S) == []
    for symbol in day.guards:
        day.guards[symbol] = Guard("another")
    assert len(day.live(10 * MINUTE_S, MINUTE_S)) > 0
