"""The project's files as the laws see them: parsed sources, their imports, the committed files; judges nothing."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, its dotted name, its text and its tree."""

    path: str
    name: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The folder (or file) right under the package: `core` for fairlead.core.book, empty for the face itself."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


def plant(path: str, text: str) -> Source:
    """A source that stands nowhere on disk: the counter-examples that each law must catch."""
    dotted = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Source(path, dotted, text, ast.parse(text, path))


@functools.cache
def product() -> tuple[Source, ...]:
    return tuple(_read(ROOT / "src"))


@functools.cache
def suite() -> tuple[Source, ...]:
    return tuple(_read(ROOT / "tests"))


@functools.cache
def venues() -> frozenset[str]:
    """The venues' names are the names of their folders."""
    return frozenset(file.parent.name for file in (ROOT / "src/fairlead/venues").glob("*/*.py"))


@functools.cache
def committed() -> tuple[str, ...]:
    """Every file that is, or is about to be, under version control, by its path from the root."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(sorted(path for path in listed if path and (ROOT / path).is_file()))


def clean(breaches: Iterable[str]) -> None:
    """Fails with every breach on a line of its own, so that one run shows all the work."""
    found = list(breaches)
    assert not found, "\n".join(("", *found))


def imports(source: Source, known: Iterable[str] = ()) -> Iterator[tuple[str, int]]:
    """Every module the file imports, inside functions too; `from a import b` is a.b where that is a module."""
    modules = frozenset(known)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(source, node)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                yield (inner if inner in modules else origin), node.lineno


def docstrings(tree: ast.Module) -> set[int]:
    """The identities of the nodes that are docstrings: documentation, not behaviour."""
    owners = (ast.Module, ast.ClassDef, *FUNCTIONS)
    found = set()
    for node in ast.walk(tree):
        first = node.body[0] if isinstance(node, owners) and node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            found.add(id(first.value))
    return found


def _read(folder: Path) -> Iterator[Source]:
    for file in sorted(folder.rglob("*.py")):
        yield plant(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))


def _origin(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.name.split(".") if source.path.endswith("__init__.py") else source.name.split(".")[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
