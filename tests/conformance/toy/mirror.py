"""The toy's other side: it hears our own words, checks signatures, and refuses in its own."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.wire.asks import QUESTIONS
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Heard, Mirror, Terms
from fairlead.wire.signing import Stamp, Verifier
from tests.conformance.toy.faults import CODES
from tests.conformance.toy.hearing import BareHearing, Hearing
from tests.conformance.toy.replies import said
from tests.conformance.toy.rest import ENDPOINTS

_JSON = {"content-type": "application/json"}
_PATHS = {row.path: op for op, row in ENDPOINTS.items()}
_WORDS = {kind: code for code, kind in CODES.items()}


def hear(request: Request, ctx: Ctx) -> Heard | Fault:
    op = _PATHS.get(request.path)
    if op is None:
        return Fault(Kind.GONE, code="no-path", said=request.path, status=404)
    asked = msgspec.convert(dict(parse_qsl(request.query)), QUESTIONS[op], strict=False)
    symbol = getattr(asked, "symbol", None)
    if symbol is not None and symbol not in ctx.catalog:
        return Fault(Kind.SYMBOL, code="no-symbol", said=symbol, status=400)
    return Heard(op, asked, key_id=request.headers.get("X-Key", ""))


def proof(request: Request, verifier: Verifier, stamp: Stamp) -> Fault | None:
    key, nonce = request.headers.get("X-Key", ""), request.headers.get("X-Nonce", "0")
    if not verifier.knows(key):
        return Fault(Kind.KEY, code="no-key", status=401)
    if not verifier.verify(key, (request.target + nonce).encode(), bytes.fromhex(request.headers["X-Sign"])):
        return Fault(Kind.SIGNATURE, code="bad-sign", status=401)
    if int(nonce) <= verifier.last_nonce(key):
        return Fault(Kind.NONCE, code="bad-nonce", status=401)
    verifier.note_nonce(key, int(nonce))
    return None


def say(heard: Heard, answer: object, ctx: Ctx, stamp: Stamp) -> Reply:
    return Reply(200, _JSON, msgspec.json.encode(said(answer, ctx)))


def refuse(fault: Fault) -> Reply:
    after = {"Retry-After": str(fault.wait_ms // 1_000)} if fault.wait_ms else {}
    body = {"code": fault.code or _WORDS.get(fault.kind, fault.kind), "said": fault.said, "until": fault.until_ms}
    return Reply(fault.status or 400, {**_JSON, **after}, msgspec.json.encode(body))


def limit(budget: str, wait_ms: int) -> Fault:
    return Fault(Kind.LIMIT, code="slow-down", said=budget, wait_ms=wait_ms, status=429)


def ban(budget: str, wait_ms: int, until_ms: int) -> Fault | None:
    if budget != "weight":
        return None
    return Fault(Kind.BAN, code="banned", wait_ms=wait_ms, until_ms=until_ms, status=418)


def toll(readings: tuple[Reading, ...]) -> dict[str, str]:
    used = {f"x-used-{one.budget}": str(one.used) for one in readings}
    return {**used, **{f"x-limit-{one.budget}": str(one.limit) for one in readings}}


def listing(terms: Terms) -> Instrument:
    return Instrument(
        terms.symbol,
        terms.symbol.replace("/", ""),
        terms.price_tick,
        terms.qty_step,
        numbers.decimals_of(terms.price_tick),
        numbers.decimals_of(terms.qty_step),
        contract_size=terms.contract_size,
        names={"ws": terms.symbol},
    )


MIRROR = Mirror(
    hear=hear,
    proof=proof,
    say=say,
    refuse=refuse,
    limit=limit,
    ban=ban,
    toll=toll,
    rooms={"stream": Hearing, "stream/bare": BareHearing},
    paths={"stream": "/stream", "stream/bare": "/stream/bare"},
    listing=listing,
)
