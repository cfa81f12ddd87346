"""Demo keys: whose signature it is, and that secrets stay where they are."""

from __future__ import annotations

import base64
import hmac

import pytest

from fairlead.errors import UnknownName
from fairlead.io.clock import seeded
from fairlead.sim.keys import TOKEN_MS, Keyring
from fairlead.wire.mirror import Minted, mint


@pytest.mark.parametrize(
    ("minted", "secret", "algorithm"),
    [
        (Minted("k", "text"), b"text", "sha256"),
        (Minted("k", base64.b64encode(b"bytes").decode(), algorithm="hmac-sha512", in_base64=True), b"bytes", "sha512"),
    ],
)
def test_only_the_right_signature_is_taken(minted: Minted, secret: bytes, algorithm: str) -> None:
    """If this failed, a client that signs wrongly would first hear of it from a real venue."""
    ring = Keyring()
    ring.add(minted)
    mark = hmac.digest(secret, b"message", algorithm)
    assert ring.verify("k", b"message", mark)
    assert not ring.verify("k", b"massage", mark)
    assert not ring.verify("other", b"message", mark)
    ring.revoke("k")
    assert not ring.verify("k", b"message", mark)
    assert not ring.knows("k")


def test_nonces_and_passphrases_are_remembered_per_key() -> None:
    """If this failed, a replayed request, or one with another key's passphrase, would pass."""
    ring = Keyring()
    ring.add(Minted("k", "s", passphrase="p"))
    assert (ring.part("k", "passphrase"), ring.part("k", "otp")) == ("p", "")
    assert (ring.part("other", "passphrase"), ring.last_nonce("other")) == ("", 0)
    ring.note_nonce("k", 9)
    assert ring.last_nonce("k") == 9
    with pytest.raises(UnknownName):
        ring.account("other")


def test_minted_keys_follow_from_the_seed_and_hide_their_secret() -> None:
    """If this failed, a run could not be repeated, or a log would carry what must not be in logs."""
    one = mint(seeded(1))
    assert one == mint(seeded(1)) != mint(seeded(2))
    assert one.key.isalnum()
    assert len(one.key) == len(one.secret) == 64
    ring = Keyring()
    ring.add(one)
    assert one.secret not in repr(one) + repr(ring)


def test_a_token_is_good_for_its_key_until_it_is_old_ended_or_revoked() -> None:
    """If this failed, a stream could be opened with anybody's token, or with none."""
    now_ms = [1_000]
    ring = Keyring(lambda: now_ms[0])
    ring.add(Minted("k", "s"))
    first, second = ring.token("k"), ring.token("k")
    assert first != second
    assert [ring.bearer(token) for token in (first, second, "other", "")] == ["k", "k", "", ""]
    now_ms[0] += TOKEN_MS - 1
    assert ring.bearer(first) == "k"
    now_ms[0] += 1
    assert ring.bearer(first) == ""
    third = ring.token("k")
    ring.expire_tokens()
    assert ring.bearer(third) == ""
    fourth = ring.token("k")
    ring.revoke("k")
    assert ring.bearer(fourth) == ""


def test_several_keys_open_one_account_and_each_new_one_another() -> None:
    """If this failed, two programs of one owner would trade with two purses."""
    ring = Keyring()
    mine = ring.add(Minted("a", "s"))
    assert ring.add(Minted("b", "s"), mine) is ring.account("b") is mine
    assert ring.add(Minted("c", "s")) is not mine
    assert [account.name for account in ring.accounts()] == ["a", "c"]
