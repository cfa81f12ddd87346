"""`fairlead sim`: the line for machines, the control port, mishaps from a file, and its end."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from fairlead.venues import registry
from tests.cli.running import interrupted, running
from tests.cli.typed import typed


def test_the_line_names_every_venues_addresses_and_key(simulator: str) -> None:
    """If this failed, no client could be pointed at the simulator by a program."""
    told = json.loads(simulator)
    assert set(told["venues"]) == set(registry.names())
    assert set(told["venues"]["binance"]) == {"rest", "ws", "ws_api", "key"}
    assert set(told["venues"]["kraken"]) == {"rest", "ws", "ws_private", "key"}
    assert set(told["venues"]["okx"]) == {"rest", "ws", "key"}
    assert set(told["venues"]["okx"]["key"]) == {"key", "secret", "passphrase"}
    for name, venue in told["venues"].items():
        for key, address in venue.items():
            if key != "key":
                scheme, _, rest = address.partition("://")
                assert (scheme, rest.partition(":")[0]) == ("http" if key == "rest" else "ws", "127.0.0.1")
                assert "/" not in rest, "the venue's own path follows"
                assert told["alternates"][name][key][0] == address
                assert len(set(told["alternates"][name][key])) == 2


def test_it_answers_at_once_and_can_be_disturbed(simulator: str) -> None:
    """If this failed, the line would be printed before the simulator is ready, or nothing could go wrong in it."""
    told = json.loads(simulator)
    assert "serverTime" in fetched(told["venues"]["binance"]["rest"] + "/api/v3/time")
    (added,) = fetched(told["control"] + "/_sim/faults", b'{"action":"drop","venue":"okx","nth":1}')
    assert added["rule"]["venue"] == "okx"


def fetched(url: str, body: bytes | None = None) -> Any:
    assert url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(url, body, timeout=10) as reply:
        return json.loads(reply.read())


def test_it_ends_when_interrupted(tmp_path: Path) -> None:
    """If this failed, a simulator would have to be killed, or would not know its mishaps."""
    rules = tmp_path / "faults.toml"
    rules.write_text('[[fault]]\naction = "status"\nchannel = "rest"\nargs = { status = 503 }\n')
    with running(["sim", "--venues", "kraken", "--faults", str(rules), "--json", "--hosts-each", "1"]) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert list(told["venues"]) == ["kraken"]
        with pytest.raises(urllib.error.HTTPError, match="503"):
            fetched(told["venues"]["kraken"]["rest"] + "/0/public/Time")
        code, took_s, out, err = interrupted(process)
    assert (code, out, err) == (130, "", "")
    assert took_s < 5


def test_it_shows_people_hosts_and_keys() -> None:
    """If this failed, somebody trying it by hand would not learn where it is."""
    with running(["sim", "--venues", "okx"]) as process:
        assert process.stdout is not None
        lines = []
        while "Mishaps" not in (line := process.stdout.readline()):
            lines.append(line)
    text = "".join(lines)
    assert "okx" in text
    assert "ws://127.0.0.1:" in text
    assert "passphrase" in text


@pytest.mark.parametrize(
    ("words", "nearest"),
    [(["--venues", "krakn"], "kraken"), (["--seeed", "1"], "--seed")],
)
def test_what_it_does_not_know_is_named(words: list[str], nearest: str) -> None:
    """If this failed, a typo would start another simulator than the one that was meant."""
    ran = typed(["sim", *words])
    assert (ran.code, ran.out) == (2, "")
    assert nearest in ran.err


def test_mishaps_that_are_none_are_refused(tmp_path: Path) -> None:
    """If this failed, a misspelled mishap would never strike and nobody would notice."""
    rules = tmp_path / "faults.toml"
    rules.write_text('[[fault]]\naction = "dorp"\n')
    ran = typed(["sim", "--faults", str(rules)])
    assert ran.code == 2
    assert "drop" in ran.err
