"""Sums of the day and rates, from facts: counted once, by the venue's day, and the same after a restart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import facts
from fairlead.core.limits import RATE_MOST
from fairlead.core.tally import DAY_NS, MINUTE_NS, SECOND_NS, Tally
from fairlead.errors import RiskRefused
from fairlead.model.orders import Fill
from fairlead.wire.orders import AskAmend, AskCancel
from tests.core.wishes import BTC, COIN, PERP, listed, place

NOON = 20_000 * DAY_NS + DAY_NS // 2


def traded(number: int, qty: str, price: str, at_ns: int = NOON, symbol: str = BTC, told_ns: int = 0) -> facts.Traded:
    fill = Fill(
        venue="v", symbol=symbol, order_id="7", id=str(number), side="buy", price=Decimal(price), qty=Decimal(qty),
        venue_ns=at_ns,
    )  # fmt: skip
    return facts.Traded(venue="v", account="a", at_ns=told_ns or at_ns, client_id="fl1", fill=fill, by="stream")


def wanted(at_ns: int) -> facts.Intended:
    return facts.Intended(venue="v", account="a", at_ns=at_ns, asked=place())


def tally(*told: facts.AnyFact) -> Tally:
    made = Tally()
    for fact in told:
        made.apply(facts.read(facts.written(fact)))  # as a restart reads them
    return made


def test_a_days_trades_are_summed_by_quote_asset() -> None:
    """If this failed, the day's limit would add dollars to coins, or contracts to neither."""
    day = tally(
        traded(1, "0.5", "60000"),
        traded(2, "3", "50000", symbol=PERP),
        traded(3, "4", "50000", symbol=COIN),
    )
    assert day.traded("USDT", NOON, listed) == 30_000 + 1_500
    assert day.traded("USD", NOON, listed) == 400
    assert day.traded("EUR", NOON, listed) == 0


def test_a_fill_told_again_counts_once() -> None:
    """If this failed, a fill whose fee came later would use up the day twice."""
    assert (
        tally(traded(1, "1", "100"), traded(1, "1", "100"), traded(2, "1", "100")).traded("USDT", NOON, listed) == 200
    )


def test_a_day_ends_at_midnight_on_the_venues_clock() -> None:
    """If this failed, yesterday's trades would hold today's, or a late report would open the day anew."""
    end = 20_001 * DAY_NS
    day = tally(
        traded(1, "1", "100", end - 1), traded(2, "1", "30", end), traded(3, "1", "7", end - 2, told_ns=end + 5)
    )
    assert day.traded("USDT", end + 1, listed) == 30
    assert day.traded("USDT", end + DAY_NS, listed) == 0
    assert tally(traded(1, "1", "100", 0, told_ns=end - 1)).traded("USDT", end - 1, listed) == 100


def test_a_contract_that_is_gone_leaves_the_day_unjudged() -> None:
    """If this failed, trades in a delisted contract would count as nothing."""
    day = tally(traded(1, "1", "100", symbol="OLD/USDT:USDT"), traded(2, "1", "100", symbol="OLD/USDT"))
    with pytest.raises(RiskRefused, match=r"day_notional cannot be judged: OLD/USDT:USDT .* not listed"):
        day.traded("USDT", NOON, listed)
    assert tally(traded(2, "1", "100", symbol="OLD/USDT")).traded("USDT", NOON, listed) == 100


def test_orders_and_changes_count_to_the_rate_and_cancels_do_not() -> None:
    """If this failed, a bot could flood by changes, or not cancel when it must."""
    amend = facts.AmendSent(venue="v", account="a", at_ns=NOON, asked=AskAmend(symbol=BTC), client_id="fl1")
    cancel = facts.CancelSent(venue="v", account="a", at_ns=NOON, asked=AskCancel(symbol=BTC), client_id="fl1")
    assert tally(wanted(NOON), amend, cancel).in_second(NOON) == 2


@given(ago=st.lists(st.integers(0, 2 * MINUTE_NS), max_size=40))
def test_rates_count_what_lies_in_the_window(ago: list[int]) -> None:
    """If this failed, more orders than allowed could leave in a second or a minute."""
    made = tally(*(wanted(NOON - back) for back in sorted(ago, reverse=True)))
    assert made.in_second(NOON) == sum(back < SECOND_NS for back in ago)
    assert made.in_minute(NOON) == sum(back < MINUTE_NS for back in ago)


def test_a_clock_that_stepped_back_frees_nobody() -> None:
    """If this failed, every correction of the clock would allow another burst."""
    made = tally(wanted(NOON), wanted(NOON))
    assert made.in_second(NOON - 5 * SECOND_NS) == 2


def test_no_more_is_remembered_than_can_be_limited() -> None:
    """If this failed, a bot without a limit would fill the memory."""
    made = tally(*(wanted(NOON) for _ in range(RATE_MOST + 5)))
    assert made.in_minute(NOON) == RATE_MOST
    assert repr(made) == f"<Tally of 0 symbols traded, {RATE_MOST} orders wanted of late>"
