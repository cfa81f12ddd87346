"""Where a command finds its venues, and a session over them; a network that is down is told and tried again."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

import fairlead
from fairlead.core.backoff import Backoff
from fairlead.engine.feed import Mends
from fairlead.engine.session import Session
from fairlead.errors import Misuse, TransportError, UnknownName
from fairlead.io.clock import RealClock, entropy
from fairlead.venues import registry

SIM = "FAIRLEAD_SIM"  # the line of a running `fairlead sim --json`, or a file that holds it
FIRST_MS, MOST_MS = 500, 30_000  # between two tries to open
Hosts = Mapping[str, Mapping[str, tuple[str, ...]]]  # venue -> host key -> addresses

AsJson = Annotated[bool, Parameter(name="--json", help="one JSON object a line, for machines")]


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Options that every command takes which talks to venues."""

    environment: Annotated[str, Parameter(help="live, demo, sim, or another that the venue has")] = "live"
    hosts: Annotated[str, Parameter(help="addresses: the line of `fairlead sim --json`, or a file with it")] = ""
    sim: Annotated[bool, Parameter(negative="", help=f"the simulator that {SIM} names")] = False


def hosts_of(where: Where, venues: Sequence[str]) -> Hosts:
    """The addresses to use instead of the venues' own; empty: theirs. Without names: of all that there are."""
    is_sim = where.sim or where.environment == "sim"
    given = where.hosts or (os.environ.get(SIM, "") if is_sim else "")
    if not given:
        if is_sim:
            raise Misuse(
                "The simulator's addresses are not known.",
                next=f"start `fairlead sim --json` and give its line to --hosts, or put it into {SIM}",
            )
        return {}
    known = _read(given)
    for name in venues:
        if name not in known:
            raise UnknownName("venue among the addresses", name, known)
    return {name: known[name] for name in venues or known}


@asynccontextmanager
async def opened(venues: Sequence[str], where: Where, mends: Mends | None = None) -> AsyncIterator[Session]:
    """A session, as soon as the network lets it be; each failed try is told on standard error."""
    hosts = hosts_of(where, venues)
    for name in venues if not hosts else ():
        if where.environment not in registry.venue(name).hosts:
            raise UnknownName(f"environment of {name}", where.environment, registry.venue(name).hosts)
    clock = RealClock()
    backoff = Backoff(FIRST_MS, MOST_MS, entropy())
    while True:
        session = fairlead.open(*venues, environment=where.environment, hosts=hosts, mends=mends)
        try:
            await session.open()
            break
        except TransportError as failed:
            wait_ms = backoff.next_ms()
            print(f"{failed} Trying again in {wait_ms / 1000:.1f} s.", file=sys.stderr, flush=True)
            await clock.sleep(wait_ms / 1000)
    try:
        yield session
    finally:
        await session.close()


def checked_venue(name: str) -> str:
    """A venue's name, or the nearest ones."""
    if name not in fairlead.venue_names():
        raise UnknownName("venue", name, fairlead.venue_names())
    return name


def _read(given: str) -> Hosts:
    text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
    try:
        told: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        # Several addresses of a key stand beside the line's own one, which is the first of them.
        venues = msgspec.convert(told.get("alternates") or told.get("venues", told), dict[str, dict[str, Any]])
        return {name: {key: _several(value) for key, value in keys.items() if key != "key"}
                for name, keys in venues.items()}  # fmt: skip
    except msgspec.ValidationError as wrong:
        raise Misuse(
            f"These are no addresses: {wrong}", next="give the line that `fairlead sim --json` prints"
        ) from None
    except msgspec.DecodeError as wrong:
        raise Misuse(f"The addresses are not JSON: {wrong}") from None


def _several(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else msgspec.convert(value, tuple[str, ...])
