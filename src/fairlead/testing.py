"""For tests of one's own: a recorder that a conversation can speak to, and a catalogue in a line; it opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fairlead.model import numbers
from fairlead.model.instrument import Catalog, Instrument
from fairlead.wire.conversation import Lane, Need, Topic, Word
from fairlead.wire.limits import Charge

__all__ = ["Recorder", "catalog", "instrument"]


class Recorder:
    """An Out that remembers: words, frames, needs, and the events of each topic in `heard`."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.frames: list[bytes] = []
        self.costs: list[tuple[Charge, ...]] = []
        self.needs: list[Need] = []
        self.heard: list[tuple[Topic, Any]] = []

    def event(self, word: Word) -> None:
        self.words.append(word)

    def frame(self, text: bytes, cost: tuple[Charge, ...] = (), tag: str = "") -> None:
        self.frames.append(text)
        self.costs.append(cost)

    def need(self, need: Need) -> None:
        self.needs.append(need)

    def lane(self, topic: Topic) -> Lane:
        """Where a topic's events go when joined with this recorder."""
        keep: Callable[[Any], None] = lambda event: self.heard.append((topic, event))  # noqa: E731
        return keep


def instrument(symbol: str, venue_symbol: str, tick: str, step: str, **names: str) -> Instrument:
    """An instrument with its decimals taken from its steps."""
    price_tick, qty_step = Decimal(tick), Decimal(step)
    return Instrument(
        symbol=symbol,
        venue_symbol=venue_symbol,
        price_tick=price_tick,
        qty_step=qty_step,
        price_decimals=numbers.decimals_of(price_tick),
        qty_decimals=numbers.decimals_of(qty_step),
        names=names,
    )


def catalog(*instruments: Instrument) -> Catalog:
    return Catalog(instruments)
