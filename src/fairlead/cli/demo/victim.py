"""The process that the demo kills, and starts again: a real one, on the other side of real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from msgspec import Struct

from fairlead.cli.demo.bot import Errand
from fairlead.errors import Error
from fairlead.io.failpoint import VARIABLE
from fairlead.model.order import Life

MODULE = "fairlead.cli.demo.bot"


class Said(Struct, frozen=True):
    """What a bot says of its order."""

    life: Life
    client_id: str
    order_id: str


async def killed(errand: Errand, at: str) -> None:
    """Returns when it is dead: by signal 9, at this place of the program."""
    async with _begun(errand, f"{at}:kill") as process:
        _, complaint = await process.communicate()
        if process.returncode != -signal.SIGKILL:
            raise Error(f"the bot was to be killed and ended with {process.returncode}{_last(complaint)}")


async def restarted(errand: Errand, hear: Callable[[Said], None]) -> None:
    """What it says of its order, each life once; returns when it has ended by itself."""
    async with _begun(errand) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        last: Life | None = None
        async for line in process.stdout:
            said = msgspec.json.decode(line, type=Said)
            if said.life is not last:
                last = said.life
                hear(said)
        complaint = await process.stderr.read()
        if await process.wait():
            raise Error(f"the bot ended with {process.returncode}{_last(complaint)}")


@asynccontextmanager
async def _begun(errand: Errand, failpoint: str = "") -> AsyncIterator[Process]:
    """Ended for certain, whatever happens here."""
    around = {name: value for name, value in os.environ.items() if name != VARIABLE}
    around |= {VARIABLE: failpoint} if failpoint else {}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULE, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=around
    )
    try:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(errand))
        process.stdin.write_eof()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _last(complaint: bytes) -> str:
    """The last line is the one that says what it was."""
    text = complaint.decode(errors="replace").strip().rpartition("\n")[2]
    return f": {text}" if text else ""
