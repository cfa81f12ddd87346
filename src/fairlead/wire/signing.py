"""Who signs and who checks, and what both must be told of the outside: time and a rising number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Stamp(Struct, frozen=True):
    """All that is not pure, handed in."""

    mono_ns: int = 0  # for waiting
    venue_ms: int = 0  # their clock as we know it, for signing
    nonce: int = 0  # rising, never given twice to one key


class Signer(Protocol):
    """The ability to sign for one host, bound by the sender, which refuses to send a signed request whose method,
    host or path is not the one it was bound to."""

    @property
    def key_id(self) -> str: ...
    @property
    def algorithm(self) -> str: ...  # hmac-sha256, hmac-sha512, rsa-sha256, ed25519, es256: the key's own kind
    def sign(self, message: bytes) -> bytes: ...
    def part(self, name: str) -> str: ...  # passphrase, otp: a secret that the wire itself demands


class SecretSource(Protocol):
    """Where keys come from. One key is one account of a venue; its label is the user's own word for it."""

    def labels(self, venue: str) -> tuple[str, ...]: ...
    def signer(self, venue: str, label: str, kinds: Sequence[str]) -> Signer:
        """`label` "": the only one there is. `kinds`: Venue.key_kinds. Raises errors.Misuse, never with a secret."""


class Verifier(Protocol):
    """The simulator's side of its keys: checks, never shows."""

    def knows(self, key_id: str) -> bool: ...
    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool: ...
    def part(self, key_id: str, name: str) -> str: ...
    def last_nonce(self, key_id: str) -> int: ...
    def note_nonce(self, key_id: str, nonce: int) -> None: ...
    def bearer(self, token: str) -> str: ...  # the key that Op.TOKEN gave this to, while it is good; "": nobody
