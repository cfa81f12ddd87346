"""Defects planted on purpose: each must be found by the voyages' look-outs within a few seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fairlead.core.strand import Strand
from fairlead.core.tape import Heard, Tape
from fairlead.engine.books import BookFeed
from fairlead.engine.chores import Chores
from fairlead.engine.feed import Mends
from fairlead.engine.view import Side, View
from tests.voyage.voyage import sail

SEEDS = 50

Plant = Callable[[pytest.MonkeyPatch], Mends]


def no_resync(patch: pytest.MonkeyPatch) -> Mends:
    return Mends(resync=False)


def no_guard(patch: pytest.MonkeyPatch) -> Mends:
    return Mends(guard=False)


def budget_ignored(patch: pytest.MonkeyPatch) -> Mends:
    return Mends(wait=False)


def no_reconnect(patch: pytest.MonkeyPatch) -> Mends:
    return Mends(reconnect=False)


def gaps_believed(patch: pytest.MonkeyPatch) -> Mends:
    """Every change is applied, whatever went before it."""
    patch.setattr(Strand, "_unjoined", lambda self, levels: None)
    return Mends()


def doubles_passed_on(patch: pytest.MonkeyPatch) -> Mends:
    def take(tape: Tape, trade: Any) -> Heard:
        tape._note(trade)
        return Heard.NEW

    patch.setattr(Tape, "take", take)
    patch.setattr(Tape, "knows", lambda tape, trade: False)
    return Mends()


def stale_venues_counted(patch: pytest.MonkeyPatch) -> Mends:
    def best(view: View, side: str) -> Side | None:
        offers = [Side(row.venue, getattr(row, side), 1.0) for row in view.rows.values() if getattr(row, side)]
        return max(offers, key=lambda offer: offer.price, default=None)

    patch.setattr(View, "bid", property(lambda view: best(view, "bid")))
    return Mends()


def dead_strands_lead(patch: pytest.MonkeyPatch) -> Mends:
    """A book whose connection is gone goes on to be called live."""
    patch.setattr(BookFeed, "_lead_on", lambda *_, **__: None)
    return Mends()


def tasks_left_behind(patch: pytest.MonkeyPatch) -> Mends:
    """A closed session leaves its chores to themselves."""

    async def close(chores: Chores) -> None:
        return

    patch.setattr(Chores, "close", close)
    return Mends()


PLANTS: dict[Plant, str] = {  # and what the look-outs say of it
    no_resync: "is still RESYNCING",
    no_guard: "in the city",
    budget_ignored: "refused us by its limit",
    no_reconnect: "is still RESYNCING",
    gaps_believed: "is not the city's book",
    doubles_passed_on: "came twice",
    stale_venues_counted: "the consolidated view shows",
    dead_strands_lead: "is LIVE",
    tasks_left_behind: "tasks are left behind",
}


@pytest.mark.parametrize(("plant", "words"), PLANTS.items(), ids=[plant.__name__ for plant in PLANTS])
def test_a_planted_defect_is_found(plant: Plant, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a defect of this kind could sail through every seed unseen."""
    mends = plant(monkeypatch)
    assert any(words in breach for seed in range(SEEDS) for breach in sail(seed, mends).breaches)
