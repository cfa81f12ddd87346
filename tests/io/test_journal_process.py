"""Real processes: killed in the middle of appends, two for one folder, and one whose disk is really full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead.errors import Misuse
from fairlead.io.clock import RealClock
from fairlead.io.failpoint import VARIABLE
from fairlead.io.journal import DiskJournal
from tests.io import journal_bot

BOT = str(Path(journal_bot.__file__))


def started(folder: Path, *words: str, dies: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, BOT, words[0], str(folder), *words[1:]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, VARIABLE: dies})


def check(folder: Path, said: str) -> int:
    """Every line that was told as kept is there, under its number, and what is there is whole."""
    journal = DiskJournal(folder, RealClock(), inline=True)
    there = {line.seq: line.body for line in journal.lines()}
    assert (journal.cut, journal.doubt) == (0, "")
    journal.close()
    said = said[: said.rfind("\n") + 1]  # it may have died in the middle of a word
    told = [tuple(map(int, line.split()[1:])) for line in said.splitlines() if line.startswith("kept")]
    for seq, name, turn in told:
        assert there[seq] == journal_bot.LINE % (name, turn)
    assert list(there) == list(range(1, len(there) + 1))
    return len(told)


@pytest.mark.parametrize("after", [1, 60, 400])
def test_a_kill_in_the_middle_of_appends_loses_nothing_that_was_told(tmp_path: Path, after: int) -> None:
    """If this failed, a crash would forget orders that are at the venue."""
    bot = started(tmp_path, "appends")
    assert bot.stdout is not None
    said = [bot.stdout.readline() for _ in range(after + 1)]
    bot.send_signal(signal.SIGKILL)
    rest, _ = bot.communicate()
    assert bot.returncode == -signal.SIGKILL
    assert check(tmp_path, "".join(said) + rest) >= after


@pytest.mark.parametrize("place", ["journal.before_commit:kill:40", "journal.after_commit:kill:40"])
def test_a_death_at_a_named_place_loses_nothing_that_was_told(tmp_path: Path, place: str) -> None:
    """If this failed, a crash between the disk and the telling would forget, or invent, an order."""
    bot = started(tmp_path, "appends", dies=place)
    said, _ = bot.communicate()
    assert bot.returncode == -signal.SIGKILL
    assert check(tmp_path, said) > 0


def test_a_second_owner_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    """If this failed, two programs would trade from one history, and each order could be placed twice."""
    bot = started(tmp_path, "appends")
    assert bot.stdout is not None
    assert bot.stdout.readline() == "open\n"
    with pytest.raises(Misuse, match=rf"process {bot.pid} on .* UTC: a bot that is going to die"):
        DiskJournal(tmp_path, RealClock())
    bot.kill()
    bot.communicate()
    DiskJournal(tmp_path, RealClock()).close()  # what a dead process leaves behind is no obstacle


def test_a_system_that_gives_no_more_room_is_a_full_disk(tmp_path: Path) -> None:
    """If this failed, a bot over its quota would need a restart, or would trust lines that were not written."""
    bot = started(tmp_path, "fills", "300000")
    said, _ = bot.communicate()
    words = said.split()
    assert (bot.returncode, words[2:6]) == (0, ["refused", "3", "sound", "True"])
    kept, then = int(words[1]), int(words[7])
    assert 0 < kept == then - 1
    journal = DiskJournal(tmp_path, RealClock(), inline=True)
    assert [line.body for line in journal.lines(kept - 1)] == [b"x" * 1000, b"room"]
    journal.close()
