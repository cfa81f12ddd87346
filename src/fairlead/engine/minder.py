"""Somebody to mind an account's orders when this process is gone: the venue's own switch, or our watchdog.

It keeps whichever the user chose from striking while we live, and has everything held against the venue when it may
have struck. It cancels nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fairlead.core import deadman
from fairlead.core.budget import Priority
from fairlead.core.deadman import Keeper, Safety, Switch
from fairlead.engine.bench import Bench
from fairlead.engine.leash import Leash
from fairlead.engine.timing import MS
from fairlead.engine.watchdog import Report
from fairlead.errors import Error, Misuse, cut
from fairlead.model import events
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault
from fairlead.wire.orders import AskDeadMan
from fairlead.wire.signing import Stamp

TICK_MS = 500
OFF_WAIT_S = 15.0  # `close` waits so long for the venue to take its switch off
AGAIN_S = 5.0  # before another watchdog is tried, after one has died or could not begin

Leashes = Callable[[Callable[[Report], None]], Leash]  # a new leash, with a token of its own, that tells this


class Minder:
    """`leash` makes the watchdog's; None: there can be none. `reconcile` is told why everything is to be looked at."""

    def __init__(
        self, safety: Safety, bench: Bench, reconcile: Callable[[str], None], leash: Leashes | None = None
    ) -> None:
        self._bench, self._reconcile, self._leash_of = bench, reconcile, leash
        self.keeper = safety.keeper(Op.DEAD_MAN in bench.venue.endpoints)
        self.switch = Switch(safety.timeout_ms, self._told)
        self._leash: Leash | None = None
        self._is_watched = self._closing = False

    async def open(self) -> None:
        """Before the first order. A watchdog watches when this returns, or why it does not is raised; the venue's
        switch stands as soon as it answers."""
        if self.keeper is Keeper.VENUE:
            self.switch.want(True)
            self._bench.chores.spawn(self._keep(), "the dead man's switch")
        elif self.keeper is Keeper.WATCHDOG:
            if self._leash_of is None:
                raise Misuse(
                    "There can be no watchdog here, and the venue's dead man's switch may not be used.",
                    known="it would cancel all orders of the account, others' too",
                    next="say that the account is this program's alone, or do without",
                )
            self._leash = self._leash_of(self._reported)
            await self._leash.start()

    def stand(self, on: bool) -> None:
        """Off before an announced maintenance, on again afterwards: a venue that comes back would fire it."""
        if self.keeper is Keeper.VENUE:
            self.switch.want(on)

    async def close(self) -> None:
        """We leave in peace: what is open stays open. While the account's chores still run."""
        self._closing = True
        if self._leash is not None:
            await self._leash.close()
        self.switch.want(False)
        try:
            async with asyncio.timeout(OFF_WAIT_S):
                while not self.switch.is_off:
                    await self._bench.time.clock.sleep(TICK_MS / 1000)
        except TimeoutError:
            self._bench.tell(events.Unminded, by=str(self.keeper), why="it could not be switched off in time")

    # ---- the venue's switch

    async def _keep(self) -> None:
        while True:
            asked = self.switch.tick(self._at)
            if asked is not None:
                await self._ask(asked)
            await self._bench.time.clock.sleep(TICK_MS / 1000)

    async def _ask(self, asked: AskDeadMan) -> None:
        outcome = await self._bench.once(Op.DEAD_MAN, asked, Priority.CANCEL)
        if isinstance(outcome, Fault):
            said = cut(outcome.said) or str(outcome.kind)
            self.switch.failed(said, self._at, unsent=outcome.fate is Fate.REFUSED)
        else:
            self.switch.answered(outcome, self._at)

    @property
    def _at(self) -> Stamp:
        return Stamp(mono_ns=self._bench.time.clock.mono_ns(), venue_ms=self._bench.now_ns // MS)

    def _told(self, word: deadman.Word) -> None:
        by = str(Keeper.VENUE)
        match word:
            case deadman.Armed():
                self._bench.tell(events.Minded, by=by)
            case deadman.Failing():
                self._bench.tell(events.Unminded, by=by, why=word.why, in_ms=word.in_ms)
            case deadman.Fired():
                self._sweep(by, "we could not say in time that we live")
            case deadman.Disarmed():
                self._bench.tell(events.Unminded, by=by, why="switched off")

    # ---- our watchdog

    def _reported(self, report: Report) -> None:
        by = str(Keeper.WATCHDOG)
        match report.state:
            case "watching":
                self._is_watched = True
                self._bench.tell(events.Minded, by=by)
            case "acting" | "resumed" | "done":
                self._sweep(by, f"it did not hear us, and cancelled {report.count} of our orders")
            case "gone" if self._is_watched:  # otherwise it never began, and whoever opened us is told so
                self._is_watched = False
                self._bench.tell(events.Unminded, by=by, why=report.trouble)
                self._bench.chores.spawn(self._watch_again(self._leash), "another watchdog")

    async def _watch_again(self, old: Leash | None) -> None:
        if old is not None:
            await old.close()
        while not self._closing:
            await self._bench.time.clock.sleep(AGAIN_S)
            try:
                await self.open()
                break
            except Error as failed:
                self._bench.tell(events.Unminded, by=str(self.keeper), why=cut(str(failed)))

    def _sweep(self, by: str, why: str) -> None:
        self._bench.tell(events.Swept, by=by, why=why)
        self._reconcile(f"{by}: {why}")

    def __repr__(self) -> str:
        how = repr(self._leash or self.switch)
        return f"<Minder: {self.keeper}{'' if self.keeper is Keeper.NOBODY else f', {how}'}>"
