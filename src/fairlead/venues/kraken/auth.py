"""How Kraken's calls are encoded and signed, and the message both sides sign; it never sees the secret.

Spot REST Authentication: API-Sign is the base64 of HMAC-SHA512, keyed with the decoded secret, over the path and the
SHA-256 of the nonce's text followed by the body, byte for byte as it is sent."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec

from fairlead.wire.http import Request
from fairlead.wire.signing import Signer, Stamp

KEY_HEADER, SIGN_HEADER = "API-Key", "API-Sign"
NONCE_MOST_CHARS = 20  # an unsigned number of 64 bits
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def encode(method: str, params: Mapping[str, Any]) -> tuple[str, bytes, Mapping[str, str]]:
    """GET puts its parameters into the query, POST into a form; signing adds the nonce."""
    text = urlencode(params)
    return ("", text.encode(), {"Content-Type": FORM}) if method == "POST" else (text, b"", {})


def sign(request: Request, signer: Signer, at: Stamp) -> Request:
    """The nonce joins the form as its first field; it must be greater than any this key has ever used."""
    nonce = str(at.nonce)
    body = f"nonce={nonce}".encode() + (b"&" + request.body if request.body else b"")
    signature = signer.sign(message(request.path, nonce, body))
    signed = {KEY_HEADER: signer.key_id, SIGN_HEADER: base64.b64encode(signature).decode(), "Content-Type": FORM}
    return msgspec.structs.replace(request, headers={**request.headers, **signed}, body=body)


def message(path: str, nonce: str, body: bytes) -> bytes:
    return path.encode() + hashlib.sha256(nonce.encode() + body).digest()


def nonce_of(content_type: str, body: bytes) -> str:
    """The nonce's text in a body of either kind, "" when there is none that is a number."""
    try:
        if content_type.startswith(JSON):
            found = str(msgspec.json.decode(body, type=dict[str, object]).get("nonce", ""))
        else:
            found = parse_qs(body.decode()).get("nonce", [""])[0]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return found if found.isdecimal() and found.isascii() and len(found) <= NONCE_MOST_CHARS else ""
