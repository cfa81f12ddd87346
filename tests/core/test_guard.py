"""Values that cannot be true, and those that only look so."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.guard import BELIEVED, Guard
from fairlead.model.market import MS, Candle, Funding, Index, Mark, Quote, Ticker, Trade

X = "X/Y"
T0 = 1_700_000_000_000 * MS
HOUR = 3_600_000 * MS


def trade(price: float = 100.0, qty: float = 1.0, at: int = T0, symbol: str = X, seen: int = 0) -> Trade:
    return Trade(venue="v", symbol=symbol, venue_ns=at, seen_ns=seen or at, id="1", price=price, qty=qty, side="buy")


def quote(bid: float = 99.99, ask: float = 100.01, qty: float = 1.0, at: int = T0, seen: int = 0) -> Quote:
    return Quote(venue="v", symbol=X, venue_ns=at, seen_ns=seen or at, bid=bid, bid_qty=qty, ask=ask, ask_qty=qty)


def ticker(at: int = T0, **given: float | None) -> Ticker:
    facts = {"last": 100.0, "bid": 99.99, "ask": 100.01, "high": 110.0, "low": 90.0, "volume": 5.0, **given}
    return Ticker(venue="v", symbol=X, venue_ns=at, seen_ns=at, **facts)  # type: ignore[arg-type]


def candle(at: int = T0, **given: float) -> Candle:
    prices = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.5, "volume": 3.0, **given}
    bar = {"interval": "1m", "open_ns": at // HOUR * HOUR, **prices}
    return Candle(venue="v", symbol=X, venue_ns=at, seen_ns=at, **bar)  # type: ignore[arg-type]


def mark(price: float = 100.0, at: int = T0) -> Mark:
    return Mark(venue="v", symbol=X, venue_ns=at, seen_ns=at, price=price)


def funding(rate: float = 0.0001, at: int = T0) -> Funding:
    return Funding(venue="v", symbol=X, venue_ns=at, seen_ns=at, rate=rate, due_ns=T0 + HOUR)


def warm() -> Guard:
    """A guard that has seen a calm minute of everything."""
    guard = Guard(X, tick=0.01)
    rng = random.Random(1)
    for second in range(60):
        at, price = T0 - (60 - second) * 1_000 * MS, round(rng.gauss(100.0, 0.05), 2)
        values = (
            guard.trade(trade(price, at=at)),
            guard.quote(quote(price - 0.01, price + 0.01, at=at)),
            guard.top(price - 0.01, price + 0.01),
            guard.ticker(ticker(at=at, last=price)),
            guard.candle(candle(at=at, close=price)),
            guard.level(mark(price, at=at)),
            guard.level(Index(venue="v", symbol=X, venue_ns=at, seen_ns=at, price=price)),
            guard.funding(funding(at=at)),
        )
        assert set(values) == {""}
    return guard


PLANTED: list[tuple[str, Callable[[Guard], str], str]] = [
    ("trade ten times too high", lambda g: g.trade(trade(1_000.0)), "jump"),
    ("trade ten times too low", lambda g: g.trade(trade(10.0)), "jump"),
    ("trade at zero", lambda g: g.trade(trade(0.0)), "zero"),
    ("trade below zero", lambda g: g.trade(trade(-100.0)), "negative"),
    ("trade at nan", lambda g: g.trade(trade(math.nan)), "not finite"),
    ("trade at infinity", lambda g: g.trade(trade(math.inf)), "not finite"),
    ("trade of nothing", lambda g: g.trade(trade(qty=0.0)), "zero"),
    ("trade of less", lambda g: g.trade(trade(qty=-1.0)), "negative"),
    ("trade of nan", lambda g: g.trade(trade(qty=math.nan)), "not finite"),
    ("trade of infinity", lambda g: g.trade(trade(qty=math.inf)), "not finite"),
    ("trade of another market", lambda g: g.trade(trade(symbol="Z/Y")), "wrong symbol"),
    ("trade an hour ago", lambda g: g.trade(trade(at=T0 - HOUR)), "backwards"),
    ("trade in an hour", lambda g: g.trade(trade(at=T0 + HOUR, seen=T0)), "future"),
    ("quote crossed", lambda g: g.quote(quote(100.02, 100.01)), "crossed"),
    ("quote locked", lambda g: g.quote(quote(100.01, 100.01)), "locked"),
    ("quote without a bid", lambda g: g.quote(quote(0.0, 100.01)), "zero"),
    ("quote of nothing", lambda g: g.quote(quote(qty=0.0)), "zero"),
    ("quote below zero", lambda g: g.quote(quote(-1.0, 100.01)), "negative"),
    ("quote with nan", lambda g: g.quote(quote(99.9, math.nan)), "not finite"),
    ("quote with an infinite ask", lambda g: g.quote(quote(99.9, math.inf)), "not finite"),
    ("quote with an ask far off", lambda g: g.quote(quote(99.9, 1_000.0)), "jump"),
    ("quote an hour ago", lambda g: g.quote(quote(at=T0 - HOUR)), "backwards"),
    ("book crossed", lambda g: g.top(100.02, 100.01), "crossed"),
    ("book locked", lambda g: g.top(100.01, 100.01), "locked"),
    ("book with a bid at a tenth", lambda g: g.top(10.0, 100.01), "jump"),
    ("book with a side below zero", lambda g: g.top(None, -1.0), "negative"),
    ("ticker ten times too high", lambda g: g.ticker(ticker(last=1_000.0)), "jump"),
    ("ticker crossed", lambda g: g.ticker(ticker(bid=100.02)), "crossed"),
    ("ticker with its high below its low", lambda g: g.ticker(ticker(high=80.0)), "inside out"),
    ("ticker with a volume below zero", lambda g: g.ticker(ticker(volume=-1.0)), "negative"),
    ("ticker at nan", lambda g: g.ticker(ticker(last=math.nan)), "not finite"),
    ("candle with its high below its close", lambda g: g.candle(candle(high=100.2)), "inside out"),
    ("candle with its low above its open", lambda g: g.candle(candle(low=100.2)), "inside out"),
    ("candle with a needle up", lambda g: g.candle(candle(high=1_010.0)), "jump"),
    ("candle with a needle down", lambda g: g.candle(candle(low=10.0)), "jump"),
    ("candle elsewhere", lambda g: g.candle(candle(open=1e3, high=1e3, low=1e3, close=1e3)), "jump"),
    ("candle at zero", lambda g: g.candle(candle(low=0.0)), "zero"),
    ("candle with a volume below zero", lambda g: g.candle(candle(volume=-3.0)), "negative"),
    ("candle with nan", lambda g: g.candle(candle(open=math.nan)), "not finite"),
    ("candle of another age", lambda g: g.candle(candle(open_ns=0)), "backwards"),
    ("candle of next week", lambda g: g.candle(candle(open_ns=T0 + 168 * HOUR)), "future"),
    ("mark ten times too high", lambda g: g.level(mark(1_000.0)), "jump"),
    ("mark at zero", lambda g: g.level(mark(0.0)), "zero"),
    ("mark an hour ago", lambda g: g.level(mark(at=T0 - HOUR)), "backwards"),
    ("funding of the whole position", lambda g: g.funding(funding(1.0)), "jump"),
    ("funding of nan", lambda g: g.funding(funding(math.nan)), "not finite"),
    ("funding of another time", lambda g: g.funding(funding(at=T0 - HOUR)), "backwards"),
]


@pytest.mark.parametrize(("judge", "label"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_each_planted_anomaly_is_labelled_and_counted(judge: Callable[[Guard], str], label: str) -> None:
    """If this failed, a bot would be handed an impossible value as a normal one."""
    guard = warm()
    assert judge(guard) == label
    assert guard.counts == {label: 1}
    assert repr(guard) == f"<Guard of {X}: 1 {label}>"


def test_an_anomaly_does_not_spoil_what_follows() -> None:
    """If this failed, one bad print would make the true prices look wrong, or the next bad one look right."""
    guard = warm()
    for bad in (1_000.0, 0.0, 1_000.0, math.nan, 10.0):
        assert guard.trade(trade(bad)) != ""
        assert guard.trade(trade(100.02)) == ""
    assert guard.trade(trade(at=T0 + HOUR, seen=T0)) == "future"
    assert guard.trade(trade(at=T0 + MS)) == ""


def test_a_real_repricing_is_believed_after_a_few_trades_and_the_old_price_no_longer() -> None:
    """If this failed, a market that halved would be impossible for ever, or a false one be believed beside it."""
    guard = warm()
    labels = [guard.trade(trade(50.0 + step / 100)) for step in range(20)]
    assert labels == ["jump"] * (BELIEVED - 1) + [""] * (21 - BELIEVED)
    assert guard.trade(trade(100.0)) == "jump"


def test_prices_that_disagree_with_one_another_are_never_believed() -> None:
    """If this failed, enough nonsense would add up to a new price level."""
    guard = warm()
    for step in range(200):
        assert guard.trade(trade(1_000.0 * 1.3 ** (step % 7))) == "jump"


def test_rare_bad_prints_among_good_ones_are_never_believed() -> None:
    """If this failed, a venue that errs now and then would train us to accept it."""
    guard = warm()
    for step in range(3_000):
        expected = "jump" if step % 40 == 0 else ""
        assert guard.trade(trade(1_000.0 if expected else 100.0 + step % 3 / 100)) == expected


def test_a_market_that_trades_at_two_places_is_understood() -> None:
    """If this failed, a thin market bouncing over a wide spread would be labelled at every other trade for ever."""
    guard = warm()
    labels = [guard.trade(trade(100.0 if step % 2 else 130.0)) for step in range(200)]
    assert labels[20:] == [""] * 180


def test_a_crash_step_by_step_is_followed() -> None:
    """If this failed, the minute that matters most would be full of false labels."""
    guard, price = warm(), 100.0
    for _ in range(400):
        price *= 0.98
        assert guard.trade(trade(price)) == ""


def test_coarse_ticks_are_not_jumps() -> None:
    """If this failed, a coin worth five ticks would jump with each of them."""
    guard = Guard(X, tick=1e-8)
    rng = random.Random(2)
    assert {guard.trade(trade(rng.randrange(2, 8) * 1e-8)) for _ in range(500)} == {""}


def test_times_may_overtake_a_little_and_a_clock_set_back_is_believed() -> None:
    """If this failed, parallel matching would be an anomaly, or one step of a clock would label all that follows."""
    guard = warm()
    assert guard.trade(trade(at=T0 - 900 * MS)) == ""
    labels = [guard.trade(trade(at=T0 - HOUR + step)) for step in range(10)]
    assert labels == ["backwards"] * (BELIEVED - 1) + [""] * (11 - BELIEVED)


def test_a_venue_without_times_is_not_judged_by_them() -> None:
    """If this failed, every quote of a venue that sends no time would be called backwards."""
    guard = Guard(X, tick=0.01)
    assert {guard.quote(quote(at=0, seen=T0 + step)) for step in range(50)} == {""}


def test_an_auction_may_cross_where_the_venue_allows_it() -> None:
    """If this failed, a venue whose books cross by design would never have a normal one."""
    guard = Guard(X, tick=0.01, crossed_ok=True)
    assert (guard.top(100.02, 100.01), guard.top(100.01, 100.01), guard.top(None, None)) == ("", "", "")
    assert guard.top(0.0, 100.01) == "zero"


def test_every_kind_that_holds_a_price_finds_its_judge() -> None:
    """If this failed, a kind of topic would pass unjudged."""
    guard = warm()
    events: dict[str, Any] = {
        "trades": trade(1e3), "quote": quote(1e3, 1.1e3), "ticker": ticker(last=1e3), "mark": mark(1e3),
        "index": mark(1e3), "candles": candle(close=1e3), "funding": funding(1.0),
    }  # fmt: skip
    for kind, event in events.items():
        judge = guard.of(kind)
        assert judge is not None
        assert judge(event) != "", kind
    assert guard.of("book") is None


NUMBER = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1e308, 5e-324, 100.0])


@given(values=st.lists(st.tuples(NUMBER, NUMBER, st.integers(-(2**63), 2**63)), max_size=80))
def test_no_number_breaks_a_guard_and_only_sound_ones_pass(values: list[tuple[float, float, int]]) -> None:
    """If this failed, a venue's nonsense could stop the feed, or slip through it."""
    guard = Guard(X, tick=0.01)
    for price, qty, at in values:
        verdict = guard.trade(trade(price, qty, at=at, seen=T0))
        sound = math.isfinite(price) and math.isfinite(qty) and price > 0 and qty > 0
        assert sound or verdict != ""
        guard.quote(quote(price, qty, at=at, seen=T0))
        guard.top(price, qty)
        guard.candle(candle(open=price, close=qty))
        guard.ticker(ticker(last=price, high=qty))


def test_a_calm_day_of_trades_and_quotes_gets_no_label() -> None:
    """If this failed, users would learn to ignore the labels."""
    rng, guard, price, at = random.Random(11), Guard(X, tick=0.01), 100.0, T0
    for _ in range(40_000):
        at += round(rng.expovariate(1 / 2_000) * MS)
        price = max(1.0, price * math.exp(rng.gauss(0.0, 0.0006)))
        mid, seen = round(price, 2), at + rng.randrange(10, 300) * MS
        assert guard.trade(trade(mid + rng.choice((-0.01, 0.01)), rng.expovariate(1.0) + 1e-6, at, seen=seen)) == ""
        assert guard.quote(quote(mid - 0.01, mid + 0.01, at=at, seen=seen)) == ""
