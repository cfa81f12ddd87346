"""One connection's life: dialling, failing, waiting longer each time, and ending without leaving anything behind."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from fairlead.engine.feed import Mends
from fairlead.engine.line import FIRST_WAIT_MS
from fairlead.model import events
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Broken, Ready
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.limits import Budget, Window
from tests.engine.stage import BUDGETS, Stage, play, refusal
from tests.engine.told import TRADES, Reader, boom, trade, word

TWO_HOSTS: dict[str, Any] = {"hosts": {"rest": ("http://a",), "ws": ("ws://a", "ws://b")}}


def waits(stage: Stage) -> list[float]:
    return [round(later - first) for (first, _), (later, _) in pairwise(stage.dials)]


def test_a_dial_that_fails_is_tried_again_after_growing_waits() -> None:
    """If this failed, a venue that is down would be dialled in a storm, or never again."""

    async def visit(stage: Stage) -> None:
        stage.dead.add("ws://a")
        stage.desk.feed(TRADES)
        await stage.wait(120_000)
        assert 6 < len(stage.dials) < 40
        assert max(waits(stage)) > 5_000
        assert max(waits(stage)) <= 30_010
        stage.dead.clear()
        await stage.wait(31_000)
        assert stage.open_wires[0].texts == ["join trades:BTC/USDT"]

    play(visit)


def test_no_wait_is_longer_than_the_outage_has_lasted() -> None:
    """If this failed, a maintenance of three seconds could cost half a minute of every book."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(20_000)
        for outage_ms in (1_000, 3_000, 6_000) * 5:
            stage.dead.add("ws://a")
            for wire in stage.open_wires:
                wire.drop(1012, "maintenance")
            await stage.wait(outage_ms)
            stage.dead.clear()
            await stage.wait(outage_ms + FIRST_WAIT_MS)
            assert stage.open_wires
            await stage.wait(40_000)

    play(visit)


def test_a_host_that_fails_gives_way_to_its_alternate_and_that_is_told_once() -> None:
    """If this failed, a dead host would be dialled on and on while its alternate works, or the change go untold."""

    async def visit(stage: Stage) -> None:
        stage.dead.add("ws://a")
        stage.desk.feed(TRADES)
        await stage.wait(5_000)
        assert [wire.url for wire in stage.wires] == ["ws://b/stream"]
        assert [(event.was, event.now) for event in stage.heard(events.Switched)] == [("ws://a", "ws://b")]

    play(visit, **TWO_HOSTS)


def test_a_venue_that_accepts_and_throws_out_is_dialled_ever_more_slowly() -> None:
    """If this failed, each accepted handshake would start the waits anew: thousands of dials an hour, and a ban."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        for _ in range(1_200):
            await stage.wait(100)
            for wire in stage.open_wires:
                wire.drop(1013, "try again later")
        assert 5 < len(stage.dials) < 30
        assert max(waits(stage)[6:]) > 5_000

    play(visit)


def test_a_connection_that_lived_is_dialled_again_at_once() -> None:
    """If this failed, a venue's daily hang-up would cost as long a silence as an outage."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        for _ in range(5):
            await stage.wait(60_000)
            stage.open_wires[0].drop()
        await stage.wait(1_000)
        assert len(stage.dials) == 6
        assert max(waits(stage)) < 60_300
        assert [event.again for event in stage.heard(events.Connected)] == [0, 1, 2, 3, 4, 5]

    play(visit, mends=Mends(renew=False))


def test_the_wait_that_a_venue_asks_for_is_kept() -> None:
    """If this failed, a venue that says "come back in a minute" would be dialled at once, and might ban us."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(100)
        stage.wires[0].say(word(Broken(Fault(Kind.LIMIT, said="slow down", wait_ms=60_000))))
        assert (await stage.lost()).why == "the venue says: slow down"
        await stage.wait(180_000)
        assert waits(stage)[0] == pytest.approx(60_100, abs=20)

    play(visit)


def test_the_moment_that_a_venue_names_is_waited_for_on_its_clock() -> None:
    """If this failed, a ban told as a date would count as no wait at all."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(100)
        until_ms = stage.desk.time.now_ns() // 1_000_000 + 45_000
        stage.wires[0].say(word(Broken(Fault(Kind.BAN, until_ms=until_ms))))
        await stage.wait(180_000)
        assert waits(stage)[0] == pytest.approx(45_100, abs=20)

    play(visit)


def test_a_connection_on_which_nothing_is_heard_is_cut() -> None:
    """If this failed, a wire that died without a word would be trusted for hours."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(8_000)
        stage.wires[0].tell(TRADES, trade(1))
        await stage.wait(9_500)
        assert len(stage.open_wires) == len(stage.wires) == 1
        await stage.wait(1_500)
        assert stage.heard(events.Lost)[0].why == "nothing was heard for 10 s"
        assert len(stage.wires) == 2

    play(visit, door={"quiet_ms": 10_000})


@pytest.mark.parametrize("call", ["open", "join", "tick", "speak"])
def test_a_conversation_that_raises_is_told_and_its_connection_replaced(call: str) -> None:
    """If this failed, one defect in one venue's conversation would silence that venue until the next start."""

    async def visit(stage: Stage) -> None:
        stage.strikes[call] = 2
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await stage.wait(3_000)
        blunders = stage.heard(events.Blunder)
        assert [event.what for event in blunders] == [f"RuntimeError: a bug in {call}"] * 2
        assert len(stage.dials) == 3
        assert len(stage.open_wires) == 1
        stage.wires[-1].tell(TRADES, trade(1))
        assert [one.id for one in reader.heard] == ["1"]

    play(visit)


def test_a_frame_that_makes_the_conversation_raise_costs_only_that_connection() -> None:
    """If this failed, a frame nobody foresaw would end the stream, or be followed by frames that may not fit."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await stage.wait(10)
        stage.wires[0].say(boom)
        stage.wires[0].tell(TRADES, trade(1))
        await stage.wait(1_000)
        assert len(stage.heard(events.Blunder)) == 1
        assert (await stage.lost()).why == "an error of ours"
        stage.wires[1].tell(TRADES, trade(2))
        assert [one.id for one in reader.heard] == ["2"]

    play(visit)


def test_a_conversation_that_always_raises_is_tried_ever_more_slowly() -> None:
    """If this failed, a defect of ours would hammer the venue with handshakes."""

    async def visit(stage: Stage) -> None:
        stage.strikes["open"] = 1_000
        stage.desk.feed(TRADES)
        await stage.wait(120_000)
        assert 5 < len(stage.dials) < 30

    play(visit)


def test_a_word_that_cannot_be_is_told_and_not_obeyed() -> None:
    """If this failed, the answer to an order on a market connection would be swallowed."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        stage.wires[0].say(word(Answer("tag", Fault(Kind.INVALID))))
        assert stage.heard(events.Strange)[0].what == "an answer to no call that waits for one"

    play(visit)


def test_topics_wait_until_the_conversation_is_ready() -> None:
    """If this failed, topics would be asked for before the login, and refused."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(50)
        assert stage.wires[0].texts == []
        stage.wires[0].say(word(Ready()))
        assert stage.wires[0].texts == ["join trades:BTC/USDT"]

    play(visit, is_prompt=False)


def test_what_must_be_asked_before_the_dial_is_asked_and_its_failure_marks_no_host() -> None:
    """If this failed, a REST refusal would be blamed on the websocket's host, or end the line for good."""

    async def visit(stage: Stage) -> None:
        stage.replies["/token"] = [refusal(400, "no token"), "t"]
        stage.desk.feed(TRADES)
        await stage.wait(5_000)
        assert "no token" in stage.heard(events.Lost)[0].why
        assert [wire.url for wire in stage.wires] == ["ws://a/t"]
        assert not stage.heard(events.Switched, events.Blunder)

    door = {"before": Op.TOKEN, "path": lambda topics, before: f"/{before}"}
    play(visit, **TWO_HOSTS, door=door)


def test_dials_keep_to_their_budget() -> None:
    """If this failed, many lost connections would break the venue's limit on handshakes when they return together."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        for _ in range(600):
            await stage.wait(100)
            for wire in stage.open_wires:
                wire.drop()
        times = [ms for ms, _ in stage.dials]
        assert all(later - first >= 30_000 for first, later in zip(times, times[5:], strict=False))

    play(visit, budgets=(BUDGETS[0], Budget("dials", 5, 30_000, Window.SLIDING, "ip"), BUDGETS[2]))


def test_without_reconnecting_a_lost_connection_stays_lost() -> None:
    """If this failed, a demonstration of what happens without mending would mend."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        stage.wires[0].drop()
        await stage.wait(60_000)
        assert len(stage.dials) == 1

    play(visit, mends=Mends(reconnect=False))


@pytest.mark.parametrize("moment", ["dialling", "waiting to dial", "waiting for leave"])
def test_a_stop_is_immediate_whatever_the_line_waits_for(moment: str) -> None:
    """If this failed, leaving a program would take as long as the pause between two tries, or as a ban."""

    async def visit(stage: Stage) -> None:
        stage.dead.add("ws://a")
        stage.slow_ms = 9_000 if moment == "dialling" else 1
        stage.desk.feed(TRADES)
        await stage.wait(100 if moment == "dialling" else 60_000)
        began_ms = stage.now_ms
        await stage.desk.close()
        assert stage.now_ms - began_ms < 10

    few = (BUDGETS[0], Budget("dials", 2, 3_600_000, Window.SLIDING, "ip"), BUDGETS[2])
    play(visit, budgets=few if moment == "waiting for leave" else BUDGETS)


def test_a_stopped_line_takes_its_leave_of_the_venue() -> None:
    """If this failed, the socket would still be open when the program's loop ends, and its end be a broken wire."""

    async def visit(stage: Stage) -> None:
        subscription = stage.desk.feed(TRADES).subscribe()
        await stage.wait(10)
        subscription.close()
        assert stage.desk.streams[0].lines == ()
        await stage.desk.close()
        assert not stage.open_wires
        assert not stage.heard(events.Lost)

    play(visit, close_ms=1_500)


def test_a_far_end_that_never_closes_does_not_hold_us() -> None:
    """If this failed, a dead wire would keep a program from ending."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        began_ms = stage.now_ms
        await stage.desk.close()
        assert stage.now_ms - began_ms < 5_000
        stage.wires[0].drop()
        await asyncio.sleep(0)

    play(visit, close_ms=600_000)
