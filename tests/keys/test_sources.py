"""Keys from a file and from the environment: the right one, only from a private place, and never shown."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.errors import Error, Misuse, UnknownName
from fairlead.keys import sources
from fairlead.keys.sources import Environment, KeyFile
from fairlead.wire.signing import SecretSource, Signer

KINDS = ("hmac-sha256",)
CANARY = "canary-secret-9"
TOML = f"""
[one.bot-a]
key = "a"
secret = "{CANARY}"

[one.bot-b]
key = "b"
secret = "{CANARY}"
passphrase = "sesame"

[two.main]
key = "c"
secret = "{CANARY}"
"""
JSON = json.dumps({"one": {"bot-a": {"key": "a", "secret": CANARY}, "bot-b": {"key": "b", "secret": CANARY}}})


def file(folder: Path, text: str = TOML, mode: int = 0o600) -> KeyFile:
    path = folder / "keys.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return KeyFile(path)


def refused(kind: type[Error], source: SecretSource, venue: str = "one", label: str = "bot-a") -> str:
    with pytest.raises(kind) as caught:
        source.signer(venue, label, KINDS)
    chain = f"{caught.value} {caught.value!r} {caught.value.__cause__} {source!r}"
    assert CANARY not in chain
    return str(caught.value)


@pytest.mark.parametrize("text", [TOML, JSON])
def test_each_label_names_its_own_key(tmp_path: Path, text: str) -> None:
    """If this failed, one bot would trade with another's account."""
    source = file(tmp_path, text)
    assert source.labels("one") == ("bot-a", "bot-b")
    found: list[Signer] = [source.signer("one", label, KINDS) for label in source.labels("one")]
    assert [one.key_id for one in found] == ["a", "b"]


def test_the_only_key_needs_no_label_and_several_do(tmp_path: Path) -> None:
    """If this failed, an account would be chosen by chance."""
    source = file(tmp_path)
    assert source.signer("two", "", KINDS).key_id == "c"
    assert "say which: bot-a, bot-b" in refused(Misuse, source, label="")
    assert "did you mean bot-a" in refused(UnknownName, source, label="bota")
    assert "no key of three" in refused(Misuse, source, "three")
    assert source.labels("three") == ()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o602])
def test_a_file_that_others_can_open_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    """If this failed, every user of the machine could trade."""
    said = refused(Misuse, file(tmp_path, mode=mode))
    assert f"mode {mode:04o}" in said
    assert f"chmod 600 {tmp_path / 'keys.toml'}" in said


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    """If this failed, a private link to a public file would pass."""
    file(tmp_path, mode=0o644)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "keys.toml")
    assert "can be opened by others" in refused(Misuse, KeyFile(link))


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, somebody could slip us his keys, and our orders into his account."""
    source = file(tmp_path)
    os.chown(tmp_path / "keys.toml", 12_345, -1) if os.geteuid() == 0 else monkeypatch.setattr(
        os, "geteuid", lambda: 12_345
    )
    assert "belongs to somebody else" in refused(Misuse, source)


@pytest.mark.parametrize(
    "text",
    [
        f"{CANARY}",
        f'[one.bot-a]\nsecret = "{CANARY}',
        f'{{"one": {{"bot-a": "{CANARY}"}}}}',
        f'{{"one": "{CANARY}"',
        f'[one]\nkey = "{CANARY}"',
        f'[one.bot-a]\nkey = "a"\nsecret = 3 # {CANARY}',
        f'[one.bot-a]\nkey = "a"\nsecrt = "{CANARY}"',
        pytest.param("one = 1" + "0" * 5_000, id="endless"),
        pytest.param("one = " + "[" * 9_000, id="bottomless"),
        pytest.param('{"one": ' + "[" * 9_000, id="bottomless JSON"),
        "",
    ],
)
def test_a_broken_file_is_told_and_never_shown(tmp_path: Path, text: str) -> None:
    """If this failed, a typing slip would print a secret into a log."""
    assert "write {" in refused(Misuse, file(tmp_path, text))


@given(text=st.binary(max_size=60))
def test_any_bytes_are_a_file_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    """If this failed, a damaged file would end in a crash that shows it."""
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_bytes(text)
    path.chmod(0o600)
    with contextlib.suppress(Misuse):
        assert KeyFile(path).labels("one") == ()


def test_what_cannot_be_read_or_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a wrong path would be a crash, or a wrong file would fill the memory."""
    assert "cannot be read: No such file" in refused(Misuse, KeyFile(tmp_path / "none"))
    monkeypatch.setattr(sources, "FILE_BYTES_MOST", 10)
    assert "larger than 10 bytes" in refused(Misuse, file(tmp_path))


def test_the_environment_names_keys_by_venue_and_label() -> None:
    """If this failed, a container's key would not be found, or another's be used."""
    told = {"key": "a", "secret": CANARY}
    source = Environment(
        {
            "FAIRLEAD_KEY_ONE_BOT_A": json.dumps(told),
            "FAIRLEAD_KEY_ONE_BOT_B": json.dumps({**told, "key": "b"}),
            "FAIRLEAD_KEY_TWO": json.dumps({**told, "key": "c"}),
            "FAIRLEAD_KEY_FOUR": CANARY,
            "FAIRLEAD_KEYS": CANARY,
        }
    )
    assert source.labels("one") == ("bot_a", "bot_b")
    assert source.signer("one", "bot-b", KINDS).key_id == "b"
    assert source.labels("two") == ("main",)
    assert source.signer("two", "", KINDS).key_id == source.signer("two", "main", KINDS).key_id == "c"
    assert "FAIRLEAD_KEY_" in refused(Misuse, source, "three")
    assert "did you mean bot_a" in refused(UnknownName, source, label="bota")
    assert "not what it should be" in refused(Misuse, source, "four", "")
