from __future__ import annotations

import asyncio

import pytest

from fairlead.errors import NotSent
from fairlead.io.clock import RealClock
from fairlead.io.socket import Picows
from tests.io.certificates import contexts
from tests.io.corpus import TEXT, closing, frame
from tests.io.far import CANARY, NO_TLS, Ear, Talk, client_frames, dialled, far_end, hang, path, reset, upgrade


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
