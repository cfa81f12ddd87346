"""The journal on disk: lines that outlive the process before anybody acts on them; bytes in, bytes out, no meaning.

A folder holds the lines (journal.db), how far they have come (journal.mark) and who owns them (owner.lock)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import apsw

from fairlead.errors import JournalFailed
from fairlead.io import failpoint
from fairlead.io.chain import Row, follow
from fairlead.io.lock import FolderLock
from fairlead.io.mark import Mark, Reach, boot_id, lost_since
from fairlead.io.mend import mend
from fairlead.io.tape import Durability, Tape, damaged, sync_folder
from fairlead.io.writer import Writer
from fairlead.wire.face import Clock, Line

T = TypeVar("T")

LINES, MARK = "journal.db", "journal.mark"
LINE_BYTES_MAX = 1024 * 1024
READ_LINES = 1000  # at a time, so that writing goes on in between


class DiskJournal:
    """Commits on a thread of its own; `inline` commits in the call, for virtual time, where a thread takes no time."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        durability: Durability = "power",
        inline: bool = False,
        repair: bool = False,
        words: str = "fairlead",
        vfs: str = "",
    ) -> None:
        """Reads and checks every line. `words` say to others what this program is; `vfs` is another floor for SQLite.

        Raises Misuse if another program owns the folder; JournalFailed if it cannot be read, or is damaged."""
        self.folder, self.durability = folder, durability
        self.cut = 0  # lines at the end that were not whole when it was opened, and are gone
        self.doubt = ""  # why lines may be missing that were once told as kept, until `settled`
        self.aside: Path | None = None  # where a repair has put the damaged file
        self._vfs = vfs
        self._using = threading.Lock()
        self._broken = ""  # why nothing more may be written
        self._closed = False
        self._lock = _told(folder, lambda: FolderLock(folder, words, clock.wall_ns()))
        try:
            _told(folder, lambda: self._load(repair))
        except BaseException:  # whatever it was, the folder must be free again
            self._lock.release()
            raise
        self._writer = None if inline else Writer(self._commit, self._checkpoint)

    def __repr__(self) -> str:
        state = "closed" if self._closed else self._broken or "sound"
        return f"<DiskJournal {self.folder} at line {self.last}, {self.durability}, {state}>"

    @property
    def is_sound(self) -> bool:
        return not self._closed and not self._broken

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self._tape.seq

    @property
    def older(self) -> bool:
        """Whether lines may be missing that were once told as kept: the venues must be asked far back."""
        return bool(self.doubt)

    async def append(self, bodies: Sequence[bytes]) -> int:
        if (longest := max(map(len, bodies), default=0)) > LINE_BYTES_MAX:
            raise JournalFailed(
                f"A line of {longest} bytes is longer than {LINE_BYTES_MAX}", known="nothing was written."
            )
        if self._writer is not None:
            return await self._writer.submit(bodies)
        last = self._commit(bodies)
        self._checkpoint()
        return last

    def lines(self, after: int = 0) -> Iterator[Line]:
        """Each checked once more; a page at a time, for which it waits until the commit under way is done."""
        with self._using:
            link = _told(self.folder, lambda: self._open_tape().link_at(after))
        while link is not None:
            rows = self._page(after)
            end = follow(rows, after, link)
            for seq, body, _ in rows[: len(rows) - end.beyond]:
                yield Line(seq, body)
            if end.beyond:
                raise damaged(self.folder / LINES, f"line {end.seq + 1} is no longer the one that was written")
            if len(rows) < READ_LINES:
                return
            after, link = end.seq, end.link

    def settled(self) -> None:
        """What the missing lines said has been found out elsewhere: the doubt is over. Raises JournalFailed."""
        with self._using:
            tape = self._open_tape()
            self.doubt = ""
            _told(self.folder, lambda: self._mark.keep(self._reach(tape)))

    def reopen(self) -> None:
        """After a failed sync: everything is read and checked again, and what may be on no disk is written once more.

        Lines of the append that failed may turn out to be there. Raises JournalFailed, and then it is as before."""
        with self._using:
            self._open_tape()
            self._let_go()
            _told(self.folder, lambda: self._load(repair=False))
            self._broken = ""

    def close(self) -> None:
        """Writes what waits; then all is in the one file, and the folder is free."""
        self._end(write_waiting=True)

    def abandon(self) -> None:
        """Ends as a killed process ends: what waits is not written, and the files stay as they are."""
        self._end(write_waiting=False)

    def _end(self, *, write_waiting: bool) -> None:
        if self._closed:
            return
        if self._writer is not None:
            self._writer.close(write_waiting=write_waiting)
        with self._using:
            self._closed = True
            try:
                if write_waiting and not self._broken:
                    self._tape.close()
                    self._mark.keep(self._reach(self._tape, is_open=False))
            except (apsw.Error, OSError) as why:  # nothing is lost by it: the next opening finds it all in two files
                self._broken = str(why)
            self._let_go()
            self._lock.release()

    def _page(self, after: int) -> list[Row]:
        with self._using:
            return _told(self.folder, lambda: self._open_tape().read(after, READ_LINES))

    def _commit(self, bodies: Sequence[bytes]) -> int:
        with self._using:
            tape = self._open_tape()
            if self._broken:
                raise _unsound(self._broken)
            try:
                last = tape.write(bodies)
                self._mark.note(self._reach(tape))
            except (apsw.Error, OSError) as why:
                if isinstance(why, apsw.Error) and tape.lacks_room(why):
                    self._undo(tape)
                    raise _full(self.folder) from why
                # Not tried again: after a failed sync the system calls the pages clean that it could not write, and
                # the next sync would say that all is well.
                self._broken = f"{type(why).__name__}: {why}"
                raise _unsound(self._broken) from why
            except BaseException as why:  # a defect, or a death that a test planned: what it left open, nobody knows
                self._broken = repr(why)
                raise
            failpoint.reached("journal.after_commit")
            return last

    def _undo(self, tape: Tape) -> None:
        try:
            tape.undo()
        except apsw.Error as why:
            self._broken = f"{type(why).__name__}: {why}"
            raise _unsound(self._broken) from why

    def _checkpoint(self) -> None:
        """What was told as kept stays so if this fails: it is in the write-ahead file."""
        with self._using:
            if self._broken or not self._tape.is_due:
                return
            try:
                self._tape.checkpoint()
                failpoint.reached("journal.in_checkpoint")
                self._mark.keep(self._reach(self._tape))
            except (apsw.Error, OSError) as why:
                if isinstance(why, apsw.Error) and self._tape.lacks_room(why):
                    return  # tried again after the next commit, which tells its caller if there is no room for it
                self._broken = f"{type(why).__name__}: {why}"

    def _load(self, repair: bool) -> None:
        with ExitStack() as undo:
            self._boot = boot_id()
            self._mark = Mark(self.folder / MARK)
            undo.callback(self._mark.close)
            self.aside = None
            self._tape = self._whole_tape(repair)
            undo.callback(self._tape.abandon)
            self.cut = self._tape.cut
            self.doubt = self._missing(self._tape)
            self._mark.keep(self._reach(self._tape))
            sync_folder(self.folder)
            undo.pop_all()

    def _whole_tape(self, repair: bool) -> Tape:
        path = self.folder / LINES
        try:
            return Tape(path, self.durability, self._vfs)
        except JournalFailed:
            if not repair:
                raise
        self.aside = mend(path)
        return Tape(path, self.durability, self._vfs)

    def _missing(self, tape: Tape) -> str:
        if self.aside:
            return f"it was mended, and the damaged file is {self.aside}"
        if tape.cut:
            return f"{tape.cut} lines after line {tape.seq} were not whole and were cut off"
        return lost_since(self._mark.reach, tape.link_at, tape.seq)

    def _let_go(self) -> None:
        self._tape.abandon()
        self._mark.close()

    def _open_tape(self) -> Tape:
        if self._closed:
            raise JournalFailed("The journal is closed", known="nothing was written.")
        return self._tape

    def _reach(self, tape: Tape, *, is_open: bool = True) -> Reach:
        return Reach(tape.seq, tape.link, self._boot, is_open, self.durability == "process", self.older)


def _told(folder: Path, call: Callable[[], T]) -> T:
    """What the disk or SQLite complains of, in our words."""
    try:
        return call()
    except (apsw.Error, OSError) as why:
        raise JournalFailed(
            f"The journal in {folder} cannot be read or written: {why}",
            known="nothing was sent.",
            next="see that the disk is there, sound, and not full, that the files belong to this user, and that no "
            "other program has them open.",
        ) from why


def _full(folder: Path) -> JournalFailed:
    return JournalFailed(
        f"The disk is full: {folder} takes no more lines",
        known="nothing of this was written or sent.",
        next="make room; it goes on by itself as soon as there is some.",
    )


def _unsound(why: str) -> JournalFailed:
    return JournalFailed(
        f"The journal cannot be written: {why}",
        known="what was told as kept before is kept; whether this is, is not known, and it was not sent.",
        next="look at the disk; then reopen the journal, which checks all of it.",
    )
