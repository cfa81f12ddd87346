"""Named places to die at: silent unless armed, exact when armed, and strict about how they are armed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fairlead.errors import Misuse
from fairlead.io import failpoint


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoint.disarm()


def test_a_place_acts_only_while_it_is_armed() -> None:
    """If this failed, a test would leave a trap behind, or kill another process than it meant."""
    acts: list[str] = []
    failpoint.reached("here")
    failpoint.arm("here", lambda: acts.append("here"))
    for name in ("there", "here", "here"):
        failpoint.reached(name)
    failpoint.disarm()
    failpoint.reached("here")
    assert acts == ["here", "here"]


@pytest.mark.parametrize(("text", "times"), [("a.b:kill", 1), ("a.b:kill:3", 3)])
def test_a_process_dies_the_time_it_was_told(monkeypatch: pytest.MonkeyPatch, text: str, times: int) -> None:
    """If this failed, a kill test would prove another moment than its name says."""
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, how: killed.append(how))
    act = failpoint.from_environment({failpoint.VARIABLE: text})["a.b"]
    for turn in range(1, times + 2):
        act()
        assert len(killed) == (turn >= times)
    assert failpoint.from_environment({}) == {}


@pytest.mark.parametrize("text", ["a.b", ":kill", "a.b:stop", "a.b:kill:0", "a.b:kill:-1", "a.b:kill:x", "a:kill:1:2"])
def test_a_misspelled_order_to_die_is_refused(text: str) -> None:
    """If this failed, a kill test would be green because nobody died."""
    with pytest.raises(Misuse, match="FAIRLEAD_FAILPOINT"):
        failpoint.from_environment({failpoint.VARIABLE: text})
