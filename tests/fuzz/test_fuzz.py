"""Spoilt texts for every decoder: it may say that it cannot read one, and must not otherwise be moved."""

from __future__ import annotations

import gc
import resource
import sys
import traceback
import tracemalloc
from collections.abc import Callable

import pytest

from tests.conftest import Figure
from tests.fuzz import rooms, venues
from tests.fuzz.mutants import Mutants
from tests.fuzz.target import Target

ALL = (*venues.targets(), *rooms.targets())
LASTING = tuple(target for target in ALL if target.lasts)
SHARES = sum(target.share for target in ALL)
EVERYDAY, EVERYDAY_PARTS = 800_000, 4
PROOF, PROOF_PARTS = 10_000_000, 40
ROUND = 100  # texts that one machine takes before a fresh one stands in
SHOWN = 10  # of what broke
GROWTH_MOST_BYTES = 64 << 20  # of a process that has taken a quarter of its texts already
KEPT_MOST_BYTES = 256 << 10  # of one machine after its first texts


def fuzz(target: Target, seed: str, count: int) -> list[str]:
    """What broke, each with the text that did it."""
    found: list[str] = []
    mutants = Mutants(target.truths, f"{target.name} {seed}", target.others)
    for first in range(0, count, ROUND):
        take = target.arm()
        for _ in range(min(ROUND, count - first)):
            text = mutants.next()
            try:
                take(text)
            except Exception as broke:  # noqa: BLE001  whatever it is: each target has caught what is allowed
                last = traceback.extract_tb(broke.__traceback__)[-1]
                found.append(f"{target.name}: {broke!r:.200} at {last.filename}:{last.lineno} over {text!r:.2000}")
                take = target.arm()
    return found


def _part(seed: str, count: int, figure: Figure) -> None:
    """So many texts over all targets, by their shares."""
    inputs, found, early = 0, list[str](), 0
    for at, target in enumerate(ALL):
        some = -(-count * target.share // SHARES)
        found += fuzz(target, seed, some)
        inputs += some
        if at == len(ALL) // 4:
            early = _peak_bytes()
    figure("fuzz: inputs", inputs)
    figure("fuzz: crashes", len(found))
    assert not found, "\n\n".join(found[:SHOWN])
    assert _peak_bytes() - early < GROWTH_MOST_BYTES


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@pytest.mark.parametrize("part", range(EVERYDAY_PARTS))
def test_no_text_breaks_a_decoder(part: int, figure: Figure) -> None:
    """If this failed, a venue, a proxy or a client could stop a stream, a simulator or a command by what it sends."""
    _part(f"everyday {part}", EVERYDAY // EVERYDAY_PARTS, figure)


@pytest.mark.proof
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("part", range(PROOF_PARTS))
def test_no_text_of_ten_million_breaks_a_decoder(part: int, figure: Figure) -> None:
    """If this failed, a rare text would do what the everyday run is too short to find."""
    _part(f"proof {part}", PROOF // PROOF_PARTS, figure)


@pytest.mark.parametrize("target", LASTING, ids=lambda target: target.name)
def test_a_connection_keeps_nothing_of_what_it_cannot_use(target: Target) -> None:
    """If this failed, whoever sends nonsense for long enough could fill the memory."""
    mutants = Mutants(target.truths, target.name, target.others)
    take = target.arm()
    tracemalloc.start()
    try:
        for text in [mutants.next() for _ in range(400)]:
            take(text)
        # What leaks grows in every round; what the interpreter keeps once, it keeps once.
        assert min(_growth_bytes(take, mutants) for _ in range(3)) < KEPT_MOST_BYTES
    finally:
        tracemalloc.stop()


def _growth_bytes(take: Callable[[bytes], object], mutants: Mutants) -> int:
    before = _traced_bytes()
    for _ in range(800):
        take(mutants.next())
    return _traced_bytes() - before


def _traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_what_breaks_is_found_and_told_with_its_text() -> None:
    """If this failed, all of the above could be green over decoders that break."""

    def take(text: bytes) -> None:
        if b"NaN" in text:
            raise KeyError(text)

    found = fuzz(Target("planted", [b'{"a":1,"b":"x"}'], lambda: take), "seed", 2_000)
    assert found
    assert all(one.startswith("planted: KeyError(") for one in found)
