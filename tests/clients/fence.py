"""The fence around other people's clients: what they try to reach outside of this machine fails before a byte is sent.

It watches the interpreter's own events, so it holds for every library; put up once, it cannot be taken down."""

from __future__ import annotations

import sys
from typing import Any

LOOPBACK = ("127.0.0.1", "::1", "localhost", None, "")


class Outside(Exception):
    """A client wanted to leave."""


def put_up() -> None:
    sys.addaudithook(_watch)


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None  # a path or nothing: this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if (host.decode() if isinstance(host, bytes) else host) not in LOOPBACK:
        raise Outside(f"{host} is outside of the fence")
