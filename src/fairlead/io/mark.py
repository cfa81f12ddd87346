"""How far the journal has come, kept in a file beside it: by this an older or shorter journal is known; holds no lines.

It is written over after each commit, without a sync of its own: it outlives a killed process, and after a power cut it
may tell of less than there is, never of more. It stands in two places, so that a torn write leaves the other."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

LOOSE, SURE = 0, 1  # places in the file: written at each commit, and written only with a sync
PLACE_BYTES = 4096  # apart by a page, so that no write touches both places
SUM_BYTES = 8
_LAYOUT = struct.Struct(">4sQ16s16s???")
_WORD = b"FLm1"
UNKNOWN_BOOT = bytes(16)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Reach(NamedTuple):
    seq: int
    link: bytes
    boot: bytes = UNKNOWN_BOOT  # of the machine's run in which it was written
    is_open: bool = False  # a process was at work: if none is, it ended without closing
    is_loose: bool = False  # lines were not synced one by one
    is_doubted: bool = False  # lines are known to be missing, and nobody has settled yet what they said


class Mark:
    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.reach = max(filter(None, map(self._read, (LOOSE, SURE))), default=None, key=lambda reach: reach.seq)

    def __repr__(self) -> str:
        return f"<Mark at line {self.reach.seq if self.reach else 'unknown'}>"

    def note(self, reach: Reach) -> None:
        """Raises OSError."""
        self._write(reach, LOOSE)
        self.reach = reach

    def keep(self, reach: Reach) -> None:
        """In both places, one after the other, so that at each moment one of them is whole. Raises OSError."""
        for place in (LOOSE, SURE):
            self._write(reach, place)
            os.fsync(self._handle)
        self.reach = reach

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1

    def _write(self, reach: Reach, place: int) -> None:
        text = _LAYOUT.pack(_WORD, *reach)
        os.pwrite(self._handle, text + _sum(text), place * PLACE_BYTES)

    def _read(self, place: int) -> Reach | None:
        raw = os.pread(self._handle, _LAYOUT.size + SUM_BYTES, place * PLACE_BYTES)
        text, kept = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        if len(text) < _LAYOUT.size or kept != _sum(text):
            return None
        word, *fields = _LAYOUT.unpack(text)
        return Reach(*fields) if word == _WORD else None


def boot_id() -> bytes:
    """Names the machine's present run; zeros where it has no name, which then counts as another run."""
    try:
        return bytes.fromhex(BOOT_ID.read_text(encoding="ascii").strip().replace("-", ""))
    except (OSError, ValueError):
        return UNKNOWN_BOOT


def lost_since(reach: Reach | None, link_at: Callable[[int], bytes | None], last: int) -> str:
    """Why lines that were once told as kept may be missing from a journal that ends at `last`; empty if none can be."""
    if reach is None:
        return (
            f"the mark beside its {last} lines, which tells how far it had come, is missing or damaged" if last else ""
        )
    if reach.seq > last:
        return f"it ends at line {last}, and had come to line {reach.seq}: an older copy, or a file cut short"
    if link_at(reach.seq) != reach.link:
        return f"its line {reach.seq} is not the one that it had come to: the copy of another time"
    if reach.is_open and reach.is_loose and (reach.boot == UNKNOWN_BOOT or reach.boot != boot_id()):
        return "the machine was restarted while lines were written without a sync"
    if reach.is_doubted:
        return "lines were found missing when it was opened before, and what they said has not been found out yet"
    return ""


def _sum(text: bytes) -> bytes:
    return blake2b(text, digest_size=SUM_BYTES).digest()
