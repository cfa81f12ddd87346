"""Voyages: ten virtual minutes on three venues in a storm, seed by seed, each twice; nothing untrue is ever believed.

FAIRLEAD_SEEDS says how many seeds (300), FAIRLEAD_SEED sails that one alone; `make proof` sails 2,000."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.voyage.log import Log
from tests.voyage.plan import KINDS_LEAST, LEAST
from tests.voyage.voyage import sail

CHUNK = 10  # seeds of one test: small enough to share out among workers
ONE = os.environ.get("FAIRLEAD_SEED", "")
SEEDS = int(os.environ.get("FAIRLEAD_SEEDS", "300"))
PROOF_SEEDS = int(os.environ.get("FAIRLEAD_SEEDS", "2000"))
CALM_SEEDS = range(9_000, 9_006)
KEPT = tuple(int(line) for line in (Path(__file__).parent / "seeds.txt").read_text().split())  # failed once, each


def chunks(count: int) -> list[range]:
    if ONE:
        return [range(int(ONE), int(ONE) + 1)]
    return [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]


def told(log: Log) -> str:
    lines = [f"seed {log.seed} broke {log.count} times; again: FAIRLEAD_SEED={log.seed} .venv/bin/pytest tests/voyage"]
    return "\n  ".join([*lines, *log.breaches])


def sail_twice(seed: int) -> Log:
    first, second = sail(seed), sail(seed, blind=True)
    assert not first.count, told(first)
    assert first.trace == second.trace, f"seed {seed} gave two histories"
    return first


@pytest.mark.parametrize("seeds", chunks(SEEDS), ids=str)
def test_a_storm_brings_nothing_untrue(seeds: range) -> None:
    """If this failed, a bot could trade on a book, a trade or a candle that the venue never had."""
    kinds = [len(sail_twice(seed).struck) for seed in seeds]
    assert min(kinds) >= 5, "a voyage needs five kinds of trouble that really struck"


@pytest.mark.proof
@pytest.mark.parametrize("seeds", chunks(PROOF_SEEDS), ids=str)
def test_two_thousand_storms_bring_nothing_untrue(seeds: range) -> None:
    """If this failed, what one storm in a thousand brings could reach a bot."""
    for seed in seeds:
        sail_twice(seed)


@pytest.mark.parametrize("seed", KEPT)
def test_a_seed_that_failed_once_fails_no_more(seed: int) -> None:
    """If this failed, a defect that a voyage had found would be back."""
    sail_twice(seed)


@pytest.mark.parametrize("seed", CALM_SEEDS)
def test_a_calm_voyage_has_no_events(seed: int) -> None:
    """If this failed, a healthy market would be called stale, resynced or odd, and trust in those words be lost."""
    log = sail(seed, calm=True)
    assert not log.count, told(log)
    assert log.words.keys() <= {"Connected", "Resynced"}
    assert log.words["Resynced"] == log.topics, "a topic that begins is told once; anything more is a resync"


def test_one_seed_is_one_storm_and_seeds_differ() -> None:
    """If this failed, many seeds would prove no more than one, or a failure could not be replayed."""
    logs = [sail(seed, calm=True) for seed in (1, 1, 2)]
    assert logs[0].trace == logs[1].trace != logs[2].trace


def test_a_storm_has_the_troubles_it_should() -> None:
    """If this failed, voyages could be green because nothing went wrong on them."""
    assert LEAST >= 10
    assert KINDS_LEAST >= 5
