"""Topics that ride on two connections at once: whoever is first is heard, and one may die unseen."""

from __future__ import annotations

from tests.engine.stage import Stage, play
from tests.engine.test_stream import ids, joins, listed, trades_of
from tests.engine.told import BOOK, QUOTES, TRADES, Reader, change, quote, trade, whole

HOUR_MS = 3_600_000


def test_a_doubled_kind_rides_on_two_connections_and_one_may_die_unseen() -> None:
    """If this failed, doubling would double the trades, or lose some when one of the connections dies."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        stage.desk.feed(QUOTES).subscribe(quotes := Reader())
        await stage.wait(10)
        first, second = stage.wires
        stage.told.clear()
        for number in range(1, 5):
            first.tell(TRADES, trade(number))
            second.tell(TRADES, trade(number))
        second.tell(TRADES, trade(5))
        first.tell(QUOTES, quote(1), quote(2))
        assert "join quote:BTC/USDT" not in second.texts
        first.drop()
        second.tell(TRADES, trade(6))
        await stage.wait(100)
        assert ids(reader) == ["1", "2", "3", "4", "5", "6"]
        assert len(quotes.heard) == 2
        assert not [event for event in stage.told if getattr(event, "topic", "") == "trades:BTC/USDT"]
        await stage.wait(2_000)
        assert [len(wire.texts) for wire in stage.open_wires] == [1, 2]

    play(visit, doubled={"trades"})


def test_doubled_topics_keep_apart_also_when_connections_fill_up() -> None:
    """If this failed, both copies of a topic could ride on one connection, and die with it."""

    async def visit(stage: Stage) -> None:
        stage.replies["/instruments"] = listed(5)
        await stage.desk.open()
        for number in range(5):
            stage.desk.feed(trades_of(number))
        await stage.wait(50)
        carried = joins(stage)
        assert all(len(set(texts)) == len(texts) <= 2 for texts in carried)
        told = sorted(text for texts in carried for text in texts)
        assert told == sorted(f"join {trades_of(number)}" for number in range(5) for _ in range(2))

    play(visit, is_open=False, door={"max_topics": 2}, doubled={"trades"})


def test_a_change_of_books_is_whole_although_both_connections_speak() -> None:
    """If this failed, what both connections tell during a change would be published twice or out of order."""

    async def visit(stage: Stage) -> None:
        stage.replies["/book"] = whole(10)
        stage.desk.feed(BOOK).subscribe(reader := Reader(lambda book: book.seq))
        await stage.wait(20)
        stage.desk.streams[0].lines[0].retire("a test")
        for number in range(11, 40):
            for wire in stage.open_wires:
                if wire.texts:
                    wire.tell(BOOK, change(number, {"100.00": str(number)}))
            if number == 15:
                stage.replies["/book"] = whole(15)
            await stage.wait(20)
        assert reader.heard == list(range(10, 40))
        assert len(stage.open_wires) == 1

    play(visit)
