"""Our own dead man's switch over each simulated venue: ours are cancelled, all of them, and only when it must."""

from __future__ import annotations

import os
import sys

import msgspec
import pytest

from fairlead.engine import watchdog
from fairlead.engine.watchdog import ROUND_MS, Post, Report, say
from fairlead.errors import Misuse
from fairlead.venues import registry
from tests.engine.kennel import LIMIT_MS, OURS, SYMBOL, THEIRS, Kennel, watched

TRADED = [name for name in registry.names() if registry.venue(name).door_for("orders")]
each_venue = pytest.mark.parametrize("name", TRADED)


@each_venue
def test_when_the_heart_stops_ours_are_cancelled_and_nobody_elses(name: str) -> None:
    """If this failed, orders would stay open under a dead program, or another program's would go."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1", THEIRS + "1", OURS + "2")
        kennel.begin()
        await kennel.live(3 * LIMIT_MS)
        assert await kennel.open_orders() == {OURS + "1", OURS + "2", THEIRS + "1"}
        await kennel.wait(2 * LIMIT_MS)
        assert await kennel.open_orders() == {THEIRS + "1"}
        assert await kennel.end() == kennel.report.state == "done"
        told = kennel.report.cancelled
        assert sorted(line.split()[::2] for line in told) == [[SYMBOL, OURS + "1"], [SYMBOL, OURS + "2"]]
        assert kennel.report.trouble == ""
        assert kennel.said[:2] == ["watching", "acting"]

    watched(name, visit)


@each_venue
def test_an_order_that_was_on_its_way_is_found_too(name: str) -> None:
    """If this failed, the last order of a dying program would live on."""

    async def visit(kennel: Kennel) -> None:
        kennel.begin()
        await kennel.wait(LIMIT_MS + kennel.desk.venue.settle.fence_ms)
        assert kennel.said == ["watching", "acting"]
        await kennel.place(OURS + "1")
        assert await kennel.end() == "done"
        assert await kennel.open_orders() == set()
        assert len(kennel.report.cancelled) == 1

    watched(name, visit)


@each_venue
def test_a_list_that_cannot_be_read_proves_nothing(name: str) -> None:
    """If this failed, a venue in trouble would be taken for one without orders of ours."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1")
        settle = kennel.desk.venue.settle
        kennel.disturb("open orders", 60_000 + settle.fence_ms + settle.engine_ms + settle.lag_ms)
        kennel.begin()
        await kennel.wait(50_000 + settle.fence_ms + settle.engine_ms + settle.lag_ms)
        assert kennel.report.state == "acting"
        assert kennel.report.trouble
        assert await kennel.end() == "done"
        assert await kennel.open_orders() == set()

    watched(name, visit)


@each_venue
def test_a_cancel_that_failed_is_tried_again(name: str) -> None:
    """If this failed, one error would leave an order open for good."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1")
        kennel.disturb("cancel", 4_000)
        kennel.begin()
        await kennel.wait(LIMIT_MS + 2_000)
        assert await kennel.open_orders() == {OURS + "1"}
        assert await kennel.end() == "done"
        assert await kennel.open_orders() == set()

    watched(name, visit)


def test_a_good_bye_leaves_all_as_it_is() -> None:
    """If this failed, a clean end would cancel what was meant to stay."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1")
        kennel.begin()
        await kennel.live(LIMIT_MS)
        kennel.vigil.leave()
        assert await kennel.end() == kennel.report.state == "left"
        assert await kennel.open_orders() == {OURS + "1"}

    watched(TRADED[0], visit)


def test_a_heart_that_beats_again_is_left_to_itself() -> None:
    """If this failed, a program that woke up would have its new orders cancelled under its hands."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1")
        kennel.begin()
        await kennel.wait(2 * LIMIT_MS)
        await kennel.live(3 * ROUND_MS)
        await kennel.place(OURS + "2")
        assert await kennel.end() == kennel.report.state == "resumed"
        assert len(kennel.report.cancelled) == 1
        await kennel.wait(10_000)
        assert await kennel.open_orders() == {OURS + "2"}

    watched(TRADED[0], visit)


def test_a_later_watchdog_relieves_an_earlier_one() -> None:
    """If this failed, a restarted program would have its orders cancelled by the one that watched its predecessor."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1")
        kennel.begin()
        await kennel.wait(LIMIT_MS // 2)
        kennel.store.write(kennel.post.claim, b"second")
        before = kennel.store["watchdog.json"]
        assert await kennel.end() == "relieved"
        assert kennel.store["watchdog.json"] == before
        assert await kennel.open_orders() == {OURS + "1"}

    watched(TRADED[0], visit)


def test_an_earlier_watchdogs_report_does_not_relieve_a_later_one() -> None:
    """If this failed, two watchdogs that write at once could both leave."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1")
        kennel.begin()
        await kennel.wait(LIMIT_MS // 2)
        kennel.store.write("watchdog.json", kennel.store["watchdog.json"].replace(b'"first"', b'"zeroth"'))
        assert await kennel.end() == "done"

    watched(TRADED[0], visit)


def test_without_a_prefix_there_is_no_watchdog() -> None:
    """If this failed, a slip in a setting would cancel everybody's orders."""
    with pytest.raises(Misuse, match="would cancel everybody's orders"):
        Post(venue="v", prefix="", limit_ms=1, folder="", report="", token="t")


def test_a_torn_claim_relieves_nobody() -> None:
    """If this failed, a damaged file would leave the orders of a dead program open."""

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1")
        kennel.begin()
        await kennel.wait(LIMIT_MS // 2)
        kennel.store.write(kennel.post.claim, b"")
        await kennel.wait(LIMIT_MS)
        assert await kennel.open_orders() == set()
        assert repr(kennel.dog) == f"<Watchdog of flours... at {TRADED[0]}: 1 cancelled>"
        assert await kennel.end() == "done"

    watched(TRADED[0], visit)


def test_a_master_who_does_not_read_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a stalled program's full pipe would keep its watchdog from cancelling."""
    reads, writes = os.pipe()
    with os.fdopen(reads, "rb", buffering=0) as far, os.fdopen(writes, "wb", buffering=0) as near:
        monkeypatch.setattr(sys, "stdout", near)
        report = Report(token="t", state="acting", at_ns=1, count=2, cancelled=("x" * 900,) * 900, trouble="y" * 9_000)
        for _ in range(1_000):
            say(report)
        monkeypatch.undo()
        os.set_blocking(far.fileno(), False)
        lines = b"".join(iter(lambda: far.read(65_536) or b"", b"")).splitlines()
    assert 10 < len(lines) < 1_000
    assert {msgspec.json.decode(line, type=Report).count for line in lines} == {2}


def test_the_file_names_no_more_than_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a report could grow too large for the store, and relieve nobody."""
    monkeypatch.setattr(watchdog, "TOLD_MOST", 1)

    async def visit(kennel: Kennel) -> None:
        await kennel.place(OURS + "1", OURS + "2")
        kennel.begin()
        await kennel.end()
        assert (kennel.report.count, len(kennel.report.cancelled)) == (2, 1)

    watched(TRADED[0], visit)
