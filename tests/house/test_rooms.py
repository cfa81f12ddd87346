"""What may stand in which room: windows, clocks, chance, venues' names, floats; so that the pure rooms stay pure."""

from __future__ import annotations

import ast
import itertools
import re
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator

from packaging.requirements import Requirement

from tests.house.tree import ROOT, Source, clean, docstrings, imports, plant, product, venues

EVERYWHERE = ("fairlead",)
WINDOWS = ("fairlead.io", "fairlead.engine", "fairlead.gateway", "fairlead.cli", "fairlead.testing", "fairlead.sync")
SERVER = "fairlead.sim.server"  # and its files beside it: server_http, server/...
CLOCK = "fairlead.io.clock"

# Modules that open a window on the machine or hand over to a loop.
OUTSIDE = (
    "asyncio", "socket", "socketserver", "ssl", "select", "selectors", "threading", "concurrent", "multiprocessing",
    "subprocess", "http", "urllib.request", "ftplib", "smtplib", "xmlrpc", "aiohttp", "picows", "aiofastnet", "uvloop",
)  # fmt: skip
# Third-party packages, and the rooms that may use them. What is not in the table may be used nowhere.
TENANTS = {
    "msgspec": EVERYWHERE,
    "aiohttp": (*WINDOWS, SERVER),
    "picows": (*WINDOWS, SERVER),
    "uvloop": (*WINDOWS, SERVER),
    "yarl": ("fairlead.io",),
    "aiohappyeyeballs": ("fairlead.io",),
    "apsw": ("fairlead.io",),
    "cryptography": ("fairlead.keys", "fairlead.wire", "fairlead.venues", "fairlead.chains", "fairlead.io"),
    "cyclopts": ("fairlead.cli",),
    "rich": ("fairlead.cli", "fairlead.watch"),
    "duckdb": ("fairlead.cli", "fairlead.io"),
}
CHANCE = ("time", "random", "uuid", "secrets")
READINGS = {"now", "utcnow", "today", "urandom", "getrandom"}  # of datetime, date and os
MONEY = (
    "fairlead.model.order", "fairlead.model.orders", "fairlead.model.account", "fairlead.wire.orders",
    "fairlead.ledger",
    *(f"fairlead.core.{noun}" for noun in (
        "account", "change", "drawdown", "exposure", "facts", "life", "limits", "match", "portfolio", "reconcile",
        "risk", "sight", "stance", "tally", "track", "worth")),
    *(f"fairlead.engine.{noun}" for noun in ("batching", "changing", "desk", "funds")),
    *(f"fairlead.sim.{noun}" for noun in ("account", "clearing", "positions", "purse", "ticket", "truth")),
)  # fmt: skip
NAMELESS = ("fairlead.venues", "fairlead.chains")


def windows(source: Source) -> Iterator[str]:
    if _within(source.name, WINDOWS) or source.name == "fairlead" or source.name.startswith(SERVER):
        return
    for target, line in imports(source):
        if _within(target, OUTSIDE):
            yield f"{source.path}:{line}: {target} in a room without windows"


def tenants(source: Source) -> Iterator[str]:
    for target, line in imports(source):
        package = target.split(".")[0]
        if package in sys.stdlib_module_names or package == "fairlead":
            continue
        rooms = TENANTS.get(package, ())
        if not _within(source.name, rooms) and not (SERVER in rooms and source.name.startswith(SERVER)):
            yield f"{source.path}:{line}: {package} is not for {source.name}"
        elif source.room in ("model", "errors") and package != "msgspec":
            yield f"{source.path}:{line}: the ground floor knows msgspec only, not {package}"


def chance(source: Source) -> Iterator[str]:
    if source.name == CLOCK:
        return
    for target, line in imports(source):
        if _within(target, CHANCE):
            yield f"{source.path}:{line}: {target} is reached for instead of handed in"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in READINGS:
            owner = ast.unparse(node.value).split(".")[-1]
            if owner in ("datetime", "date", "os"):
                yield f"{source.at(node)}: {owner}.{node.attr} is reached for instead of handed in"


def names(source: Source, banned: Collection[str]) -> Iterator[str]:
    """Identifiers and texts that name a venue; docstrings are documentation, and may."""
    if _within(source.name, NAMELESS) or not banned:
        return
    pattern = re.compile(rf"(?<![a-z])({'|'.join(sorted(banned, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)
    spared = docstrings(source.tree)
    for node in ast.walk(source.tree):
        for text in _words(node) if id(node) not in spared else ():
            if hit := pattern.search(text):
                yield f"{source.at(node)}: names the venue {hit.group()}"


def floats(source: Source) -> Iterator[str]:
    if not _within(source.name, MONEY):
        return
    for node in ast.walk(source.tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if literal or (isinstance(node, ast.Name) and node.id == "float"):
            yield f"{source.at(node)}: a float in a money path"


def _within(name: str, rooms: Collection[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def _words(node: ast.AST) -> Iterator[str]:
    for field in ("id", "attr", "arg", "name", "module", "asname", "value"):
        word = getattr(node, field, None)
        if isinstance(word, str):
            yield word


def _all(law: Callable[..., Iterator[str]], *more: object) -> list[str]:
    return [breach for source in product() for breach in law(source, *more)]


def test_windows_are_in_the_rooms_for_them() -> None:
    """If this failed, a pure machine could wait, block or connect, and no seed would replay it."""
    clean(_all(windows))


def test_each_dependency_stays_behind_its_seam() -> None:
    """If this failed, a dependency could not be replaced without touching the whole house."""
    clean(_all(tenants))


def test_each_dependency_is_declared() -> None:
    """If this failed, an import would work only because some other package happens to bring it along."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    clean(f"{name} is not declared" for name in TENANTS.keys() - {Requirement(one).name for one in stated})


def test_time_and_chance_are_handed_in() -> None:
    """If this failed, two runs of one seed could differ, and a failing voyage could not be replayed."""
    clean(_all(chance))


def test_no_venue_is_named_outside_its_folder() -> None:
    """If this failed, the engine could special-case one venue, and the next venue would need a change everywhere."""
    clean(_all(names, venues()))


def test_no_float_touches_money() -> None:
    """If this failed, an order, a fill or a balance could be off by what binary fractions cannot say."""
    clean(_all(floats))


def test_each_law_of_the_rooms_catches_a_breach() -> None:
    """If this failed, the laws above could be green whatever stands in the rooms."""
    cases = [
        (windows, "core/book", "import asyncio"),
        (windows, "sim/world", "from urllib import request\nimport urllib.request"),
        (windows, "venues/one/rest", "def f():\n    from aiohttp import web"),
        (tenants, "core/book", "import aiohttp.web"),
        (tenants, "engine/bus", "import pandas"),
        (tenants, "model/orders", "import cryptography"),
        (chance, "core/backoff", "from random import random"),
        (chance, "engine/stream", "import time as t"),
        (chance, "cli/demo", "import datetime as d\nd.datetime.now(d.UTC)"),
        (chance, "core/ids", "import os\nos.urandom(8)"),
        (floats, "model/orders", "class Fill:\n    price: float"),
        (floats, "ledger/tax", "fee = 0.1"),
    ]
    for law, place, text in cases:
        assert len(list(law(plant(f"src/fairlead/{place}.py", text)))) == 1, (law.__name__, place)
    for law, place, text in [
        (windows, "io/socket", "import asyncio"), (windows, "sim/server_http", "import asyncio"),
        (windows, "core/book", "from urllib.parse import quote"), (tenants, "sim/server", "import aiohttp"),
        (chance, "io/clock", "import time"), (chance, "core/candles", "from datetime import datetime"),
        (floats, "core/book", "x: float = 0.5"),
    ]:  # fmt: skip
        assert list(law(plant(f"src/fairlead/{place}.py", text))) == [], (law.__name__, place)


def test_the_law_of_names_catches_identifiers_and_texts_but_not_documentation() -> None:
    """If this failed, `if venue == ...` could hide in the engine behind an identifier, a text or a joined word."""
    for text in ('x = "acme"', "ACME_LIMIT = 1", "def for_acme(): ...", "import fairlead.venues.acme.rest", "a.acme",
                 "f(acme=1)", 'f"{x} on Acme"'):  # fmt: skip
        assert len(list(names(plant("src/fairlead/engine/bus.py", text), {"acme", "other"}))) == 1, text
    for text in ('"""As Acme does it."""', 'x = "acmeology"', "# acme\nx = 1"):
        assert list(names(plant("src/fairlead/engine/bus.py", text), {"acme"})) == [], text
    assert list(names(plant("src/fairlead/venues/acme/rest.py", 'x = "acme"'), {"acme"})) == []
