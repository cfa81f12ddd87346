"""The distance from the peak: measured from the highest worth there ever was, over restarts too."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import facts
from fairlead.core.drawdown import Drawdown

money = st.decimals("0.01", "1000000", places=2)


def peaked(equity: Decimal, by_hand: bool = False) -> facts.Peaked:
    fact = facts.Peaked(venue="v", account="a", at_ns=1, equity=equity, by_hand=by_hand)
    read = facts.read(facts.written(fact))
    assert isinstance(read, facts.Peaked)
    return read


def test_it_measures_from_the_highest_worth() -> None:
    """If this failed, a slow loss would never stop a bot."""
    fall = Drawdown()
    for equity in (1_000, 1_200, 900):
        fall.read(Decimal(equity))
    assert fall.percent == 25
    assert repr(fall) == "<Drawdown 25.00 % below 1200>"


def test_a_peak_set_by_hand_may_be_lower() -> None:
    """If this failed, taking money out would stop the bot for good."""
    fall = Drawdown()
    fall.apply(peaked(Decimal(1_000)))
    fall.apply(peaked(Decimal(900)))
    fall.read(Decimal(500))
    assert fall.percent == 50
    fall.apply(peaked(Decimal(500), by_hand=True))
    assert fall.percent == 0


def test_nothing_to_lose_is_no_fall() -> None:
    """If this failed, an empty account would divide by nothing."""
    assert Drawdown().percent is None
    fall = Drawdown()
    fall.read(Decimal(0))
    assert fall.percent is None


@given(equities=st.lists(money, min_size=1, max_size=30))
def test_a_restart_forgets_less_than_a_step_of_the_peak(equities: list[Decimal]) -> None:
    """If this failed, killing the process would lift the stop; or each tick would write a line."""
    fall, again, lines = Drawdown(), Drawdown(), []
    for equity in equities:
        if fall.read(equity):
            assert fall.peak is not None
            line = peaked(fall.peak)
            fall.apply(line)
            lines.append(line.equity)
    for written in lines:
        again.apply(peaked(written))
    assert again.peak is not None
    assert max(equities) / Decimal("1.001") <= again.peak <= max(equities)
    assert all(after >= before * Decimal("1.001") for before, after in pairwise(lines))
