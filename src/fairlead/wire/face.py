"""The protocols that rooms share across floors: transports, clock, chance; only io (and sim, in memory) keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from fairlead.wire.http import Reply

T = TypeVar("T")


class Clock(Protocol):
    def mono_ns(self) -> int: ...  # for waiting; never goes back
    def wall_ns(self) -> int: ...  # the machine's own idea of the time
    async def sleep(self, seconds: float) -> None: ...


class Rng(Protocol):
    """Chance, handed in: the methods of random.Random that Fairlead uses."""

    def random(self) -> float: ...
    def uniform(self, a: float, b: float) -> float: ...
    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float: ...
    def expovariate(self, lambd: float) -> float: ...
    def randrange(self, start: int, stop: int | None = None) -> int: ...
    def choice(self, seq: Sequence[T]) -> T: ...
    def getrandbits(self, k: int, /) -> int: ...
    def shuffle(self, x: list[Any]) -> None: ...


class Store(Protocol):
    """Small texts that outlive the process."""

    def read(self, name: str) -> bytes | None: ...
    def write(self, name: str, text: bytes) -> None: ...  # raises OSError


class Line(Struct, frozen=True):
    """One line of the journal. `seq` rises by one, from 1 on."""

    seq: int
    body: bytes


class Journal(Protocol):
    """Lines that are on disk before `append` returns; one writer, nothing is ever changed or taken back."""

    async def append(self, bodies: Sequence[bytes]) -> int:
        """All of them or none, in this order; the number of the last. Raises errors.JournalFailed: none of them may be
        relied on, and nothing that hangs on them may be done."""

    def lines(self, after: int = 0) -> Iterator[Line]:
        """What is on disk, from there on."""

    @property
    def is_sound(self) -> bool: ...  # whether appending works; after a failed fsync it does not until it was reopened

    @property
    def older(self) -> bool: ...  # lines may be missing that were once told as kept: the venues must be asked far back

    def reopen(self) -> None: ...  # reads and checks everything anew; JournalFailed: it is as before

    def settled(self) -> None: ...  # what the missing lines said was found out elsewhere: `older` is over

    def close(self) -> None: ...


class HttpCall(Struct, frozen=True):
    """A request with its address; the URL is sent byte for byte as given."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class HttpTransport(Protocol):
    async def send(self, call: HttpCall, timeout_ms: int) -> Reply:
        """The reply whatever its status; raises errors.NotSent or errors.Unknown, nothing else."""

    async def close(self) -> None: ...


class WsListener(Protocol):
    """Called on the loop, synchronously; `opened` comes before any frame, `closed` exactly once and last."""

    def opened(self) -> None: ...
    def frame(self, payload: bytes, seen_ns: int) -> None:
        """One whole text message, owned. `seen_ns` is our monotonic clock at its arrival: a wall clock that is moved
        must not change a latency."""

    def closed(self, code: int, reason: str) -> None: ...  # 1006: the wire broke


class WsLink(Protocol):
    def send(self, text: bytes) -> None: ...  # after the close it does nothing
    def close(self, code: int = 1000, reason: str = "") -> None: ...
    def waiting_bytes(self) -> int: ...


class WsTransport(Protocol):
    async def dial(self, url: str, listener: WsListener, timeout_ms: int) -> WsLink:
        """Opens a connection; raises errors.NotSent, nothing else."""
