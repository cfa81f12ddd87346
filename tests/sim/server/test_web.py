"""The city on loopback: the same city as in memory, under real HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import msgspec
import pytest

from fairlead.errors import Misuse, NotSent, Unknown
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.io.http import AioHttp
from fairlead.io.socket import Picows
from fairlead.sim.city import City
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.gates import announced
from fairlead.sim.server.memory import Memory
from fairlead.sim.server.web import Served
from fairlead.wire.face import HttpCall, HttpTransport, WsTransport
from fairlead.wire.http import Reply
from tests.sim.street import Client, toy_city

T = TypeVar("T")


class Town:
    """A city with the way to it, whatever carries it."""

    def __init__(self, city: City, addresses: Any, http: HttpTransport, ws: WsTransport) -> None:
        self.city, self.addresses, self.http, self.ws = city, addresses, http, ws

    async def get(self, target: str, headers: Mapping[str, str] = {}, slot: int = 0) -> Reply:
        return await self.http.send(HttpCall("GET", self.addresses["toy"]["rest"][slot] + target, headers), 1_000)

    async def join(self, client: Client, *topics: str) -> None:
        link = await self.ws.dial(self.addresses["toy"]["ws"][0] + "/stream", client, 1_000)
        for topic in topics:
            link.send(msgspec.json.encode({"join": topic}))


@asynccontextmanager
async def on_loopback(slots: int = 1) -> AsyncIterator[tuple[Town, Served]]:
    clock = VirtualClock()
    http = AioHttp()
    async with Served(toy_city(clock), clock, slots=slots) as served:
        try:
            yield Town(served.city, served.addresses, http, Picows(clock)), served
        finally:
            await http.close()


@asynccontextmanager
async def in_memory() -> AsyncIterator[tuple[Town, None]]:
    clock = VirtualClock()
    async with Memory(toy_city(clock), clock, seeded(1), latency_ms=0, jitter_ms=0) as memory:
        yield Town(memory.city, memory.addresses, memory.http, memory.ws), None


def visit(scene: Callable[[Town, Served], Coroutine[Any, Any, T]], slots: int = 1) -> T:
    async def main() -> T:
        async with on_loopback(slots) as (town, served):
            return await scene(town, served)

    return run_virtual(main)


async def story(town: Town) -> list[Any]:
    """Something of everything that a client can meet."""
    mishaps = town.city.mishaps
    first, second, third = Client(), Client(), Client()
    await town.join(first, "book:BTC/USDT", "trades:BTC/USDT", "candles:BTC/USDT:1s")
    await asyncio.sleep(2)
    mishaps.add(Rule("drop", match=Match(kind="book"), nth=2))
    mishaps.add(Rule("garbage", match=Match(kind="trades"), nth=1))
    await asyncio.sleep(2)
    replies = [await town.get("/book?symbol=BTC/USDT&depth=3"), await town.get("/nowhere")]
    mishaps.add(Rule("status", channel="rest", args=Args(status=503, after_s=7), nth=1))
    replies.append(await town.get("/time"))
    mishaps.add(Rule("cut", channel="conn", args=Args(code=1012)))
    await asyncio.sleep(1)
    await town.join(second, "quote:ETH/USDT")
    await asyncio.sleep(1)
    mishaps.add(Rule("cut", channel="conn"))
    await asyncio.sleep(1)
    mishaps.add(Rule("slam", channel="conn", nth=1))
    await town.join(third, "quote:ETH/USDT")
    await asyncio.sleep(1)
    said = [(reply.status, reply.headers.get("retry-after"), reply.body) for reply in replies]
    return [said, *[(client.frames, [code for code, _ in client.ends]) for client in (first, second, third)]]


def test_both_carriers_tell_the_same_story() -> None:
    """If this failed, what voyages prove in memory would say nothing about real sockets."""

    async def tell(carried: Any) -> list[Any]:
        async with carried as (town, _):
            return await story(town)

    served, remembered = run_virtual(lambda: tell(on_loopback())), run_virtual(lambda: tell(in_memory()))
    assert served == remembered
    said, (frames, ends), (_, reset), (_, slammed) = served
    assert [status for status, _, _ in said] == [200, 404, 503]
    assert len(frames) > 40
    assert (ends, reset, slammed) == ([1012], [1006], [1001])


@pytest.mark.parametrize("carrier", [on_loopback, in_memory])
def test_a_room_hears_what_was_dialled_and_every_pong(carrier: Any) -> None:
    """If this failed, streams named in an address would stay silent, and who answers no pings would live for ever."""

    async def main() -> list[Any]:
        client = Client()
        async with carrier() as (town, _):
            await town.ws.dial(town.addresses["toy"]["ws"][0] + "/stream?streams=a%2Fb/c", client, 1_000)
            await asyncio.sleep(10.5)
        return client.words

    words = run_virtual(main)
    assert words[0]["path"] == "/stream?streams=a%2Fb/c"
    assert [word["pong"] for word in words if "pong" in word] == ["50", "100"]


def test_what_is_signed_arrives_byte_for_byte() -> None:
    """If this failed, every signature over an escaped or unusual query would be refused, or a changed one taken."""

    async def scene(town: Town, served: Served) -> None:
        minted = town.city.keys["toy"]
        ring = town.city.mouth("toy").keyring
        target = "/balances?b=%2f%2F&a=x+y%20z&c"
        mark = hmac.digest(minted.secret.encode(), (target + "1").encode(), "sha256").hex()
        reply = await town.get(target, {"x-key": minted.key, "X-NONCE": "1", "X-Sign": mark})
        assert reply.status == 200
        assert ring.last_nonce(minted.key) == 1
        again = await town.get(target, {"x-key": minted.key, "X-NONCE": "1", "X-Sign": mark})
        assert (again.status, msgspec.json.decode(again.body)["code"]) == (401, "bad-nonce")
        other = await town.get(target + "&d", {"x-key": minted.key, "X-NONCE": "2", "X-Sign": mark})
        assert (other.status, msgspec.json.decode(other.body)["code"]) == (401, "bad-sign")

    visit(scene)


def test_a_dead_host_refuses_and_comes_back_where_it_was() -> None:
    """If this failed, fail-over could not be shown on real sockets."""

    async def scene(town: Town, served: Served) -> None:
        client = Client()
        await town.join(client)
        await town.get("/time")
        death = town.city.mishaps.add(Rule("refuse", channel="conn", match=Match(slot=0)))
        await asyncio.sleep(0.3)
        assert [code for code, _ in client.ends] == [1006]
        with pytest.raises(NotSent):
            await town.get("/time")
        with pytest.raises(NotSent):
            await town.join(Client())
        assert (await town.get("/time", slot=1)).status == 200
        death.end()
        await asyncio.sleep(0.3)
        assert (await town.get("/time")).status == 200

    visit(scene, slots=2)


def test_torn_and_hanging_replies_are_unknown() -> None:
    """If this failed, a lost reply could look like a refusal."""

    async def scene(town: Town, served: Served) -> None:
        for action in ("reset", "hang"):
            town.city.mishaps.add(Rule(action, channel="rest", phase="after", nth=1))
            with pytest.raises(Unknown):
                await town.get("/time")
        assert (await town.get("/time")).status == 200

    visit(scene)


def test_a_reply_may_break_off_after_its_first_bytes() -> None:
    """If this failed, nobody would ever hold half an answer in the hand."""

    async def scene(town: Town, served: Served) -> None:
        town.city.mishaps.add(Rule("reset", channel="rest", phase="after", nth=1, args=Args(count=30)))
        host, _, port = town.addresses["toy"]["rest"][0].removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /time HTTP/1.1\r\nHost: toy\r\n\r\n")
        got = await reader.read(30)
        assert (got[:15], len(got)) == (b"HTTP/1.1 200 OK", 30)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()

    visit(scene)


@pytest.mark.parametrize(("how", "code"), [("rsv", 1002), ("utf8", 1007)])
def test_a_malformed_frame_breaks_the_rules_of_framing(how: str, code: int) -> None:
    """If this failed, no strict reader would ever be shown what it must refuse."""

    async def scene(town: Town, served: Served) -> None:
        client = Client()
        town.city.mishaps.add(Rule("malformed", match=Match(kind="quote"), nth=1, args=Args(text=how)))
        await town.join(client, "quote:BTC/USDT")
        await asyncio.sleep(3)
        assert [end[0] for end in client.ends] == [code]
        assert town.city.connections == ()

    visit(scene)


def test_many_connections_leave_no_task_behind() -> None:
    """If this failed, a simulator that runs for days would die of its clients."""

    async def scene(town: Town, served: Served) -> None:
        await asyncio.sleep(0.1)
        before = len(asyncio.all_tasks())
        for rule in (Rule("cut", channel="conn"), Rule("cut", channel="conn", args=Args(code=1001))):
            clients = [Client() for _ in range(100)]
            for client in clients:
                await town.join(client, "quote:BTC/USDT")
            await asyncio.sleep(0.5)
            assert all(client.frames for client in clients)
            town.city.mishaps.add(rule)
            await asyncio.sleep(3)
            assert all(len(client.ends) == 1 for client in clients)
        assert town.city.connections == ()
        assert len(asyncio.all_tasks()) <= before

    visit(scene)


def test_the_control_port_adds_lists_and_ends_mishaps() -> None:
    """If this failed, a running simulator could not be disturbed from another process."""

    async def scene(town: Town, served: Served) -> None:
        rule = {"action": "status", "channel": "rest", "args": {"status": 500}}
        async with aiohttp.ClientSession() as session:
            async with session.post(served.control + "/_sim/faults", json=rule) as reply:
                assert [one["rule"]["action"] for one in await reply.json()] == ["status"]
            assert (await town.get("/time")).status == 500
            async with session.get(served.control + "/_sim/faults") as reply:
                assert [(one["id"], one["fired"]) for one in await reply.json()] == [(1, 1)]
            async with session.delete(served.control + "/_sim/faults/1") as reply:
                assert reply.status == 200
            assert (await town.get("/time")).status == 200
            async with session.post(served.control + "/_sim/faults", json={"action": "dorp"}) as reply:
                assert reply.status == 400
                assert "drop" in await reply.text()
            for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
                async with session.get(served.control + "/_sim/faults", headers=headers) as reply:
                    assert reply.status in (403, 421)

    visit(scene)


def test_only_loopback_is_bound() -> None:
    """If this failed, a simulator with its demo keys and its control port could face a network."""

    async def main() -> None:
        clock = VirtualClock()
        with pytest.raises(Misuse):
            Served(toy_city(clock), clock, host="0.0.0.0")

    run_virtual(main)


def test_what_is_announced_is_what_a_machine_needs() -> None:
    """If this failed, another program could not find the venues it is to be pointed at."""

    async def scene(town: Town, served: Served) -> None:
        told = announced(town.city, served.addresses)["venues"]["toy"]
        assert set(told) == {"rest", "ws", "key"}
        assert told["rest"].startswith("http://127.0.0.1:")
        assert told["ws"].startswith("ws://127.0.0.1:")
        assert set(told["key"]) == {"key", "secret"}

    visit(scene)
