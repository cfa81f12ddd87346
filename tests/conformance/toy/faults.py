"""The toy's refusals, and what its headers tell of its limits."""

from __future__ import annotations

from msgspec import DecodeError, json

from fairlead.errors import cut
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Reading
from tests.conformance.toy.wire import Refusal

CODES = {
    "no-path": Kind.GONE, "no-symbol": Kind.SYMBOL, "no-key": Kind.KEY, "bad-sign": Kind.SIGNATURE,
    "bad-nonce": Kind.NONCE, "slow-down": Kind.LIMIT, "banned": Kind.BAN, "shut": Kind.MAINTENANCE,
}  # fmt: skip
STATUSES = {429: Kind.LIMIT, 451: Kind.REGION, 500: Kind.SERVER, 502: Kind.SERVER, 503: Kind.SERVER, 504: Kind.SERVER}


def fault(reply: Reply, op: Op) -> Fault | None:
    if reply.status < 300:
        return None
    said = refusal(reply)
    wait_ms = int(reply.headers.get("retry-after", "0")) * 1_000
    if said is None:
        kind = STATUSES.get(reply.status, Kind.BLOCKED)
        return Fault(kind, said=cut(reply.body), wait_ms=wait_ms, status=reply.status)
    kind = CODES.get(said.code, Kind.UNKNOWN_CODE)
    return Fault(kind, code=said.code, said=said.said, wait_ms=wait_ms, until_ms=said.until, status=reply.status)


def readings(reply: Reply) -> tuple[Reading, ...]:
    """Everything it counts is weight."""
    headers = reply.headers
    quiet_ms = int(headers.get("retry-after", "0")) * 1_000
    said = refusal(reply) if quiet_ms else None
    until_ms = said.until if said is not None else 0
    used, limit = int(headers.get("x-used-weight", "-1")), int(headers.get("x-limit-weight", "-1"))
    if used < 0 and not quiet_ms:
        return ()
    return (Reading("weight", used, limit, quiet_ms, until_ms, banned=bool(until_ms)),)


def refusal(reply: Reply) -> Refusal | None:
    try:
        return json.decode(reply.body, type=Refusal)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
