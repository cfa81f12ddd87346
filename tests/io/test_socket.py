from __future__ import annotations

import asyncio
import gc
import logging
import ssl
import time
from typing import Any

import pytest

from fairlead.errors import NotSent
from fairlead.io.clock import RealClock, VirtualClock, run_virtual
from fairlead.io.link import CLOSE_WAIT_S, WAITING_BYTES_MAX
from fairlead.io.socket import Picows
from fairlead.wire.face import WsLink
from tests.io.certificates import contexts
from tests.io.corpus import CLOSE, CONT, PING, PONG, TEXT, closing, frame
from tests.io.far import NO_TLS, Ear, Talk, client_frames, far_end, hang, reset, upgrade

CANARY = "sEcReT-listen-key"


def path(port: int, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{port}/{CANARY}?token={CANARY}"


async def dialled(
    port: int, ear: Ear, tls: ssl.SSLContext = NO_TLS, scheme: str = "ws", wait_ms: int = 5_000
) -> WsLink:
    return await Picows(RealClock(), tls).dial(path(port, scheme), ear, wait_ms)


async def refused(talk: Talk, wait_ms: int = 5_000) -> str:
    """What a dial says that does not come about; its owner must not have heard a thing."""
    ear = Ear()
    async with far_end(talk) as port:
        with pytest.raises(NotSent) as caught:
            await dialled(port, ear, wait_ms=wait_ms)
        await asyncio.sleep(0.01)
    assert (ear.opened_times, ear.ends) == (0, [])
    assert CANARY not in repr(caught.value) + str(caught.value)
    assert caught.value.__context__ is None, "a library's error, which repeats addresses, hangs on ours"
    return str(caught.value)


def answering(words: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(words)
        await reader.read()

    return talk


async def test_a_closed_port_is_not_sent() -> None:
    """A dial that reached nobody would be taken for one that did, or fail with a library's own error."""
    async with far_end(hang) as port:
        pass
    with pytest.raises(NotSent, match=r"127\.0\.0\.1 could not be reached: "):
        await dialled(port, Ear())


@pytest.mark.parametrize(
    "url", ["http://h/", "ws://", "ws://h:99999/", "ws://[::1/", "ws://a b/", "nothing", "ws://h/#x"]
)
async def test_an_address_that_is_none_is_not_sent(url: str) -> None:
    """A typing error in an address would come out as a library's own error."""
    with pytest.raises(NotSent):
        await Picows(RealClock(), NO_TLS).dial(url, Ear(), 1_000)


async def test_a_name_that_does_not_exist_is_not_sent() -> None:
    """A resolver's failure would escape as a library's own error."""
    with pytest.raises(NotSent, match="its name is not known"):
        await Picows(RealClock(), NO_TLS).dial("ws://no-such-host.invalid/", Ear(), 5_000)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (b"", "no connection within 50 ms"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "HTTP 403 instead of the upgrade"),
        (b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "HTTP 302 instead"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlogin", "HTTP 200 instead"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "it did not answer in HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "not valid"),
        (b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 5_000, "did not answer in HTTP"),
        (b"\xff" * 40_000, "did not answer in HTTP"),
    ],
)
async def test_a_wrong_upgrade_is_not_sent(words: bytes, said: str) -> None:
    """A captive page, a ban or a redirect would be taken for the venue's stream, or be followed with the key in it."""
    assert said in await refused(answering(words), wait_ms=50 if not words else 5_000)


@pytest.mark.parametrize(
    "extra", [b"Sec-WebSocket-Extensions: permessage-deflate\r\n", b"Sec-WebSocket-Protocol: x\r\n"]
)
async def test_what_was_not_asked_for_is_refused(extra: bytes) -> None:
    """A server that packs its frames unasked would be misunderstood."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer, extra)
        await reader.read()

    assert "its upgrade is not valid" in await refused(talk)


async def test_a_far_end_that_hangs_up_before_the_upgrade_is_not_sent() -> None:
    """A dial would seem to succeed with nobody there."""

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    assert "hung up before the upgrade" in await refused(talk)

    async def torn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reset(writer)

    assert "could not be reached" in await refused(torn)


async def test_a_dial_given_up_leaves_nothing_behind() -> None:
    """A cancelled dial would leave a connection open that nobody owns, or open one after all."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert CANARY.encode() in request
        asked.set()
        await reader.read()
        gone.set()

    ear = Ear()
    async with far_end(talk) as port:
        dial = asyncio.create_task(dialled(port, ear))
        await asked.wait()
        dial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dial
        await asyncio.wait_for(gone.wait(), 5)
    assert (ear.opened_times, ear.ends) == (0, [])


async def test_a_yes_that_comes_too_late_is_not_heard() -> None:
    """An owner that gave up would suddenly be told of a connection."""
    answered = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(frame(TEXT, b"hello"))
        answered.set()
        async for _ in client_frames(reader):
            return

    for turns in range(12):  # whichever step the dial has come to when it is cancelled
        ear = Ear()
        answered.clear()
        async with far_end(talk) as port:
            dial = asyncio.create_task(dialled(port, ear))
            await answered.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            dial.cancel()
            try:
                link = await dial
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
            else:
                link.close()
                await asyncio.wait_for(ear.over.wait(), 5)
        assert ear.opened_times == len(ear.ends) <= 1


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


async def test_tls_is_trusted_only_by_its_certificate() -> None:
    """A stranger with any certificate could read the keys; a right one would be refused."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(frame(TEXT, b"safe") + closing(1000))
        await reader.read()

    server, client = contexts()
    ear = Ear()
    async with far_end(talk, server) as port:
        await dialled(port, ear, client, "wss")
        await asyncio.wait_for(ear.over.wait(), 5)
        with pytest.raises(NotSent, match="certificate is not trusted: self-signed"):
            await Picows(RealClock()).dial(path(port, "wss"), Ear(), 5_000)
    assert ear.heard == [b"safe"]
    for server, client in (contexts(valid_days=-1), contexts("127.0.0.2")):
        async with far_end(talk, server) as port:
            with pytest.raises(NotSent, match="certificate is not trusted: "):
                await dialled(port, Ear(), client, "wss")


async def test_tls_with_a_far_end_that_speaks_none_is_not_sent() -> None:
    """A plain server on the port would be spoken to in the clear, or be waited for without end."""
    _, client = contexts()
    async with far_end(answering(b"")) as port:
        with pytest.raises(NotSent, match="no connection within 100 ms"):
            await dialled(port, Ear(), client, "wss", wait_ms=100)

    async def clear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")

    async with far_end(clear) as port:
        with pytest.raises(NotSent, match="TLS failed"):
            await dialled(port, Ear(), client, "wss")
