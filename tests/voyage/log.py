"""What a voyage leaves behind: a hash of all that was published, and every breach of an invariant, with its moment."""

from __future__ import annotations

import hashlib
from collections import Counter

KEPT = 30  # breaches told in full; more are only counted


class Log:
    """`is_blind`: nothing is judged, only the trace is kept: for the second run of a seed."""

    def __init__(self, seed: int, is_blind: bool = False) -> None:
        self.seed, self.is_blind = seed, is_blind
        self.breaches: list[str] = []
        self.count = 0
        self.heard: Counter[str] = Counter()  # kinds of events
        self.struck: set[str] = set()  # kinds of troubles that did something
        self.words: Counter[str] = Counter()  # kinds of health events
        self.topics = 0  # that were subscribed
        self._trace = hashlib.sha256()

    def note(self, kind: str, at_ns: int, *what: object) -> None:
        """Something was published at this moment."""
        self.heard[kind] += 1
        self._trace.update(f"{kind} {at_ns} {what}\n".encode())

    def breach(self, at_ns: int, what: str) -> None:
        self.count += 1
        if len(self.breaches) < KEPT:
            self.breaches.append(f"at {at_ns / 1e9:.3f} s: {what}")

    @property
    def trace(self) -> str:
        return self._trace.hexdigest()

    def __repr__(self) -> str:
        return f"<Log of seed {self.seed}: {sum(self.heard.values())} events, {self.count} breaches>"
