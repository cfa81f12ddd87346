"""`fairlead demo`: all is mended, or it says so and fails; no order is lost or doubled, as the venues count them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.cli.demo.deeds import DEEDS, Way, counted, errand, played
from fairlead.cli.demo.hurry import PROOF_MS, hurried
from fairlead.cli.demo.outcomes import Count, Summary, closing
from fairlead.cli.demo.stage import SYMBOL, Stage, staged
from fairlead.cli.demo.steps import STEPS
from fairlead.cli.demo.victim import killed
from fairlead.engine.feed import Mends
from fairlead.model.orders import OrderType
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskPlace
from tests.cli.running import in_terminal, running
from tests.cli.typed import typed

MINUTE_S = 60
PARTS = [deed.name for deed in DEEDS for _ in deed.seats]
CALM: dict[str, Any] = {
    "not_mended": (), "without": (), "seconds": 20.0, "events": {}, "orders_failed": (), "settle_ms": 2_500,
}  # fmt: skip


def whats(story: dict[str, Any]) -> list[str]:
    return [mark["what"] for mark in story["marks"]]


def test_each_mending_has_a_step_that_needs_it() -> None:
    """If this failed, a mending could be broken and the demo would still be green."""
    assert {step.mend for step in STEPS} == set(Mends.__struct_fields__)


@pytest.fixture(scope="module")
def whole() -> Sequence[dict[str, Any]]:
    """The whole demo, once: its lines for machines."""
    ran = typed(["demo", "--json"])
    assert (ran.code, ran.err) == (0, "")
    return ran.lines


def test_everything_is_found_and_mended_within_a_minute(whole: Sequence[dict[str, Any]]) -> None:
    """If this failed, a cut wire, a gap, silence, lateness, a wrong price, a 429 or a dead host would go unmended."""
    steps, summary = [line for line in whole if line["type"] == "result"], whole[-1]
    assert summary["type"] == "summary"
    assert (summary["worked"], summary["not_mended"], summary["steps"]) == (True, [], len(STEPS))
    assert summary["seconds"] < MINUTE_S
    assert [step["name"] for step in steps] == [step.name for step in STEPS]
    for step in steps:
        assert 0 < step["found_ms"] <= step["mended_ms"], step
        assert step["told"], step


def test_no_order_is_lost_or_doubled_whatever_becomes_of_its_process(whole: Sequence[dict[str, Any]]) -> None:
    """If this failed, an order would be forgotten, or placed twice, where an answer is lost or a process is killed."""
    stories, summary = [line for line in whole if line["type"] == "story"], whole[-1]
    assert [story["name"] for story in stories] == PARTS
    for story in stories:
        assert story["worked"], story
        assert (story["count"]["intended"], story["count"]["at_the_venue"]) == (1, 1)
    orders = summary["orders"]
    assert [orders[name] for name in ("intended", "at_the_venue", "lost", "doubled")] == [len(PARTS), len(PARTS), 0, 0]
    *lives, answer, after, before = stories
    assert {story["venue"] for story in lives} == {"binance", "kraken", "okx"}
    for story in lives:
        assert whats(story)[:3] == ["private stream: OPEN", "late answer", "amended"]
        assert whats(story)[3] in ("FILLED", "CANCELLED")
    assert whats(answer) == ["no answer: UNKNOWN", "found: OPEN", "asked for again: the same"]
    assert whats(after) == ["killed, and the venue has it", "restarted: OPEN"]
    assert whats(before)[:3] == ["killed, and the venue has nothing", "restarted: UNKNOWN", "proven: NOT_ACCEPTED"]
    assert whats(before)[-1] == "OPEN"


@pytest.mark.parametrize(
    ("there", "count"),
    [
        ([("fl1", "7")], Count(intended=1, at_the_venue=1)),
        ([], Count(intended=1, lost=1)),
        ([("fl1", "7"), ("fl2", "8")], Count(intended=1, at_the_venue=2, doubled=1)),
        ([("fl9", "9")], Count(intended=1, at_the_venue=1, lost=1)),
    ],
)
def test_what_is_lost_and_doubled_is_counted_from_what_is_there(there: list[tuple[str, str]], count: Count) -> None:
    """If this failed, the last line of the demo would say 0 whatever had happened."""
    assert counted(there, ("fl1", "7")) == count
    assert count.is_right is (there == [("fl1", "7")])


async def test_an_order_too_many_and_a_bot_that_was_not_killed_are_told() -> None:
    """If this failed, the demo would be a film: green also where an order is doubled, or nobody died."""

    async def with_a_stranger(stage: Stage, venue: str, way: Way) -> None:
        await answer.play(stage, venue, way)
        city, qty, price = stage.served.city, Decimal("0.01"), Decimal(50_000)
        asked = AskPlace(symbol=SYMBOL, side="buy", type=OrderType.LIMIT, client_id="fl0", qty=qty, price=price)
        city.by_hand(venue, city.keys[venue].key, Op.PLACE, asked)

    async def unharmed(stage: Stage, venue: str, way: Way) -> None:
        await killed(errand(stage, venue), "a place that is not there")

    answer = next(deed for deed in DEEDS if deed.name == "answer")
    async with staged(1, Mends()) as stage:
        await stage.calm(MINUTE_S)
        stranger = await played(stage, replace(answer, play=with_a_stranger), "binance", lambda mark: None)
        alive = await played(stage, replace(answer, play=unharmed, patience_s=MINUTE_S), "okx", lambda mark: None)
    assert (stranger.worked, stranger.count) == (False, Count(intended=1, at_the_venue=2, doubled=1))
    assert (alive.worked, alive.count.lost) == (False, 1)
    assert alive.marks[-1].what == "FAILED: the bot was to be killed and ended with 0."


def test_what_is_hurried_is_as_it_was_afterwards() -> None:
    """If this failed, silence would prove too early elsewhere, and an order that is there be called absent."""
    real = [registry.venue(name).settle for name in registry.names()]
    with hurried(registry.names()):
        for name in registry.names():
            settle = registry.venue(name).settle
            assert settle.fence_ms + settle.engine_ms + settle.lag_ms == PROOF_MS
            assert settle.fence_ms >= settle.fence_min_ms
    assert [registry.venue(name).settle for name in registry.names()] == real


def test_the_last_line_counts_the_orders_and_names_what_failed() -> None:
    """If this failed, a demo that lost an order would end in a cheerful sentence."""
    good = Summary(worked=True, steps=7, orders=Count(6, 6), **CALM)
    assert closing(good)[-1].endswith("6 intended, 6 at the venues, 0 lost, 0 doubled")
    bad = Summary(worked=False, steps=0, orders=Count(1, 2, 0, 1), **{**CALM, "orders_failed": ("killed (okx)",)})
    failed, last = closing(bad)
    assert "killed (okx)" in failed
    assert last.endswith("1 intended, 2 at the venue, 0 lost, 1 doubled")


def test_it_leaves_nothing_of_its_orders_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, the demo's journal would lie among those of real accounts."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running(["demo", "--only", "answer", "--json"]) as process:
        out, _ = process.communicate(timeout=MINUTE_S)
    assert json.loads(out.splitlines()[-1])["orders"]["at_the_venue"] == 1
    assert list(tmp_path.iterdir()) == []


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
    code, shown = in_terminal(["demo", "--only", "gap", "answer"])
    assert code == 0
    books = ("best of BTC/USDT", "3 of 3 venues count", "a change of the book is lost", "All 1 were found")
    orders = ("no answer: UNKNOWN", "silence is proof after", "1 intended, 1 at the venue, 0 lost, 0 doubled")
    for words in books + orders:
        assert words in shown
    assert "Traceback" not in shown


def test_it_stays_on_when_asked() -> None:
    """If this failed, nobody could go on watching the books after the last step."""
    code, shown = in_terminal(["demo", "--only", "gap", "--keep"], until="Ctrl-C ends it")
    assert code == 130
    assert "All 1 were found and mended" in shown


def test_lines_tell_the_same_without_a_terminal() -> None:
    """If this failed, the demo's log in CI would be empty or full of pictures."""
    ran = typed(["demo", "--only", "gap", "answer"])
    assert ran.code == 0
    assert "a change of the book is lost: found after" in ran.out
    assert "silence is proof after" in ran.out
    assert ran.out.endswith("1 intended, 1 at the venue, 0 lost, 0 doubled\n")
    assert "\x1b" not in ran.out


@pytest.mark.parametrize(("words", "nearest"), [(["--without", "gard"], "guard"), (["--only", "gapp"], "gap")])
def test_a_mending_that_does_not_exist_is_refused(words: list[str], nearest: str) -> None:
    """If this failed, `--without` could be misspelled, nothing be switched off, and all seem well."""
    ran = typed(["demo", *words])
    assert ran.code == 2
    assert nearest in ran.err
