"""Health: what happened to connections, streams and data, as values; demo, metrics and alerts read nothing else."""

from __future__ import annotations

from msgspec import Struct


class Health(Struct, frozen=True, kw_only=True, tag=True):
    venue: str
    at_ns: int


class Connected(Health, frozen=True, kw_only=True, tag=True):
    door: str
    host: str
    again: int = 0  # how many times this line was connected before
    after_ms: float = 0.0  # how long it was down


class Lost(Health, frozen=True, kw_only=True, tag=True):
    door: str
    host: str
    code: int
    why: str


class Switched(Health, frozen=True, kw_only=True, tag=True):
    """Another of the venue's hosts serves now: the old one failed, or was slower."""

    host_key: str
    was: str
    now: str
    why: str


class Replaced(Health, frozen=True, kw_only=True, tag=True):
    """A connection was replaced by a live one before its end; nothing was missed."""

    door: str
    why: str
    took_ms: float


class Retiring(Health, frozen=True, kw_only=True, tag=True):
    """The venue announced an end: of this connection, or of something we rely on."""

    what: str
    in_ms: int
    why: str


class Gap(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    why: str


class Resynced(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    why: str
    took_ms: float


class Stale(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    why: str  # silent or late
    by_ms: float


class Fresh(Health, frozen=True, kw_only=True, tag=True):
    """A stale topic lives again."""

    topic: str
    took_ms: float


class Filled(Health, frozen=True, kw_only=True, tag=True):
    """Candles (or trades) that the stream did not bring were fetched and marked."""

    topic: str
    count: int
    first_ns: int


class Anomaly(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    label: str
    sample: str


class Strange(Health, frozen=True, kw_only=True, tag=True):
    """A field, word or frame that the venue's documents do not name, or that could not be read: counted, shown."""

    what: str
    sample: str
    count: int = 1


class Dropped(Health, frozen=True, kw_only=True, tag=True):
    """A slow reader lost this many events; books and quotes conflate instead."""

    topic: str
    count: int


class Throttled(Health, frozen=True, kw_only=True, tag=True):
    """The venue told us to wait (429, a ban, an overload); nothing more is sent on that budget until then."""

    budget: str
    wait_ms: float
    why: str
    banned: bool = False


class Denied(Health, frozen=True, kw_only=True, tag=True):
    """A subscription was refused."""

    topic: str
    kind: str
    code: str
    said: str


class Blunder(Health, frozen=True, kw_only=True, tag=True):
    """A user's callback raised; the stream went on without it."""

    where: str
    what: str
