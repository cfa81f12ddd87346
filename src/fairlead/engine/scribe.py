"""Writes an account's facts: on disk first, then folded, then told, in the order of the journal; it decides nothing.

What is about to be sent is written or not sent (`write`). What has happened is written until it is written (`keep`,
`hear`): while the disk fails it waits here, in order, and nobody may place anything new."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from fairlead.core import facts
from fairlead.core.facts import AnyFact
from fairlead.core.track import Turn
from fairlead.engine.chores import Chores
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import JournalFailed, cut
from fairlead.wire.face import Journal

AGAIN_MS = 1_000  # between two tries to write what has happened
BATCH_MOST = 1_000  # facts in one append
Makes = Callable[[], Iterable[AnyFact]]  # what to write, looked at when all before it is folded
Folds = Callable[[AnyFact, int], Turn | None]
Tells = Callable[[Turn | None], None]


class Scribe:
    """`ails` says why nothing new may be sent; "" while all is well."""

    def __init__(
        self,
        journal: Journal,
        time: VenueTime,
        chores: Chores,
        fold: Folds,
        tell: Tells,
        trouble: Callable[[str, float], None],
    ) -> None:
        self.ails = ""
        self.last = 0  # of the journal: the last line that was folded
        self._journal, self._time, self._chores = journal, time, chores
        self._fold, self._tell, self._trouble = fold, tell, trouble
        self._folded: asyncio.Future[None] | None = None  # the last write begun: the next one folds after it
        self._waiting: deque[tuple[Makes, asyncio.Future[None] | None]] = deque()
        self._pumping = False

    def read_on(self) -> Iterator[Turn | None]:
        """Folds what the journal has and we have not. To fold a line twice changes nothing."""
        for line in self._journal.lines(self.last):
            self.last = line.seq
            yield self._fold(facts.read(line.body), line.seq)

    async def write(self, *told: AnyFact) -> None:
        """On disk, folded and told when it returns. JournalFailed: nothing that hangs on it may be done."""
        lines = [facts.written(fact) for fact in told]
        before, mine = self._folded, asyncio.get_running_loop().create_future()
        self._folded = mine
        try:
            last = await self._journal.append(lines)
            if before is not None:
                await before
            for seq, fact in enumerate(told, last - len(told) + 1):
                self._tell(self._fold(fact, seq))
            self.last = max(self.last, last)
        finally:
            if before is not None and not before.done():
                before.add_done_callback(lambda _: _done(mine))
            else:
                _done(mine)

    async def keep(self, *told: AnyFact) -> None:
        """The same of what has happened already: returns when it is written, however long that takes."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.hear(lambda: told, done)
        await done

    def hear(self, makes: Makes, done: asyncio.Future[None] | None = None) -> None:
        """To be written in the order of these calls. `makes` is asked when all that was heard before is folded, so
        that what is told twice is written once."""
        self._waiting.append((makes, done))
        if not self._pumping:
            self._pumping = True
            self._chores.spawn(self._pump(), f"{self!r}")

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def drained(self) -> None:
        """Returns when nothing waits."""
        while self._waiting or self._pumping:
            await self._time.clock.sleep(0.001)

    async def _pump(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_MOST, len(self._waiting)))]
                await self._insist([fact for makes, _ in batch for fact in makes()])
                for _, done in batch:
                    if done is not None:
                        _done(done)
        finally:
            self._pumping = False

    async def _insist(self, told: Sequence[AnyFact]) -> None:
        # What was read of a venue at once may be more than one append takes.
        for first in range(0, len(told), BATCH_MOST):
            await self._insist_on(told[first : first + BATCH_MOST])

    async def _insist_on(self, told: Sequence[AnyFact]) -> None:
        began_ns = self._time.clock.mono_ns()
        while told:
            try:
                await self.write(*told)
                break
            except JournalFailed as failed:
                self.ail(cut(str(failed)))
            await self._time.clock.sleep(AGAIN_MS / 1000)
            self._mend()
        if self.ails and told:
            self.ails = ""
            self._trouble("", (self._time.clock.mono_ns() - began_ns) / MS)

    def ail(self, why: str) -> None:
        """Told when it begins; what is kept is tried again until it is written."""
        if not self.ails:
            self.ails = why
            self._trouble(why, 0.0)

    def _mend(self) -> None:
        """A journal that failed to sync is not written to again before all of it was read anew."""
        try:
            if not self._journal.is_sound:
                self._journal.reopen()
            for turn in self.read_on():  # lines of the append that failed may be there after all
                self._tell(turn)
        except JournalFailed as failed:
            self.ail(cut(str(failed)))

    def __repr__(self) -> str:
        return f"<Scribe {'ails: ' + self.ails if self.ails else 'well'}, {len(self._waiting)} wait>"


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
