"""Who minds an account's orders: the venue's own switch on each simulated venue, or a watchdog; and what is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairlead.core.deadman import Keeper, Safety
from fairlead.engine import minder as minding
from fairlead.engine.bench import Bench
from fairlead.engine.leash import Leash
from fairlead.engine.minder import OFF_WAIT_S, Minder
from fairlead.errors import Misuse
from fairlead.model import events
from fairlead.venues import registry
from fairlead.wire.asks import Op
from tests.engine.harbour import Paper
from tests.engine.kennel import OURS, Kennel, watched
from tests.engine.test_leash import TRADED, Street, street

SWITCHED = [name for name in TRADED if Op.DEAD_MAN in registry.venue(name).endpoints]
each_switch = pytest.mark.parametrize("name", SWITCHED)
TIMEOUT_MS = 20_000
ALONE = Safety(dead_man=True, alone=True, timeout_ms=TIMEOUT_MS)


class Mind:
    """A minder, what it told, and why it wanted everything looked at."""

    def __init__(self, over: Kennel | Street, safety: Safety = ALONE) -> None:
        self.bench = Bench(over.desk, "bot-a", Paper())
        self.told: list[events.Health] = []
        over.desk.tell = self.told.append
        self.reasons: list[str] = []
        self.leashes: list[Leash] = []
        self._post = over.post
        self.minder = Minder(safety, self.bench, self.reasons.append)

    def words(self) -> list[str]:
        kinds = (events.Minded, events.Unminded, events.Swept)
        return [type(one).__name__ for one in self.told if isinstance(one, kinds)]


@each_switch
def test_while_we_live_the_venues_switch_does_not_strike(name: str) -> None:
    """If this failed, the safety net itself would cancel the orders of a healthy program."""

    async def visit(kennel: Kennel) -> None:
        mind = Mind(kennel)
        await mind.minder.open()
        await kennel.place(OURS + "1")
        await kennel.wait(10 * TIMEOUT_MS)
        assert await kennel.open_orders() == {OURS + "1"}
        assert (mind.words(), mind.reasons) == (["Minded"], [])
        assert "Keeper" not in repr(mind.minder)
        await mind.bench.chores.close()
        await kennel.wait(TIMEOUT_MS + 10_000)  # now we are dead
        assert await kennel.open_orders() == set()

    watched(name, visit)


@each_switch
def test_when_it_may_have_struck_everything_is_reconciled(name: str) -> None:
    """If this failed, we would take for open what the venue has cancelled."""

    async def visit(kennel: Kennel) -> None:
        mind = Mind(kennel)
        await mind.minder.open()
        await kennel.place(OURS + "1")
        await kennel.wait(TIMEOUT_MS)
        kennel.disturb("dead man", 2 * TIMEOUT_MS)
        await kennel.wait(2 * TIMEOUT_MS - 1_000)
        assert mind.words() == ["Minded", "Unminded", "Swept"]
        assert await kennel.open_orders() == set()
        await kennel.wait(10_000)
        assert mind.words() == ["Minded", "Unminded", "Swept", "Swept", "Minded"]
        assert len(mind.reasons) == 2
        assert "we could not say in time that we live" in mind.reasons[0]
        await mind.bench.chores.close()

    watched(name, visit)


@each_switch
def test_a_peaceful_end_and_a_maintenance_take_it_off(name: str) -> None:
    """If this failed, every clean end would cancel what was meant to stay."""

    async def visit(kennel: Kennel) -> None:
        mind = Mind(kennel)
        await mind.minder.open()
        await kennel.place(OURS + "1")
        await kennel.wait(3_000)
        mind.minder.stand(False)
        await kennel.wait(3 * TIMEOUT_MS)
        assert mind.words() == ["Minded", "Unminded"]
        mind.minder.stand(True)
        await kennel.wait(3_000)
        assert mind.words() == ["Minded", "Unminded", "Minded"]
        await mind.minder.close()
        await mind.bench.chores.close()
        await kennel.wait(3 * TIMEOUT_MS)
        assert await kennel.open_orders() == {OURS + "1"}

    watched(name, visit)


def test_a_switch_that_cannot_be_taken_off_is_told() -> None:
    """If this failed, a program would leave a bomb behind and say nothing."""

    async def visit(kennel: Kennel) -> None:
        mind = Mind(kennel)
        await mind.minder.open()
        await kennel.wait(3_000)
        kennel.disturb("dead man", 600_000)
        await mind.minder.close()
        last = mind.told[-1]
        assert isinstance(last, events.Unminded)
        assert last.why == "it could not be switched off in time"
        assert OFF_WAIT_S * 1_000 < TIMEOUT_MS
        await mind.bench.chores.close()

    watched(SWITCHED[0], visit)


def test_nobody_minds_who_did_not_ask_and_nobody_is_told_so() -> None:
    """If this failed, a user who asked for nothing would have his orders cancelled."""

    async def visit(kennel: Kennel) -> None:
        mind = Mind(kennel, Safety())
        await mind.minder.open()
        await kennel.place(OURS + "1")
        await kennel.wait(10 * TIMEOUT_MS)
        await mind.minder.close()
        assert (await kennel.open_orders(), mind.words()) == ({OURS + "1"}, [])
        assert repr(mind.minder) == f"<Minder: {Keeper.NOBODY}>"

    watched(SWITCHED[0], visit)


def test_without_a_watchdog_others_orders_are_not_put_at_risk() -> None:
    """If this failed, the venue's switch would be armed on an account that others trade."""

    async def visit(kennel: Kennel) -> None:
        mind = Mind(kennel, Safety(dead_man=True))
        with pytest.raises(Misuse, match="There can be no watchdog here"):
            await mind.minder.open()

    watched(SWITCHED[0], visit)


async def test_a_watchdog_that_dies_is_followed_by_another(tmp_path: Path) -> None:
    """If this failed, one crash of the watchdog would leave nobody watching for good."""
    async with street(TRADED[0], tmp_path) as here:
        mind = Mind(here)
        clock = here.desk.time.clock
        minder = Minder(
            Safety(dead_man=True), mind.bench, mind.reasons.append, lambda tell: Leash(here.post, clock, tell)
        )
        await minder.open()
        assert mind.words() == ["Minded"]
        os.kill(here.report().pid, signal.SIGKILL)
        await here.until(lambda: mind.words() == ["Minded", "Unminded", "Minded"])
        assert "watched" in repr(minder)
        await minder.close()
        await mind.bench.chores.close()
        assert here.report().state == "left"
        assert mind.reasons == []


async def test_a_watchdog_that_cannot_begin_again_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a short trouble at the wrong moment would leave nobody watching, or a crowd of tries."""
    monkeypatch.setattr(minding, "AGAIN_S", 0.5)
    async with street(TRADED[0], tmp_path) as here:
        mind = Mind(here)
        clock = here.desk.time.clock
        posts = iter([here.post, replace(here.post, label="bot-b")])
        made = lambda tell: Leash(next(posts, here.post), clock, tell)  # noqa: E731
        minder = Minder(Safety(dead_man=True), mind.bench, mind.reasons.append, made)
        await minder.open()
        os.kill(here.report().pid, signal.SIGKILL)
        await here.until(lambda: mind.words() == ["Minded", "Unminded", "Unminded", "Minded"])
        failed = [one for one in mind.told if isinstance(one, events.Unminded)][-1]
        assert "did you mean bot-a" in failed.why
        await minder.close()
        await mind.bench.chores.close()
