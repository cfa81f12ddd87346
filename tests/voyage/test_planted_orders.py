"""Defects of trading planted on purpose: each must be found by the voyages' checker within a few seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fairlead.cli.voyage.paper import Paper
from fairlead.cli.voyage.voyage import sail
from fairlead.core import facts, track
from fairlead.core.doubt import Doubt
from fairlead.core.track import Track
from fairlead.engine.placing import Placing
from fairlead.engine.steps import Steps
from fairlead.model.order import Life

SEEDS = 25  # from the first on that each names; all of them within 200

Plant = Callable[[pytest.MonkeyPatch], None]


def no_fence(patch: pytest.MonkeyPatch) -> None:
    """Silence is proof at once: nobody waits until the order can no longer arrive."""
    real = Doubt.__init__

    def begin(doubt: Doubt, *args: Any, asked_ms: int, **more: Any) -> None:
        real(doubt, *args, asked_ms=asked_ms, **more)
        doubt.settled_ms = asked_ms

    patch.setattr(Doubt, "__init__", begin)


def resend_on_timeout(patch: pytest.MonkeyPatch) -> None:
    real = Placing._unsure

    async def unsure(placing: Placing, names: list[str], why: str, fault: Any) -> None:
        await real(placing, names, why, fault)
        bench = placing._bench
        order = bench.account.tracks[names[0]].order
        if order.life is Life.UNKNOWN and order.attempt < 3:
            await placing._attempt(bench.account.tracks[names[0]].intended, order.attempt + 1, bench.now_ms + 5_000)

    patch.setattr(Placing, "_unsure", unsure)


def fills_by_status(patch: pytest.MonkeyPatch) -> None:
    """A fill that does not change the order's state is taken for a repetition."""
    real = Track.is_news
    patch.setattr(Track, "is_news", lambda one, fill: real(one, fill) and one.order.life is not Life.PARTIAL)


def journal_after_send(patch: pytest.MonkeyPatch) -> None:
    async def sending(steps: Steps, question: Any, by: str) -> None:
        bench = steps._bench
        await steps._write(*steps._intents())
        steps.is_sent = True

        async def later() -> None:
            await bench.time.clock.sleep(0.5)
            name, until_ms = question.client_id, question.until_ms
            await bench.scribe.keep(bench.fact(facts.Sending, client_id=name, attempt=1, until_ms=until_ms, by=by))

        bench.chores.spawn(later(), "written down later")

    patch.setattr(Steps, "sending", sending)


def no_lock(patch: pytest.MonkeyPatch) -> None:
    """Two processes may trade one account."""
    patch.setattr(Paper, "take", lambda paper, pen: None)


def absence_from_one_read(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Doubt, "take", lambda doubt, sighting: "" if sighting.report else "it was not shown")


def fills_twice(patch: pytest.MonkeyPatch) -> None:
    """What the stream told and what was read are two fills."""
    patch.setattr(track, "name_of", lambda fill: (fill.symbol, fill.order_id, f"{fill.id} {fill.seen_ns}"))


PLANTS: dict[Plant, tuple[int, str]] = {  # the seed to begin with, and what the checker says
    no_fence: (10, "which was told NOT_ACCEPTED"),
    resend_on_timeout: (2, "its absence was not proven"),
    fills_by_status: (8, "does not end"),
    journal_after_send: (0, "the journal does not say that it was sent"),
    no_lock: (12, "two programs trade one account"),
    absence_from_one_read: (10, "NOT_ACCEPTED"),
    fills_twice: (0, "filled"),
}


@pytest.mark.parametrize(("plant", "found"), PLANTS.items(), ids=[plant.__name__ for plant in PLANTS])
def test_a_planted_defect_of_trading_is_found(
    plant: Plant, found: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a defect of this kind could sail through every seed unseen."""
    plant(monkeypatch)
    first, words = found
    assert any(words in breach for seed in range(first, first + SEEDS) for breach in sail(seed).breaches)
