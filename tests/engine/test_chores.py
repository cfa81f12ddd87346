"""What runs beside everything else ends with its owner, and tells what it raised."""

from __future__ import annotations

import asyncio

from fairlead.engine.chores import Chores


def house() -> tuple[Chores, list[tuple[str, str]]]:
    blamed: list[tuple[str, str]] = []
    return Chores(lambda where, blunder: blamed.append((where, str(blunder)))), blamed


async def test_nothing_is_left_after_the_close() -> None:
    """If this failed, a closed session would go on asking, dialling and mending."""
    chores, blamed = house()
    ran: list[str] = []

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            chores.later(1, lambda: ran.append("after"))

    chores.spawn(stubborn(), "stubborn")
    chores.later(5, lambda: ran.append("due"))
    await asyncio.sleep(0)
    assert repr(chores) == "<Chores 1 tasks, 1 timers>"
    await chores.close()
    await asyncio.sleep(0.02)
    assert (ran, blamed) == ([], [])
    assert repr(chores) == "<Chores 0 tasks, 0 timers>"


async def test_a_timer_is_due_once_and_a_task_that_ends_is_forgotten() -> None:
    """If this failed, a pause would be taken twice, or every finished task stay in memory."""
    chores, _ = house()
    ran: list[str] = []

    async def quick() -> None:
        ran.append("task")

    chores.later(1, lambda: ran.append("timer"))
    await chores.spawn(quick(), "quick")
    await asyncio.sleep(0.02)
    assert ran == ["task", "timer"]
    assert repr(chores) == "<Chores 0 tasks, 0 timers>"


async def test_what_they_raise_is_told_with_where() -> None:
    """If this failed, a defect would end in the loop's own log and nobody would know of it."""
    chores, blamed = house()

    def broken() -> None:
        raise ValueError("a timer's")

    async def failing() -> None:
        raise ValueError("a task's")

    chores.spawn(failing(), "failing")
    chores.later(1, broken)
    await asyncio.sleep(0.02)
    assert [said for _, said in blamed] == ["a task's", "a timer's"]
    assert blamed[0][0] == "failing"
    assert "broken" in blamed[1][0]
