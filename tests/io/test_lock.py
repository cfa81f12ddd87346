"""One owner for one folder: told by name, dropped by death, and never held by a file alone."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from fairlead.errors import Misuse
from fairlead.io.lock import LOCK, FolderLock

WALL_NS = 1_763_640_000_000_000_000  # 20 November 2025, 12:00


def test_the_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    """If this failed, somebody would look for the culprit by killing programs."""
    first = FolderLock(tmp_path / "state", "fairlead demo", WALL_NS)
    with pytest.raises(Misuse, match=r"process \d+ on \S+ since 2025-11-20 12:00:00 UTC: fairlead demo") as refused:
        FolderLock(tmp_path / "state", "another", WALL_NS)
    assert "state folder of its own" in str(refused.value)
    first.release()
    FolderLock(tmp_path / "state", "another", WALL_NS).release()


def test_a_file_without_a_lock_is_no_obstacle(tmp_path: Path) -> None:
    """If this failed, every crash would need a hand to remove a file."""
    (tmp_path / LOCK).write_text("process 1 on elsewhere since ever: " + "x" * 9999)
    lock = FolderLock(tmp_path, "me\nand\tmine", WALL_NS)
    assert (tmp_path / LOCK).read_text().endswith("UTC: me and mine\n")
    lock.release()


def test_an_owner_that_has_not_spoken_yet_still_holds_it(tmp_path: Path) -> None:
    """If this failed, two programs started at once could both believe to be alone."""
    with (tmp_path / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Misuse, match="not said yet who it is"):
            FolderLock(tmp_path, "me", WALL_NS)


def test_a_lock_that_cannot_be_had_leaves_no_handle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a folder on a disk without locks would seem free, or taken by nobody."""

    def unsupported(_handle: int, _how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.raises(OSError, match="not supported"):
        FolderLock(tmp_path, "me", WALL_NS)
