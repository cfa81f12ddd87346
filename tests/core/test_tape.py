"""core/tape: every trade once and in order, whatever doubles, holes and cuts the wire brings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import tape as module
from fairlead.core.tape import HELD_MOST, REMEMBERED, VAIN_MOST, Heard, Tape
from fairlead.model.market import Trade


def trade(number: int, *, at_ns: int = -1, count: int = 1, name: str = "") -> Trade:
    at_ns = at_ns if at_ns >= 0 else number
    return Trade(
        venue="here", symbol="BTC/USDT", venue_ns=at_ns, seen_ns=1, id=name or str(number), price=1.0, qty=1.0,
        side="buy", count=count,
    )  # fmt: skip


def ids(trades: list[Trade]) -> list[str]:
    return [one.id for one in trades]


def test_a_known_trade_is_heard_once() -> None:
    """A trade repeated after a reconnect would be counted twice."""
    tape = Tape(consecutive=True)
    assert [tape.take(trade(number)) for number in (1, 2, 2, 1, 3)] == [
        Heard.NEW, Heard.NEW, Heard.AGAIN, Heard.AGAIN, Heard.NEW,
    ]  # fmt: skip


def test_a_trade_older_than_memory_is_known_by_its_number() -> None:
    """A connection that is far behind would bring back trades that were forgotten, doubled and out of order."""
    tape = Tape(consecutive=True)
    for number in range(REMEMBERED + 10):
        tape.take(trade(number))
    assert tape.take(trade(3)) is Heard.AGAIN
    assert len(tape._ids) == len(tape._order) == REMEMBERED


def test_a_venue_that_counts_anew_is_believed() -> None:
    """After a restart of the venue's numbering every trade would be taken for an old one, for ever and in silence."""
    tape = Tape(consecutive=True)
    tape.take(trade(9_000, at_ns=10))
    assert tape.take(trade(1, at_ns=11)) is Heard.NEW
    assert tape.take(trade(2, at_ns=12)) is Heard.NEW


def test_a_jump_of_the_numbers_is_filled_in_order() -> None:
    """Trades that the wire swallowed would be missing, or stand after those that followed them."""
    tape = Tape(consecutive=True)
    tape.take(trade(1))
    assert tape.take(trade(4)) is Heard.HOLE
    assert tape.take(trade(5)) is Heard.HELD
    # REST is ahead of what was held, and repeats what we know.
    assert ids(tape.supply([trade(1), trade(2), trade(3), trade(4), trade(5), trade(6)])) == ["2", "3", "4", "5", "6"]
    assert tape.missing == 0
    assert not tape.filling
    assert tape.take(trade(6)) is Heard.AGAIN


def test_a_time_told_finer_by_rest_does_not_change_the_order() -> None:
    """A filled trade would stand behind the one that followed it, where the stream cuts its times short."""
    tape = Tape(consecutive=True)
    tape.take(trade(1, at_ns=1_000))
    assert tape.take(trade(3, at_ns=44_175_000)) is Heard.HOLE
    assert ids(tape.supply([trade(2, at_ns=44_175_865), trade(3, at_ns=44_175_865)])) == ["2", "3"]
    assert tape.missing == 0


def test_a_venue_that_counts_anew_behind_a_hole_stays_in_order() -> None:
    """Trades numbered from the start again would be sorted before those that were made earlier."""
    tape = Tape(consecutive=True)
    tape.take(trade(90, at_ns=10))
    assert tape.take(trade(92, at_ns=12)) is Heard.HOLE
    assert tape.take(trade(1, at_ns=13)) is Heard.HELD
    assert ids(tape.supply([trade(91, at_ns=11)])) == ["91", "92", "1"]


def test_held_trades_leave_in_order_even_when_nothing_was_fetched() -> None:
    """Two trades swapped on the wire would be published swapped."""
    tape = Tape(consecutive=True)
    tape.take(trade(1))
    assert tape.take(trade(3)) is Heard.HOLE
    assert tape.take(trade(2)) is Heard.HELD
    assert ids(tape.supply([])) == ["2", "3"]
    assert tape.missing == 0


def test_what_the_venue_no_longer_gives_is_counted() -> None:
    """A hole that could not be filled would pass for a whole record."""
    tape = Tape(consecutive=True)
    tape.take(trade(1))
    tape.take(trade(10))
    assert ids(tape.supply([trade(8), trade(9)])) == ["8", "9", "10"]
    assert tape.missing == 6


def test_after_a_cut_numbers_that_follow_need_no_fetch() -> None:
    """Each reconnect would cost a request though the numbers prove that nothing is missing."""
    tape = Tape(consecutive=True)
    tape.take(trade(1))
    tape.doubt()
    assert tape.take(trade(2)) is Heard.NEW
    assert tape.take(trade(3, count=1)) is Heard.NEW


def test_after_a_cut_a_venue_without_numbers_is_asked() -> None:
    """What happened while the wire was down would be lost in silence where ids prove nothing."""
    tape = Tape(consecutive=False)
    tape.take(trade(1, name="a"))
    tape.doubt()
    assert tape.take(trade(5, name="d")) is Heard.HOLE
    fetched = [trade(0, name="z"), trade(1, name="a"), trade(3, name="b"), trade(3, name="c")]
    assert ids(tape.supply(fetched)) == ["b", "c", "d"]  # what is older than our last is not news


def test_a_doubt_before_the_first_trade_is_none() -> None:
    """The first trade of a stream would wait for a fetch of the whole past."""
    tape = Tape(consecutive=False)
    tape.doubt()
    assert tape.take(trade(1)) is Heard.NEW


def test_a_cut_while_a_hole_is_filled_is_not_forgotten() -> None:
    """The answer to the first hole would be taken to cover a second one that it knows nothing of."""
    tape = Tape(consecutive=False)
    tape.take(trade(1))
    tape.doubt()
    tape.take(trade(5))
    tape.doubt()
    assert ids(tape.supply([trade(3)])) == ["3", "5"]
    assert tape.take(trade(9)) is Heard.HOLE


def test_what_no_longer_fits_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst during a slow fetch would be dropped without a trace."""
    monkeypatch.setattr(module, "HELD_MOST", 3)
    assert HELD_MOST > 3
    for consecutive in (True, False):
        tape = Tape(consecutive=consecutive)
        tape.take(trade(1))
        tape.doubt()
        for number in range(3, 9):
            tape.take(trade(number))
        assert ids(tape.supply([trade(2)])) == ["2", "3", "4", "5"]
        assert tape.take(trade(9)) is Heard.HOLE
        assert ids(tape.supply([trade(number) for number in range(5, 9)])) == ["6", "7", "8", "9"]
        assert tape.missing == 0


def test_folded_trades_are_neither_holes_nor_doubled() -> None:
    """A venue that folds fills into one would look full of holes, or its trades be counted alone and together."""
    tape = Tape(consecutive=True)
    tape.take(trade(3, count=3))
    assert tape.take(trade(5, count=2)) is Heard.NEW
    assert tape.take(trade(10, count=3)) is Heard.HOLE
    assert ids(tape.supply([trade(number) for number in range(4, 11)])) == ["6", "7", "10"]
    assert tape.missing == 0


def test_numbers_that_jump_over_nothing_are_no_longer_believed() -> None:
    """A venue that skips numbers would be asked for nothing at every trade."""
    tape = Tape(consecutive=True)
    tape.take(trade(0))
    for number in range(10, 10 * VAIN_MOST + 1, 10):
        assert tape.take(trade(number)) is Heard.HOLE
        tape.supply([trade(number - 10), trade(number)])
    assert tape.take(trade(1_000)) is Heard.NEW


def test_probes_and_failed_fetches_teach_nothing_about_numbers() -> None:
    """A quiet market, or a venue that did not answer, would end the watch over the numbers for good."""
    tape = Tape(consecutive=True)
    tape.take(trade(0))
    for _ in range(2 * VAIN_MOST):
        tape.hold()
        assert tape.supply([trade(0)]) == []
    for number in range(10, 10 * 2 * VAIN_MOST, 10):
        assert tape.take(trade(number)) is Heard.HOLE
        assert ids(tape.supply([])) == [str(number)]


def test_ids_that_are_no_numbers_never_crash() -> None:
    """One strange id would end the stream."""
    tape = Tape(consecutive=True)
    for name in ("²", "", "0x10", "٣", "-1", "9" * 5_000, "a" * 10, "7"):
        assert tape.take(trade(1, name=name)) is Heard.NEW or name == ""
    assert repr(tape).startswith("<Tape at 7")


def test_trades_that_only_swap_places_do_not_unteach_that_ids_rise() -> None:
    """After a few swaps a dropped trade would be lost without a word."""
    tape = Tape(consecutive=True)
    tape.take(trade(1))
    for first in range(2, 14, 2):
        assert tape.take(trade(first + 1)) is Heard.HOLE
        assert tape.take(trade(first)) is Heard.HELD
        assert [one.id for one in tape.supply([trade(first - 1)])] == [str(first), str(first + 1)]
    assert tape.take(trade(15)) is Heard.HOLE


Mishap = st.tuples(st.sampled_from(["hear", "hear", "hear", "drop", "repeat", "cut", "swap"]), st.integers(0, 5))


@given(st.booleans(), st.lists(Mishap, max_size=60), st.integers(0, 3))
def test_whatever_happens_the_record_is_the_venue_s(
    consecutive: bool, mishaps: list[tuple[str, int]], lag: int
) -> None:
    """Some mixture of drops, doubles, swaps and cuts would lose, double or reorder a trade."""
    tape = Tape(consecutive=consecutive)
    told, happened, held = [], 0, 0

    def hear(number: int) -> None:
        nonlocal held
        heard = tape.take(trade(number))
        if heard is Heard.NEW:
            told.append(number)
        elif heard in (Heard.HOLE, Heard.HELD):
            held += 1
        if tape.filling and held > lag:
            fill()

    def fill() -> None:
        nonlocal held
        held = 0
        told.extend(int(one.id) for one in tape.supply([trade(number) for number in range(happened + 1)]))

    for what, number in mishaps:
        if what == "swap" and not consecutive:
            continue  # without numbers nobody can know
        if what == "hear" or (what == "drop" and not consecutive):
            happened += 1
            hear(happened)
        elif what == "drop":
            happened += 1
        elif what == "repeat":
            if told:
                hear(told[max(0, len(told) - 1 - number)])
        elif what == "cut":
            happened += number
            tape.doubt()
        else:
            happened += 2
            hear(happened)
            hear(happened - 1)
    happened += 1
    hear(happened)
    if tape.filling:
        fill()
    assert told == list(range(told[0], happened + 1))
    assert tape.missing == 0
