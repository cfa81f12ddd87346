"""What the terminal shows of markets: books and how fresh they are, the best over all venues, values, happenings."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from fairlead.cli.words import HIDDEN, line_of, sentence, side_of
from fairlead.core.book import Book
from fairlead.engine.view import View
from fairlead.model.events import Health
from fairlead.model.market import State

HAPPENINGS = 6  # shown
WIDE = 200  # characters of a line where there is no terminal
VALUES = 16  # likewise, of trades and the like
COLOURS = {State.LIVE: "green", State.STALE: "yellow", State.RESYNCING: "red"}


def paper() -> Console:
    """Where tables are printed: as wide as the terminal, or wide enough that nothing is cut."""
    return Console(width=None if sys.stdout.isatty() else WIDE)


class Board:
    """Holds the latest of everything; `picture` draws it."""

    def __init__(self) -> None:
        self._books: dict[tuple[str, str], Book] = {}
        self._views: dict[str, View] = {}
        self._values: deque[Any] = deque(maxlen=VALUES)
        self._happenings: deque[tuple[str, str]] = deque(maxlen=HAPPENINGS)

    def show(self, event: Book | View | Any) -> None:
        match event:
            case Book():
                self._books[event.venue, event.symbol] = event
            case View():
                self._views[event.symbol] = event
                for book in event.rows.values():
                    self.show(book)
            case _:
                self._values.append(event)

    def health(self, event: Health) -> None:
        self._happenings.append((event.venue, sentence(event)))

    def books(self) -> Table:
        return _books([book for _, book in sorted(self._books.items())])

    def bests(self) -> list[Text]:
        return [_best(view) for view in self._views.values()]

    def picture(self) -> Group:
        parts: list[RenderableType] = [self.books()] if self._books else []
        parts += self.bests()
        if self._values:
            parts.append(_values(list(self._values)))
        parts += [Text(f"{venue}  {words}", style="dim", no_wrap=True, overflow="ellipsis")
                  for venue, words in self._happenings]  # fmt: skip
        return Group(*parts)


def _books(books: list[Book]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("venue")
    table.add_column("symbol")
    table.add_column("state", min_width=len(State.RESYNCING))
    for head in ("bid qty", "bid", "ask", "ask qty", "spread", "age"):
        table.add_column(head, justify="right", min_width=9 if head != "age" else 7)
    for book in books:
        (bids, asks), live = book.texts(1), book.state is State.LIVE
        bid, ask = (side[0] if side else ["-", "-"] for side in (bids, asks))
        spread = f"{book.ask_exact - book.bid_exact:f}" if book.bid_exact and book.ask_exact else "-"
        cells = (bid[1], bid[0], ask[0], ask[1], spread, _age(book.age_ms))
        state = Text(book.state, style=COLOURS[book.state])
        table.add_row(book.venue, book.symbol, state, *cells, style="" if live else "dim")
    return table


def _best(view: View) -> Text:
    """The best of each side over the venues that can be believed now."""
    text = Text(f"\nbest of {view.symbol}  ", style="bold")
    text.append(side_of(view.bid), style="green")
    text.append("  /  ")
    text.append(side_of(view.ask), style="red")
    live = sum(book.state is State.LIVE for book in view.rows.values())
    return text.append(f"   {live} of {len(view.rows)} venues count", style="not bold")


def _values(values: list[Any]) -> Table:
    lines = [{name: value for name, value in line_of(one).items() if name not in HIDDEN} for one in values]
    table = Table(*lines[-1], box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for line in lines:
        if line.keys() == lines[-1].keys():
            table.add_row(*("" if value is None else str(value) for value in line.values()))
    return table


def _age(ms: float) -> str:
    return f"{max(0.0, ms) / 1000:.1f} s"
