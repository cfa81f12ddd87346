"""The city on loopback: real HTTP and WebSocket, a port for each address; it words nothing and listens nowhere else.

    async with Served(city, clock) as served:
        served.addresses, served.control

Paths, queries and bodies are handed on byte for byte, since they are signed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import WSMsgType, web

from fairlead.errors import Misuse
from fairlead.sim.city import STEP_MS, City
from fairlead.sim.connection import GOING_AWAY
from fairlead.sim.harm import Torn
from fairlead.sim.server.control import answered
from fairlead.sim.server.gates import Addresses, Gate, gates, grouped
from fairlead.sim.server.headers import Headers
from fairlead.wire.face import Clock
from fairlead.wire.http import Reply, Request

LOOPBACK = ("127.0.0.1", "::1", "localhost")
WAITING_FRAMES_MOST = 10_000  # of a client that does not read: then its connection breaks
MESSAGE_BYTES_MOST = 1024 * 1024  # from a client
CLOSE_WAIT_S = 2.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, by RST
# RFC 6455, 5.2: a text frame with a reserved bit set; and 8.1: one whose text is not UTF-8.
MALFORMED = {"rsv": b"\xc1\x02{}", "utf8": b"\x81\x02\xc3\x28"}

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Served:
    """`slots` ports for each host key; `first_port` numbers them in a row, 0 takes any that are free."""

    def __init__(
        self, city: City, clock: Clock,
        *, host: str = "127.0.0.1", slots: int = 1, first_port: int = 0, control_port: int = 0,
    ) -> None:  # fmt: skip
        if host not in LOOPBACK:
            raise Misuse(f"The simulator listens on loopback only, not on {host!r}.", next="leave the host out")
        self.city, self._clock = city, clock
        ports = iter(range(first_port, first_port + 1_000)) if first_port else iter(lambda: 0, 1)
        self._ports = {gate: Port(host, next(ports), partial(self._visit, gate)) for gate in gates(city, slots)}
        self._control = Port(host, control_port or next(ports), self._disturb)
        self._pace: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> Addresses:
        return grouped(
            {gate: f"{'ws' if gate.is_stream else 'http'}://{port.name}" for gate, port in self._ports.items()}
        )

    @property
    def control(self) -> str:
        return f"http://{self._control.name}"

    async def __aenter__(self) -> Served:
        try:
            for port in (*self._ports.values(), self._control):
                await port.open()
        except BaseException:  # whatever it is, the ports already open must not stay so
            await self._shut()
            raise
        self._pace = asyncio.create_task(self._keep_pace(), name="the city's pace")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._pace is not None, "it was entered"
        self._pace.cancel()
        await asyncio.gather(self._pace, return_exceptions=True)
        for connection in self.city.connections:
            connection.close(GOING_AWAY, "the simulator ends")
        await self._shut()

    async def _shut(self) -> None:
        for port in (*self._ports.values(), self._control):
            await port.close()

    async def _keep_pace(self) -> None:
        """Lets the city live, and its addresses die and come back."""
        while True:
            self.city.step()
            for gate, port in self._ports.items():
                if self.city.mishaps.is_dead(gate.venue, gate.host_key, gate.slot):
                    port.die()
                elif not port.is_open:
                    await port.open()
            await self._clock.sleep(STEP_MS / 1_000)

    async def _visit(self, gate: Gate, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(gate, request)
        said = await self.city.handle(gate.venue, await _taken(gate.host_key, request), request.remote or "")
        if isinstance(said, Torn):
            _begin(request, said)
            _reset(request)
            return web.Response()
        return _worded(said)

    async def _talk(self, gate: Gate, request: web.BaseRequest) -> web.StreamResponse:
        line = Line(request)
        ip = request.remote or ""
        connection = self.city.connect(gate.venue, gate.host_key, gate.slot, request.raw_path, ip, line)
        if isinstance(connection, Reply):
            return _worded(connection)
        ws = web.WebSocketResponse(
            timeout=CLOSE_WAIT_S, compress=False, max_msg_size=MESSAGE_BYTES_MOST, autoping=False
        )
        try:
            await ws.prepare(request)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(line.write(ws), name=f"the line of {connection!r}")
                self.city.opened(connection)
                async for message in ws:
                    match message.type:
                        case WSMsgType.TEXT:
                            connection.receive(message.data.encode())
                        case WSMsgType.BINARY:
                            connection.receive(message.data)
                        case WSMsgType.PING:
                            line.pong(message.data)
                        case WSMsgType.PONG:
                            connection.pong(bytes(message.data))
                line.finish()
        finally:
            connection.ended()
        return ws

    async def _disturb(self, request: web.BaseRequest) -> web.StreamResponse:
        return _worded(answered(self.city, await _taken("control", request)))

    def __repr__(self) -> str:
        return f"<Served on {len(self._ports)} ports: {self.city!r}>"


class Port:
    """A listening port that can die and come back under its number."""

    def __init__(self, host: str, number: int, handler: Handler) -> None:
        self._host, self._number = host, number
        self._server = web.Server(handler, access_log=None, handler_cancellation=True)
        self._listening: asyncio.Server | None = None

    @property
    def name(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._number}"

    @property
    def is_open(self) -> bool:
        return self._listening is not None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._server, self._host, self._number)
        self._number = self._listening.sockets[0].getsockname()[1]

    def die(self) -> None:
        """Refuses connections from now on and breaks those it has."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for one in self._server.connections:
            one.force_close()

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        await self._server.shutdown(CLOSE_WAIT_S)


class Line:
    """A Wire to a real client: what the city says waits in a row until it is written."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._row: asyncio.Queue[Callable[[web.WebSocketResponse], Awaitable[object]]] = asyncio.Queue()
        self._is_open = True

    async def write(self, ws: web.WebSocketResponse) -> None:
        """Writes until the end that was said, or until the client is gone."""
        with contextlib.suppress(ConnectionError):
            while self._is_open or not self._row.empty():
                await (await self._row.get())(ws)

    def frame(self, text: bytes) -> None:
        if self._row.qsize() >= WAITING_FRAMES_MOST:
            self.reset()
        self._put(lambda ws: ws.send_frame(text, WSMsgType.TEXT))

    def ping(self, payload: bytes) -> None:
        self._put(lambda ws: ws.ping(payload))

    def pong(self, payload: bytes) -> None:
        self._put(lambda ws: ws.pong(payload))

    def close(self, code: int, why: str) -> None:
        self._put(lambda ws: ws.close(code=code, message=why.encode()))
        self._is_open = False

    def reset(self) -> None:
        self.finish()
        _reset(self._request)

    def finish(self) -> None:
        """Nothing more will be said: the writer ends when it has written what waits."""
        self._is_open = False
        self._row.put_nowait(_nothing)

    def malformed(self, how: str) -> None:
        async def write(_: web.WebSocketResponse) -> None:
            transport = self._request.transport
            if transport is not None:
                transport.write(MALFORMED[how])

        self._put(write)

    def _put(self, write: Callable[[web.WebSocketResponse], Awaitable[object]]) -> None:
        if self._is_open:
            self._row.put_nowait(write)

    def __repr__(self) -> str:
        return f"<Line {'open' if self._is_open else 'over'}, {self._row.qsize()} waiting>"


async def _nothing(_: web.WebSocketResponse) -> None:
    """Wakes a writer that waits for words."""


def _reset(request: web.BaseRequest) -> None:
    """Breaks a connection as a crash would: no close, not even a FIN."""
    transport = request.transport
    if transport is None:
        return
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


def _begin(request: web.BaseRequest, torn: Torn) -> None:
    """The first bytes of a reply that will not be whole."""
    if torn.reply is None or not torn.sent_bytes or request.transport is None:
        return
    reply = torn.reply
    named = {**reply.headers, "content-length": str(len(reply.body))}
    head = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", *(f"{k}: {v}" for k, v in named.items())]
    request.transport.write(("\r\n".join([*head, "", ""]).encode() + reply.body)[: torn.sent_bytes])


async def _taken(host_key: str, request: web.BaseRequest) -> Request:
    path, _, query = request.raw_path.partition("?")
    body = await request.read()
    return Request(request.method, host_key, path, query, Headers(request.headers.items()), body)


def _worded(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)
