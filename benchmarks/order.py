"""An order from the call to its bytes on the wire and to the reply, and the CPU it takes: Fairlead with its journal on,
bare bytes, ccxt and the venue's own client, against one simulator on loopback.

Each side has a fresh simulator and an interpreter of its own, and goes through the same tap, which tells when bytes
came by. Fairlead does more than the others: it checks, writes to disk before and after, and follows its orders on the
private stream. `power` waits for the disk, `process` does not. Times hold for this machine; only the ratios travel."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import monotonic_ns
from typing import Any
from urllib.parse import urlsplit

from _sides import FOREIGN, HERE, show

TURNS = 3  # the sides take turns; the middle of all orders counts
SIM = ("-m", "fairlead.cli.main", "sim", "--venues", "okx", "--hosts-each", "1", "--json")
WAYS = {  # title -> rows: name, interpreter, script, side; the bare one is what all are measured by
    "an order by REST, on a connection kept open": (
        ("fairlead, power", sys.executable, "_order_fairlead.py", "rest power"),
        ("fairlead, process", sys.executable, "_order_fairlead.py", "rest process"),
        ("bare aiohttp", sys.executable, "_order_bare.py", "rest"),
        ("ccxt", FOREIGN, "_order_peers.py", "ccxt-rest"),
        ("python-okx", FOREIGN, "_order_peers.py", "sdk-rest"),
    ),
    "an order by the trading socket": (
        ("fairlead, power", sys.executable, "_order_fairlead.py", "socket power"),
        ("fairlead, process", sys.executable, "_order_fairlead.py", "socket process"),
        ("bare picows", sys.executable, "_order_bare.py", "socket"),
        ("ccxt.pro", FOREIGN, "_order_peers.py", "ccxt-socket"),
    ),
}


class Tap:
    """Lets bytes through to one address, and keeps when those of the client came by."""

    def __init__(self, address: str) -> None:
        self._host, self._port = urlsplit(address).hostname, urlsplit(address).port
        self.times_ns: list[int] = []

    async def open(self) -> asyncio.Server:
        return await asyncio.start_server(self._join, "127.0.0.1", 0)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(self._pass(reader, far_writer, self.times_ns), self._pass(far_reader, writer, []))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, times_ns: list[int]) -> None:
        try:
            while chunk := await reader.read(1 << 16):
                times_ns.append(monotonic_ns())
                writer.write(chunk)
        except ConnectionError:
            pass  # whoever went, the other end is told
        finally:
            writer.close()


@asynccontextmanager
async def simulator() -> AsyncIterator[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(sys.executable, *SIM, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())["venues"]["okx"]
    finally:
        process.terminate()
        await process.wait()


async def run(python: Path | str, script: str, side: str) -> dict[str, list[float]]:
    """In microseconds, one number an order; CPU is told once for all."""
    async with simulator() as at:
        taps = {name: Tap(at[name]) for name in ("rest", "ws")}
        servers = {name: await tap.open() for name, tap in taps.items()}
        for name, server in servers.items():
            at[name] = f"{at[name].partition(':')[0]}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        child = await asyncio.create_subprocess_exec(
            python, script, side, json.dumps(at), cwd=HERE, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await child.communicate()
        for server in servers.values():
            server.close()
    if child.returncode:
        sys.exit(f"{script} {side} failed")
    told = json.loads(said)
    sent = sorted(time for tap in taps.values() for time in tap.times_ns)
    wires = [next(ns for ns in sent if ns >= called) - called for called, _ in told["times"]]
    backs = [back - called for called, back in told["times"]]
    return {"wire": [ns / 1e3 for ns in wires], "reply": [ns / 1e3 for ns in backs], "cpu": [told["cpu_us"]]}


def main() -> None:
    if not FOREIGN.exists():
        sys.exit("other people's clients are not installed: make foreign")
    for title, sides in WAYS.items():
        times: dict[str, dict[str, list[float]]] = {name: {} for name, *_ in sides}
        for _ in range(TURNS):
            for name, python, script, side in sides:
                for what, several in asyncio.run(run(python, script, side)).items():
                    times[name].setdefault(what, []).extend(several)
        middle = {name: {what: median(several) for what, several in each.items()} for name, each in times.items()}
        bare = next(each for name, each in middle.items() if name.startswith("bare"))
        rows = [
            (name, *(f"{us:,.0f} us {us / bare[what]:6.1f} x" for what, us in each.items()))
            for name, each in middle.items()
        ]
        show(f"{title}; x bare", ("call to wire", "call to reply", "CPU"), rows)


if __name__ == "__main__":
    main()
