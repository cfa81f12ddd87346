"""How Binance wants a request signed (rest-api.md, SIGNED endpoint security), what a key may do; it holds no key.

The payload is the query followed by the body with nothing between, percent-encoded exactly as sent; the signature comes
last. HMAC signatures are hexadecimal, RSA and Ed25519 ones base64 and percent-encoded."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from fairlead.venues.binance.faults import DECIMAL, INT, Refuse, legal, need
from fairlead.wire.http import Request
from fairlead.wire.signing import Signer, Stamp, Verifier

KEY_HEADER = "X-MBX-APIKEY"
WINDOW_MS, WINDOW_MOST_MS = 5_000, 60_000  # how late it may still be taken; the venue's own usual
AHEAD_MS = 1_000
KEY_FORM = re.compile(r"[A-Za-z0-9]{64}")
_SIGNATURE = "&signature="
_SIGNED_OUT = re.compile(rb"&signature=[^&]*")


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


# ---- the other way


def unsigned(query: str, body: bytes) -> bytes:
    """What was signed: all but the signature, which may be in the query or, where all is there, in the body."""
    return _SIGNED_OUT.sub(b"", query.encode("utf-8", "surrogateescape"), count=1) + _SIGNED_OUT.sub(b"", body, count=1)


def prove(key: str, params: Mapping[str, str], message: bytes, verifier: Verifier, at: Stamp) -> None:
    """As strict as the venue: raises Refuse."""
    if not KEY_FORM.fullmatch(key):
        raise Refuse(-2014, "API-key format invalid.", 401)
    need("signature", params)
    check_clock(params, at)
    if not verifier.knows(key):
        raise Refuse(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    signature = decoded(params["signature"])
    if not signature or not verifier.verify(key, message, signature):
        raise Refuse(-1022, "Signature for this request is not valid.")


def decoded(text: str) -> bytes:
    """Hexadecimal in either case, or base64; empty: neither."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def check_clock(params: Mapping[str, str], at: Stamp) -> None:
    """Taken iff timestamp < serverTime + 1000 and serverTime - timestamp <= recvWindow."""
    need("timestamp", params)
    window = params.get("recvWindow", str(WINDOW_MS))
    legal("timestamp", params["timestamp"], INT)
    legal("recvWindow", window, DECIMAL)
    if float(window) > WINDOW_MOST_MS:
        raise Refuse(-1102, f"'recvWindow' contains unexpected value. Cannot be greater than {WINDOW_MOST_MS}.")
    timestamp_ms = int(params["timestamp"])
    if timestamp_ms >= at.venue_ms + AHEAD_MS:
        raise Refuse(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if at.venue_ms - timestamp_ms > float(window):
        raise Refuse(-1021, "Timestamp for this request is outside of the recvWindow.")


# ---- what a key may do


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
