"""All cases in the order of their numbers, what each gives on each venue, and the page that tells it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from fairlead.venues import registry
from tests.conformance import books, clocks, connections, flows, requests, wires
from tests.conformance.case import Case
from tests.conformance.real import visit
from tests.conformance.stage import play

CASES: tuple[Case, ...] = tuple(
    sorted(
        (*requests.CASES, *connections.CASES, *books.CASES, *flows.CASES, *clocks.CASES, *wires.CASES),
        key=lambda case: case.number,
    )
)
HOLDS = "holds"
TOY, TOY_FOLDER = "toy", "tests.conformance.toy"


def enlist() -> tuple[str, ...]:
    """Every venue the registry knows, and the toy, which becomes known by this one line."""
    if TOY not in registry.names():
        registry.register(TOY, TOY_FOLDER)
    return registry.names()


@cache
def verdict(name: str, case: Case) -> str:
    """`holds`, or why the case does not apply; raises what must not be."""
    lacking = case.lacking(registry.venue(name), registry.mirror(name))
    if lacking:
        return lacking
    if case.act is not None:
        play(name, case.act, trades_hz=case.trades_hz)
    if case.real is not None:
        visit(name, case.real)
    return HOLDS
