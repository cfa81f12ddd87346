"""One owner for one folder: a lock that the system itself drops when its holder dies; it guards, it never waits.

The file stays when the lock is gone, and says nothing then: only the system's own lock counts."""

from __future__ import annotations

import errno
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

from fairlead.errors import Misuse, cut

LOCK = "owner.lock"
OWNER_BYTES_MAX = 4096


class FolderLock:
    def __init__(self, folder: Path, words: str, wall_ns: int) -> None:
        """`words` say what the program is, for whoever finds the folder taken. Raises Misuse if it is; OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._tell(words, wall_ns)
        except OSError as why:
            owner = os.pread(self._handle, OWNER_BYTES_MAX, 0)
            os.close(self._handle)
            if why.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise Misuse(
                f"The state folder {folder} belongs to another running program",
                known=cut(owner) or "it has not said yet who it is",
                next="stop that one first, or give this one a state folder of its own.",
            ) from None

    def __repr__(self) -> str:
        return f"<FolderLock {self.folder}>"

    def release(self) -> None:
        os.close(self._handle)

    def _tell(self, words: str, wall_ns: int) -> None:
        since = datetime.fromtimestamp(wall_ns // 1_000_000_000, UTC)
        owner = f"process {os.getpid()} on {os.uname().nodename} since {since:%Y-%m-%d %H:%M:%S} UTC: {cut(words)}\n"
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, owner.encode(), 0)
