"""A process that does nothing but append to a journal and say what was kept; its parent kills it or fills its disk."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from pathlib import Path

from fairlead.errors import JournalFailed
from fairlead.io.clock import RealClock
from fairlead.io.journal import DiskJournal

APPENDERS = 8
LINE = b"bot %d, turn %d, " + b"x" * 200


async def appends(folder: Path) -> None:
    """Many at once, for ever; a line on standard output for each append that was told as kept."""
    journal = DiskJournal(folder, RealClock(), words="a bot that is going to die")
    print("open", flush=True)

    async def bot(name: int) -> None:
        turn = 0
        while True:
            turn += 1
            print("kept", await journal.append([LINE % (name, turn)]), name, turn, flush=True)

    await asyncio.gather(*map(bot, range(APPENDERS)))


async def fills(folder: Path, size_max: int) -> None:
    """Until the system gives no more room; then with room again."""
    journal = DiskJournal(folder, RealClock())
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_max, most))
    kept = 0
    with contextlib.suppress(JournalFailed):
        while True:
            kept = await journal.append([b"x" * 1000] * 10)
    refused = 0
    for _ in range(3):
        try:
            await journal.append([b"y" * 1000] * 10)
        except JournalFailed as why:
            refused += "disk is full" in str(why)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    print(
        "kept", kept, "refused", refused, "sound", journal.is_sound, "then", await journal.append([b"room"]), flush=True
    )
    journal.close()


if __name__ == "__main__":
    if sys.argv[1] == "appends":
        asyncio.run(appends(Path(sys.argv[2])))
    else:
        asyncio.run(fills(Path(sys.argv[2]), int(sys.argv[3])))
