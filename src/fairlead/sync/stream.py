"""A stream without await: an iterator over what comes in the session's thread; it judges nothing and loses nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Generic, TypeVar

from fairlead.core.book import Book
from fairlead.core.rungs import Rungs
from fairlead.engine.bus import Subscription
from fairlead.errors import Closed
from fairlead.sync.loop import Loop

T = TypeVar("T")


class Stream(Generic[T]):
    """An iterator over what comes. Where nothing comes for `timeout_s` it raises TimeoutError, and can be read on; what
    a slow reader loses is as with the stream behind it: books and quotes conflate, trades tell by `dropped`."""

    def __init__(
        self,
        loop: Loop,
        subscribe: Callable[[], Subscription[T]],
        timeout_s: float | None,
        take: Callable[[T], T] | None = None,
    ) -> None:
        self._loop, self._timeout_s, self._take = loop, timeout_s, take
        self._source = loop.call(subscribe)
        self._coming: Future[T] | None = None  # outlives a wait that ends halfway, so that what then comes is not lost

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            if self._coming is None:
                self._coming = self._loop.begin(self._next())
            event = self._coming.result(self._timeout_s)
            self._coming = None
            return event if self._take is None else self._loop.call(partial(self._take, event))
        except TimeoutError:
            raise TimeoutError(f"Nothing came for {self._timeout_s:g} s: {self._source!r}.") from None
        except (StopAsyncIteration, CancelledError, Closed):
            raise StopIteration from None

    async def _next(self) -> T:
        return await anext(self._source)

    @property
    def dropped(self) -> int:
        return self._source.dropped

    def close(self) -> None:
        """The venue's stream is let go when this was its last reader; a second time it does nothing."""
        if not self._source.closed:
            self._loop.call(self._source.close)

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<sync {self._source!r}>"


def still(book: Book) -> Book:
    """The book as it is now."""
    taken = copy.copy(book)
    taken.rungs = Rungs(book.rungs.price_decimals, book.rungs.qty_decimals)
    taken.rungs.copy_from(book.rungs)
    return taken
