"""Each row of a venue's table of refusals is a parametrised case of that venue's own test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest

from fairlead.venues import registry


def _rows(faults: Any) -> Iterator[str]:
    """Codes, or how words begin, of all public tables."""
    for name, table in vars(faults).items():
        if isinstance(table, Mapping) and not name.startswith("_"):
            yield from map(str, table)
        elif name == "WORDS":
            yield from (words for _, words, _ in table)


def _cases(tests: Any) -> Iterator[str]:
    for test in vars(tests).values():
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
    cases = set(_cases(import_module(f"tests.venues.{venue}.test_faults")))
    assert len(rows) > 40
    assert sorted(row for row in rows if not any(_is_of(case, row) for case in cases)) == []


def _is_of(case: str, row: str) -> bool:
    """A code by itself; words by their beginning, or standing anywhere."""
    return case == row if row.lstrip("-").isdigit() else row in case
