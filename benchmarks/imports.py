"""CPU time of importing what one venue's streams and questions need, and of being ready to open it.

Importing is what a program pays for what it may not use: ccxt.pro brings all venues, Fairlead the one. Being ready is
what both need before the first byte: HTTP, sockets and TLS, most of it other people's code."""

from __future__ import annotations

import sys

from _sides import FOREIGN, peers, run, show

TIMES = 7  # the sides take turns; the best counts
EXPECTED = 4  # times less than ccxt.pro
PROGRAM = """
from time import process_time as clock
import asyncio
began = clock()
async def ready():
    {}
asyncio.run(ready())
print(clock() - began)
"""
OURS = "import fairlead.engine.session; from fairlead.venues import registry; registry.venue('binance')"
THEIRS = "import ccxt.pro"
ROWS = (
    ("fairlead, imported", "fairlead", OURS),
    ("ccxt.pro, imported", "ccxt", THEIRS),
    (
        "cryptofeed, imported",
        "cryptofeed",
        "from cryptofeed import FeedHandler; from cryptofeed.exchanges import Binance",
    ),
    ("fairlead, ready", "fairlead", "import fairlead; return fairlead.open('binance')"),
    ("ccxt.pro, ready", "ccxt", "import ccxt.pro; exchange = ccxt.pro.binance(); exchange.open(); return exchange"),
)


def main() -> None:
    installed = {"fairlead", *peers()}
    rows = [row for row in ROWS if row[1] in installed]
    best = dict.fromkeys((name for name, _, _ in rows), float("inf"))
    for _ in range(TIMES):
        for name, side, program in rows:
            python = sys.executable if side == "fairlead" else FOREIGN
            best[name] = min(best[name], 1_000 * float(run(python, "-c", PROGRAM.format(program))))
    ours = best["fairlead, imported"]
    show("CPU", ("time", "ratio"), [(name, f"{ms:.0f} ms", f"{ms / ours:.1f} x") for name, ms in best.items()])
    ratio = best["ccxt.pro, imported"] / ours
    print(f"import: {ratio:.1f} times less than ccxt.pro; expected {EXPECTED}: {'yes' if ratio >= EXPECTED else 'NO'}")


if __name__ == "__main__":
    main()
