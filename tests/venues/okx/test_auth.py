"""The signature, against the vendor's recipe and from both sides."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from fairlead.venues.okx import auth
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.signing import Stamp
from tests.recorded import lines
from tests.venues.okx.places import AT, SECRET, Key, asking, ring

ORDER = (
    b'{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"1000","sz":"0.01","clOrdId":"fl0001"}'
)
VECTORS = [
    (Request("GET", "rest", "/api/v5/account/balance", "ccy=BTC"), "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
    (Request("POST", "rest", "/api/v5/trade/order", body=ORDER), "3ghGK4pk8w2upDLUJVyVIW+7mwXjk5dkcdjVLTOBD7Y="),
]


@pytest.mark.parametrize(("request_", "signature"), VECTORS)
def test_signatures_are_the_vendors(request_: Request, signature: str) -> None:
    """If this failed, the venue would refuse every private call."""
    signed = auth.sign(request_, Key(), AT)
    assert signed.headers["OK-ACCESS-SIGN"] == signature
    assert signed.headers["OK-ACCESS-TIMESTAMP"] == "2020-12-08T09:08:57.715Z"
    assert signed.headers["OK-ACCESS-KEY"] == Key.key_id
    assert signed.headers["OK-ACCESS-PASSPHRASE"] == Key.passphrase


def test_signing_leaves_the_request_as_it_will_be_sent() -> None:
    """If this failed, what is signed and what is sent could differ, and every signed call would be refused."""
    request = VECTORS[0][0]
    signed = auth.sign(request, Key(), AT)
    assert replace(signed, headers={}) == request


def test_recorded_signatures_come_out_of_the_recipe() -> None:
    """If this failed, a query or body would be signed otherwise than the venue's other clients sign it."""
    checked = 0
    for line in lines("okx/request.jsonl"):
        headers: dict[str, str] = line.get("headers") or {}
        if "OK-ACCESS-SIGN" not in headers:
            continue
        parts = urlsplit(line["url"])
        request = Request(line["http_method"], "rest", parts.path, parts.query, body=(line.get("body") or "").encode())
        message = auth.message(request, headers["OK-ACCESS-TIMESTAMP"])
        digest = hmac.digest(line["credentials"]["secret"].encode(), message, hashlib.sha256)
        assert b64encode(digest).decode() == headers["OK-ACCESS-SIGN"], line["id"]
        checked += 1
    assert checked == 50


def without(name: str) -> Any:
    return lambda signed: {given: value for given, value in signed.items() if given != name}


def with_(name: str, value: str) -> Any:
    return lambda signed: {**signed, name: value}


@pytest.mark.parametrize(
    ("change", "code", "kind"),
    [
        (without("OK-ACCESS-KEY"), "50103", Kind.SIGNATURE),
        (without("OK-ACCESS-PASSPHRASE"), "50104", Kind.SIGNATURE),
        (without("OK-ACCESS-SIGN"), "50106", Kind.SIGNATURE),
        (without("OK-ACCESS-TIMESTAMP"), "50107", Kind.SIGNATURE),
        (with_("OK-ACCESS-KEY", "someone-else"), "50119", Kind.KEY),
        (with_("OK-ACCESS-PASSPHRASE", "open barley"), "50105", Kind.KEY),
        (with_("OK-ACCESS-TIMESTAMP", "1607418537715"), "50112", Kind.CLOCK),
        (with_("OK-ACCESS-TIMESTAMP", "then-Z"), "50112", Kind.CLOCK),
        (with_("OK-ACCESS-SIGN", "not base64!"), "50113", Kind.SIGNATURE),
        (with_("OK-ACCESS-SIGN", b64encode(b"x" * 32).decode()), "50113", Kind.SIGNATURE),
    ],
)
def test_each_wrong_header_is_refused_by_its_own_code(change: Any, code: str, kind: Kind) -> None:
    """If this failed, a client that signs wrongly would pass against the simulator and fail at the venue."""
    signed = auth.sign(asking(Op.BALANCES, AskNothing()), Key(), AT)
    fault = auth.proof(replace(signed, headers=change(signed.headers)), ring(), AT)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.kind) == (code, kind)
    assert SECRET not in repr(fault)


@pytest.mark.parametrize(
    ("off_ms", "code"), [(0, ""), (30_000, ""), (-30_000, ""), (30_001, "50102"), (-30_001, "50102")]
)
def test_the_clock_may_be_off_by_thirty_seconds(off_ms: int, code: str) -> None:
    """If this failed, the simulator would not teach a bot what a wrong clock costs."""
    signed = auth.sign(asking(Op.BALANCES, AskNothing()), Key(), Stamp(venue_ms=AT.venue_ms + off_ms))
    fault = auth.proof(signed, ring(), AT)
    assert (fault.code if fault else "") == code


def test_header_names_may_come_in_any_case() -> None:
    """If this failed, a client whose HTTP library writes its headers otherwise would be refused."""
    signed = auth.sign(asking(Op.BALANCES, AskNothing()), Key(), AT)
    lower = replace(signed, headers={name.lower(): value for name, value in signed.headers.items()})
    assert auth.proof(lower, ring(), AT) is None
