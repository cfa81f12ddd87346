"""All cases in the order of their numbers, what each gives on each venue, and the page that tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from fairlead.venues import registry
from tests.conformance import books, clocks, connections, flows, following, hazards, placing, requests, toy, wires
from tests.conformance.case import Case
from tests.conformance.pier import moor
from tests.conformance.real import visit
from tests.conformance.stage import play

ORDERS = (*placing.CASES, *following.CASES, *hazards.CASES)
CASES: tuple[Case, ...] = tuple(
    sorted(
        (
            *(*requests.CASES, *connections.CASES, *books.CASES, *flows.CASES, *clocks.CASES, *wires.CASES),
            *ORDERS,
        ),
        key=lambda case: case.number,
    )
)
NAMES = (*(name for name in registry.names() if name != toy.NAME), toy.NAME)
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
HOLDS, APART = "yes", "–"
NOT_STAGED = (  # numbers that have no case, and why
    ("25", "an order is amended as the venue amends; nothing is cancelled and replaced in one request"),
    ("32", "ids of orders are texts from the first byte to the last; no case could make them numbers"),
    ("48", "the simulator liquidates nobody, and funding is told as a balance like any other change of it"),
    ("90", "killed in the middle of a write to the socket (K5): the venue sees no whole request, as in 89"),
    ("102", "keys lie in one file that is never written by Fairlead, so there is no rotation to die in"),
    ("111", "memory and descriptors of one process are no venue's; the sizes of everything kept are bounded by tests"),
)
HEAD = """\
# Conformance

What can go wrong, staged on every venue against its simulator, and judged by the simulator's own ledger.
The page is written by `python -m tests.conformance`, and a test compares it with what the cases are.
The numbers are those of a larger catalogue of faults, so gaps are meant.
`toy` is a venue of nobody's: it is known to the registry and to nothing else, which shows what a new venue needs.
Whatever is staged, in the end the book is live and the venue's own to the last digit, every trade was heard once and \
in order, no wrong book was ever LIVE, and no request was refused by a limit of the venue.
Where orders are concerned, in the end every order that the venue accepted is known, none was accepted twice, each has \
the life and the fills that the ledger says, no fill was told twice, and every balance is the ledger's.
A new session makes the same of the journal alone.

"""


def claim(name: str, case: Case) -> str:
    """HOLDS, or why the case does not apply."""
    with toy.listed():
        return case.lacking(registry.venue(name), registry.mirror(name)) or HOLDS


def run(name: str, case: Case) -> None:
    """Raises what must not be."""
    if claim(name, case) != HOLDS:
        return
    with toy.listed():
        if case.act is not None:
            play(name, case.act, trades_hz=case.trades_hz)
        if case.trade is not None:
            moor(name, case.trade)
        if case.real is not None:
            visit(name, case.real)


def page(verdict: Callable[[str, Case], str] = claim) -> str:
    """The whole of it; `verdict` says what came of a case on a venue."""
    verdicts = {(name, case): verdict(name, case) for case in CASES for name in NAMES}
    titles = ("#", "what goes wrong", "how it is staged", "what holds", *NAMES)
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for case in CASES:
        cells = [HOLDS if verdicts[name, case] == HOLDS else APART for name in NAMES]
        lines.append(f"| {case.number} | {case.fault} | {case.staged} | {case.holds} | {' | '.join(cells)} |")
    return HEAD + "\n".join([*lines, *_apart(verdicts), *_elsewhere(), *_absent()]) + "\n"


def _apart(verdicts: dict[tuple[str, Case], str]) -> Iterator[str]:
    """Why a cell does not say yes: each reason with what it concerns."""
    yield from ("", "## Why some do not apply", "")
    reasons: dict[tuple[str, str], list[str]] = {}
    for (name, case), verdict in verdicts.items():
        if verdict != HOLDS:
            reasons.setdefault((name, verdict), []).append(str(case.number))
    for (name, reason), numbers in sorted(reasons.items()):
        yield f"- {name}, {', '.join(dict.fromkeys(numbers))}: {reason}."


def _elsewhere() -> Iterator[str]:
    yield from ("", "## Proven for all venues at once", "")
    yield "Transports and disks know no venue, so what only they can do wrong is proven in their own tests."
    yield ""
    for case in CASES:
        for test in case.proven:
            yield f"- {case.number}, {case.fault}: `{test}`"


def _absent() -> Iterator[str]:
    yield from ("", "## Not staged", "")
    for numbers, why in NOT_STAGED:
        yield f"- {numbers}: {why}."
