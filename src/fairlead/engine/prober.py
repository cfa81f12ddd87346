"""Finds out what became of an order, a cancel or an amendment: it looks until the venue's evidence ends the doubt.

It never concludes anything itself: core/doubt says when absence is proven, and what is found is folded like any other
report. The private stream may end a doubt at any moment; then the looking stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fairlead.core import facts
from fairlead.core.doubt import ChangeDoubt, Doubt, Sighting
from fairlead.core.track import Track
from fairlead.engine.bench import Bench
from fairlead.engine.spyglass import Spyglass
from fairlead.engine.timing import MS
from fairlead.model import events
from fairlead.model.order import Life
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fault, Kind

STEP_MS = 250  # so often it is seen whether the stream has ended a doubt
REMIND_LOOKS = 8  # a doubt that lasts is told again after so many looks
Repeats = Callable[[Track], Awaitable[None]]
PROVING = (Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS)  # without these absence can be proven by nobody


class Prober:
    """`absent` is told when an order was proven absent: it may be wished to be sent again. `cancel` repeats a cancel
    that has shown no effect."""

    def __init__(self, bench: Bench, absent: Repeats, cancel: Repeats) -> None:
        self._bench, self._absent, self._cancel = bench, absent, cancel
        self.glass = Spyglass(bench)
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by client id
        self._changes: dict[str, asyncio.Task[None]] = {}

    # ---- orders in doubt

    def resolve(self, track: Track, why: str) -> None:
        """Look for this order until its doubt has ended."""
        self._look_into(track, _is_doubtful, why)

    def vanished(self, track: Track, why: str) -> None:
        """The same for one that was open and is not shown any more: it has ended, unseen by us."""
        self._look_into(track, _is_running, why)

    def _look_into(self, track: Track, is_open: Callable[[Track], bool], why: str) -> None:
        name = track.order.client_id
        if name not in self._tasks:
            self._told(track, "order", why)
            self._tasks[name] = self._bench.chores.spawn(self._resolve(track, is_open), f"doubt about {name}")

    async def _resolve(self, track: Track, is_open: Callable[[Track], bool]) -> None:
        name, began_ns = track.order.client_id, self._bench.time.clock.mono_ns()
        try:
            await self._search(track, is_open)
        finally:
            self._tasks.pop(name, None)
        self._settled(track, (self._bench.time.clock.mono_ns() - began_ns) / MS)
        if track.order.life is Life.NOT_ACCEPTED:
            await self._absent(track)

    async def _search(self, track: Track, is_open: Callable[[Track], bool]) -> None:
        bench, order = self._bench, track.order
        can_prove = all(op in bench.venue.endpoints for op in PROVING)
        doubt = Doubt(
            bench.venue.settle,
            asked_ms=bench.now_ms,
            until_ms=max(order.until_ms, order.updated_ns // MS) if order.order_id else order.until_ms,
            slack_ms=bench.slack_ms,
            can_prove=can_prove,
        )
        while True:
            await self._until(doubt.due_ms, lambda: not is_open(track))
            if not is_open(track):
                return
            # Of a clock that was never measured nobody can say whether the fence is over.
            wide = doubt.is_wide(bench.now_ms) and bench.time.offset.is_known
            sighting = await self._look(track, wide=wide, settled_ms=doubt.settled_ms)
            # A report with numbers that cannot be shows that something is there, and ends no doubt.
            if not is_open(track) or (sighting.report is not None and not track.order.life.is_in_doubt):
                return
            evidence = doubt.take(sighting)
            if evidence:
                await bench.scribe.keep(bench.fact(facts.Absent, client_id=order.client_id, evidence=evidence))
            elif doubt.looks % REMIND_LOOKS == 0:
                self._told(track, "order", f"{doubt!r}", doubt.looks)

    # ---- changes in doubt

    def follow(self, track: Track, why: str = "") -> None:
        """See what becomes of a cancel or an amendment; a cancel that has shown no effect yet is repeated."""
        name = track.order.client_id
        if name not in self._changes:
            if why:
                self._told(track, "cancel" if track.order.cancelling else "amend", why)
            self._changes[name] = self._bench.chores.spawn(self._follow(track, bool(why)), f"change of {name}")

    async def _follow(self, track: Track, was_told: bool) -> None:
        began_ns = self._bench.time.clock.mono_ns()
        try:
            await self._watch(track)
        finally:
            self._changes.pop(track.order.client_id, None)
        if was_told:
            self._settled(track, (self._bench.time.clock.mono_ns() - began_ns) / MS)

    async def _watch(self, track: Track) -> None:
        bench = self._bench
        doubt = ChangeDoubt(
            bench.venue.settle,
            sent_ms=track.changed_ns // MS,
            until_ms=track.amend.until_ms if track.amend is not None else 0,
            slack_ms=bench.slack_ms,
        )
        doubt.due_ms = max(doubt.due_ms, bench.now_ms)
        while True:
            await self._until(doubt.due_ms, lambda: not _is_changing(track))
            if not _is_changing(track):
                return
            if track.order.life.is_in_doubt:  # whether there is anything to change must be known first
                doubt.due_ms = bench.now_ms + STEP_MS
                continue
            sighting = await self._look(track, wide=False)
            is_over = doubt.take(sighting)
            if not _is_changing(track):
                return
            if sighting.report is None and sighting.complete:
                self.vanished(track, "the venue does not know it by its name")
            elif sighting.report is not None and track.order.cancelling:
                await self._cancel(track)
            elif is_over:
                await self._without_effect(track)
                return

    async def _without_effect(self, track: Track) -> None:
        """The order as it stands is the truth: the amendment was not made, and will not be."""
        said = "the venue shows the order unchanged, long after the change could have been made"
        fault = Fault(Kind.UNKNOWN_CODE, said=said)
        name = track.order.client_id
        await self._bench.scribe.keep(self._bench.fact(facts.ChangeAnswered, client_id=name, what="amend", fault=fault))
        self._bench.odd(name, track.order.symbol, "change without effect", said)

    # ---- inside

    async def _look(self, track: Track, *, wide: bool, settled_ms: int = 0) -> Sighting:
        """What was seen, which is written down by then. An error of ours is told, and must not end the looking."""
        began_ms = self._bench.now_ms
        try:
            sighting, told = await self.glass.look(track, wide=wide, settled_ms=settled_ms)
        except Exception as blunder:  # noqa: BLE001 - as the words above say
            self._bench.around.blame(repr(self), blunder)
            return Sighting(began_ms=began_ms, ended_ms=self._bench.now_ms, wide=wide)
        if told:
            await self._bench.scribe.keep(*told)
        return sighting

    async def _until(self, due_ms: int, ended: Callable[[], bool]) -> None:
        """Sleeps in short steps: the stream may end the doubt, and the clock's measure may move."""
        while (wait_ms := due_ms - self._bench.now_ms) > 0 and not ended():
            await self._bench.time.clock.sleep(min(wait_ms, STEP_MS) / 1000)

    def _told(self, track: Track, what: str, why: str, looks: int = 0) -> None:
        order = track.order
        self._bench.tell(
            events.OrderUnknown, symbol=order.symbol, client_id=order.client_id, what=what, why=why, looks=looks
        )

    def _settled(self, track: Track, took_ms: float) -> None:
        order = track.order
        self._bench.tell(
            events.OrderSettled,
            symbol=order.symbol,
            client_id=order.client_id,
            life=str(order.life),
            evidence=order.reason or f"the venue shows {order.order_id or 'its fills'}",
            took_ms=took_ms,
        )

    @property
    def doubts(self) -> int:
        return len(self._tasks)

    def __repr__(self) -> str:
        return f"<Prober of {len(self._tasks)} orders and {len(self._changes)} changes>"


def _is_doubtful(track: Track) -> bool:
    return track.order.life.is_in_doubt


def _is_running(track: Track) -> bool:
    return not track.order.life.is_over


def _is_changing(track: Track) -> bool:
    return not track.order.life.is_over and (track.order.cancelling or track.order.amending)
