"""What a voyage leaves behind: a hash of all that happened, every breach, and counts by venue; it judges nothing."""

from __future__ import annotations

import hashlib
from collections import Counter

from msgspec import Struct

KEPT = 30  # breaches told in full; more are only counted


class Tally(Struct):
    """Of one venue; `accepted`, `lost` and `doubled` by the venue's own ledger."""

    intents: int = 0
    accepted: int = 0
    lost: int = 0  # accepted, and not in the journal
    doubled: int = 0  # intents that became more than one order
    fills: int = 0
    unknown_left: int = 0
    frozen_left: int = 0
    calm: int = 0  # intents that no mishap touched
    calm_well: int = 0  # of these: ended as the ledger says, and in time
    doubt_s: float = 0.0  # the longest

    def add(self, other: Tally) -> None:
        for name in self.__struct_fields__:
            ours, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, max(ours, theirs) if name == "doubt_s" else ours + theirs)


class Log:
    """`is_blind`: nothing is judged, only the trace is kept: for the second run of a seed."""

    def __init__(self, seed: int, is_blind: bool = False) -> None:
        self.seed, self.is_blind = seed, is_blind
        self.breaches: list[str] = []
        self.count = 0
        self.words: Counter[str] = Counter()  # kinds of what happened
        self.struck: set[str] = set()  # kinds of troubles that did something
        self.tallies: dict[str, Tally] = {}
        self.odd: list[str] = []  # calm intents that did not end well
        self._trace = hashlib.sha256()

    def note(self, kind: str, at_ns: int, *what: object) -> None:
        """Something happened at this moment."""
        self.words[kind] += 1
        self._trace.update(f"{kind} {at_ns} {what}\n".encode())

    def breach(self, at_ns: int, what: str) -> None:
        if self.is_blind:
            return
        self.count += 1
        if len(self.breaches) < KEPT:
            self.breaches.append(f"at {at_ns / 1e9:.3f} s: {what}")

    @property
    def trace(self) -> str:
        return self._trace.hexdigest()

    def __repr__(self) -> str:
        return f"<Log of seed {self.seed}: {sum(self.words.values())} events, {self.count} breaches>"
