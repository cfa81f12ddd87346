"""A town, a guest and its ccxt, shared by all tests of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.owner import Owner
from tests.clients.town import Client, Guest, Town, dial, visiting


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    with Town() as town:
        yield town


@pytest.fixture(scope="session")
def guest(foreign_python: Path) -> Iterator[Guest]:
    with visiting(foreign_python) as guest:
        yield guest


@pytest.fixture(scope="session")
def ccxt(town: Town, guest: Guest) -> Callable[[str], Client]:
    """A venue's ccxt with the demo key, opened once."""
    opened: dict[str, Client] = {}

    def of(venue: str) -> Client:
        if venue not in opened:
            opened[venue] = dial(guest, town, venue)
        return opened[venue]

    return of


@pytest.fixture
def owner(town: Town, guest: Guest) -> Callable[[str], Owner]:
    """Somebody new at a venue."""
    return lambda venue: Owner(town, guest, venue)
