"""The city in memory: the transports of wire.face without a socket, as fast, late and unsure as a real wire.

    async with Memory(city, clock, rng) as memory:
        memory.http, memory.ws, memory.addresses      # sim://north/rest, its alternate sim://north/rest~1

In virtual time all of it is deterministic. A request that has not reached the city when it fails is NotSent, from then
on Unknown, as it is with sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from fairlead.errors import NotSent, Unknown
from fairlead.sim.city import STEP_MS, City
from fairlead.sim.connection import Connection
from fairlead.sim.harm import Torn
from fairlead.sim.server.gates import Addresses, Gate, gates, grouped
from fairlead.sim.server.headers import Headers
from fairlead.wire.face import Clock, HttpCall, Rng, WsLink, WsListener
from fairlead.wire.http import Reply, Request

LATENCY_MS = 5.0  # one way
JITTER_MS = 2.0  # on average on top of it
BROKEN = 1006
MALFORMED_CLOSES = {"rsv": 1002, "utf8": 1007}  # what a strict client says to such a frame
IP = "127.0.0.1"


class Memory:
    """Carries a city and is the way to it; `slots` addresses for each host key."""

    def __init__(
        self, city: City, clock: Clock, rng: Rng,
        *, slots: int = 1, latency_ms: float = LATENCY_MS, jitter_ms: float = JITTER_MS,
    ) -> None:  # fmt: skip
        self.city, self.clock, self._rng = city, clock, rng
        self._latency_ms, self._jitter_ms = latency_ms, jitter_ms
        self._gates = {_address(gate): gate for gate in gates(city, slots)}
        self.http, self.ws = MemoryHttp(self), MemoryWs(self)
        self._pace: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> Addresses:
        return grouped({gate: address for address, gate in self._gates.items()})

    def trip_s(self) -> float:
        """How long one way takes this time."""
        jitter_ms = self._rng.expovariate(1 / self._jitter_ms) if self._jitter_ms else 0.0
        return (self._latency_ms + jitter_ms) / 1_000

    def find(self, url: str) -> tuple[Gate, str]:
        """The gate of a URL and the path after it; NotSent when there is no such address or it is dead."""
        scheme, _, rest = url.partition("://")
        venue, _, rest = rest.partition("/")
        key, slash, path = rest.partition("/")
        gate = self._gates.get(f"{scheme}://{venue}/{key}")
        if gate is None:
            raise NotSent(f"There is no address {venue}/{key} in this city.", next="see Memory.addresses")
        if self.city.mishaps.is_dead(gate.venue, gate.host_key, gate.slot):
            raise NotSent(f"{venue}/{key} refuses connections.", known="not one byte was sent", next="try another host")
        return gate, slash + path

    async def __aenter__(self) -> Memory:
        self._pace = asyncio.create_task(pace(self.city, self.clock), name="the city's pace")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._pace is not None, "it was entered"
        self._pace.cancel()
        await asyncio.gather(self._pace, return_exceptions=True)

    def __repr__(self) -> str:
        return f"<Memory with {len(self._gates)} addresses to {self.city!r}>"


async def pace(city: City, clock: Clock) -> None:
    """Lets a city live until cancelled."""
    while True:
        city.step()
        await clock.sleep(STEP_MS / 1_000)


def _address(gate: Gate) -> str:
    return f"sim://{gate.venue}/{gate.host_key}" + (f"~{gate.slot}" if gate.slot else "")


class MemoryHttp:
    """An HttpTransport into the city."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def send(self, call: HttpCall, timeout_ms: int) -> Reply:
        memory, has_arrived = self._memory, False
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                await memory.clock.sleep(memory.trip_s())
                gate, target = memory.find(call.url)
                has_arrived = True
                path, _, query = target.partition("?")
                request = Request(call.method, gate.host_key, path, query, Headers(call.headers.items()), call.body)
                said = await memory.city.handle(gate.venue, request, IP)
                await memory.clock.sleep(memory.trip_s())
        except TimeoutError:
            said = Torn()
            if not has_arrived:
                raise NotSent(f"{call.method} found nobody within {timeout_ms} ms") from None
        if isinstance(said, Torn):
            raise Unknown(
                f"{call.method} {target.partition('?')[0]} got no whole reply",
                known="it reached the venue, which may have acted",
                next="ask what became of it",
            )
        return Reply(said.status, {name.lower(): value for name, value in said.headers.items()}, said.body)

    async def close(self) -> None:
        """There is nothing to let go of."""


class MemoryWs:
    """A WsTransport into the city."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def dial(self, url: str, listener: WsListener, timeout_ms: int) -> WsLink:
        memory = self._memory
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                await memory.clock.sleep(2 * memory.trip_s())
        except TimeoutError:
            raise NotSent(f"nobody took the connection within {timeout_ms} ms") from None
        gate, path = memory.find(url)
        link = MemoryLink(memory, listener)
        connection = memory.city.connect(gate.venue, gate.host_key, gate.slot, path, IP, link)
        if isinstance(connection, Reply):
            raise NotSent(f"the upgrade was refused with HTTP {connection.status}", known="no connection came about")
        link.begin(connection)
        return link


class MemoryLink:
    """Both ends of one connection: a WsLink to the client, a Wire to the city. Each direction keeps its order."""

    def __init__(self, memory: Memory, listener: WsListener) -> None:
        self._city, self._clock, self._listener = memory.city, memory.clock, listener
        self._up, self._down = Lane(memory.trip_s), Lane(memory.trip_s)
        self._connection: Connection | None = None
        self._is_open = True

    def begin(self, connection: Connection) -> None:
        self._connection = connection
        self._listener.opened()
        self._city.opened(connection)

    # The client's end.

    def send(self, text: bytes) -> None:
        if self._is_open and self._connection is not None:
            self._up.put(partial(self._connection.receive, bytes(text)), len(text))

    def close(self, code: int = 1000, why: str = "") -> None:
        """The client's close and the city's: whichever end says it, the client hears of it once."""
        self._finish(code, why)

    def waiting_bytes(self) -> int:
        return self._up.waiting_bytes

    # The city's end.

    def frame(self, text: bytes) -> None:
        self._down.put(partial(self._hear, text), len(text))

    def ping(self, payload: bytes) -> None:
        """A client answers these by itself."""
        self._down.put(partial(self._pong, payload), len(payload))

    def reset(self) -> None:
        self._down.clear()
        self._finish(BROKEN, "the connection broke")

    def malformed(self, how: str) -> None:
        self._finish(MALFORMED_CLOSES[how], "the framing rules were broken")

    def _hear(self, text: bytes) -> None:
        if self._is_open:
            self._listener.frame(text, self._clock.mono_ns())

    def _pong(self, payload: bytes) -> None:
        if self._is_open and self._connection is not None:
            self._up.put(partial(self._connection.pong, payload), len(payload))

    def _finish(self, code: int, why: str) -> None:
        self._down.put(partial(self._closed, code, why), 0)

    def _closed(self, code: int, why: str) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._up.clear()
        self._down.clear()
        if self._connection is not None:
            self._connection.ended()
        self._listener.closed(code, why)

    def __repr__(self) -> str:
        return f"<MemoryLink {'open' if self._is_open else 'closed'}, {self.waiting_bytes()} bytes waiting>"


class Lane:
    """One direction: what is put in comes out a trip later, in order; one timer for all of it."""

    def __init__(self, trip_s: Callable[[], float]) -> None:
        self._trip_s = trip_s
        self._waiting: deque[tuple[float, Callable[[], None], int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.waiting_bytes = 0

    def put(self, deliver: Callable[[], None], size: int) -> None:
        due_s = asyncio.get_running_loop().time() + self._trip_s()
        if self._waiting:
            due_s = max(due_s, self._waiting[-1][0])
        self._waiting.append((due_s, deliver, size))
        self.waiting_bytes += size
        if self._timer is None:
            self._arm()

    def clear(self) -> None:
        self._waiting.clear()
        self.waiting_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._waiting[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        now_s = asyncio.get_running_loop().time()
        while self._waiting and self._waiting[0][0] <= now_s:
            _, deliver, size = self._waiting.popleft()
            self.waiting_bytes -= size
            deliver()
        if self._waiting and self._timer is None:
            self._arm()
