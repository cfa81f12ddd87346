"""`fairlead chaos`: a careful bot holds, a careless one is found out, and one that does nothing proves nothing."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from fairlead.cli.chaos.judge import words
from fairlead.cli.chaos.scenarios import SCENARIOS, named
from fairlead.cli.main import main
from fairlead.errors import UnknownName
from fairlead.model.order import Life
from fairlead.sim.rules import checked

CARELESS = Path(__file__).with_name("careless.py")


def test_every_scenario_can_happen_and_says_whom_it_hurt(capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, a name of the list would stage nothing, or be nobody's pain."""
    assert main(["chaos", "list", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["name"] for one in told] == [one.name for one in SCENARIOS]
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    for one in SCENARIOS:
        assert one.users
        assert one.rules or one.deed
        assert [checked(rule) for rule in one.rules] == list(one.rules)
    with pytest.raises(UnknownName, match="did you mean lost-answer"):
        named("lost-answr")


@pytest.mark.parametrize("name", ["lost-answer", "crash", "other-hands"])
def test_our_own_bot_holds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, the example that users compare theirs with would lose or double orders itself."""
    assert main(["chaos", "run", name, "--venue", "okx", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["held"]
    assert told["verdict"]["intended"] == told["verdict"]["accepted"] == told["verdict"]["said"] == 2


def test_a_bot_that_sends_again_is_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, a bot that doubles orders would be told that all is well."""
    command = f"{sys.executable} {CARELESS}"
    assert main(["chaos", "run", "lost-answer", "--venue", "okx", "--bot", command, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["held"], told["verdict"]["accepted"]) == (False, 2)
    assert "placed before, under another name" in told["verdict"]["broken"][0]


def test_a_bot_that_does_nothing_proves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, a bot that cannot even start would pass for one that bears everything."""
    command = f"{sys.executable} -c 'raise SystemExit(\"no such venue\")'"
    assert main(["chaos", "run", "lost-answer", "--venue", "okx", "--bot", command]) == 1
    told = capsys.readouterr().out
    assert "proved nothing" in told
    assert "no such venue" in told


def test_only_words_of_orders_are_taken_for_them() -> None:
    """If this failed, a bot's other output would be held against it, or its words be missed."""
    said = b'hello\n{"client_id":"a","life":"OPEN"}\n{"x":1}\n{"client_id":"a","life":"FILLED","filled":"0.5","y":2}\n'
    found = words(said)
    assert list(found) == ["a"]
    assert (found["a"].life, found["a"].filled) == (Life.FILLED, Decimal("0.5"))
