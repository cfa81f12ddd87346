"""Voyages with orders: bots through storms, seed by seed, each twice; the venues' own ledgers find nothing amiss.

FAIRLEAD_ORDER_SEEDS says how many seeds (300), FAIRLEAD_SEED sails that one alone; `make proof` sails 10,000."""

from __future__ import annotations

import os

import pytest

from fairlead.cli.voyage.command import CALM_PERCENT, again
from fairlead.cli.voyage.log import Log, Tally
from fairlead.cli.voyage.troubles import LEAST
from fairlead.cli.voyage.voyage import sail

CHUNK = 10
CALM_SEEDS = range(7_000, 7_006)
ONE = os.environ.get("FAIRLEAD_SEED", "")
SEEDS = int(os.environ.get("FAIRLEAD_ORDER_SEEDS", "300"))
PROOF_SEEDS = int(os.environ.get("FAIRLEAD_ORDER_SEEDS", "10000"))


def chunks(count: int) -> list[range]:
    if ONE:
        return [range(int(ONE), int(ONE) + 1)]
    return [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]


def told(log: Log) -> str:
    return "\n  ".join([f"seed {log.seed} broke {log.count} times; again: {again(log.seed)}", *log.breaches])


def sail_twice(seed: int) -> Log:
    first, second = sail(seed), sail(seed, blind=True)
    assert not first.count, told(first)
    assert first.trace == second.trace, f"seed {seed} gave two histories"
    return first


def summed(logs: list[Log]) -> Tally:
    total = Tally()
    for log in logs:
        for tally in log.tallies.values():
            total.add(tally)
    return total


@pytest.mark.parametrize("seeds", chunks(SEEDS), ids=str)
def test_a_storm_loses_doubles_and_guesses_nothing(seeds: range) -> None:
    """If this failed, an order could be lost, doubled or believed to be what it is not."""
    logs = [sail_twice(seed) for seed in seeds]
    total = summed(logs)
    assert (total.lost, total.doubled, total.unknown_left, total.frozen_left) == (0, 0, 0, 0)
    assert min(total.intents, total.accepted, total.fills) > 0
    odd = [f"seed {log.seed}: {what}" for log in logs for what in log.odd]
    assert len(seeds) < CHUNK or total.calm_well * 100 >= total.calm * CALM_PERCENT, odd


@pytest.mark.proof
@pytest.mark.parametrize("seeds", chunks(PROOF_SEEDS), ids=str)
def test_ten_thousand_storms_lose_double_and_guess_nothing(seeds: range) -> None:
    """If this failed, what one storm in a thousand brings could cost money."""
    for seed in seeds:
        sail_twice(seed)


@pytest.mark.parametrize("seed", CALM_SEEDS)
def test_in_a_calm_every_order_ends_as_the_ledger_says_and_in_time(seed: int) -> None:
    """If this failed, caution alone would keep a bot from trading, or a venue's limits be met by our own fault."""
    log = sail(seed, calm=True)
    assert not log.count, told(log)
    total = summed([log])
    assert total.calm_well == total.calm > 10, log.odd
    assert total.accepted == total.intents
    assert not {"OrderOdd", "Disagreed", "Unreconciled", "Throttled"} & log.words.keys()


def test_one_seed_is_one_storm_and_seeds_differ() -> None:
    """If this failed, many seeds would prove no more than one, or a failure could not be replayed."""
    logs = [sail(seed, blind=True) for seed in (1, 1, 2)]
    assert logs[0].trace == logs[1].trace != logs[2].trace
    assert len(logs[0].struck) >= LEAST - 1, "two of its troubles may be of one kind"


def test_a_venue_can_be_chosen() -> None:
    """If this failed, one venue's defect could not be looked for alone."""
    assert sail(3, venues=("okx",), blind=True).struck
