"""Host names for aiohttp, by the same memory as all others; apart from it, since aiohttp takes long to import."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from fairlead.io.names import NUMBER, Names


class Resolver(AbstractResolver):
    """Of one pool of connections."""

    def __init__(self, names: Names) -> None:
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._names.addresses(host, port)
        return [
            ResolveResult(hostname=host, host=where[0], port=port, family=kind, proto=proto, flags=NUMBER)
            for kind, _, proto, _, where in found
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def close(self) -> None:
        """Nothing is held open."""
