"""The signer of a key file: its signatures against published vectors, and its silence about what it holds."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fairlead.errors import Misuse, UnknownName
from fairlead.keys.signer import FileSigner

# RFC 4231, test case 2; RFC 8032, section 7.1, test 2.
MESSAGE, SECRET = b"what do ya want for nothing?", "Jefe"
SHA256_MAC = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
SHA512_MAC = (
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b63"
    "6e070a38bce737"
)
ED_SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
ED_SIGNED = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d"
    "291612bb0c00"
)


def signer(kinds: tuple[str, ...] = ("hmac-sha256",), **told: Any) -> FileSigner:
    return FileSigner(json.dumps({"key": "id", "secret": SECRET, **told}).encode(), kinds)


def pem(key: Any) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def test_hmac_signs_as_published() -> None:
    """If this failed, every signed request would be refused, or worse, the wrong bytes would be signed."""
    assert signer().sign(MESSAGE).hex() == SHA256_MAC
    assert signer(kind="hmac-sha512").sign(MESSAGE).hex() == SHA512_MAC
    coded = base64.b64encode(SECRET.encode()).decode()
    assert signer(("hmac-sha512:base64",), secret=coded).sign(MESSAGE).hex() == SHA512_MAC


def test_a_kind_may_leave_out_how_the_secret_is_written() -> None:
    """If this failed, a venue whose secrets are base64 would be signed for with the letters of it."""
    coded = base64.b64encode(SECRET.encode()).decode()
    one = signer(("hmac-sha512:base64",), secret=coded, kind="hmac-sha512")
    assert (one.sign(MESSAGE).hex(), one.algorithm) == (SHA512_MAC, "hmac-sha512")


def test_ed25519_and_rsa_sign_as_published() -> None:
    """If this failed, keys of the newer kinds could not be used at all."""
    seed = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ED_SEED))
    one = signer(kind="ed25519", secret=pem(seed))
    assert (one.sign(bytes.fromhex("72")).hex(), one.algorithm) == (ED_SIGNED, "ed25519")
    key = rsa.generate_private_key(65537, 2048)
    signed = signer(kind="rsa-sha256", secret=pem(key)).sign(MESSAGE)
    key.public_key().verify(signed, MESSAGE, padding.PKCS1v15(), SHA256())


def test_nothing_it_says_of_itself_shows_a_secret() -> None:
    """If this failed, a secret would stand in a log, an error report or a terminal."""
    one = signer(passphrase="sesame-7", secret="canary-secret-9")
    assert "canary" not in repr(one) + str(one) + f"{one}"
    assert "sesame" not in repr(one)
    assert one.part("passphrase") == "sesame-7"


@pytest.mark.parametrize(
    "text",
    [
        b"canary-secret-9",
        b'{"key":"k","secret":"canary-secret-9"',
        b'{"key":"k","secret":"canary-secret-9","pasphrase":"x"}',
        b'{"key":"k","secret":["canary-secret-9"]}',
        b'{"key":"k","secret":"canary-secret-9","kind":"ed25519"}',
        b'{"key":"k","secret":"canary-secret-9","kind":"hmac-sha256:base64"}',
        b"\xff\xfe",
    ],
)
def test_a_bad_key_file_is_refused_without_repeating_it(text: bytes) -> None:
    """If this failed, a misspelled field would be ignored, or the error would print the secret."""
    with pytest.raises(Misuse) as told:
        FileSigner(text, ("hmac-sha256",))
    assert "canary" not in str(told.value)
    assert told.value.__cause__ is None


def test_an_unknown_kind_or_a_missing_part_is_named() -> None:
    """If this failed, a request would go out without the passphrase that the venue demands."""
    with pytest.raises(UnknownName, match="hmac-sha256"):
        signer(kind="hmac-sha265")
    with pytest.raises(Misuse, match="passphrase"):
        signer().part("passphrase")
