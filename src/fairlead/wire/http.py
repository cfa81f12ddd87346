"""A request and a reply as values; where to send it is a name of the venue's host table, not an address."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Request(Struct, frozen=True):
    method: str
    host: str  # a key of Venue.hosts: "rest"
    path: str
    query: str = ""  # encoded, exactly as it will be sent and signed
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


class Reply(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
