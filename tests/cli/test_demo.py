"""`fairlead demo`: everything that goes wrong is mended, and with any one mending switched off it says so and fails."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from fairlead.cli.demo.steps import STEPS
from fairlead.engine.feed import Mends
from tests.cli.running import in_terminal, running
from tests.cli.typed import typed

MINUTE_S = 60


def test_each_mending_has_a_step_that_needs_it() -> None:
    """If this failed, a mending could be broken and the demo would still be green."""
    assert {step.mend for step in STEPS} == set(Mends.__struct_fields__)


def test_everything_is_found_and_mended_within_a_minute() -> None:
    """If this failed, a cut wire, a gap, silence, lateness, a wrong price, a 429 or a dead host would go unmended."""
    ran = typed(["demo", "--json"])
    *steps, summary = ran.lines
    assert (ran.code, ran.err) == (0, "")
    assert summary["type"] == "summary"
    assert (summary["worked"], summary["not_mended"], summary["steps"]) == (True, [], len(STEPS))
    assert summary["seconds"] < MINUTE_S
    assert [step["name"] for step in steps] == [step.name for step in STEPS]
    for step in steps:
        assert 0 < step["found_ms"] <= step["mended_ms"], step
        assert step["told"], step


def test_with_any_one_mending_off_it_fails_and_says_what_was_not_mended() -> None:
    """If this failed, the demo would be a film: green whether or not Fairlead mends anything."""
    with ExitStack() as stack:
        processes = {}
        for step in STEPS:
            words = ["demo", "--without", step.mend, "--only", step.name, "--json"]
            processes[step] = stack.enter_context(running(words))
        for step, process in processes.items():
            out, err = process.communicate(timeout=MINUTE_S)
            played, summary = [json.loads(line) for line in out.splitlines()]
            assert (process.returncode, err, summary["worked"]) == (1, "", False), step
            assert (played["name"], played["mended_ms"]) == (step.name, None)
            assert summary["not_mended"] == [f"{step.what} ({played['venue']})"]
            assert summary["without"] == [step.mend]


def test_a_terminal_shows_the_books_and_the_sentence_at_the_end() -> None:
    """If this failed, a newcomer would not see what the demo is about."""
    code, shown = in_terminal(["demo", "--only", "gap"])
    assert code == 0
    for words in ("best of BTC/USDT", "3 of 3 venues count", "a change of the book is lost", "All 1 were found"):
        assert words in shown
    assert "Traceback" not in shown


def test_it_stays_on_when_asked() -> None:
    """If this failed, nobody could go on watching the books after the last step."""
    code, shown = in_terminal(["demo", "--only", "gap", "--keep"], until="Ctrl-C ends it")
    assert code == 130
    assert "All 1 were found and mended" in shown


def test_lines_tell_the_same_without_a_terminal() -> None:
    """If this failed, the demo's log in CI would be empty or full of pictures."""
    ran = typed(["demo", "--only", "gap"])
    assert ran.code == 0
    assert "a change of the book is lost: found after" in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize(("words", "nearest"), [(["--without", "gard"], "guard"), (["--only", "gapp"], "gap")])
def test_a_mending_that_does_not_exist_is_refused(words: list[str], nearest: str) -> None:
    """If this failed, `--without` could be misspelled, nothing be switched off, and all seem well."""
    ran = typed(["demo", *words])
    assert ran.code == 2
    assert nearest in ran.err
