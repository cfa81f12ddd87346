"""Fairlead guides orders and prices between a bot and its venues: open venues, read their streams, ask and trade.

    async with fairlead.open("binance", "kraken") as session:
        async for book in session["binance"].book("BTC/USDT"):
            print(book.bid, book.ask, book.age_ms, book.state)

    async with fairlead.open("okx", key="bot-a") as session:
        order = await session["okx"].buy("BTC/USDT", qty="0.1", price="61000", post_only=True)

Nothing is imported before it is used; what is not named here is not public."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from fairlead.core.book import Book as Book
    from fairlead.core.deadman import Safety as Safety
    from fairlead.core.limits import Caps as Caps
    from fairlead.core.limits import Limits as Limits
    from fairlead.core.limits import limits_from as limits_from
    from fairlead.engine.account import AccountDesk
    from fairlead.engine.bus import Subscription as Subscription
    from fairlead.engine.desk import Windows
    from fairlead.engine.feed import Mends as Mends
    from fairlead.engine.market import Market as Market
    from fairlead.engine.session import Minding
    from fairlead.engine.session import Session as Session
    from fairlead.engine.view import View as View
    from fairlead.errors import BadNumber as BadNumber
    from fairlead.errors import Closed as Closed
    from fairlead.errors import Error as Error
    from fairlead.errors import Held as Held
    from fairlead.errors import InDoubt as InDoubt
    from fairlead.errors import JournalFailed as JournalFailed
    from fairlead.errors import Limited as Limited
    from fairlead.errors import Misuse as Misuse
    from fairlead.errors import Nonsense as Nonsense
    from fairlead.errors import NotSent as NotSent
    from fairlead.errors import Refused as Refused
    from fairlead.errors import RiskRefused as RiskRefused
    from fairlead.errors import TransportError as TransportError
    from fairlead.errors import Unknown as Unknown
    from fairlead.errors import UnknownName as UnknownName
    from fairlead.errors import VenueError as VenueError
    from fairlead.model.account import Balance as Balance
    from fairlead.model.account import Leverage as Leverage
    from fairlead.model.account import Position as Position
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
    from fairlead.model.order import Life as Life
    from fairlead.model.order import Order as Order
    from fairlead.model.orders import Fill as Fill
    from fairlead.model.orders import OrderReport as OrderReport
    from fairlead.model.orders import OrderType as OrderType
    from fairlead.model.orders import Tif as Tif
    from fairlead.wire.face import Journal
    from fairlead.wire.signing import SecretSource as SecretSource
    from fairlead.wire.signing import Signer

__version__ = "0.1.0"

_ROOMS = {
    "fairlead.core.book": ("Book",),
    "fairlead.core.deadman": ("Safety",),
    "fairlead.core.limits": ("Caps", "Limits", "limits_from"),
    "fairlead.engine.bus": ("Subscription",),
    "fairlead.engine.feed": ("Mends",),
    "fairlead.engine.market": ("Market",),
    "fairlead.engine.session": ("Session",),
    "fairlead.engine.view": ("View",),
    "fairlead.errors": (
        *("BadNumber", "Closed", "Error", "Held", "InDoubt", "JournalFailed", "Limited", "Misuse", "Nonsense"),
        *("NotSent", "Refused", "RiskRefused", "TransportError", "Unknown", "UnknownName", "VenueError"),
    ),
    "fairlead.model.account": ("Balance", "Leverage", "Position"),
    "fairlead.model.instrument": ("Catalog", "Instrument"),
    "fairlead.model.market": ["Candle", "Funding", "FundingPaid", "Index", "Mark", "Quote", "State", "Ticker", "Trade"],
    "fairlead.model.order": ("Life", "Order"),
    "fairlead.model.orders": ("Fill", "OrderReport", "OrderType", "Tif"),
    "fairlead.wire.signing": ("SecretSource",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
__all__ = ["open", "venue_names", *sorted(_HOMES)]


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
    """A session over these venues, to be used with `async with`; reading markets needs no key.

    `key` is your label of a key (of each venue, or venue by venue), found in the file `keys` or in the environment;
    "" is the only one there is. With a key the session trades, unless `stage` is "read-only"; `limits` is what your
    bots may risk, `safety` what becomes of your orders when this process dies. What must outlive the process lies in
    the folder `state`, in which one process trades; `durability` "power" also survives a power cut, "process" a killed
    process.

    `environment` is one that the venues have (live, demo, a region); `hosts` replaces their addresses, for instance by
    a simulator's: {"venue": {"rest": "http://127.0.0.1:1", "ws": "ws://127.0.0.1:2"}}. `doubled` names the kinds of
    stream (such as "book") that ride on two connections at once, of which the first word wins."""
    from fairlead.engine.session import Session, stage_of
    from fairlead.io.store import state_folder

    chosen = stage_of(stage, has_key=key is not None)
    labels, signers = ({}, {}) if key is None else _keys(venues, key, keys)
    where = {name: _tuples(known) for name, known in (hosts or {}).items()}
    folder = (state_folder() if state is None else Path(state)).absolute()
    windows = _windows(folder, durability)
    return Session(
        venues,
        windows,
        environment=environment,
        hosts=where,
        mends=mends,
        doubled=doubled,
        signers=signers,
        labels=labels,
        stage=chosen,
        limits=limits,
        minds=None if safety is None else _minds(safety, windows, folder, environment, where, keys),
    )


def venue_names() -> tuple[str, ...]:
    """The names of the venues that can be opened."""
    from fairlead.venues import registry

    return registry.names()


def _windows(folder: Path, durability: Literal["power", "process"]) -> Windows:
    """The real ones, with what must outlive the process in this folder."""
    from fairlead.engine.desk import Windows
    from fairlead.engine.machine import Machine
    from fairlead.io.clock import RealClock, entropy
    from fairlead.io.http import AioHttp
    from fairlead.io.names import Names
    from fairlead.io.socket import Picows
    from fairlead.io.store import FileStore

    clock = RealClock()
    names = Names(clock)

    def journal(name: str) -> Journal:
        from fairlead.io.journal import DiskJournal

        return DiskJournal(folder / name, clock, durability=durability, words="a bot that trades by Fairlead")

    return Windows(
        clock=clock,
        rng=entropy(),
        http=AioHttp(names=names),
        ws=Picows(clock, names=names),
        store=FileStore(folder),
        journal=journal,
        machine=Machine(clock, names),
    )


def _minds(
    safety: Safety,
    windows: Windows,
    folder: Path,
    environment: str,
    hosts: Mapping[str, Mapping[str, tuple[str, ...]]],
    keys: str | Path | SecretSource | None,
) -> Callable[[AccountDesk], Minding]:
    """A watchdog is a process of its own: it must be able to read the keys where we did."""
    from fairlead.engine.minding import minding

    file = "" if keys is None else str(Path(keys).absolute()) if isinstance(keys, (str, Path)) else None
    return minding(safety, windows.clock, windows.rng, folder=folder, environment=environment, hosts=hosts, keys=file)


def _keys(
    venues: Iterable[str], key: str | Mapping[str, str], keys: str | Path | SecretSource | None
) -> tuple[dict[str, str], dict[str, Signer]]:
    """(labels, signers) of the venues that have a key."""
    import os

    from fairlead.errors import UnknownName
    from fairlead.keys.sources import Environment, KeyFile
    from fairlead.venues import registry

    source: SecretSource = (
        Environment(os.environ) if keys is None else KeyFile(Path(keys)) if isinstance(keys, (str, Path)) else keys
    )
    opened = tuple(venues)
    wanted = dict.fromkeys(opened, key) if isinstance(key, str) else dict(key)
    for name in wanted:
        if name not in opened:
            raise UnknownName("open venue that the key could be of", name, opened)
    signers = {name: source.signer(name, label, registry.venue(name).key_kinds) for name, label in wanted.items()}
    labels = {name: label or next(iter(source.labels(name)), "") or "main" for name, label in wanted.items()}
    return labels, signers


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
