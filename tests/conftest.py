"""What every test may ask for, and what a machine's lack of it means: a skip that is told, or in CI a failure."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

Figure = Callable[[str, int], None]
ROOT = Path(__file__).resolve().parents[1]

# How long one example takes is the machine's matter, and how busy it is.
settings.register_profile("unhurried", deadline=None)
# Where a change is judged the same examples are drawn each time; everywhere else they are new.
settings.register_profile("judged", deadline=None, derandomize=True)
settings.load_profile("judged" if os.environ.get("CI") == "true" else "unhurried")

# Whoever starts us in the background of a script has interrupts ignored, here and in all that we start; tests of Ctrl-C
# would then wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def foreign_python() -> Path:
    """The interpreter of the environment in which other people's clients live."""
    python = ROOT / ".venv-foreign/bin/python"
    if not python.exists():
        lack("other people's clients are not installed: make foreign", can_install=True)
    return python


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Takes a number that is worth telling; those of one name are added up over all tests at the end."""
    return lambda name, value: request.node.user_properties.append((name, value))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = Counter[str]()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call":
                figures.update(dict(report.user_properties))
    if figures:
        terminalreporter.section("figures")
    for name, value in figures.items():
        terminalreporter.write_line(f"{name}: {value:,}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("system"):
        program, package = mark.args
        if shutil.which(program) is None:
            lack(f"{program} is missing: apt install {package}", can_install=os.geteuid() == 0)


def lack(reason: str, *, can_install: bool, environment: Mapping[str, str] = os.environ) -> None:
    """Skips the test with its reason; in CI, which may not skip what it could have installed, fails it."""
    if can_install and environment.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
