"""`fairlead watch`: every kind of value, one venue or all, in lines and in a terminal; a dead network is told."""

from __future__ import annotations

import json
import socket

import pytest

from tests.cli.running import in_terminal, interrupted, running
from tests.cli.typed import Ran, typed


def watch(simulator: str, *words: str, seconds: float = 2.5) -> Ran:
    return typed(["watch", *words, "--hosts", simulator, "--seconds", str(seconds)])


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["binance", "BTC/USDT", "ETH/USDT"], "book"),
        (["kraken", "BTC/USDT", "--kind", "quotes"], "quote"),
        (["okx", "BTC/USDT", "--kind", "ticker"], "ticker"),
        (["okx", "BTC/USDT", "--kind", "candles:1m"], "candle"),
        (["okx", "BTC/USDT:USDT", "--kind", "mark"], "mark"),
        (["okx", "BTC/USDT:USDT", "--kind", "funding"], "funding"),
    ],
)
def test_each_kind_is_a_json_line_with_its_state(simulator: str, words: list[str], kind: str) -> None:
    """If this failed, a kind of stream could not be had on the command line, or not be read by a program."""
    ran = watch(simulator, *words, "--json")
    assert (ran.code, ran.err) == (0, "")
    told = ran.of(kind)
    assert {line["symbol"] for line in told} == {word for word in words if "/" in word}
    assert told[-1]["state"] == "LIVE"
    assert ran.of("connected"), "what happens to the connection is told as well"


def test_the_best_over_all_venues_is_told(simulator: str) -> None:
    """If this failed, the consolidated view could only be had by writing a program."""
    ran = watch(simulator, "all", "BTC/USDT", "--json")
    last = ran.of("view")[-1]
    assert set(last["venues"]) == {"binance", "kraken", "okx"}
    assert last["bid"]["venue"] in last["venues"]


def test_lines_are_words_where_nobody_asked_for_json(simulator: str) -> None:
    """If this failed, a pipe would be filled with pictures."""
    ran = watch(simulator, "binance", "BTC/USDT", seconds=1.0)
    assert "binance  BTC/USDT  LIVE" in ran.out
    assert "\x1b" not in ran.out
    ran = watch(simulator, "all", "BTC/USDT", seconds=1.0)
    assert "best of BTC/USDT" in ran.out


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["binanse", "BTC/USDT"], "binance"),
        (["okx", "BTC/USTD"], "BTC/USDT"),
        (["okx", "BTCUSDT"], "BTC/USDT (spot)"),
        (["okx", "BTC/USDT", "--kind", "candles:1mm"], "1m"),
        (["okx", "BTC/USDT", "--kind", "candles"], "1m"),
        (["kraken", "BTC/USDT", "--kind", "mark"], "ticker"),
        (["all", "BTC/USDT", "--kind", "trades"], "--kind"),
    ],
)
def test_what_cannot_be_watched_is_answered_with_what_can(simulator: str, words: list[str], nearest: str) -> None:
    """If this failed, a typo would wait for ever for a stream that does not exist."""
    ran = watch(simulator, *words, seconds=1.0)
    assert (ran.code, ran.out) == (2, "")
    assert nearest in ran.err


def test_addresses_that_are_none_are_refused(simulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a command meant for the simulator could reach a real venue."""
    monkeypatch.delenv("FAIRLEAD_SIM", raising=False)
    base = ["watch", "okx", "BTC/USDT", "--seconds", "0.5"]
    only_kraken = json.dumps({"venues": {"kraken": {"rest": "http://127.0.0.1:1"}}})
    for words in (["--sim"], ["--environment", "sim"], ["--hosts", only_kraken], ["--hosts", '{"okx": 3}'],
                  ["--hosts", "no-such-file"], ["--environment", "liv"]):  # fmt: skip
        assert typed([*base, *words]).code == 2, words
    monkeypatch.setenv("FAIRLEAD_SIM", simulator)
    assert typed([*base, "--sim"]).code == 0
    assert typed([*base, "--environment", "sim"]).code == 0


def test_a_terminal_shows_a_living_picture_until_it_is_interrupted(simulator: str) -> None:
    """If this failed, a person would see nothing, or a terminal left in disorder."""
    code, shown = in_terminal(["watch", "all", "BTC/USDT", "--hosts", simulator], until="3 of 3 venues count")
    assert code == 130
    assert "LIVE" in shown
    assert "Traceback" not in shown
    assert shown.rstrip().endswith("\x1b[?25h"), "the cursor is shown again"
    code, shown = in_terminal(["watch", "okx", "BTC/USDT", "--kind", "trades", "--hosts", simulator], until="buy")
    assert code == 130


def test_without_a_network_it_says_so_tries_again_and_ends_at_once_when_asked() -> None:
    """If this failed, a machine without a network would show nothing, give up, or not let go of the terminal."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    hosts = json.dumps({"okx": {"rest": f"http://127.0.0.1:{port}", "ws": f"ws://127.0.0.1:{port}"}})
    with running(["watch", "okx", "BTC/USDT", "--hosts", hosts]) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "was not sent" in said
        assert "Trying again" in said
        code, took_s, out, err = interrupted(process)
    assert (code, out) == (130, "")
    assert "Traceback" not in err
    assert took_s < 1.5
