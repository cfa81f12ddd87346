"""The addresses of a city: which venues, host keys and alternates there are, and what a client is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from fairlead.sim.city import City

Addresses: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]  # venue -> host key -> addresses, the best first


class Gate(Struct, frozen=True):
    """One address of a venue: `slot` counts the alternates of its host key."""

    venue: str
    host_key: str
    slot: int
    is_stream: bool  # its address is a websocket's


def gates(city: City, slots: int) -> tuple[Gate, ...]:
    """So many addresses for every host key that the venues have in any of their environments."""
    found = []
    for mouth in city.mouths:
        keys = {key: several[0] for hosts in mouth.venue.hosts.values() for key, several in hosts.items()}
        for key, address in keys.items():
            found += [Gate(mouth.venue.name, key, slot, address.startswith("ws")) for slot in range(slots)]
    return tuple(found)


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
