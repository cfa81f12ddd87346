"""What every side of the order benchmark does: places so many orders one after the other, and prints when and what CPU.

Only the standard library is used, since other people's environments read it as well."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from time import monotonic_ns, process_time_ns
from typing import Any

WARM, ORDERS = 15, 40  # together fewer than the venue takes of one market in two seconds
SYMBOL, QTY, PRICE = "BTC/USDT", "0.001", "50000"  # far below the market: it rests


def given() -> tuple[str, dict[str, Any]]:
    """The side that is wanted, and the venue's addresses and key."""
    return sys.argv[1], json.loads(sys.argv[2])


async def measured(place: Callable[[], Awaitable[object]]) -> None:
    for _ in range(WARM):
        await place()
    times = []
    began_ns = process_time_ns()  # of every thread: a journal's writer counts as well
    for _ in range(ORDERS):
        called_ns = monotonic_ns()
        await place()
        times.append((called_ns, monotonic_ns()))
    cpu_ns = process_time_ns() - began_ns
    print(json.dumps({"times": times, "cpu_us": cpu_ns / ORDERS / 1_000}))
