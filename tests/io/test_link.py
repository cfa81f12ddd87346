from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import Any

import pytest

from fairlead.io.clock import VirtualClock, run_virtual
from fairlead.io.link import CLOSE_WAIT_S, WAITING_BYTES_MAX
from fairlead.io.socket import Picows
from tests.io.corpus import CLOSE, CONT, PING, PONG, TEXT, closing, frame
from tests.io.far import CANARY, NO_TLS, Ear, client_frames, dialled, far_end, hang, path, reset, upgrade


async def test_a_torn_wire_is_told_once() -> None:
    """A broken connection would be told twice, or never, or with half a message."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(frame(TEXT, b"whole") + frame(TEXT, b"begun", fin=0) + frame(CONT, b"half")[:3])
        await writer.drain()
        await asyncio.sleep(0.01)
        reset(writer)

    ear = Ear()
    async with far_end(talk) as port:
        link = await dialled(port, ear)
        await asyncio.wait_for(ear.over.wait(), 5)
        link.send(b"after the end")
        link.close()
        assert link.waiting_bytes() == 0
        await asyncio.sleep(0.01)
    assert ear.heard == [b"whole"]
    assert ear.ends == [(1006, "the connection broke without a close frame")]


async def test_our_words_arrive_and_our_goodbye_ends_it() -> None:
    """What we send would be lost or reordered, and a close be told with another code or more than once."""
    said: list[tuple[int, bytes]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        async for opcode, payload in client_frames(reader):
            said.append((opcode, payload))
            if opcode == CLOSE:
                writer.write(frame(TEXT, b"too late") + frame(CLOSE, payload))

    ear = Ear()
    async with far_end(talk) as port:
        link = await dialled(port, ear)
        for size in (0, 1, 125, 126, 65_535, 65_536, 300_000):
            link.send(b"x" * size)
        link.close(4_001, "é" * 100)
        link.send(b"after our goodbye")
        link.close(4_002, "again")
        await asyncio.wait_for(ear.over.wait(), 5)
    assert [(op, len(words)) for op, words in said[:-1]] == [
        (TEXT, size) for size in (0, 1, 125, 126, 65_535, 65_536, 300_000)
    ]
    assert said[-1] == (CLOSE, (4_001).to_bytes(2, "big") + ("é" * 61).encode())
    assert ear.ends == [(4_001, "é" * 100)]
    assert ear.heard == []


def test_a_far_end_that_never_says_goodbye_is_left() -> None:
    """A half-open connection would never end, and its owner wait for ever to dial again."""

    async def main() -> None:
        clock = VirtualClock()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await upgrade(reader, writer)
            await hang(reader, writer)

        ear = Ear()
        async with far_end(talk) as port:
            link = await Picows(clock, NO_TLS).dial(path(port), ear, 5_000)
            began_ns = clock.mono_ns()
            link.close(1000, "enough")
            await ear.over.wait()
            assert clock.mono_ns() - began_ns == CLOSE_WAIT_S * 1e9
        assert ear.ends == [(1000, "enough")]

    run_virtual(main)


def test_a_goodbye_is_told_at_once() -> None:
    """An owner would wait for a far end that said goodbye and does not hang up, and dial again too late."""

    async def main() -> None:
        clock = VirtualClock()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await upgrade(reader, writer)
            writer.write(closing(1012, b"restart"))
            await hang(reader, writer)

        ear = Ear()
        async with far_end(talk) as port:
            began_ns = clock.mono_ns()
            await Picows(clock, NO_TLS).dial(path(port), ear, 5_000)
            await ear.over.wait()
            assert clock.mono_ns() == began_ns
        assert ear.ends == [(1012, "restart")]

    run_virtual(main)


async def test_a_far_end_that_does_not_read_is_left() -> None:
    """What we send would fill the memory, and hours later go out to a market that has moved."""
    let_go = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # the stream's transport reads
        await let_go.wait()

    ear = Ear()
    async with far_end(talk) as port:
        link = await dialled(port, ear)
        for _ in range(100):
            link.send(b"x" * 262_144)
            assert link.waiting_bytes() <= WAITING_BYTES_MAX + 262_144 + 14
        await asyncio.wait_for(ear.over.wait(), 5)
        let_go.set()
    assert ear.ends == [(1006, "the far end does not read")]


async def test_a_flood_of_pings_costs_one_pong() -> None:
    """Pongs nobody reads would fill the memory; or, left out for good, the venue would take us for dead."""
    pongs: list[bytes] = []
    flooded, may_read = asyncio.Event(), asyncio.Event()
    count = 60_000

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # the stream's transport reads
        for number in range(count):
            writer.write(frame(PING, b"%0124d" % number))
            if number % 500 == 0:
                await writer.drain()
        writer.write(frame(TEXT, b"flooded"))
        await may_read.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        async for opcode, payload in client_frames(reader):
            assert opcode == PONG
            pongs.append(payload)
            if payload == b"%0124d" % (count - 1):
                return

    class Listening(Ear):
        def frame(self, payload: bytes, seen_ns: int) -> None:
            flooded.set()

    ear = Listening()
    async with far_end(talk) as port:
        link = await dialled(port, ear)
        await asyncio.wait_for(flooded.wait(), 20)
        assert link.waiting_bytes() < 200_000
        may_read.set()
        await asyncio.wait_for(ear.over.wait(), 20)
    assert pongs[-1] == b"%0124d" % (count - 1)
    assert pongs == sorted(pongs)


@pytest.mark.parametrize("where", ["opened", "frame", "closed"])
async def test_an_owner_that_raises_starts_afresh(where: str) -> None:
    """A bug in a reader would be swallowed, or a message be lost without anyone starting over."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(frame(TEXT, b"1") + frame(TEXT, b"2"))
        if where == "closed":
            writer.write(closing(1001))
        async for opcode, _ in client_frames(reader):
            assert opcode == CLOSE
            return

    class Clumsy(Ear):
        def opened(self) -> None:
            super().opened()
            self.stumble("opened")

        def frame(self, payload: bytes, seen_ns: int) -> None:
            super().frame(payload, seen_ns)
            self.stumble("frame")

        def closed(self, code: int, reason: str) -> None:
            super().closed(code, reason)
            self.stumble("closed")

        def stumble(self, here: str) -> None:
            if here == where:
                raise ZeroDivisionError(here)

    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    ear = Clumsy()
    async with far_end(talk) as port:
        await dialled(port, ear)
        await asyncio.wait_for(ear.over.wait(), 5)
        await asyncio.sleep(0.01)
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]
    assert [code for code, _ in ear.ends] == [1001 if where == "closed" else 1011]
    assert ear.heard == {"opened": [], "frame": [b"1"], "closed": [b"1", b"2"]}[where]


async def test_nothing_is_left_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A listen key would stand in the log, or every lost connection leave a task or an unread error behind."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    caplog.set_level(1)
    for words in (frame(TEXT, b"a") + frame(3), frame(TEXT, b"\xff"), closing(1001), frame(TEXT, b"a", size=10), b""):

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes = words) -> None:
            await upgrade(reader, writer)
            writer.write(words)
            async for _ in client_frames(reader):
                return

        ear = Ear()
        async with far_end(talk) as port:
            link = await dialled(port, ear)
            if not words:
                link.close()
            await asyncio.wait_for(ear.over.wait(), 5)
        assert CANARY not in repr(link)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        del link
    await asyncio.sleep(0.03)  # picows holds a connection that it refuses itself for 10 ms more
    gc.collect()
    assert told == []
    assert CANARY not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_each_message_carries_the_moment_of_its_arrival() -> None:
    """The age of a price would be measured from a wrong moment, or its bytes change under the reader's hands."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        for number in range(200):
            writer.write(frame(TEXT, b"%d" % number * 300))
            await asyncio.sleep(0)
        writer.write(closing(1000))

    ear = Ear()
    before_ns = time.monotonic_ns()
    async with far_end(talk) as port:
        await dialled(port, ear)
        await asyncio.wait_for(ear.over.wait(), 5)
    assert ear.heard == [b"%d" % number * 300 for number in range(200)]
    assert before_ns <= ear.seen_ns[0] <= ear.seen_ns[-1] <= time.monotonic_ns()
