"""The venues as the demo sees them: a minute has no time for how long the real ones may keep silent about an order.

Simulated venues answer with what is true at that moment, so that no reading of theirs has to be waited for."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from msgspec.structs import replace

from fairlead.cli.words import length
from fairlead.venues import registry
from fairlead.wire.venue import Settle, Venue

FENCE_MS, ENGINE_MS, LAG_MS = 2_000, 250, 250
PROOF_MS = FENCE_MS + ENGINE_MS + LAG_MS


def hurried(names: Iterable[str]) -> AbstractContextManager[None]:
    """While it lasts, silence becomes proof this soon."""
    return registry.instead([_hurried(name) for name in names])


def settled(names: Iterable[str]) -> str:
    """What a viewer must know: before anything is hurried."""
    real_s = sorted(_proof_ms(registry.venue(name).settle) / 1000 for name in names)
    real = f"{real_s[0]:.0f} to {real_s[-1]:.0f} s"
    return f"Shortened for the demo: silence is proof after {length(PROOF_MS)}, not after {real} as on real venues."


def _hurried(name: str) -> Venue:
    venue = registry.venue(name)
    settle = Settle(fence_min_ms=venue.settle.fence_min_ms, fence_ms=FENCE_MS, engine_ms=ENGINE_MS, lag_ms=LAG_MS)
    return replace(venue, settle=settle)


def _proof_ms(settle: Settle) -> int:
    """From when it is sent."""
    return settle.fence_ms + settle.engine_ms + settle.lag_ms
