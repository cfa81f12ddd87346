"""Whether a heart still beats: silence against a limit, with no opinion on what to do about it."""

from __future__ import annotations

from enum import StrEnum

MS = 1_000_000
STALLS = 3  # looks that lie further apart than so many times the usual: it was we who stood still


class Pulse(StrEnum):
    BEATS = "beats"
    SILENT = "silent"
    UNSURE = "unsure"  # we stood still ourselves: what came meanwhile is still to be read
    LEFT = "left"  # it said good-bye


class Vigil:
    """`beat` for each sign of life, `look` at a steady pace."""

    def __init__(self, limit_ms: int, look_ms: int, now_ns: int) -> None:
        self._limit_ns, self._look_ns = limit_ms * MS, look_ms * MS
        self._beat_ns = self._looked_ns = now_ns
        self._left = False

    def beat(self, now_ns: int) -> None:
        self._beat_ns = now_ns

    def leave(self) -> None:
        self._left = True

    def look(self, now_ns: int) -> Pulse:
        stood_still = now_ns - self._looked_ns > STALLS * self._look_ns
        self._looked_ns = now_ns
        if self._left:
            return Pulse.LEFT
        if now_ns - self._beat_ns <= self._limit_ns:
            return Pulse.BEATS
        return Pulse.UNSURE if stood_still else Pulse.SILENT

    def __repr__(self) -> str:
        return f"<Vigil of {self._limit_ns // MS} ms{', left' if self._left else ''}>"
