"""The trading process's end of its watchdog: starts it, beats while the loop lives, and tells what it says.

The beat comes from the loop itself, so that a loop that stands still is as silent as a killed process."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable

import msgspec

from fairlead.engine.watchdog import BEAT, BYE, Post, Report
from fairlead.errors import Held
from fairlead.wire.face import Clock

BEATS = 4  # in the time that the heart may be silent
READY_MS = 30_000  # for opening the venue: its clock and its instruments
BYE_MS = 5_000


class Leash:
    """`tell` hears each report of the watchdog. After `acting` our orders are being cancelled, whatever we believe:
    all of ours is to be reconciled. `gone`: it ended of itself, and nobody watches any more."""

    def __init__(self, post: Post, clock: Clock, tell: Callable[[Report], None]) -> None:
        self._post, self._clock, self._tell = post, clock, tell
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._closing = False

    async def start(self) -> None:
        """Returns when it watches; raises Held with its own words if it cannot."""
        self._process = await asyncio.create_subprocess_exec(
            # -P: what lies in the working folder is no part of us. A session of its own: Ctrl-C is not meant for it.
            *(sys.executable, "-P", "-m", "fairlead.engine.watchdog"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._write(msgspec.json.encode(self._post))
        self._tasks = [
            asyncio.create_task(self._beat(), name="the heart"),
            asyncio.create_task(self._hear(self._process), name="the watchdog's words"),
        ]
        try:
            async with asyncio.timeout(READY_MS / 1000):
                first = await asyncio.shield(self._ready)
        except BaseException as failed:  # also when we are cancelled: one that is let go would cancel what may stay
            await self.close()
            if isinstance(failed, TimeoutError):
                raise Held(f"The watchdog was not ready within {READY_MS} ms.", known="nobody watches") from None
            raise
        if first.state != "watching":
            await self.close()
            raise Held(f"The watchdog could not begin: {first.trouble or first.state}", known="nobody watches")

    async def close(self) -> None:
        """Ends it in peace: nothing is cancelled."""
        self._closing = True
        process = self._process
        if process is None:
            return
        self._write(BYE)
        try:
            async with asyncio.timeout(BYE_MS / 1000):
                await process.wait()
        except TimeoutError:
            process.kill()  # better no watchdog than one that cancels what was meant to stay
            await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if process.stdin is not None:
            process.stdin.close()

    @property
    def watches(self) -> bool:
        return self._process is not None and self._process.returncode is None and self._ready.done()

    async def _beat(self) -> None:
        while True:
            self._write(BEAT)
            await self._clock.sleep(self._post.limit_ms / 1000 / BEATS)

    def _write(self, line: bytes) -> None:
        pipe = self._process.stdin if self._process is not None else None
        # A watchdog that does not read is not fed for ever; its end is heard on the other pipe.
        if pipe is not None and not pipe.is_closing() and (line != BEAT or not pipe.transport.get_write_buffer_size()):
            with contextlib.suppress(ConnectionError):
                pipe.write(line + b"\n")

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "it was opened with a pipe"
        while line := await process.stdout.readline():
            with contextlib.suppress(msgspec.DecodeError):  # not its own words: something in that process printed
                self._heard(msgspec.json.decode(line, type=Report))
        code = await process.wait()
        if not self._closing:
            trouble = f"it ended with code {code}"
            self._heard(Report(token=self._post.token, state="gone", at_ns=self._clock.wall_ns(), trouble=trouble))

    def _heard(self, report: Report) -> None:
        if not self._ready.done():
            self._ready.set_result(report)
        self._tell(report)

    def __repr__(self) -> str:
        return f"<Leash of {self._post.venue}, {'watched' if self.watches else 'nobody watches'}>"
