"""What becomes of each topic's events in a recording: the same judges as in life, their verdicts told line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from fairlead.core.book import Book
from fairlead.core.guard import Guard
from fairlead.core.strand import Strand, Take
from fairlead.core.tape import Heard, Tape
from fairlead.model.instrument import Instrument
from fairlead.model.market import State, Trade
from fairlead.wire.conversation import Event, Levels, Topic
from fairlead.wire.door import BookRule, Door

LEVELS = 10  # of a book, shown at the end
Tell = Callable[[Any], None]


class Ear(Protocol):
    def lane(self, event: Event) -> None: ...
    def answer(self, said: Any) -> None: ...  # a recorded reply about this topic


class AccountEar:
    """Orders, fills, balances and positions: told as they come."""

    def __init__(self, tell: Tell) -> None:
        self.lane = tell

    def answer(self, said: Any) -> None:
        self.lane(said)


def ear(venue: str, topic: Topic, door: Door, instrument: Instrument, tell: Tell) -> Ear:
    rule = door.book_rule(topic.detail) if topic.kind == "book" else None
    guard = Guard(topic.symbol, float(instrument.price_tick), rule is not None and rule.crossed_ok)
    if rule is not None:
        return BookEar(venue, topic, rule, instrument, guard, tell)
    if topic.kind == "trades":
        return TradeEar(topic, guard, tell, "trades" in door.consecutive)
    return ValueEar(topic, guard, tell)


class ValueEar:
    """Quotes, tickers, candles, funding, marks, indices: told as they come, unless the guard doubts them."""

    def __init__(self, topic: Topic, guard: Guard, tell: Tell) -> None:
        self._topic, self._tell, self._judge = topic, tell, guard.of(topic.kind)

    def lane(self, event: Event) -> None:
        label = self._judge(event) if self._judge is not None else ""
        if label:
            self._tell({"type": "anomaly", "topic": str(self._topic), "label": label, "event": event})
        else:
            self._pass(event)

    def answer(self, said: Any) -> None:
        for event in said if isinstance(said, tuple) else (said,):
            self.lane(event)

    def _pass(self, event: Event) -> None:
        self._tell(event)


class TradeEar(ValueEar):
    """Each trade once and in order; what is missing before one is told as a gap, since nobody can be asked for it."""

    def __init__(self, topic: Topic, guard: Guard, tell: Tell, consecutive: bool) -> None:
        super().__init__(topic, guard, tell)
        self._tape = Tape(consecutive=consecutive)

    def _pass(self, event: Trade) -> None:
        match self._tape.take(event):
            case Heard.NEW:
                self._tell(event)
            case Heard.HOLE:
                before = self._tape.missing
                ready = self._tape.supply(())
                why = f"{self._tape.missing - before} trades before {event.id} are missing"
                self._tell({"type": "gap", "topic": str(self._topic), "why": why})
                for trade in ready:
                    self._tell(trade)
            case _:
                self._tell({"type": "repeated", "topic": str(self._topic), "id": event.id})


class BookEar:
    """A strand, and what it says of each change: applied, kept until the whole comes, ignored, a gap, or impossible."""

    def __init__(
        self, venue: str, topic: Topic, rule: BookRule, instrument: Instrument, guard: Guard, tell: Tell
    ) -> None:
        self._topic, self._tell, self._guard = topic, tell, guard
        self._strand = Strand(instrument, rule, int(topic.detail or 0))
        self._book = Book(venue, topic.symbol, self._strand.rungs, lambda: self._strand.seen_ns)

    def lane(self, event: Levels) -> None:
        self._took(self._strand.take(event), event)

    def answer(self, said: Levels) -> None:
        self._took(self._strand.supply(said), said)

    def _took(self, took: Take, levels: Levels) -> None:
        line: dict[str, Any] = {"type": "gap", "topic": str(self._topic), "symbol": self._topic.symbol}
        if took in (Take.APPLIED, Take.WHOLE):
            label = self._guard.top(self._book.bid, self._book.ask)
            if not label:
                self._tell(self._changed(line, took is Take.WHOLE))
                return
            line |= {"type": "anomaly", "label": label, "why": f"bid {self._book.bid}, ask {self._book.ask}"}
            self._strand.reset()
        elif took is Take.GAP:
            line["why"] = self._strand.why
        elif took is Take.BAD:
            line |= {"type": "anomaly", "label": self._strand.label, "why": self._strand.why}
        else:
            kind = "waiting" if took is Take.WAITING else "ignored"
            line |= {"type": kind, "whole": levels.whole, "first": levels.first, "last": levels.last}
        self._tell(line)

    def _changed(self, line: dict[str, Any], whole: bool) -> dict[str, Any]:
        strand, (bids, asks) = self._strand, self._book.texts(1)
        best = {"bid": bids[0] if bids else None, "ask": asks[0] if asks else None}
        times = {"venue_ns": strand.venue_ns, "seen_ns": strand.seen_ns}
        return {**line, "type": "book", "whole": whole, "seq": strand.last, **best, **times}

    def state(self) -> dict[str, Any]:
        """The book after the last frame, in exact texts of its decimals."""
        bids, asks = self._book.texts(LEVELS)
        state = State.LIVE if self._strand.live else State.RESYNCING
        return {"type": "book_state", "symbol": self._topic.symbol, "state": state, "bids": bids, "asks": asks}


def states(ears: Sequence[Ear]) -> list[dict[str, Any]]:
    return [one.state() for one in ears if isinstance(one, BookEar)]
