"""Dials WebSocket connections by picows, under the strict frame rules; it never reconnects and reads no message.

picows frames fast and leaves to its user the reserved bits, the order of fragments, UTF-8 and half of the close codes:
those are io/frames. What it refuses by itself (masked frames, unknown opcodes, long control frames, lengths written
too long, frames above the limit, a wrong upgrade) ends the same way. Its masking keys are not unguessable, which
RFC 6455 wants against caching proxies fooled by a web page's script; here nobody foreign chooses what is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import urllib.parse
from typing import Any, Final

from aiohappyeyeballs import start_connection
from picows import WSError, WSHandshakeError, ws_connect

from fairlead.errors import NotSent
from fairlead.io.frames import MESSAGE_BYTES_MAX
from fairlead.io.link import Link
from fairlead.io.names import Names
from fairlead.wire.face import Clock, WsLink, WsListener

SECOND_ADDRESS_S = 0.25  # when to try a host's next address beside the first (RFC 8305)


class Picows:
    """Dials WebSocket connections; TLS by the system's roots, never below what the ssl module calls safe."""

    def __init__(
        self,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
        names: Names | None = None,
    ) -> None:
        self._clock, self._names = clock, names or Names(clock)
        self._tls = tls or ssl.create_default_context()
        self._message_bytes_max = message_bytes_max

    async def dial(self, url: str, listener: WsListener, timeout_ms: int) -> WsLink:
        """An open connection: `opened` has been called, and frames may have come; else NotSent and not a call."""
        plug, link = _Plug(self._names), Link(listener, self._clock, self._message_bytes_max)
        said = "the far end hung up before the upgrade"
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await ws_connect(
                    link.agreed,
                    url,
                    ssl_context=self._tls,
                    socket_factory=plug.connect,
                    websocket_handshake_timeout=None,  # the one timeout above covers every step
                    enable_auto_pong=False,
                    max_frame_size=self._message_bytes_max,
                    max_redirects=0,
                    logger_name=_SILENT,
                )
        except TimeoutError:
            said = f"no connection within {timeout_ms} ms"
        except WSHandshakeError as refusal:
            said = _refusal(refusal)
        except (OSError, WSError, ValueError) as trouble:
            said = _trouble(trouble)
        except asyncio.CancelledError:
            link.give_up()
            plug.pull()
            raise
        if link.is_connected:
            return link
        link.give_up()
        plug.pull()
        raise NotSent(
            f"{_host(url)} could not be reached: {said}",
            known="nothing was asked of the venue",
            next="this is tried again with growing waits; `fairlead doctor` looks at the way there",
        )


class _Plug:
    """Keeps the socket at hand while picows dials, so that a dial given up half-way leaves nothing open."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._socket: socket.socket | None = None

    async def connect(self, url: Any) -> socket.socket:
        addresses = await self._names.addresses(url.host, url.port)
        self._socket = await start_connection(addresses, happy_eyeballs_delay=SECOND_ADDRESS_S, interleave=1)
        return self._socket

    def pull(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # its transport sees the end and closes it


# picows would log addresses, and private streams carry their key there; why a connection ends is told by closed().
_SILENT: Final = logging.Logger("picows", logging.CRITICAL + 1)


def _host(url: str) -> str:
    """The one part of an address that is never secret: listen keys stand in paths, tokens in queries."""
    try:
        return urllib.parse.urlsplit(url).hostname or "the given address"
    except ValueError:
        return "the given address"


def _refusal(refusal: WSHandshakeError) -> str:
    if refusal.response is None:
        return "it did not answer in HTTP"
    status = int(refusal.response.status)
    return "its upgrade is not valid" if status == 101 else f"it answered HTTP {status} instead of the upgrade"


def _trouble(trouble: OSError | WSError | ValueError) -> str:
    match trouble:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {trouble.verify_message}"
        case ssl.SSLError():
            return "TLS failed"
        case socket.gaierror():
            return "its name is not known"
        case OSError():
            return (trouble.strerror or "the network refused").lower()
    return "the address is not a WebSocket URL"
