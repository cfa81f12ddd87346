"""HTTP by aiohttp: one request out, one reply in; it never resends, never follows, and always knows if a byte left.

What aiohttp would do of its own accord is switched off: redirects, cookies, proxies from the environment, headers of
its own, inflating without a bound, and a second try of "idempotent" methods on a connection that broke, since a
cancel sent twice is two requests to the venue's limits and its nonce.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.parse
import zlib
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from msgspec import Struct
from yarl import URL

from fairlead.errors import NotSent, Unknown
from fairlead.io.clock import RealClock
from fairlead.io.names import Names
from fairlead.io.resolver import Resolver
from fairlead.wire.face import HttpCall
from fairlead.wire.http import Reply

# Of a reply, after inflating: a bomb stops here. Its ratio is not judged: an honest list can repeat itself as much.
BODY_BYTES_MAX = 64 * 1024 * 1024
HEADER_BYTES_MAX = 16 * 1024  # one header line of a reply
CONNECTIONS_PER_HOST_MAX = 32
KEEP_ALIVE_S = 15.0  # short, so that we hang up first: an order on a connection just shut by the venue is unknown


class AioHttp:
    """An HttpTransport with its own pool of connections, which begins with the first request; closed by its owner."""

    def __init__(
        self, tls: ssl.SSLContext | None = None, body_bytes_max: int = BODY_BYTES_MAX, names: Names | None = None
    ) -> None:
        self._tls, self._body_bytes_max = tls or ssl.create_default_context(), body_bytes_max
        self._names = names or Names(RealClock())
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<AioHttp {'closed' if self._is_closed else 'idle' if self._session is None else 'open'}>"

    async def send(self, call: HttpCall, timeout_ms: int) -> Reply:
        mark = _Mark()
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._exchange(call, mark)
        except TimeoutError:
            said = f"no whole reply within {timeout_ms} ms"
        except Exception as trouble:  # noqa: BLE001 - whatever a library raises becomes one of our two words, none leaks
            said = _words(trouble)
        # Outside of the except block, so that no library's error, with an address in its text, hangs on ours.
        if mark.has_begun:
            raise Unknown(
                f"{_shown(call)} was begun, then: {said}",
                known="bytes may have left this machine; the far end may or may not have acted",
                next="ask the venue what became of it before sending anything like it again",
            )
        raise NotSent(
            f"{_shown(call)} was not sent: {said}",
            known="not one byte left this machine",
            next="it may be sent again as long as it is still wanted",
        )

    async def close(self) -> None:
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    async def _exchange(self, call: HttpCall, mark: _Mark) -> Reply:
        async with self._pool().request(
            call.method,
            URL(call.url, encoded=True),  # what was signed goes out as it is, byte for byte
            headers={"Accept-Encoding": "gzip", **call.headers},
            data=call.body or None,
            allow_redirects=False,
            trace_request_ctx=mark,
        ) as response:
            names = {name.lower() for name in response.headers}
            headers = {name: ", ".join(response.headers.getall(name)) for name in names}
            coding = headers.get("content-encoding", "").strip().lower()
            body = await _body(response.content, coding, self._body_bytes_max)
            return Reply(status=response.status, headers=headers, body=body)

    def _pool(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise _Shut("this end was closed")
        if self._session is None:
            self._session = _session(self._tls, self._names)
        return self._session


def _session(tls: ssl.SSLContext, names: Names) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=tls,
            limit=0,
            limit_per_host=CONNECTIONS_PER_HOST_MAX,
            keepalive_timeout=KEEP_ALIVE_S,
            resolver=Resolver(names),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # ours is the only one, see send()
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        auto_decompress=False,
        requote_redirect_url=False,
        trust_env=False,
        max_line_size=HEADER_BYTES_MAX,
        max_field_size=HEADER_BYTES_MAX,
        middlewares=(_once,),
        trace_configs=[_watch()],
    )


class _Mark:
    """Travels with one request and is set just before its first byte is written."""

    has_begun = False


class _Broke(Exception):
    """What aiohttp would answer by sending again."""


class _Unreadable(Exception):
    """A reply that came and cannot be taken."""


class _Shut(Exception):
    """There is no pool any more."""


async def _body(content: aiohttp.StreamReader, coding: str, bytes_max: int) -> bytes:
    if coding not in _PACKED and coding not in _PLAIN:
        raise _Unreadable("the reply is packed in a way that was not asked for")
    inflate = zlib.decompressobj(wbits=_GZIP_OR_ZLIB) if coding in _PACKED else None
    body, has_begun = bytearray(), False
    async for chunk in content.iter_any():
        has_begun = True
        body += inflate.decompress(chunk, bytes_max - len(body) + 1) if inflate else chunk
        if len(body) > bytes_max:
            raise _Unreadable(f"the reply is larger than {bytes_max} bytes")
    if inflate and has_begun and not (inflate.eof and not inflate.unused_data):
        raise _Unreadable("the reply's packing is broken")
    return bytes(body)


_PLAIN: Final = frozenset({"", "identity"})
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Makes a broken connection an error of our own: on its own aiohttp would send GET, PUT and DELETE again."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # no connection came about: aiohttp does not try again
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as broken:
        raise _Broke(_words(broken)) from None


def _watch() -> aiohttp.TraceConfig:
    async def begin(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
        context.trace_request_ctx.has_begun = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(begin)  # called before the bytes are handed to the socket: never too late
    return trace


def _shown(call: HttpCall) -> str:
    """The request without its query, which may hold a signature or a key."""
    try:
        return f"{call.method} {urllib.parse.urlsplit(call.url).path or '/'}"
    except ValueError:
        return f"{call.method} to an address that is none"


class _Word(Struct, frozen=True):
    kind: type[Exception]
    said: str


# The first that fits. Never the library's own text: it repeats addresses.
_WORDS: Final = (
    _Word(aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    _Word(aiohttp.ClientConnectorSSLError, "TLS failed"),
    _Word(aiohttp.ClientConnectorDNSError, "its name is not known"),
    _Word(aiohttp.ServerDisconnectedError, "the far end hung up without a reply"),
    _Word(aiohttp.ClientPayloadError, "the reply broke off"),
    _Word(aiohttp.ClientResponseError, "the reply is not HTTP"),
    _Word(aiohttp.http_exceptions.HttpProcessingError, "the reply is not HTTP"),
    _Word(aiohttp.InvalidURL, "the address is not an HTTP URL"),
    _Word(zlib.error, "the reply's packing is broken"),
)


def _words(trouble: Exception) -> str:
    if isinstance(trouble, (_Broke, _Shut, _Unreadable)):
        return str(trouble)
    for word in _WORDS:
        if isinstance(trouble, word.kind):
            return word.said
    if isinstance(trouble, OSError) and trouble.strerror:
        return trouble.strerror.lower()
    return f"an unforeseen {type(trouble).__name__}"
