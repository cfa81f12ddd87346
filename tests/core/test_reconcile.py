"""The venue's readings against ours: everything is taken over once, nothing foreign is touched, no lag is a quarrel."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import facts, reconcile
from fairlead.core.reconcile import Shown, compare, is_settled, quarrels, taken_back
from fairlead.model.orders import OrderReport, Status
from tests.core.orderly import BTC, NAME, Scribe, at, fill, report

LAG_MS = 3_000
LATER = 60_000  # a reading long after everything


def opened() -> Scribe:
    scribe = Scribe().intend().send()
    scribe.report(report(Status.OPEN))
    return scribe


def shown(*open_: OrderReport, ms: int = LATER, **more: object) -> Shown:
    return Shown(began_ns=at(ms), open=open_, lag_ms=LAG_MS, **more)  # type: ignore[arg-type]


def apply(scribe: Scribe, reading: Shown) -> reconcile.Findings:
    found = compare(scribe.account, reading)
    for _, one in found.reports:
        scribe.report(one, by="open orders")
    for _, each in found.fills:
        scribe.fill(each)
    return found


@given(st.lists(st.integers(0, 5), max_size=12))
def test_each_fill_is_taken_over_once_however_often_it_is_read(numbers: list[int]) -> None:
    """If this failed, a reconciliation run again would count a fill twice."""
    scribe = opened()
    reading = shown(report(Status.OPEN), fills=tuple(fill(number, "1") for number in numbers))
    apply(scribe, reading)
    apply(scribe, reading)
    assert scribe.track.order.filled == len(set(numbers))
    assert compare(scribe.account, reading).fills == ()


def test_an_open_order_that_the_venue_does_not_show_is_asked_for() -> None:
    """If this failed, an order that ended while we were away would stay open with us for ever."""
    scribe = opened()
    assert compare(scribe.account, shown()).asks == (NAME,)
    assert compare(scribe.account, shown(report(Status.OPEN))).asks == ()


def test_what_changed_within_the_lag_and_what_was_not_read_whole_says_nothing() -> None:
    """If this failed, an order placed just now would be taken for lost, and half a list for a whole one."""
    scribe = opened()
    assert not is_settled(scribe.track, shown(ms=LAG_MS - 1))
    assert is_settled(scribe.track, shown(ms=LAG_MS))
    assert compare(scribe.account, Shown(began_ns=at(LATER), lag_ms=LAG_MS)).asks == ()


def test_orders_in_doubt_are_left_to_their_doubt() -> None:
    """If this failed, two machines would conclude about one order, each from half of the evidence."""
    scribe = Scribe().intend().send()
    scribe.say(facts.Unsure, why="silence")
    assert compare(scribe.account, shown()).asks == ()
    (found,) = compare(scribe.account, shown(report(Status.OPEN))).reports
    assert found[0] == NAME


def test_missing_fills_are_fetched_and_then_agree() -> None:
    """If this failed, a fill that the stream dropped would never be counted."""
    scribe = opened()
    scribe.report(report(Status.FILLED, "10", 2))
    assert compare(scribe.account, shown()).gaps == (NAME,)
    (quarrel,) = quarrels(scribe.account, shown())
    assert (quarrel.symbol, "counts 10" in quarrel.why) == (BTC, True)
    apply(scribe, shown(fills=(fill(1, "6", client_id=""), fill(2, "4", client_id=""))))
    assert compare(scribe.account, shown()).gaps == ()
    assert list(quarrels(scribe.account, shown())) == []


def test_more_fills_than_the_venue_counts_are_a_quarrel_that_is_asked_about() -> None:
    """If this failed, a fill that the venue took back would pass for traded."""
    scribe = opened()
    scribe.fill(fill(1, "6"))
    assert list(quarrels(scribe.account, shown(ms=LAG_MS - 1))) == []
    assert [one.symbol for one in quarrels(scribe.account, shown(report(Status.OPEN)))] == [BTC]
    assert compare(scribe.account, shown(report(Status.OPEN))).asks == (NAME,)
    scribe.report(report(Status.PARTIAL, "6", 3))
    assert list(quarrels(scribe.account, shown(report(Status.PARTIAL, "6", 3)))) == []


def test_orders_and_fills_of_other_hands_are_shown_and_left_alone() -> None:
    """If this failed, somebody's manual order could be counted, or cancelled, as ours."""
    scribe = opened()
    manual = report(Status.OPEN, order_id="99", client_id="by hand")
    found = compare(
        scribe.account, shown(manual, report(Status.OPEN), fills=(fill(5, "1", order_id="99", client_id=""),))
    )
    assert found.foreign == (manual,)
    assert [one.order_id for one in found.strangers] == ["99"]
    assert list(quarrels(scribe.account, shown(manual))) == []


def test_another_installation_of_ours_is_noticed() -> None:
    """If this failed, two processes could trade one account without knowing of each other."""
    assert reconcile.of_another(report(Status.OPEN, client_id="flzz99000000000001"), "ab12")
    assert not reconcile.of_another(report(Status.OPEN), "ab12")
    assert not reconcile.of_another(report(Status.OPEN, client_id="by hand"), "ab12")


def test_an_order_over_with_us_and_open_there_is_a_quarrel_until_it_is_gone() -> None:
    """If this failed, an order that still trades would be nobody's."""
    scribe = opened()
    scribe.report(report(Status.CANCELLED, ms=2))
    assert [one.why for one in quarrels(scribe.account, shown(report(Status.OPEN)))] == [
        f"{NAME} is CANCELLED with us, and open at the venue"
    ]
    assert list(quarrels(scribe.account, shown())) == []


def test_a_second_order_of_one_name_is_a_quarrel() -> None:
    """If this failed, a doubled order would look like one."""
    scribe = opened()
    twin = report(Status.OPEN, order_id="8")
    scribe.report(twin)
    (quarrel,) = quarrels(scribe.account, shown(report(Status.OPEN), twin))
    assert "second order" in quarrel.why


def test_a_fill_is_taken_back_only_by_a_list_that_adds_up() -> None:
    """If this failed, a list that lags would take back a fill that is money."""
    scribe = opened()
    scribe.report(report(Status.PARTIAL, "4", 2))
    for number in (1, 2):
        scribe.fill(fill(number, "4"))
    assert [one.id for one in taken_back(scribe.track, [fill(2, "4")])] == ["1"]
    assert taken_back(scribe.track, []) == []
    assert taken_back(scribe.track, [fill(1, "4"), fill(2, "4")]) == []
    turn = scribe.say(facts.Voided, fill=fill(1, "4"), evidence="so listed")
    assert (turn.now.filled, [one.qty for one in turn.fills]) == (Decimal(4), [Decimal(-4)])
    assert not scribe.track.is_news(fill(1, "4"))
