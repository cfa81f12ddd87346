"""The command as a whole: its exit codes, how it speaks of trouble, and what it loads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fairlead.cli import main as command
from fairlead.cli import trouble
from fairlead.errors import Nonsense, NotSent
from tests.cli.typed import typed


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["wach"], "watch"),
        (["wire", "ask", "krakn", "time"], "kraken"),
        (["wire", "ask", "kraken", "tme"], "time"),
        (["wire", "ask", "kraken", "book", '{"symbl":"BTC/USD"}'], "symbol"),
        (["wire", "ask", "kraken", "candles", '{"symbol":"BTC/USD","interval":"1hh"}'], "1h"),
        (["wire", "ask", "kraken", "time", "--enviroment", "live"], "--environment"),
        (["wire", "ask", "kraken", "time", "--environment", "liv"], "live"),
        (["wire", "hear", "kraken", "bok:BTC/USD"], "book"),
        (["wire", "fault", "kraken", "--status", "200", "--op", "bok"], "book"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(words: list[str], nearest: str) -> None:
    """If this failed, whoever mistyped would have to guess, or something else than they meant would be done."""
    ran = typed(words)
    assert (ran.code, ran.out) == (trouble.MISUSED, "")
    assert nearest in ran.err
    assert len(ran.err.splitlines()) == 1, "one plain paragraph"


def test_trouble_is_told_as_json_when_asked() -> None:
    """If this failed, a program that runs the command could not tell what went wrong."""
    ran = typed(["wire", "ask", "kraken", "balances", "--json"])
    told = json.loads(ran.err)
    assert (ran.code, told["type"], told["fault"], told["kind"]) == (2, "error", "caller", "Misuse")
    assert "--key" in told["next"]


def test_trouble_says_whose_fault_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, a broken wire would look like a mistake of the user's, or a venue's like one of ours."""
    trouble.tell(NotSent("No answer", known="nothing was sent", next="try again"), as_json=False)
    trouble.tell(Nonsense("It makes no sense"), as_json=False)
    trouble.tell(ZeroDivisionError("oops"), as_json=False)
    network, venue, ours = capsys.readouterr().err.splitlines()
    assert network == "The network: No answer. Known: nothing was sent. Next: try again."
    assert venue.startswith("The venue:")
    assert ours.startswith("Fairlead itself: ZeroDivisionError: oops")


def test_no_traceback_reaches_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a defect of ours would be shown as pages of code instead of a sentence and an exit code."""

    def defective() -> None:
        raise LookupError("a defect")

    monkeypatch.setattr(command, "_app", defective)
    ran = typed(["wire"])
    assert (ran.code, "Traceback" in ran.err, ran.err.startswith("Fairlead itself")) == (trouble.FAILED, False, True)


def test_an_interruption_has_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a script could not tell Ctrl-C from success or failure."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_app", interrupted)
    assert typed(["wire"]).code == trouble.INTERRUPTED


def test_a_reader_that_leaves_is_no_failure() -> None:
    """If this failed, `fairlead ... | head -1` would end in a complaint about a pipe."""
    script = "import sys; from fairlead.cli.main import main; sys.exit(main(['wire', 'ask', 'kraken', 'time']))"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        errors = running.stderr.read()
    assert (running.returncode, errors) == (0, b"")


def test_a_missing_file_is_named() -> None:
    """If this failed, a mistyped path would look like a defect."""
    ran = typed(["wire", "ask", "kraken", "balances", "--key", "no-such-key.json"])
    assert ran.code == 2
    assert "no-such-key.json" in ran.err
