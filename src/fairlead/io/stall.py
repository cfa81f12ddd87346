"""Notices from a thread of its own that the event loop stands still, and whose code holds it up; it mends nothing."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Final

from msgspec import Struct

from fairlead.wire.face import Clock

BEAT_S: Final = 0.25  # how often the loop shows that it lives
STALL_S: Final = 1.0  # so long without a beat is a stall
FRAMES_MOST: Final = 12  # of the stack, innermost last


class Stall(Struct, frozen=True):
    lasted_ms: float
    stack: str  # where the loop's thread was when it was noticed; file, line and function, no values


class StallWatch:
    """Made in the loop it watches; `told` is called there, once it goes on."""

    def __init__(self, clock: Clock, told: Callable[[Stall], None]) -> None:
        self._clock, self._told = clock, told
        self._loop, self._thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._beat_ns = clock.mono_ns()
        self._stack = ""  # of the stall that is going on
        self._closed = threading.Event()
        self._timer = self._loop.call_later(BEAT_S, self._beat)
        self._thread = threading.Thread(target=self._watch, name="fairlead stall watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._timer.cancel()
        self._closed.set()
        self._thread.join()

    def _beat(self) -> None:
        """In the loop."""
        now_ns = self._clock.mono_ns()
        before_ns, self._beat_ns = self._beat_ns, now_ns
        stack, self._stack = self._stack, ""
        if stack:
            self._told(Stall((now_ns - before_ns) / 1e6, stack))
        self._timer = self._loop.call_later(BEAT_S, self._beat)

    def _watch(self) -> None:
        """In the thread."""
        while not self._closed.wait(BEAT_S):
            late_s = (self._clock.mono_ns() - self._beat_ns) / 1e9 - BEAT_S
            frame = sys._current_frames().get(self._thread_id)
            if late_s > STALL_S and frame is not None and not self._stack:
                self._stack = _words(frame)

    def __repr__(self) -> str:
        return f"<StallWatch {'closed' if self._closed.is_set() else 'stalled' if self._stack else 'beating'}>"


def _words(frame: FrameType) -> str:
    """Names and lines only: source text or values could hold a secret."""
    frames = traceback.StackSummary.extract(traceback.walk_stack(frame), limit=FRAMES_MOST, lookup_lines=False)
    return " < ".join(f"{one.name} ({one.filename.rpartition('/')[2]}:{one.lineno})" for one in frames)
