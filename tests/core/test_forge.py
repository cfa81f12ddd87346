"""Candles made of trades."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.forge import Forge
from fairlead.model.intervals import SECOND_NS
from fairlead.model.market import MS, Candle, Trade
from tests import recorded

MINUTE = 60 * SECOND_NS
T0 = 1_700_000_040_000 * MS // MINUTE * MINUTE


def trade(price: str, qty: str, at: int, count: int = 1) -> Trade:
    return Trade(
        venue="v", symbol="X/Y", venue_ns=at, seen_ns=at,
        id="1", price=float(price), qty=float(qty), side="buy", count=count,
    )  # fmt: skip


def forge() -> Forge:
    return Forge("v", "X/Y", "1m")


def prices(bar: Candle) -> tuple[float, float, float, float]:
    return bar.open, bar.high, bar.low, bar.close


TEXT = st.decimals(min_value="0.00000001", max_value="99999", places=8, allow_nan=False).map(lambda one: f"{one:f}")


@given(trades=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=80))
def test_a_forged_bar_equals_the_exact_sums_of_its_trades(trades: list[tuple[str, str]]) -> None:
    """If this failed, our volume would drift from the venue's with every trade."""
    made = forge()
    for step, (price, qty) in enumerate(trades):
        assert made.add(trade(price, qty, T0 + step)) == ()
    (bar,) = made.pass_to(T0 + MINUTE)
    texts = [Decimal(price) for price, _ in trades]
    assert prices(bar) == tuple(map(float, (texts[0], max(texts), min(texts), texts[-1])))
    assert f"{bar.volume:.8f}" == f"{sum(Decimal(qty) for _, qty in trades):.8f}"
    assert bar.volume == float(sum(Decimal(qty) for _, qty in trades))
    assert bar.quote_volume == float(sum(Decimal(price) * Decimal(qty) for price, qty in trades))
    assert (bar.trades, bar.closed, bar.filled, bar.open_ns) == (len(trades), True, False, T0)


def test_a_tenth_added_ten_times_is_one() -> None:
    """If this failed, the sum of floats would stand where the venue prints a decimal."""
    made = forge()
    for step in range(10):
        made.add(trade("1", "0.1", T0 + step))
    assert made.running is not None
    assert made.running.volume == 1.0


def test_bars_without_trades_carry_on_the_last_close_and_are_marked() -> None:
    """If this failed, a quiet minute would be a hole, or pass for a traded one."""
    made = forge()
    made.add(trade("7", "2", T0))
    bars = made.add(trade("9", "1", T0 + 3 * MINUTE + 5))
    assert [bar.open_ns for bar in bars] == [T0, T0 + MINUTE, T0 + 2 * MINUTE]
    assert [prices(bar) for bar in bars[1:]] == [(7.0, 7.0, 7.0, 7.0)] * 2
    assert [(bar.volume, bar.filled, bar.closed, bar.trades) for bar in bars[1:]] == [(0.0, True, True, 0)] * 2
    assert made.running is not None
    assert (prices(made.running), made.running.closed) == ((9.0, 9.0, 9.0, 9.0), False)


def test_a_late_trade_revises_its_bar_and_one_too_late_is_counted() -> None:
    """If this failed, a trade that was overtaken would be in no bar, or in the wrong one."""
    made = forge()
    made.add(trade("7", "2", T0 + 10))
    made.add(trade("9", "1", T0 + MINUTE))
    (revised,) = made.add(trade("5", "1", T0 + 5))
    assert (prices(revised), revised.volume, revised.open_ns, revised.closed) == ((5.0, 7.0, 5.0, 7.0), 3.0, T0, True)
    assert made.add(trade("6", "1", T0 - MINUTE)) == ()
    assert made.late == 1
    assert repr(made) == "<Forge X/Y 1m: 2 bars held, 1 trades too late>"


def test_before_the_first_trade_there_is_no_bar() -> None:
    """If this failed, a bar would be made up from nothing."""
    made = forge()
    assert made.pass_to(T0 + 5 * MINUTE) == ()
    assert made.running is None


def said(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The trades and the bars of a recording."""
    frames = [json.loads(line["raw"]) for line in recorded.lines(f"binance/captures/{name}.jsonl.gz")]
    data = [frame["data"] for frame in frames if "data" in frame]
    trades = [one for one in data if one.get("e") == "aggTrade"]
    return trades, [one["k"] for one in data if one.get("e") == "kline"]


@pytest.mark.parametrize(("name", "bars", "growths"), [("usdm_SUSHIUSDT_2021", 5, 20), ("usdm_AKROUSDT_2021", 0, 1)])
def test_recorded_trades_make_the_recorded_bars(name: str, bars: int, growths: int) -> None:
    """If this failed, our bars would differ from those that a real venue made of the same trades."""
    trades, told = said(name)
    whole = grown = 0
    for number, bar in enumerate(told):
        made = forged(trades, bar["f"] - 1, bar["L"])
        if made is not None:
            assert (*prices(made), made.volume) == tuple(float(bar[name]) for name in "ohlcv")
            assert (made.quote_volume, made.trades, made.open_ns) == (float(bar["q"]), bar["n"], bar["t"] * MS)
            whole += 1
        for before in told[:number]:
            made = forged(trades, before["L"], bar["L"]) if before["t"] == bar["t"] else None
            if made is not None:
                assert made.volume == float(Decimal(bar["v"]) - Decimal(before["v"]))
                assert made.quote_volume == float(Decimal(bar["q"]) - Decimal(before["q"]))
                assert (made.close, made.trades) == (float(bar["c"]), bar["n"] - before["n"])
                grown += 1
    assert (whole, grown >= growths) == (bars, True)


def forged(trades: list[dict[str, Any]], after: int, last: int) -> Candle | None:
    """What the trades of these ids make; None where the recording does not hold exactly them."""
    since = [one for one in trades if after < one["l"] and one["f"] <= last]
    if not since or since[0]["f"] != after + 1 or since[-1]["l"] != last:
        return None
    made = forge()
    for one in since:
        made.add(trade(one["p"], one["q"], one["T"] * MS, one["l"] - one["f"] + 1))
    return made.running


def test_a_recorded_bar_of_a_single_trade_is_made_whole() -> None:
    """If this failed, not even the simplest real bar would come out as the venue printed it."""
    (one,), (bar,) = said("spot_LRCBTC_2021")
    made = forge()
    made.add(trade(one["p"], one["q"], one["T"] * MS))
    running = made.running
    assert running is not None
    assert (*prices(running), running.volume) == tuple(float(bar[name]) for name in "ohlcv")
    assert (running.quote_volume, running.open_ns, running.trades) == (float(bar["q"]), bar["t"] * MS, bar["n"])
