"""The face without await, for scripts and notebooks: questions block, streams are plain iterators; it judges nothing.

    with fairlead.sync.open("binance") as session:
        print(session["binance"].ask_ticker("BTC/USDT").last)
        for book in session["binance"].book("BTC/USDT", timeout_s=10):
            print(book.bid, book.ask, book.state)

The verbs are those of a Session and its Markets, which live in one background thread with a loop of its own; callbacks
are for `async` programs. A book that is handed over stands still, since the living one changes in the other thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import fairlead
from fairlead.core.book import Book
from fairlead.core.deadman import Safety
from fairlead.core.limits import Limits
from fairlead.engine import session, view
from fairlead.engine.feed import Mends
from fairlead.errors import Closed, Misuse
from fairlead.model.events import Health
from fairlead.sync.loop import Loop
from fairlead.sync.market import Market
from fairlead.sync.stream import Stream, still
from fairlead.wire.signing import SecretSource

__all__ = ["Market", "Session", "Stream", "View", "open"]


def open(
    *venues: str,
    key: str | Mapping[str, str] | None = None,
    stage: str = "",
    limits: Limits | None = None,
    safety: Safety | None = None,
    keys: str | Path | SecretSource | None = None,
    state: str | Path | None = None,
    durability: Literal["power", "process"] = "power",
    environment: str = "live",
    hosts: Mapping[str, Mapping[str, str | Iterable[str]]] | None = None,
    mends: Mends | None = None,
    doubled: Iterable[str] = (),
) -> Session:
    """A session over these venues, to be used with `with`, or opened and closed by hand; else as `fairlead.open`."""

    def make() -> session.Session:
        return fairlead.open(
            *venues,
            key=key,
            stage=stage,
            limits=limits,
            safety=safety,
            keys=keys,
            state=state,
            durability=durability,
            environment=environment,
            hosts=hosts,
            mends=mends,
            doubled=doubled,
        )

    return Session(make)


class Session:
    """`with` opens and closes it; `session["name"]` is a venue's Market."""

    def __init__(self, make: Callable[[], session.Session]) -> None:
        self._make = make
        self._loop: Loop | None = None
        self._session: session.Session | None = None

    def __enter__(self) -> Session:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        if self._loop is not None:
            raise Misuse("The session is open already.", next="close it first")
        self._loop = Loop()
        try:
            self._session = self._loop.call(self._make)
            self._loop.wait(self._session.open())
        except BaseException:  # Ctrl-C as well: whatever ends the opening, no thread stays behind
            self.close()
            raise

    def close(self) -> None:
        """Streams end, whoever reads them; a second time it does nothing."""
        loop, living = self._loop, self._session
        self._loop = self._session = None
        if loop is not None:
            try:
                if living is not None:
                    loop.wait(living.close())
            finally:
                loop.end()

    def __getitem__(self, name: str) -> Market:
        loop, living = self._living()
        return Market(loop, living[name])

    @property
    def venues(self) -> tuple[str, ...]:
        return self._living()[1].venues

    @property
    def counts(self) -> dict[str, int]:
        """How many health events of each kind there were."""
        return dict(self._living()[1].counts)

    def health(self, *, timeout_s: float | None = None) -> Stream[Health]:
        """What happens to connections, streams and data, as it happens."""
        loop, living = self._living()
        return Stream(loop, living.health, timeout_s)

    def consolidated(self, symbol: str) -> View:
        """The best bid and offer of one symbol over all open venues that list it."""
        loop, living = self._living()
        return View(loop, loop.call(lambda: living.consolidated(symbol)))

    def _living(self) -> tuple[Loop, session.Session]:
        if self._loop is None or self._session is None:
            raise Closed("The session is not open.", next="use `with fairlead.sync.open(...)`")
        return self._loop, self._session

    def __repr__(self) -> str:
        return f"<sync {self._session!r}>" if self._session is not None else "<sync Session, closed>"


class View:
    """The best of each side, as it is when you look; None while no venue is live."""

    def __init__(self, loop: Loop, living: view.View) -> None:
        self._loop, self._view = loop, living
        self.symbol = living.symbol

    @property
    def bid(self) -> view.Side | None:
        return self._loop.call(lambda: self._view.bid)

    @property
    def ask(self) -> view.Side | None:
        return self._loop.call(lambda: self._view.ask)

    @property
    def crossed(self) -> bool:
        return self._loop.call(lambda: self._view.crossed)

    @property
    def rows(self) -> dict[str, Book]:
        """Every venue's book with its freshness."""
        return self._loop.call(lambda: {name: still(book) for name, book in self._view.rows.items()})

    def close(self) -> None:
        self._loop.call(self._view.close)

    def __repr__(self) -> str:
        return f"<sync {self._view!r}>"
