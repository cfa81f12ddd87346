"""Death at every step of an order, and the start after it: nothing lost, nothing doubled, nothing sent by itself."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core import ids
from fairlead.engine.account import RECALL_LINES
from fairlead.engine.reckoner import EVERY_MS
from fairlead.errors import Closed, Error, Held
from fairlead.io import failpoint
from fairlead.model import events
from fairlead.model.order import Life, Order
from fairlead.model.orders import Status
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskAmend
from tests.engine.harbour import SETTLED_MS, Died, Harbour, ask, moor


def die() -> None:
    raise Died


async def dies(harbour: Harbour, place: str, work: Any) -> None:
    """The process ends where this place is reached."""
    failpoint.arm(place, die)
    with pytest.raises(Died):
        await work
    failpoint.disarm()
    await harbour.again()


def only(harbour: Harbour) -> Order:
    (track,) = harbour.desk.bench.account.tracks.values()
    return track.order


@pytest.mark.parametrize("place", ["submit.before_intent", "submit.before_sending"])
def test_before_the_first_line_nothing_is_left(place: str) -> None:
    """If this failed, an order that was never sent would haunt the next start (K1)."""

    async def visit(harbour: Harbour) -> None:
        await dies(harbour, place, harbour.desk.place(ask()))
        assert harbour.desk.bench.account.tracks == {}
        assert harbour.count(Op.PLACE) == 0

    moor(visit)


@pytest.mark.parametrize("place", ["submit.after_intent", "submit.before_sending"])
def test_what_was_wanted_and_not_sent_is_given_up(place: str) -> None:
    """If this failed, an order could leave minutes after it was wanted (K2, K3)."""

    async def visit(harbour: Harbour) -> None:
        harbour.wait_ms = 100
        await dies(harbour, place, harbour.desk.place(ask()))
        harbour.wait_ms = 0
        await harbour.wait(60_000)
        assert (only(harbour).life, harbour.count(Op.PLACE)) == (Life.ABANDONED, 0)
        assert harbour.heard(events.TradingOpened)[-1].abandoned == 1

    moor(visit)


def test_what_was_written_as_sent_and_never_arrived_is_proven_absent() -> None:
    """If this failed, a death between the line and the bytes would leave a doubt for ever (K4 to K6)."""

    async def visit(harbour: Harbour) -> None:
        await dies(harbour, "submit.after_sending", harbour.desk.place(ask()))
        assert only(harbour).life is Life.UNKNOWN
        with pytest.raises(Held, match="found out"):
            await harbour.desk.place(ask())
        await harbour.wait(SETTLED_MS + 30_000)
        assert (only(harbour).life, harbour.count(Op.PLACE)) == (Life.NOT_ACCEPTED, 0)
        await harbour.desk.place(ask())

    moor(visit)


@pytest.mark.parametrize("place", ["submit.after_reply", "reply"])
def test_what_the_venue_took_before_the_death_is_adopted(place: str) -> None:
    """If this failed, an order would trade that the next process does not know (K7, K8, I1)."""

    async def visit(harbour: Harbour) -> None:
        harbour.streams = False
        if place == "reply":
            harbour.mishap(Op.PLACE, "then dies")
        await dies(harbour, place, harbour.desk.place(ask()))
        harbour.trade_with(only(harbour).client_id, "4")
        await harbour.wait(EVERY_MS + 2_000)
        order = only(harbour)
        assert (order.life, order.filled, len(harbour.orders)) == (Life.PARTIAL, Decimal(4), 1)
        assert order.late is False

    moor(visit)


def test_who_was_not_told_hears_it_when_he_comes_back() -> None:
    """If this failed, a bot would not know of an order that was acknowledged as it died (K9)."""

    async def visit(harbour: Harbour) -> None:
        seen = harbour.desk.bench.account.seq
        await dies(harbour, "submit.after_ack", harbour.desk.place(ask()))
        kinds = [type(fact).__name__ for _, fact in harbour.desk.since(seen)]
        assert kinds[:2] == ["Intended", "Sending"]
        assert "Taken" in kinds
        assert [order.life for order in harbour.desk.bench.account.orders(after=seen)] == [Life.OPEN]

    moor(visit)


def test_a_fill_that_was_heard_and_not_written_is_read_again_once() -> None:
    """If this failed, a fill heard in the moment of death would be lost, or counted twice (K10, K11)."""

    async def visit(harbour: Harbour) -> None:
        name = (await harbour.desk.place(ask())).client_id
        failpoint.arm("fill.heard", die)
        with pytest.raises(Died):
            harbour.trade_with(name, "4")
        failpoint.disarm()
        await harbour.again()
        await harbour.wait(3_000)
        assert only(harbour).filled == Decimal(4)
        await harbour.again()
        await harbour.wait(3_000)
        assert only(harbour).filled == Decimal(4)

    moor(visit)


@pytest.mark.parametrize("place", ["cancel.after_intent", "cancel.after_reply"])
def test_a_cancel_that_was_begun_is_brought_to_its_end(place: str) -> None:
    """If this failed, an order that somebody wanted gone would stay open over a restart (K12, K13)."""

    async def visit(harbour: Harbour) -> None:
        name = (await harbour.desk.place(ask())).client_id
        harbour.streams = False
        await dies(harbour, place, harbour.desk.cancel(name))
        await harbour.wait(10_000)
        assert (only(harbour).life, harbour.of(name).status) == (Life.CANCELLED, Status.CANCELLED)

    moor(visit)


def test_an_amendment_that_was_begun_is_read_from_the_venue() -> None:
    """If this failed, a restart would show a price that the order does not have (fault 26 with a death)."""

    async def visit(harbour: Harbour) -> None:
        name = (await harbour.desk.place(ask())).client_id
        asked = AskAmend(symbol="BTC/USDT", client_id=name, price=Decimal(99))
        harbour.streams = False
        await dies(harbour, "amend.after_reply", harbour.desk.amend(asked))
        await harbour.wait(3_000)
        assert (only(harbour).price, only(harbour).amending) == (Decimal(99), False)

    moor(visit)


def test_a_death_in_the_middle_of_a_reckoning_changes_nothing_of_its_result() -> None:
    """If this failed, a reckoning cut short would count twice what it had taken over (K14)."""

    async def visit(harbour: Harbour) -> None:
        name = (await harbour.desk.place(ask())).client_id
        harbour.streams = False
        harbour.trade_with(name, "4")
        await dies(harbour, "reconcile.middle", harbour.desk.reckoner.reckon("asked for"))
        await harbour.wait(3_000)
        assert only(harbour).filled == Decimal(4)

    moor(visit)


def test_a_shutdown_lets_what_is_under_way_end() -> None:
    """If this failed, an orderly end would leave doubts behind (K16, fault 112)."""

    async def visit(harbour: Harbour) -> None:
        work = asyncio.create_task(harbour.desk.place(ask()))
        await harbour.wait(1)
        await harbour.desk.close()
        assert (await work).life is Life.OPEN
        with pytest.raises(Closed):
            await harbour.desk.place(ask())
        await harbour.begin()
        assert only(harbour).life is Life.OPEN
        await dies(harbour, "shutdown.drain", harbour.desk.close())
        assert only(harbour).life is Life.OPEN

    moor(visit)


def test_an_answer_after_the_death_is_late_only_if_absence_was_proven() -> None:
    """If this failed, an order found after a restart would freeze its market for nothing (fault 6)."""

    async def visit(harbour: Harbour) -> None:
        await dies(harbour, "submit.after_sending", harbour.desk.place(ask()))
        harbour.accept(next(iter(harbour.desk.bench.account.tracks.values())).intended.asked)
        await harbour.wait(3_000)
        assert (only(harbour).life, only(harbour).late) == (Life.OPEN, False)
        assert harbour.desk.bench.account.frozen == {}

    moor(visit)


def test_names_rise_over_restarts_and_a_clock_that_goes_back() -> None:
    """If this failed, two orders could bear one name (I7, fault 80)."""

    async def visit(harbour: Harbour) -> None:
        names = [(await harbour.desk.place(ask())).client_id]
        harbour.clock.jump(-3_600_000_000_000)
        await harbour.again()
        harbour.time.ahead_ns -= 3_600_000_000_000
        names.append((await harbour.desk.place(ask())).client_id)
        assert names[0] < names[1]
        assert all(ids.is_ours(name, harbour.desk.bench.ids.installation) for name in names)

    moor(visit)


def test_while_the_venue_cannot_be_read_nothing_is_traded() -> None:
    """If this failed, a start would trade on books that nobody has held against the venue."""

    async def visit(harbour: Harbour) -> None:
        harbour.down = True
        await harbour.again()
        with pytest.raises(Held, match="not open for business"):
            await harbour.desk.place(ask())
        harbour.down = False
        await harbour.wait(5_000)
        await harbour.desk.place(ask())

    moor(visit)


PLACES = (
    "submit.before_intent", "submit.after_intent", "submit.before_sending", "submit.after_sending",
    "submit.after_reply", "submit.after_ack", "cancel.after_intent", "cancel.after_reply", "reconcile.middle",
)  # fmt: skip
MISHAPS = ("", "", "reply lost", "never arrived", "late", "refused", "unknown", "not sent", "crossed")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.sampled_from(MISHAPS), st.booleans()),
        st.tuples(st.just("cancel"), st.sampled_from(("", "reply lost", "never arrived")), st.booleans()),
        st.tuples(st.just("trade"), st.booleans(), st.booleans()),
        st.tuples(st.just("wait"), st.sampled_from((10, 1_000, 20_000)), st.booleans()),
        st.tuples(st.just("stream"), st.booleans(), st.booleans()),
        st.tuples(st.just("amend"), st.sampled_from(("", "reply lost", "never arrived", "refused")), st.booleans()),
        st.tuples(st.just("disk"), st.integers(1, 4), st.booleans()),
        st.tuples(st.just("down"), st.booleans(), st.booleans()),
        st.tuples(st.just("foreign"), st.booleans(), st.booleans()),
        st.tuples(st.just("die"), st.sampled_from(PLACES), st.booleans()),
    ),
    min_size=3,
    max_size=14,
)


@given(STEPS, st.integers(0, 1_000))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_everything_ends_as_the_venue_has_it(steps: list[Any], seed: int) -> None:
    """If this failed, some mixture of lost answers, lost events and deaths could lose, double or guess an order."""

    async def visit(harbour: Harbour) -> None:
        for verb, what, flag in steps:
            await act(harbour, verb, what, flag)
            if harbour.is_dead:
                failpoint.disarm()
                harbour.journal.fails = 0
                await harbour.again()
        failpoint.disarm()
        harbour.streams, harbour.down, harbour.journal.fails = True, False, 0
        await harbour.wait(SETTLED_MS + 30_000 + 2 * EVERY_MS)
        compare(harbour)

    moor(visit, seed=seed)


async def act(harbour: Harbour, verb: str, what: Any, flag: bool) -> None:
    ours = [one for one in harbour.orders.values() if one.order_id not in harbour.foreign]
    names = [one.client_id for one in ours if not one.status.is_final]
    try:
        if verb == "place":
            harbour.wait_ms = 50 if flag else 0
            harbour.mishap(Op.PLACE, *([what] if what else []))
            await harbour.desk.place(ask())
        elif verb == "cancel" and names:
            harbour.mishap(Op.CANCEL, *([what] if what else []))
            await harbour.desk.cancel(names[-1 if flag else 0])
        elif verb == "trade" and names:
            harbour.trade_with(names[0], "4" if (harbour.of(names[0]).filled or 0) < 6 else "2",
                               fill_told=what, report_told=flag)  # fmt: skip
        elif verb == "amend" and names:
            harbour.mishap(Op.AMEND, *([what] if what else []))
            await harbour.desk.amend(AskAmend(symbol="BTC/USDT", client_id=names[-1], price=Decimal(90 + flag)))
        elif verb == "disk":
            harbour.journal.fails = what
        elif verb == "down":
            harbour.down = what
        elif verb == "foreign":
            harbour.foreign.append(harbour.accept(ask(client_id=f"by hand {len(harbour.orders)}")).order_id)
        elif verb == "wait":
            await harbour.wait(what)
        elif verb == "stream":
            harbour.streams = what
        elif verb == "die":
            failpoint.arm(what, die)
    except Error:
        pass
    except Died:
        failpoint.disarm()
        harbour.journal.fails = 0  # with a full disk nothing is opened
        await harbour.again()


def compare(harbour: Harbour) -> None:
    """I1 to I4, I6: every order of the venue is known and as it is there; none is in doubt, frozen, or sent twice."""
    account = harbour.desk.bench.account
    ours = [one for one in harbour.orders.values() if one.order_id not in harbour.foreign]
    for one in ours:
        order = account.tracks[one.client_id].order
        assert (order.order_id, order.filled, order.venue_filled) == (one.order_id, one.filled, one.filled)
        expected = {"open": "OPEN", "partial": "PARTIAL", "filled": "FILLED", "cancelled": "CANCELLED"}[one.status]
        assert str(order.life) == expected, one
        assert (order.late, order.price, order.amending, order.cancelling) == (False, one.price, False, False)
    there = {one.client_id for one in ours}
    assert len(there) == len(ours)
    assert not list(account.doubtful())
    assert account.frozen == {}
    for name, track in account.tracks.items():
        if name not in there:
            assert track.order.life in (Life.NOT_ACCEPTED, Life.ABANDONED, Life.REJECTED)


def test_a_long_journal_is_read_without_holding_up_the_rest() -> None:
    """If this failed, a start with a year's journal would silence other accounts, beats and streams."""

    async def visit(harbour: Harbour) -> None:
        for _ in range(400):
            await harbour.desk.place(ask())
        await harbour.kill()
        turns, seen, whole = [0], list[int](), len(harbour.journal.bodies)
        lines = harbour.journal.lines

        def watched(after: int = 0) -> Any:
            for line in lines(after):
                seen.append(turns[0])
                yield line

        async def other() -> None:
            while len(seen) < whole:  # no time passes while it goes on
                turns[0] += 1
                await asyncio.sleep(0)

        harbour.journal.lines = watched  # type: ignore[method-assign]
        task = asyncio.get_running_loop().create_task(other())
        await harbour.begin()
        await task
        assert seen[whole - 1] - seen[0] >= whole // RECALL_LINES > 0

    moor(visit)
