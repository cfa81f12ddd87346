"""The journal's lines in one SQLite file: the only file that speaks SQL; it decides nothing about failures.

One connection, exclusive, write-ahead log, no memory map: SQLite's faults of the last years needed a second connection,
and were made worse by the map."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, cast

import apsw

from fairlead.errors import JournalFailed, Misuse
from fairlead.io import failpoint
from fairlead.io.chain import START, End, Row, follow, linked

Durability = Literal["power", "process"]

FORMAT = 1
FORMAT_MARK = 0x464C4A31  # "FLJ1" in the file's header, so that no other database is taken for a journal
CHECKPOINT_PAGES = 1000  # the write-ahead file is folded into the main one when it holds so many, 4 MB
WAL_BYTES_KEPT = 16 * 1024 * 1024  # what a burst made it grow to beyond this is given back
COPY_BYTES = 1024 * 1024

# FULL syncs the write-ahead file at each commit: what was told as kept outlives a power cut. NORMAL leaves the moment
# to the system: a killed process loses nothing, a power cut may lose the last lines, and never the ones before them.
_SYNCHRONOUS = {"power": "FULL", "process": "NORMAL"}
READ_ALL = "SELECT seq, body, link FROM lines ORDER BY seq"
_TABLE = "CREATE TABLE lines (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, link BLOB NOT NULL) STRICT"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DAMAGE = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, apsw.FormatError)


class Tape:
    def __init__(self, path: Path, durability: Durability, vfs: str = "") -> None:
        """Opens and reads all of it. Raises JournalFailed if it is damaged; apsw.Error, OSError."""
        self.path, self.is_due = path, False
        self.seq, self.link = 0, START
        if not path.exists():
            if wal_of(path).exists():
                raise damaged(path, "it is gone, and what belongs to it is still there")
            write_draft(path, ()).replace(path)
            sync_folder(path.parent)
        path.open("r+b").close()  # what the system refuses is no damage
        _settle(wal_of(path))
        try:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs or None)
            try:
                _prepare(self._connection, durability)
                self.cut = self._verify()
            except BaseException:  # whatever it was, the file must be left as it is and free to be opened again
                self.abandon()
                raise
        except DAMAGE as why:
            raise damaged(path, f"SQLite says: {why}") from why

    def __repr__(self) -> str:
        return f"<Tape {self.path} at line {self.seq}>"

    def write(self, bodies: Iterable[bytes]) -> int:
        """All or none; on disk as the durability says when this returns. Raises apsw.Error."""
        rows = linked(bodies, self.seq, self.link)
        if not rows:
            return self.seq
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO lines VALUES (?, ?, ?)", rows)
        failpoint.reached("journal.before_commit")
        self._connection.execute("COMMIT")
        self.seq, _, self.link = rows[-1]
        return self.seq

    def undo(self) -> None:
        """After a failed write: nothing of it is kept. Raises apsw.Error."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def lacks_room(self, why: apsw.Error) -> bool:
        """Whether a failed write is only a full disk; SQLite itself knows one of the ways in which there is no room."""
        return isinstance(why, apsw.FullError) or (
            getattr(why, "extendedresult", 0) == apsw.SQLITE_IOERR_WRITE and self._connection.system_errno in NO_ROOM
        )

    def read(self, after: int, most: int) -> list[Row]:
        """Raises apsw.Error."""
        asked = "SELECT seq, body, link FROM lines WHERE seq > ? ORDER BY seq LIMIT ?"
        return cast("list[Row]", self._connection.execute(asked, (after, most)).fetchall())

    def link_at(self, seq: int) -> bytes | None:
        """Raises apsw.Error."""
        if seq == 0:
            return START
        found = self._connection.execute("SELECT link FROM lines WHERE seq = ?", (seq,)).fetchone()
        return cast("bytes", found[0]) if found else None

    def checkpoint(self) -> None:
        """Folds the write-ahead file into the main one. Raises apsw.Error.

        SQLite would do it by itself, but then a failed sync of the main file would go unheard and be tried again."""
        self.is_due = False
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def close(self) -> None:
        """With everything in the one file. Raises apsw.Error."""
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._connection.close()

    def abandon(self) -> None:
        """Leaves the files as a killed process leaves them."""
        with contextlib.suppress(apsw.Error):  # what it could still complain of, the next opening looks at
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._connection.close(True)

    def _verify(self) -> int:
        """Goes to the last whole line; what a crash left after it is cut off and counted."""
        connection = self._connection
        if (word := connection.pragma("application_id")) != FORMAT_MARK:
            raise damaged(self.path, f"its header says {word}, where a journal's says {FORMAT_MARK}")
        if (version := connection.pragma("user_version")) != FORMAT:
            raise Misuse(
                f"The journal {self.path} is written in format {version}, and this program reads format {FORMAT}",
                next="open it with the version that wrote it, or a later one.",
            )
        if connection.readonly("main"):  # the system lets us write, so it is the file that says no
            raise damaged(self.path, "its header says that it may not be written")
        # The lines alone do not show a page that belongs to none of them, and that the next line would be written over.
        if (found := connection.execute("PRAGMA quick_check(1)").fetchall()) != [("ok",)]:
            raise damaged(self.path, f"SQLite says: {found}")
        end = follow(connection.execute(READ_ALL))
        if end.resumes_at:
            said = f"line {end.seq + 1} is not the one that was written"
            raise damaged(self.path, f"{said}, and whole lines follow from {end.resumes_at} on")
        if end.beyond:
            connection.execute("DELETE FROM lines WHERE seq > ? OR seq < 1", (end.seq,))
            if follow(connection.execute(READ_ALL)) != End(end.seq, end.link):
                raise damaged(self.path, f"what follows line {end.seq} cannot be cut off")
        self.seq, self.link = end.seq, end.link
        connection.set_wal_hook(self._grown)
        return end.beyond

    def _grown(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self.is_due = pages >= CHECKPOINT_PAGES
        return apsw.SQLITE_OK


def damaged(path: Path, said: str) -> JournalFailed:
    return JournalFailed(
        f"The journal {path} is damaged: {said}",
        known="nothing was changed, nothing was sent.",
        next="look at the disk, and bring back a backup if you have one; or open it with repair=True, which goes on "
        "from the last whole line, keeps the damaged file aside, and has the venues asked for what is missing.",
    )


def write_draft(path: Path, rows: Iterable[Row]) -> Path:
    """A whole new file of these rows, on disk, to take the place of the one at `path`. Raises apsw.Error, OSError."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    connection = apsw.Connection(str(draft))
    try:
        connection.pragma("synchronous", "FULL")
        connection.pragma("application_id", FORMAT_MARK)
        connection.pragma("user_version", FORMAT)
        with connection:
            connection.execute(_TABLE)
            connection.executemany("INSERT INTO lines VALUES (?, ?, ?)", rows)
        connection.pragma("journal_mode", "WAL")
    finally:
        connection.close()
    return draft


def sync_folder(folder: Path) -> None:
    """Makes names that were given or taken in it outlive a crash. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prepare(connection: apsw.Connection, durability: Durability) -> None:
    connection.pragma("locking_mode", "EXCLUSIVE")  # before anything is read: then no index is shared in memory
    connection.pragma("mmap_size", 0)
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", _SYNCHRONOUS[durability])
    if durability == "power":  # where a plain sync stops at the drive's own cache; elsewhere it changes nothing
        connection.pragma("fullfsync", 1)
    connection.pragma("journal_size_limit", WAL_BYTES_KEPT)
    connection.pragma("cell_size_check", 1)


def wal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _settle(wal: Path) -> None:
    """Makes what the write-ahead file shows what the disk holds: it is written over with itself, then synced.

    After a failed sync the system calls its pages clean, so they can be read and are on no disk; and after a kill they
    may not have been synced yet. Lines that later ones lean on must not be lost by the next power cut."""
    if not wal.exists():
        return
    handle = os.open(wal, os.O_RDWR)
    try:
        at = 0
        while part := os.pread(handle, COPY_BYTES, at):
            at += os.pwrite(handle, part, at)
        os.fsync(handle)
    finally:
        os.close(handle)
