"""A client of one venue in memory: asks by REST and keeps a private stream, through the venue's own adapter."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.server.memory import Memory
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Joined, Need, Ready, Topic
from fairlead.wire.endpoint import Access, Ctx, Mode, build
from fairlead.wire.face import HttpCall, WsLink
from fairlead.wire.http import Reply
from fairlead.wire.mirror import Minted
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp


class Pen:
    """A Signer of a minted key."""

    def __init__(self, minted: Minted) -> None:
        self._minted = minted
        self.key_id, self.algorithm = minted.key, minted.algorithm

    def sign(self, message: bytes) -> bytes:
        secret = self._minted.secret
        key = base64.b64decode(secret) if self._minted.in_base64 else secret.encode()
        return hmac.digest(key, message, self.algorithm.removeprefix("hmac-"))

    def part(self, name: str) -> str:
        return self._minted.passphrase


class Trader:
    def __init__(self, name: str, memory: Memory, minted: Minted | None = None) -> None:
        self.venue, self.memory, self.city = registry.venue(name), memory, memory.city
        self.mouth, self.pen = memory.city.mouth(name), Pen(minted or memory.city.keys[name])
        self.ctx = Ctx(self.mouth.ctx.catalog, Mode(margin="cross" if "swap" in self.venue.markets else "cash"))
        self.stream: Stream | None = None
        self._nonce = 0

    def stamp(self) -> Stamp:
        self._nonce += 1
        ms = self.mouth.venue_ms()
        return Stamp(mono_ns=self.memory.clock.mono_ns(), venue_ms=ms, nonce=ms * 1_000 + self._nonce)

    async def send(self, op: Op, asked: Any, timeout_ms: int = 5_000) -> Reply:
        row = self.venue.endpoints[op]
        request = build(row, asked, self.ctx, self.venue.encode)
        if row.access is Access.SIGNED:
            request = self.venue.sign(request, self.pen, self.stamp())
        address = self.memory.addresses[self.venue.name][request.host][0]
        call = HttpCall(request.method, address + request.target, request.headers, request.body)
        return await self.memory.http.send(call, timeout_ms)

    async def ask(self, op: Op, asked: Any, timeout_ms: int = 5_000) -> Any:
        reply = await self.send(op, asked, timeout_ms)
        fault = self.venue.fault(reply, op)
        return fault or self.venue.endpoints[op].read(reply.body, asked, self.ctx)

    async def listen(self, *kinds: str) -> Stream:
        """Opens the door where these are heard, logs in and joins them."""
        door = self.venue.door_for(kinds[0])
        assert door is not None, kinds
        self.stream = stream = Stream(self)
        stream.conversation = door.speak(self.ctx, self.pen, stream, Inspector(1))
        base = self.memory.addresses[self.venue.name][door.host][0]
        topics = [Topic(kind) for kind in kinds]
        stream.link = await self.memory.ws.dial(base + door.path(topics, None), stream, 5_000)
        await stream.until(lambda: any(isinstance(word, Ready) for word in stream.words))
        stream.conversation.join([(topic, stream.lane) for topic in topics], self.stamp())
        await stream.until(lambda: sum(isinstance(word, Joined) for word in stream.words) == len(kinds))
        return stream


class Stream:
    """The private stream: a WsListener that feeds the conversation, and the Out that it speaks to."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self.conversation: Any = None
        self.link: WsLink | None = None
        self.words: list[Any] = []
        self.events: list[Any] = []
        self.log: list[Any] = []  # both, as they came
        self.ends: list[int] = []
        self._early: list[bytes] = []
        self._tasks: list[asyncio.Task[None]] = []

    # As a listener.

    def opened(self) -> None:
        self.conversation.open(self._trader.stamp())

    def frame(self, payload: Any, cost: Any = (), tag: str = "") -> None:
        """A frame that came has a time with it; one that goes has its costs."""
        if isinstance(cost, int):
            self.conversation.receive(payload, cost)
        else:
            self._send(payload)

    def closed(self, code: int, reason: str) -> None:
        self.ends.append(code)

    # As an Out.

    def event(self, word: Any) -> None:
        self.words.append(word)
        self.log.append(word)

    def lane(self, event: Any) -> None:
        self.events.append(event)
        self.log.append(event)

    def need(self, need: Need) -> None:
        async def fetch() -> None:
            answer = await self._trader.ask(need.op, need.asked)
            self.conversation.supply(need, answer, self._trader.stamp())

        self._tasks.append(asyncio.ensure_future(fetch()))

    def _send(self, text: bytes) -> None:
        if self.link is None:
            self._early.append(text)
            asyncio.get_running_loop().call_soon(self._flush)
        else:
            self.link.send(text)

    def _flush(self) -> None:
        early, self._early = self._early, []
        for text in early:
            self._send(text)

    # As a client.

    async def call(self, op: Op, asked: Any, tag: str) -> Any:
        self.conversation.call(Call(tag, op, asked), self._trader.stamp())
        await self.until(lambda: self.answers(tag) != [])
        return self.answers(tag)[0]

    def answers(self, tag: str) -> list[Any]:
        return [word.outcome for word in self.words if isinstance(word, Answer) and word.tag == tag]

    async def until(self, holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.01)
                self.conversation.tick(self._trader.stamp())


def trading(name: str, visit: Callable[[Trader], Coroutine[Any, Any, None]], **habits: Any) -> None:
    """Runs a visit to the venue, whose engine may have other habits than usual."""
    mirror = registry.mirror(name)
    turned = replace(mirror, habits=replace(mirror.habits, **habits))

    async def main() -> None:
        clock = VirtualClock()
        city = City([name], World(3, usual([name]), clock.wall_ns()), clock, seeded(1), {name: turned})
        async with Memory(city, clock, seeded(2)) as memory:
            await visit(Trader(name, memory))

    run_virtual(main)
