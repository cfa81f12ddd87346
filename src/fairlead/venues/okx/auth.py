"""OKX's signature: what is signed, where it goes, and how the venue checks it; it holds no key and reads no clock."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from fairlead.wire.face import Rng
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.mirror import Minted, drawn
from fairlead.wire.signing import Signer, Stamp, Verifier

KEY, SIGN, TIME, PASS = "OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE"
SECRET_WORDS = frozenset({KEY, SIGN, PASS})
DEMO = {"x-simulated-trading": "1"}  # demo answers at the live address to those who say so
CLOCK_MS = 30_000  # a request further off than this is refused (50102)
SECONDS_CHARS = 12
LOGIN_PATH = "".join(f"/{part}" for part in ("users", "self", "verify"))
HEX = "0123456789abcdef"


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


def login(signer: Signer, at: Stamp) -> dict[str, str]:
    """What a private connection is opened with; the time is in seconds here. [WebSocket / Login]"""
    when = str(at.venue_ms // 1_000)
    signature = b64encode(signer.sign(login_message(when))).decode()
    return {"apiKey": signer.key_id, "passphrase": signer.part("passphrase"), "timestamp": when, "sign": signature}


def login_message(when: str) -> bytes:
    """As a GET of the address that verifies who one is."""
    return f"{when}GET{LOGIN_PATH}".encode()


def iso(at_ms: int) -> str:
    """2020-12-08T09:08:57.715Z"""
    seconds, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03}Z"


def proof(request: Request, verifier: Verifier, at: Stamp) -> Fault | None:
    """Headers, clock, key, passphrase and signature, each refused by its own code."""
    for name, code in ((KEY, "50103"), (SIGN, "50106"), (TIME, "50107"), (PASS, "50104")):
        if not header(request, name):
            return _denied(code, f'Request header "{name}" can not be empty.', Kind.SIGNATURE)
    key, when = header(request, KEY), header(request, TIME)
    try:
        sent_ms = round(datetime.fromisoformat(when).timestamp() * 1000) if when.endswith("Z") else None
    except ValueError:
        sent_ms = None
    if sent_ms is None:
        return _denied("50112", f"Invalid {TIME}", Kind.CLOCK)
    if abs(sent_ms - at.venue_ms) > CLOCK_MS:
        return _denied("50102", "Timestamp request expired", Kind.CLOCK)
    if not verifier.knows(key):
        return _denied("50119", "API key doesn't exist", Kind.KEY, 200)
    if verifier.part(key, "passphrase") != header(request, PASS):
        return _denied("50105", f'Request header "{PASS}" incorrect.', Kind.KEY)
    try:
        signature = b64decode(header(request, SIGN), validate=True)
    except ValueError:
        signature = b""
    if not verifier.verify(key, message(request, when), signature):
        return _denied("50113", "Invalid Sign", Kind.SIGNATURE)
    return None


def login_refusal(said: Mapping[str, str], verifier: Verifier, at: Stamp) -> tuple[str, str] | None:
    """Code and words, where the login of a connection does not hold."""
    when = said.get("timestamp", "")
    if not (when.isascii() and when.isdecimal() and len(when) <= SECONDS_CHARS):
        return "60004", "Invalid timestamp"
    if abs(int(when) * 1_000 - at.venue_ms) > CLOCK_MS:
        return "60006", "Timestamp request expired"
    key = said.get("apiKey", "")
    if not verifier.knows(key):
        return "60005", "Invalid apiKey"
    try:
        signature = b64decode(said.get("sign", ""), validate=True)
    except ValueError:
        signature = b""
    if not verifier.verify(key, login_message(when), signature):
        return "60007", "Invalid sign"
    return None if verifier.part(key, "passphrase") == said.get("passphrase", "") else ("60024", "Wrong passphrase")


def mint(rng: Rng) -> Minted:
    """A key in groups of hexadecimal digits, a secret of 32 capitals, a passphrase of the user's own."""
    key = "-".join(drawn(rng, length, HEX) for length in (8, 4, 4, 4, 12))
    return Minted(key, drawn(rng, 32, HEX.upper()), passphrase=drawn(rng, 12))


def _denied(code: str, said: str, kind: Kind, status: int = 401) -> Fault:
    return Fault(kind, code=code, said=said, status=status)


def header(request: Request, name: str) -> str:
    return next((value for given, value in request.headers.items() if given.lower() == name.lower()), "")
