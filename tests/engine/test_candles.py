"""Candles of a stream: closed by time, holes asked for with all their pages, and asked again while they last."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fairlead.model import events
from fairlead.model.market import Candle
from fairlead.wire.asks import Op
from tests.engine.stage import Stage, play, refusal
from tests.engine.told import BARS, MINUTE_NS, Reader, bar


def shots(reader: Reader) -> list[tuple[int, bool, bool]]:
    return [(one.open_ns // MINUTE_NS, one.closed, one.filled) for one in reader.heard]


def closed(reader: Reader) -> list[int]:
    return [minute for minute, is_closed, _ in shots(reader) if is_closed]


async def reading(stage: Stage) -> tuple[Reader, int]:
    """A reader, and the minute that the venue's clock shows, just begun."""
    stage.desk.feed(BARS).subscribe(reader := Reader())
    await stage.wait(20)
    into_ns = stage.desk.time.now_ns() % MINUTE_NS
    await stage.wait((MINUTE_NS - into_ns) / 1e6 + 10)
    return reader, stage.desk.time.now_ns() // MINUTE_NS


def test_a_bar_is_closed_when_the_next_one_opens() -> None:
    """If this failed, a strategy that acts on closed bars would never act, or act twice."""

    async def visit(stage: Stage) -> None:
        reader, now = await reading(stage)
        stage.wires[0].tell(BARS, bar(now))
        for _ in range(12):
            await stage.wait(5_000)
            stage.wires[0].tell(BARS, bar(stage.desk.time.now_ns() // MINUTE_NS, close=101.0))
        assert shots(reader)[-3:] == [(now, False, False), (now, True, False), (now + 1, False, False)]
        assert reader.heard[-2].close == 101.0
        assert closed(reader) == [now]

    play(visit)


def test_a_bar_that_lost_its_last_update_is_revised_and_asked_for_until_the_venue_answers() -> None:
    """If this failed, one lost message of a venue that numbers nothing would leave a wrong bar for ever."""

    async def visit(stage: Stage) -> None:
        reader, now = await reading(stage)
        stage.wires[0].tell(BARS, bar(now))
        stage.replies["/candles"] = refusal(503)
        for _ in range(16):
            await stage.wait(5_000)
            stage.wires[0].tell(BARS, bar(stage.desk.time.now_ns() // MINUTE_NS))
        assert closed(reader) == [now]
        stage.replies["/candles"] = (bar(now, close=107.0),)
        await stage.wait(30_000)
        told = [one for one in reader.heard if one.open_ns // MINUTE_NS == now and one.closed]
        assert [(one.close, one.filled) for one in told] == [(100.0, False), (107.0, True)], "once more, and not again"

    play(visit)


def test_a_bar_is_closed_by_time_where_nobody_says_so() -> None:
    """If this failed, the last bar before a quiet minute would stay open until somebody trades again."""

    async def visit(stage: Stage) -> None:
        reader, now = await reading(stage)
        stage.wires[0].tell(BARS, bar(now))
        stage.replies["/candles"] = ()
        await stage.wait(63_000)
        assert closed(reader) == [now]

    play(visit)


def test_a_hole_is_filled_with_all_its_pages_before_what_comes_after() -> None:
    """If this failed, a chart would have a hole after every cut, or its bars out of order."""

    async def visit(stage: Stage) -> None:
        row = stage.venue.endpoints[Op.CANDLES]
        paged = replace(row, after=lambda asked, page: replace(asked, page="more") if len(page) == 2 else None)
        stage.venue.endpoints[Op.CANDLES] = paged  # type: ignore[index]
        reader, now = await reading(stage)
        stage.wires[0].tell(BARS, bar(now, closed=True))
        pages = [(bar(now + 1), bar(now + 2)), (bar(now + 3), bar(now + 4)), (bar(now + 5),)]
        stage.replies["/candles"] = pages
        stage.wires[0].tell(BARS, bar(now + 5))
        await stage.wait(10)
        assert closed(reader) == [now, now + 1, now + 2, now + 3, now + 4]
        assert shots(reader)[-1] == (now + 5, False, False)
        assert [event.count for event in stage.heard(events.Filled)] == [4]
        assert len(stage.asked("/candles")) == 3

    play(visit)


def test_a_hole_that_cannot_be_asked_for_is_asked_again_and_holds_back_what_follows() -> None:
    """If this failed, one refused question would leave a hole in the series for good."""

    async def visit(stage: Stage) -> None:
        reader, now = await reading(stage)
        stage.wires[0].tell(BARS, bar(now, closed=True))
        filled = (bar(now + 1), bar(now + 2))
        stage.replies["/candles"] = [refusal(400), refusal(400), filled]
        stage.wires[0].tell(BARS, bar(now + 2))
        await stage.wait(10)
        assert closed(reader) == [now]
        await stage.wait(5_000)
        assert shots(reader)[1:] == [(now + 1, True, True), (now + 2, False, False)]

    play(visit)


def test_a_bar_that_was_running_when_the_wire_was_cut_is_not_closed_on_half_its_trades() -> None:
    """If this failed, a closed bar would miss what was traded while nobody heard."""

    async def visit(stage: Stage) -> None:
        reader, now = await reading(stage)
        stage.wires[0].tell(BARS, bar(now, close=100.5))
        stage.wires[0].drop()
        await stage.wait(60_000)
        stage.replies["/candles"] = (bar(now, close=103.0), bar(now + 1))
        stage.wires[-1].tell(BARS, bar(now + 1))
        await stage.wait(3_000)
        ended: list[Candle] = [one for one in reader.heard if one.closed]
        assert [(one.open_ns // MINUTE_NS, one.close, one.filled) for one in ended] == [(now, 103.0, True)]

    play(visit)


def test_a_bar_whose_last_words_a_departing_connection_may_have_had_is_asked_for() -> None:
    """If this failed, replacing a late connection would close its bar without the trades still on their way."""
    doubled: dict[str, Any] = {"doubled": {"candles"}}

    async def visit(stage: Stage) -> None:
        reader, now = await reading(stage)
        stage.wires[0].tell(BARS, bar(now, close=100.5))
        await stage.wait(50_000)
        stage.wires[0].drop()
        await stage.wait(10_000)
        stage.replies["/candles"] = (bar(now, close=103.0), bar(now + 1))
        stage.wires[1].tell(BARS, bar(now + 1))
        await stage.wait(1_000)
        ended = [one for one in reader.heard if one.closed]
        assert [(one.open_ns // MINUTE_NS, one.close, one.filled) for one in ended] == [(now, 103.0, True)]

    play(visit, **doubled)


def test_two_connections_tell_each_closed_bar_once() -> None:
    """If this failed, a strategy that counts bars would count some of them twice."""
    doubled: dict[str, Any] = {"doubled": {"candles"}}

    async def visit(stage: Stage) -> None:
        reader, now = await reading(stage)
        for minute in range(now, now + 4):
            for wire in stage.wires:
                wire.tell(BARS, bar(minute), bar(minute, close=101.0, closed=True))
            await stage.wait(60_000)
        assert closed(reader) == list(range(now, now + 4))
        assert {one.close for one in reader.heard if one.closed} == {101.0}

    play(visit, **doubled)
