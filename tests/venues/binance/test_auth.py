"""Signatures against the vendor's published vectors, and what a key may do."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fairlead.venues.binance import auth
from fairlead.wire.http import Request
from fairlead.wire.signing import Stamp
from tests import recorded

SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ORDER = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
WIDE = ORDER.replace("LTCBTC", "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96")
HALF = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
REST = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"


class Hmac:
    key_id, algorithm = "K", "hmac-sha256"

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(SECRET, message, hashlib.sha256)

    def part(self, name: str) -> str:
        return ""


class Vendor(Hmac):
    """The key of the vendor's documents."""

    key_id = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


class Ed25519(Hmac):
    algorithm = "ed25519"

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(message)


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        (ORDER, b"", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (WIDE, b"", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
        (HALF, REST.encode(), "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"),
    ],
    ids=["query", "beyond ASCII", "query and body"],
)
def test_a_signature_is_the_published_one(query: str, body: bytes, signature: str) -> None:
    """If this failed, the venue would refuse every signed call as -1022."""
    assert auth.spelled(Hmac().sign(auth.payload(query, body)), "hmac-sha256") == signature


def test_an_ed25519_signature_travels_as_encoded_base64() -> None:
    """If this failed, + / and = in a signature would arrive as something else, and the call be refused."""
    text = auth.spelled(Ed25519().sign(auth.payload(ORDER, b"")), "ed25519")
    assert not set(text) & set("+/=")
    assert unquote(text) == "jjt1qwCY9csZlKsIpxgnSZSMn4zp40EFhbaN3JXjejGf6Zmc2MF5T+Kj6+CwPqvjBhT7RLWOVFrnRe0DYkbuBA=="


def test_a_signed_request_is_stamped_before_it_is_signed_and_the_signature_comes_last() -> None:
    """If this failed, the venue could not check how old a call is, or would check other bytes than those sent."""
    asked = Request("GET", "rest", "/api/v3/account", query="omitZeroBalances=true", headers={"A": "b"})
    sent = auth.sign(asked, Hmac(), Stamp(venue_ms=1764000000123))
    stamped = "omitZeroBalances=true&recvWindow=5000&timestamp=1764000000123"
    assert sent.query == f"{stamped}&signature={Hmac().sign(stamped.encode()).hex()}"
    assert sent.headers == {"A": "b", "X-MBX-APIKEY": "K"}
    bare = auth.sign(Request("GET", "rest", "/api/v3/account"), Hmac(), Stamp(venue_ms=5))
    assert bare.query.startswith("recvWindow=5000&timestamp=5&signature=")


@pytest.mark.parametrize("signer", [Hmac(), Ed25519()], ids=["hmac", "ed25519"])
def test_what_was_signed_can_be_told_from_what_was_sent(signer: Hmac) -> None:
    """If this failed, the simulator would check other bytes than were signed, and take or refuse the wrong calls."""
    sent = auth.sign(Request("GET", "rest", "/x", query="a=1"), signer, Stamp(venue_ms=7))
    signed = auth.unsigned(sent.query, b"")
    assert signed == b"a=1&recvWindow=5000&timestamp=7"
    assert auth.decoded(unquote(sent.query.rpartition("=")[2])) == signer.sign(signed)
    assert auth.unsigned("", sent.query.encode()) == signed
    assert auth.unsigned("a=1", b"b=2&signature=x") == b"a=1b=2"
    assert auth.unsigned("a=1&signature=x&b=2", b"") == b"a=1&b=2"


def test_a_hexadecimal_signature_is_read_in_either_case_and_nonsense_is_none() -> None:
    """If this failed, a valid signature in capitals would be refused, or nonsense be taken for one."""
    assert auth.decoded("ABCDEF") == auth.decoded("abcdef") == b"\xab\xcd\xef"
    for nonsense in ("", "xyz!", "abc&b=2", base64.b64encode(b"four").decode() + "!"):
        assert auth.decoded(nonsense) == b""


# web-socket-api.md, Request security: the vendor's two, and one of the same recipe for the account's stream
PARAMS: list[tuple[dict[str, Any], int, str]] = [
    (
        {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
         "price": "52000.00", "recvWindow": 100},
        1645423376532,
        "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    ),
    (
        {"symbol": "１２３４５６", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1.00000000",
         "price": "0.10000000", "recvWindow": 5000},
        1645423376532,
        "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("params", "at_ms", "signature"), PARAMS, ids=["plain", "unicode"])
def test_a_call_by_socket_is_signed_over_its_sorted_raw_parameters(
    params: dict[str, Any], at_ms: int, signature: str
) -> None:
    """If this failed, every order by socket would be refused, or those of some symbols."""
    sent = auth.sign_params(params, Vendor(), Stamp(venue_ms=at_ms))
    assert sent == {**params, "timestamp": at_ms, "apiKey": Vendor.key_id, "signature": signature}


def test_the_signature_of_the_account_s_stream_is_that_of_the_recipe() -> None:
    """If this failed, the account's stream could not be joined."""
    text = auth.params_payload({"timestamp": 1747385641636, "apiKey": Vendor.key_id})
    assert Vendor().sign(text).hex() == "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e"
    spelled = auth.sign_params({}, Ed25519(), Stamp(venue_ms=5))["signature"]
    assert auth.decoded(spelled) == Ed25519().sign(b"apiKey=K&recvWindow=5000&timestamp=5")


def test_a_fence_of_the_order_s_own_is_not_stamped_over() -> None:
    """If this failed, an order could be taken later than it was fenced, when it has already been given up for lost."""
    asked = Request("POST", "rest", "/api/v3/order", query="symbol=A&recvWindow=700&timestamp=17")
    assert auth.sign(asked, Hmac(), Stamp(venue_ms=99)).query.startswith(f"{asked.query}&signature=")
    sent = auth.sign_params({"recvWindow": 700, "timestamp": 17}, Hmac(), Stamp(venue_ms=99))
    assert (sent["recvWindow"], sent["timestamp"]) == (700, 17)


def test_rights_are_what_is_told_and_silence_about_withdrawals_counts_as_a_right() -> None:
    """If this failed, a key that can withdraw could pass for a harmless one."""
    told = auth.Restrictions(enable_reading=True, enable_withdrawals=False, ip_restrict=True)
    assert auth.rights(told) == {"read", "ip-bound"}
    assert auth.rights(auth.Restrictions()) == {"withdraw"}
    assert auth.rights(auth.Restrictions(enable_withdrawals=False, permits_universal_transfer=True)) == {"transfer"}


def test_recorded_rights_are_understood() -> None:
    """If this failed, what the venue really says about a key would be misread."""
    lines = recorded.lines("binance/key_permissions.jsonl")
    told = [auth.rights(msgspec.json.decode(line["raw"], type=auth.Restrictions)) for line in lines]
    assert told == [{"read"}, {"read", "trade", "ip-bound"}]
