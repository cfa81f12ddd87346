"""The consolidated view: only living books count, and it speaks only when the best changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairlead.core.book import Book
from fairlead.core.rungs import Rungs
from fairlead.engine.bus import Bus, Subscription
from fairlead.engine.view import Side, View
from fairlead.model.market import State


class Shop:
    """A venue whose book is what the test says."""

    def __init__(self, name: str) -> None:
        self.bus: Bus[Book] = Bus(_raise)
        self.current = Book(name, "BTC/USDT", Rungs(2, 4), lambda: 0)

    def book(self, symbol: str, callback: Callable[[Book], None] | None = None) -> Subscription[Book]:
        return Subscription(self.bus, lambda: None, latest=True, callback=callback)

    def tell(self, bid: str = "", ask: str = "", state: State = State.LIVE, qty: str = "1") -> None:
        if bid:
            self.current.rungs.load([(bid, qty)], [(ask, qty)])
        self.current.state = state
        self.bus.publish(self.current)


def _raise(where: str, blunder: Exception) -> None:
    raise blunder


class Scene:
    def __init__(self) -> None:
        self.north, self.south = Shop("north"), Shop("south")
        self.told: list[tuple[Any, Any]] = []
        self.view = View("BTC/USDT", {"north": self.north, "south": self.south}, self._heard)

    def _heard(self, view: View) -> None:
        self.told.append((_short(view.bid), _short(view.ask)))


def _short(side: Side | None) -> tuple[str, float] | None:
    return (side.venue, side.price) if side is not None else None


def test_the_best_of_all_living_venues_is_shown() -> None:
    """If this failed, an order would go to the worse venue."""
    scene = Scene()
    scene.north.tell("100.00", "101.00")
    scene.south.tell("100.50", "101.50")
    assert scene.view.bid == Side("south", 100.5, 1.0)
    assert scene.view.ask == Side("north", 101.0, 1.0)
    assert not scene.view.crossed
    scene.south.tell("101.20", "101.50")
    assert scene.view.crossed


def test_a_venue_that_is_not_live_never_counts_and_counts_again_when_it_recovers() -> None:
    """If this failed, a price that stands still would be taken for the best offer in the market."""
    scene = Scene()
    scene.north.tell("100.00", "101.00")
    scene.south.tell("100.50", "101.50")
    for state in (State.STALE, State.RESYNCING):
        scene.south.tell(state=state)
        assert _short(scene.view.bid) == ("north", 100.0)
        assert set(scene.view.rows) == {"north", "south"}
        scene.south.tell(state=State.LIVE)
        assert _short(scene.view.bid) == ("south", 100.5)
    scene.north.tell(state=State.STALE)
    scene.south.tell(state=State.STALE)
    assert (scene.view.bid, scene.view.ask) == (None, None)


def test_it_speaks_only_when_the_best_changes() -> None:
    """If this failed, a reader would be woken by every change deep in a book."""
    scene = Scene()
    scene.north.tell("100.00", "101.00")
    scene.north.tell("100.00", "101.00")
    scene.south.tell("99.00", "102.00")
    assert len(scene.told) == 1
    scene.south.tell("100.10", "102.00")
    scene.south.tell(state=State.STALE)
    assert scene.told[1:] == [
        (("south", 100.1), ("north", 101.0)),
        (("north", 100.0), ("north", 101.0)),
    ]


def test_a_closed_view_hears_nothing_more() -> None:
    """If this failed, streams that nobody looks at would stay subscribed."""
    scene = Scene()
    scene.view.close()
    scene.north.tell("100.00", "101.00")
    assert scene.told == []
    assert scene.north.bus.readers == 0


def test_an_empty_side_is_no_offer() -> None:
    """If this failed, a book without asks would raise, or offer at zero."""
    scene = Scene()
    scene.north.current.rungs.load([("100.00", "1")], [])
    scene.north.tell()
    assert _short(scene.view.bid) == ("north", 100.0)
    assert scene.view.ask is None
