"""A trading process for the tests of its watchdog: it starts one, tells what that says, and lives until it is told.

It is run as a module of its own, with the watchdog's Post as its only word; a line on its input ends it in peace."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from fairlead.engine.leash import Leash
from fairlead.engine.watchdog import Post, Report
from fairlead.errors import Error
from fairlead.io.clock import RealClock


def tell(report: Report) -> None:
    print(report.state, report.pid, flush=True)


async def live(post: Post) -> int:
    leash = Leash(post, RealClock(), tell)
    try:
        await leash.start()
    except Error as failed:
        print("error", failed, flush=True)
        return 1
    print("lives" if leash.watches else "is not watched", leash, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await leash.close()
    print("ends", leash, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(live(msgspec.json.decode(sys.argv[1], type=Post))))
