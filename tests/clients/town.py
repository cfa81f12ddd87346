"""A city on loopback in a thread of its own, and a guest from another interpreter that visits it."""

from __future__ import annotations

import asyncio
import json
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from fairlead.io.clock import RealClock, seeded
from fairlead.sim.city import City
from fairlead.sim.listing import Listing
from fairlead.sim.markets import usual
from fairlead.sim.server.gates import announced
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from fairlead.venues import registry

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
ANSWER_WAIT_S = 40.0
TRADES_HZ = 8.0


class Town:
    """Of all venues, or of some."""

    def __init__(self, *names: str) -> None:
        self._names = names or tuple(registry.names())
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._up: queue.SimpleQueue[tuple[City, Mapping[str, Any]]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, name="a city")

    def __enter__(self) -> Town:
        self._thread.start()
        self.city, self.venues = self._up.get(timeout=ANSWER_WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def do(self, what: Callable[[City], T]) -> T:
        """In the city's own thread, between two of its steps."""

        async def doing() -> T:
            return what(self.city)

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(ANSWER_WAIT_S)

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        clock = RealClock()
        city = City(self._names, World(1, _busy(self._names), clock.wall_ns()), clock, seeded(1))
        async with Served(city, clock) as served:
            self._up.put((city, announced(city, served.addresses)["venues"]))
            await self._over.wait()


def _busy(names: Sequence[str]) -> Iterator[Listing]:
    """The usual markets with more takers, so that nobody has to wait long for a trade."""
    return (replace(one, trades_hz=TRADES_HZ) for one in usual(names))


class Refused(Exception):
    """The guest's client raised; `kinds` are the exception's classes, the nearest first."""

    def __init__(self, kinds: list[str], why: str) -> None:
        super().__init__(f"{kinds[0]}: {why}")
        self.kinds, self.why = kinds, why


class Guest:
    """The process of other people's clients."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self._names = process, count(1)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="a guest's words", daemon=True)
        self._listener.start()

    def open(self, kind: str, venue: str, at: Mapping[str, Any], **config: Any) -> Client:
        name = f"{kind} {next(self._names)}"
        self.ask({"open": name, "kind": kind, "venue": venue, "at": at, "config": config})
        return Client(self, name)

    def ask(self, line: Mapping[str, Any]) -> list[Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._lines.get(timeout=ANSWER_WAIT_S))
        if "refused" in answer:
            raise Refused(answer["refused"], answer["why"])
        said: list[Any] = answer["said"]
        return said

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)


class Client:
    """One client of the guest's: its methods are the client's own."""

    def __init__(self, guest: Guest, name: str) -> None:
        self._guest, self._name = guest, name

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return lambda *args, **named: self.each(1, verb, *args, **named)[0]

    def each(self, times: int, verb: str, *args: Any, **named: Any) -> list[Any]:
        """What it gives when called so many times in a row."""
        return self._guest.ask({"call": self._name, "verb": verb, "args": args, "named": named, "times": times})


@contextmanager
def visiting(python: Path) -> Iterator[Guest]:
    process = subprocess.Popen(
        [python, "-m", "tests.clients.guest"], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    with process:
        try:
            yield Guest(process)
        finally:  # or whatever failed would wait for a guest that waits for its next line
            process.stdin.close()
            process.wait(ANSWER_WAIT_S)
    assert process.returncode == 0


# ---- ccxt

OPTIONS: Mapping[str, Mapping[str, Any]] = {  # spot alone, and what asks for a login left out
    "binance": {
        "defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False,
    },
    "kraken": {"watchOrderBook": {"checksum": True}},
    "okx": {"fetchMarkets": {"types": ["spot", "swap"]}},
}  # fmt: skip
# The decimals of BTC/USDT's prices and quantities; and a pace that the venue allows for a while.
MORE: Mapping[str, Mapping[str, Any]] = {"kraken": {"decimals": (2, 5), "rateLimit": 300}}


def dial(guest: Guest, town: Town, venue: str, **changed: Any) -> Client:
    """A venue's ccxt with the town's addresses and demo key; `changed` is what it is configured with otherwise."""
    at = town.venues[venue]
    key = at["key"]
    config = {"apiKey": key["key"], "secret": key["secret"], "password": key.get("passphrase", "")}
    return guest.open("ccxt", venue, at, **{"options": OPTIONS[venue], **config, **MORE.get(venue, {}), **changed})
