"""The venue held against the books: what was lost on the way is found in one period, and nothing foreign is touched."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.core import facts
from fairlead.engine.private import Turn
from fairlead.engine.reckoner import EVERY_MS
from fairlead.errors import Held
from fairlead.model import events
from fairlead.model.account import Holding, Position
from fairlead.model.order import Life, Order
from fairlead.model.orders import OrderReport, OrderType, Status
from fairlead.wire.asks import Op
from tests.engine.harbour import BTC, SWAP, Harbour, ask, moor


async def placed(harbour: Harbour, **more: Any) -> str:
    return (await harbour.desk.place(ask(**more))).client_id


def order(harbour: Harbour, name: str) -> Order:
    return harbour.desk.track(name).order


@pytest.mark.parametrize("lost", ["fill", "report", "both"])
def test_what_the_stream_drops_is_found_in_a_period(lost: str) -> None:
    """If this failed, a fill that the stream dropped would never be counted (fault 38)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.trade_with(name, "10", fill_told=lost == "report", report_told=lost == "fill")
        await harbour.wait(EVERY_MS + 2_000)
        assert (order(harbour, name).life, order(harbour, name).filled) == (Life.FILLED, Decimal(10))
        told = [facts.read(body) for body in harbour.journal.bodies]
        assert sum(isinstance(one, facts.Traded) for one in told) == 1

    moor(visit)


def test_a_missing_fill_is_fetched_soon() -> None:
    """If this failed, a known gap would wait for the quiet period."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.trade_with(name, "10", fill_told=False)
        await harbour.wait(6_000)
        assert order(harbour, name).filled == Decimal(10)

    moor(visit)


def test_fills_told_twice_in_any_order_count_once() -> None:
    """If this failed, a repeated fill would be money that is not there (faults 22, 36, 37)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.streams = False
        fills = [harbour.trade_with(name, "5") for _ in range(2)]
        harbour.streams = True
        for fill in (*reversed(fills), *fills):
            harbour.say(fill)
        harbour.say(harbour.of(name))
        harbour.turn(Turn.MISSED)
        await harbour.wait(1_000)
        assert (order(harbour, name).life, order(harbour, name).filled) == (Life.FILLED, Decimal(10))

    moor(visit)


def test_after_a_new_hearing_everything_is_asked_for() -> None:
    """If this failed, what happened while the stream was away would stay unknown (faults 43, 44, 50)."""

    async def visit(harbour: Harbour) -> None:
        first, second = await placed(harbour), await placed(harbour)
        harbour.turn(Turn.LOST)
        harbour.streams = False
        harbour.trade_with(first, "4")
        harbour.end(second, Status.EXPIRED, reason="self trade")
        harbour.streams = True
        harbour.turn(Turn.JOINED)
        await harbour.wait(6_000)
        assert (order(harbour, first).life, order(harbour, first).filled) == (Life.PARTIAL, Decimal(4))
        assert (order(harbour, second).life, order(harbour, second).reason) == (Life.EXPIRED, "self trade")
        assert [one.why for one in harbour.heard(events.Deaf)] == ["lost"]

    moor(visit)


def test_a_silent_stream_does_not_hide_anything() -> None:
    """If this failed, an open socket that says nothing would be believed (fault 49)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.streams = False
        harbour.trade_with(name, "10")
        await harbour.wait(EVERY_MS + 2_000)
        assert order(harbour, name).filled == Decimal(10)

    moor(visit)


def test_an_order_that_vanished_has_ended_once_that_is_proven() -> None:
    """If this failed, an order that the venue has forgotten would stay open for ever."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.orders.clear()
        await harbour.wait(2 * EVERY_MS)
        assert order(harbour, name).life is Life.CANCELLED
        assert "2 complete readings" in order(harbour, name).reason
        assert harbour.desk.bench.account.frozen == {}

    moor(visit)


def test_foreign_orders_and_fills_are_shown_once_and_left_alone() -> None:
    """If this failed, a manual order would be taken for ours, or for an alarm each time (fault 46)."""

    async def visit(harbour: Harbour) -> None:
        await placed(harbour)
        harbour.accept(ask(client_id="by hand"))
        harbour.trade_with("by hand", "1")
        harbour.accept(ask(client_id="flzz99000000000009"))
        await harbour.wait(2 * EVERY_MS + 2_000)
        told = [(one.what, one.ours) for one in harbour.heard(events.Foreign)]
        assert sorted(told) == [("fill", False), ("order", False), ("order", True)]
        assert len(harbour.desk.bench.account.tracks) == 1
        assert harbour.desk.bench.account.frozen == {}
        assert harbour.count(Op.CANCEL) == 0

    moor(visit)


def test_an_order_of_our_name_that_the_journal_lacks_is_taken_over() -> None:
    """If this failed, an older journal would leave orders at the venue that nobody knows (I1, fault 108)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.trade_with(name, "4")
        await harbour.wait(100)
        lost = [body for body in harbour.journal.bodies if name.encode() in body]
        harbour.journal.bodies = [body for body in harbour.journal.bodies if body not in lost]
        await harbour.again()
        await harbour.wait(EVERY_MS)
        assert (order(harbour, name).life, order(harbour, name).filled) == (Life.PARTIAL, Decimal(4))
        assert [one.label for one in harbour.heard(events.OrderOdd)] == ["not in the journal"]
        assert await placed(harbour) > name

    moor(visit)


@pytest.mark.parametrize("older", [True, False])
def test_an_older_journal_is_made_whole_from_the_venues_history(older: bool) -> None:
    """If this failed, an order that ended after the backup was made would be in no book (I1, fault 108)."""

    async def visit(harbour: Harbour) -> None:
        first = await placed(harbour)
        name = await placed(harbour)
        harbour.trade_with(name, "10")
        await harbour.wait(100)
        harbour.journal.bodies = [body for body in harbour.journal.bodies if name.encode() not in body]
        harbour.journal.older = older
        await harbour.again()
        await harbour.wait(EVERY_MS)
        assert (name in harbour.desk.bench.account.tracks) is older
        assert harbour.desk.reckoner.looks_back is False
        if older:
            assert (order(harbour, name).life, order(harbour, name).filled) == (Life.FILLED, Decimal(10))
        assert order(harbour, first).life is Life.OPEN

    moor(visit)


def test_what_does_not_agree_freezes_its_symbol_alone_until_it_agrees() -> None:
    """If this failed, we would trade on where the venue and we differ, or never again (I21)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.trade_with(name, "10", fill_told=False)
        hidden, harbour.fills = harbour.fills, []
        await harbour.wait(EVERY_MS)
        assert BTC in harbour.desk.bench.account.frozen
        with pytest.raises(Held, match="counts 10"):
            await harbour.desk.place(ask())
        await harbour.desk.place(ask(symbol=SWAP))
        harbour.fills = hidden
        await harbour.wait(EVERY_MS)
        assert harbour.desk.bench.account.frozen == {}
        assert order(harbour, name).filled == Decimal(10)
        await harbour.desk.place(ask())
        assert [one.symbol for one in harbour.heard(events.Agreed)] == [BTC]

    moor(visit)


def test_a_freeze_outlives_a_restart() -> None:
    """If this failed, a restart would forget that something is wrong."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.trade_with(name, "10", fill_told=False)
        hidden, harbour.fills = harbour.fills, []
        await harbour.wait(EVERY_MS)
        await harbour.again()
        with pytest.raises(Held, match="counts 10"):
            await harbour.desk.place(ask())
        harbour.fills = hidden
        await harbour.wait(EVERY_MS)
        await harbour.desk.place(ask())

    moor(visit)


def test_two_orders_of_one_name_are_noticed() -> None:
    """If this failed, a doubled order would trade behind the first one (I2)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        twin = replace(harbour.of(name), order_id="77")
        harbour.orders["77"], harbour._born_ms["77"] = twin, 0
        harbour.say(twin)
        await harbour.wait(100)
        assert [one.label for one in harbour.heard(events.OrderOdd)] == ["twin"]
        assert BTC in harbour.desk.bench.account.frozen
        await harbour.wait(2 * EVERY_MS)
        assert BTC in harbour.desk.bench.account.frozen
        assert len(harbour.heard(events.OrderOdd)) == 1
        await harbour.desk.cancel_all()
        await harbour.wait(10)
        assert {one.status for one in harbour.orders.values()} == {Status.CANCELLED}
        await harbour.wait(EVERY_MS)
        assert harbour.desk.bench.account.frozen == {}

    moor(visit)


def test_a_fill_that_cannot_be_is_not_counted() -> None:
    """If this failed, a spoilt number would become money (fault 40)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.streams = False
        fill = harbour.trade_with(name, "4")
        harbour.streams = True
        harbour.say(replace(fill, qty=Decimal(-4), client_id=name))
        await harbour.wait(100)
        assert order(harbour, name).filled == 0
        assert harbour.heard(events.Strange)
        await harbour.wait(EVERY_MS + 2_000)
        assert order(harbour, name).filled == Decimal(4)

    moor(visit)


def test_a_fill_told_again_under_another_id_is_taken_back() -> None:
    """If this failed, a correction would count twice, or freeze its market for ever (fault 39)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour, symbol=SWAP)
        fill = harbour.trade_with(name, "4")
        harbour.position = Decimal(4)
        harbour.say(replace(fill, id="corrected", client_id=name))
        await harbour.wait(100)
        assert order(harbour, name).filled == Decimal(8)
        await harbour.wait(2 * EVERY_MS)
        harbour.say(replace(fill, id="corrected", client_id=name))
        await harbour.wait(EVERY_MS)
        assert order(harbour, name).filled == Decimal(4)
        assert harbour.desk.bench.account.frozen == {}
        assert "fill taken back" in [one.label for one in harbour.heard(events.OrderOdd)]
        await harbour.again()
        assert order(harbour, name).filled == Decimal(4)

    moor(visit)


def test_a_fill_that_names_only_the_venues_order_is_ours() -> None:
    """If this failed, a fill before the answer would be taken for somebody else's (fault 22)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        harbour.mishap(Op.PLACE, "reply lost")
        harbour.mishap(Op.ORDER, *["down"] * 2)
        name = await placed(harbour)
        fill = harbour.trade_with(name, "4")
        harbour.streams = True
        harbour.say(fill)
        await harbour.wait(6_000)
        assert order(harbour, name).filled == Decimal(4)
        assert harbour.heard(events.Foreign) == []

    moor(visit)


def test_a_fill_of_more_than_the_order_is_read_anew_and_not_counted() -> None:
    """If this failed, one wrong digit of the stream would be held, and its symbol frozen, for ever (fault 40)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        fill = harbour.trade_with(name, "10", fill_told=False)
        harbour.say(replace(fill, client_id=name, qty=Decimal(1_000)))
        await harbour.wait(5_000)
        assert (order(harbour, name).life, order(harbour, name).filled) == (Life.FILLED, Decimal(10))
        assert harbour.heard(events.Strange)
        assert harbour.desk.bench.account.frozen == {}

    moor(visit)


def test_a_position_that_fills_do_not_explain_freezes_until_it_is_said_again() -> None:
    """If this failed, a liquidation or another program would go unnoticed (faults 47, 48)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour, symbol=SWAP)
        harbour.trade_with(name, "10")
        harbour.position = Decimal(10)
        await harbour.wait(2 * EVERY_MS)
        assert harbour.desk.bench.account.frozen == {}
        harbour.position = Decimal(3)
        harbour.say(Position(venue="stage", symbol=SWAP, qty=Decimal(3)))
        await harbour.wait(3_000)
        assert [one.symbol for one in harbour.heard(events.Disagreed)] == [SWAP]
        await harbour.wait(2 * EVERY_MS)
        assert harbour.desk.bench.account.frozen == {}
        assert {one.symbol: one.qty for one in harbour.desk.funds.positions.values()} == {SWAP: Decimal(3)}

    moor(visit)


def test_a_balance_that_the_stream_told_otherwise_is_corrected_and_told() -> None:
    """If this failed, a dropped balance would be believed for ever."""

    async def visit(harbour: Harbour) -> None:
        harbour.say(Holding(venue="stage", asset="BTC", total=Decimal(7), free=Decimal(7)))
        assert harbour.desk.funds.balances["BTC"].total == Decimal(7)
        await harbour.wait(EVERY_MS + 2_000)
        assert harbour.desk.funds.balances["BTC"].total == Decimal(10)
        (one,) = harbour.heard(events.Corrected)
        assert (one.name, one.heard, one.shown) == ("BTC", "7", "10")

    moor(visit)


def test_a_reading_that_is_not_whole_is_told_and_tried_again() -> None:
    """If this failed, half a list would pass for agreement (fault 35)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.blind = {Op.OPEN_ORDERS}
        await harbour.wait(EVERY_MS + 1_000)
        assert harbour.heard(events.Unreconciled)
        assert order(harbour, name).life is Life.OPEN
        harbour.blind = set()
        before = len(harbour.heard(events.Reconciled))
        await harbour.wait(6_000)
        assert len(harbour.heard(events.Reconciled)) > before

    moor(visit)


def test_a_report_of_an_order_without_our_name_is_left_alone() -> None:
    """If this failed, any order of the account would wake a reading of everything."""

    async def visit(harbour: Harbour) -> None:
        before = harbour.count(Op.OPEN_ORDERS)
        harbour.say(OrderReport(venue="stage", symbol=BTC, order_id="5", status=Status.OPEN, type=OrderType.LIMIT))
        await harbour.wait(1_000)
        assert harbour.count(Op.OPEN_ORDERS) == before

    moor(visit)
