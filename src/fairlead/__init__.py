"""Fairlead guides orders and prices between a bot and its venues: open venues, read their streams, ask questions.

    async with fairlead.open("binance", "kraken") as session:
        async for book in session["binance"].book("BTC/USDT"):
            print(book.bid, book.ask, book.age_ms, book.state)

Nothing is imported before it is used; what is not named here is not public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairlead.core.book import Book as Book
    from fairlead.engine.bus import Subscription as Subscription
    from fairlead.engine.feed import Mends as Mends
    from fairlead.engine.market import Market as Market
    from fairlead.engine.session import Session as Session
    from fairlead.engine.view import View as View
    from fairlead.errors import BadNumber as BadNumber
    from fairlead.errors import Closed as Closed
    from fairlead.errors import Error as Error
    from fairlead.errors import Limited as Limited
    from fairlead.errors import Misuse as Misuse
    from fairlead.errors import Nonsense as Nonsense
    from fairlead.errors import NotSent as NotSent
    from fairlead.errors import Refused as Refused
    from fairlead.errors import TransportError as TransportError
    from fairlead.errors import Unknown as Unknown
    from fairlead.errors import UnknownName as UnknownName
    from fairlead.errors import VenueError as VenueError
    from fairlead.model.account import Balance as Balance
    from fairlead.model.instrument import Catalog as Catalog
    from fairlead.model.instrument import Instrument as Instrument
    from fairlead.model.market import Candle as Candle
    from fairlead.model.market import Funding as Funding
    from fairlead.model.market import FundingPaid as FundingPaid
    from fairlead.model.market import Index as Index
    from fairlead.model.market import Mark as Mark
    from fairlead.model.market import Quote as Quote
    from fairlead.model.market import State as State
    from fairlead.model.market import Ticker as Ticker
    from fairlead.model.market import Trade as Trade

__version__ = "0.1.0"

_ROOMS = {
    "fairlead.core.book": ("Book",),
    "fairlead.engine.bus": ("Subscription",),
    "fairlead.engine.feed": ("Mends",),
    "fairlead.engine.market": ("Market",),
    "fairlead.engine.session": ("Session",),
    "fairlead.engine.view": ("View",),
    "fairlead.errors": (
        *("BadNumber", "Closed", "Error", "Limited", "Misuse", "Nonsense", "NotSent"),
        *("Refused", "TransportError", "Unknown", "UnknownName", "VenueError"),
    ),
    "fairlead.model.account": ("Balance",),
    "fairlead.model.instrument": ("Catalog", "Instrument"),
    "fairlead.model.market": ["Candle", "Funding", "FundingPaid", "Index", "Mark", "Quote", "State", "Ticker", "Trade"],
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
__all__ = ["open", "venue_names", *sorted(_HOMES)]


def open(
    *venues: str,
    environment: str = "live",
    hosts: Mapping[str, Mapping[str, str | Iterable[str]]] | None = None,
    mends: Mends | None = None,
    doubled: Iterable[str] = (),
) -> Session:
    """A session over these venues, to be used with `async with`; reading markets needs no key.

    `environment` is one that the venues have (live, demo, a region); `hosts` replaces their addresses, for instance by
    a simulator's: {"venue": {"rest": "http://127.0.0.1:1", "ws": "ws://127.0.0.1:2"}}. `doubled` names the kinds of
    stream (such as "book") that ride on two connections at once, of which the first word wins."""
    from fairlead.engine.desk import Windows
    from fairlead.engine.session import Session
    from fairlead.io.clock import RealClock, entropy
    from fairlead.io.http import AioHttp
    from fairlead.io.socket import Picows
    from fairlead.io.store import FileStore, state_folder

    clock = RealClock()
    return Session(
        venues,
        Windows(clock=clock, rng=entropy(), http=AioHttp(), ws=Picows(clock), store=FileStore(state_folder())),
        environment=environment,
        hosts={name: _tuples(keys) for name, keys in (hosts or {}).items()},
        mends=mends,
        doubled=doubled,
    )


def venue_names() -> tuple[str, ...]:
    """The names of the venues that can be opened."""
    from fairlead.venues import registry

    return registry.names()


def _tuples(keys: Mapping[str, str | Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {key: (where,) if isinstance(where, str) else tuple(where) for key, where in keys.items()}


def __getattr__(name: str) -> Any:
    if name == "sync":
        return import_module("fairlead.sync")
    if name not in _HOMES:
        raise AttributeError(f"module 'fairlead' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
