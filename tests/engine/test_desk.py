"""One venue's workshop: it opens and closes as a whole, keeps its clock and catalogue, and survives its own defects."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.errors import Closed, Misuse, Refused, UnknownName
from fairlead.model import events
from fairlead.testing import instrument
from fairlead.wire.conversation import Refused as Word
from fairlead.wire.conversation import Topic
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.venue import Retirement
from tests.engine.stage import LISTED, Stage, play, refusal
from tests.engine.told import BOOK, BTC, QUOTES, TRADES, Reader, change, quote, trade, whole, word

HOUR_MS = 3_600_000


def test_it_opens_with_the_venues_time_and_instruments() -> None:
    """If this failed, requests would be signed with our own clock, or symbols be unknown."""

    async def visit(stage: Stage) -> None:
        await stage.desk.open()
        assert [one.symbol for one in stage.desk.ctx.catalog] == ["BTC/USDT", "ETH/USDT"]
        assert stage.ahead_ms == pytest.approx(7_000, abs=2)
        assert len(stage.asked("/time")) == 3

    play(visit, is_open=False)


def test_a_venue_that_does_not_tell_its_time_is_opened_all_the_same() -> None:
    """If this failed, one broken convenience would keep us from a market that works."""

    async def visit(stage: Stage) -> None:
        stage.replies["/time"] = refusal(400)
        await stage.desk.open()
        stage.replies.pop("/time")
        await stage.wait(1_000)
        assert stage.desk.time.offset.is_known

    play(visit, is_open=False)


def test_a_desk_that_cannot_be_opened_leaves_nothing() -> None:
    """If this failed, a failed start would leave tasks and sockets behind."""

    async def visit(stage: Stage) -> None:
        stage.replies["/instruments"] = refusal(400, "closed")
        with pytest.raises(Refused, match="closed"):
            await stage.desk.open()
        assert len(asyncio.all_tasks()) == 1
        assert "0 instruments" in repr(stage.desk)

    play(visit, is_open=False)


def test_closing_ends_the_readers_and_is_idempotent() -> None:
    """If this failed, a program's loops would hang after the end of its session."""

    async def visit(stage: Stage) -> None:
        subscription = stage.desk.feed(TRADES).subscribe()
        reading = asyncio.create_task(anext(subscription, None))
        await stage.wait(10)
        await stage.desk.close()
        assert await reading is None
        await stage.desk.close()
        with pytest.raises(Closed):
            stage.desk.feed(TRADES)
        await stage.wait(60_000)
        assert len(stage.dials) == 1

    play(visit)


def test_closing_leaves_no_timer() -> None:
    """If this failed, work would begin again after the end, on transports that are closed."""

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = refusal(400)
        stage.desk.feed(BOOK)
        await stage.wait(3_000)
        await stage.desk.close()
        calls = len(stage.calls)
        await stage.wait(60_000)
        assert len(stage.calls) == calls

    play(visit)


def test_a_topic_that_cannot_be_is_refused_with_what_can_be() -> None:
    """If this failed, a misspelled topic would be asked of the venue, or end in an error of ours."""

    async def visit(stage: Stage) -> None:
        with pytest.raises(Misuse, match="streams no ticker") as refused:
            stage.desk.feed(Topic("ticker", BTC))
        assert refused.value.next == "it streams book, candles, mark, quote, trades"
        with pytest.raises(Misuse, match="no book of depth 7") as refused:
            stage.desk.feed(Topic("book", BTC, "7"))
        assert refused.value.next == "it has 10"
        with pytest.raises(UnknownName, match="did you mean BTC/USDT"):
            stage.desk.feed(Topic("trades", "BTC-USDT"))
        assert not stage.dials

    play(visit)


def test_a_topic_that_is_refused_at_once_ends_for_whoever_subscribes_to_it_then() -> None:
    """If this failed, a reader that comes a moment after the refusal would wait for ever."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(QUOTES)
        await stage.wait(10)
        feed = stage.desk.feed(TRADES)
        stage.wires[0].say(word(Word(TRADES, Fault(Kind.SYMBOL, said="no"))))
        with pytest.raises(Refused):
            await anext(feed.subscribe())
        assert stage.desk.feed(TRADES) is not feed

    play(visit)


def test_one_feed_serves_all_who_read_a_topic() -> None:
    """If this failed, two readers of one book would subscribe twice, and cost the venue's limits twice."""

    async def visit(stage: Stage) -> None:
        assert stage.desk.feed(BOOK) is stage.desk.feed(Topic("book", BTC))

    play(visit)


def test_a_defect_in_one_feed_does_not_blind_the_watch() -> None:
    """If this failed, one exception would end the heartbeats, the staleness and the clock of a whole venue."""

    async def visit(stage: Stage) -> None:
        def broken() -> None:
            raise RuntimeError("a bug in a feed")

        feed: Any = stage.desk.feed(TRADES)
        feed.tick = broken
        quotes = stage.desk.feed(QUOTES)
        await stage.wait(20)
        for number in range(1, 60):
            stage.wires[0].tell(QUOTES, quote(number))
            await stage.wait(250)
        await stage.wait(2_000)
        assert str(quotes.state) == "STALE"
        assert stage.heard(events.Blunder)

    play(visit)


def test_the_catalogue_is_renewed_and_a_failure_is_told_and_tried_again() -> None:
    """If this failed, a tick that changes while we run would be unknown until the next start."""

    async def visit(stage: Stage) -> None:
        await stage.wait(HOUR_MS / 2)
        stage.replies["/instruments"] = refusal(400, "busy")
        await stage.wait(HOUR_MS / 2 + 1_000)
        assert [event.what for event in stage.heard(events.Strange)] == [
            "the instruments could not be renewed: stage refused instruments (INVALID): busy"
        ]
        finer = (*LISTED, instrument("NEW/USDT", "NEWUSDT", "0.01", "0.01"))
        stage.replies["/instruments"] = finer
        await stage.wait(61_000)
        assert "NEW/USDT" in stage.desk.ctx.catalog
        assert not stage.heard(events.Blunder)

    play(visit)


def test_an_unchanged_catalogue_stays_the_same_one() -> None:
    """If this failed, every renewal would open a new connection for the next topic."""

    async def visit(stage: Stage) -> None:
        before = stage.desk.ctx
        await stage.wait(HOUR_MS + 1_000)
        assert len(stage.asked("/instruments")) == 1
        assert stage.desk.ctx is before

    play(visit)


def test_a_market_that_leaves_the_list_while_it_is_read_stays_known() -> None:
    """If this failed, a delisted symbol's book could not even be told as broken without an error of ours."""

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = whole(10)
        stage.desk.feed(BOOK)
        await stage.wait(20)
        stage.replies["/instruments"] = LISTED[1:]
        await stage.wait(HOUR_MS + 1_000)
        assert [one.symbol for one in stage.desk.ctx.catalog] == ["ETH/USDT", "BTC/USDT"]
        stage.wires[-1].tell(BOOK, change(13))
        await stage.wait(1_000)
        assert not stage.heard(events.Blunder)

    play(visit)


def test_what_is_strange_is_told_a_few_times_and_counted_always() -> None:
    """If this failed, a new field in every message would flood whoever listens, or go uncounted."""

    async def visit(stage: Stage) -> None:
        for _ in range(50):
            stage.desk.strange("a new field", b"x")
        assert [event.count for event in stage.heard(events.Strange)] == [1, 2, 3, 4, 5]
        assert stage.desk.strangers == {"a new field": 50}

    play(visit)


def test_what_a_timer_or_a_task_raises_is_told() -> None:
    """If this failed, a defect beside the streams would end in the loop's log, where nobody looks."""

    async def visit(stage: Stage) -> None:
        def broken() -> None:
            raise RuntimeError("in a timer")

        async def failing() -> None:
            raise RuntimeError("in a task")

        stage.desk.later(1, broken)
        stage.desk.spawn(failing(), "a task")
        await stage.wait(10)
        assert sorted(event.what for event in stage.heard(events.Blunder)) == [
            "RuntimeError: in a task", "RuntimeError: in a timer",
        ]  # fmt: skip
        assert "a task" in {event.where for event in stage.heard(events.Blunder)}

    play(visit)


def test_a_fetch_that_fails_for_the_venues_reasons_is_no_blunder() -> None:
    """If this failed, a refusal would be blamed on a user's callback."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await stage.wait(20)
        stage.replies["/trades"] = Reply(400, {}, b"no")
        stage.wires[0].tell(TRADES, trade(1), trade(5))
        await stage.wait(20)
        assert [one.id for one in reader.heard] == ["1", "5"]
        assert "a fetch failed" in stage.heard(events.Strange)[0].what
        assert not stage.heard(events.Blunder)

    play(visit)


def test_what_the_venue_will_take_away_soon_is_told_at_the_start() -> None:
    """If this failed, a bot would break on the day of a change that was announced a year before."""

    async def visit(stage: Stage) -> None:
        await stage.desk.open()
        told = stage.heard(events.Retiring)
        assert [(event.what, event.in_ms // (24 * HOUR_MS)) for event in told] == [("the old book", 9)]
        assert "the new book" in told[0].why

    dated = (
        Retirement("the old book", "2025-06-25", "the new book"),
        Retirement("long gone", "2020-01-01", "nothing"),
        Retirement("far away", "2026-06-15", "nothing yet"),
    )
    play(visit, is_open=False, dated=dated)
