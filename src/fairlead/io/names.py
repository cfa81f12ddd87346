"""Host names to addresses: what the system says, and for a while what it said last, when it can say nothing.

It never answers for a name that was never found, and never for longer than `KEPT_S`: a venue may really have moved."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from fairlead.wire.face import Clock

Address: TypeAlias = tuple[Any, Any, int, str, Any]  # as getaddrinfo gives it
Lookup: TypeAlias = Callable[[str, int], Awaitable[list[Address]]]

KEPT_S: Final = 600  # how long the last good answer may stand in
LOOKUP_MOST_S: Final = 5.0  # a resolver that says nothing is as good as none
NAMES_MOST: Final = 1_000
NUMBER: Final = socket.AI_NUMERICHOST


class Names:
    """`tell` hears of each answer that had to stand in: the host, and how old it is in seconds."""

    def __init__(self, clock: Clock, lookup: Lookup | None = None) -> None:
        self.tell: Callable[[str, float], None] = _nobody
        self._clock, self._lookup = clock, lookup or _system
        self._known: dict[tuple[str, int], tuple[int, list[Address]]] = {}

    async def addresses(self, host: str, port: int) -> list[Address]:
        """At least one; raises OSError when the name is not known, now or lately."""
        with contextlib.suppress(socket.gaierror):  # a number needs no resolver, and so no thread
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=NUMBER)
        try:
            async with asyncio.timeout(LOOKUP_MOST_S):
                found = await self._lookup(host, port)
        except (OSError, TimeoutError):
            return self._last(host, port)
        if len(self._known) >= NAMES_MOST:
            self._known.clear()
        self._known[host, port] = (self._clock.mono_ns(), found)
        return found

    def _last(self, host: str, port: int) -> list[Address]:
        at_ns, found = self._known.get((host, port), (0, []))
        age_s = (self._clock.mono_ns() - at_ns) / 1e9
        if not found or age_s > KEPT_S:
            raise socket.gaierror(socket.EAI_NONAME, "its name is not known")
        self.tell(host, age_s)
        return found

    def __repr__(self) -> str:
        return f"<Names: {len(self._known)} known>"


async def _system(host: str, port: int) -> list[Address]:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _nobody(host: str, age_s: float) -> None:
    """Nobody listens."""
