"""Series of candles."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fairlead.core import candles
from fairlead.core.candles import GRACE_NS, Series
from fairlead.core.holes import holes, mend
from fairlead.model import intervals
from fairlead.model.intervals import SECOND_NS
from fairlead.model.market import MS, Candle
from fairlead.wire.asks import AskCandles, Op

MINUTE = 60 * SECOND_NS
T0 = 1_700_000_040_000 * MS // MINUTE * MINUTE


def bar(number: int, close: float = 10.0, volume: float = 1.0, closed: bool = True) -> Candle:
    return Candle(
        venue="v", symbol="X/Y", venue_ns=T0, seen_ns=T0, interval="1m", open_ns=T0 + number * MINUTE,
        open=close, high=close + 1, low=close - 1, close=close, volume=volume, trades=3, closed=closed,
    )  # fmt: skip


def numbers(said: tuple[Candle, ...]) -> list[tuple[int, bool, bool]]:
    """(which bar, closed, filled)"""
    return [((one.open_ns - T0) // MINUTE, one.closed, one.filled) for one in said]


def series() -> Series:
    return Series("X/Y", "1m")


def asked(made: Series) -> tuple[int, int]:
    assert made.need is not None
    assert made.need.op is Op.CANDLES
    question = made.need.asked
    assert isinstance(question, AskCandles)
    return (question.start_ns - T0) // MINUTE, (question.end_ns - T0) // MINUTE


def test_bars_that_follow_are_passed_on_as_they_come() -> None:
    """If this failed, a healthy stream would be held back, or asked for again."""
    made = series()
    said = [made.hear(one) for one in (bar(0, closed=False), bar(0), bar(1, closed=False), bar(1), bar(2))]
    assert [numbers(one) for one in said] == [
        [(0, False, False)], [(0, True, False)], [(1, False, False)], [(1, True, False)], [(2, True, False)],
    ]  # fmt: skip
    assert made.need is None


def test_a_venue_that_never_says_closed_closes_a_bar_when_the_next_one_opens() -> None:
    """If this failed, no bar of such a venue would ever be final."""
    made = series()
    made.hear(bar(0, close=10.0, closed=False))
    made.hear(bar(0, close=11.0, closed=False))
    said = made.hear(bar(1, closed=False))
    assert numbers(said) == [(0, True, False), (1, False, False)]
    assert said[0].close == 11.0


def test_a_venue_that_never_says_closed_closes_a_bar_when_its_time_has_passed() -> None:
    """If this failed, the last bar of a quiet market would stay open until somebody trades."""
    made = series()
    made.hear(bar(0, closed=False))
    assert made.pass_to(T0 + MINUTE + GRACE_NS - 1) == ()
    assert numbers(made.pass_to(T0 + MINUTE + GRACE_NS)) == [(0, True, False)]
    assert made.need is None


def test_a_bar_that_nobody_called_closed_is_compared_with_the_venues_own() -> None:
    """If this failed, a bar whose last trade was lost on the way would stay wrong for ever."""
    made = series()
    for number in range(3):
        made.hear(bar(number, closed=False))
    assert made.doubt(T0 + 2 * MINUTE + GRACE_NS - 1) == made.doubt(T0 + MINUTE + GRACE_NS), "not before its last word"
    doubt = made.doubt(T0 + 2 * MINUTE + GRACE_NS)
    assert doubt is not None
    assert doubt.op is Op.CANDLES
    assert doubt.asked == AskCandles("X/Y", "1m", T0, T0 + 2 * MINUTE)
    said = made.confirm((bar(0), replace(bar(1, volume=2.0), closed=False), bar(2, volume=9.0)))
    assert [(one, said[0].volume) for one in numbers(said)] == [((1, True, True), 2.0)]
    assert made.doubt(T0 + 9 * MINUTE) is None
    assert made.counts["revised"] == 1


def test_what_an_answer_leaves_out_stays_in_doubt_and_a_word_of_the_venue_leaves_none() -> None:
    """If this failed, one late answer would end the doubt, or a healthy venue be asked about every bar."""
    made = series()
    made.hear(bar(0, closed=False))
    made.pass_to(T0 + MINUTE + GRACE_NS)
    assert made.confirm(()) == ()
    assert made.doubt(T0 + MINUTE + GRACE_NS) is not None
    assert made.confirm((bar(0),)) == ()
    assert made.doubt(T0 + MINUTE + GRACE_NS) is None
    sure = series()
    for number in range(3):
        sure.hear(bar(number))
    assert sure.doubt(T0 + 9 * MINUTE) is None


def test_doubts_that_nobody_answers_are_no_burden() -> None:
    """If this failed, a venue that refuses its candles would fill the memory of whoever listens to it."""
    made = series()
    for number in range(300):
        made.hear(bar(number, closed=False))
    doubt = made.doubt(T0 + 300 * MINUTE)
    assert doubt is not None
    assert doubt.asked.end_ns - doubt.asked.start_ns <= candles.KEPT * MINUTE


def test_a_bar_whose_last_word_was_lost_is_asked_for() -> None:
    """If this failed, half a bar would be passed on as a whole one."""
    made = series()
    made.hear(bar(0))
    made.hear(bar(1, volume=0.5, closed=False))
    assert made.hear(bar(2, closed=False)) == ()
    assert asked(made) == (1, 3)
    said = made.supply((bar(1, volume=2.0), bar(2, closed=False)))
    assert numbers(said) == [(1, True, True), (2, False, False)]
    assert said[0].volume == 2.0


def test_after_an_interruption_a_running_bar_is_not_believed_to_be_whole() -> None:
    """If this failed, the trades of the interruption would be missing from a bar called closed."""
    made = series()
    made.hear(bar(0, volume=0.5, closed=False))
    made.broke()
    assert made.hear(bar(1, closed=False)) == ()
    assert asked(made) == (0, 2)
    made = series()
    made.hear(bar(0, volume=0.5, closed=False))
    made.broke()
    made.hear(bar(0, volume=0.9, closed=False))  # the venue's own sum: whole again
    assert numbers(made.hear(bar(1, closed=False))) == [(0, True, False), (1, False, False)]


@pytest.mark.parametrize(("true_close", "told"), [(10.0, []), (12.0, [(0, True, True)])])
def test_a_bar_closed_by_its_time_is_doubted_when_the_silence_proves_too_long(
    true_close: float, told: list[tuple[int, bool, bool]]
) -> None:
    """If this failed, a bar whose last trades fell into the silence of a dead channel would stay wrong for good."""
    made = series()
    made.hear(bar(0, close=10.0, closed=False))
    assert numbers(made.pass_to(T0 + MINUTE + GRACE_NS)) == [(0, True, False)]
    made.broke()
    made.pass_to(T0 + MINUTE + GRACE_NS)
    assert asked(made) == (0, 2)
    assert numbers(made.supply([bar(0, close=true_close), bar(1, closed=False)])) == told
    assert made.need is None
    assert numbers(made.hear(bar(1, closed=False))) == [(1, False, False)]
    made.broke()
    made.pass_to(T0 + MINUTE + GRACE_NS)
    assert made.need is None


def test_a_hole_is_asked_for_and_what_follows_waits() -> None:
    """If this failed, an indicator would jump over minutes that were traded."""
    made = series()
    made.hear(bar(0))
    assert made.hear(bar(3)) == made.hear(bar(4)) == ()
    assert asked(made) == (1, 4)
    said = made.supply((bar(1), bar(2), bar(3)))
    assert numbers(said) == [(1, True, True), (2, True, True), (3, True, False), (4, True, False)]
    assert made.need is None
    assert made.counts["filled"] == 2


def test_a_bar_that_the_venue_leaves_out_is_empty_only_when_a_later_one_is_shown() -> None:
    """If this failed, a bar that is merely late at the venue would be written down as empty."""
    made = series()
    made.hear(bar(0, close=7.0))
    made.hear(bar(3))
    said = made.supply((bar(1, close=8.0), bar(3)))
    assert numbers(said) == [(1, True, True), (2, True, True), (3, True, False)]
    flat = said[1]
    assert (flat.open, flat.high, flat.low, flat.close, flat.volume, flat.trades) == (8.0, 8.0, 8.0, 8.0, 0.0, 0)
    assert flat.seen_ns == 0


def test_an_answer_that_lags_is_asked_again_before_it_is_believed() -> None:
    """If this failed, the newest bars would be called empty whenever the venue's history is a second behind."""
    made = series()
    made.hear(bar(0))
    made.hear(bar(3))
    assert numbers(made.supply((bar(1),))) == [(1, True, True)]
    assert asked(made) == (2, 4)
    assert made.supply(()) == ()
    assert made.need is not None
    assert numbers(made.supply((bar(2, close=9.0),))) == [(2, True, True), (3, True, False)]
    made.hear(bar(5))
    assert made.supply(()) == ()
    assert numbers(made.supply(())) == [(4, True, True), (5, True, False)]


def test_minutes_of_silence_are_asked_for_without_waiting_for_the_next_bar() -> None:
    """If this failed, a bot would not learn that nothing was traded until something is."""
    made = series()
    made.hear(bar(0))
    assert made.pass_to(T0 + 3 * MINUTE + GRACE_NS) == ()
    assert asked(made) == (1, 4)
    made.supply(())
    assert numbers(made.supply(())) == [(1, True, True), (2, True, True)]
    revised = made.hear(bar(2, close=12.0))
    assert numbers(revised) == [(2, True, False)]


def test_the_missing_bar_may_still_come_by_itself() -> None:
    """If this failed, a late bar would be passed on twice, or hold all that follow."""
    made = series()
    made.hear(bar(0))
    made.hear(bar(2))
    assert numbers(made.hear(bar(1))) == [(1, True, False), (2, True, False)]
    assert made.need is None
    assert made.supply((bar(1),)) == ()


def test_doubles_are_counted_and_revisions_told() -> None:
    """If this failed, a bar would count twice, or a correction of the venue's be missed."""
    made = series()
    made.hear(bar(0))
    made.hear(bar(1))
    assert made.hear(bar(0)) == made.hear(bar(1)) == ()
    (revised,) = made.hear(bar(0, close=13.0))
    assert (revised.close, revised.closed) == (13.0, True)
    assert made.hear(bar(0, close=13.0)) == ()
    assert made.hear(bar(-5)) == ()
    assert made.hear(replace(bar(1), open_ns=bar(1).open_ns + 7)) == ()
    assert made.counts == {"closed": 2, "double": 3, "revised": 1, "old": 1, "off the grid": 1}


def test_what_waits_for_a_hole_is_bounded_and_still_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a venue whose history is down would fill the memory, or cost bars when it is back."""
    monkeypatch.setattr(candles, "HELD_MOST", 5)
    made = series()
    made.hear(bar(0))
    for number in range(2, 40):
        made.hear(bar(number))
    assert asked(made) == (1, 36)
    said = made.supply(tuple(bar(number) for number in range(1, 36)))
    assert [number for number, *_ in numbers(said)] == list(range(1, 40))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a series of seconds would grow for as long as it runs."""
    monkeypatch.setattr(candles, "KEPT", 10)
    made = series()
    for number in range(50):
        made.hear(bar(number))
    assert made.hear(bar(45)) == ()
    assert made.hear(bar(10)) == ()
    assert (made.counts["double"], made.counts["old"]) == (1, 1)


def test_months_follow_the_calendar() -> None:
    """If this failed, every February would be a hole, and every January a double."""
    made = Series("X/Y", "1M")
    opens = [intervals.start_ns("1M", 0)]
    for _ in range(30):
        opens.append(intervals.next_ns("1M", opens[-1]))
    for open_ns in opens:
        assert len(made.hear(replace(bar(0), interval="1M", open_ns=open_ns))) == 1
    assert made.need is None
    assert made.counts == {"closed": 31}


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), flagged=st.booleans())
def test_a_broken_stream_still_gives_every_bar_once_and_in_order(seed: int, flagged: bool) -> None:
    """If this failed, a series could have a hole or a double after drops, doubles, late words and a lagging history."""
    rng = random.Random(seed)
    truth = {number: bar(number, close=rng.uniform(5, 15)) for number in range(60) if rng.random() < 0.85 or number < 2}
    made, said, at = series(), list[Candle](), 0
    stream: list[tuple[int, Candle]] = []
    for number, whole in truth.items():
        stream += [(number, replace(whole, volume=0.1 * part, closed=False)) for part in (1, 2)]
        stream.append((number, whole if flagged else replace(whole, closed=False)))
    for number, candle in stream:
        at = T0 + number * MINUTE + 40 * SECOND_NS
        if number > 1 and rng.random() < 0.2:
            made.broke()
            continue
        for _ in range(1 + (rng.random() < 0.1)):
            said += made.hear(candle)
        said += made.pass_to(at)
        if made.need and rng.random() < 0.5:
            said += answer(made, truth, at)
    at = T0 + 61 * MINUTE
    for _ in range(200):
        said += made.pass_to(at)
        if made.need:
            said += answer(made, truth, at)
    closed = [one for one in said if one.closed]
    assert [one.open_ns for one in closed] == [T0 + number * MINUTE for number in range(60)]
    for number, one in enumerate(closed):
        if number in truth:
            assert (one.close, one.volume) == (truth[number].close, truth[number].volume)
        else:
            assert (one.close, one.volume, one.filled) == (closed[number - 1].close, 0.0, True)


def answer(made: Series, truth: dict[int, Candle], at: int) -> tuple[Candle, ...]:
    """The venue's history: no bars without trades, the running one open."""
    start, end = asked(made)
    shown = [one for number, one in truth.items() if start <= number < end and one.open_ns < at]
    return made.supply([replace(one, seen_ns=0, closed=one.open_ns + MINUTE <= at) for one in shown])


def test_holes_of_a_download_are_found_at_both_ends_and_between() -> None:
    """If this failed, a back-test would run over missing minutes without a word."""
    found = holes([bar(2), bar(5), bar(2), bar(3)], "1m", T0, T0 + 8 * MINUTE)
    assert [((one.start_ns - T0) // MINUTE, (one.end_ns - T0) // MINUTE, one.count) for one in found] == [
        (0, 2, 2), (4, 5, 1), (6, 8, 2),
    ]  # fmt: skip
    assert [one.count for one in holes([], "1m", T0 + 1, T0 + 3 * MINUTE)] == [2]
    assert holes([bar(0)], "1m", T0, T0 + MINUTE) == ()


def test_a_mended_download_has_no_hole_and_no_double_after_its_first_bar() -> None:
    """If this failed, a file of candles could not be trusted to have one row a minute."""
    made = mend([bar(5), bar(2, close=8.0), bar(2, close=9.0), bar(9)], "1m", T0, T0 + 8 * MINUTE)
    assert numbers(made) == [
        (2, True, False), (3, True, True), (4, True, True), (5, True, False), (6, True, True), (7, True, True),
    ]  # fmt: skip
    assert [one.close for one in made[:3]] == [9.0, 9.0, 9.0]
    assert [one.count for one in holes(made, "1m", T0, T0 + 8 * MINUTE)] == [2]
    assert mend([], "1m", T0, T0 + MINUTE) == ()


def test_a_series_tells_its_state_in_a_line() -> None:
    """If this failed, nobody could see why candles are held back."""
    made = series()
    made.hear(bar(0))
    made.hear(bar(2))
    assert repr(made) == f"<Series X/Y 1m: waits for {T0 + MINUTE}, 1 held; 1 closed>"
