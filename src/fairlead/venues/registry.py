"""Which venues there are; a venue is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module

from fairlead.errors import UnknownName
from fairlead.wire.mirror import Mirror
from fairlead.wire.venue import Venue

_VENUES: dict[str, str] = {
    "binance": "fairlead.venues.binance",
    "kraken": "fairlead.venues.kraken",
    "okx": "fairlead.venues.okx",
}
_INSTEAD: dict[str, Venue] = {}


def names() -> tuple[str, ...]:
    return tuple(_VENUES)


def register(name: str, package: str) -> None:
    """Adds a venue from another package; it holds `venue.VENUE` and `mirror.MIRROR`."""
    _VENUES[name] = package


@contextmanager
def instead(venues: Iterable[Venue]) -> Iterator[None]:
    """While it lasts these stand in for those of their names: with other times or limits, as suits a simulator."""
    before = dict(_INSTEAD)
    _INSTEAD.update({one.name: one for one in venues})
    try:
        yield
    finally:
        _INSTEAD.clear()
        _INSTEAD.update(before)


def venue(name: str) -> Venue:
    """As it is registered, or whoever stands in for it."""
    package = _package(name)
    found: Venue = _INSTEAD.get(name) or import_module(f"{package}.venue").VENUE
    return found


def mirror(name: str) -> Mirror:
    found: Mirror = import_module(f"{_package(name)}.mirror").MIRROR
    return found


def _package(name: str) -> str:
    if name not in _VENUES:
        raise UnknownName("venue", name, _VENUES)
    return _VENUES[name]
