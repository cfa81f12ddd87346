"""Orders from the command line, at simulated venues: placed, changed, cancelled, listed, refused; and real money."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.cli.words import _SENTENCES
from fairlead.model import events
from tests.cli.typed import Ran, typed


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def at(simulator: str) -> list[str]:
    return ["--hosts", simulator, "--environment", "sim"]


def done(words: list[str], at: list[str]) -> Ran:
    ran = typed([*words, *at])
    assert ran.code == 0, ran.err
    return ran


def test_an_order_lives_its_life_over_several_commands(at: list[str]) -> None:
    """If this failed, an order placed by one command could not be found, changed or ended by the next."""
    placed = done(["buy", "okx", "BTC/USDT", "0.01", "--price", "50000", "--post-only", "--json"], at).of("order")
    assert [(one["life"], one["qty"], one["price"]) for one in placed] == [("OPEN", "0.01", "50000")]
    name = placed[0]["client_id"]
    listed = done(["orders", "okx", "--json"], at).of("order")
    assert [one["client_id"] for one in listed] == [name]
    theirs = done(["orders", "okx", "--theirs", "--json"], at).of("order_report")
    assert [one["client_id"] for one in theirs] == [name]
    amended = done(["amend", "okx", name, "--price", "50500", "--json"], at).of("order")
    assert [(one["life"], one["price"]) for one in amended] == [("OPEN", "50500")]
    cancelled = done(["cancel", "okx", name], at)
    assert "CANCELLED" in cancelled.out
    assert done(["orders", "okx"], at).out == "no such order\n"
    assert [one["life"] for one in done(["orders", "okx", "--since", "0", "--json"], at).of("order")] == ["CANCELLED"]


def test_what_was_traded_and_held_is_listed(at: list[str]) -> None:
    """If this failed, a trader without a program could not see what an order cost."""
    order = done(["sell", "binance", "ETH/USDT", "0.5", "--wait", "5", "--json"], at).of("order")[0]
    assert (order["life"], order["filled"]) == ("FILLED", "0.50000000")
    told = done(["fills", "binance", "ETH/USDT", "--json"], at).of("fill")
    assert sum(float(one["qty"]) for one in told if one["order_id"] == order["order_id"]) == 0.5
    assert "USDT" in done(["balances", "binance"], at).out


def test_a_position_is_opened_and_closed(at: list[str]) -> None:
    """If this failed, a position could be opened from the command line and not be closed."""
    done(["leverage", "okx", "BTC/USDT:USDT", "5", "--margin", "cross"], at)
    done(["sell", "okx", "BTC/USDT:USDT", "3"], at)
    held = done(["positions", "okx", "--json"], at).of("position")
    assert [(one["qty"], one["leverage"]) for one in held] == [("-3", "5")]
    done(["close", "okx", "BTC/USDT:USDT"], at)
    assert done(["positions", "okx"], at).out == "no open position\n"


def test_the_kill_switch_outlives_the_command(at: list[str]) -> None:
    """If this failed, orders would go on after somebody pulled the plug."""
    placed = done(["buy", "okx", "BTC/USDT", "0.01", "--price", "50000", "--json"], at).of("order")[0]
    assert f"[{placed['client_id']}]" in done(["halt", "okx", "a test"], at).out
    refused = typed(["buy", "okx", "BTC/USDT", "0.01", *at])
    assert refused.code != 0
    assert "a test" in refused.err
    done(["halt", "okx", "over", "--release"], at)
    done(["buy", "okx", "BTC/USDT", "0.01"], at)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["buy", "okx", "BTC/USDT", "0.0000000001", "--price", "50000"], 2, "not a multiple"),
        (["buy", "okx", "BTC/USTD", "1"], 2, "BTC/USDT"),
        (["buy", "okx", "BTC/USDT", "100", "--price", "50000"], 1, "FUNDS"),
        (["buy", "okx", "BTC/USDT"], 2, "quantity"),
        (["amend", "okx", "fl"], 2, "Nothing is to be changed"),
        (["cancel", "okx", "flnobody"], 2, "no order"),
        (["buy", "binance", "BTC/USDT", "0.01", "--price", "90000", "--post-only"], 1, "POST_ONLY"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(at: list[str], words: list[str], code: int, said: str) -> None:
    """If this failed, a trader would not know whether an order is at the venue, or how to mend it."""
    ran = typed([*words, *at])
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_real_money_needs_a_word_of_its_own() -> None:
    """If this failed, a command meant for a simulator could trade for real."""
    ran = typed(["buy", "okx", "BTC/USDT", "0.01"])
    assert ran.code == 2
    assert "--live" in ran.err
    assert "nothing was sent" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["--environment", "live"],
        ["--environment", "live-eea"],
        ["--hosts", '{"okx": {"rest": "https://venue.example", "private": "wss://venue.example"}}'],
        ["--hosts", '{"okx": {"rest": ["http://127.0.0.1:1", "https://venue.example"]}}', "--environment", "sim"],
    ],
)
def test_no_way_around_that_word_leads_to_a_real_venue(words: list[str]) -> None:
    """If this failed, other addresses, or a region's name, would trade for real without the word."""
    ran = typed(["buy", "okx", "BTC/USDT", "0.01", *words])
    assert ran.code == 2
    assert "--live" in ran.err


def test_without_a_key_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a command without a key would end in something other than how to give one."""
    ran = typed(["buy", "okx", "BTC/USDT", "0.01", "--live"])
    assert ran.code == 2
    assert "There is no key of okx" in ran.err


def test_everything_that_can_happen_has_a_sentence() -> None:
    """If this failed, something that happens to an order would end a command instead of being told."""
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Health)}
    assert kinds - {events.Health, events.AccountHealth} == set(_SENTENCES)
