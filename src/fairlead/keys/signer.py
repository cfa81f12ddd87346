"""A key from a file, as something that signs; no text that this object makes of itself shows what it holds.

The file is JSON: {"key", "secret", "passphrase"?, "kind"?}. The secret of an HMAC key is the venue's text, that of the
other kinds a private key in PEM."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from fairlead.errors import Misuse, UnknownName

Sign = Callable[[bytes], bytes]


class _File(Struct, forbid_unknown_fields=True):
    key: str
    secret: str
    passphrase: str = ""
    kind: str = ""


class FileSigner:
    """A wire.signing.Signer. `kinds` are those of the venue, the usual first: `hmac-sha512:base64` is an HMAC key whose
    secret's text stands for bytes."""

    def __init__(self, text: bytes, kinds: Sequence[str]) -> None:
        try:
            told = msgspec.json.decode(text, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # What was read is not repeated: it may be a secret all the same.
            raise Misuse(
                "The key file is not what it should be.", next='write {"key", "secret", "passphrase"?, "kind"?} as JSON'
            ) from None
        kind = _kind(told.kind, kinds)
        self.key_id = told.key
        self.algorithm = kind.partition(":")[0]
        self._sign = _SIGNS[kind](told.secret)
        self._passphrase = told.passphrase

    def sign(self, message: bytes) -> bytes:
        return self._sign(message)

    def part(self, name: str) -> str:
        """A secret that the wire itself demands."""
        if name != "passphrase" or not self._passphrase:
            raise Misuse(f"The key file holds no {name}, which this venue demands.", next=f'add "{name}" to it')
        return self._passphrase

    def __repr__(self) -> str:
        return f"<FileSigner {self.algorithm}>"


def _kind(told: str, kinds: Sequence[str]) -> str:
    """The kind as the table below names it: the venue's usual one, or what the file says, which may leave out how the
    secret is written where the venue knows."""
    if not told:
        return kinds[0]
    kind = next((one for one in kinds if told in (one, one.partition(":")[0])), told)
    if kind not in _SIGNS:
        raise UnknownName("kind of key", told, _SIGNS)
    return kind


def _hmac(digest: Callable[..., hashlib._Hash], in_base64: bool) -> Callable[[str], Sign]:
    def of(secret: str) -> Sign:
        try:
            raw = base64.b64decode(secret, validate=True) if in_base64 else secret.encode()
        except binascii.Error:
            raise Misuse("The secret of this kind of key is written in base64, and the file's is not.") from None
        return lambda message: hmac.digest(raw, message, digest)

    return of


def _ed25519(secret: str) -> Sign:
    key = _private(secret)
    if not isinstance(key, Ed25519PrivateKey):
        raise Misuse("The secret is not an Ed25519 private key.")
    return key.sign


def _rsa(secret: str) -> Sign:
    key = _private(secret)
    if not isinstance(key, RSAPrivateKey):
        raise Misuse("The secret is not an RSA private key.")
    return lambda message: key.sign(message, padding.PKCS1v15(), SHA256())


def _private(secret: str) -> object:
    try:
        return load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError):
        raise Misuse("The secret is not a private key in PEM without a password.") from None


_SIGNS: Mapping[str, Callable[[str], Sign]] = {
    "hmac-sha256": _hmac(hashlib.sha256, in_base64=False),
    "hmac-sha256:base64": _hmac(hashlib.sha256, in_base64=True),
    "hmac-sha512": _hmac(hashlib.sha512, in_base64=False),
    "hmac-sha512:base64": _hmac(hashlib.sha512, in_base64=True),
    "ed25519": _ed25519,
    "rsa-sha256": _rsa,
}
