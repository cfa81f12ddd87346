"""From a feed to its readers: plain callbacks first, iterators with bounded queues behind; it waits for nobody.

A slow reader loses what its policy says and is told how much: books and quotes conflate to the latest, trades and
candles keep their order and drop the oldest. Of an account nothing is dropped: a reader too far behind is ended."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

from fairlead.errors import Closed, Error, Misuse

T = TypeVar("T")

QUEUE_MOST = 10_000  # events a slow reader may fall behind before it loses the oldest

Blame = Callable[[str, Exception], None]


End = Callable[[Error | None], None]


class Bus(Generic[T]):
    """The readers of one thing. A callback that raises is told to `blame`; the others still hear."""

    def __init__(self, blame: Blame) -> None:
        self._readers: tuple[tuple[Callable[[T], None], End], ...] = ()
        self._blame = blame

    def publish(self, event: T) -> None:
        for call, _ in self._readers:
            try:
                call(event)
            except Exception as blunder:  # noqa: BLE001 - the user's code: nothing it raises may stop the stream
                self._blame(getattr(call, "__qualname__", repr(call)), blunder)

    def add(self, call: Callable[[T], None], end: End) -> None:
        """`end` is called when nothing more will come, and with what went wrong, if something did."""
        self._readers = (*self._readers, (call, end))

    def remove(self, end: End) -> None:
        """One function may be read by twice; each reader has its own end."""
        self._readers = tuple(reader for reader in self._readers if reader[1] != end)

    def close(self, error: Error | None = None) -> None:
        """Nothing more will come: iterators end."""
        for _, end in self._readers:
            end(error)

    @property
    def readers(self) -> int:
        return len(self._readers)


class Subscription(Generic[T]):
    """What a user holds: `async for` over it, or a callback inside it; closing it lets the venue's stream go when it
    was the last. `latest`: only the newest value is kept for a slow reader; `whole`: a reader that loses something must
    know, so it is ended instead. One that the venue refused raises that."""

    def __init__(
        self,
        bus: Bus[T],
        release: Callable[[], None],
        *,
        latest: bool,
        callback: Callable[[T], None] | None = None,
        told: Callable[[int], None] = lambda _: None,
        about: str = "",
        whole: bool = False,
    ) -> None:
        self._bus, self._release, self._told, self._about = bus, release, told, about
        self._queue: deque[T] = deque(maxlen=1 if latest else QUEUE_MOST)
        self._latest, self._whole = latest, whole
        self._waiter: asyncio.Future[None] | None = None
        self._error: Error | None = None
        self.dropped = 0
        self.closed = False
        self._call = callback if callback is not None else self._keep
        bus.add(self._call, self.end)

    def _keep(self, event: T) -> None:
        if not self._latest and len(self._queue) == QUEUE_MOST:
            if self._whole:
                self.end(_behind(self._about))
                return
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # told at 1, 2, 4, 8...: not once an event
                self._told(self.dropped)
        self._queue.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._queue:
            if self._error is not None:
                raise self._error
            if self.closed:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise Misuse(f"Two readers wait on {self._about}.", next="open a subscription for each")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    async def first(self, timeout_s: float | None = None) -> T:
        """The next value; Closed when the stream ends before one comes."""
        try:
            return await asyncio.wait_for(self.__anext__(), timeout_s)
        except StopAsyncIteration:
            raise Closed(f"The stream {self._about} was closed.") from None

    def close(self) -> None:
        self.end(None)

    def end(self, error: Error | None) -> None:
        """What was kept can still be read; then the iterator ends, with the error if there is one."""
        if not self.closed:
            self.closed, self._error = True, error
            self._bus.remove(self.end)
            self._release()
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    async def __aenter__(self) -> Subscription[T]:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Subscription {self._about}{' closed' if self.closed else ''}, {len(self._queue)} waiting>"


def _behind(about: str) -> Error:
    return Closed(
        f"The reader of {about} fell {QUEUE_MOST} events behind.",
        known="what was kept can still be read; what came after is on disk",
        next="read faster or with a callback; ask for what changed since the last one you saw",
    )
