"""The simulator's accounts: demo keys in each venue's form, what they hold, and whether a signature is theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from decimal import Decimal

from msgspec import Struct

from fairlead.errors import UnknownName
from fairlead.model.account import Balance
from fairlead.wire.mirror import Minted

_HASHES = {"hmac-sha256": hashlib.sha256, "hmac-sha512": hashlib.sha512}
_PURSE = (("BTC", "2.5"), ("ETH", "40"), ("USDT", "250000"), ("USD", "100000"))


class Account(Struct):
    minted: Minted
    balances: tuple[Balance, ...]
    last_nonce: int = 0
    is_revoked: bool = False


class Keyring:
    """A venue's keys, as its wire.signing.Verifier."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def add(self, minted: Minted) -> None:
        """A new account with something of everything in its purse."""
        purse = tuple(Balance(asset, Decimal(amount), Decimal(amount)) for asset, amount in _PURSE)
        self._accounts[minted.key] = Account(minted, purse)

    def revoke(self, key_id: str) -> None:
        self.account(key_id).is_revoked = True

    def account(self, key_id: str) -> Account:
        if key_id not in self._accounts:
            raise UnknownName("key", key_id, self._accounts)
        return self._accounts[key_id]

    def knows(self, key_id: str) -> bool:
        return key_id in self._accounts and not self._accounts[key_id].is_revoked

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool:
        if not self.knows(key_id):
            return False
        minted = self._accounts[key_id].minted
        secret = base64.b64decode(minted.secret) if minted.in_base64 else minted.secret.encode()
        return hmac.compare_digest(hmac.digest(secret, message, _HASHES[minted.algorithm]), signature)

    def part(self, key_id: str, name: str) -> str:
        """A secret the wire itself carries; empty when this key has none of that name."""
        return self._accounts[key_id].minted.passphrase if name == "passphrase" and self.knows(key_id) else ""

    def last_nonce(self, key_id: str) -> int:
        return self._accounts[key_id].last_nonce if self.knows(key_id) else 0

    def note_nonce(self, key_id: str, nonce: int) -> None:
        if self.knows(key_id):
            self._accounts[key_id].last_nonce = nonce

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._accounts)} keys>"
