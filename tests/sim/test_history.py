"""What a market tells of itself: one history, lived or made up, that agrees with itself at every length."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.model import intervals
from fairlead.sim import bars, history
from fairlead.sim.bars import Candle
from fairlead.sim.happenings import Traded
from tests.sim.places import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, START_NS, alone

SOON_NS = START_NS + 3 * MINUTE_NS


def lived(**knobs: Any) -> tuple[history.History, list[Traded]]:
    """A history three minutes after the start, and the trades heard live."""
    world, market = alone(**{"trades_hz": 5.0, **knobs})
    return market.history, [one for one in world.advance(SOON_NS) if isinstance(one, Traded)]


def of_trades(trades: tuple[Traded, ...] | list[Traded], begin_ns: int) -> Candle | None:
    return bars.fold([bars.of_trade(one, begin_ns) for one in trades], begin_ns)


@settings(max_examples=20, deadline=None)
@given(
    pair=st.sampled_from([("1m", "1s"), ("5m", "1m"), ("1h", "1m"), ("1h", "15m"), ("4h", "1h"), ("1d", "1h"),
                          ("3d", "1d"), ("1w", "1d"), ("15d", "1d"), ("1M", "1d"), ("3M", "1M")]),
    back=st.integers(0, 9 * DAY_NS),
    hz=st.sampled_from([0.002, 0.03, 2.0]),
)  # fmt: skip
def test_a_long_bar_is_the_fold_of_its_short_ones(pair: tuple[str, str], back: int, hz: float) -> None:
    """If it failed, two intervals of one market would contradict each other, and a mended hole would not fit."""
    told, _ = lived(trades_hz=hz)
    long, short = pair
    begin_ns = intervals.start_ns(long, SOON_NS - back)
    end_ns = intervals.next_ns(long, begin_ns)
    bar = told.candles(long, begin_ns, begin_ns + 1)
    parts = told.candles(short, begin_ns, end_ns, most=5_000)
    whole = bars.fold(parts, begin_ns)
    assert bar == ((whole,) if whole else ())


@settings(max_examples=30, deadline=None)
@given(
    back=st.integers(-2, 30 * 1_440), hz=st.sampled_from([0.0, 0.002, 0.01, 0.03, 0.06, 5.0]), seed=st.integers(0, 99)
)
def test_a_minute_is_the_fold_of_its_trades(back: int, hz: float, seed: int) -> None:
    """If it failed, a candle built from trades would not be the venue's, before or after the start."""
    world, market = alone(seed, trades_hz=hz)
    for _ in world.advance(SOON_NS):
        pass
    begin_ns = START_NS - back * MINUTE_NS
    trades = [one for one in market.history.trades(5_000, since_ns=begin_ns) if one.ns < begin_ns + MINUTE_NS]
    whole = of_trades(trades, begin_ns)
    assert market.history.candles("1m", begin_ns, begin_ns + 1) == ((whole,) if whole else ())


def test_lived_candles_are_those_of_the_trades_heard() -> None:
    """If it failed, a stream and the history of one market would tell two stories."""
    told, heard = lived()
    assert told.candles("1h", START_NS) == (of_trades(heard, START_NS),)
    seconds = told.candles("1s", START_NS, most=1_000)
    assert {one.begin_ns for one in seconds} == {one.ns // SECOND_NS * SECOND_NS for one in heard}
    assert told.trades(len(heard)) == tuple(heard)


def test_the_same_question_always_has_the_same_answer() -> None:
    """If it failed, a page asked for again after a cut would not fit the pages before it."""
    first, _ = lived()
    other, _ = lived()
    other.candles("1d", most=30)  # another way to the same days
    for interval in ("1m", "1h", "1d"):
        assert first.candles(interval, most=40) == other.candles(interval, most=40) == first.candles(interval, most=40)


@pytest.mark.parametrize("basis_bps", [1.0, 500.0])
def test_candles_join_without_a_seam(basis_bps: float) -> None:
    """If it failed, history would jump where the world began, and ids would skip or double from bar to bar."""
    told, _ = lived(basis_bps=basis_bps)
    minutes = told.candles("1m", most=2_000)
    assert len(minutes) == 2_000
    for one, after in pairwise(minutes):
        assert after.begin_ns - one.begin_ns == MINUTE_NS
        assert after.first_id == one.last_id + 1 == one.first_id + one.trades
        assert abs(after.open / one.close - 1) < 0.002 + basis_bps / 10_000 / 5
        assert one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high
        assert one.low * one.volume <= one.turnover <= one.high * one.volume
        assert 0 <= one.buy_volume <= one.volume
        assert 0 <= one.buy_turnover <= one.turnover


def test_a_minute_of_the_past_ends_its_way() -> None:
    """If it failed, takers would buy in falling minutes, and the taker's share of a candle would mean nothing."""
    told, _ = lived()
    for one in told.candles("1m", START_NS - HOUR_NS, START_NS):
        last = told.trades(1, from_id=one.last_id)[0]
        assert last.side == ("buy" if one.close >= one.open else "sell")
        prices = [trade.price for trade in told.trades(one.trades, from_id=one.first_id)]
        low_first = prices.index(one.low) < prices.index(one.high) or one.low == one.high
        assert low_first == (one.close >= one.open) or one.open in (one.low, one.high)


def test_a_running_bar_is_never_taken_for_a_whole_one() -> None:
    """If it failed, a day asked for at noon would stay what it was at noon for ever."""
    world, market = alone(trades_hz=5.0)
    for minute in (1, 2, 3):
        for _ in world.advance(START_NS + minute * MINUTE_NS):
            pass
        for interval in ("1h", "1d"):
            assert market.history.candles(interval, START_NS)[0].last_id == market.history.next_id - 1


def test_prices_and_quantities_of_the_past_lie_on_their_steps() -> None:
    """If it failed, old trades would be refused by the very filters that the market declares."""
    told, _ = lived(tick=Decimal("0.5"), lot=Decimal("0.001"), trades_hz=0.5)
    trades = told.trades(1_000, since_ns=START_NS - DAY_NS)
    assert len(trades) == 1_000
    assert all(one.price % 50 == 0 and one.qty % 100 == 0 and one.price > 0 and one.qty > 0 for one in trades)
    assert {one.side for one in trades} == {"buy", "sell"}


def test_pages_follow_the_usual_rule() -> None:
    """If it failed, paging would skip or repeat bars: with a beginning the first ones, without it the latest."""
    told, _ = lived()
    hour = told.candles("1m", START_NS - HOUR_NS, START_NS)
    assert [one.begin_ns for one in hour] == list(range(START_NS - HOUR_NS, START_NS, MINUTE_NS))
    assert told.candles("1m", START_NS - HOUR_NS + 1, START_NS) == hour[1:]
    assert told.candles("1m", START_NS - HOUR_NS, START_NS, most=7) == hour[:7]
    assert told.candles("1m", end_ns=START_NS, most=7) == hour[-7:]
    assert told.candles("1m", most=5)[0].begin_ns == START_NS - 2 * MINUTE_NS
    assert told.candles("1m", START_NS + HOUR_NS) == ()
    assert told.candles("1m", START_NS - HOUR_NS, most=0) == ()


def test_history_begins_when_the_market_was_listed() -> None:
    """If it failed, paging back would never end."""
    told, _ = lived(age_days=3, trades_hz=0.1)
    assert len(told.candles("1d", most=100)) == 4
    assert len(told.candles("1d", 1, most=100)) == 4
    assert told.candles("1d", most=100)[0].begin_ns == told.listed_ns == START_NS - 3 * DAY_NS
    first = told.trades(1, from_id=0)[0]
    assert told.listed_ns <= first.ns < told.listed_ns + HOUR_NS
    assert told.trades(1, since_ns=1) == (first,)


def test_weeks_begin_on_monday_months_on_the_first_and_days_where_told() -> None:
    """If it failed, long bars would be cut in another place than the venue's."""
    told, _ = lived(trades_hz=0.1)
    week, month, day = (told.candles(name, most=2)[0].begin_ns for name in ("1w", "1M", "1d"))
    assert (week // DAY_NS + 3) % 7 == 0
    assert month == (START_NS // DAY_NS - 21 - 31) * DAY_NS
    assert day == START_NS - DAY_NS
    moved = told.candles("1d", most=3, offset_ns=8 * HOUR_NS)
    assert [one.begin_ns % DAY_NS for one in moved] == [16 * HOUR_NS] * 3
    assert moved[1] == told.between(moved[1].begin_ns, moved[1].begin_ns + DAY_NS)


def test_a_thin_market_has_empty_minutes() -> None:
    """If it failed, no client would ever meet a minute without a trade."""
    told, _ = lived(trades_hz=0.01)
    bare = told.candles("1m", START_NS - HOUR_NS, START_NS)
    filled = told.candles("1m", START_NS - HOUR_NS, START_NS, filled=True)
    assert 5 < len(bare) < 55
    assert len(filled) == 60
    assert [one for one in filled if one.trades] == list(bare)
    for before, one in pairwise(filled):
        if not one.trades:
            assert (one.open, one.high, one.low, one.close) == (before.close,) * 4
            assert (one.volume, one.turnover, one.first_id, one.last_id) == (0, 0, -1, -1)


def test_a_dead_market_has_no_history() -> None:
    """If it failed, a market without a trade would stop the world or make trades up."""
    told, heard = lived(trades_hz=0.0)
    assert (heard, told.trades(), told.trades(since_ns=START_NS - DAY_NS), told.day()) == ([], (), (), None)
    assert told.candles("1h", START_NS - DAY_NS, filled=True) == ()


@pytest.mark.parametrize("most", [1, 500, 5_000])
def test_trades_page_without_a_hole_or_a_double(most: int) -> None:
    """If it failed, back-filling from trades would lose some or count some twice, most of all across the start."""
    told, _ = lived()
    begin_ns = START_NS - 5 * MINUTE_NS
    page = told.trades(most, since_ns=begin_ns)
    assert page[0].ns >= begin_ns > told.trades(1, from_id=page[0].id - 1)[0].ns
    ids = [one.id for one in page]
    assert ids == list(range(ids[0], min(ids[0] + most, told.next_id)))
    assert all(a.ns <= b.ns for a, b in pairwise(page))
    assert told.trades(most, from_id=ids[0]) == page
    assert told.trades(1, since_ns=page[-1].ns)[0].ns == page[-1].ns
    assert told.trades(since_ns=SOON_NS + 1) == ()


def test_a_day_is_the_last_24_hours() -> None:
    """If it failed, tickers would tell of yesterday, or of a few minutes only."""
    told, heard = lived()
    day = told.day()
    assert day is not None
    assert day.begin_ns == SOON_NS - DAY_NS
    assert day.last_id == heard[-1].id
    assert day.trades == day.last_id - day.first_id + 1
    assert day == bars.fold(told.candles("1m", day.begin_ns, most=2_000), day.begin_ns)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it failed, a long day would fill the memory; or forgetting would leave a hole in the middle of a page."""
    monkeypatch.setattr(history, "TRADES_KEPT", 100)
    monkeypatch.setattr(history, "SECONDS_KEPT", 60)
    told, heard = lived()
    assert len(heard) > 500
    assert told.trades(10_000, since_ns=START_NS)[-1] == heard[-1]
    assert 100 <= len(told.trades(10_000, since_ns=START_NS)) < 200
    assert len(told.candles("1s", START_NS, most=10_000)) == 60
    across = told.trades(10_000, since_ns=START_NS - MINUTE_NS)
    assert across[-1].id == heard[0].id - 1
    assert told.candles("1h", START_NS) == (of_trades(heard, START_NS),)
