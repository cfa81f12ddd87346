"""Which of a venue's alternate hosts to use: the nearest that works; it never dials and never asks one on its own."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp2

from msgspec import Struct

MS = 1_000_000
SUPPOSED_MS = 500.0  # how far an address is thought to be that nobody has measured: a slower one makes it worth a try
NEWS = 0.2  # how much one round trip counts against all before it
PENALTY_MS = 5_000.0  # what one failure costs, in milliseconds of distance
PENALTY_MOST_MS = 60_000.0
HALF_LIFE_MS = 30_000.0  # after this long a failure weighs half
CLEARLY = 0.7  # another must cost less than this part of what the present one costs ...
CLEARLY_MS = 10.0  # ... and be nearer by this much


class Score(Struct, frozen=True):
    """An address as a view shows it."""

    address: str
    rtt_ms: float  # smoothed; 0: never measured
    penalty_ms: float  # what its failures still weigh
    failures: int
    held: bool  # the one in use


class Routes:
    """The addresses of one host, best first as the venue names them; with one address it always answers that."""

    def __init__(self, addresses: Sequence[str]) -> None:
        if not addresses:
            raise ValueError("a host without an address")
        self._ways = {address: _Way() for address in addresses}
        self._held = addresses[0]
        self._fell = False  # the held one failed: whatever costs least is better, however little

    def best(self, mono_ns: int) -> str:
        """The address to use now. It changes when the present one failed, or another is clearly better."""
        costs = {address: way.cost(mono_ns) for address, way in self._ways.items()}
        least, present = min(costs, key=costs.__getitem__), costs[self._held]
        if self._fell or (costs[least] < present * CLEARLY and costs[least] < present - CLEARLY_MS):
            self._held = least
        self._fell = False
        return self._held

    def worked(self, address: str, rtt_ms: float, mono_ns: int) -> None:
        """A round trip to it took so long. What it failed before still counts until time has worn it off."""
        way = self._ways[address]
        way.settle(mono_ns)
        way.rtt_ms = rtt_ms if way.rtt_ms < 0 else way.rtt_ms + NEWS * (rtt_ms - way.rtt_ms)

    def failed(self, address: str, mono_ns: int) -> None:
        """It refused, broke, or did not answer."""
        way = self._ways[address]
        way.settle(mono_ns)
        way.penalty_ms = min(PENALTY_MOST_MS, way.penalty_ms + PENALTY_MS)
        way.failures += 1
        self._fell = self._fell or address == self._held

    def scores(self, mono_ns: int) -> tuple[Score, ...]:
        return tuple(
            Score(address, max(0.0, way.rtt_ms), way.worn_ms(mono_ns), way.failures, address == self._held)
            for address, way in self._ways.items()
        )

    def __repr__(self) -> str:
        failures = sum(way.failures for way in self._ways.values())
        return f"<Routes: {self._held}, one of {len(self._ways)}, {failures} failures>"


class _Way:
    """What is known of one address."""

    __slots__ = ("at_ns", "failures", "penalty_ms", "rtt_ms")

    def __init__(self) -> None:
        self.rtt_ms, self.penalty_ms, self.failures, self.at_ns = -1.0, 0.0, 0, 0

    def worn_ms(self, mono_ns: int) -> float:
        return self.penalty_ms * exp2(-max(0, mono_ns - self.at_ns) / (HALF_LIFE_MS * MS))

    def settle(self, mono_ns: int) -> None:
        self.penalty_ms, self.at_ns = self.worn_ms(mono_ns), mono_ns

    def cost(self, mono_ns: int) -> float:
        return (SUPPOSED_MS if self.rtt_ms < 0 else self.rtt_ms) + self.worn_ms(mono_ns)
