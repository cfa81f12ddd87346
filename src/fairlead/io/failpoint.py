"""Named places where a process can be made to die, so that dying there is a test; unless armed they do nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

from fairlead.errors import Misuse

VARIABLE = "FAIRLEAD_FAILPOINT"  # name:kill, or name:kill:3 for the third time the place is reached


def reached(name: str) -> None:
    """Called at the place itself."""
    if act := _armed.get(name):
        act()


def arm(name: str, act: Callable[[], None]) -> None:
    """Has `act` called whenever the place is reached; what it raises goes up from there."""
    _armed[name] = act


def disarm() -> None:
    _armed.clear()


def from_environment(environment: Mapping[str, str]) -> dict[str, Callable[[], None]]:
    """What a parent process wants its child to die of."""
    text = environment.get(VARIABLE, "")
    if not text:
        return {}
    match text.split(":"):
        case [name, "kill"] if name:
            return {name: _Kill(1)}
        case [name, "kill", times] if name and times.isdecimal() and int(times):
            return {name: _Kill(int(times))}
    raise Misuse(f"{VARIABLE} is {text!r}", next="name:kill, or name:kill:3 to die there the third time.")


class _Kill:
    """Dies as a killed process does: nothing is flushed, closed or told."""

    def __init__(self, times: int) -> None:
        self._left = times

    def __call__(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


_armed = from_environment(os.environ)
