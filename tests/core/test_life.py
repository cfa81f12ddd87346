"""The table of an order's life: complete, without a way out of a doubt that is not evidence, and equal to its page."""

from __future__ import annotations

import pytest

from fairlead.core import life
from fairlead.core.life import REVIVED, TABLE, Told
from fairlead.model.order import Life
from fairlead.model.orders import Status
from tests.core.orderly import report
from tests.house.tree import ROOT

SEEN = {Told.OPEN, Told.PARTIAL, Told.FILLED, Told.CANCELLED, Told.EXPIRED, Told.REJECTED, Told.TRADED, Told.TAKEN}


def drawn() -> list[str]:
    """The table as the page shows it, drawn from the table itself; a star: only while the venue showed no end."""
    lines = ["| is, and is told | " + " | ".join(Told) + " |", "|" + "---|" * (len(Told) + 1)]
    for one in Life:
        cells = [TABLE[one].get(told, "") or _starred(one, told) for told in Told]
        lines.append(f"| {one} | " + " | ".join(cells) + " |")
    return lines


def _starred(one: Life, told: Told) -> str:
    onward = REVIVED.get(one, {}).get(told)
    return f"{onward} *" if onward is not None else ""


def test_the_page_shows_the_table() -> None:
    """If this failed, the page would promise another life of orders than the one that is lived."""
    page = (ROOT / "docs/design/orders.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in page if line.startswith("|")][: len(Life) + 2] == drawn()


def test_every_life_has_its_row() -> None:
    """If this failed, an order could come into a state that no word is known for."""
    assert set(TABLE) == set(Life)
    assert {to for row in (*TABLE.values(), *REVIVED.values()) for to in row.values()} <= set(Life)


def test_a_doubt_ends_only_by_evidence() -> None:
    """If this failed, an order that is at the venue could be called failed, and be sent a second time."""
    ends = {told for told in Told if life.step(Life.UNKNOWN, told) is not Life.UNKNOWN}
    assert ends == SEEN | {Told.ABSENT, Told.DECLINED}
    assert life.step(Life.UNKNOWN, Told.SENT) is Life.UNKNOWN


@pytest.mark.parametrize("one", [one for one in Life if one.is_over])
def test_an_end_that_the_venue_showed_is_not_taken_back(one: Life) -> None:
    """If this failed, an old message could wake an order that is over."""
    allowed = {Told.FILLED, Told.SENT}
    for told in set(Told) - allowed:
        assert life.step(one, told, end_shown=True) is one
    if one is not Life.NOT_ACCEPTED:
        assert life.step(one, Told.SENT) is one


@pytest.mark.parametrize("told", sorted(SEEN))
def test_what_only_we_had_ended_gives_way_to_what_is_seen(told: Told) -> None:
    """If this failed, an order that the venue took after all would stay invisible, and its fills uncounted."""
    for one in REVIVED:
        now = life.step(one, told)
        assert now is not one or told.name == one.name
        assert life.is_revival(one, told) or TABLE[one].get(told) is not None


@pytest.mark.parametrize("status", Status)
def test_every_word_of_a_report_is_known(status: Status) -> None:
    """If this failed, a report would be lost for want of a word."""
    assert life.shown(report(status)) in SEEN


def test_open_and_filled_in_part_is_partial() -> None:
    """If this failed, an order that has traded would look as if it had not."""
    assert life.shown(report(Status.OPEN, "3")) is Told.PARTIAL
