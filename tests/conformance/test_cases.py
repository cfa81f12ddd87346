"""Every case on every venue, and the page that says so."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fairlead.engine.feed import Mends
from fairlead.errors import Error
from tests.conformance import books, connections, flows, requests, toy
from tests.conformance.case import Case
from tests.conformance.stage import Act, Stage, play
from tests.conformance.table import CASES, HOLDS, NAMES, PAGE, claim, page, run
from tests.conformance.witness import Breach

ROOT = Path(__file__).parents[2]
RUNS = [(name, case) for case in CASES for name in NAMES if case.act or case.trade or case.real]


def named(value: str | Case) -> str:
    if isinstance(value, str):
        return value
    done = value.act or value.trade or value.real
    return f"{value.number}-{done.__name__ if done else ''}"


@pytest.mark.parametrize(("name", "case"), RUNS, ids=named)
def test_it_holds(name: str, case: Case) -> None:
    """A fault that is bound to come would show a wrong book, lose or double a trade, or end in a ban."""
    run(name, case)


def test_the_page_says_what_the_cases_are() -> None:
    """The page would promise what is not staged, or hide what does not apply."""
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.conformance"


def test_every_case_applies_somewhere() -> None:
    """A need that nobody has would make a case of nothing."""
    assert [case.fault for case in CASES if all(claim(name, case) != HOLDS for name in NAMES)] == []


def test_what_is_proven_elsewhere_is_there() -> None:
    """A row of the page would point at a test that was renamed or never written."""
    for case in CASES:
        assert case.act or case.trade or case.real or case.proven, case
        for test in case.proven:
            path, _, wanted = test.partition("::")
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            assert wanted in {getattr(node, "name", "") for node in tree.body}, test


@pytest.mark.parametrize(
    ("act", "mends"),
    [
        (books.gap, Mends(resync=False)),
        (flows.wrong_numbers, Mends(guard=False)),
        (flows.reconnected, Mends(resync=False)),
        (flows.missing_candles, Mends(resync=False)),
        (connections.closed, Mends(reconnect=False)),
        (connections.stuck_book, Mends(renew=False)),
        (connections.one_host_down, Mends(failover=False)),
        (requests.limited, Mends(wait=False)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_without_its_mending_a_case_does_not_hold(act: Act, mends: Mends) -> None:
    """The cases would hold whatever the client does, and say nothing."""
    with toy.listed(), pytest.raises((Breach, Error)):
        play(toy.NAME, act, mends)


async def forged_level(at: Stage) -> None:
    await at.calm()
    bids = at.book.book.rungs.bids
    bids.qtys[bids.keys[-10]] += 1
    at.book.ends_true()  # at once: a sum over the book would notice too


async def lost_trade(at: Stage) -> None:
    await at.calm()
    del at.trades.heard[5]


async def doubled_trade(at: Stage) -> None:
    await at.calm()
    at.trades.heard.insert(5, at.trades.heard[5])


async def lost_bar(at: Stage) -> None:
    await at.calm()
    candles = at.candles()
    await at.wait(250)
    del candles.closed[1]
    candles.ends_true(bars=2)


@pytest.mark.parametrize("act", [forged_level, lost_trade, doubled_trade, lost_bar], ids=lambda act: act.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_the_witnesses_see(act: Act, name: str) -> None:
    """A wrong book, a lost or doubled trade, or a hole between bars would pass for right."""
    with toy.listed(), pytest.raises(Breach):
        play(name, act)
