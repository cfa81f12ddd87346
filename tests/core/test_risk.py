"""The user's limits at work: each refusal by its words and its excess, and nothing refused that is within."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairlead.core.exposure import Exposure, exposure
from fairlead.core.limits import Caps, Limits
from fairlead.core.risk import Risk
from fairlead.core.sight import Sight
from fairlead.errors import RiskRefused
from fairlead.model.account import Position
from fairlead.model.market import State
from fairlead.model.order import Life, Order
from fairlead.model.orders import OrderType
from fairlead.wire.orders import AskAmend, AskPlace
from tests.core.wishes import BTC, LINEAR, PERP, SPOT, TOUCH, order, place

D = Decimal
LONG = Position(venue="v", symbol=BTC, qty=D(3))


def sight(*orders: Order, position: Position | None = None, **more: Any) -> Sight:
    touch = more.get("touch", TOUCH)
    seen = exposure(orders, [position] if position else [], SPOT, touch)
    return Sight(exposure=seen, **{"touch": touch, "day_notional": seen.notional, **more})


def judge(limits: Limits, asked: AskPlace, seen: Sight | None = None) -> None:
    Risk(limits).judge(asked, LINEAR if asked.symbol == PERP else SPOT, seen or sight())


def refused(limits: Limits, asked: AskPlace, seen: Sight | None, *words: str) -> None:
    with pytest.raises(RiskRefused) as caught:
        judge(limits, asked, seen)
    for word in (*words, "nothing was sent"):
        assert word in str(caught.value), (word, str(caught.value))


def test_without_limits_nothing_is_refused() -> None:
    """If this failed, a user who set nothing would be stopped by something."""
    judge(Limits(), place(qty="9", price=None), sight(order(life=Life.UNKNOWN), touch=None, in_second=99))


@pytest.mark.parametrize(
    ("limits", "asked", "words"),
    [
        ({"symbols": ("ETH/USDT",)}, place(), ("symbols does not hold BTC/USDT", "allowed are ETH/USDT")),
        ({"symbols": ()}, place(), ("allowed are none",)),
        ({"order_qty": D("0.9")}, place(), ("order_qty is 0.9: this order of BTC/USDT has 1, 0.1 too much",)),
        ({"order_notional": D(49_999)}, place(), ("order_notional is 49999 USDT", "worth 50000 USDT, 1 too much")),
        ({"order_notional": D(59_999)}, place("sell", price="1"), ("worth 60000 USDT",)),
        ({"order_notional": D(60_000)}, place(price=None), ("worth 60010 USDT",)),
        ({"position": D("0.5")}, place(), ("position is 0.5: BTC/USDT could become long by 1, 0.5 too much",)),
        ({"position": D("0.5")}, place("sell"), ("could become short by 1",)),
        ({"open_notional": D(1)}, place(), ("open_notional is 1 USDT", "would be worth 50000 USDT, 49999 too")),
        ({"day_notional": D("1e4")}, place(), ("day_notional is 10000 USDT", "come to 50000 USDT, 40000 too")),
    ],
)
def test_each_limit_refuses_by_its_name_and_by_how_far(
    limits: dict[str, Any], asked: AskPlace, words: tuple[str, ...]
) -> None:
    """If this failed, a limit would not hold, or nobody could tell which one did."""
    refused(Limits(**limits), asked, None, *words)


def test_a_symbols_own_cap_goes_before_the_general_one() -> None:
    """If this failed, the limit written for one market would be that of another."""
    limits = Limits(order_qty=D("0.5"), of={BTC: Caps(order_qty=D(2))})
    judge(limits, place(qty="2"))
    refused(limits, place(qty="2.1"), None, "order_qty is 2")
    refused(limits, place(qty="1", symbol=PERP), None, "order_qty is 0.5")


@pytest.mark.parametrize("life", [Life.SENDING, Life.UNKNOWN])
def test_orders_in_doubt_use_up_the_limits_in_full_and_are_named(life: Life) -> None:
    """If this failed, an unanswered order and its successor could both fill beyond the cap."""
    doubtful = sight(order(life=life, qty="2"))
    told = "1 of the orders counted are in doubt and count in full"
    refused(Limits(position=D("2.5")), place(), doubtful, "could become long by 3", told)
    refused(Limits(open_notional=D(149_000)), place(), doubtful, "150000 USDT", told)
    refused(Limits(day_notional=D(149_000)), place(), doubtful, "150000 USDT", told)
    judge(Limits(position=D(3), open_notional=D(150_000), day_notional=D(150_000)), place(), doubtful)


def test_an_order_that_goes_back_towards_nothing_is_not_refused_for_where_it_stands() -> None:
    """If this failed, who is beyond a cap could not get out of it."""
    limits = Limits(position=D(1))
    judge(limits, place("sell", "3"), sight(position=LONG))
    refused(limits, place("sell", "4.5"), sight(position=LONG), "could become short by 1.5")
    refused(limits, place("sell", "3"), sight(order(side="sell", qty="2"), position=LONG), "short by 2")
    refused(limits, place("buy", "0.1"), sight(position=LONG), "could become long by 3.1")


@pytest.mark.parametrize(("name", "count"), [("per_second", "in_second"), ("per_minute", "in_minute")])
def test_rates_refuse_the_order_that_would_be_one_too_many(name: str, count: str) -> None:
    """If this failed, a bot in a loop could send as fast as the venue lets it."""
    limits = Limits(**{name: 3})  # type: ignore[arg-type]
    judge(limits, place(), sight(**dict[str, Any]({count: 2})))
    refused(limits, place(), sight(**dict[str, Any]({count: 3})), f"{name} is 3, and this would be order number 4")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (place("buy", price="60607"), ("may reach 60605.05", "mid is 60005", "reaches 60607, 1.95 too far")),
        (place("sell", price="59404"), ("may reach 59404.95", "0.95 too far", "nearer to the market")),
    ],
)
def test_a_price_far_beyond_the_market_is_refused(asked: AskPlace, words: tuple[str, ...]) -> None:
    """If this failed, a slipped digit would trade through the whole book."""
    refused(Limits(collar_bps=D(100)), asked, None, "collar_bps is 100", *words)


def test_a_price_on_the_safe_side_of_the_market_may_be_anywhere() -> None:
    """If this failed, a patient order would be refused for its patience."""
    for asked in (place("buy", price="1"), place("sell", price="900000"), place("buy", price="60605.05"), place()):
        judge(Limits(collar_bps=D(100)), asked)


def test_a_market_order_is_held_to_the_collar_by_the_touch() -> None:
    """If this failed, a market order into an empty side would pay any price."""
    torn = sight(touch=replace(TOUCH, ask=D(70_000)))
    refused(Limits(collar_bps=D(100)), place(price=None), torn, "this one reaches 70000", "give a price, so that")
    judge(Limits(collar_bps=D(100)), place(price=None))
    half = sight(touch=replace(TOUCH, ask=None))
    refused(Limits(collar_bps=D(100)), place("sell"), half, "collar_bps of BTC/USDT cannot be judged")


def test_an_order_with_a_trigger_is_held_to_the_collar_by_its_trigger() -> None:
    """If this failed, no stop could be placed away from the market, or its limit would be anything."""
    collar = Limits(collar_bps=D(100))
    stop: dict[str, Any] = {"type": OrderType.STOP_LIMIT, "trigger": D(40_000)}
    judge(collar, place("sell", price=None, type=OrderType.STOP, trigger=D(40_000)))
    judge(collar, place("sell", price="39600", **stop))
    refused(collar, place("sell", price="39599", **stop), None, "its trigger is 40000", "1 too far")


@pytest.mark.parametrize(
    ("limits", "touch", "words"),
    [
        ({"need_live_book": True}, None, "the book of BTC/USDT is not heard. "),
        ({"need_live_book": True}, replace(TOUCH, state=State.STALE), "the book of BTC/USDT is STALE. "),
        ({"collar_bps": D(9)}, replace(TOUCH, state=State.RESYNCING), "the book of BTC/USDT is RESYNCING"),
        ({"book_age_ms": 500}, replace(TOUCH, state=State.STALE), "need_live_book refuses"),
        (
            {"book_age_ms": 500},
            replace(TOUCH, age_ms=620),
            "book_age_ms is 500",
        ),
        ({"book_age_ms": 500, "need_live_book": False}, None, "not heard at all"),
        ({"collar_bps": D(9), "need_live_book": False}, None, "cannot be judged"),
    ],
)
def test_a_book_that_does_not_live_refuses_what_is_measured_by_it(
    limits: dict[str, Any], touch: Any, words: str
) -> None:
    """If this failed, an order would be judged by prices of an hour ago."""
    refused(Limits(**limits), place(), sight(touch=touch), words)
    judge(Limits(), place(), sight(touch=touch))


def test_who_says_so_is_judged_by_the_book_as_it_was_last_seen() -> None:
    """If this failed, the user's own word on stale books would be overruled."""
    stale = sight(touch=replace(TOUCH, state=State.STALE, age_ms=400))
    limits = Limits(need_live_book=False, book_age_ms=500, collar_bps=D(100))
    judge(limits, place(), stale)
    refused(limits, place(price="70000"), stale, "collar_bps")
    refused(replace(limits, book_age_ms=399), place(), stale, "400 ms old, 1 ms too much")


def test_below_the_stop_only_what_reduces_is_taken() -> None:
    """If this failed, a losing bot would go on, or could not get out."""
    limits = Limits(drawdown_percent=D(10))
    judge(limits, place(), sight(fallen_percent=D("9.99")))
    fallen = sight(position=LONG, fallen_percent=D(10) / 3 * 3 + D(2))
    refused(limits, place(), fallen, "drawdown_percent is 10", "12 % below", "reduce a position are still taken")
    judge(limits, place("sell", "3"), fallen)
    refused(limits, place("sell", "3.1"), fallen, "drawdown_percent")
    closing = place("sell", "9", price=None, reduce_only=True, symbol=PERP)
    judge(limits, closing, replace(fallen, exposure=Exposure(), touch=None))
    refused(limits, place(), sight(), "cannot be judged: the account's worth was never read")


def test_what_nobody_can_value_is_refused_where_a_limit_asks() -> None:
    """If this failed, an order of unknown size would pass every cap."""
    blind = sight(order("fl7", type=OrderType.MARKET, price=None, life=Life.UNKNOWN), touch=None)
    refused(Limits(position=D(99)), place(), blind, "nobody knows what fl7 may come to")
    refused(Limits(order_qty=D(99)), place(price=None), sight(touch=None), "nobody knows what this order may come to")
    refused(Limits(drawdown_percent=D(5)), place(price=None), sight(touch=None), "what this order may come to")
    refused(Limits(day_notional=D(99)), place(), sight(day_unpriced=("fl5",)), "nobody knows what fl5 may come to")
    judge(Limits(order_qty=D(99), per_second=9), place(), blind)


def change(limits: Limits, news: dict[str, Decimal], *others: Order, **more: Any) -> None:
    mine = order("fl1", **more)
    Risk(limits).judge_change(mine, AskAmend(symbol=BTC, client_id="fl1", **news), SPOT, sight(mine, *others))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "news", "words"),
    [
        ({"order_qty": D(2)}, {"qty": D(3)}, "order_qty is 2: this order of BTC/USDT has 3"),
        ({"position": D("3.5")}, {"qty": D(3)}, "could become long by 4"),
        ({"open_notional": D(199_999)}, {"qty": D(3)}, "worth 200000 USDT"),
        ({"open_notional": D(100_000)}, {"price": D(51_000)}, "worth 101000 USDT"),
        ({"day_notional": D(100_000)}, {"price": D(51_000)}, "come to 101000 USDT"),
        ({"collar_bps": D(100)}, {"price": D(70_000)}, "collar_bps is 100"),
    ],
)
def test_a_change_is_judged_by_what_it_makes_of_the_order(
    limits: dict[str, Any], news: dict[str, Decimal], words: str
) -> None:
    """If this failed, a small order could grow past every limit."""
    with pytest.raises(RiskRefused) as caught:
        change(Limits(**limits), news, order("fl2"))
    assert words in str(caught.value)


def test_a_change_that_takes_back_is_never_refused_for_the_sums() -> None:
    """If this failed, who is beyond a cap could not make his orders smaller."""
    tight = Limits(position=D("0.1"), open_notional=D(1), day_notional=D(1), drawdown_percent=D(5))
    change(tight, {"qty": D("0.5")}, order("fl2"))
    change(tight, {"price": D(40_000)}, order("fl2"))


def test_only_the_rest_of_a_changed_order_counts_to_the_sums() -> None:
    """If this failed, what was filled would count twice: as filled and as open."""
    change(Limits(position=D(2)), {"qty": D("2.5")}, life=Life.PARTIAL, filled="0.5", venue_filled="0.5")
    with pytest.raises(RiskRefused, match=r"long by 2\.1"):
        change(Limits(position=D(2)), {"qty": D("2.6")}, life=Life.PARTIAL, filled="0.5", venue_filled="0.5")


def test_a_change_counts_to_the_rate() -> None:
    """If this failed, a bot could flood the venue by changes."""
    mine = order("fl1")
    news = AskAmend(symbol=BTC, client_id="fl1", qty=D("0.5"))
    with pytest.raises(RiskRefused, match="per_second is 1"):
        Risk(Limits(per_second=1)).judge_change(mine, news, SPOT, sight(mine, in_second=1))


@given(sizes=st.lists(st.decimals("0.0001", "3", places=4), max_size=12), cap=st.decimals("0.5", "5", places=2))
def test_whatever_is_let_through_can_never_fill_beyond_the_cap(sizes: list[Decimal], cap: Decimal) -> None:
    """If this failed, a burst of orders, each small enough, would add up to more than the cap."""
    risk, taken = Risk(Limits(position=cap)), list[Order]()
    for number, size in enumerate(sizes):
        try:
            risk.judge(place(qty=str(size)), SPOT, sight(*taken))
        except RiskRefused:
            assert sum(one.qty or 0 for one in taken) + size > cap
        else:
            taken.append(order(f"fl{number}", qty=size, life=Life.UNKNOWN))
    assert sum(one.qty or 0 for one in taken) <= cap


def test_it_tells_by_what_it_is_limited() -> None:
    """If this failed, nobody could see in a log which limits held."""
    assert repr(Risk(Limits(per_second=3, position=D(1)))) == "<Risk limited by position, per_second>"
    assert repr(Risk(Limits())) == "<Risk limited by nothing>"
