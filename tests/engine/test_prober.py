"""How a doubt about an order ends, on a venue that loses, delays, lies and is down: by evidence, and in time."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.engine.placing import Wanted
from fairlead.engine.timing import VenueTime
from fairlead.errors import Held
from fairlead.model import events
from fairlead.model.order import Life
from fairlead.model.orders import Status
from fairlead.wire.asks import Op
from fairlead.wire.venue import Settle
from tests.engine.harbour import SETTLED_MS, Harbour, ask, moor


@pytest.mark.parametrize("mishap", ["reply lost", "reply spoilt", "late"])
def test_an_order_whose_answer_is_lost_is_found(mishap: str) -> None:
    """If this failed, an order at the venue would pass for failed (faults 3, 4, 7 to 10, 12, 77)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        harbour.mishap(Op.PLACE, mishap)
        order = await harbour.desk.place(ask())
        assert order.life is Life.UNKNOWN
        await harbour.wait(8_000)
        order = harbour.desk.track(order.client_id).order
        assert (order.life, order.order_id, len(harbour.orders)) == (Life.OPEN, "1", 1)
        assert [one.client_id for one in harbour.heard(events.OrderUnknown)] == [order.client_id]
        assert [one.life for one in harbour.heard(events.OrderSettled)] == ["OPEN"]

    moor(visit)


@pytest.mark.parametrize("mishap", ["never arrived", "unknown"])
def test_an_order_that_never_arrived_is_proven_absent_and_not_sent_again(mishap: str) -> None:
    """If this failed, silence would stay doubt for ever, or become a guess (faults 2, 10)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, mishap)
        order = await harbour.desk.place(ask())
        await harbour.wait(SETTLED_MS - 500)
        assert harbour.desk.track(order.client_id).order.life is Life.UNKNOWN
        await harbour.wait(30_000)
        order = harbour.desk.track(order.client_id).order
        assert (order.life, harbour.count(Op.PLACE)) == (Life.NOT_ACCEPTED, 1)
        assert "2 complete readings" in order.reason

    moor(visit)


def test_many_doubts_share_the_dear_readings() -> None:
    """If this failed, many orders in doubt would wait for leave to be found out, each behind the others."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, *["never arrived"] * 20)
        await asyncio.gather(*(harbour.desk.place(ask()) for _ in range(20)))
        before = harbour.count(Op.ORDERS)
        await harbour.wait(20_000)
        lives = {track.order.life for track in harbour.desk.bench.account.tracks.values()}
        assert lives == {Life.NOT_ACCEPTED}
        assert harbour.count(Op.ORDERS) - before <= 6

    moor(visit)


def test_a_venue_that_finds_no_order_by_our_name_is_asked_for_its_lists() -> None:
    """If this failed, a lost answer could not be found out where only the venue's own ids are known."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        harbour.mishap(Op.PLACE, "reply lost", "never arrived")
        found, gone = [await harbour.desk.place(ask()) for _ in range(2)]
        await harbour.wait(30_000)
        assert harbour.desk.track(found.client_id).order.life is Life.OPEN
        assert harbour.desk.track(gone.client_id).order.life is Life.NOT_ACCEPTED

    moor(visit, can=frozenset())


def test_it_is_sent_again_only_if_that_was_wished_and_proven() -> None:
    """If this failed, an order could be doubled, or the wish to repeat it be forgotten."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        order = await harbour.desk.place(ask(), Wanted(resend_for_ms=60_000))
        await harbour.wait(30_000)
        order = harbour.desk.track(order.client_id).order
        assert (order.life, order.attempt, harbour.count(Op.PLACE)) == (Life.OPEN, 2, 2)
        assert len(harbour.orders) == 1

    moor(visit)


def test_a_wish_to_repeat_ends_with_its_time() -> None:
    """If this failed, an order could be sent when nobody wants it any more."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        order = await harbour.desk.place(ask(), Wanted(resend_for_ms=2_000))
        await harbour.wait(30_000)
        assert harbour.desk.track(order.client_id).order.life is Life.NOT_ACCEPTED
        assert harbour.count(Op.PLACE) == 1

    moor(visit)


def test_a_lying_venue_is_adopted_frozen_and_told() -> None:
    """If this failed, an order accepted past its fence would trade unseen (fault 6)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "lying")
        order = await harbour.desk.place(ask())
        harbour.lies(order.client_id)
        await harbour.wait(19_000)
        assert harbour.desk.track(order.client_id).order.life is Life.NOT_ACCEPTED
        await harbour.wait(2_000)
        order = harbour.desk.track(order.client_id).order
        assert (order.life, order.late) == (Life.OPEN, True)
        assert [one.client_id for one in harbour.heard(events.OrderLate)] == [order.client_id]
        with pytest.raises(Held, match="do not agree"):
            await harbour.desk.place(ask())
        await harbour.wait(60_000)
        await harbour.desk.place(ask())

    moor(visit)


def test_a_duplicate_name_that_is_new_stops_the_account_until_it_is_found_out() -> None:
    """If this failed, a second process under our names could trade on beside us (fault 18)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "duplicate")
        order = await harbour.desk.place(ask())
        assert order.life is Life.UNKNOWN
        with pytest.raises(Held, match="do not agree"):
            await harbour.desk.place(ask(symbol="BTC/USDT:USDT"))
        assert [one.label for one in harbour.heard(events.OrderOdd)] == ["duplicate"]
        await harbour.wait(60_000)
        assert harbour.desk.track(order.client_id).order.life is Life.NOT_ACCEPTED
        await harbour.desk.place(ask())

    moor(visit)


def test_a_duplicate_after_a_doubt_is_the_first_one() -> None:
    """If this failed, the second attempt's refusal would hide the first one's success (fault 19)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived", "there already")
        order = await harbour.desk.place(ask(), Wanted(resend_for_ms=60_000))
        await harbour.wait(60_000)
        order = harbour.desk.track(order.client_id).order
        assert (order.life, len(harbour.orders), order.attempt) == (Life.OPEN, 1, 2)

    moor(visit)


def test_what_the_venue_claims_to_have_is_never_sent_a_third_time() -> None:
    """If this failed, an order in no reading would be sent until it is filled, and the next attempt would double it."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams, harbour.lag_ms = False, 60_000
        harbour.mishap(Op.PLACE, "reply lost")
        order = await harbour.desk.place(ask(), Wanted(resend_for_ms=90_000))
        await harbour.wait(90_000)
        assert (len(harbour.orders), harbour.count(Op.PLACE)) == (1, 2)
        assert harbour.desk.track(order.client_id).order.life is Life.OPEN

    moor(visit)


def test_an_answer_for_another_order_is_no_answer() -> None:
    """If this failed, two orders would share one answer (fault 20)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        harbour.mishap(Op.PLACE, "crossed")
        order = await harbour.desk.place(ask())
        assert order.life is Life.UNKNOWN
        assert "flzz99000000000009" in harbour.heard(events.OrderUnknown)[0].why
        await harbour.wait(1_000)
        assert harbour.desk.track(order.client_id).order.order_id == "1"

    moor(visit)


def test_without_a_measured_clock_nothing_is_proven() -> None:
    """If this failed, a wrong clock of ours would end a doubt before the venue's fence is over (I15, fault 80)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        order = await harbour.desk.place(ask())
        harbour.time = harbour.desk.bench.time = VenueTime(harbour.clock)
        await harbour.wait(120_000)
        assert harbour.desk.track(order.client_id).order.life is Life.UNKNOWN
        harbour.measure()
        await harbour.wait(30_000)
        assert harbour.desk.track(order.client_id).order.life is Life.NOT_ACCEPTED

    moor(visit)


def test_a_venue_without_fences_leaves_the_doubt() -> None:
    """If this failed, silence of a venue that knows no deadline would pass for proof."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        order = await harbour.desk.place(ask())
        await harbour.wait(600_000)
        assert (order.until_ms, harbour.desk.track(order.client_id).order.life) == (0, Life.UNKNOWN)
        assert len(harbour.heard(events.OrderUnknown)) > 3

    moor(visit, settle=Settle(0, 0, 2_000, 1_000))


@pytest.mark.parametrize("blind", [Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS, Op.ORDER])
def test_a_reading_that_is_not_whole_proves_nothing(blind: Op) -> None:
    """If this failed, absence from a partial answer would count (faults 33 to 35)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        harbour.blind = {blind}
        order = await harbour.desk.place(ask())
        await harbour.wait(120_000)
        assert harbour.desk.track(order.client_id).order.life is Life.UNKNOWN
        harbour.blind = set()
        await harbour.wait(30_000)
        assert harbour.desk.track(order.client_id).order.life is Life.NOT_ACCEPTED

    moor(visit)


def test_readings_that_lag_do_not_hide_an_order() -> None:
    """If this failed, one reading from a mirror that lags would be believed (fault 33)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams, harbour.lag_ms = False, 4_000
        harbour.mishap(Op.PLACE, "reply lost")
        order = await harbour.desk.place(ask())
        await harbour.wait(30_000)
        assert harbour.desk.track(order.client_id).order.life is Life.OPEN

    moor(visit)


def test_while_the_venue_is_down_the_doubt_stays_and_ends_soon_after() -> None:
    """If this failed, an unknown order would be given up, or be found out too late (faults 34, I3, I10)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        harbour.down = True
        order = await harbour.desk.place(ask())
        await harbour.wait(100_000)
        assert harbour.desk.track(order.client_id).order.life is Life.UNKNOWN
        harbour.down = False
        await harbour.wait(30_000)
        assert harbour.desk.track(order.client_id).order.life is Life.NOT_ACCEPTED

    moor(visit)


def test_a_report_that_cannot_be_ends_no_doubt() -> None:
    """If this failed, one spoilt answer to a look would leave an order in doubt for ever (fault 40)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        harbour.mishap(Op.PLACE, "reply lost")
        order = await harbour.desk.place(ask())
        [(number, real)] = harbour.orders.items()
        harbour.orders[number] = replace(real, qty=Decimal(-1))
        await harbour.wait(1_000)
        harbour.orders[number] = real
        harbour.end(order.client_id, Status.CANCELLED)
        await harbour.wait(60_000)
        assert harbour.desk.track(order.client_id).order.life is Life.CANCELLED

    moor(visit)


@pytest.mark.parametrize("op", [Op.ORDER, Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS])
def test_an_error_of_ours_in_a_look_does_not_end_the_looking(op: Op) -> None:
    """If this failed, an order in doubt would be looked for no more until the next start, its worst case reserved."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        order = await harbour.desk.place(ask())
        errand, errors = harbour.errand, [ValueError("a defect")]

        async def spoilt(asked_op: Op, *args: Any, **more: Any) -> Any:
            if asked_op is op and errors:
                raise errors.pop()
            return await errand(asked_op, *args, **more)

        harbour.errand = spoilt  # type: ignore[method-assign, assignment]
        await harbour.wait(60_000)
        assert harbour.desk.track(order.client_id).order.life is Life.NOT_ACCEPTED
        assert any("a defect" in blunder for blunder in harbour.blunders)
        harbour.blunders.clear()

    moor(visit)
