"""A key that signs and is checked, for tests of both ends."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


class Keys:
    """A Signer of one key, and its Verifier."""

    key_id, algorithm, is_revoked = KEY, "hmac-sha256", False

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j", message, hashlib.sha256)

    def knows(self, key_id: str) -> bool:
        return key_id == KEY and not self.is_revoked

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool:
        return self.knows(key_id) and signature == self.sign(message)

    def part(self, *names: str) -> str:
        return ""

    def bearer(self, token: str) -> str:
        return ""

    def last_nonce(self, key_id: str) -> int:
        return 0

    def note_nonce(self, key_id: str, nonce: int) -> None:
        """This venue counts no nonces, and gives no tokens."""


class Curve(Keys):
    algorithm = "ed25519"

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(message)
