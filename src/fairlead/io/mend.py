"""Mends a damaged journal: the whole lines go on, the damaged file is kept aside; nothing is ever thrown away."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import apsw

from fairlead.io.chain import START, Row, follow
from fairlead.io.tape import DAMAGE, READ_ALL, sync_folder, wal_of, write_draft


def mend(path: Path) -> Path:
    """Returns where the damaged file is now. Raises apsw.Error, OSError.

    At no moment would a power cut leave less than there was: the new file is whole and the old one has its second name
    before the new one takes the old one's place, in one step."""
    draft = write_draft(path, _whole(path))
    aside = next(name for name in _names(path) if not name.exists() and not wal_of(name).exists())
    for old, kept in ((path, aside), (wal_of(path), wal_of(aside))):
        if old.exists():
            os.link(old, kept)
    sync_folder(path.parent)
    wal_of(path).unlink(missing_ok=True)  # else it would be replayed into the new file
    draft.replace(path)
    sync_folder(path.parent)
    return aside


def _names(path: Path) -> Iterator[Path]:
    return (path.with_name(f"{path.stem}.damaged-{number}{path.suffix}") for number in itertools.count(1))


def _whole(path: Path) -> Iterator[Row]:
    """The lines up to the first that does not follow, or cannot be read."""
    with contextlib.suppress(*DAMAGE, apsw.CantOpenError):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.pragma("locking_mode", "EXCLUSIVE")
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            seq, link = 0, START
            for row in connection.execute(READ_ALL):
                if follow((row,), seq, link).beyond:
                    return
                seq, _, link = row
                yield row
        finally:
            connection.close(True)
