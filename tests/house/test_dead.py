"""Nothing dead: whatever is defined at the top of a file of the product is used somewhere."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.house.tree import FUNCTIONS, Source, clean, plant, product, suite

# The contract's words are for whoever writes the next venue, used by the present ones or not.
SPARED = ("fairlead.wire",)
# Called by name from outside Python: the console script.
CALLED = {"main"}


def dead(sources: Iterable[Source], users: Iterable[Source]) -> list[str]:
    """Top-level names that nobody mentions but they themselves."""
    everything = tuple(sources)
    mentions = Counter(word for source in (*everything, *users) for word in _mentions(source.tree))
    found = []
    for source in everything:
        if source.name.startswith(SPARED):
            continue
        for name, node in _definitions(source.tree):
            own = sum(word == name for word in _mentions(node))
            if mentions[name] <= own and name not in CALLED and not _dunder(name):
                found.append(f"{source.at(node)}: {name} is used nowhere")
    return found


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            yield node.name, node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for leaf in ast.walk(target):
                    if isinstance(leaf, ast.Name):
                        yield leaf.id, node


def _mentions(tree: ast.AST) -> Iterator[str]:
    """Every reading of a name: as a name, an attribute, an import, or a text (lazy faces name by text)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _texts(node.value)


def _texts(text: str) -> Iterator[str]:
    """A text may be a name or a quoted annotation; prose is neither."""
    if text.isidentifier():
        yield text
    elif len(text) < 120 and "\n" not in text and not text.endswith("."):
        try:
            tree = ast.parse(text, mode="eval")
        except (SyntaxError, ValueError):
            return
        yield from (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def test_nothing_in_the_product_is_dead() -> None:
    """If this failed, readers would study, and changes would carry along, what nobody needs."""
    clean(dead(product(), suite()))


def test_the_law_catches_dead_functions_classes_and_constants() -> None:
    """If this failed, dead code would pass: also such as only calls itself, or is only named in prose."""
    text = (
        '"""Speaks of Box and of lost."""\nLIMIT = 3\nUSED = 4\nclass Box: ...\ndef lost():\n    return lost() + USED\n'
        'def kept(): ...\ndef late() -> "Quoted": ...\nclass Quoted: ...\n__version__ = "1"\ndef _lazy(): ...\n'
    )
    user = plant("tests/test_a.py", "from fairlead.core.a import kept, late\nTABLE = {'x': '_lazy'}")
    lines = dead([plant("src/fairlead/core/a.py", text)], [user])
    assert [line.split(": ")[1].split()[0] for line in lines] == ["LIMIT", "Box", "lost"]
    assert dead([plant("src/fairlead/wire/a.py", text)], []) == []
