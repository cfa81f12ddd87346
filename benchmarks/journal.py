"""What a line in the journal costs: alone and in a crowd, beside a bare append with fdatasync on the same disk."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from fairlead.io.chain import START, linked
from fairlead.io.clock import RealClock
from fairlead.io.journal import LINES, DiskJournal
from fairlead.io.tape import Durability, write_draft

LINE = b"x" * 300
CROWDS = (1, 16, 256)  # callers that wait at the same time
MODES: tuple[Durability, ...] = ("power", "process")
TURNS = 5  # the sides take turns and the middle time counts, since a disk is seldom alone
ROUNDS = 30  # in each turn: some file systems make a sync wait when another thread has asked for the one before
LONG_LINES = 500_000


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:  # the usual place may be no disk at all
        appending(Path(folder))
        opening(Path(folder) / "long")


def appending(folder: Path) -> None:
    handle = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    journals = {mode: DiskJournal(folder / mode, RealClock(), durability=mode) for mode in MODES}
    with asyncio.Runner() as runner:
        sides: dict[str, Callable[[], float]] = {"bare append, fdatasync": partial(_bare, handle)}
        for mode, journal in journals.items():
            for crowd in CROWDS:
                sides[f"{mode}, {crowd} waiting"] = partial(_crowd, runner, journal, crowd)
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(TURNS):
            for side, once in sides.items():
                times[side] += [once() for _ in range(ROUNDS)]
    for journal in journals.values():
        journal.close()
    os.close(handle)
    _show({side: median(taken) for side, taken in times.items()})


def opening(folder: Path) -> None:
    folder.mkdir()
    rows = linked((LINE for _ in range(LONG_LINES)), 0, START)
    write_draft(folder / LINES, rows).replace(folder / LINES)
    whole = []
    for _ in range(3):
        began = perf_counter()
        journal = DiskJournal(folder, RealClock(), inline=True)
        whole.append(perf_counter() - began)
        journal.close()
    print(f"\nopening and checking {LONG_LINES:,} lines: {min(whole) * 1e9 / LONG_LINES:,.0f} ns a line")


def _bare(handle: int) -> float:
    began = perf_counter()
    os.write(handle, LINE)
    os.fdatasync(handle)
    return perf_counter() - began


def _crowd(runner: asyncio.Runner, journal: DiskJournal, callers: int) -> float:
    async def all_at_once() -> float:
        began = perf_counter()
        await asyncio.gather(*(journal.append([LINE]) for _ in range(callers)))
        return perf_counter() - began

    return runner.run(all_at_once())


def _show(times: Mapping[str, float]) -> None:
    bare, alone = times["bare append, fdatasync"], times["power, 1 waiting"]
    print(f"{'a line of 300 bytes':28}{'whole round':>14}{'x bare':>9}{'a line':>12}{'times cheaper than alone':>27}")
    for side, took in times.items():
        callers = int(side.split()[1]) if "waiting" in side else 1
        each = took / callers
        print(f"{side:28}{took * 1e6:>11,.0f} µs{took / bare:>9.1f}{each * 1e6:>9,.0f} µs{alone / each:>27.1f}")


if __name__ == "__main__":
    main()
