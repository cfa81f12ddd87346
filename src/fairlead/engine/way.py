"""The way to one of a venue's hosts: which of its addresses serves now; a change of address is told, never hidden."""

from __future__ import annotations

from collections.abc import Callable

from fairlead.core.routes import Routes
from fairlead.engine.timing import VenueTime
from fairlead.model import events


class Way:
    """`host_key` is the venue's own word for the host."""

    def __init__(
        self, venue: str, host_key: str, routes: Routes, time: VenueTime, tell: Callable[[events.Health], None]
    ) -> None:
        self._venue, self._host_key, self._routes, self._time, self._tell = venue, host_key, routes, time, tell
        self._spoken = ""  # the address used last

    def best(self) -> str:
        address, was = self._routes.best(self._time.clock.mono_ns()), self._spoken
        self._spoken = address
        if was not in ("", address):
            self._tell(
                events.Switched(
                    venue=self._venue,
                    at_ns=self._time.now_ns(),
                    host_key=self._host_key,
                    was=was,
                    now=address,
                    why="the other failed or is slower",
                )
            )
        return address

    def worked(self, address: str, took_ms: float) -> None:
        self._routes.worked(address, took_ms, self._time.clock.mono_ns())

    def failed(self, address: str) -> None:
        self._routes.failed(address, self._time.clock.mono_ns())

    def __repr__(self) -> str:
        return f"<Way to {self._host_key}: {self._routes!r}>"
