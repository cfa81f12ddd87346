"""Group commit: a thread that writes everything that waits in one go; a slow disk stalls callers, never the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from fairlead.errors import JournalFailed

WAITING_LINES_MAX = 65_536
WAITING_BYTES_MAX = 64 * 1024 * 1024
COMMIT_LINES_MAX = 4_096  # in one transaction, so that none takes long

Commit: TypeAlias = Callable[[list[bytes]], int]  # the number of the last; raises JournalFailed


class _Call(NamedTuple):
    bodies: tuple[bytes, ...]
    future: asyncio.Future[int]


class Writer:
    def __init__(self, commit: Commit, afterwards: Callable[[], None]) -> None:
        """`afterwards` is what has time until the callers know: it is called between two commits."""
        self._commit, self._afterwards = commit, afterwards
        self._calls: deque[_Call] = deque()
        self._lines = self._bytes = 0
        self._ends = False
        self._changed = threading.Condition()
        # A daemon: a program that ends without closing ends as if killed, which loses nothing that was told.
        self._thread = threading.Thread(target=self._run, name="fairlead-journal", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Writer {self._lines} lines waiting, {self._bytes} bytes{', ended' if self._ends else ''}>"

    def submit(self, bodies: Sequence[bytes]) -> asyncio.Future[int]:
        """Called on the loop; the future ends there with the number of the last line, or with JournalFailed."""
        size = sum(map(len, bodies))
        call = _Call(tuple(bodies), asyncio.get_running_loop().create_future())
        with self._changed:
            if self._ends:
                raise _closed()
            if self._lines + len(bodies) > WAITING_LINES_MAX or self._bytes + size > WAITING_BYTES_MAX:
                raise JournalFailed(
                    f"The disk does not keep up: {self._lines} lines, {self._bytes} bytes wait to be written",
                    known="nothing was written.",
                    next="look what else uses the disk, and try again.",
                )
            self._calls.append(call)
            self._lines += len(bodies)
            self._bytes += size
            self._changed.notify()
        return call.future

    def close(self, *, write_waiting: bool = True) -> None:
        with self._changed:
            self._ends = True
            left = [] if write_waiting else self._leave()
            self._changed.notify()
        _tell(left, _closed(), 0)
        self._thread.join()

    def _run(self) -> None:
        try:
            while calls := self._take():
                self._write(calls)
                self._afterwards()
        finally:  # also a defect must not leave callers waiting for ever
            with self._changed:
                self._ends = True
                left = self._leave()
            _tell(left, _closed(), 0)

    def _write(self, calls: list[_Call]) -> None:
        try:
            last = self._commit([body for call in calls for body in call.bodies])
        except Exception as why:  # noqa: BLE001 - whatever it was, each caller is told
            _tell(calls, why, 0)
        else:
            _tell(calls, None, last - sum(len(call.bodies) for call in calls))

    def _leave(self) -> list[_Call]:
        left = list(self._calls)
        self._calls.clear()
        self._lines = self._bytes = 0
        return left

    def _take(self) -> list[_Call]:
        with self._changed:
            while not self._calls and not self._ends:
                self._changed.wait()
            taken: list[_Call] = []
            lines = 0
            while self._calls and (not taken or lines + len(self._calls[0].bodies) <= COMMIT_LINES_MAX):
                taken.append(self._calls.popleft())
                lines += len(taken[-1].bodies)
            self._lines -= lines
            self._bytes -= sum(len(body) for call in taken for body in call.bodies)
            return taken


def _closed() -> JournalFailed:
    return JournalFailed("The journal is closed", known="nothing was written.")


def _tell(calls: list[_Call], failed: Exception | None, last: int) -> None:
    """Each loop is woken once, not once a caller."""
    ends = []
    for call in calls:
        last += len(call.bodies)
        ends.append((call.future, last))
    for loop, ours in groupby(ends, lambda end: end[0].get_loop()):
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_end, list(ours), failed)


def _end(ends: list[tuple[asyncio.Future[int], int]], failed: Exception | None) -> None:
    for future, last in ends:
        if future.done():
            continue  # whoever called has been cancelled
        if failed is None:
            future.set_result(last)
        else:
            future.set_exception(_own(failed))


def _own(failed: Exception) -> JournalFailed:
    """An exception for one caller: raised in two places, one object would carry both their traces."""
    if isinstance(failed, JournalFailed):
        return JournalFailed(failed.said, known=failed.known, next=failed.next)
    own = JournalFailed(f"The journal's writer failed: {failed!r}", known="whether it was written is not known.")
    own.__cause__ = failed
    return own
