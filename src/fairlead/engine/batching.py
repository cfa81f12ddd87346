"""Several orders in one request, where the venue takes that: each is judged, written down, answered and found out for
itself; an item without an answer is as unknown as a single order without one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, TypeAlias

from fairlead.core.facts import Intended
from fairlead.engine.bench import Bench
from fairlead.engine.placing import Placing, Wanted
from fairlead.errors import Error
from fairlead.model.order import Order
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.orders import AskPlace, AskPlaceMany

BATCH_MOST = 10  # in one request: no venue that takes batches takes less

Done: TypeAlias = Order | Error  # what `place` would have given, or raised


class Batching:
    def __init__(self, bench: Bench, placing: Placing) -> None:
        self._bench, self._placing = bench, placing

    async def place(self, asked: Sequence[AskPlace], wanted: Wanted) -> tuple[Done, ...]:
        """One for each, in their order. What is not refused before goes out symbol by symbol."""
        done: dict[int, Done] = {}
        begun: list[tuple[int, Intended]] = []
        for number, one in enumerate(asked):
            try:
                begun.append((number, self._placing.begin(one, wanted)))
            except Error as refused:
                done[number] = refused
        begun.sort(key=lambda item: item[1].asked.symbol)
        for _, same in groupby(begun, key=lambda item: item[1].asked.symbol):
            items = list(same)
            for first in range(0, len(items), BATCH_MOST):
                chunk = items[first : first + BATCH_MOST]
                work = self._run(tuple(intended for _, intended in chunk), wanted.wait_ms)
                results = await self._bench.carried(work, f"batch of {len(chunk)}")
                done |= dict(zip((number for number, _ in chunk), results, strict=True))
        return tuple(done[number] for number in range(len(asked)))

    async def _run(self, wanted: tuple[Intended, ...], wait_ms: int) -> list[Done]:
        placing, not_after_ms = self._placing, self._bench.now_ms + wait_ms
        if len(wanted) == 1 or Op.PLACE_MANY not in self._bench.venue.endpoints:
            return [await self._one(one, wait_ms) for one in wanted]
        try:
            outcomes = await placing.send(
                Op.PLACE_MANY,
                wanted,
                lambda at: AskPlaceMany(tuple(placing.fenced(one.asked, at) for one in wanted)),
                attempt=1,
                not_after_ms=not_after_ms,
            )
            said = _each(outcomes, len(wanted))
            return [await self._answered(one, item) for one, item in zip(wanted, said, strict=True)]
        except Error as failed:
            return [failed] * len(wanted)
        finally:
            for one in wanted:
                placing.ended(one)

    async def _one(self, intended: Intended, wait_ms: int) -> Done:
        try:
            return await self._placing.run(intended, wait_ms)
        except Error as refused:
            return refused

    async def _answered(self, intended: Intended, outcome: Outcome[Any] | None) -> Done:
        try:
            if outcome is not None:
                await self._placing.answered(intended, 1, outcome)
        except Error as refused:
            return refused
        return self._bench.account.tracks[intended.asked.client_id].order

    def __repr__(self) -> str:
        return f"<Batching of at most {BATCH_MOST}>"


def _each(outcomes: Any, count: int) -> list[Outcome[Any] | None]:
    """What was said of each: of all together, one by one, or of some nothing at all."""
    if outcomes is None or isinstance(outcomes, Fault):
        return [outcomes] * count
    silent = Fault(Kind.UNKNOWN_CODE, Fate.UNKNOWN, said="the answer says nothing of this order")
    return [*outcomes[:count], *[silent] * (count - len(outcomes))]
