"""The addresses of a city: which venues, host keys and alternates there are, and what a client is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from fairlead.sim.city import City

Addresses: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]  # venue -> host key -> addresses, the best first


class Gate(Struct, frozen=True):
    """One address of a venue: `slot` counts the alternates of its host key."""

    venue: str
    host_key: str
    slot: int = 0


def gates(city: City, slots: int) -> tuple[Gate, ...]:
    """So many addresses for every host key that the venues know in any of their environments."""
    return tuple(
        Gate(mouth.venue.name, host_key, slot)
        for mouth in city.mouths
        for host_key in dict.fromkeys(key for hosts in mouth.venue.hosts.values() for key in hosts)
        for slot in range(slots)
    )


def grouped(addresses: Mapping[Gate, str]) -> Addresses:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for gate, address in addresses.items():
        keys = found.setdefault(gate.venue, {})
        keys[gate.host_key] = (*keys.get(gate.host_key, ()), address)
    return found


def announced(city: City, addresses: Addresses) -> dict[str, Any]:
    """For machines: each venue's addresses, a scheme, host and port each, and its demo key."""
    venues: dict[str, dict[str, Any]] = {}
    for venue, keys in addresses.items():
        minted = city.keys[venue]
        key = {"key": minted.key, "secret": minted.secret}
        if minted.passphrase:
            key["passphrase"] = minted.passphrase
        venues[venue] = {**{host_key: several[0] for host_key, several in keys.items()}, "key": key}
    return {"venues": venues}


def is_stream(host_key: str, doors: Sequence[Any]) -> bool:
    """Whether websockets are opened under this host key."""
    return any(door.host == host_key for door in doors)
