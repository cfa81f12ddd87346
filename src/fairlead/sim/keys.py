"""The simulator's keys: demo keys in each venue's form, whose account they open, and whether a signature is theirs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from msgspec import Struct

from fairlead.errors import UnknownName
from fairlead.sim.account import CASH, Account
from fairlead.wire.endpoint import Mode
from fairlead.wire.mirror import Minted

_HASHES = {"hmac-sha256": hashlib.sha256, "hmac-sha512": hashlib.sha512}
TOKEN_MS = 900_000  # how long a token may wait for its use
TOKENS_KEPT = 1_000


class Key(Struct):
    minted: Minted
    account: Account
    last_nonce: int = 0
    is_revoked: bool = False
    tokens: int = 0  # given so far


class Keyring:
    """A venue's keys, as its wire.signing.Verifier; `now_ms` is any clock that does not jump, `mode` how new accounts
    are set up."""

    def __init__(self, now_ms: Callable[[], int] = lambda: 0, mode: Mode = CASH) -> None:
        self._now_ms, self._mode = now_ms, mode
        self._keys: dict[str, Key] = {}
        self._tokens: dict[str, tuple[str, int]] = {}  # token -> key, good until

    def add(self, minted: Minted, account: Account | None = None) -> Account:
        """A key to an account there is, or to a new one with something of everything in its purse."""
        account = account or Account(minted.key, self._mode)
        self._keys[minted.key] = Key(minted, account)
        return account

    def revoke(self, key_id: str) -> None:
        self._key(key_id).is_revoked = True

    def account(self, key_id: str) -> Account:
        return self._key(key_id).account

    def accounts(self) -> tuple[Account, ...]:
        return tuple({id(key.account): key.account for key in self._keys.values()}.values())

    def knows(self, key_id: str) -> bool:
        return key_id in self._keys and not self._keys[key_id].is_revoked

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool:
        if not self.knows(key_id):
            return False
        minted = self._keys[key_id].minted
        secret = base64.b64decode(minted.secret) if minted.in_base64 else minted.secret.encode()
        return hmac.compare_digest(hmac.digest(secret, message, _HASHES[minted.algorithm]), signature)

    def part(self, key_id: str, name: str) -> str:
        """A secret the wire itself carries; empty when this key has none of that name."""
        return self._keys[key_id].minted.passphrase if name == "passphrase" and self.knows(key_id) else ""

    def last_nonce(self, key_id: str) -> int:
        return self._keys[key_id].last_nonce if self.knows(key_id) else 0

    def note_nonce(self, key_id: str, nonce: int) -> None:
        if self.knows(key_id):
            self._keys[key_id].last_nonce = nonce

    def token(self, key_id: str) -> str:
        """Leave to open a stream; another one each time."""
        key = self._key(key_id)
        key.tokens += 1
        drawn = hmac.digest(key.minted.secret.encode(), f"token {key.tokens}".encode(), hashlib.sha256)
        token = base64.b64encode(drawn).decode()
        while len(self._tokens) >= TOKENS_KEPT:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = (key_id, self._now_ms() + TOKEN_MS)
        return token

    def bearer(self, token: str) -> str:
        key_id, until_ms = self._tokens.get(token, ("", 0))
        return key_id if self._now_ms() < until_ms and self.knows(key_id) else ""

    def expire_tokens(self) -> None:
        """None that was given so far is good any more."""
        self._tokens.clear()

    def _key(self, key_id: str) -> Key:
        if key_id not in self._keys:
            raise UnknownName("key", key_id, self._keys)
        return self._keys[key_id]

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)} keys>"
