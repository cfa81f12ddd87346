"""Chance by name: numbers that follow from a seed and a name alone; it never keeps a generator that callers share.

A name may be a day or a minute, so any moment of the past can be asked for without living up to it, and one market
draws the same numbers whatever the others do."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import shake_128
from struct import unpack

WORD = 1 << 32  # every word is at least 0 and below this
_BLOCK_WORDS = 1_024


def words(count: int, seed: int, *name: object) -> tuple[int, ...]:
    """The first `count` words under a name."""
    key = "/".join(map(str, (seed, *name))).encode()
    return unpack(f"<{count}I", shake_128(key).digest(4 * count))


def stream(seed: int, *name: object) -> Iterator[int]:
    """Words under a name without end."""
    block = 0
    while True:
        yield from words(_BLOCK_WORDS, seed, *name, block)
        block += 1
