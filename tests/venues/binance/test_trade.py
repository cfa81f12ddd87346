"""What is asked of one order: exact numbers, the fence, what the venue cannot do; and the other way round."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairlead.errors import Misuse
from fairlead.model.orders import OrderType, Tif
from fairlead.venues.binance.mirror import MIRROR
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Effect, build
from fairlead.wire.limits import Charge
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import AskAmend, AskCancelAll, AskOrder, AskPlace
from fairlead.wire.shapes import Nonsense
from tests.venues.binance.street import CTX, QUESTIONS

PLACE: AskPlace = QUESTIONS[Op.PLACE]
NUMBERS = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10**9), places=8)


def ask(op: Op, asked: Any) -> Any:
    return VENUE.endpoints[op].ask(asked, CTX)


@given(qty=NUMBERS, price=NUMBERS)
def test_numbers_are_asked_for_as_plain_text_exactly_as_given(qty: Decimal, price: Decimal) -> None:
    """If this failed, an order could be of another size or price than was wished, or be refused for an exponent."""
    params = ask(Op.PLACE, replace(PLACE, qty=qty, price=price))
    assert (Decimal(params["quantity"]), Decimal(params["price"])) == (qty, price)
    assert "E" not in params["quantity"] + params["price"]


def test_an_exponent_is_written_out() -> None:
    """If this failed, very small and very round quantities would be refused as illegal characters."""
    params = ask(Op.PLACE, replace(PLACE, qty=Decimal("1E-7"), price=Decimal("6E+4")))
    assert (params["quantity"], params["price"]) == ("0.0000001", "60000")


def test_a_fence_is_a_window_that_ends_at_its_moment() -> None:
    """If this failed, the venue could take an order after the moment when it is given up for lost."""
    params = ask(Op.PLACE, replace(PLACE, until_ms=10_700, window_ms=700))
    assert (params["recvWindow"], params["timestamp"]) == (700, 10_000)
    assert params.keys() & {"recvWindow", "timestamp"} == set(ask(Op.PLACE, replace(PLACE, window_ms=5))) & {
        "recvWindow", "timestamp"} | {"timestamp"}  # fmt: skip
    assert not ask(Op.PLACE, PLACE).keys() & {"recvWindow", "timestamp"}
    amended = ask(Op.AMEND, replace(QUESTIONS[Op.AMEND], until_ms=10_700, window_ms=700))
    assert (amended["recvWindow"], amended["timestamp"]) == (700, 10_000)


@pytest.mark.parametrize(
    ("op", "asked", "words"),
    [
        (Op.PLACE, replace(PLACE, reduce_only=True), "no positions"),
        (Op.PLACE, replace(PLACE, pos_side="long"), "no positions"),
        (Op.PLACE, replace(PLACE, margin="cross"), "for cash"),
        (Op.PLACE, replace(PLACE, qty=None, quote_qty=Decimal(5)), "market order"),
        (Op.PLACE, replace(PLACE, type=OrderType.STOP_LIMIT, trigger=Decimal(5), post_only=True), "post-only"),
        (Op.PLACE, replace(PLACE, until_ms=70_000, window_ms=60_001), "60000 ms at most"),
        (Op.AMEND, AskAmend(symbol="BTC/USDT", client_id="a", price=Decimal(5)), "cancel it and place another"),
        (Op.AMEND, AskAmend(symbol="BTC/USDT", client_id="a", qty=Decimal(1), trigger=Decimal(5)), "quantity only"),
        (Op.AMEND, AskAmend(symbol="BTC/USDT", client_id="a"), "quantity only"),
        (Op.CANCEL_ALL, AskCancelAll(), "one symbol at a time"),
        (Op.ORDER, AskOrder(symbol="BTC/USDT", order_id="A-1"), "which are numbers"),
        (Op.ORDER, AskOrder(symbol="BTC/USDT", order_id="１"), "which are numbers"),
        (Op.ORDER, AskOrder(symbol="XYZ/ABC", order_id="1"), "XYZ/ABC"),
    ],
)
def test_what_the_venue_cannot_do_is_not_asked(op: Op, asked: Any, words: str) -> None:
    """If this failed, an order would be placed without what was wished of it, or all the venue's time be wasted."""
    with pytest.raises(Misuse, match=words):
        ask(op, asked)


@pytest.mark.parametrize("kind", OrderType)
@pytest.mark.parametrize("tif", Tif)
@pytest.mark.parametrize("post_only", [False, True])
def test_every_shape_of_order_is_heard_as_it_was_asked(kind: OrderType, tif: Tif, post_only: bool) -> None:
    """If this failed, an order would be another in the simulator than at the venue, or be refused there."""
    if post_only and (kind is not OrderType.LIMIT or tif is not Tif.GTC):
        return
    asked = replace(
        PLACE,
        type=kind,
        tif=tif if kind.is_limit else Tif.GTC,
        post_only=post_only,
        price=Decimal(62000) if kind.is_limit else None,
        trigger=Decimal(63000) if kind.is_triggered else None,
        until_ms=1_764_000_000_700,
        window_ms=700,
    )
    request = build(VENUE.endpoints[Op.PLACE], asked, CTX, VENUE.encode)
    heard = MIRROR.hear(request, CTX)
    assert isinstance(heard, Heard), heard
    assert heard.asked == asked


@pytest.mark.parametrize("op", QUESTIONS)
def test_every_question_is_heard_as_it_was_asked(op: Op) -> None:
    """If this failed, the simulator would do something else than it was asked to."""
    row = VENUE.endpoints[op]
    heard = MIRROR.hear(build(row, QUESTIONS[op], CTX, VENUE.encode), CTX)
    assert isinstance(heard, Heard), heard
    assert (heard.op, heard.asked) == (op, QUESTIONS[op])


@pytest.mark.parametrize(
    ("op", "body"),
    [
        (Op.PLACE, b'{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"fl-2","transactTime":1}'),
        (Op.ORDER, b'{"symbol":"BTCUSDT","orderId":29,"clientOrderId":"fl-1","status":"NEW"}'),
        (Op.ORDER, b'{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"fl-2","status":"NEW"}'),
        (Op.ORDER, b'{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"fl-1","status":"THAWED"}'),
        (Op.CANCEL, b'{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"fl-1","origClientOrderId":"fl-2"}'),
        (Op.CANCEL_ALL, b'{"code":-1121,"msg":"Invalid symbol."}'),
    ],
)
def test_a_reply_about_another_order_or_state_proves_nothing(op: Op, body: bytes) -> None:
    """If this failed, the fate of one order would be taken for that of another."""
    with pytest.raises((Nonsense, TypeError, ValueError)):
        VENUE.endpoints[op].read(body, QUESTIONS[op], CTX)


def test_an_order_of_an_unlisted_market_is_shown_under_the_venue_s_name() -> None:
    """If this failed, an open order of a market that was delisted would be hidden, or hide all others."""
    body = b'[{"symbol":"LUNAUSDT","orderId":7,"clientOrderId":"x","status":"NEW","executedQty":"0.0"}]'
    [one] = VENUE.endpoints[Op.OPEN_ORDERS].read(body, QUESTIONS[Op.OPEN_ORDERS], CTX)
    assert (one.symbol, one.order_id) == ("LUNAUSDT", "7")


def test_what_orders_cost_and_whether_they_may_be_repeated() -> None:
    """If this failed, limits would be overrun, or an order be sent twice."""
    rows = VENUE.endpoints
    assert [op for op in rows if rows[op].effect is Effect.ONCE] == [Op.PLACE]
    assert {op for op in rows if rows[op].effect is Effect.SETS} == {Op.AMEND, Op.CANCEL, Op.CANCEL_ALL}
    costs = {op: rows[op].cost(asked) for op, asked in QUESTIONS.items()}
    assert set(costs[Op.PLACE]) == {Charge("weight"), Charge("raw"), Charge("orders"), Charge("orders a day")}
    weights = {op: next(charge.units for charge in cost if charge.budget == "weight") for op, cost in costs.items()}
    assert weights == {
        Op.PLACE: 1, Op.AMEND: 4, Op.CANCEL: 1, Op.CANCEL_ALL: 1, Op.ORDER: 4, Op.OPEN_ORDERS: 6, Op.ORDERS: 20,
        Op.FILLS: 20, Op.BALANCES: 20, Op.FEES: 20,
    }  # fmt: skip
    budgets = {budget.name for budget in VENUE.budgets}
    assert {charge.budget for cost in costs.values() for charge in cost} <= budgets
    assert {charge.budget for door in VENUE.doors for charge in door.dial_cost} <= budgets
