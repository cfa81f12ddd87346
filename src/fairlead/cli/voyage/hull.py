"""One life of a trading program: its ways to the outside and its tasks, which all end at once when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from fairlead.cli.voyage.paper import Paper, Pen
from fairlead.errors import Error
from fairlead.io import failpoint
from fairlead.sim.server.memory import Memory
from fairlead.wire.face import HttpCall, WsLink, WsListener
from fairlead.wire.http import Reply


class Births:
    """Which task was born when: a set of tasks has an order of its own in each run."""

    def __init__(self) -> None:
        self._numbers: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._count = 0
        asyncio.get_running_loop().set_task_factory(self._bear)

    def in_order(self, tasks: Iterable[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
        return sorted(tasks, key=lambda task: self._numbers.get(task, 0))

    def _bear(self, loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        self._count += 1
        task = asyncio.Task(work, loop=loop, **more)
        self._numbers[task] = self._count
        return task

    def __repr__(self) -> str:
        return f"<Births: {self._count}>"


class Died(BaseException):
    """A planned death: nothing may catch it."""


class Hull:
    """`ashore` are tasks that are no part of the program."""

    def __init__(self, memory: Memory, paper: Paper, ashore: set[asyncio.Task[Any]], births: Births) -> None:
        self._memory, self._paper, self._ashore, self._births = memory, paper, ashore, births
        self._links: list[WsLink] = []
        self.is_dead = False
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ---- its windows

    def journal(self, name: str) -> Pen:
        return Pen(self._paper, lambda: self.is_dead)

    async def send(self, call: HttpCall, timeout_ms: int) -> Reply:
        """What is on its way reaches the venue, whoever still waits for the answer."""
        await self._alive()
        work = asyncio.get_running_loop().create_task(self._memory.http.send(call, timeout_ms), name="on its way")
        self._ashore.add(work)
        work.add_done_callback(self._landed)
        try:
            reply = await asyncio.shield(work)
        except Error:
            await self._alive()
            raise
        await self._alive()
        return reply

    async def dial(self, url: str, listener: WsListener, timeout_ms: int) -> WsLink:
        await self._alive()
        link = await self._memory.ws.dial(url, _Ear(listener, lambda: self.is_dead), timeout_ms)
        self._links.append(link)
        return _Wire(link, lambda: self.is_dead)

    async def close(self) -> None:
        """There is nothing to let go of."""

    # ---- its end

    def die(self) -> None:
        """Whatever it does from now on reaches nobody."""
        if not self.is_dead:
            self.is_dead = True
            failpoint.disarm()
            for link in self._links:
                link.close(1006, "the program is gone")
            self.died.set_result(None)

    def die_here(self) -> None:
        """The same, from the middle of what it was doing."""
        self.die()
        raise Died

    async def bury(self) -> None:
        """Returns when nothing of it runs any more."""
        mine = asyncio.current_task()
        while left := [one for one in asyncio.all_tasks() if one is not mine and one not in self._ashore]:
            for task in self._births.in_order(left):
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    # ---- inside

    async def _alive(self) -> None:
        if self.is_dead:
            await asyncio.Event().wait()

    def _landed(self, work: asyncio.Task[Reply]) -> None:
        self._ashore.discard(work)
        if not work.cancelled():
            work.exception()  # heard, if somebody was left to hear it

    def __repr__(self) -> str:
        return f"<Hull {'dead' if self.is_dead else 'afloat'}, {len(self._links)} connections>"


class _Ear:
    """A program's listener, which hears nothing when it is dead."""

    def __init__(self, listener: WsListener, is_dead: Callable[[], bool]) -> None:
        self._listener, self._is_dead = listener, is_dead

    def opened(self) -> None:
        if not self._is_dead():
            self._listener.opened()

    def frame(self, payload: bytes, seen_ns: int) -> None:
        if not self._is_dead():
            self._listener.frame(payload, seen_ns)

    def closed(self, code: int, reason: str) -> None:
        if not self._is_dead():
            self._listener.closed(code, reason)


class _Wire:
    """A program's end of a connection, which says nothing when it is dead."""

    def __init__(self, link: WsLink, is_dead: Callable[[], bool]) -> None:
        self._link, self._is_dead = link, is_dead

    def send(self, text: bytes) -> None:
        if not self._is_dead():
            self._link.send(text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if not self._is_dead():
            self._link.close(code, reason)

    def waiting_bytes(self) -> int:
        return self._link.waiting_bytes()
