"""Facts on their way to disk: folded in the order of the journal, told after they are there, kept until they are."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from fairlead.core import facts
from fairlead.core.account import Account
from fairlead.engine.chores import Chores
from fairlead.engine.scribe import AGAIN_MS, BATCH_MOST, Scribe
from fairlead.engine.timing import VenueTime
from fairlead.errors import JournalFailed
from fairlead.io.clock import VirtualClock, run_virtual
from tests.engine.harbour import Paper


class Slow(Paper):
    """A journal that takes longer for longer lines: who waits for it wakes in another order."""

    async def append(self, bodies: Any) -> int:
        done = await super().append(bodies)
        await asyncio.sleep(0.001 * (50 - done))
        return done


def frozen(number: int) -> facts.Frozen:
    return facts.Frozen(venue="v", account="a", at_ns=number, symbol=str(number), why="odd")


def written(work: Any, journal: Paper, seed: int | None = None) -> tuple[list[int], list[str]]:
    """The numbers in the order of folding, and what was told of trouble."""
    folded: list[int] = []
    trouble: list[str] = []
    account = Account("v", "a")

    def fold(fact: facts.AnyFact, seq: int) -> Any:
        folded.append(seq)
        return account.take(fact, seq)

    async def main() -> None:
        chores = Chores(lambda where, blunder: pytest.fail(f"{where}: {blunder!r}"))
        time = VenueTime(VirtualClock())
        scribe = Scribe(journal, time, chores, fold, lambda turn: None, lambda why, _: trouble.append(why))
        await work(scribe)
        await scribe.drained()
        await chores.close()

    run_virtual(main, seed)
    return folded, trouble


@pytest.mark.parametrize("seed", range(5))
def test_facts_fold_in_the_order_of_the_journal(seed: int) -> None:
    """If this failed, what we know would differ from what the next process reads."""

    async def work(scribe: Scribe) -> None:
        kept = [scribe.keep(frozen(number)) for number in range(10)]
        await asyncio.gather(*(scribe.write(frozen(number)) for number in range(20)), *kept)

    folded, _ = written(work, Slow(), seed)
    assert folded == list(range(1, 31))


def test_what_could_not_be_written_is_not_folded_and_does_not_hold_up_the_rest() -> None:
    """If this failed, an order that is on no disk would be believed, or everything after it wait for ever."""
    journal = Paper()

    async def work(scribe: Scribe) -> None:
        journal.fails = 1
        results = await asyncio.gather(*(scribe.write(frozen(number)) for number in range(3)), return_exceptions=True)
        assert [isinstance(one, JournalFailed) for one in results] == [True, False, False]

    folded, _ = written(work, journal)
    assert folded == [1, 2]


def test_what_has_happened_is_tried_until_it_is_written() -> None:
    """If this failed, a fill heard while the disk was full would be lost."""
    journal = Paper()

    async def work(scribe: Scribe) -> None:
        journal.fails = 3
        began = asyncio.get_running_loop().time()
        await scribe.keep(frozen(1), frozen(2))
        assert asyncio.get_running_loop().time() - began == pytest.approx(3 * AGAIN_MS / 1000)
        assert scribe.ails == ""

    folded, trouble = written(work, journal)
    assert (folded, trouble) == ([1, 2], ["The disk is full.", ""])


def test_who_is_asked_what_to_write_knows_all_that_was_heard_before() -> None:
    """If this failed, what is told twice at once would be written twice."""
    seen: list[Decimal] = []

    async def work(scribe: Scribe) -> None:
        for number in range(3):
            scribe.hear(lambda number=number: [frozen(number)] if len(seen) <= number else [])  # type: ignore[misc]
            await scribe.drained()
            seen.append(Decimal(number))

    folded, _ = written(work, Paper())
    assert folded == [1, 2, 3]


def test_what_was_read_at_once_is_written_in_parts() -> None:
    """If this failed, a long reading after a long absence could never be written, and nothing after it either."""

    class Narrow(Paper):
        async def append(self, bodies: Any) -> int:
            if len(bodies) > BATCH_MOST:
                raise JournalFailed("too much at once")
            return await super().append(bodies)

    async def work(scribe: Scribe) -> None:
        await scribe.keep(*(frozen(number) for number in range(2 * BATCH_MOST + 1)))

    folded, trouble = written(work, Narrow())
    assert (len(folded), trouble) == (2 * BATCH_MOST + 1, [])
