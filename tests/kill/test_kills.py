"""Real trading processes are killed for good at every step, and started again: nothing is lost, doubled or untold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path

import pytest

from fairlead.sim.truth import Accepted, Truth
from fairlead.venues import registry
from tests.kill import rounds
from tests.kill.rounds import STEPS, Step, killed

AT_ONCE = 8  # rounds: they mostly wait
ROUNDS = 100
NAMES = [name for name in registry.names() if registry.venue(name).door_for("orders")]
each_venue = pytest.mark.parametrize("name", NAMES)


async def breaches(name: str, steps: Iterable[Step], folder: Path) -> dict[str, list[str]]:
    """By step, where something must not be."""
    room, found = asyncio.Semaphore(AT_ONCE), dict[str, list[str]]()

    async def one(seed: int, step: Step) -> None:
        async with room:
            own = folder / str(seed)
            own.mkdir()
            if wrong := await killed(name, step, own, seed):
                found[f"{step.name}, seed {seed}"] = wrong

    async with asyncio.TaskGroup() as group:
        for seed, step in enumerate(steps, 1):
            group.create_task(one(seed, step))
    return found


@pytest.mark.timeout(400)
@each_venue
async def test_killed_at_each_step_nothing_is_lost_doubled_or_untold(name: str, tmp_path: Path) -> None:
    """If this failed, a crash at that step would orphan an order, double it, or hide what became of it."""
    assert await breaches(name, STEPS, tmp_path) == {}


@pytest.mark.proof
@each_venue
async def test_a_hundred_kills(name: str, tmp_path: Path) -> None:
    """If this failed, a moment that one round does not meet would lose or double an order."""
    assert await breaches(name, islice(cycle(STEPS), ROUNDS), tmp_path) == {}


def test_the_judge_sees() -> None:
    """If this failed, a lost, doubled or wrongly told order would pass for right."""
    truth = Truth()
    row = Accepted(1, "a", "BTC/USDT", "7", "fl1", 0, is_late=False, how="rest")
    truth.orders.append(row)
    right = {"fl1": {"client_id": "fl1", "life": "OPEN", "filled": "0"}}
    assert rounds.breaches(truth, right) == []
    assert "lost" in rounds.breaches(truth, {})[0]
    assert "the ledger says" in rounds.breaches(truth, {"fl1": {**right["fl1"], "life": "CANCELLED"}})[0]
    assert "never accepted" in rounds.breaches(truth, {**right, "fl2": {**right["fl1"], "client_id": "fl2"}})[0]
    assert "filled" in rounds.breaches(truth, {"fl1": {**right["fl1"], "filled": "0.1"}})[0]
    truth.orders.append(row)
    assert "doubled" in rounds.breaches(truth, right)[0]
