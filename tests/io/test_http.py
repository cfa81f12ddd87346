from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from fairlead.errors import NotSent, TransportError, Unknown
from fairlead.io.clock import VirtualClock, run_virtual
from fairlead.io.http import CONNECTIONS_PER_HOST_MAX, HEADER_BYTES_MAX, AioHttp
from fairlead.wire.face import HttpCall
from fairlead.wire.http import Reply
from tests.io.certificates import contexts
from tests.io.far import NO_TLS, Talk, far_end, hang, reset

CANARY = "sIgNaTuRe-canary"
BODY_BYTES_MAX = 1_000_000


def order(port: int, method: str = "POST", scheme: str = "http") -> HttpCall:
    return HttpCall(method, f"{scheme}://127.0.0.1:{port}/api/order?signature={CANARY}", {"X-KEY": CANARY}, b"qty=1")


@contextlib.asynccontextmanager
async def client() -> AsyncIterator[AioHttp]:
    http = AioHttp(NO_TLS, BODY_BYTES_MAX)
    try:
        yield http
    finally:
        await http.close()


async def request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One request: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    return head, await reader.readexactly(length)


def saying(words: bytes, torn: bool = False) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(words)
        await writer.drain()
        if torn:
            await asyncio.sleep(0.01)
            reset(writer)

    return talk


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def asked(talk: Talk, method: str = "POST", wait_ms: int = 5_000) -> Reply | TransportError:
    """What one request to such a far end comes to."""
    async with far_end(talk) as port, client() as http:
        try:
            return await http.send(order(port, method), wait_ms)
        except TransportError as trouble:
            end = trouble
    assert CANARY not in str(end) + repr(end)
    assert "/api/order" in str(end)
    assert end.__context__ is None, "a library's error, which repeats addresses, hangs on ours"
    return end


async def test_what_was_signed_is_what_is_sent() -> None:
    """An address or body encoded anew would break the signature, or ask for something else."""
    heads: list[tuple[bytes, bytes]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await request(reader))
            writer.write(ok(b""))

    targets = [
        "/api/v3/order?symbol=BTCUSDT&quantity=1.50&newClientOrderId=a%2Fb%20c+d",
        "/0/private/AddOrder?pair=XBT/USD&x=%5B1%2c2%5D&empty=&=&&y",
        "/a//b/../c/./d?e=~!*'()",
        "/?q=%7E%c3%a9",
    ]
    async with far_end(talk) as port, client() as http:
        for target in targets:
            for method, body in (("GET", b""), ("POST", b'{"a": "\xc3\xa9"}'), ("DELETE", b""), ("PUT", b"x")):
                call = HttpCall(method, f"http://127.0.0.1:{port}{target}", {"API-Sign": "b64+/=="}, body)
                assert (await http.send(call, 5_000)).status == 200
                head, came = heads[-1]
                lines = head.decode().split("\r\n")
                assert lines[0] == f"{method} {target} HTTP/1.1"
                assert came == body
                names = {line.split(":")[0].lower() for line in lines[1:] if line}
                assert names <= {"host", "api-sign", "accept-encoding", "content-length"}
                assert "API-Sign: b64+/==" in lines


async def test_a_reply_comes_whole() -> None:
    """A status, header or body would be lost or changed on its way."""
    words = ok(b"\x00\xff\r\n", b"X-MBX-USED-WEIGHT-1M: 12", b"Set-Cookie: a=1", b"Set-Cookie: b=2")
    reply = await asked(saying(words))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, b"\x00\xff\r\n")
    assert reply.headers["x-mbx-used-weight-1m"] == "12"
    assert reply.headers["set-cookie"] == "a=1, b=2"
    for status in (201, 204, 400, 401, 403, 418, 429, 451, 500, 503, 599):
        reply = await asked(saying(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n" % status))
        assert isinstance(reply, Reply)
        assert (reply.status, reply.headers["retry-after"], reply.body) == (status, "7", b"")


async def test_a_chunked_reply_and_one_ended_by_hanging_up_come_whole() -> None:
    """A reply without a length would be cut, or its far end be waited for."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    reply = await asked(saying(chunked))
    assert isinstance(reply, Reply)
    assert reply.body == b"abcde"
    reply = await asked(saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end"))
    assert isinstance(reply, Reply)
    assert reply.body == b"to the end"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_reply(status: int) -> None:
    """A signed request would be carried to another host."""
    calls = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        while True:
            await request(reader)
            calls += 1
            writer.write(b"HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status)

    reply = await asked(talk)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.headers["location"], calls) == (status, "/elsewhere", 1)


async def test_a_cookie_is_not_kept() -> None:
    """What a venue sets for one key would be sent with another."""
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append((await request(reader))[0])
            writer.write(ok(b"", b"Set-Cookie: session=1; Path=/"))

    async with far_end(talk) as port, client() as http:
        for _ in range(2):
            # By name: cookies from bare addresses are dropped by any client.
            await http.send(HttpCall("POST", f"http://localhost:{port}/"), 5_000)
    assert len(heads) == 2
    assert not any(b"ookie" in head for head in heads)


async def test_the_environment_sets_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable somebody set would carry signed requests through a stranger."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(await asked(saying(ok(b"direct"))), Reply)


async def test_a_closed_port_is_not_sent() -> None:
    """An order that never left would be held for unknown, and its money be reserved."""
    async with far_end(hang) as port:
        pass
    async with client() as http:
        with pytest.raises(NotSent, match="POST /api/order was not sent: "):
            await http.send(order(port), 5_000)


async def test_a_name_that_does_not_exist_is_not_sent() -> None:
    """A resolver's failure would make an order unknown that never left."""
    async with client() as http:
        with pytest.raises(NotSent, match="its name is not known"):
            await http.send(HttpCall("POST", "https://no-such-host.invalid/x"), 5_000)


@pytest.mark.parametrize(
    "url", ["", "nothing", "ftp://h/", "http://", "http://h:99999/", "http://[::1/", "http://a b/"]
)
async def test_an_address_that_is_none_is_not_sent(url: str) -> None:
    """A typing error in an address would come out as a library's own error."""
    async with client() as http:
        with pytest.raises(NotSent):
            await http.send(HttpCall("POST", url, {}, b"x"), 1_000)


async def test_a_header_that_could_split_the_request_is_not_sent() -> None:
    """A line break in a value would add a header or a second request of its own."""
    async with far_end(saying(ok(b""))) as port, client() as http:
        with pytest.raises(TransportError):
            await http.send(HttpCall("POST", f"http://127.0.0.1:{port}/", {"X": "a\r\nY: b"}, b"x"), 1_000)


async def test_a_full_pool_is_not_sent() -> None:
    """A request that waited in our own queue would be held for unknown."""
    async with far_end(hang) as port, client() as http:
        first = [asyncio.create_task(http.send(order(port), 500)) for _ in range(CONNECTIONS_PER_HOST_MAX)]
        await asyncio.sleep(0.1)
        with pytest.raises(NotSent, match="no whole reply within 50 ms"):
            await http.send(order(port), 50)
        ends = await asyncio.gather(*first, return_exceptions=True)
    assert {type(end) for end in ends} == {Unknown}


async def test_a_far_end_that_speaks_no_tls_is_not_sent() -> None:
    """An order stopped before the first byte of it would be held for unknown."""
    _, tls = contexts()

    async def clear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")

    for talk, wait_ms in ((clear, 5_000), (hang, 100)):
        http = AioHttp(tls)
        async with far_end(talk) as port:
            with pytest.raises(NotSent):
                await http.send(order(port, scheme="https"), wait_ms)
        await http.close()


async def test_tls_is_trusted_only_by_its_certificate() -> None:
    """A stranger with any certificate could read the keys; a right one would be refused."""
    server, tls = contexts()
    trusting, wary = AioHttp(tls), AioHttp()
    async with far_end(saying(ok(b"safe")), server) as port:
        assert (await trusting.send(order(port, scheme="https"), 5_000)).body == b"safe"
        with pytest.raises(NotSent, match="its certificate is not trusted"):
            await wary.send(order(port, scheme="https"), 5_000)
    await trusting.close()
    await wary.close()
    for server, tls in (contexts(valid_days=-1), contexts("127.0.0.2")):
        http = AioHttp(tls)
        async with far_end(saying(ok(b"unsafe")), server) as port:
            with pytest.raises(NotSent, match="its certificate is not trusted"):
                await http.send(order(port, scheme="https"), 5_000)
        await http.close()


@pytest.mark.parametrize(
    ("words", "torn", "said"),
    [
        (b"", True, "reset by peer"),
        (b"", False, "hung up without a reply"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", False, "hung up without a reply"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", False, "the reply broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", True, "the reply broke off|reset by peer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", False, "the reply broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", False, "the reply"),
        (b"HTTP/1.1 two hundred\r\n\r\n", False, "the reply is not HTTP"),
        (b"\x16\x03\x01\x00\xff nonsense\r\n\r\n", False, "the reply is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", False, "the reply is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * (HEADER_BYTES_MAX * 2) + b"\r\n\r\n", False, "the reply is not HTTP"),
        (ok(b"x" * (BODY_BYTES_MAX + 1)), False, f"the reply is larger than {BODY_BYTES_MAX} bytes"),
        (ok(b"x", b"Content-Encoding: br"), False, "packed in a way that was not asked for"),
        (ok(b"no gzip", b"Content-Encoding: gzip"), False, "the reply's packing is broken"),
        (ok(gzip.compress(b"cut")[:-9], b"Content-Encoding: gzip"), False, "the reply's packing is broken"),
        (ok(gzip.compress(b"a") * 2, b"Content-Encoding: gzip"), False, "the reply's packing is broken"),
        (ok(gzip.compress(bytes(50_000_000)), b"Content-Encoding: gzip"), False, "is larger than"),
    ],
)
async def test_a_reply_that_cannot_be_taken_is_unknown(words: bytes, torn: bool, said: str) -> None:
    """An order that the venue may have taken would be called failed, and be sent again."""
    end = await asked(saying(words, torn))
    assert isinstance(end, Unknown)
    assert any(part in str(end) for part in said.split("|")), str(end)


async def test_a_flood_of_headers_is_unknown() -> None:
    """Headers without end would fill the memory."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Flood: y\r\n" * 1_000)
            await writer.drain()

    assert isinstance(await asked(talk, wait_ms=10_000), Unknown)


async def test_a_body_without_end_is_unknown() -> None:
    """A body without end would fill the memory, or be waited for."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    end = await asked(talk, wait_ms=10_000)
    assert isinstance(end, Unknown)
    assert "is larger than" in str(end)


async def test_silence_after_the_request_is_unknown() -> None:
    """An order whose reply was lost would be called failed, and be sent again."""
    end = await asked(hang, wait_ms=50)
    assert isinstance(end, Unknown)
    assert "no whole reply within 50 ms" in str(end)


def test_a_timeout_passes_in_virtual_time() -> None:
    """A long run in virtual time would wait for real, or its timeouts never come."""

    async def main() -> float:
        clock = VirtualClock()
        began_ns = clock.mono_ns()
        assert isinstance(await asked(hang, wait_ms=3_600_000), Unknown)
        return (clock.mono_ns() - began_ns) / 1e9

    assert run_virtual(main) == pytest.approx(3_600)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_is_never_sent_twice(method: str) -> None:
    """A cancel or an order would go out again on its own when an old connection turns out to be shut."""
    came: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append((await request(reader))[0])
        writer.write(ok(b"first"))
        came.append((await request(reader))[0])  # on the kept connection, and hung up on

    async with far_end(talk) as port, client() as http:
        assert (await http.send(order(port, method), 5_000)).body == b"first"
        with pytest.raises(Unknown, match="hung up without a reply"):
            await http.send(order(port, method), 5_000)
        await asyncio.sleep(0.02)
    assert len(came) == 2


async def test_a_connection_is_kept() -> None:
    """Each order would pay for a new connection and its TLS."""
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await request(reader)
            writer.write(ok(b"{}"))

    async with far_end(talk) as port, client() as http:
        for _ in range(20):
            await http.send(order(port), 5_000)
    assert connections == 1


@pytest.mark.parametrize("packing", ["gzip", "x-gzip", "deflate", "GZIP"])
async def test_a_packed_reply_is_unpacked(packing: str) -> None:
    """The list of instruments would arrive as noise."""
    body = b'{"symbol":"BTCUSDT"},' * 5_000
    packed = zlib.compress(body) if packing == "deflate" else gzip.compress(body)
    reply = await asked(saying(ok(packed, b"Content-Encoding: " + packing.encode())))
    assert isinstance(reply, Reply)
    assert reply.body == body


async def test_a_request_given_up_ends_at_once() -> None:
    """A cancelled caller would be told something else, or its connection stay open."""
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await reader.read()
        gone.set()

    async with far_end(talk) as port, client() as http:
        sending = asyncio.create_task(http.send(order(port), 60_000))
        await asyncio.sleep(0.02)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_closed_transport_sends_nothing() -> None:
    """After the end an order would leave, or a library's own error appear."""
    async with far_end(saying(ok(b""))) as port:
        async with client() as http:
            pass
        assert repr(http) == "<AioHttp closed>"
        with pytest.raises(NotSent):
            await http.send(order(port), 1_000)
