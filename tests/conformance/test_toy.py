"""The toy: a venue that came through the registry alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fairlead.errors import UnknownName
from fairlead.venues import registry
from tests.conformance import toy
from tests.conformance.needs import TRADES
from tests.conformance.table import CASES, HOLDS, NAMES, claim
from tests.house.test_shape import uneven

HERE = Path(__file__).parent
PRODUCT = HERE.parents[1] / "src" / "fairlead"


def test_it_is_a_venue_only_while_the_registry_says_so() -> None:
    """It would not show that a new venue needs one line, or it would be offered to users."""
    with pytest.raises(UnknownName):
        registry.venue(toy.NAME)
    with toy.listed():
        assert registry.venue(toy.NAME).name in registry.names()
    assert toy.NAME not in registry.names()


def test_it_has_the_files_of_every_venue() -> None:
    """A newcomer would copy a folder that is not like the others."""
    files = frozenset(path.name for path in (HERE / "toy").glob("*.py"))
    assert list(uneven({toy.NAME: files})) == []


def test_nothing_of_the_product_and_no_case_knows_it_or_any_other_venue() -> None:
    """A case could hold for a venue because the case, or the engine, was bent for it."""
    known = re.compile(rf"\b({toy.NAME})\b", re.IGNORECASE)
    assert [path for path in PRODUCT.rglob("*.py") if known.search(path.read_text(encoding="utf-8"))] == []
    anyone = re.compile(rf"\b({'|'.join(NAMES)})\b", re.IGNORECASE)
    staged = [path for path in HERE.glob("*.py") if not path.name.startswith("test_") and path.name != "table.py"]
    assert [path for path in staged if anyone.search(path.read_text(encoding="utf-8"))] == []


def test_most_cases_apply_to_it() -> None:
    """It would pass because hardly anything was asked of it."""
    lacking = [case.fault for case in CASES if TRADES not in case.needs and claim(toy.NAME, case) != HOLDS]
    assert len(lacking) <= 2, lacking
