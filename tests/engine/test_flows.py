"""Trades once and in order, holes filled or told; values of which only the latest counts; and when each is stale."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fairlead.engine import bus
from fairlead.engine.feed import Mends
from fairlead.model import events
from fairlead.model.market import MS, Mark, Trade
from fairlead.wire.asks import Op
from tests.engine.stage import Stage, play, refusal
from tests.engine.told import BTC, MARKS, QUOTES, TRADES, Reader, quote, trade

DOUBLED: dict[str, Any] = {"doubled": {"trades", "quote", "mark"}}
UNNUMBERED: dict[str, Any] = {"door": {"consecutive": frozenset()}}


async def reading(stage: Stage, topic: Any = TRADES) -> Reader:
    stage.desk.feed(topic).subscribe(reader := Reader())
    await stage.wait(20)
    return reader


def ids(reader: Reader) -> list[int]:
    return [int(one.id) for one in reader.heard]


def span(first: int, last: int) -> list[Trade]:
    return [trade(number) for number in range(first, last + 1)]


def test_a_hole_in_the_ids_is_filled_before_what_comes_after_it() -> None:
    """If this failed, trades would be missing, or told after later ones."""

    async def visit(stage: Stage) -> None:
        reader = await reading(stage)
        stage.replies["/trades"] = tuple(span(3, 7))
        stage.wires[0].tell(TRADES, *span(1, 3), trade(6), trade(7))
        assert ids(reader) == [1, 2, 3]
        await stage.wait(10)
        stage.wires[0].tell(TRADES, trade(8))
        assert ids(reader) == list(range(1, 9))
        assert [(event.count, event.first_ns) for event in stage.heard(events.Filled)] == [(2, 4 * MS)]

    play(visit)


def test_a_cut_is_filled_also_where_the_ids_tell_nothing() -> None:
    """If this failed, what was traded while the wire was cut would be missing without a word."""

    async def visit(stage: Stage) -> None:
        reader = await reading(stage)
        stage.wires[0].tell(TRADES, trade(1))
        stage.wires[0].drop()
        await stage.wait(1_000)
        stage.replies["/trades"] = tuple(span(1, 4))
        stage.wires[1].tell(TRADES, trade(5))
        await stage.wait(10)
        assert ids(reader) == [1, 2, 3, 4, 5]

    play(visit, **UNNUMBERED)


def test_a_hole_larger_than_a_page_is_filled_with_all_pages() -> None:
    """If this failed, a long cut would be filled in part, and the rest called gone though the venue still has it."""

    async def visit(stage: Stage) -> None:
        row = stage.venue.endpoints[Op.TRADES]
        paged = replace(row, after=lambda asked, page: replace(asked, page=page[-1].id) if page else None)
        stage.venue.endpoints[Op.TRADES] = paged  # type: ignore[index]
        reader = await reading(stage)
        stage.wires[0].tell(TRADES, trade(1))
        stage.replies["/trades"] = [tuple(span(2, 11)), tuple(span(12, 21)), tuple(span(22, 24)), ()]
        stage.wires[0].tell(TRADES, trade(25))
        await stage.wait(50)
        assert ids(reader) == list(range(1, 26))
        assert not stage.heard(events.Gap)

    play(visit)


def test_trades_that_the_venue_no_longer_has_are_told_as_gone() -> None:
    """If this failed, a hole that cannot be filled would pass for a whole tape."""

    async def visit(stage: Stage) -> None:
        reader = await reading(stage)
        stage.replies["/trades"] = (trade(6),)
        stage.wires[0].tell(TRADES, trade(1), trade(7))
        await stage.wait(10)
        assert ids(reader) == [1, 6, 7]
        assert "4 trades after 1 are gone" in stage.heard(events.Gap)[0].why

    play(visit)


def test_a_hole_that_cannot_be_asked_for_is_told_where_the_ids_tell_nothing() -> None:
    """If this failed, trades lost in a cut would be missing in silence because the venue refused to tell of them."""

    async def visit(stage: Stage) -> None:
        reader = await reading(stage)
        stage.wires[0].tell(TRADES, trade(1))
        stage.wires[0].drop()
        await stage.wait(1_000)
        stage.replies["/trades"] = refusal(400)
        stage.wires[1].tell(TRADES, trade(5), trade(6))
        await stage.wait(10)
        assert ids(reader) == [1, 5, 6]
        assert [event.why for event in stage.heard(events.Gap)] == [
            "trades between 1 and 5 may be missing: nobody told"
        ]

    play(visit, **UNNUMBERED)


def test_two_connections_tell_each_trade_once_and_in_order() -> None:
    """If this failed, doubling the connections would double the trades or mix their order."""

    async def visit(stage: Stage) -> None:
        reader = await reading(stage)
        first, second = stage.wires
        first.tell(TRADES, *span(1, 4))
        second.tell(TRADES, *span(1, 6))
        first.tell(TRADES, *span(5, 8))
        second.tell(TRADES, *span(7, 8))
        assert ids(reader) == list(range(1, 9))
        assert not stage.asked("/trades")

    play(visit, **DOUBLED)


def test_what_an_old_late_connection_repeats_is_no_anomaly() -> None:
    """If this failed, each change of connections would cry wolf: known trades look as if time went back."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(TRADES)
        reader = await reading(stage)
        first, second = stage.wires
        apart = [replace(one, venue_ns=one.venue_ns + 4_000 * MS * place) for place, one in enumerate(span(1, 4))]
        second.tell(TRADES, *apart)
        first.tell(TRADES, *apart)
        assert ids(reader) == [1, 2, 3, 4]
        assert feed.counts == {}

    play(visit, **DOUBLED)


def test_a_quiet_market_is_proven_and_not_called_a_gap() -> None:
    """If this failed, a market where nothing happens would be marked, renewed and reconnected for ever."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(TRADES)
        reader = await reading(stage)
        for number in range(1, 60):
            stage.wires[0].tell(TRADES, trade(number))
            await stage.wait(250)
        stage.replies["/trades"] = tuple(span(50, 59))
        while not stage.asked("/trades"):
            await stage.wait(250)
        assert str(feed.state) == "STALE"
        await stage.wait(500)
        assert str(feed.state) == "LIVE"
        await stage.wait(3_600_000)
        assert len(stage.wires) == 1
        assert len(stage.heard(events.Stale)) < 25
        assert not stage.heard(events.Gap)
        stage.wires[0].tell(TRADES, trade(60))
        await stage.wait(500)
        assert ids(reader) == list(range(1, 61))

    play(visit)


def test_trades_missed_in_a_silence_are_found_when_it_is_looked_into() -> None:
    """If this failed, a dead channel would pass for a quiet market."""

    async def visit(stage: Stage) -> None:
        reader = await reading(stage)
        for number in range(1, 60):
            stage.wires[0].tell(TRADES, trade(number))
            await stage.wait(250)
        stage.replies["/trades"] = tuple(span(59, 62))
        await stage.wait(8_000)
        assert ids(reader) == list(range(1, 63))
        assert reader.heard[-1].state == "STALE"

    play(visit)


def test_without_mending_a_hole_is_told_and_passed_over() -> None:
    """If this failed, a demonstration of what happens without mending would mend."""

    async def visit(stage: Stage) -> None:
        reader = await reading(stage)
        stage.wires[0].tell(TRADES, trade(1), trade(5), trade(6))
        assert ids(reader) == [1, 5, 6]
        assert "3 trades after 1 are gone" in stage.heard(events.Gap)[0].why
        assert not stage.asked("/trades")

    play(visit, mends=Mends(resync=False))


def test_an_impossible_trade_is_kept_aside_and_told() -> None:
    """If this failed, a corrupted price would be passed on as the market."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(TRADES)
        reader = await reading(stage)
        stage.wires[0].tell(TRADES, *span(1, 10), trade(11, price=1_000.0), trade(11, symbol="ETH/USDT"))
        assert ids(reader) == list(range(1, 11))
        assert feed.counts == {"jump": 1, "wrong symbol": 1}
        assert [event.label for event in stage.heard(events.Anomaly)] == ["jump", "wrong symbol"]
        assert len(feed.anomalies) == 2

    play(visit)


def test_a_slow_reader_of_trades_is_told_what_it_lost() -> None:
    """If this failed, a reader that fell behind would believe that it has every trade."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe()
        await stage.wait(20)
        stage.wires[0].tell(TRADES, *span(1, bus.QUEUE_MOST + 4))
        assert [event.count for event in stage.heard(events.Dropped)] == [1, 2, 4]

    play(visit)


# ---- the latest only


def mark(at_ms: int, price: float = 100.0) -> Mark:
    return Mark(venue="stage", symbol=BTC, venue_ns=at_ms * MS, seen_ns=0, price=price)


def test_what_an_overlapping_connection_repeats_is_dropped() -> None:
    """If this failed, a quote older than the one already told would take its place."""

    async def visit(stage: Stage) -> None:
        quotes, marks = await reading(stage, QUOTES), await reading(stage, MARKS)
        first, second = stage.wires
        first.tell(QUOTES, quote(1), quote(2))
        second.tell(QUOTES, quote(1), quote(2), quote(3))
        first.tell(MARKS, mark(1), mark(2))
        second.tell(MARKS, mark(2), mark(3))
        assert [one.seq for one in quotes.heard] == [1, 2, 3]
        assert [one.venue_ns // MS for one in marks.heard] == [1, 2, 3]

    play(visit, **DOUBLED)


def test_a_venue_that_counts_anew_is_heard_on_two_connections_too() -> None:
    """If this failed, doubled quotes would fall silent after a venue's maintenance, and be called stale for good."""

    async def visit(stage: Stage) -> None:
        quotes = await reading(stage, QUOTES)
        stage.wires[0].tell(QUOTES, quote(1_000))
        for wire in stage.wires:
            wire.drop()
        await stage.wait(1_000)
        stage.open_wires[0].tell(QUOTES, quote(1), quote(2))
        stage.open_wires[1].tell(QUOTES, quote(1), quote(2), quote(3))
        assert [one.seq for one in quotes.heard] == [1_000, 1, 2, 3]

    play(visit, **DOUBLED)


def test_a_single_connection_drops_nothing() -> None:
    """If this failed, two quotes of one moment would lose the second, which is the one that stands."""

    async def visit(stage: Stage) -> None:
        marks = await reading(stage, MARKS)
        stage.wires[0].tell(MARKS, mark(1, 100.0), mark(1, 100.5))
        assert [one.price for one in marks.heard] == [100.0, 100.5]

    play(visit)


def test_a_value_told_while_the_stream_is_not_trusted_says_so() -> None:
    """If this failed, a late value would look as fresh as any."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(QUOTES)
        quotes = await reading(stage, QUOTES)
        for number in range(1, 60):
            stage.wires[0].tell(QUOTES, quote(number))
            await stage.wait(250)
        await stage.wait(2_000)
        assert str(feed.state) == "STALE"
        stage.wires[0].tell(QUOTES, quote(60))
        assert quotes.heard[-1].state == "STALE"
        await stage.wait(300)
        stage.wires[0].tell(QUOTES, quote(61))
        assert quotes.heard[-1].state == "LIVE"
        assert [type(event) for event in stage.told[-2:]] == [events.Stale, events.Fresh]

    play(visit)
