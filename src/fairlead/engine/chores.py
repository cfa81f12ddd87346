"""What runs beside everything else: tasks and timers that end with their desk; it knows nothing of what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Blame = Callable[[str, BaseException], None]


class Chores:
    """Whatever one of them raises is told to `blame`."""

    def __init__(self, blame: Blame) -> None:
        self._blame = blame
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def later(self, wait_ms: int, call: Callable[[], None]) -> None:
        def due() -> None:
            self._timers.discard(timer)
            try:
                call()
            except Exception as blunder:  # noqa: BLE001 - told, as a task's is
                self._blame(getattr(call, "__qualname__", repr(call)), blunder)

        timer = asyncio.get_running_loop().call_later(wait_ms / 1000, due)
        self._timers.add(timer)

    async def close(self) -> None:
        """Returns when none is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._blame(task.get_name(), error)

    def __repr__(self) -> str:
        return f"<Chores {len(self._tasks)} tasks, {len(self._timers)} timers>"
