"""How a command gets at an account: which key by its label, which folder of state, and the word that makes it real.

No secret is ever an argument; the simulator's own demo keys are the only ones that need no file."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from cyclopts import Parameter

import fairlead
from fairlead.cli.opening import SIM, Hosts, Where, checked_venue, hosts_of
from fairlead.cli.words import in_words
from fairlead.engine.session import Session
from fairlead.errors import Misuse, UnknownName
from fairlead.io.store import state_folder
from fairlead.keys.signer import FileSigner
from fairlead.model.events import AccountHealth, Health, Throttled, TradingOpened
from fairlead.wire.signing import SecretSource, Signer

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@Parameter(name="*")
@dataclass(frozen=True)
class Holder:
    """Options of every command that needs a key."""

    key: Annotated[str, Parameter(help="your label of the key; not needed where there is only one")] = ""
    keys: Annotated[str, Parameter(help="the file of keys, readable by you alone; without it, the environment")] = ""
    state: Annotated[str, Parameter(help="the folder of the journal")] = ""
    live: Annotated[bool, Parameter(negative="", help="yes: with real money")] = False


class SimKeys:
    """The demo keys that a simulator prints beside its addresses, one a venue."""

    def __init__(self, keys: Mapping[str, Mapping[str, str]]) -> None:
        self._keys = keys

    def labels(self, venue: str) -> tuple[str, ...]:
        return ("demo",) if venue in self._keys else ()

    def signer(self, venue: str, label: str, kinds: Sequence[str]) -> Signer:
        if label not in ("", "demo") or venue not in self._keys:
            raise UnknownName(f"key of the simulated {venue}", label, self.labels(venue))
        return FileSigner(msgspec.json.encode(self._keys[venue]), kinds)

    def __repr__(self) -> str:
        return f"<SimKeys of {len(self._keys)} venues>"


@asynccontextmanager
async def reading(venue: str, where: Where, holder: Holder) -> AsyncIterator[Session]:
    """A session that asks of the account and cannot trade: it needs no journal, so others may trade meanwhile."""
    hosts = hosts_of(where, [checked_venue(venue)])
    async with _session(venue, where, holder, hosts, "read-only") as session:
        yield session


@asynccontextmanager
async def trading(venue: str, where: Where, holder: Holder, *, quiet: bool) -> AsyncIterator[Session]:
    """A session that trades, open for business. What happens to orders meanwhile is told on standard error, unless
    `quiet`; a venue that keeps us waiting is always told of."""
    hosts = hosts_of(where, [checked_venue(venue)])
    if not _risks_nothing(where, hosts) and not holder.live:
        raise Misuse(
            f"This would trade on {venue} with real money.",
            known="nothing was sent",
            next="add --live if you mean it; --sim or --environment demo risk nothing",
        )
    session, is_open = _session(venue, where, holder, hosts, "live"), asyncio.Event()

    def hear(event: Health) -> None:
        if isinstance(event, TradingOpened):
            is_open.set()
        elif isinstance(event, Throttled if not is_open.is_set() else AccountHealth) and not quiet:
            print(in_words(event), file=sys.stderr, flush=True)

    session.health(hear)
    async with session:
        if not is_open.is_set():
            print(f"{venue} keeps us waiting: the journal is held against it first. Ctrl-C ends it, nothing is lost.",
                  file=sys.stderr, flush=True)  # fmt: skip
            await is_open.wait()
        yield session


def _risks_nothing(where: Where, hosts: Hosts) -> bool:
    """A simulator on this machine, or an environment that is no real one. Other addresses may lead anywhere."""
    if hosts:
        addresses = (one for keys in hosts.values() for several in keys.values() for one in several)
        return all(urlsplit(one).hostname in LOOPBACK for one in addresses)
    return where.environment != "live" and not where.environment.startswith("live-")


def _session(venue: str, where: Where, holder: Holder, hosts: Hosts, stage: str) -> Session:
    return fairlead.open(
        venue,
        key=holder.key,
        keys=_source(where, holder, hosts),
        stage=stage,
        state=_folder(holder, hosts),
        environment=where.environment,
        hosts=hosts,
    )


def _source(where: Where, holder: Holder, hosts: Hosts) -> str | SecretSource | None:
    if holder.keys:
        return holder.keys
    return SimKeys(found) if hosts and (found := _demo_keys(where)) else None


def _demo_keys(where: Where) -> Mapping[str, Mapping[str, str]]:
    given = where.hosts or os.environ.get(SIM, "")
    text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
    venues: Mapping[str, Any] = msgspec.json.decode(text).get("venues", {})
    return {name: told["key"] for name, told in venues.items() if "key" in told}


def _folder(holder: Holder, hosts: Hosts) -> Path:
    """Where other addresses are given, a folder of theirs: a simulator's orders are nobody else's."""
    if holder.state:
        return Path(holder.state)
    if not hosts:
        return state_folder()
    return state_folder() / f"elsewhere-{sha256(msgspec.json.encode(hosts, order='sorted')).hexdigest()[:12]}"
