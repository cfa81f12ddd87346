"""The city in memory: a wire that is as fast, late and unsure as a real one."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec
import pytest

from fairlead.errors import NotSent, Unknown
from fairlead.sim.city import City
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.memory import Memory
from fairlead.wire.face import HttpCall
from tests.sim.street import Client, counted, in_memory


async def get(memory: Memory, target: str, timeout_ms: int = 1_000, slot: int = 0) -> tuple[int, dict[str, object]]:
    address = memory.addresses["toy"]["rest"][slot]
    reply = await memory.http.send(HttpCall("GET", address + target), timeout_ms)
    return reply.status, msgspec.json.decode(reply.body)


async def joined(memory: Memory, *topics: str) -> Client:
    client = Client()
    link = await memory.ws.dial(memory.addresses["toy"]["ws"][0] + "/stream", client, 1_000)
    for topic in topics:
        link.send(msgspec.json.encode({"join": topic}))
    return client


def test_a_stream_begins_with_the_whole_and_loses_nothing() -> None:
    """If this failed, a client of the simulator could not build a book that anyone could check."""

    async def visit(city: City, memory: Memory) -> None:
        client = await joined(memory, "book:BTC/USDT", "trades:BTC/USDT", "candles:BTC/USDT:1s")
        await asyncio.sleep(10)
        whole, *changes = client.events("book:BTC/USDT")
        assert whole["whole"] is True
        assert len(changes) > 50
        for before, after in zip([whole, *changes], changes, strict=False):
            assert after["first"] == before["last"] + 1
            assert after["prior"] == before["last"]
        book = {side: dict(map(tuple, whole[side])) for side in ("bids", "asks")}
        stall = city.mouth("toy").stalls["BTC/USDT"]
        for change in changes:
            for side, levels in book.items():
                levels.update(map(tuple, change[side]))
            bids, asks = stall.book_at(change["last"])
            assert {price: qty for price, qty in book["bids"].items() if qty} == dict(bids)
            assert {price: qty for price, qty in book["asks"].items() if qty} == dict(asks)
        ids = [int(trade["id"]) for trade in client.events("trades:BTC/USDT")]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        bars = client.events("candles:BTC/USDT:1s")
        closed = [bar["open_ns"] for bar in bars if bar["closed"]]
        assert closed == list(range(closed[0], closed[0] + 10**9 * len(closed), 10**9))
        assert len(closed) >= 8

    in_memory(visit)


def test_one_seed_gives_one_history() -> None:
    """If this failed, a failing voyage could not be replayed."""

    async def visit(city: City, memory: Memory) -> str:
        city.mishaps.add(Rule("drop", prob=0.1))
        city.mishaps.add(Rule("cut", channel="conn", from_ms=3_000))
        first = await joined(memory, "book:BTC/USDT", "quote:ETH/USDT")
        await get(memory, "/book?symbol=BTC/USDT")
        await asyncio.sleep(5)
        second = await joined(memory, "trades:BTC/USDT")
        await asyncio.sleep(5)
        return hashlib.sha256(b"\n".join([*first.frames, *second.frames, repr(first.ends).encode()])).hexdigest()

    assert in_memory(visit) == in_memory(visit)
    assert in_memory(visit) != in_memory(visit, seed=8)


def test_rest_answers_from_the_same_world() -> None:
    """If this failed, a snapshot could never join a stream."""

    async def visit(city: City, memory: Memory) -> None:
        status, book = await get(memory, "/book?symbol=BTC/USDT&depth=5")
        stall = city.mouth("toy").stalls["BTC/USDT"]
        book, last = counted(book), book["last"]
        assert isinstance(last, int)
        assert status == 200
        bids, asks = stall.book_at(last)
        assert book["bids"] == [list(level) for level in bids[:5]]
        assert book["asks"] == [list(level) for level in asks[:5]]

    in_memory(visit)


def test_what_never_arrived_is_not_sent_and_what_arrived_is_unknown() -> None:
    """If this failed, an order that reached a venue could be taken for one that did not, and be sent twice."""

    async def visit(city: City, memory: Memory) -> None:
        with pytest.raises(NotSent):
            await memory.http.send(HttpCall("GET", "sim://toy/nowhere/time"), 1_000)
        with pytest.raises(NotSent):
            await memory.http.send(HttpCall("GET", memory.addresses["toy"]["rest"][0] + "/time"), 1)
        for action in ("hang", "reset"):
            for phase in ("before", "after"):
                handle = city.mishaps.add(Rule(action, channel="rest", phase=phase, nth=1))
                with pytest.raises(Unknown):
                    await get(memory, "/time")
                assert handle.fired == 1
        assert (await get(memory, "/time"))[0] == 200

    in_memory(visit)


def test_hosts_die_one_by_one() -> None:
    """If this failed, fail-over to an alternate host could not be shown."""

    async def visit(city: City, memory: Memory) -> None:
        client = await joined(memory, "trades:BTC/USDT")
        death = city.mishaps.add(Rule("refuse", channel="conn", match=Match(slot=0)))
        await asyncio.sleep(1)
        assert client.ends == [(1006, "the connection broke")]
        with pytest.raises(NotSent):
            await get(memory, "/time", slot=0)
        with pytest.raises(NotSent):
            await joined(memory)
        assert (await get(memory, "/time", slot=1))[0] == 200
        death.end()
        assert (await get(memory, "/time", slot=0))[0] == 200

    in_memory(visit, slots=2)


def test_a_refused_upgrade_is_not_sent() -> None:
    """If this failed, a client could believe in a connection that never was."""

    async def visit(city: City, memory: Memory) -> None:
        with pytest.raises(NotSent):
            await memory.ws.dial(memory.addresses["toy"]["ws"][0] + "/elsewhere", Client(), 1_000)
        city.maintain("toy", is_on=True)
        with pytest.raises(NotSent):
            await joined(memory)

    in_memory(visit)


def test_the_client_hears_its_end_once_and_nothing_after() -> None:
    """If this failed, a reader could act on frames of a connection it has already replaced."""

    async def visit(city: City, memory: Memory) -> None:
        client = Client()
        link = await memory.ws.dial(memory.addresses["toy"]["ws"][0] + "/stream", client, 1_000)
        link.send(b'{"join":"book:BTC/USDT"}')
        await asyncio.sleep(2)
        link.close(1000, "enough")
        await asyncio.sleep(0.1)
        count = len(client.frames)
        link.send(b'{"join":"trades:BTC/USDT"}')
        link.close()
        await asyncio.sleep(2)
        assert client.ends == [(1000, "enough")]
        assert len(client.frames) == count > 0
        assert city.connections == ()

    in_memory(visit)


def test_many_connections_leave_nothing_behind() -> None:
    """If this failed, a long simulation would grow until it dies of what long-gone clients left."""

    async def visit(city: City, memory: Memory) -> None:
        before = asyncio.all_tasks()
        for _ in range(4):
            clients = [await joined(memory, "quote:BTC/USDT") for _ in range(50)]
            city.mishaps.add(Rule("cut", channel="conn"))
            await asyncio.sleep(1)
            assert all(len(client.ends) == 1 for client in clients)
        assert city.connections == ()
        assert sum(map(len, city._joined.values())) == 0
        assert asyncio.all_tasks() == before
        assert city.mishaps.handles() == ()

    in_memory(visit)


def test_time_passes_as_slowly_as_the_wire() -> None:
    """If this failed, round trips would be free and nothing that depends on them would be tested."""

    async def visit(city: City, memory: Memory) -> None:
        begin = asyncio.get_running_loop().time()
        await get(memory, "/time")
        assert asyncio.get_running_loop().time() - begin >= 0.010
        city.mishaps.add(Rule("delay", channel="rest", nth=1, args=Args(ms=400)))
        await get(memory, "/time")
        assert asyncio.get_running_loop().time() - begin >= 0.420

    in_memory(visit)
