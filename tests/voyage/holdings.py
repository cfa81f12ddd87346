"""All that a client holds: every list, dictionary, set and queue that can be reached from it, and how large it is.

It goes by what is there and not by names, so that whatever is added to the engine is watched as well."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

OURS = ("fairlead.engine", "fairlead.core", "fairlead.venues", "fairlead.wire.conversation")
HOLDERS = (list, dict, set, deque, tuple, frozenset)


def holdings(root: Any) -> Iterator[tuple[str, int]]:
    """(where, how many) of each collection, those inside collections too."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [(type(root).__name__, root)]
    while waiting:
        where, one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, HOLDERS):
            yield where, len(one)
            inner = one.values() if isinstance(one, Mapping) else one
            waiting += [(f"{where}[]", value) for value in inner if _is_ours(value)]
        if type(one).__module__.startswith(OURS):
            waiting += [(f"{where}.{name}", value) for name, value in _parts(one) if _is_ours(value)]


def _is_ours(value: Any) -> bool:
    return isinstance(value, HOLDERS) or type(value).__module__.startswith(OURS)


def _parts(one: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(one, "__dict__", {}).items()
    for kind in type(one).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(one, name):
                yield name, getattr(one, name)
