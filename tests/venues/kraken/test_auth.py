"""Signatures against published vectors, and the venue's own checks of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from fairlead.venues.kraken.auth import FORM, JSON, message, nonce_of, sign
from fairlead.venues.kraken.mirror import MIRROR
from fairlead.venues.kraken.venue import VENUE
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.endpoint import build
from fairlead.wire.http import Request
from fairlead.wire.signing import Stamp
from tests.recorded import lines
from tests.venues.kraken.places import AT, CTX, SECRET, Key, ring

VENDORS = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
VECTORS = [
    (VENDORS, "/0/private/AddOrder", 1616492376594, "ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
     "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="),
    (SECRET, "/0/private/Balance", 1767225600000, "",
     "XFYHsaaVP9yjP2MVQwoBXTntKO3EoqHe8PnXQcWwlYH6ufXLuZWlOWqEfubI8XaNdmALmPADKG9Y6ose0EhP8g=="),
]  # fmt: skip
JSON_BODY = (
    b'{"nonce":1767225600000,"pair":"XBTUSD","type":"buy","ordertype":"limit","price":"50000","volume":"0.01",'
    b'"cl_ord_id":"6d1b345e-2821-40e2-ad83-4ecb18a06876"}'
)
JSON_SIGN = "OJqizPsB+RGlMZWciF4pNwz9qhxbgaGSGzhj6RBF3M9lP5OwgFQAnrhcfS30Am69122k4XFiFXz0nqbMPYo0NA=="


@pytest.mark.parametrize(("secret", "path", "nonce", "form", "expected"), VECTORS)
def test_a_form_is_signed_as_published(secret: str, path: str, nonce: int, form: str, expected: str) -> None:
    """If this failed, every private call would be refused, and refusals add up to a lockout."""
    signed = sign(Request("POST", "rest", path, body=form.encode()), Key(secret), Stamp(nonce=nonce))
    assert signed.headers["API-Sign"] == expected
    assert signed.body == (f"nonce={nonce}&{form}" if form else f"nonce={nonce}").encode()


def test_the_message_of_a_json_body_is_as_published() -> None:
    """If this failed, the simulator would refuse clients that send JSON, which the venue takes."""
    nonce = nonce_of(JSON, JSON_BODY)
    signature = Key().sign(message("/0/private/AddOrder", nonce, JSON_BODY))
    assert (nonce, base64.b64encode(signature).decode()) == ("1767225600000", JSON_SIGN)


def test_recorded_requests_of_another_client_carry_the_same_signatures() -> None:
    """If this failed, the recipe would hold for our two vectors only."""
    compared = 0
    for line in lines("kraken/request.jsonl"):
        headers = line.get("headers") or {}
        if line["product"] != "spot" or "API-Sign" not in headers:
            continue
        body, path = line["body"].encode(), line["url"].removeprefix("https://api.kraken.com")
        nonce = nonce_of(headers["Content-Type"], body)
        signature = Key(line["credentials"]["secret"]).sign(message(path, nonce, body))
        assert base64.b64encode(signature).decode() == headers["API-Sign"], line["id"]
        compared += 1
    assert compared >= 20


@pytest.mark.parametrize(
    ("kind", "body", "nonce"),
    [
        (FORM, b"nonce=12&a=b", "12"),
        (FORM, b"a=b&nonce=12", "12"),
        (FORM, b"a=b", ""),
        (FORM, b"nonce=-3", ""),
        (FORM, b"\xff\xfe", ""),
        (JSON, b'{"nonce":"12"}', "12"),
        (JSON, b'{"nonce":1.5}', ""),
        (JSON, b"[]", ""),
        (JSON, b"{", ""),
    ],
)
def test_a_nonce_is_found_or_not(kind: str, body: bytes, nonce: str) -> None:
    """If this failed, a request without a proper nonce would pass the simulator and fail at the venue."""
    assert nonce_of(kind, body) == nonce


def _balances(nonce: int, key: Any = None) -> Request:
    asked = build(VENUE.endpoints[Op.BALANCES], AskNothing(), CTX, VENUE.encode)
    return VENUE.sign(asked, key or Key(), Stamp(nonce=nonce))


def test_the_venue_takes_a_rising_nonce_once() -> None:
    """If this failed, two programs could share a key in the simulator, which ends in refusals at the venue."""
    verifier = ring()
    assert MIRROR.proof(_balances(5), verifier, AT) is None
    for nonce, said in ((5, "EAPI:Invalid nonce"), (4, "EAPI:Invalid nonce"), (6, "")):
        found = MIRROR.proof(_balances(nonce), verifier, AT)
        assert (found.said if found else "") == said


def test_the_venue_refuses_wrong_keys_secrets_and_changed_bodies() -> None:
    """If this failed, a mistake in signing would be found only at the venue."""
    good = _balances(7)

    def changed(body: bytes = good.body, header: str = "", value: str = "") -> Request:
        return Request("POST", "rest", good.path, headers={**good.headers, header: value}, body=body)

    cases = {
        "EAPI:Invalid key": [changed(header="API-Key"), changed(header="API-Key", value="other")],
        "EAPI:Invalid signature": [
            _balances(7, Key(VENDORS)),
            changed(good.body + b"&a=1"),
            changed(header="API-Sign", value="?"),
        ],
        "EAPI:Invalid nonce": [changed(b"a=1")],
    }
    for said, requests in cases.items():
        for request in requests:
            found = MIRROR.proof(request, ring(), AT)
            assert found is not None
            assert found.said == said
            assert json.loads(MIRROR.refuse(found).body) == {"error": [said]}


def test_header_names_are_taken_in_any_case() -> None:
    """If this failed, a client whose HTTP library lowers names would be refused by the simulator alone."""
    good = _balances(9)
    headers = {name.lower(): value for name, value in good.headers.items()}
    lowered = Request("POST", "rest", good.path, headers=headers, body=good.body)
    assert MIRROR.proof(lowered, ring(), AT) is None
