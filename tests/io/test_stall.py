"""A loop that stands still is noticed, with the code that holds it up."""

from __future__ import annotations

import asyncio
import threading

from fairlead.io.clock import RealClock
from fairlead.io.stall import STALL_S, Stall, StallWatch


def hog(seconds: float) -> None:
    """What a plugin should not do in the loop."""
    threading.Event().wait(seconds)


async def test_a_stall_is_told_once_with_the_function_that_caused_it() -> None:
    """If this failed, a plugin that blocks the loop would look like a venue that is late."""
    told: list[Stall] = []
    watch = StallWatch(RealClock(), told.append)
    await asyncio.sleep(0.3)
    hog(STALL_S + 1)
    await asyncio.sleep(0.6)
    watch.close()
    assert len(told) == 1
    assert "hog (test_stall.py" in told[0].stack
    assert told[0].lasted_ms > STALL_S * 1_000


async def test_a_loop_that_lives_is_left_in_peace_and_the_thread_ends() -> None:
    """If this failed, a healthy program would be told of stalls, or a closed session leave a thread behind."""
    told: list[Stall] = []
    before = threading.active_count()
    watch = StallWatch(RealClock(), told.append)
    await asyncio.sleep(0.6)
    assert threading.active_count() == before + 1
    watch.close()
    assert threading.active_count() == before
    assert told == []
