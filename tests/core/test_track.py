"""An order's track: whatever comes, in any order and however often, the sums are exact and no end is taken back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import facts
from fairlead.model.order import Life
from fairlead.model.orders import OrderReport, Receipt, Status
from fairlead.wire.faults import Fate, Fault, Kind
from tests.core.orderly import CANCEL, TAKEN, UNSURE, Scribe, Truth, amend, fill, report

FINAL = {
    Status.OPEN: Life.OPEN, Status.PARTIAL: Life.PARTIAL, Status.FILLED: Life.FILLED,
    Status.CANCELLED: Life.CANCELLED, Status.EXPIRED: Life.EXPIRED, Status.REJECTED: Life.REJECTED,
}  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.integers(1, 4)),
        st.tuples(st.just("amend"), st.integers(1, 20), st.integers(90, 110)),
        st.tuples(st.just("end"), st.sampled_from([Status.CANCELLED, Status.EXPIRED, Status.REJECTED])),
    ),
    max_size=8,
)


def story(steps: list[Any]) -> Truth:
    truth = Truth()
    for verb, *numbers in steps:
        getattr(truth, verb)(*numbers)
    return truth


@given(STEPS, st.data())
def test_any_order_and_any_repetition_end_in_the_truth(steps: list[Any], data: st.DataObject) -> None:
    """If this failed, a fill could be lost or counted twice, or an order that is over could look alive."""
    truth = story(steps)
    told = [*truth.told, TAKEN, UNSURE]
    again = data.draw(st.lists(st.sampled_from(told), max_size=6))
    scribe = Scribe().intend().send()
    ended = False
    for kind, what in data.draw(st.permutations([*told, *again])):
        scribe.say(kind, 1, **what)
        order = scribe.track.order
        assert order.filled == sum((one.qty for one in scribe.track.fills.values()), Decimal(0))
        assert not (ended and not order.life.is_over)
        ended = order.life.is_over
    order = scribe.track.order
    assert order.life is FINAL[truth.now.status]
    assert order.filled == order.venue_filled == truth.now.filled
    assert (order.price, order.qty) == (truth.now.price, truth.now.qty)
    assert order.cost == sum((one.price * one.qty for one in truth.fills), Decimal(0))
    assert order.fees == ((("USDT", Decimal("0.1") * len(truth.fills)),) if truth.fills else ())
    assert not scribe.track.missing
    assert not order.late


@given(STEPS, st.data())
def test_whatever_is_lost_on_the_way_is_seen_to_be_missing(steps: list[Any], data: st.DataObject) -> None:
    """If this failed, a fill that never came would never be asked for."""
    truth = story(steps)
    lost = data.draw(st.sets(st.sampled_from([one.id for one in truth.fills]))) if truth.fills else set()
    scribe = Scribe().intend().send()
    for kind, what in truth.told:
        if kind is facts.Reported or what["fill"].id not in lost:
            scribe.say(kind, 1, **what)
    gone = sum((one.qty for one in truth.fills if one.id in lost), Decimal(0))
    assert scribe.track.missing == gone
    assert any(track is scribe.track for track in scribe.account.running()) == (gone > 0 or not truth.over)


def test_a_fill_before_the_answer_opens_the_order() -> None:
    """If this failed, an order that trades at once could be lost between its fill and its acknowledgement."""
    scribe = Scribe().intend().send()
    scribe.fill(fill(1, "4"))
    assert (scribe.track.order.life, scribe.track.order.order_id) == (Life.PARTIAL, "7")
    scribe.say(*TAKEN[:1], **TAKEN[1])
    assert scribe.track.order.life is Life.PARTIAL


def test_an_answer_brings_its_report_and_fills() -> None:
    """If this failed, what the answer itself tells of fills would be thrown away."""
    scribe = Scribe().intend().send()
    receipt = Receipt(order_id="7", report=report(Status.FILLED, "10"), fills=(fill(1, "6"), fill(2, "4")))
    scribe.say(facts.Taken, receipt=receipt)
    order = scribe.track.order
    assert (order.life, order.filled, order.average) == (Life.FILLED, Decimal(10), Decimal(100))


@pytest.mark.parametrize(
    ("kind", "what", "was"),
    [
        (facts.Absent, {"evidence": "two readings"}, Life.NOT_ACCEPTED),
        (facts.Declined, {"fault": Fault(Kind.FUNDS, said="no money")}, Life.REJECTED),
        (facts.Unsent, {"why": "too late"}, Life.ABANDONED),
    ],
)
def test_an_order_that_comes_to_be_after_all_is_late(kind: type[facts.Fact], what: dict[str, Any], was: Life) -> None:
    """If this failed, an order that the venue took against its word would trade unseen."""
    scribe = Scribe().intend().send()
    scribe.say(kind, **what)
    assert scribe.track.order.life is was
    turn = scribe.report(report(Status.OPEN))
    assert (turn.surprise, turn.now.life, turn.now.late) == ("late", Life.OPEN, True)


def test_a_second_order_under_the_same_name_is_told_and_not_mixed_in() -> None:
    """If this failed, a doubled order would hide behind the first one's numbers."""
    scribe = Scribe().intend().send()
    scribe.report(report(Status.OPEN))
    assert scribe.report(report(Status.FILLED, "10", 2, order_id="8")).surprise == "twin"
    assert scribe.fill(fill(1, "10", order_id="8")).surprise == "twin"
    assert (scribe.track.order.life, scribe.track.order.filled) == (Life.OPEN, Decimal(0))
    assert set(scribe.track.twins) == {"8"}


def test_a_count_that_goes_back_is_told_and_ignored() -> None:
    """If this failed, a venue's stale count could give back what was already traded."""
    scribe = Scribe().intend().send()
    scribe.report(report(Status.PARTIAL, "6", 1))
    turn = scribe.report(report(Status.PARTIAL, "4", 2))
    assert (turn.surprise, turn.now.venue_filled) == ("backwards", Decimal(6))


def test_a_fee_told_later_is_added_once() -> None:
    """If this failed, what a fill cost would stay unknown, or be counted each time it is told."""
    scribe = Scribe().intend().send()
    scribe.fill(fill(1, "4", fee=None, fee_asset=""))
    assert not scribe.track.order.fees
    for _ in range(2):
        scribe.fill(fill(1, "4", fee=Decimal("0.2")))
    assert (scribe.track.order.fees, scribe.track.order.filled) == ((("USDT", Decimal("0.2")),), Decimal(4))


def test_sums_are_exact_beyond_the_usual_digits() -> None:
    """If this failed, many small numbers would round to a sum that no venue has."""
    scribe = Scribe().intend().send()
    scribe.fill(fill(1, "0.00000000000000000000000000000001", price=Decimal("12345678.12345678")))
    scribe.fill(fill(2, "9999999999"))
    assert str(scribe.track.order.filled) == "9999999999.00000000000000000000000000000001"


REFUSED, MISSING = Fault(Kind.INVALID), Fault(Kind.NOT_FOUND)
LOST = Fault(Kind.SERVER, Fate.UNKNOWN)


@pytest.mark.parametrize(("fault", "still"), [(None, True), (REFUSED, False), (MISSING, True), (LOST, True)])
def test_a_cancel_is_done_only_when_a_report_says_so(fault: Fault | None, still: bool) -> None:
    """If this failed, an order that still trades could be taken for cancelled."""
    scribe = Scribe().intend().send()
    scribe.report(report(Status.OPEN))
    scribe.say(facts.CancelSent, asked=CANCEL)
    scribe.say(facts.ChangeAnswered, what="cancel", fault=fault)
    assert (scribe.track.order.life, scribe.track.order.cancelling) == (Life.OPEN, still)
    scribe.report(report(Status.CANCELLED, ms=3))
    assert (scribe.track.order.life, scribe.track.order.cancelling) == (Life.CANCELLED, False)


def test_an_amendment_is_done_when_a_report_shows_it() -> None:
    """If this failed, the effective price could be the wished one instead of the venue's."""
    scribe = Scribe().intend().send()
    scribe.report(report(Status.OPEN, price=Decimal(100)))
    scribe.say(facts.AmendSent, asked=amend(price=Decimal(101)))
    scribe.say(facts.ChangeAnswered, what="amend")
    assert (scribe.track.order.amending, scribe.track.order.price) == (True, Decimal(100))
    shown: OrderReport = report(Status.OPEN, ms=2, price=Decimal(101))
    scribe.report(shown)
    assert (scribe.track.order.amending, scribe.track.order.price) == (False, Decimal(101))


def test_a_resend_goes_on_from_proven_absence_only() -> None:
    """If this failed, a second attempt could be recorded while the first may still be at the venue."""
    scribe = Scribe().intend().send().send(attempt=2)
    scribe.say(facts.Unsure, why="silence")
    scribe.send(attempt=2)
    assert scribe.track.order.life is Life.UNKNOWN
    scribe.say(facts.Absent, evidence="two readings")
    scribe.send(attempt=3)
    assert (scribe.track.order.life, scribe.track.order.attempt) == (Life.SENDING, 3)


def test_what_a_venue_repeats_is_no_news() -> None:
    """If this failed, each question would be a line in the journal, or a change would be none."""
    scribe = Scribe().intend().send()
    assert scribe.track.is_new(report(Status.OPEN))
    scribe.report(report(Status.OPEN))
    assert not scribe.track.is_new(report(Status.OPEN, ms=5))
    assert not scribe.track.is_new(report(Status.PENDING, seen_ns=1))
    for news in (report(Status.PARTIAL, "1", 2), report(Status.OPEN, ms=2, price=Decimal(9)), report(Status.CANCELLED)):
        assert scribe.track.is_new(news)
    assert scribe.track.is_new(report(Status.OPEN, order_id="8"))
    scribe.report(report(Status.CANCELLED, ms=6))
    assert not scribe.track.is_new(report(Status.CANCELLED, ms=7))
    assert scribe.track.twins == {}


def test_what_is_older_than_a_repetition_is_old() -> None:
    """If this failed, a late message could bring back a price that was changed and changed back."""
    scribe = Scribe().intend().send()
    scribe.report(report(Status.OPEN, price=Decimal(100)))
    scribe.track.note(report(Status.OPEN, ms=5, price=Decimal(100)))
    scribe.report(report(Status.OPEN, ms=3, price=Decimal(99)))
    assert scribe.track.order.price == Decimal(100)
