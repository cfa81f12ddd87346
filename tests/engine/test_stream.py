"""All connections of one door: topics spread over them, and each change made before the old one breaks."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.engine.feed import Mends
from fairlead.model import events
from fairlead.model.instrument import Instrument
from fairlead.testing import instrument
from fairlead.wire.conversation import Ending, Refused, Topic
from fairlead.wire.faults import Fault, Kind
from tests.engine.stage import LISTED, Stage, play
from tests.engine.told import BOOK, BTC, QUOTES, TRADES, Reader, quote, trade, whole, word

HOUR_MS = 3_600_000


def listed(count: int) -> tuple[Instrument, ...]:
    return tuple(instrument(f"C{n}/USDT", f"C{n}", "0.01", "0.01") for n in range(count))


def trades_of(number: int) -> Topic:
    return Topic("trades", f"C{number}/USDT")


def joins(stage: Stage) -> list[list[str]]:
    return [[text for text in wire.texts if text.startswith("join")] for wire in stage.wires]


def ids(reader: Reader) -> list[str]:
    return [one.id for one in reader.heard]


def denied(topic: Topic, wait_ms: int = 0) -> Any:
    return word(Refused(topic, Fault(Kind.SYMBOL, said="no", wait_ms=wait_ms)))


def test_topics_are_spread_over_as_many_connections_as_they_need() -> None:
    """If this failed, a venue would refuse the topics beyond what it takes on one connection."""

    async def visit(stage: Stage) -> None:
        stage.replies["/instruments"] = listed(7)
        await stage.desk.open()
        for number in range(7):
            stage.desk.feed(trades_of(number))
        await stage.wait(50)
        assert [len(texts) for texts in joins(stage)] == [3, 3, 1]

    play(visit, is_open=False, door={"max_topics": 3})


def test_two_depths_of_one_book_ride_apart_where_frames_do_not_name_the_depth() -> None:
    """If this failed, the venue would refuse the second depth for ever, or mix two books."""

    async def visit(stage: Stage) -> None:
        await stage.desk.open()
        for detail in ("10", "100"):
            stage.desk.feed(Topic("book", BTC, detail))
        await stage.wait(50)
        assert [len(texts) for texts in joins(stage)] == [1, 1]

    play(visit, is_open=False, door={"alone": frozenset({"book"}), "depths": (10, 100)})


def test_a_topic_that_nobody_reads_any_more_is_left_and_an_empty_connection_closed() -> None:
    """If this failed, the venue would go on sending what nobody hears, until its limits are used up."""

    async def visit(stage: Stage) -> None:
        first, second = stage.desk.feed(TRADES).subscribe(), stage.desk.feed(TRADES).subscribe()
        other = stage.desk.feed(QUOTES).subscribe()
        await stage.wait(10)
        first.close()
        assert "leave trades:BTC/USDT" not in stage.wires[0].texts
        second.close()
        assert stage.wires[0].texts[-1] == "leave trades:BTC/USDT"
        assert len(stage.open_wires) == 1
        other.close()
        await stage.wait(10)
        assert not stage.open_wires
        assert stage.desk.streams[0].lines == ()
        stage.desk.feed(TRADES)
        await stage.wait(10)
        assert len(stage.open_wires) == 1

    play(visit)


def test_an_announced_end_costs_nothing() -> None:
    """If this failed, a shutdown that the venue announced would tear a hole all the same."""

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = whole(10)
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        stage.desk.feed(BOOK).subscribe(states := Reader(lambda book: str(book.state)))
        await stage.wait(20)
        old = stage.wires[0]
        old.tell(TRADES, trade(1))
        stage.told.clear()
        old.say(word(Ending(30_000, "maintenance")))
        for number in range(2, 40):
            await stage.wait(25)
            for wire in stage.open_wires:
                if "join trades:BTC/USDT" in wire.texts:
                    wire.tell(TRADES, trade(number))
        assert ids(reader) == [str(n) for n in range(1, 40)]
        assert set(states.heard) == {"LIVE"}
        assert not old.is_open
        assert [type(event) for event in stage.told] == [events.Retiring, events.Connected, events.Replaced]
        assert len(stage.open_wires) == 1

    play(visit)


def test_a_connection_is_replaced_before_the_venue_ends_it() -> None:
    """If this failed, every connection would break once a day, all of them at the same moment."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(0.85 * HOUR_MS - 1_000)
        assert len(stage.dials) == 1
        await stage.wait(0.1 * HOUR_MS + 2_000)
        assert len(stage.dials) == 2
        assert not stage.wires[0].is_open
        assert stage.heard(events.Replaced)[0].why == "the venue ends connections after 1 h"
        assert not stage.heard(events.Lost)

    play(visit, door={"life_ms": HOUR_MS}, mends=Mends(renew=False))


def test_a_silent_topic_is_moved_to_a_new_connection() -> None:
    """If this failed, a channel that died on a living connection would stay silent for good."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(QUOTES).subscribe(reader := Reader())
        await stage.wait(10)
        for number in range(60):
            stage.wires[0].tell(QUOTES, quote(number + 1))
            await stage.wait(250)
        while len(stage.wires) == 1:
            await stage.wait(250)
            assert stage.now_ms < 1_200_000, "it never changed"
        assert [text for text in stage.wires[0].texts if text.startswith("renew")]
        await stage.wait(500)
        assert not stage.wires[0].is_open
        stage.wires[1].tell(QUOTES, quote(99))
        assert reader.heard[-1].seq == 99

    play(visit)


def test_when_the_old_connection_dies_during_the_change_the_new_one_serves() -> None:
    """If this failed, a venue that hangs up sooner than it said would leave two half-changed connections."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await stage.wait(10)
        stage.acks = False
        stage.wires[0].say(word(Ending(0, "bye")))
        await stage.wait(2)
        stage.wires[0].drop()
        await stage.wait(5)
        stage.wires[1].ack(TRADES)
        await stage.wait(2_000)
        assert len(stage.open_wires) == len(stage.desk.streams[0].lines) == 1
        stage.open_wires[0].tell(TRADES, trade(5))
        await stage.wait(100)
        assert ids(reader) == ["5"]

    play(visit)


def test_a_replacement_that_never_serves_is_given_up_and_the_old_one_stays() -> None:
    """If this failed, a change that fails would take the working connection with it, or leave two for good."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await stage.wait(10)
        stage.acks = False
        stage.desk.streams[0].lines[0].retire("a test")
        await stage.wait(61_000)
        assert stage.open_wires == [stage.wires[0]]
        stage.wires[0].tell(TRADES, trade(1))
        assert ids(reader) == ["1"]
        stage.acks = True
        stage.desk.streams[0].lines[0].retire("a test")
        await stage.wait(1_000)
        assert stage.open_wires == [stage.wires[-1]]

    play(visit, mends=Mends(renew=False))


@pytest.mark.parametrize("others", [(), (QUOTES,)])
def test_a_replacement_that_is_refused_a_topic_does_not_cost_the_old_one(others: tuple[Topic, ...]) -> None:
    """If this failed, a refusal on the new connection would end a stream that still works on the old one."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        for topic in others:
            stage.desk.feed(topic)
        await stage.wait(10)
        stage.acks = False
        stage.desk.streams[0].lines[0].retire("a test")
        await stage.wait(10)
        for topic in others:
            stage.wires[1].ack(topic)
        stage.wires[1].say(denied(TRADES))
        await stage.wait(62_000)
        assert stage.open_wires == [stage.wires[0]]
        stage.wires[0].tell(TRADES, trade(1))
        assert ids(reader) == ["1"]
        assert not stage.desk.streams[0].lines[0].retiring

    play(visit, mends=Mends(renew=False))


def test_a_replacement_is_not_itself_replaced_before_it_serves() -> None:
    """If this failed, a second advice would chain the changes, and the first connection would never be closed."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        stage.acks = False
        for _ in range(3):
            for line in stage.desk.streams[0].lines:
                line.retire("a test")
            await stage.wait(10)
        assert len(stage.wires) == 2
        stage.wires[1].ack(TRADES)
        await stage.wait(500)
        assert stage.open_wires == [stage.wires[1]]

    play(visit)


def test_a_new_topic_does_not_board_a_connection_that_is_about_to_go() -> None:
    """If this failed, a topic asked for during a change would go down with the old connection."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(10)
        stage.desk.streams[0].lines[0].retire("a test")
        stage.desk.feed(QUOTES).subscribe(reader := Reader())
        await stage.wait(2_000)
        wire = next(wire for wire in stage.open_wires if "join quote:BTC/USDT" in wire.texts)
        wire.tell(QUOTES, quote(1))
        assert len(reader.heard) == 1
        assert "join quote:BTC/USDT" not in stage.wires[0].texts

    play(visit)


def test_a_refusal_that_passes_is_asked_again_after_its_wait_and_only_then() -> None:
    """If this failed, a topic that the venue could not give just then would never come, or be asked for at once."""

    async def visit(stage: Stage) -> None:
        stage.acks = False
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await stage.wait(10)
        stage.wires[0].say(denied(TRADES, wait_ms=20_000))
        await stage.wait(19_000)
        assert joins(stage) == [["join trades:BTC/USDT"]]
        await stage.wait(2_000)
        assert joins(stage) == [["join trades:BTC/USDT"] * 2]
        stage.wires[0].ack(TRADES)
        stage.wires[0].tell(TRADES, trade(1))
        assert ids(reader) == ["1"]

    play(visit)


def test_a_topic_let_go_during_the_wait_is_not_asked_for_again() -> None:
    """If this failed, the venue would send for ever what nobody reads, or the wait's end would raise."""

    async def visit(stage: Stage) -> None:
        stage.acks = False
        subscription = stage.desk.feed(TRADES).subscribe()
        await stage.wait(10)
        stage.wires[0].say(denied(TRADES, wait_ms=20_000))
        subscription.close()
        await stage.wait(30_000)
        assert joins(stage) == [["join trades:BTC/USDT"]]
        assert not stage.open_wires
        assert not stage.heard(events.Blunder)

    play(visit)


def test_a_topic_refused_for_good_is_told_and_may_be_asked_for_anew() -> None:
    """If this failed, a refused topic would wait in silence, or stay refused after the venue begins to give it."""

    async def visit(stage: Stage) -> None:
        stage.acks = False
        stage.desk.feed(TRADES).subscribe()
        await stage.wait(10)
        stage.wires[0].say(denied(TRADES))
        assert [(event.topic, event.said) for event in stage.heard(events.Denied)] == [("trades:BTC/USDT", "no")]
        await stage.wait(10)
        assert not stage.open_wires
        stage.acks = True
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        await stage.wait(10)
        stage.wires[1].tell(TRADES, trade(1))
        assert ids(reader) == ["1"]

    play(visit)


def test_an_acknowledgement_for_a_topic_let_go_is_nothing() -> None:
    """If this failed, leaving a topic too quickly would raise and cost the whole connection."""

    async def visit(stage: Stage) -> None:
        stage.acks = False
        stage.desk.feed(QUOTES)
        subscription = stage.desk.feed(TRADES).subscribe()
        await stage.wait(10)
        subscription.close()
        stage.wires[0].ack(TRADES)
        stage.wires[0].say(denied(TRADES))
        stage.wires[0].tell(TRADES, trade(1))
        assert stage.wires[0].is_open
        assert not stage.heard(events.Blunder, events.Denied)

    play(visit)


def test_a_symbol_listed_after_the_connection_was_opened_gets_one_that_knows_it() -> None:
    """If this failed, a market that opens while a program runs could not be heard before the next restart."""
    new = instrument("NEW/USDT", "NEWUSDT", "0.01", "0.01")

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES)
        await stage.wait(HOUR_MS)
        stage.replies["/instruments"] = (*LISTED, new)
        await stage.wait(HOUR_MS + 1_000)
        stage.desk.feed(Topic("trades", "NEW/USDT"))
        stage.desk.feed(QUOTES)
        await stage.wait(50)
        assert not stage.heard(events.Denied)
        assert joins(stage) == [["join trades:BTC/USDT", "join quote:BTC/USDT"], ["join trades:NEW/USDT"]]

    play(visit, mends=Mends(renew=False))
