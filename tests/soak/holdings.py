"""What a process and a session hold: memory at its most, objects that hang on the session, and what a loop has left."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from fairlead.sim.city import City

# Where the session ends and the rest of the program begins.
BORDERS = (
    type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.FrameType, types.CoroutineType,
    asyncio.AbstractEventLoop, asyncio.Future, City,
)  # fmt: skip


class Held(Struct, frozen=True):
    peak_bytes: int  # of the process
    session_bytes: int


def held(session: object) -> Held:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    in_bytes = peak if sys.platform == "darwin" else peak * 1024
    return Held(in_bytes, sum(sys.getsizeof(one) for one in _hanging_on(session)))


def _hanging_on(root: object) -> Iterator[object]:
    seen, waiting = {id(root)}, [root]
    while waiting:
        one = waiting.pop()
        yield one
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, BORDERS):
                seen.add(id(other))
                waiting.append(other)


class Left(Struct, frozen=True):
    """Behind a program that has ended."""

    tasks: tuple[str, ...]
    timers: tuple[str, ...]
    files: int  # sockets are such


def left() -> Left:
    loop: Any = asyncio.get_running_loop()
    timers = [repr(handle) for handle in loop._scheduled if not handle.cancelled()]
    files = list(Path("/dev/fd").iterdir())
    return Left(tuple(task.get_name() for task in asyncio.all_tasks()), tuple(timers), len(files))
