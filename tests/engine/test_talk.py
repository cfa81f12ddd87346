"""One open connection: what is said on it, in what order, and that nothing is heard of it once it is over."""

from __future__ import annotations

from fairlead.engine import talk
from fairlead.model import events
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Need, Odd, Topic
from fairlead.wire.limits import Budget, Window
from tests.engine.stage import BUDGETS, Stage, play, refusal
from tests.engine.told import BTC, ETH, TRADES, Reader, frame, trade, word


def test_a_frame_that_comes_before_the_dial_returns_is_heard() -> None:
    """If this failed, what a venue says right after the handshake would be lost: a greeting, or a shutdown."""

    async def visit(stage: Stage) -> None:
        stage.greetings.append(word(Odd("early", b"")))
        stage.desk.feed(TRADES)
        await stage.wait(10)
        assert [event.what for event in stage.heard(events.Strange)] == ["early"]

    play(visit)


def test_frames_go_out_in_their_order_and_within_the_connections_budget() -> None:
    """If this failed, a venue that takes five frames a second would cut us off, or hear a leave before its join."""
    five = (*BUDGETS[:2], Budget("frames", 5, 1_000, Window.SLIDING, "connection"))

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        wire = stage.wires[0]
        wire.say(lambda script: [frame(str(n), "frames")(script) for n in range(12)])
        await stage.wait(20_000)
        assert wire.texts[1:] == [str(n) for n in range(12)]
        times = [ms for ms, _ in wire.sent]
        assert all(later - first >= 1_000 for first, later in zip(times, times[5:], strict=False))

    play(visit, budgets=five)


def test_two_connections_have_each_their_own_budget() -> None:
    """If this failed, a venue's limit of one connection would slow down all of them together."""
    tight = (*BUDGETS[:2], Budget("frames", 1, 3_600_000, Window.SLIDING, "connection"))

    async def visit(stage: Stage) -> None:
        for symbol in (BTC, ETH):
            stage.desk.feed(Topic("trades", symbol))
        await stage.wait(50)
        assert [wire.texts for wire in stage.wires] == [[f"join trades:{symbol}"] for symbol in (BTC, ETH)]

    play(visit, budgets=tight, door={"max_topics": 1})


def test_a_frame_waits_for_the_budget_that_all_connections_share() -> None:
    """If this failed, many connections together would break a limit that counts them as one."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        began_ms = stage.now_ms
        wire = stage.wires[0]
        wire.say(frame("one", "calls", "frames"), frame("two", "calls", "frames"), frame("three", "calls", "frames"))
        await stage.wait(9_000)
        assert wire.texts[1:] == ["one", "two"]
        await stage.wait(9_000)
        assert wire.texts[1:] == ["one", "two", "three"]
        assert wire.sent[-1][0] - began_ms >= 10_000

    play(visit, budgets=(*BUDGETS, Budget("calls", 3, 10_000, Window.SLIDING, "ip")))


def test_a_conversation_that_asks_for_too_much_is_ended() -> None:
    """If this failed, frames that may never go out would fill the memory."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        many = talk.QUEUE_MOST_FRAMES + 2
        stage.wires[0].say(lambda script: [frame("x", "frames")(script) for _ in range(many)])
        assert "4096 frames wait" in (await stage.lost()).why

    play(visit, budgets=(*BUDGETS[:2], Budget("frames", 2, 3_600_000, Window.SLIDING, "connection")))


def test_an_old_connections_last_words_do_not_end_the_new_one() -> None:
    """If this failed, a dead wire that closes late would cut off the healthy connection that replaced it, and leave
    that one open and unheard."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(TRADES)
        reader = Reader()
        feed.subscribe(reader)
        await stage.wait(10)
        stage.desk.streams[0].lines[0].cut("it fell silent")
        await stage.wait(1_000)
        old, new = stage.wires
        old.tell(TRADES, trade(1))
        await stage.wait(3_000)
        assert not old.is_open
        assert new.is_open
        assert len(stage.wires) == 2
        new.tell(TRADES, trade(2))
        assert [event.id for event in reader.heard] == ["2"]

    play(visit, close_ms=2_000)


def test_what_a_conversation_needs_reaches_that_conversation_alone() -> None:
    """If this failed, a token asked for on an old connection would be given to a new one that never asked."""

    async def visit(stage: Stage) -> None:
        stage.replies["/token"] = "t1"
        stage.desk.feed(TRADES)
        await stage.wait(10)
        need = Need(Op.TOKEN, None, "to log in")
        stage.wires[0].say(lambda script: script.out.need(need))
        await stage.wait(10)
        assert stage.wires[0].texts[-1] == "supplied token t1"
        stage.wires[0].say(lambda script: script.out.need(need))
        stage.wires[0].drop()
        await stage.wait(1_000)
        assert stage.wires[1].texts == ["join trades:BTC/USDT"]

    play(visit)


def test_a_need_that_cannot_be_met_ends_the_connection_and_says_so() -> None:
    """If this failed, a conversation would wait for ever for a token that was refused."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        stage.replies["/token"] = refusal(400)
        stage.wires[0].say(lambda script: script.out.need(Need(Op.TOKEN, None, "to log in")))
        assert (await stage.lost()).why == "what it needs could not be had: to log in"
        assert not stage.heard(events.Blunder)

    play(visit)
