"""The face loads nothing that is not used: `import fairlead` brings in no venue, no network library, no terminal."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "picows", "rich", "cyclopts", "cryptography", "asyncio", "ssl")


def loaded(statement: str) -> set[str]:
    """The modules in a fresh interpreter after a statement."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def burdens(modules: set[str]) -> list[str]:
    venues = [name for name in modules if name.startswith("fairlead.venues.") and name != "fairlead.venues.registry"]
    return sorted({name for name in modules if name in HEAVY} | set(venues))


def test_importing_the_face_is_light() -> None:
    """If this failed, every script would pay in start-up time and memory for venues and screens it never uses."""
    modules = loaded("import fairlead\nassert fairlead.__file__, 'a namespace is not a face'")
    assert "fairlead" in modules
    assert burdens(modules) == []


@pytest.mark.parametrize("statement", ["import aiohttp", "import asyncio", "import rich"])
def test_the_law_of_the_face_catches_a_burden(statement: str) -> None:
    """If this failed, the measurement above would be blind."""
    assert statement.split()[1] in burdens(loaded(statement))


def test_a_loaded_venue_counts_as_a_burden() -> None:
    """If this failed, the face could load every venue unseen."""
    assert burdens({"fairlead", "fairlead.venues.registry", "fairlead.venues.acme.rest"}) == [
        "fairlead.venues.acme.rest"
    ]
