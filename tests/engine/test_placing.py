"""An order from the wish to the venue: written first, sent once, and whatever happens to the answer, found out."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.core import facts
from fairlead.core.limits import Limits
from fairlead.engine.placing import Wanted
from fairlead.errors import Error, Held, JournalFailed, Misuse, NotSent, Refused, RiskRefused
from fairlead.model import events
from fairlead.model.order import Life
from fairlead.model.orders import Fill, OrderReport, Status
from fairlead.wire.asks import Op
from tests.engine.harbour import BTC, Harbour, ask, moor


def lines(harbour: Harbour) -> list[str]:
    return [type(facts.read(body)).__name__ for body in harbour.journal.bodies]


def test_an_order_is_on_disk_before_it_leaves_and_its_answer_before_it_is_told() -> None:
    """If this failed, a crash could forget an order that is at the venue."""

    async def visit(harbour: Harbour) -> None:
        told: list[Life] = []
        harbour.desk.bench.orders.add(lambda order: told.append(order.life), lambda _: None)
        order = await harbour.desk.place(ask())
        assert (order.life, order.attempt) == (Life.OPEN, 1)
        assert lines(harbour)[1:4] == ["Intended", "Sending", "Reported"]
        assert told[:3] == [Life.INTENT, Life.SENDING, Life.OPEN]
        (_, _, asked) = next(one for one in harbour.asked if one[1] is Op.PLACE)
        assert (asked.client_id, asked.window_ms) == (order.client_id, 5_000)
        assert asked.until_ms == order.until_ms

    moor(visit)


def test_a_refusal_is_final_and_says_why() -> None:
    """If this failed, a refused order would be reserved for ever, or retried."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "refused")
        with pytest.raises(Refused, match="no money") as raised:
            await harbour.desk.place(ask())
        assert (raised.value.kind, raised.value.code) == ("FUNDS", "-2010")
        assert [track.order.life for track in harbour.desk.bench.account.tracks.values()] == [Life.REJECTED]
        assert harbour.running == ()

    moor(visit)


def test_a_refused_order_that_the_venue_shows_nevertheless_is_late() -> None:
    """If this failed, a wrong no would hide an order that trades (fault 23 the other way round)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "refused")
        with pytest.raises(Refused):
            await harbour.desk.place(ask())
        (track,) = harbour.desk.bench.account.tracks.values()
        harbour.accept(track.intended.asked)
        await harbour.wait(10)
        assert (track.order.life, track.order.late) == (Life.OPEN, True)
        harbour.end(track.order.client_id, Status.REJECTED)
        await harbour.wait(10)
        assert track.order.life is Life.REJECTED

    moor(visit)


def test_nothing_sent_is_given_up_and_told() -> None:
    """If this failed, an order that never left would be called unknown (faults 1, 74)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "not sent")
        with pytest.raises(NotSent):
            await harbour.desk.place(ask())
        assert [track.order.life for track in harbour.desk.bench.account.tracks.values()] == [Life.ABANDONED]

    moor(visit)


def test_an_order_that_waits_for_leave_is_on_disk_and_given_up_when_too_late() -> None:
    """If this failed, an order could leave long after it was wanted."""

    async def visit(harbour: Harbour) -> None:
        harbour.wait_ms = 3_000
        work = asyncio.create_task(harbour.desk.place(ask(), Wanted(wait_ms=1_000)))
        await harbour.wait(100)
        assert lines(harbour)[-1] == "Intended"
        with pytest.raises(NotSent):
            await work
        assert lines(harbour)[-1] == "Unsent"
        harbour.wait_ms = 0

    moor(visit)


def test_an_order_that_waits_can_be_withdrawn() -> None:
    """If this failed, a cancel would say yes and the order would leave a moment later."""

    async def visit(harbour: Harbour) -> None:
        harbour.wait_ms = 3_000
        work = asyncio.create_task(harbour.desk.place(ask()))
        await harbour.wait(100)
        (name,) = harbour.running
        assert (await harbour.desk.cancel(name)).life is Life.INTENT
        with pytest.raises(Held, match="withdrawn"):
            await work
        assert harbour.desk.track(name).order.life is Life.ABANDONED
        assert harbour.orders == {}
        harbour.wait_ms = 0

    moor(visit)


def test_the_limits_count_what_is_under_way_and_what_is_unknown() -> None:
    """If this failed, orders sent at one time, or in doubt, would together go past a limit (I10)."""

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "never arrived")
        results = await asyncio.gather(*(harbour.desk.place(ask()) for _ in range(3)), return_exceptions=True)
        assert [isinstance(one, RiskRefused) for one in results] == [False, False, True]
        with pytest.raises(RiskRefused):
            await harbour.desk.place(ask())
        await harbour.wait(30_000)
        assert len(harbour.orders) == 1
        await harbour.desk.place(ask())

    async def visit_limited(harbour: Harbour) -> None:
        harbour.limits = Limits(open_notional=Decimal(2_000))
        await harbour.again()
        await visit(harbour)

    moor(visit_limited)


def test_an_order_under_way_counts_once() -> None:
    """If this failed, the limits would refuse what they allow while an order is on its way."""

    async def visit(harbour: Harbour) -> None:
        harbour.limits = Limits(open_notional=Decimal(2_000), per_second=2)
        await harbour.again()
        harbour.wait_ms = 500
        first = asyncio.create_task(harbour.desk.place(ask()))
        await harbour.wait(100)
        assert (await harbour.desk.place(ask())).life is Life.OPEN
        assert (await first).life is Life.OPEN
        harbour.wait_ms = 0

    moor(visit)


def test_a_wish_asked_again_by_its_name_is_the_same_order() -> None:
    """If this failed, a bot that repeats itself would trade twice (I25, fault 132)."""

    async def visit(harbour: Harbour) -> None:
        first, second = await asyncio.gather(
            harbour.desk.place(ask(), Wanted(key="morning")), harbour.desk.place(ask(), Wanted(key="morning"))
        )
        assert first.client_id == second.client_id
        await harbour.again()
        again = await harbour.desk.place(ask(), Wanted(key="morning"))
        assert (again.client_id, len(harbour.orders)) == (first.client_id, 1)
        with pytest.raises(Misuse, match="stands for another order"):
            await harbour.desk.place(ask(qty=Decimal(1)), Wanted(key="morning"))

    moor(visit)


def test_who_asked_may_give_up_waiting_and_the_order_is_still_written_down() -> None:
    """If this failed, a timeout in a bot would lose an order's answer."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(harbour.desk.place(ask()), 0.002)
        await harbour.wait(100)
        assert [order.life for order in harbour.desk.running()] == [Life.OPEN]

    moor(visit)


@pytest.mark.parametrize("fails", ["full", "unsound"])
def test_what_cannot_be_written_down_is_not_sent(fails: str) -> None:
    """If this failed, an order could be at a venue and in no journal (faults 103, 105)."""

    async def visit(harbour: Harbour) -> None:
        if fails == "full":
            harbour.journal.fails = 3
        else:
            harbour.journal.is_sound = False
        with pytest.raises(JournalFailed):
            await harbour.desk.place(ask())
        assert harbour.count(Op.PLACE) == 0
        assert harbour.heard(events.JournalDown)
        with pytest.raises(JournalFailed):
            await harbour.desk.place(ask())
        await harbour.wait(3_000)
        order = await harbour.desk.place(ask())
        assert order.life is Life.OPEN
        assert len(harbour.heard(events.JournalUp)) == 1

    moor(visit)


def test_lines_of_a_failed_sync_that_are_there_after_all_are_known_and_given_up() -> None:
    """If this failed, the next process would know an order that this one does not (I20)."""

    async def visit(harbour: Harbour) -> None:
        harbour.journal.is_sound, harbour.journal.keeps = False, True
        with pytest.raises(JournalFailed):
            await harbour.desk.place(ask())
        await harbour.wait(3_000)
        before = harbour.desk.bench.account.orders()
        assert [order.life for order in before] == [Life.ABANDONED]
        await harbour.again()
        assert harbour.desk.bench.account.orders() == before
        assert harbour.count(Op.PLACE) == 0

    moor(visit)


def test_an_answer_that_cannot_be_written_stops_new_orders_and_is_written_later() -> None:
    """If this failed, an acknowledgement lost to a full disk would be forgotten (fault 104)."""

    async def visit(harbour: Harbour) -> None:
        order = await harbour.desk.place(ask())
        harbour.journal.fails = 3
        harbour.trade_with(order.client_id, "4")
        await harbour.wait(500)
        assert harbour.desk.track(order.client_id).order.filled == 0
        with pytest.raises(JournalFailed):
            await harbour.desk.place(ask())
        await harbour.desk.cancel(order.client_id)
        assert harbour.of(order.client_id).status is Status.CANCELLED
        await harbour.wait(5_000)
        order = harbour.desk.track(order.client_id).order
        assert (order.life, order.filled) == (Life.CANCELLED, Decimal(4))
        await harbour.desk.place(ask())

    moor(visit)


def test_a_price_that_the_venue_changed_is_shown() -> None:
    """If this failed, the order would show what was wished instead of what is there (fault 31)."""

    async def visit(harbour: Harbour) -> None:
        accept = harbour.accept
        harbour.accept = lambda asked: accept(ask(client_id=asked.client_id, price=Decimal("99.5")))  # type: ignore[method-assign]
        order = await harbour.desk.place(ask())
        assert order.price == Decimal("99.5")
        assert [one.label for one in harbour.heard(events.OrderOdd)] == ["changed"]

    moor(visit)


def test_an_unknown_symbol_is_the_callers_fault() -> None:
    """If this failed, a typo would be written down and sent."""

    async def visit(harbour: Harbour) -> None:
        with pytest.raises(Error, match="symbol"):
            await harbour.desk.place(ask(symbol="BTX/USDT"))
        assert lines(harbour) == ["Opened"]
        assert BTC in harbour.ctx.catalog

    moor(visit)


def answering(harbour: Harbour, **more: Any) -> None:
    """The next answers to placements also say this."""
    errand = harbour.errand

    async def telling(op: Op, *args: Any, **hooks: Any) -> Any:
        outcome = await errand(op, *args, **hooks)
        return replace(outcome, **more) if op is Op.PLACE else outcome

    harbour.errand = telling  # type: ignore[method-assign]


def part(number: int, qty: str) -> Fill:
    return Fill(
        venue="stage", symbol=BTC, order_id="1", id=f"p{number}", side="buy", price=Decimal(100), qty=Decimal(qty),
    )  # fmt: skip


def test_an_answer_with_numbers_that_cannot_be_is_not_counted() -> None:
    """If this failed, a spoilt answer to a placement would be counted as fills that never were (fault 40)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        spoilt = OrderReport(
            venue="stage", symbol=BTC, order_id="1", status=Status.PARTIAL, filled=Decimal(-3), qty=Decimal(10)
        )
        answering(harbour, fills=(part(1, "-5"), part(2, "500"), part(3, "1")), report=spoilt)
        order = await harbour.desk.place(ask())
        assert order.order_id == "1"
        assert (order.filled, order.venue_filled) == (Decimal(1), Decimal(0))
        assert len(harbour.heard(events.Strange)) == 3

    moor(visit)


def test_very_many_fills_of_one_answer_are_lines_of_their_own() -> None:
    """If this failed, the answer to an order that swept the book could not be written, and stop the account."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        answering(harbour, fills=tuple(part(number, "0.001") for number in range(5_000)))
        order = await harbour.desk.place(ask())
        assert order.filled == 5
        assert max(map(len, harbour.journal.bodies)) < 100_000

    moor(visit)
