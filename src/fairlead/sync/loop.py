"""A thread with a loop of its own, and the ways into it: hand over work and wait, or have something done there."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fairlead.errors import Closed, Misuse

T = TypeVar("T")


class Loop:
    """It runs from its making until `end`."""

    def __init__(self) -> None:
        self._gate = threading.Lock()  # nothing may be handed to a loop that is ending: nobody would ever answer
        self._is_over = False
        self._begun: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="fairlead", daemon=True)
        self._thread.start()
        self._loop = self._begun.result()

    async def _live(self) -> None:
        self._begun.set_result(asyncio.get_running_loop())
        await self._end.wait()

    def begin(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        with self._gate:
            if self._is_over:
                work.close()
                raise Closed("The session was closed.", next="open another")
            if threading.current_thread() is self._thread:
                work.close()
                raise Misuse("The session's own thread cannot wait for itself.", next="ask from your own thread")
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Blocks until it is done; Ctrl-C ends the waiting, and the work with it."""
        future = self.begin(work)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Closed("The session was closed before the answer came.") from None
        finally:
            future.cancel()

    def call(self, do: Callable[[], T]) -> T:
        """What touches the session's things is done where they live."""

        async def done() -> T:
            return do()

        return self.wait(done())

    def end(self) -> None:
        """Whatever still runs in it is cancelled."""
        with self._gate:
            self._is_over = True
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
