"""The user's limits as they are written: each is read exactly, and a slip is an error that names the right word."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from fairlead.core.limits import RATE_MOST, Caps, Limits, limits_from
from fairlead.errors import Misuse, UnknownName
from tests.house.tree import ROOT

TEXT = """
symbols = ["BTC/USDT", "BTC/USDT:USDT"]
order_notional = 5000.10
day_notional = "100000"
per_second = 3
drawdown_percent = 12.5
need_live_book = true

[of."BTC/USDT"]
order_qty = 0.1
order_notional = 900
"""


def test_limits_are_read_as_they_are_written() -> None:
    """If this failed, an order could be larger than the number in the file."""
    limits = limits_from(TEXT)
    assert limits.order_notional == Decimal("5000.10")
    assert (limits.day_notional, limits.per_second, limits.need_live_book) == (Decimal(100_000), 3, True)
    assert limits.caps("BTC/USDT") == Caps(order_qty=Decimal("0.1"), order_notional=Decimal(900))
    assert limits.caps("BTC/USDT:USDT") == Caps(order_notional=Decimal("5000.10"))
    assert limits_from("") == Limits()
    assert limits_from("order_qty = 0.1234567890123456789").order_qty == Decimal("0.1234567890123456789")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("order_qty = 0", "order_qty is 0: it must be above zero"),
        ("per_minute = -1", "per_minute is -1"),
        ('[of."X/Y"]\nposition = -2', "position is -2"),
        ("open_notional = nan", "open_notional is NaN"),
        ("drawdown_percent = 100", "give less than 100"),
        (f"per_minute = {RATE_MOST + 1}", f"above {RATE_MOST}"),
        ('per_second = "many"', "Expected `int | null`, got `str`"),
        ('order_qty = "much"', "Invalid decimal"),
        ("need_live_book = 1", "Expected `bool | null`, got `int`"),
        ("of = 3", "Expected `object`"),
        ("order_qty = ", "no TOML"),
        pytest.param("per_second = 1" + "0" * 5_000, "no TOML", id="endless"),
        pytest.param("symbols = " + "[" * 9_000, "no TOML", id="bottomless"),
        ("order_qty = 2026-01-01", "Expected `decimal | null`"),
    ],
)
def test_a_limit_that_makes_no_sense_is_an_error(text: str, words: str) -> None:
    """If this failed, a limit would be thought to hold and would not."""
    with pytest.raises(Misuse) as caught:
        limits_from(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "close"),
    [("order_notionl = 1", "order_notional"), ('[of."X/Y"]\npositon = 1', "position"), ("Drawdown = 2", "limit")],
)
def test_a_misspelled_limit_is_an_error_that_names_the_nearest(text: str, close: str) -> None:
    """If this failed, a typing slip would switch a limit off in silence."""
    with pytest.raises(UnknownName) as caught:
        limits_from(text)
    assert close in str(caught.value)


def test_what_holds_for_all_orders_cannot_be_set_for_one_symbol() -> None:
    """If this failed, a rate or a day's limit for a symbol would be read and never judged."""
    with pytest.raises(UnknownName):
        limits_from('[of."X/Y"]\nday_notional = 5')


def test_the_page_shows_limits_that_are_taken_and_names_them_all() -> None:
    """If this failed, a user would copy limits that are refused, or never learn of one."""
    page = (ROOT / "docs/design/risk.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert limits_from(example).caps("BTC/USDT").position == Decimal("0.5")
    assert [name for name in Limits.__struct_fields__ if name != "of" and f"`{name}`" not in page] == []
