"""OKX's signature: what is signed and where it goes; it holds no key and reads no clock."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

from msgspec.structs import replace

from fairlead.wire.http import Request
from fairlead.wire.signing import Signer, Stamp

KEY, SIGN, TIME, PASS = "OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE"
SECRET_WORDS = frozenset({KEY, SIGN, PASS})
DEMO = {"x-simulated-trading": "1"}  # demo answers at the live address to those who say so
CLOCK_MS = 30_000  # a request further off than this is refused (50102)


def sign(request: Request, signer: Signer, at: Stamp) -> Request:
    """The request with its four headers and the type of its body. [REST authentication, "Making requests"]"""
    when = iso(at.venue_ms)
    given = {
        "Content-Type": "application/json",
        KEY: signer.key_id,
        SIGN: b64encode(signer.sign(message(request, when))).decode(),
        TIME: when,
        PASS: signer.part("passphrase"),
    }
    return replace(request, headers={**request.headers, **given})


def message(request: Request, when: str) -> bytes:
    """What is signed: timestamp + METHOD + path with its query + body."""
    return f"{when}{request.method}{request.target}".encode() + request.body


def iso(at_ms: int) -> str:
    """2020-12-08T09:08:57.715Z"""
    seconds, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03}Z"
