"""Cancels and amendments: repeated until the venue shows an end, never taken for done because it said yes."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from fairlead.core.limits import Limits
from fairlead.errors import Held, NotSent, Refused, RiskRefused, UnknownName
from fairlead.model import events
from fairlead.model.order import Life
from fairlead.model.orders import Status
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskAmend
from tests.engine.harbour import BTC, Harbour, ask, moor


async def placed(harbour: Harbour) -> str:
    return (await harbour.desk.place(ask())).client_id


def amend(name: str, **more: Any) -> AskAmend:
    return AskAmend(symbol=BTC, client_id=name, **more)


def test_a_cancel_is_done_when_the_venue_shows_it() -> None:
    """If this failed, an order that still trades would be taken for gone."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        await harbour.desk.cancel(name)
        await harbour.wait(10)
        assert harbour.desk.track(name).order.life is Life.CANCELLED
        assert (await harbour.desk.cancel(name)).life is Life.CANCELLED
        assert harbour.count(Op.CANCEL) == 1

    moor(visit)


@pytest.mark.parametrize("mishap", ["reply lost", "reply spoilt", "never arrived", "unknown"])
def test_a_cancel_without_an_answer_is_found_out_and_repeated(mishap: str) -> None:
    """If this failed, an order would stay open that somebody wanted gone (fault 27)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.streams = False
        harbour.mishap(Op.CANCEL, mishap)
        order = await harbour.desk.cancel(name)
        assert (order.life, order.cancelling) == (Life.OPEN, True)
        assert [one.what for one in harbour.heard(events.OrderUnknown)] == ["cancel"]
        await harbour.wait(15_000)
        assert len(harbour.heard(events.OrderSettled)) == 1
        assert harbour.desk.track(name).order.life is Life.CANCELLED
        assert harbour.of(name).status is Status.CANCELLED

    moor(visit)


def test_no_such_order_is_no_cancel() -> None:
    """If this failed, an order that was filled meanwhile would be called cancelled (fault 28)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.streams = False
        harbour.trade_with(name, "10")
        order = await harbour.desk.cancel(name)
        assert order.life is Life.OPEN
        await harbour.wait(5_000)
        order = harbour.desk.track(name).order
        assert (order.life, order.filled) == (Life.FILLED, Decimal(10))

    moor(visit)


def test_a_refused_cancel_says_so_and_leaves_the_order() -> None:
    """If this failed, a no would look like a cancel."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.mishap(Op.CANCEL, "refused")
        with pytest.raises(Refused, match="no money"):
            await harbour.desk.cancel(name)
        assert harbour.desk.track(name).order.cancelling is False
        harbour.mishap(Op.CANCEL, "not sent")
        with pytest.raises(NotSent):
            await harbour.desk.cancel(name)
        assert harbour.desk.track(name).order.life is Life.OPEN

    moor(visit)


def test_an_order_in_doubt_is_cancelled_once_it_is_found() -> None:
    """If this failed, a cancel of an order nobody has seen yet would be forgotten."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams, harbour.lag_ms = False, 2_000
        harbour.mishap(Op.PLACE, "late")
        name = await placed(harbour)
        await harbour.desk.cancel(name)
        assert harbour.desk.track(name).order.life is Life.UNKNOWN
        await harbour.wait(20_000)
        assert harbour.desk.track(name).order.life is Life.CANCELLED
        assert harbour.of(name).status is Status.CANCELLED

    moor(visit)


def test_all_of_ours_are_cancelled_and_nobody_elses() -> None:
    """If this failed, somebody's manual order would go with ours, or one of ours would stay."""

    async def visit(harbour: Harbour) -> None:
        names = [await placed(harbour) for _ in range(3)]
        harbour.accept(ask(client_id="by hand"))
        harbour.mishap(Op.CANCEL, "refused")
        await harbour.desk.cancel_all()
        await harbour.wait(100)
        open_ = {one.client_id for one in harbour.orders.values() if not one.status.is_final}
        assert open_ == {names[0], "by hand"}
        assert [one.label for one in harbour.heard(events.OrderOdd)] == ["not cancelled"]
        assert await harbour.desk.cancel_all("BTC/USDT:USDT") == ()

    moor(visit)


def test_an_amendment_is_done_when_the_venue_shows_it() -> None:
    """If this failed, the effective price would be the wished one (fault 26)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        await harbour.desk.amend(amend(name, price=Decimal(99)))
        await harbour.wait(10)
        order = harbour.desk.track(name).order
        assert (order.price, order.amending) == (Decimal(99), False)

    moor(visit)


@pytest.mark.parametrize(("mishap", "price"), [("reply lost", 99), ("never arrived", 100)])
def test_an_amendment_without_an_answer_is_read_from_the_venue(mishap: str, price: int) -> None:
    """If this failed, an order would trade at another price than we think (fault 26)."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.streams = False
        harbour.mishap(Op.AMEND, mishap)
        order = await harbour.desk.amend(amend(name, price=Decimal(99)))
        assert order.amending is True
        await harbour.wait(30_000)
        order = harbour.desk.track(name).order
        assert (order.price, order.amending, order.life) == (Decimal(price), False, Life.OPEN)
        assert harbour.count(Op.AMEND) == 1

    moor(visit)


def test_a_refused_amendment_leaves_the_order_as_it_is() -> None:
    """If this failed, an amendment that was refused would stay reserved for ever."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        for mishap, error in (("refused", Refused), ("not sent", NotSent)):
            harbour.mishap(Op.AMEND, mishap)
            with pytest.raises(error):
                await harbour.desk.amend(amend(name, price=Decimal(99)))
            order = harbour.desk.track(name).order
            assert (order.price, order.amending) == (Decimal(100), False)

    moor(visit)


def test_a_larger_order_is_judged_by_the_limits() -> None:
    """If this failed, an amendment could go where a new order may not."""

    async def visit(harbour: Harbour) -> None:
        harbour.limits = Limits(order_qty=Decimal(15))
        await harbour.again()
        name = await placed(harbour)
        with pytest.raises(RiskRefused, match="order_qty"):
            await harbour.desk.amend(amend(name, qty=Decimal(20)))
        assert harbour.count(Op.AMEND) == 0

    moor(visit)


def test_the_kill_switch_cancels_ours_refuses_new_ones_and_stays_on() -> None:
    """If this failed, a thrown switch would let an order out, or be forgotten by a restart."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.wait_ms = 500
        waiting = asyncio.create_task(harbour.desk.place(ask()))
        await harbour.wait(100)
        await harbour.desk.throw("enough")
        with pytest.raises(RiskRefused, match="kill switch"):
            await waiting
        harbour.wait_ms = 0
        await harbour.wait(10)
        assert harbour.of(name).status is Status.CANCELLED
        assert len(harbour.orders) == 1
        await harbour.again()
        with pytest.raises(RiskRefused, match="enough"):
            await harbour.desk.place(ask())
        await harbour.desk.release("looked at it")
        await harbour.desk.place(ask())
        assert [one.on for one in harbour.heard(events.SwitchThrown)] == [True, False]

    moor(visit)


def test_an_order_on_its_way_when_the_switch_is_thrown_is_cancelled_when_it_arrives() -> None:
    """If this failed, the order that left a moment before would be the one that stays."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "slow")
        work = asyncio.create_task(harbour.desk.place(ask()))
        await harbour.wait(100)
        await harbour.desk.throw("enough")
        assert harbour.orders == {}
        order = await work
        await harbour.wait(3_000)
        assert harbour.of(order.client_id).status is Status.CANCELLED
        assert harbour.desk.track(order.client_id).order.life is Life.CANCELLED

    moor(visit)


@pytest.mark.parametrize("how", ["cancel", "throw"])
def test_what_is_stopped_while_the_disk_is_busy_does_not_leave(how: str) -> None:
    """If this failed, a cancel would be answered with yes and the order would leave a moment later."""

    async def visit(harbour: Harbour) -> None:
        append = harbour.journal.append

        async def slow(bodies: Any) -> int:
            last = await append(bodies)
            await harbour.wait(100)
            return last

        harbour.journal.append = slow  # type: ignore[method-assign]
        work = asyncio.create_task(harbour.desk.place(ask()))
        await harbour.wait(50)
        harbour.journal.append = append  # type: ignore[method-assign]
        if how == "cancel":
            (name,) = harbour.desk._placing._pending
            assert (await harbour.desk.cancel(name)).life is Life.INTENT
        else:
            await harbour.desk.throw("enough")
        with pytest.raises(Held):
            await work
        assert harbour.orders == {}
        assert [track.order.life for track in harbour.desk.bench.account.tracks.values()] == [Life.ABANDONED]

    moor(visit)


def test_the_kill_switch_works_with_a_full_disk() -> None:
    """If this failed, the moment of trouble would be the one in which the switch does not work."""

    async def visit(harbour: Harbour) -> None:
        name = await placed(harbour)
        harbour.journal.fails = 4
        await harbour.desk.throw("the disk is full")
        assert harbour.of(name).status is Status.CANCELLED
        with pytest.raises(RiskRefused):
            await harbour.desk.place(ask())
        await harbour.wait(10_000)
        await harbour.again()
        with pytest.raises(RiskRefused, match="disk is full"):
            await harbour.desk.place(ask())

    moor(visit)


def test_an_order_that_nobody_knows_cannot_be_changed() -> None:
    """If this failed, a typo would go to the venue."""

    async def visit(harbour: Harbour) -> None:
        with pytest.raises(UnknownName):
            await harbour.desk.cancel("flab12000000000009")

    moor(visit)
