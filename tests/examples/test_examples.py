"""Every example is run as a user runs it, in a process of its own, against `fairlead sim`; nobody else is contacted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LINES_MOST = 60
SOON_S = 60.0  # a limit for one that hangs, never a measure


class Run(Struct, frozen=True):
    """The words it is started with, and what it must have said, in this order."""

    words: tuple[str, ...] = ()
    said: Sequence[str] = ()
    also: str = ""  # on standard error


RUNS: Mapping[str, Run] = {
    "best_price_over_venues": Run(
        ("BTC/USDT", "2"), (r"buy at \d+\.\d+ on \w+", "binance: LIVE", "kraken: LIVE", "okx: LIVE")
    ),
    "candles_without_holes": Run(("binance", "BTC/USDT", "1m"), (r"144[01] bars", r"^0 had no trade", "^no holes$")),
    "is_my_book_right": Run(("okx", "BTC/USDT", "2"), ("^LIVE: ", r"LIVE: \d+", "gaps 0, whole 1 times")),
    "record_health": Run(("2", "ETH/USDT"), ('"type":"Connected"', '"type":"Resynced"'), "'Connected': 3"),
    "what_became_of_my_order": Run(
        said=("INTENT", "SENDING", "OPEN", "found again: True OPEN", "in the end: CANCELLED filled 0")
    ),
    "what_does_holding_cost": Run(said=(r"paid 90 times in 30 days", r"due in \d\.\d h", r"^mark \d+")),
    "what_if_the_answer_never_comes": Run(
        said=("is lost: UNKNOWN", "found out: OPEN", "asked for again: the same order", "the venue has 1$")
    ),
    "what_happens_when_the_wire_breaks": Run(
        said=("Connected", "now cut", "Lost", "Connected", "mended after", "now gap", "Gap", "mended after")
    ),
}


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    """The line of a running simulator."""
    asked = [sys.executable, "-m", "fairlead.cli.main", "sim", "--json"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        yield run.stdout.readline().strip()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=SOON_S)
    assert (out, err, run.returncode) == ("", "", 130)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_does_what_it_says(path: Path, simulated: str, tmp_path: Path) -> None:
    """If this failed, the first code that a newcomer copies would not work."""
    run = RUNS[path.stem]
    around = {**os.environ, "FAIRLEAD_SIM": simulated, "XDG_STATE_HOME": str(tmp_path)}
    asked = [sys.executable, "-W", "error", str(path), *run.words]
    ran = subprocess.run(asked, capture_output=True, text=True, env=around, timeout=SOON_S, check=False)
    assert ran.returncode == 0, ran.stderr
    at = 0
    for words in run.said:
        found = re.compile(words, re.MULTILINE).search(ran.stdout, at)
        assert found, f"{words!r} is not said after {ran.stdout[:at]!r}, but {ran.stdout[at:]!r}"
        at = found.end()
    assert run.also in ran.stderr
    assert run.also or not ran.stderr


def test_every_example_is_run_and_short() -> None:
    """If this failed, an example could rot unseen, or grow into something that nobody reads to its end."""
    assert [path.stem for path in EXAMPLES] == sorted(RUNS)
    tall = [path.stem for path in EXAMPLES if len(path.read_text(encoding="utf-8").splitlines()) > LINES_MOST]
    assert tall == []


def test_the_simulator_says_where_it_is(simulated: str) -> None:
    """If this failed, the examples could have asked the real venues and still be green."""
    addresses = [
        one for keys in json.loads(simulated)["alternates"].values() for several in keys.values() for one in several
    ]
    assert addresses
    assert all(re.fullmatch(r"(http|ws)://127\.0\.0\.1:\d+", one) for one in addresses)
