"""The far end of a test: a raw TCP server that says exactly the bytes it is told to, right or wrong."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from fairlead.io.clock import RealClock
from fairlead.io.socket import Picows
from fairlead.wire.face import WsLink

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # for plain connections: reading the system's roots takes its time
CANARY = "sEcReT-listen-key"  # stands in every address, and must stand in nothing that is shown
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def far_end(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serves `talk` on loopback; gives its port."""
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await talk(reader, writer)
        finally:
            talks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Hears all and says nothing."""
    while await reader.read(65_536):
        pass


def reset(writer: asyncio.StreamWriter) -> None:
    """Tears the connection down with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, extra: bytes = b"") -> bytes:
    """Answers a WebSocket upgrade; gives the request as it came."""
    request = await reader.readuntil(b"\r\n\r\n")
    key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n" + extra + b"\r\n"
    )
    return request


async def client_frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, bytes]]:
    """What the client says, unmasked, until it hangs up."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            first, second = await reader.readexactly(2)
            assert first & 0xF0 == 0x80, "a client of ours sends whole frames without reserved bits"
            assert second & 0x80, "a client masks"
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
            mask = await reader.readexactly(4)
            payload = await reader.readexactly(length)
            yield first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def path(port: int, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{port}/{CANARY}?token={CANARY}"


async def dialled(
    port: int, ear: Ear, tls: ssl.SSLContext = NO_TLS, scheme: str = "ws", wait_ms: int = 5_000
) -> WsLink:
    return await Picows(RealClock(), tls).dial(path(port, scheme), ear, wait_ms)


@dataclass
class Ear:
    """A WsListener that writes down what it is told, and knows when it was told wrongly."""

    opened_times: int = 0
    heard: list[bytes] = field(default_factory=list)
    seen_ns: list[int] = field(default_factory=list)
    ends: list[tuple[int, str]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def opened(self) -> None:
        assert not self.ends
        self.opened_times += 1

    def frame(self, payload: bytes, seen_ns: int) -> None:
        assert self.opened_times == 1, "a frame before opened"
        assert not self.ends, "a frame after closed"
        self.heard.append(payload)
        self.seen_ns.append(seen_ns)

    def closed(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))
        self.over.set()
