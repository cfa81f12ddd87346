"""A small city for tests: the toy venue, a world in virtual time, and a client that keeps what it hears."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.model.numbers import fixed
from fairlead.sim.city import City
from fairlead.sim.listing import Listing
from fairlead.sim.server.memory import Memory
from fairlead.sim.world import World
from fairlead.wire.face import Clock
from tests.conformance.toy import listed

T = TypeVar("T")
START_NS = 1_750_000_020_000_000_000


def listing(symbol: str, start: int, funding_hours: int = 0) -> Listing:
    return Listing("toy", symbol, Decimal(start), 2, 5, depth=50, trades_hz=2.0, funding_hours=funding_hours)


def toy_world(seed: int = 7) -> World:
    listings = [listing("BTC/USDT", 62_000), listing("ETH/USDT", 3_000), listing("BTC/USDT:USDT", 62_000, 8)]
    return World(seed, listings, START_NS)


def toy_city(clock: Clock, seed: int = 7) -> City:
    with listed():
        return City(["toy"], toy_world(seed), clock, seeded(seed))


def in_memory(
    visit: Callable[[City, Memory], Coroutine[Any, Any, T]], seed: int = 7, slots: int = 1, jitter_ms: float = 2.0
) -> T:
    """Runs a visit to the toy city in virtual time."""

    async def main() -> T:
        clock = VirtualClock()
        async with Memory(toy_city(clock, seed), clock, seeded(seed + 1), slots=slots, jitter_ms=jitter_ms) as memory:
            return await visit(memory.city, memory)

    return run_virtual(main)


class Client:
    """A WsListener."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.ends: list[tuple[int, str]] = []
        self.is_open = False

    def opened(self) -> None:
        self.is_open = True

    def frame(self, payload: bytes, seen_ns: int) -> None:
        self.frames.append(payload)

    def closed(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))

    @property
    def words(self) -> list[dict[str, Any]]:
        """Every frame that is an object."""
        found = []
        for frame in self.frames:
            try:
                found.append(msgspec.json.decode(frame, type=dict[str, Any]))
            except (msgspec.DecodeError, UnicodeDecodeError):
                found.append({"unreadable": frame})
        return found

    def events(self, topic: str) -> list[dict[str, Any]]:
        return [counted(word["event"]) for word in self.words if word.get("topic") == topic]


def counted(event: dict[str, Any]) -> dict[str, Any]:
    """A book's levels as the world counts them: in units of the listing's last decimals."""
    sides: dict[str, Any] = {
        side: [[fixed(price, 2), fixed(qty, 5)] for price, qty in event[side]]
        for side in ("bids", "asks")
        if side in event
    }
    return {**event, **sides}
