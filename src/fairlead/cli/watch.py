"""`fairlead watch`: what a market says, live in the terminal; each value with its freshness."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.live import Live

from fairlead.cli.board import Board
from fairlead.cli.opening import AsJson, Where, checked_venue, hosts_of, opened
from fairlead.cli.topics import read_topic
from fairlead.cli.trouble import Failed
from fairlead.cli.words import in_words, line_of
from fairlead.core.book import Book
from fairlead.engine.bus import Subscription
from fairlead.engine.session import Session
from fairlead.engine.view import View
from fairlead.errors import Misuse, Refused
from fairlead.model.events import Health
from fairlead.venues import registry
from fairlead.wire.conversation import Topic
from fairlead.wire.printed import printed

ALL = "all"
PICTURES_HZ = 4


def watch(
    venue: str,
    symbols: Annotated[list[str], Parameter(name="SYMBOLS")],
    /,
    *,
    kind: Annotated[str, Parameter(help="book, trades, quote, ticker, candles:1m, funding, mark or index")] = "book",
    seconds: Annotated[float, Parameter(help="how long; until Ctrl-C by default")] = 0.0,
    where: Where = Where(),
    json: AsJson = False,
) -> None:
    """Watch one venue's symbols, or the best prices of one symbol over all venues.

    Parameters
    ----------
    venue
        a venue, or `all`
    symbols
        such as BTC/USDT, BTC/USDT:USDT
    """
    asyncio.run(_watch(venue, symbols, kind, seconds, where, json))


async def _watch(venue: str, symbols: list[str], kind: str, seconds: float, where: Where, as_json: bool) -> None:
    if venue == ALL:
        if kind != "book":
            raise Misuse(f"{ALL} venues are watched by their books.", next="leave --kind out, or name one venue")
        names = tuple(hosts_of(where, ()) or registry.names())
    else:
        names = (checked_venue(venue),)
    topics = [] if venue == ALL else [_topic(venue, kind, symbol) for symbol in symbols]
    async with opened(names, where) as session:
        screen = _Lines(as_json) if as_json or not sys.stdout.isatty() else _Picture()
        session.health(screen.health)
        feeds = [session[venue].feed(_listed(session, venue, topic)) for topic in topics]
        subscriptions = [feed.subscribe(screen.show) for feed in feeds]
        for symbol in symbols if venue == ALL else ():
            session.consolidated(symbol, screen.show)
        await screen.run(seconds, subscriptions)
        for feed in feeds:
            if feed.denied is not None:
                raise Refused(f"{venue} does not stream {feed.topic}: {feed.denied.said}", venue=venue)
        if not screen.count:
            print(f"Nothing came in {seconds:g} s.", file=sys.stderr)
            raise Failed


def _topic(venue: str, kind: str, symbol: str) -> Topic:
    word, _, detail = kind.partition(":")
    return read_topic(":".join(part for part in (word, symbol, detail) if part), registry.venue(venue))


def _listed(session: Session, venue: str, topic: Topic) -> Topic:
    """The topic of a symbol that the venue lists; otherwise the nearest ones are named."""
    session[venue].instrument(topic.symbol)
    return topic


class _Screen:
    """Where events go; `run` lasts for so many seconds, or until all streams ended."""

    def __init__(self) -> None:
        self.count = 0

    def show(self, event: Any) -> None:
        self.count += 1

    def health(self, event: Health) -> None:
        """What happens to the connections and the data."""

    def redraw(self) -> None:
        """A few times a second."""

    async def run(self, seconds: float, subscriptions: list[Subscription[Any]]) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds if seconds else float("inf")
        while loop.time() < until and not (subscriptions and all(one.closed for one in subscriptions)):
            self.redraw()
            await asyncio.sleep(min(1 / PICTURES_HZ, max(0.0, until - loop.time())))


class _Lines(_Screen):
    """A line an event: JSON for machines, words for a file or a pipe."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def show(self, event: Book | View | Any) -> None:
        super().show(event)
        self._say(event)

    def health(self, event: Health) -> None:
        self._say(event)

    def _say(self, event: Any) -> None:
        print(printed(line_of(event)).decode() if self._as_json else in_words(event), flush=True)


class _Picture(_Screen):
    """A picture of the latest, drawn a few times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._board = Board()
        self._live: Live | None = None

    def show(self, event: Any) -> None:
        super().show(event)
        self._board.show(event)

    def health(self, event: Health) -> None:
        self._board.health(event)

    def redraw(self) -> None:
        if self._live is not None:
            self._live.update(self._board.picture(), refresh=True)

    async def run(self, seconds: float, subscriptions: list[Subscription[Any]]) -> None:
        with Live(console=Console(), auto_refresh=False) as self._live:
            await super().run(seconds, subscriptions)
