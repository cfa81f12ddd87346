"""A disk to watch, fill and break: a floor under SQLite that logs its steps; and what power cuts leave of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest

from fairlead.wire.face import Rng


class Step(NamedTuple):
    what: str  # write, sync, failed (a sync), cut, remove
    file: str
    at: int = 0
    text: bytes = b""


class Disk(apsw.VFS):
    """`name` is what a journal's `vfs` takes. Set `is_full` or `breaks` and it fails as a disk does."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.name = name
        self.log: list[Step] = []
        self.is_full = False
        self.breaks = ""  # what fails with an input/output error: sync, sync FILE, write, read

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        self.log.append(Step("remove", Path(filename).name))
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk, self._name = disk, Path(path or "nameless").name
        super().__init__("", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's
        if self._disk.breaks == "read":
            raise apsw.exception_for(apsw.SQLITE_IOERR_READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's
        if self._disk.is_full:
            raise apsw.FullError("no space left on device")
        if self._disk.breaks == "write":
            raise apsw.exception_for(apsw.SQLITE_IOERR_WRITE)
        self._disk.log.append(Step("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's
        if self._disk.breaks in ("sync", f"sync {self._name}"):
            self._disk.log.append(Step("failed", self._name))
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        self._disk.log.append(Step("sync", self._name))
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's
        self._disk.log.append(Step("cut", self._name, newsize))
        super().xTruncate(newsize)


@contextmanager
def disk(name: str) -> Iterator[Disk]:
    floor = Disk(name)
    try:
        yield floor
    finally:
        floor.unregister()


def watch(patch: pytest.MonkeyPatch, folder: Path, log: list[Step]) -> None:
    """Logs what Fairlead itself writes to the files of a folder too, among SQLite's steps."""
    pwrite, fsync = os.pwrite, os.fsync

    def name(handle: int) -> str:
        return next((path.name for path in folder.iterdir() if os.path.samestat(path.stat(), os.fstat(handle))), "")

    def noted_pwrite(handle: int, text: bytes, at: int) -> int:
        log.append(Step("write", name(handle), at, bytes(text)))
        return pwrite(handle, text, at)

    def noted_fsync(handle: int) -> None:
        log.append(Step("sync", name(handle)))
        fsync(handle)

    patch.setattr(os, "pwrite", noted_pwrite)
    patch.setattr(os, "fsync", noted_fsync)


def power_cut(before: Mapping[str, bytes], steps: Sequence[Step], rng: Rng) -> dict[str, bytes]:
    """Files that a power cut after these steps may leave: what was synced, half of the rest, and of that some torn."""
    files = {name: bytearray(text) for name, text in before.items()}
    for step, is_sure in zip(steps, _sure(steps), strict=True):
        if step.what in ("sync", "failed") or not step.file or (not is_sure and rng.random() < 0.5):
            continue
        if step.what == "remove":
            files.pop(step.file, None)
            continue
        text, at = files.setdefault(step.file, bytearray()), step.at
        if step.what == "cut":
            del text[at:]
            continue
        part = step.text if is_sure or rng.random() < 0.8 else step.text[: rng.randrange(len(step.text) + 1)]
        text.extend(bytes(max(0, at - len(text))))
        text[at : at + len(part)] = part
    return {name: bytes(text) for name, text in files.items()}


def _sure(steps: Sequence[Step]) -> list[bool]:
    """A step is sure if the next sync of its file worked. After a failed one the system forgets what was not written,
    so that no later sync makes up for it."""
    ends: dict[str, bool] = {}
    sure = []
    for step in reversed(steps):
        if step.what in ("sync", "remove", "failed"):
            ends[step.file] = step.what != "failed"
        sure.append(ends.get(step.file, False))
    return sure[::-1]
