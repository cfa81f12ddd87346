"""Turns: the requests of one key leave one after the other, and the most urgent goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fairlead.core.budget import Priority
from fairlead.core.windows import ARRIVES_MS
from fairlead.engine.turns import Turns
from fairlead.io.clock import run_virtual


class Queue:
    """Takes turns and notes who has one."""

    def __init__(self) -> None:
        self.turns = Turns(in_order=True)
        self.went: list[str] = []
        self.ends: dict[str, Callable[[], None]] = {}

    async def want(self, name: str, priority: Priority = Priority.ORDER) -> None:
        self.ends[name] = await self.turns.take(priority)
        self.went.append(name)

    def begin(self, name: str, priority: Priority = Priority.ORDER) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self.want(name, priority))


def play(visit: Callable[[Queue], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await visit(Queue())

    run_virtual(main)


def test_a_cancel_is_next_whoever_waits() -> None:
    """If this failed, a cancel would wait behind every question that was asked before it."""

    async def visit(queue: Queue) -> None:
        await queue.want("first")
        queue.begin("read", Priority.DATA)
        queue.begin("order")
        queue.begin("cancel", Priority.CANCEL)
        await asyncio.sleep(0)
        for name in ("first", "cancel", "order", "read"):
            assert queue.went[-1] == name
            queue.ends[name]()
            await asyncio.sleep(0.001)
        assert queue.went == ["first", "cancel", "order", "read"]
        await queue.want("later")

    play(visit)


def test_one_that_hangs_holds_the_others_up_no_longer_than_its_bytes_travel() -> None:
    """If this failed, one reply that never comes would keep the cancels back until it times out."""

    async def visit(queue: Queue) -> None:
        await queue.want("hangs")
        queue.begin("cancel", Priority.CANCEL)
        await asyncio.sleep(ARRIVES_MS / 1000 - 0.01)
        assert queue.went == ["hangs"]
        await asyncio.sleep(0.02)
        assert queue.went == ["hangs", "cancel"]
        queue.ends["hangs"]()  # its late reply ends nobody else's turn
        queue.begin("next")
        await asyncio.sleep(0.01)
        assert queue.went == ["hangs", "cancel"]

    play(visit)


def test_whoever_is_cancelled_loses_his_turn_to_the_next() -> None:
    """If this failed, a caller that gave up would take the turn with him, and no request would ever leave again."""

    async def visit(queue: Queue) -> None:
        await queue.want("first")
        waiting, given = queue.begin("waiting"), queue.begin("given")
        queue.begin("last")
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        queue.ends["first"]()
        given.cancel()  # just as it was given the turn
        await asyncio.sleep(0.001)
        assert queue.went == ["first", "last"]

    play(visit)


def test_where_order_does_not_matter_nobody_waits() -> None:
    """If this failed, orders to every venue would wait for each other's replies."""

    async def main() -> None:
        turns, loop = Turns(in_order=False), asyncio.get_running_loop()
        began_s = loop.time()
        for _ in range(3):
            await turns.take(Priority.ORDER)
        assert loop.time() == began_s

    run_virtual(main)
