"""Which venues there are; a venue is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

from fairlead.errors import UnknownName
from fairlead.wire.mirror import Mirror
from fairlead.wire.venue import Venue

_VENUES: dict[str, str] = {
    "binance": "fairlead.venues.binance",
    "kraken": "fairlead.venues.kraken",
    "okx": "fairlead.venues.okx",
}


def names() -> tuple[str, ...]:
    return tuple(_VENUES)


def register(name: str, package: str) -> None:
    """Adds a venue from another package; it holds `venue.VENUE` and `mirror.MIRROR`."""
    _VENUES[name] = package


def venue(name: str) -> Venue:
    found: Venue = import_module(f"{_package(name)}.venue").VENUE
    return found


def mirror(name: str) -> Mirror:
    found: Mirror = import_module(f"{_package(name)}.mirror").MIRROR
    return found


def _package(name: str) -> str:
    if name not in _VENUES:
        raise UnknownName("venue", name, _VENUES)
    return _VENUES[name]
