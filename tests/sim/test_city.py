"""The city: limits that count, lives that end, calls by socket, and an end to what was left or let go."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import msgspec
import pytest

from fairlead.errors import UnknownName
from fairlead.sim.city import City
from fairlead.sim.connection import Connection
from fairlead.sim.limiter import STRIKES_TO_BAN
from fairlead.sim.meddler import Meddler
from fairlead.sim.server.memory import Memory, MemoryLink
from fairlead.wire.face import HttpCall, WsLink
from tests.conformance.toy.hearing import Hearing
from tests.sim.street import Client, in_memory


async def get(memory: Memory, target: str) -> tuple[int, dict[str, str], Any]:
    reply = await memory.http.send(HttpCall("GET", memory.addresses["toy"]["rest"][0] + target), 1_000)
    return reply.status, dict(reply.headers), msgspec.json.decode(reply.body)


async def dial(memory: Memory) -> tuple[Client, WsLink]:
    client = Client()
    return client, await memory.ws.dial(memory.addresses["toy"]["ws"][0] + "/stream", client, 1_000)


def test_weights_are_counted_told_refused_and_banned() -> None:
    """If this failed, the simulator would let through what a real venue punishes."""

    async def visit(city: City, memory: Memory) -> None:
        await asyncio.sleep(60 - city.now_ns() / 1e9 % 60)  # budgets of the toy begin anew with the minute
        for used in range(5, 101, 5):
            status, headers, _ = await get(memory, "/book?symbol=BTC/USDT&depth=1")
            assert (status, headers["x-used-weight"]) == (200, str(used))
        for _ in range(STRIKES_TO_BAN):
            status, headers, said = await get(memory, "/time")
            assert (status, said["code"], 0 < int(headers["retry-after"]) <= 60) == (429, "slow-down", True)
        status, _, said = await get(memory, "/time")
        assert (status, said["code"]) == (418, "banned")
        await asyncio.sleep(61)
        assert (await get(memory, "/time"))[0] == 418
        await asyncio.sleep(60)
        assert (await get(memory, "/time"))[0] == 200
        refusals = city.mouth("toy").refusals
        assert [one.is_mishap for one in refusals] == [False] * (STRIKES_TO_BAN + 2)

    in_memory(visit)


def test_what_is_not_understood_still_costs() -> None:
    """If this failed, a client could hammer a venue with nonsense for nothing."""

    async def visit(city: City, memory: Memory) -> None:
        for _ in range(2):
            status, headers, _ = await get(memory, "/nonsense")
        assert (status, headers["x-used-weight"]) == (404, "2")

    in_memory(visit)


def test_a_day_is_a_life_and_may_be_announced() -> None:
    """If this failed, nobody would ever meet the end that every venue gives its connections."""

    async def visit(city: City, memory: Memory) -> None:
        client, _ = await dial(memory)
        await asyncio.sleep(5)
        city.mouth("toy").set_life(10_000, warned_ms=3_000)
        await asyncio.sleep(10)
        assert next(3_000 - word["ending"] for word in client.words if "ending" in word) < 200
        assert [code for code, _ in client.ends] == [1001]

    in_memory(visit)


def test_maintenance_shuts_one_venue_and_opens_it_again() -> None:
    """If this failed, a venue's maintenance could not be rehearsed."""

    async def visit(city: City, memory: Memory) -> None:
        client, _ = await dial(memory)
        city.maintain("toy", is_on=True)
        assert (await get(memory, "/time"))[0] == 503
        assert [code for code, _ in client.ends] == [1012]
        city.maintain("toy", is_on=False)
        assert (await get(memory, "/time"))[0] == 200
        with pytest.raises(UnknownName):
            city.maintain("tyo", is_on=True)

    in_memory(visit)


def test_a_call_by_socket_counts_and_answers_like_rest() -> None:
    """If this failed, orders by socket would live in a world without limits."""

    async def visit(city: City, memory: Memory) -> None:
        client, link = await dial(memory)
        link.send(b'{"ask": "now"}')
        await asyncio.sleep(0.5)
        (answer,) = [word for word in client.words if "answer" in word]
        assert abs(answer["is"] - city.now_ns() // 10**6) < 1_000
        assert (await get(memory, "/time"))[1]["x-used-weight"] == "2"

    in_memory(visit)


def test_what_was_left_is_told_no_more_and_joining_again_begins_anew() -> None:
    """If this failed, a resubscription would continue in the middle, or an old one would never stop."""

    async def visit(city: City, memory: Memory) -> None:
        client, link = await dial(memory)
        link.send(b'{"join": "book:BTC/USDT"}')
        await asyncio.sleep(1)
        link.send(b'{"leave": "book:BTC/USDT"}')
        await asyncio.sleep(1)
        count = len(client.events("book:BTC/USDT"))
        await asyncio.sleep(1)
        assert len(client.events("book:BTC/USDT")) == count
        link.send(b'{"join": "book:BTC/USDT"}')
        await asyncio.sleep(1)
        assert client.events("book:BTC/USDT")[count]["whole"] is True

    in_memory(visit)


def test_a_door_may_answer_at_more_paths() -> None:
    """If this failed, clients that use a venue's other address could not be served, or would be served wrongly."""

    async def visit(city: City, memory: Memory) -> None:
        said = {}
        for path in ("/stream", "/stream/7", "/stream/bare", "/stream/bare/7?a=b"):
            client = Client()
            await memory.ws.dial(memory.addresses["toy"]["ws"][0] + path, client, 1_000)
            await asyncio.sleep(1)
            said[path] = bool(client.words)
        assert said == {"/stream": True, "/stream/7": True, "/stream/bare": False, "/stream/bare/7?a=b": False}

    in_memory(visit)


def test_every_kind_is_told_at_once_and_goes_on() -> None:
    """If this failed, a topic could be joined that never speaks."""

    async def visit(city: City, memory: Memory) -> None:
        client, link = await dial(memory)
        swap = "BTC/USDT:USDT"
        topics = ["book", "quote", "ticker", "trades"]
        link.send(msgspec.json.encode({"join": ",".join(f"{kind}:BTC/USDT" for kind in topics)}))
        await asyncio.sleep(3)
        for kind in topics:
            assert len(client.events(f"{kind}:BTC/USDT")) >= 2, kind
        for path in ("mark", "index", "funding", "fundings"):
            status, _, said = await get(memory, f"/{path}?symbol={swap}&limit=3")
            assert (status, bool(said)) == (200, True)
        assert len(said) == 3

    in_memory(visit)


def test_candles_by_rest_are_asked_from_either_end() -> None:
    """If this failed, paging through history would skip or repeat bars."""

    async def visit(city: City, memory: Memory) -> None:
        minute = 60 * 10**9
        begin = city.now_ns() // minute * minute - 100 * minute
        target = f"/candles?symbol=BTC/USDT&interval=1m&start_ns={begin}&end_ns={begin + 50 * minute}&limit=20"
        bars = (await get(memory, target))[2]
        assert [bar["open_ns"] for bar in bars] == [begin + index * minute for index in range(20)]
        latest = (await get(memory, "/candles?symbol=BTC/USDT&interval=1m&limit=3"))[2]
        assert [bar["closed"] for bar in latest] == [True, True, False]

    in_memory(visit)


def test_nothing_of_a_client_outlives_it() -> None:
    """If this failed, a soak would measure the simulator's leak instead of the client's."""

    async def visit(city: City, memory: Memory) -> None:
        def alive() -> list[object]:
            gc.collect()
            kinds = (Connection, MemoryLink, Meddler, Hearing, Client)
            return [one for one in gc.get_objects() if isinstance(one, kinds)]

        before = len(alive())
        for _ in range(200):
            link = (await dial(memory))[1]
            link.send(b'{"join": "quote:BTC/USDT,book:BTC/USDT"}')
            await asyncio.sleep(0.05)
            link.close()
        del link
        await asyncio.sleep(1)
        assert city.connections == ()
        assert len(alive()) == before
        assert "1 meters" in repr(city.mouth("toy").limiter)

    in_memory(visit)
