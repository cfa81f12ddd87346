"""Time and chance, real and virtual: the one file that asks the machine for either; it never decides what they are for.

In virtual time the clock stands still while anything can be done, and leaps to the next timer when nothing can: a day
passes in less than a second, and one seed gives one history. Sockets may be used as long as both ends live in the one
process (the kernel hands loopback bytes over at once, frames under 64 kB whole); a thread's work takes no virtual time.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

from fairlead.wire.face import Rng

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

VIRTUAL_WALL_NS = 1_750_000_000_000_000_000  # where a virtual wall clock starts: 15 June 2025, so that runs compare
VIRTUAL_MONO_S = 1_000.0  # not zero: a zero hides the bug of taking "never" for "just now"
LOOPBACK_LOOKS = 2  # how often the sockets must be found quiet before time may pass
THREAD_WAIT_S = 0.05  # real time between two looks while a thread works
DEADLOCK_WAIT_S = 0.2  # real time in which a forgotten thread may still wake the loop


class RealClock:
    """The machine's clocks."""

    def mono_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def seeded(seed: int) -> Rng:
    """Chance that can be played again."""
    return random.Random(seed)  # noqa: S311 - for jitter and simulation; whoever needs a secret takes entropy()


def entropy() -> Rng:
    """Chance that nobody can guess, from the operating system: for the names of orders and installations."""
    return random.SystemRandom()


class VirtualClock:
    """The clocks of the virtual loop it is made in; its wall clock can be made to jump, as a bad machine's does."""

    def __init__(self, wall_ns: int = VIRTUAL_WALL_NS) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise TypeError("A VirtualClock lives in a VirtualLoop: start the program with run_virtual().")
        self._loop = loop
        self._ahead_ns = wall_ns - self.mono_ns()

    def __repr__(self) -> str:
        return f"<VirtualClock {self._loop.time():.9f} s, wall {self.wall_ns()} ns>"

    def mono_ns(self) -> int:
        return self._loop.now_ns

    def wall_ns(self) -> int:
        return self.mono_ns() + self._ahead_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def jump(self, by_ns: int) -> None:
        """Moves the wall clock alone, forwards or back."""
        self._ahead_ns += by_ns


def run_virtual(main: Callable[[], Coroutine[Any, Any, T]], seed: int | None = None) -> T:
    """Runs a program in virtual time to its end, like asyncio.run; a seed also shuffles which ready task goes first."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(None if seed is None else seeded(seed))) as runner:
        return runner.run(main())


class Deadlock(RuntimeError):
    """Virtual time cannot pass: nothing is ready, no timer is set, and nobody is left to change that."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when there is nothing else to do."""

    _ready: deque[asyncio.Handle]  # asyncio's own queue of what runs next

    def __init__(self, rng: Rng | None = None) -> None:
        self._now_s = VIRTUAL_MONO_S
        self.now_ns = round(self._now_s * 1e9)  # the same, counted once for all who ask
        self._rng = rng
        self._threads = 0
        super().__init__(_QuietSelector(self))
        self._clock_resolution = 1e-9

    def __repr__(self) -> str:
        order = "in order" if self._rng is None else "shuffled"
        return f"<VirtualLoop at {self._now_s:.9f} s, {len(self._ready)} ready, {order}>"

    def time(self) -> float:
        return self._now_s

    def pass_time(self, seconds: float | None) -> None:
        """Called by the selector when all is quiet: leaps to the next timer, or says that there is none."""
        if seconds is None:
            raise Deadlock(
                f"Nothing is ready, no timer is set, and virtual time stands at {self._now_s:.3f} s. "
                f"Waiting for ever: {_waiting(self)}."
            )
        self._now_s += seconds
        self.now_ns = round(self._now_s * 1e9)

    @property
    def has_threads(self) -> bool:
        return self._threads > 0

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._threads += 1  # it joins its threads by a thread
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._threads -= 1

    def _thread_ended(self, _: object) -> None:
        self._threads -= 1

    def _run_once(self) -> None:
        held = self._shuffle(self._rng) if self._rng is not None and len(self._ready) > 1 else []
        super()._run_once()  # type: ignore[misc]  # asyncio's own step, private but unchanged since 3.4
        self._ready.extend(held)

    def _shuffle(self, rng: Rng) -> list[asyncio.Handle]:
        """Mixes the tasks that could go on and holds some back a turn; what a transport says stays in its order.

        Which of two ready tasks runs first is asyncio's accident, so a program must bear any order. The order of a
        transport's callbacks is the order of the bytes, and no real loop would ever change it.
        """
        places = [place for place, handle in enumerate(self._ready) if _is_task_step(handle)]
        if len(places) < 2:
            return []
        steps = [self._ready[place] for place in places]
        rng.shuffle(steps)
        for place, step in zip(places, steps, strict=True):
            self._ready[place] = step
        first_held = rng.randrange(1, len(places) + 1)
        held = [self._ready[place] for place in places[first_held:]]
        for place in reversed(places[first_held:]):
            del self._ready[place]
        return held


class _QuietSelector(selectors.DefaultSelector):
    """Waits for sockets without waiting: when none has anything to say it lets the loop's time pass instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._registered = 0
        self._turn: dict[int, int] = {}  # by descriptor: which came first, since numbers differ from run to run

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._registered += 1
        self._turn[key.fd] = self._registered
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        for _ in range(LOOPBACK_LOOKS):
            found = super().select(0)
            if found or (timeout is not None and timeout <= 0):
                return sorted(found, key=lambda event: self._turn[event[0].fd])
        if self._loop.has_threads:
            return super().select(THREAD_WAIT_S)
        if timeout is None and (late := super().select(DEADLOCK_WAIT_S)):
            return late
        self._loop.pass_time(timeout)
        return []


def _is_task_step(handle: asyncio.Handle) -> bool:
    callback: Any = handle._callback  # type: ignore[attr-defined]  # asyncio's own debug output looks here too
    return isinstance(getattr(callback, "__self__", None), asyncio.Task)


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    lines = []
    for task in sorted(asyncio.all_tasks(loop), key=asyncio.Task.get_name):
        frames = task.get_stack(limit=1)
        where = f"{frames[-1].f_code.co_qualname}, line {frames[-1].f_lineno}" if frames else "not started"
        lines.append(f"{task.get_name()} in {where}")
    return "; ".join(lines) or "no task at all"
