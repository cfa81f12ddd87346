"""Leave to send: granted in time and in order, cancelled without a loss, and ended for whoever still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fairlead.core.budget import Priority
from fairlead.engine.permits import Permits
from fairlead.engine.timing import VenueTime
from fairlead.errors import Closed
from fairlead.io.clock import VirtualClock, run_virtual
from fairlead.wire.limits import Budget, Charge, Reading, Window

ONE = (Charge("weight"),)


def with_permits(visit: Callable[[Permits, VirtualClock], Coroutine[Any, Any, None]], units: int = 5) -> None:
    async def main() -> None:
        clock = VirtualClock()
        permits = Permits([Budget("weight", units, 10_000, Window.SLIDING, "ip")], VenueTime(clock))
        await visit(permits, clock)
        permits.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main)


def test_who_waits_is_called_as_soon_as_there_is_room_and_not_before() -> None:
    """If this failed, a queue would stall although the window is open, or overrun it."""

    async def visit(permits: Permits, clock: VirtualClock) -> None:
        began_ns = clock.mono_ns()
        times = []
        for _ in range(9):
            permits.answered(await permits.take(ONE, Priority.DATA))
            times.append((clock.mono_ns() - began_ns) / 1e6)
        assert max(times[:4]) == 0
        assert all(10_000 <= ms < 10_500 for ms in times[4:8])
        assert times[8] >= 20_000

    with_permits(visit)


def test_the_urgent_go_first() -> None:
    """If this failed, the truth about an order would wait behind a download."""

    async def visit(permits: Permits, clock: VirtualClock) -> None:
        order: list[str] = []

        async def want(name: str, priority: Priority) -> None:
            await permits.take(ONE, priority)
            order.append(name)

        permits.told((Reading("weight", quiet_ms=1_000),))
        wants = [want("history", Priority.HISTORY), want("data", Priority.DATA), want("recover", Priority.RECOVER)]
        await asyncio.gather(*wants)
        assert order == ["recover", "data", "history"]

    with_permits(visit)


def test_a_wish_for_quiet_is_kept_and_seen() -> None:
    """If this failed, the first question after a 429 would make it a ban."""

    async def visit(permits: Permits, clock: VirtualClock) -> None:
        permits.told((Reading("weight", quiet_ms=30_000),))
        assert permits.rests_ms(ONE) == 30_000
        assert permits.rests_ms(()) == 0
        began_ns = clock.mono_ns()
        await permits.take(ONE, Priority.CANCEL)
        assert clock.mono_ns() - began_ns >= 30_000 * 1_000_000
        assert permits.rests_ms(ONE) == 0

    with_permits(visit)


def test_a_wait_that_is_cancelled_uses_nothing_and_holds_up_nobody() -> None:
    """If this failed, a timeout would spend what it never used, or block the queue behind it."""

    async def visit(permits: Permits, clock: VirtualClock) -> None:
        permits.told((Reading("weight", quiet_ms=1_000),))
        waiting = [asyncio.create_task(permits.take(ONE, Priority.DATA)) for _ in range(4)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for _ in range(4):
            await asyncio.wait_for(permits.take(ONE, Priority.DATA), 1.1)

    with_permits(visit)


def test_whoever_waits_when_it_closes_is_told_and_nobody_is_granted_later() -> None:
    """If this failed, a task would wait for ever on a session that is gone, or send on closed transports."""

    async def visit(permits: Permits, clock: VirtualClock) -> None:
        permits.told((Reading("weight", quiet_ms=1_000),))
        granted: list[int] = []
        permits.ask(ONE, Priority.DATA, lambda: granted.append(1))
        waiting = asyncio.create_task(permits.take(ONE, Priority.DATA))
        await asyncio.sleep(0)
        permits.close()
        with pytest.raises(Closed):
            await waiting
        with pytest.raises(Closed):
            await permits.take(ONE, Priority.DATA)
        permits.ask(ONE, Priority.DATA, lambda: granted.append(2))
        await asyncio.sleep(60)
        assert granted == []

    with_permits(visit)


def test_a_grant_may_ask_again_at_once() -> None:
    """If this failed, a chain of frames, each sent when the one before went, would lose its place or repeat."""

    async def visit(permits: Permits, clock: VirtualClock) -> None:
        order: list[int] = []

        def chain(number: int) -> None:
            order.append(number)
            if number < 12:
                permits.ask(ONE, Priority.DATA, lambda: chain(number + 1))

        permits.ask(ONE, Priority.DATA, lambda: chain(1))
        await asyncio.sleep(60)
        assert order == list(range(1, 13))

    with_permits(visit)
