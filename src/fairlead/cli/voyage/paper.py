"""A journal and small files in memory, which outlive the programs that write them; they fail when a voyage says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from fairlead.core import facts
from fairlead.core.facts import AnyFact
from fairlead.errors import JournalFailed, Misuse
from fairlead.io import failpoint
from fairlead.wire.face import Line


class Paper:
    """All that was ever written, whoever wrote it; one writer at a time."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.is_full = False  # the disk: every append fails
        self.fails_sync = False  # the next append does, and then all until it was opened anew
        self.is_sound = True
        self.facts: list[AnyFact] = []  # the same as bodies, read
        self._owner: Pen | None = None

    def take(self, pen: Pen) -> None:
        """Raises Misuse while another living program holds it."""
        if self._owner is not None and not self._owner.is_gone():
            raise Misuse("The journal belongs to another running program.", next="stop that one first")
        self._owner = pen
        self.is_sound = True

    def leave(self, pen: Pen) -> None:
        if self._owner is pen:
            self._owner = None

    def keep(self, bodies: Sequence[bytes]) -> int:
        self.bodies += bodies
        self.facts += [facts.read(body) for body in bodies]
        return len(self.bodies)

    def __repr__(self) -> str:
        return f"<Paper of {len(self.bodies)} lines>"


class Pen:
    """The journal as one program has it, from its opening to its end. `is_gone`: whether that program is dead."""

    older = False

    def __init__(self, paper: Paper, is_gone: Callable[[], bool]) -> None:
        self._paper, self.is_gone = paper, is_gone
        paper.take(self)

    @property
    def is_sound(self) -> bool:
        return self._paper.is_sound

    async def append(self, bodies: Sequence[bytes]) -> int:
        paper = self._paper
        if self.is_gone():
            await asyncio.Event().wait()  # the dead write nothing, and are told nothing
        failpoint.reached("journal.before_commit")
        if paper.fails_sync:
            paper.fails_sync = paper.is_sound = False
            paper.keep(bodies)  # what a failed sync was for may be on the disk all the same
            raise JournalFailed("The sync failed", known="whether it is on the disk nobody knows")
        if paper.is_full or not paper.is_sound:
            await asyncio.sleep(0)
            raise JournalFailed("The disk is full", known="nothing was written")
        last = paper.keep(bodies)
        failpoint.reached("journal.after_commit")
        await asyncio.sleep(0)
        return last

    def lines(self, after: int = 0) -> Iterator[Line]:
        yield from (Line(seq, body) for seq, body in enumerate(self._paper.bodies[after:], after + 1))

    def reopen(self) -> None:
        self._paper.is_sound = True

    def settled(self) -> None:
        self.older = False

    def close(self) -> None:
        self._paper.leave(self)


class Drawer:
    """A Store."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self._texts.get(name)

    def write(self, name: str, text: bytes) -> None:
        self._texts[name] = text

    def __repr__(self) -> str:
        return f"<Drawer of {sorted(self._texts)}>"
