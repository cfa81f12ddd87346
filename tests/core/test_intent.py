"""From what a user writes to a checked order: what is taken, and each refusal by its words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairlead.core.intent import Wish, checked
from fairlead.core.worth import Touch
from fairlead.errors import BadNumber, Error, Held, Misuse, UnknownName
from fairlead.model.instrument import Instrument
from fairlead.model.market import State
from fairlead.model.orders import OrderType, Tif
from fairlead.wire.orders import AskPlace
from tests.core.wishes import BTC, COIN, EVERYTHING, INVERSE, LINEAR, PERP, SPOT, TOUCH


def asked(instrument: Instrument = SPOT, touch: Touch | None = None, hedged: bool = False, **wish: Any) -> AskPlace:
    can = wish.pop("can", EVERYTHING)
    told = Wish(**{"symbol": instrument.symbol, "side": "buy", **wish})
    return checked(told, instrument, can=can, hedged=hedged, touch=touch)


def refused(kind: type[Error], *words: str, **wish: Any) -> None:
    with pytest.raises(kind) as caught:
        asked(**wish)
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value), (word, str(caught.value))


def test_a_plain_order_is_taken_as_it_was_written() -> None:
    """If this failed, an order could go out with another number than the one that was meant."""
    limit = asked(qty="0.0100", price="61000.10", post_only=True)
    assert (limit.qty, limit.price, limit.type, limit.post_only) == (Decimal("0.01"), Decimal("61000.1"), "limit", True)
    assert (limit.client_id, limit.until_ms, limit.tif) == ("", 0, Tif.GTC)
    assert asked(qty=1, price=61000, tif="ioc").tif is Tif.IOC
    assert asked(qty=0.1, price=61000.1).qty == Decimal("0.1")


def test_without_a_type_the_prices_say_what_it_is() -> None:
    """If this failed, a stop could go out as a limit order and trade at once."""
    types: dict[OrderType, dict[str, Any]] = {
        OrderType.MARKET: {},
        OrderType.LIMIT: {"price": 1_000},
        OrderType.STOP: {"trigger": 1_000},
        OrderType.STOP_LIMIT: {"price": 1_000, "trigger": 900},
        OrderType.TAKE_PROFIT: {"trigger": 1_000, "type": "take_profit"},
        OrderType.TAKE_PROFIT_LIMIT: {"price": 1_000, "trigger": 900, "type": OrderType.TAKE_PROFIT_LIMIT},
    }
    for type_, prices in types.items():
        assert asked(qty=1, **prices).type is type_


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"qty": 0.00015, "price": 61000}, ("quantity 0.00015", "multiple of 0.0001", "0.0001 and 0.0002")),
        ({"qty": 1, "price": "61000.015"}, ("price 61000.015", "61000.01 and 61000.02", "never rounds")),
        ({"qty": 0.1 + 0.2, "price": 61000}, ("0.30000000000000004", "0.3000 and 0.3001")),
        ({"qty": 1, "price": "6e4x"}, ("'6e4x' is not a number", "text, int or Decimal")),
        ({"qty": float("nan"), "price": 1}, ("nan is not a number",)),
        ({"qty": True, "price": 1}, ("True is not a number",)),
        ({"qty": -1, "price": 61000}, ("quantity -1 is not above zero",)),
        ({"qty": 1, "price": 0}, ("price 0 is not above zero",)),
        ({"qty": 1, "trigger": "-5"}, ("trigger -5 is not above zero",)),
        ({"quote_qty": 0}, ("quote quantity 0 is not above zero",)),
        (
            {"qty": "0.0001", "price": 61000},
            ("below the least of BTC/USDT", "no less than 0.0002 BTC", "0.0002 or more"),
        ),
        ({"qty": 10, "price": 61000}, ("above the most of BTC/USDT", "no more than 9 BTC")),
        ({"qty": 1, "price": "9.99"}, ("worth 9.99 USDT", "below 10", "ask for more")),
        ({"quote_qty": "9.5"}, ("worth 9.5 USDT",)),
        ({"qty": "0.0002", "trigger": 40000, "side": "sell"}, ("worth 8 USDT",)),
    ],
)
def test_each_wrong_number_is_refused_with_the_right_ones(wish: dict[str, Any], words: tuple[str, ...]) -> None:
    """If this failed, a user would be told no and not why, or a rounded order would trade."""
    refused(BadNumber, *words, **wish)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"price": 61000}, ("neither was given", "give one of the two")),
        ({"qty": 1, "quote_qty": 5}, ("both was given",)),
        ({"quote_qty": 50, "price": 61000}, ("Only a market order may be given in quote",)),
        ({"quote_qty": 50, "can": {"stops"}}, ("no market buy for an amount of quote",)),
        ({"quote_qty": 50, "can": {"quote buy"}, "side": "sell"}, ("no market sell for an amount of quote",)),
        ({"qty": 1, "type": "limit"}, ("A limit order needs a price", "price=")),
        ({"qty": 1, "price": 1, "type": "stop limit"}, ("needs a trigger",)),
        ({"qty": 1, "price": 1, "type": "market"}, ("A market order has no price",)),
        ({"qty": 1, "price": 1, "trigger": 2, "type": "limit"}, ("A limit order has no trigger",)),
        ({"qty": 1, "post_only": True}, ("market order cannot be post-only",)),
        ({"qty": 1, "price": 1, "post_only": True, "tif": "IOC"}, ("Post-only and IOC contradict",)),
        ({"qty": 1, "price": 1, "post_only": True, "tif": Tif.FOK}, ("Post-only and FOK contradict",)),
        ({"qty": 1, "price": 1, "post_only": "no"}, ("post_only is 'no', neither True nor False",)),
        ({"qty": 1, "reduce_only": 1, "instrument": LINEAR}, ("reduce_only is 1, neither",)),
        ({"qty": 1, "tif": "FOK"}, ("market order has no time in force",)),
        ({"qty": 1, "trigger": 5, "can": ()}, ("The venue has no stop orders",)),
        ({"qty": 1, "price": 100, "reduce_only": True}, ("BTC/USDT is spot", "reduce_only")),
        ({"qty": 1, "price": 100, "pos_side": "long"}, ("BTC/USDT is spot", "pos_side")),
        ({"qty": 1, "price": 100, "pos_side": "long", "instrument": LINEAR}, ("one position a symbol",)),
        ({"qty": 1, "price": 100, "hedged": True, "instrument": LINEAR}, ("does not say which", 'pos_side="long"')),
    ],
)
def test_words_that_do_not_go_together_are_refused(wish: dict[str, Any], words: tuple[str, ...]) -> None:
    """If this failed, an order could mean something else at the venue than to its user."""
    refused(Misuse, *words, **wish)


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"qty": 1, "side": "byu"}, "buy"),
        ({"qty": 1, "type": "stop-limt"}, "stop limit"),
        ({"qty": 1, "price": 1, "tif": "GTCC"}, "GTC"),
        ({"qty": 1, "margin": "crossed"}, "cross"),
    ],
)
def test_a_misspelled_word_is_told_the_nearest(wish: dict[str, Any], word: str) -> None:
    """If this failed, a typing slip would pass as something else."""
    refused(UnknownName, "did you mean", word, **wish)


@pytest.mark.parametrize(
    ("status", "taken", "words"),
    [
        ("post-only", {"post_only": True}, "takes post-only orders alone"),
        ("limit-only", {"price": 61000}, "takes limit orders alone"),
        ("cancel-only", None, "takes cancels alone"),
        ("halted", None, "is halted"),
        ("pending", None, "is not traded yet"),
        ("closed", None, "is not traded any more"),
        ("unknown", None, "is in a state that is not known"),
        ("a new word", None, "is in a state that is not known"),
    ],
)
def test_a_market_that_takes_no_such_order_is_not_asked(status: str, taken: Any, words: str) -> None:
    """If this failed, orders would be sent into a halted market, or a user blamed for the venue's state."""
    shut = replace(SPOT, status=status, venue_status="BREAK")
    refused(Held, f"BTC/USDT {words}", "its own word: BREAK", "cancelled", instrument=shut, qty=1)
    if taken:
        assert asked(shut, **{"qty": 1, "price": 61000, **taken}).qty == 1


def test_a_market_that_only_reduces_takes_reducing_orders() -> None:
    """If this failed, a position could not be closed in a market that is being wound down."""
    ending = replace(LINEAR, status="reduce-only")
    assert asked(ending, qty=1, reduce_only=True).reduce_only
    refused(Held, "takes reduce-only orders alone", instrument=ending, qty=1)


def test_a_market_order_is_valued_at_the_far_touch_of_a_live_book() -> None:
    """If this failed, an order too small would be refused by the venue, or one large enough by us."""
    small = replace(SPOT, min_notional=Decimal(13))
    refused(BadNumber, "worth 12.002 USDT", instrument=small, qty="0.0002", touch=TOUCH)
    refused(BadNumber, "worth 12 USDT", instrument=small, qty="0.0002", side="sell", touch=TOUCH)
    assert asked(small, qty="0.0002").qty == Decimal("0.0002")
    assert asked(small, replace(TOUCH, state=State.STALE), qty="0.0002").qty == Decimal("0.0002")


def test_the_least_worth_is_counted_as_the_kind_of_contract_demands() -> None:
    """If this failed, contracts would be judged as if they were coins."""
    least = {"min_notional": Decimal(150)}
    assert asked(replace(INVERSE, **least), qty=2, price=10).qty == 2  # 200 USD, whatever the price
    refused(BadNumber, "worth 100 USD", instrument=replace(INVERSE, **least), qty=1, price=10)
    refused(BadNumber, "worth 100 USDT", instrument=replace(LINEAR, **least), qty=1, price=10_000)
    assert asked(replace(LINEAR, **least), qty=1, price=10_000, reduce_only=True).qty == 1
    assert (asked(LINEAR, qty=1).symbol, asked(INVERSE, qty=1).symbol) == (PERP, COIN)


@given(steps=st.integers(2, 90_000), ticks=st.integers(1, 10**9))
def test_what_is_on_the_steps_passes_in_every_spelling_and_comes_out_exact(steps: int, ticks: int) -> None:
    """If this failed, the same number would be good as a text and bad as a float, or change on the way."""
    qty, price = Decimal(steps).scaleb(-4), Decimal(ticks).scaleb(-2)
    free = replace(SPOT, min_notional=Decimal(0))
    for spelled in (str, Decimal, float):
        one = asked(free, qty=spelled(qty), price=spelled(price))
        assert (one.qty, one.price) == (qty, price)
    assert one.symbol == BTC


@given(units=st.integers(1, 10**12))
def test_what_is_off_the_steps_never_passes(units: int) -> None:
    """If this failed, a quantity would be rounded by the venue, in silence."""
    qty = Decimal(units).scaleb(-7)
    free = replace(SPOT, min_notional=Decimal(0), min_qty=Decimal(0), max_qty=Decimal(0))
    if qty % free.qty_step == 0:
        assert asked(free, qty=qty, price=1).qty == qty
    else:
        refused(BadNumber, "is not a multiple", instrument=free, qty=qty, price=1)


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=6),
    st.sampled_from(["1", "0.001", "1e400", "-0", "61000", "1_0", "٣", "limit", "stop", "IOC", "buy", "sell", "long"]),
)


@given(told=st.fixed_dictionaries({}, optional={name: anything for name in Wish.__struct_fields__ if name != "symbol"}))
def test_whatever_is_written_is_an_order_or_a_refusal_in_our_words(told: dict[str, Any]) -> None:
    """If this failed, a slip of the pen would crash a bot, or send what no venue can take."""
    try:
        one = asked(**told)
    except Error:
        return
    assert one.side in ("buy", "sell")
    assert (one.qty is None) is not (one.quote_qty is None)
    assert (one.post_only in (True, False), one.reduce_only) == (True, False)
    for number, step in ((one.qty, SPOT.qty_step), (one.price, SPOT.price_tick), (one.trigger, SPOT.price_tick)):
        assert number is None or (number > 0 and number % step == 0)
