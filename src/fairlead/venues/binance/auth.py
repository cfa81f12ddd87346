"""How Binance wants a request signed (rest-api.md, SIGNED endpoint security), what a key may do; it holds no key.

The payload is the query followed by the body with nothing between, percent-encoded exactly as sent; the signature comes
last. HMAC signatures are hexadecimal, RSA and Ed25519 ones base64 and percent-encoded."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from fairlead.wire.http import Request
from fairlead.wire.signing import Signer, Stamp

KEY_HEADER = "X-MBX-APIKEY"
WINDOW_MS = 5_000  # how late it may still be taken; the venue's own usual
_SIGNATURE = "&signature="


def sign(request: Request, signer: Signer, at: Stamp) -> Request:
    """What the request says of its time itself, as an order with a fence does, stays."""
    asked = f"&{request.query}" if request.query else ""
    for name, value in (("recvWindow", WINDOW_MS), ("timestamp", at.venue_ms)):
        asked += "" if f"&{name}=" in asked else f"&{name}={value}"
    query = asked[1:]
    signature = spelled(signer.sign(payload(query, request.body)), signer.algorithm)
    return msgspec.structs.replace(
        request,
        query=f"{query}{_SIGNATURE}{signature}",
        headers={**request.headers, KEY_HEADER: signer.key_id},
    )


def sign_params(params: Mapping[str, Any], signer: Signer, at: Stamp) -> Mapping[str, Any]:
    """For the WebSocket API (web-socket-api.md, Request security): signed are the parameters sorted by name, the key
    among them, as raw text."""
    stamped = {"recvWindow": WINDOW_MS, "timestamp": at.venue_ms, **params, "apiKey": signer.key_id}
    signature = signer.sign(params_payload(stamped))
    by_hash = signer.algorithm.startswith("hmac")
    return {**stamped, "signature": signature.hex() if by_hash else base64.b64encode(signature).decode()}


def params_payload(params: Mapping[str, Any]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in sorted(params.items())).encode()


def payload(query: str, body: bytes) -> bytes:
    return query.encode() + body


def spelled(signature: bytes, algorithm: str) -> str:
    if algorithm.startswith("hmac"):
        return signature.hex()
    return quote(base64.b64encode(signature).decode(), safe="")


def unsigned(query: str) -> tuple[str, bytes]:
    """The other way: what was signed, and the signature (empty: none that could be read)."""
    signed, _, text = query.partition(_SIGNATURE)
    try:
        return signed, bytes.fromhex(text)  # hexadecimal in either case
    except ValueError:
        pass
    try:
        return signed, base64.b64decode(unquote(text), validate=True)
    except (binascii.Error, ValueError):
        return signed, b""


class Restrictions(Struct, rename="camel"):
    """{"ipRestrict":false,"enableReading":true,"enableWithdrawals":false,...} (wallet, Get API Key Permission). The
    official schema makes every field optional; what is missing is None, which is no proof of anything."""

    ip_restrict: bool | None = None
    enable_reading: bool | None = None
    enable_withdrawals: bool | None = None
    enable_internal_transfer: bool | None = None
    permits_universal_transfer: bool | None = None
    enable_spot_and_margin_trading: bool | None = None


def rights(answer: Any) -> frozenset[str]:
    """Of Restrictions. What the answer leaves out about withdrawals counts as allowed: no proof, no trust."""
    told: Restrictions = answer
    words = {
        "read": told.enable_reading,
        "trade": told.enable_spot_and_margin_trading,
        "withdraw": told.enable_withdrawals is not False,
        "transfer": told.enable_internal_transfer or told.permits_universal_transfer,
        "ip-bound": told.ip_restrict,
    }
    return frozenset(word for word, held in words.items() if held)
