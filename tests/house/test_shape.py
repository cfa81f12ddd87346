"""How a file, a function and a test are made: small, finished, explained, and alike in every venue's folder."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.house.tree import FUNCTIONS, ROOT, Source, clean, committed, plant, product, suite

FILE_LINES = {"src": 300, "tests": 400}
FUNCTION_LINES = 60
# Files that may be longer, each with its reason. A long list here is a sign of a house that grows the wrong way.
LONGER: Mapping[str, str] = {}

_ADAPTER = ("__init__", "wire", "rest", "channels", "stream", "auth", "faults", "venue")
_ORDERS = ("orders", "trade", "account", "private")
_MIRROR = ("mirror", "hearing", "replies", "engine", "office")
VENUE_FILES = frozenset(f"{noun}.py" for noun in (*_ADAPTER, *_ORDERS, *_MIRROR))
# Of orders and accounts: a venue that only tells prices has none of them.
TRADE_FILES = frozenset(f"{noun}.py" for noun in (*_ORDERS, "engine", "office"))
LEFT_OVERS = re.compile(
    r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b|\bNotImplemented[E]rror\b"
)  # written so as not to match itself
WIDE = {"Exception", "BaseException"}


def lengths(source: Source) -> Iterator[str]:
    count, most = len(source.lines), FILE_LINES[source.path.split("/")[0]]
    if count > most and source.path not in LONGER:
        yield f"{source.path}: {count} lines, more than {most}: ask whether two nouns live there"
    for node in ast.walk(source.tree):
        if isinstance(node, FUNCTIONS):
            tall = (node.end_lineno or node.lineno) - node.lineno + 1
            if tall > FUNCTION_LINES:
                yield f"{source.at(node)}: {node.name} is {tall} lines tall, more than {FUNCTION_LINES}"


def left_overs(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if hit := LEFT_OVERS.search(line):
            yield f"{path}:{number}: {hit.group()} is not finished work"


def nets(source: Source) -> Iterator[str]:
    """Wide catches: allowed only with a comment that says why, and never to look away."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else WIDE
        if not caught & WIDE:
            continue
        if "#" not in source.lines[node.lineno - 1]:
            yield f"{source.at(node)}: a wide net without a reason beside it"
        elif all(isinstance(step, ast.Pass) for step in node.body):
            yield f"{source.at(node)}: a wide net that looks away"


def unexplained(source: Source) -> Iterator[str]:
    """Tests without a first line that says what could be lost if they failed."""
    if not Path(source.path).name.startswith("test_"):
        return
    for node in ast.walk(source.tree):
        if (
            isinstance(node, FUNCTIONS)
            and node.name.startswith("test_")
            and not (ast.get_docstring(node) or "").strip()
        ):
            yield f"{source.at(node)}: {node.name} does not say what could go wrong"


def uneven(folders: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for venue, files in sorted(folders.items()):
        wanted = VENUE_FILES if files & TRADE_FILES else VENUE_FILES - TRADE_FILES
        for what, odd in (("lacks", wanted - files), ("has the odd", files - VENUE_FILES)):
            if odd:
                yield f"venues/{venue} {what} {', '.join(sorted(odd))}"


def test_files_and_functions_stay_small() -> None:
    """If this failed, a reader could no longer hold a file or a function in the head."""
    clean(breach for source in (*product(), *suite()) for breach in lengths(source))
    clean(f"{path} is gone" for path in LONGER if not (ROOT / path).exists())


def test_nothing_is_left_unfinished() -> None:
    """If this failed, a promise made in a comment would ship in place of the thing."""
    kept = [path for path in committed() if Path(path).suffix in (".py", ".md", ".toml", ".pyx", ".pxd", ".sh")]
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in kept}
    clean(breach for path, text in texts.items() for breach in left_overs(path, text))


def test_no_wide_net_hides_a_fault() -> None:
    """If this failed, a defect could be swallowed where it happened and be missed for good."""
    clean(breach for source in product() for breach in nets(source))


def test_every_test_says_what_it_guards() -> None:
    """If this failed, nobody could tell whether a red test matters or a deleted one was needed."""
    clean(breach for source in suite() for breach in unexplained(source))


def test_every_venue_folder_is_alike() -> None:
    """If this failed, knowing one venue would no longer mean knowing where to look in the next."""
    folders: dict[str, set[str]] = {}
    for source in product():
        match Path(source.path).parts:
            case ("src", "fairlead", "venues", venue, *inner):
                if inner:
                    folders.setdefault(venue, set()).add("/".join(inner))
    clean(uneven({venue: frozenset(files) for venue, files in folders.items()}))


def test_the_laws_of_size_and_left_overs_catch_a_breach() -> None:
    """If this failed, the laws above could be green over a file of any length and any promise."""
    tall = "def f():\n" + "    x = 1\n" * FUNCTION_LINES
    assert len(list(lengths(plant("src/fairlead/a.py", tall)))) == 1
    assert list(lengths(plant("src/fairlead/a.py", "def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1)))) == []
    assert len(list(lengths(plant("src/fairlead/a.py", "x = 1\n" * 301)))) == 1
    assert list(lengths(plant("tests/test_a.py", "x = 1\n" * 301))) == []
    for word in ("TO-DO", "FIX-ME", "XX-X"):
        assert len(list(left_overs("a.py", f"x = 1  # {word.replace('-', '')}: later"))) == 1
    assert list(left_overs("a.py", "XXBT, TODOS and a fixed thing")) == []


@pytest.mark.parametrize(
    ("handler", "count"),
    [
        ("except Exception:\n    log()", 1),
        ("except:\n    log()", 1),
        ("except (OSError, BaseException):\n    log()", 1),
        ("except Exception:  # a reason\n    pass", 1),
        ("except Exception:  # a callback of the user's may raise anything\n    log()", 0),
        ("except OSError:\n    pass", 0),
    ],
)
def test_the_law_of_nets_catches_each_wide_one(handler: str, count: int) -> None:
    """If this failed, a bare or wide catch could stand in the house unseen."""
    assert len(list(nets(plant("src/fairlead/a.py", f"try:\n    f()\n{handler}")))) == count


def test_the_laws_of_explained_tests_and_even_folders_catch_a_breach() -> None:
    """If this failed, a silent test or a venue with its own floor plan would pass."""
    silent = 'def test_a():\n    assert 1\nclass TestB:\n    async def test_b(self):\n        """Says."""'
    assert len(list(unexplained(plant("tests/test_a.py", silent)))) == 1
    assert list(unexplained(plant("tests/corpus.py", silent))) == []
    planted = {
        "good": VENUE_FILES,
        "prices": VENUE_FILES - TRADE_FILES,
        "short": VENUE_FILES - {"hearing.py"},
        "odd": VENUE_FILES | {"extra.py"},
    }
    assert list(uneven(planted)) == ["venues/odd has the odd extra.py", "venues/short lacks hearing.py"]
