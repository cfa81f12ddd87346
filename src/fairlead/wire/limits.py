"""What a venue allows: budgets as data, what a question costs, and what the venue tells about its use."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Window(StrEnum):
    FIXED = "fixed"  # reset at multiples of its length, on the venue's clock
    SLIDING = "sliding"
    DECAYING = "decaying"  # a counter that falls by `units` every `per_ms`, refused above `most`
    TOKENS = "tokens"  # a bucket of `units`, filled evenly over `per_ms`


class Budget(Struct, frozen=True):
    name: str
    units: int
    per_ms: int
    window: Window
    of: str  # ip, key, account, instrument, connection: who shares it
    most: int = 0  # DECAYING: the threshold; elsewhere `units`


class Charge(Struct, frozen=True):
    budget: str
    units: int = 1
    of: str = ""  # the instrument, where the budget is per instrument


class Reading(Struct, frozen=True):
    """What the venue says has been used, or that it wants quiet."""

    budget: str
    used: int = -1
    limit: int = -1
    quiet_ms: int = 0  # from now
    quiet_until_ms: int = 0  # on the venue's clock
    banned: bool = False
