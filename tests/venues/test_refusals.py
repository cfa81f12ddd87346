"""Each row of a venue's table of refusals is a parametrised case of that venue's own test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from fairlead.venues import registry
from fairlead.wire.faults import Kind


def _rows(faults: Any) -> Iterator[str]:
    """Codes, or how words begin, of all that tells a kind. Names of headers and the texts in which the simulated venue
    refuses tell none: those are put to the test by reading them back."""
    for name, table in vars(faults).items():
        if isinstance(table, Mapping):
            yield from (str(key) for key, row in table.items() if _tells_kind(row))
        elif name == "WORDS":
            yield from (words for _, words, _ in table)


def _tells_kind(row: Any) -> bool:
    columns = row if isinstance(row, tuple) else (row, getattr(row, "kind", None))
    return any(isinstance(column, Kind) for column in columns)


def _cases(venue: str) -> Iterator[str]:
    for path in (Path(__file__).parent / venue).glob("test_faults*.py"):
        for test in vars(import_module(f"tests.venues.{venue}.{path.stem}")).values():
            for mark in getattr(test, "pytestmark", ()):
                if mark.name == "parametrize":
                    yield from _flat(mark.args[1])


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _flat(one)
    else:
        yield str(value)


@pytest.mark.parametrize("venue", registry.names())
def test_every_refusal_is_a_case(venue: str) -> None:
    """If this failed, a row could be lost or changed, and an order that may stand be called refused."""
    rows = set(_rows(import_module(f"fairlead.venues.{venue}.faults")))
    cases = set(_cases(venue))
    assert len(rows) > 40
    assert sorted(row for row in rows if not any(_is_of(case, row) for case in cases)) == []


def _is_of(case: str, row: str) -> bool:
    """A code by itself; words by their beginning, or standing anywhere."""
    return case == row if row.lstrip("-").isdigit() else row in case
