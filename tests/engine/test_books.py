"""A book's feed: what leads, what is believed, and how a broken strand begins again without the others noticing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from fairlead.errors import Refused
from fairlead.model import events
from fairlead.model.market import State
from fairlead.wire.conversation import Refused as RefusedWord
from fairlead.wire.door import BookRule, Continuity
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.shapes import LevelShape
from tests.engine.stage import LISTED, Stage, play, refusal
from tests.engine.told import BOOK, OTHER_BOOK, Reader, change, shot, whole, word

DOUBLED: dict[str, Any] = {"doubled": {"book"}}
STREAMED: dict[str, Any] = {"door": {"books": (("", BookRule(Continuity.NEXT, LevelShape.PAIRS)),)}}


async def begun(stage: Stage, last: int = 10) -> Reader:
    """A reader of a book that is live at this number."""
    reader = Reader(shot)
    stage.replies["/book"] = stage.replies.get("/book", whole(last))
    stage.desk.feed(BOOK).subscribe(reader)
    await stage.wait(20)
    return reader


def test_a_book_is_live_once_the_snapshot_and_its_changes_join() -> None:
    """If this failed, changes that came before the snapshot would be lost or applied twice."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(BOOK).subscribe(reader := Reader(shot))
        stage.replies["/book"] = whole(10)
        await stage.wait(2)
        stage.wires[0].tell(BOOK, change(10, {"100.00": "1"}), change(11, {"100.10": "1"}))
        await stage.wait(20)
        stage.wires[0].tell(BOOK, change(12, {"100.10": "0"}))
        assert reader.heard == [(11, 100.1, 101.0, "LIVE"), (12, 100.0, 101.0, "LIVE")]

    play(visit)


def test_a_gap_is_told_once_and_mended_once() -> None:
    """If this failed, one hole would set off a storm of events, or leave a book that is wrong and called live."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        stage.told.clear()
        stage.wires[0].tell(BOOK, change(13, {"99.00": "1"}), change(14, {"99.10": "1"}), change(15, {"99.20": "1"}))
        stage.replies["/book"] = whole(15)
        await stage.wait(1_000)
        assert [state for *_, state in reader.heard[1:]] == ["RESYNCING", "LIVE"]
        assert [type(event) for event in stage.told] == [events.Gap, events.Resynced]

    play(visit)


def test_a_broken_book_leaves_the_others_alone() -> None:
    """If this failed, one symbol's hole would make every book of the connection begin again."""

    async def visit(stage: Stage) -> None:
        await begun(stage)
        stage.replies["/book"] = whole(50, topic=OTHER_BOOK)
        stage.desk.feed(OTHER_BOOK).subscribe(other := Reader(shot))
        await stage.wait(20)
        fetched = len(stage.asked("/book"))
        stage.wires[0].tell(BOOK, change(13))
        stage.replies["/book"] = whole(13)
        await stage.wait(1_000)
        assert len(stage.asked("/book")) == fetched + 1
        assert [state for *_, state in other.heard] == ["LIVE"]
        assert len(stage.dials) == 1

    play(visit)


def test_a_snapshot_older_than_the_first_change_is_fetched_again_ever_more_slowly() -> None:
    """If this failed, the book would stay void, or a venue whose snapshots lag would be asked ten times a second."""

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = whole(5)
        stage.desk.feed(BOOK).subscribe(reader := Reader(shot))
        await stage.wait(2)
        stage.wires[0].tell(BOOK, change(11, {"100.10": "1"}))
        await stage.wait(60_000)
        assert 3 < len(stage.asked("/book")) < 25
        stage.replies["/book"] = whole(10)
        await stage.wait(60_000)
        assert reader.heard[0] == (11, 100.1, 101.0, "LIVE")

    play(visit)


def test_a_snapshot_from_before_what_was_published_is_fetched_again() -> None:
    """If this failed, a reconnect onto a lagging REST host would take a live book back in time and call it live."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        stage.wires[0].tell(BOOK, change(11), change(12))
        stage.replies["/book"] = whole(9)
        stage.wires[0].tell(BOOK, change(14))
        await stage.wait(1_000)
        assert reader.heard[-1][3] == "RESYNCING"
        stage.replies["/book"] = whole(14)
        await stage.wait(3_000)
        assert reader.heard[-1][0] == 14
        assert [seq for seq, *_ in reader.heard] == sorted(seq for seq, *_ in reader.heard)

    play(visit)


def test_a_venue_that_begins_to_number_anew_is_believed_in_the_end() -> None:
    """If this failed, a book whose venue was rebuilt would stay void until the numbers had grown as high again."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage, last=1_000)
        stage.replies["/book"] = whole(3)
        stage.wires[0].tell(BOOK, change(1_002))
        await stage.wait(60_000)
        assert reader.heard[-1] == (3, 100.0, 101.0, "LIVE")

    play(visit)


def test_a_snapshot_that_cannot_be_had_is_asked_for_again_ever_more_slowly() -> None:
    """If this failed, a venue's hiccup would leave the book void for good, or be answered with a storm."""

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = refusal(400)
        reader = Reader(shot)
        stage.desk.feed(BOOK).subscribe(reader)
        await stage.wait(120_000)
        times = stage.asked("/book")
        assert 5 < len(times) < 40
        assert max(later - first for first, later in pairwise(times)) > 2_000
        stage.replies["/book"] = whole(10)
        await stage.wait(60_000)
        assert reader.heard[0] == (10, 100.0, 101.0, "LIVE")

    play(visit)


def test_snapshots_that_make_no_sense_are_not_fetched_in_a_storm() -> None:
    """If this failed, a venue that shows a crossed book for a minute would be asked as fast as it answers."""

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = whole(10, bid="102.00", ask="101.00")
        stage.desk.feed(BOOK)
        await stage.wait(60_000)
        assert 3 < len(stage.asked("/book")) < 25
        assert len(stage.heard(events.Anomaly)) == len(stage.asked("/book"))

    play(visit)


def test_a_book_that_breaks_again_and_again_pauses_longer_each_time() -> None:
    """If this failed, a book that had lived long would be fetched at once after every failure that followed."""

    async def visit(stage: Stage) -> None:
        await begun(stage)
        await stage.wait(70_000)
        stage.replies["/book"] = whole(12, bid="102.00", ask="101.00")
        stage.calls.clear()
        stage.wires[0].tell(BOOK, change(13))
        await stage.wait(60_000)
        assert 3 < len(stage.asked("/book")) < 25

    play(visit)


def test_a_whole_that_never_comes_on_the_stream_is_asked_for_again() -> None:
    """If this failed, a venue that lost our subscription would leave the book void and nobody would ask."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(BOOK).subscribe(reader := Reader(shot))
        await stage.wait(300_000)
        renewed = [ms for ms, text in stage.wires[0].sent if text.startswith("renew")]
        assert 4 < len(renewed) < 12
        stage.wires[0].tell(BOOK, whole(7))
        await stage.wait(20_000)
        assert reader.heard == [(7, 100.0, 101.0, "LIVE")]
        assert len([text for text in stage.wires[0].texts if text.startswith("renew")]) == len(renewed)

    play(visit, **STREAMED)


def test_a_whole_with_impossible_prices_is_kept_aside() -> None:
    """If this failed, a corrupted snapshot would be shown as the market."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        for number in range(11, 30):
            stage.wires[0].tell(BOOK, change(number, {f"100.{number}": "1"}))
        stage.wires[0].tell(BOOK, change(35))
        stage.replies["/book"] = [whole(35, bid="1000.00", ask="1001.00"), whole(35, bid="100.30", ask="101.00")]
        await stage.wait(5_000)
        assert (35, 100.3, 101.0, "LIVE") in reader.heard
        assert not [bid for _, bid, _, state in reader.heard if bid == 1000.0 and state == "LIVE"]
        assert [event.label for event in stage.heard(events.Anomaly)] == ["jump"]

    play(visit)


def test_a_price_that_leaves_the_snapshot_makes_the_book_begin_again() -> None:
    """If this failed, levels that the snapshot never held would be missing from a book called live."""
    deep = {f"{100 - n}.00": "1" for n in range(10)}

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = change(10, deep, {f"{101 + n}.00": "1" for n in range(10)}, whole=True)
        reader = await begun(stage)
        stage.wires[0].tell(BOOK, change(11, dict.fromkeys(deep, "0") | {"90.00": "1"}))
        assert reader.heard[-1][3] == "RESYNCING"
        assert [event.why for event in stage.heard(events.Gap)] == ["the price left the levels that the snapshot held"]

    play(visit)


def test_more_decimals_than_declared_are_told_once_and_lose_nothing() -> None:
    """If this failed, a finer price would be rounded in silence, or told with every change."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        stage.wires[0].tell(BOOK, change(11, {"100.0001": "1"}), change(12, {"100.0002": "1"}))
        assert [bid for _, bid, _, _ in reader.heard] == [100.0, 100.0001, 100.0002]
        assert len(stage.heard(events.Strange)) == 1

    play(visit)


# ---- two connections


def test_of_two_connections_the_first_word_counts_and_none_is_published_twice() -> None:
    """If this failed, a doubled book would tell each change twice, or go back in time when the slower one speaks."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        first, second = stage.wires
        stage.told.clear()
        first.tell(BOOK, change(11, {"100.11": "1"}), change(12, {"100.12": "1"}))
        second.tell(BOOK, change(11, {"100.11": "1"}), change(12, {"100.12": "1"}), change(13, {"100.13": "1"}))
        first.tell(BOOK, change(13, {"100.13": "1"}), change(14, {"100.14": "1"}))
        assert [book[0] for book in reader.heard] == [10, 11, 12, 13, 14]
        assert [book[1] for book in reader.heard] == [100.0, 100.11, 100.12, 100.13, 100.14]
        assert not stage.told

    play(visit, **DOUBLED)


def test_when_the_leading_connection_dies_the_book_neither_stops_nor_goes_back() -> None:
    """If this failed, losing one of two connections would show: a marked book, or one older than was told before."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        first, second = stage.wires
        book = stage.desk.feed(BOOK).last
        first.tell(BOOK, change(11, {"100.11": "1"}), change(12, {"100.12": "1"}))
        first.drop()
        await stage.wait(10)
        assert shot(book) == (12, 100.12, 101.0, "LIVE")
        second.tell(BOOK, change(11, {"100.11": "1"}), change(12, {"100.12": "1"}), change(13, {"100.13": "1"}))
        assert reader.heard[1:] == [
            (11, 100.11, 101.0, "LIVE"), (12, 100.12, 101.0, "LIVE"), (13, 100.13, 101.0, "LIVE"),
        ]  # fmt: skip
        await stage.wait(5_000)
        assert len(stage.open_wires) == 2
        assert not stage.heard(events.Gap, events.Stale)

    play(visit, **DOUBLED)


def test_a_gap_on_one_connection_is_covered_by_the_other() -> None:
    """If this failed, a doubled book would be marked though one of its connections missed nothing."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        first, second = stage.wires
        first.tell(BOOK, change(11, {"100.11": "1"}))
        second.tell(BOOK, change(11, {"100.11": "1"}), change(12, {"100.12": "1"}))
        first.tell(BOOK, change(13, {"100.13": "1"}))
        second.tell(BOOK, change(13, {"100.13": "1"}))
        assert [(seq, state) for seq, *_, state in reader.heard] == [(n, "LIVE") for n in (10, 11, 12, 13)]
        assert len(stage.heard(events.Gap)) == 1

    play(visit, **DOUBLED)


def test_a_leader_that_breaks_gives_way_to_a_whole_book_with_its_own_number() -> None:
    """If this failed, the number of one connection's book would stand over the levels of the other's."""

    async def visit(stage: Stage) -> None:
        await begun(stage)
        first, second = stage.wires
        book = stage.desk.feed(BOOK).last
        first.tell(BOOK, change(11, {"100.11": "1"}), change(12, {"100.12": "1"}), change(14))
        assert shot(book) == (10, 100.0, 101.0, "LIVE")
        second.tell(BOOK, change(11, {"100.11": "1"}))
        assert shot(book) == (11, 100.11, 101.0, "LIVE")

    play(visit, **DOUBLED)


def test_a_new_connection_begins_from_the_living_one_without_a_fetch() -> None:
    """If this failed, every planned change of a connection would fetch all its books anew and strain the budgets."""

    async def visit(stage: Stage) -> None:
        reader = await begun(stage)
        old = stage.wires[0]
        stage.acks = False
        stage.calls.clear()
        stage.desk.streams[0].lines[0].retire("a test")
        await stage.wait(10)
        new = stage.wires[1]
        for wire in (old, new):
            wire.tell(BOOK, change(11, {"100.11": "1"}))
        new.ack(BOOK)
        await stage.wait(300)
        assert not stage.asked("/book")
        assert not old.is_open
        new.tell(BOOK, change(12, {"100.12": "1"}))
        assert [(seq, state) for seq, *_, state in reader.heard] == [(n, "LIVE") for n in (10, 11, 12)]

    play(visit)


def test_a_stale_book_is_not_made_fresh_by_a_copy_of_itself() -> None:
    """If this failed, a book that fell silent would be called live again because a new connection copied it."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(BOOK)
        await begun(stage)
        for number in range(11, 61):
            stage.wires[0].tell(BOOK, change(number, {"100.00": str(number)}))
            await stage.wait(300)
        stage.acks = False
        while feed.state is State.LIVE:
            await stage.wait(100)
        stage.desk.streams[0].lines[0].retire("a test")
        await stage.wait(20)
        stage.wires[-1].tell(BOOK, change(60, {"100.00": "60"}))
        stage.wires[-1].ack(BOOK)
        await stage.wait(260)
        assert feed.state is State.STALE

    play(visit)


def test_a_refused_book_ends_with_the_venues_words() -> None:
    """If this failed, a program would wait for ever on a book that the venue does not give, without a word."""

    async def visit(stage: Stage) -> None:
        subscription = stage.desk.feed(BOOK).subscribe()
        await stage.wait(10)
        stage.wires[0].say(word(RefusedWord(BOOK, Fault(Kind.SYMBOL, code="-1121", said="Invalid symbol"))))
        with pytest.raises(Refused, match="Invalid symbol") as refused:
            await anext(subscription)
        assert (refused.value.kind, refused.value.code) == ("SYMBOL", "-1121")

    play(visit)


def test_the_listed_instrument_declares_the_decimals() -> None:
    """If this failed, prices would be read at a scale that the venue does not use."""
    assert LISTED[0].price_decimals == 2


def test_a_time_without_a_book_teaches_nothing_of_how_often_the_venue_speaks() -> None:
    """If this failed, after an outage a silent book would be called LIVE for three times as long as before."""

    async def visit(stage: Stage) -> None:
        await begun(stage)
        for number in range(11, 51):
            await stage.wait(300)
            stage.wires[-1].tell(BOOK, change(number, {"100.00": str(number)}))
        allowed_ns = stage.desk.feed(BOOK)._pulse.allowed_ns
        stage.replies["/book"] = refusal(503)
        stage.wires[-1].drop()
        await stage.wait(60_000)
        stage.replies["/book"] = whole(60)
        while stage.desk.feed(BOOK).state is State.RESYNCING:
            await stage.wait(100)
        stage.wires[-1].tell(BOOK, change(61, {"100.00": "9"}))
        assert stage.desk.feed(BOOK)._pulse.allowed_ns == allowed_ns

    play(visit)
