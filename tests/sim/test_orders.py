"""Orders on every simulated venue, end to end: asked in its words, taken by its engine, told by its private stream."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status
from fairlead.venues import registry
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.orders import AskCancel, AskFills, AskOpenOrders, AskPlace
from tests.sim.trader import Trader, trading

SPOT = "BTC/USDT"
BUY = AskPlace(
    symbol=SPOT, side="buy", type=OrderType.LIMIT, client_id="flaaaa000000000001", qty=Decimal("0.001"),
    price=Decimal("50000"),
)  # fmt: skip
SELL_NOW = replace(BUY, side="sell", price=Decimal("40000"), client_id="flaaaa000000000002")
TRADED = [name for name in registry.names() if registry.venue(name).door_for("orders")]
each_venue = pytest.mark.parametrize("name", TRADED)


def _fenced(trader: Trader, asked: AskPlace, ms: int = 5_000) -> AskPlace:
    return replace(asked, until_ms=trader.mouth.venue_ms() + ms, window_ms=ms)


@each_venue
def test_an_order_by_rest_is_placed_seen_and_cancelled_and_the_stream_tells_of_it(name: str) -> None:
    """If this failed, an adapter and its simulated venue would not mean the same order."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        taken = await trader.ask(Op.PLACE, _fenced(trader, BUY))
        assert isinstance(taken, Receipt), taken
        [accepted] = trader.mouth.truth.accepted(BUY.client_id)
        assert taken.order_id == accepted.order_id
        [open_order] = await trader.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT))
        told = (open_order.client_id, open_order.order_id, open_order.status, open_order.price, open_order.qty)
        assert told == (BUY.client_id, taken.order_id, Status.OPEN, BUY.price, BUY.qty)
        gone = await trader.ask(Op.CANCEL, AskCancel(symbol=SPOT, client_id=BUY.client_id))
        assert isinstance(gone, Receipt), gone
        await stream.until(lambda: Status.CANCELLED in [one.status for one in stream.events])
        seen = [one for one in stream.events if isinstance(one, OrderReport)]
        assert {one.order_id for one in seen} == {taken.order_id}
        assert [one.status for one in seen][-2:] == [Status.OPEN, Status.CANCELLED]
        assert await trader.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT)) == ()

    trading(name, visit)


@each_venue
def test_a_fill_is_told_once_by_the_stream_and_once_by_rest_and_moves_the_balances(name: str) -> None:
    """If this failed, fills, stream and balances of a venue would not tell the same story."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        before = {one.asset: one.total for one in await trader.ask(Op.BALANCES, AskNothing())}
        taken = await trader.ask(Op.PLACE, _fenced(trader, SELL_NOW))
        assert isinstance(taken, Receipt), taken
        truth = trader.mouth.truth.fills(taken.order_id)
        assert truth
        await stream.until(lambda: Status.FILLED in [getattr(one, "status", None) for one in stream.events])
        heard = [one for one in stream.events if isinstance(one, Fill)]
        fetched = await trader.ask(Op.FILLS, AskFills(symbol=SPOT))
        for told in (heard, fetched):
            assert [(one.id, one.price, one.qty) for one in told] == [(one.id, one.price, one.qty) for one in truth]
        after = {one.asset: one.total for one in await trader.ask(Op.BALANCES, AskNothing())}
        fees = sum((one.fee or Decimal(0) for one in truth), Decimal(0))
        assert before["BTC"] - after["BTC"] == Decimal("0.001")
        assert after["USDT"] - before["USDT"] == sum((one.price * one.qty for one in truth), Decimal(0)) - fees

    trading(name, visit)


@each_venue
def test_what_the_engine_refuses_is_refused_in_words_that_the_adapter_knows(name: str) -> None:
    """If this failed, a refusal would look like an unknown outcome, or like another refusal."""

    async def visit(trader: Trader) -> None:
        wishes = {
            Kind.FUNDS: replace(BUY, qty=Decimal(50)),
            Kind.INVALID: replace(BUY, price=Decimal("50000.001")),
            Kind.NOT_FOUND: AskCancel(symbol=SPOT, client_id="flaaaa00000000none"),
        }
        for kind, asked in wishes.items():
            op = Op.PLACE if isinstance(asked, AskPlace) else Op.CANCEL
            said = await trader.ask(op, _fenced(trader, asked) if isinstance(asked, AskPlace) else asked)
            assert isinstance(said, Fault), (kind, said)
            assert (said.kind, said.fate) == (kind, "REFUSED"), said
        assert isinstance(await trader.ask(Op.PLACE, _fenced(trader, BUY)), Receipt)
        again = await trader.ask(Op.PLACE, _fenced(trader, BUY))
        assert isinstance(again, Fault)
        assert again.kind is Kind.DUPLICATE
        assert len(trader.mouth.truth.accepted(BUY.client_id)) == 1
        assert trader.mouth.truth.attempts(BUY.client_id) == 4

    trading(name, visit)


@each_venue
def test_an_order_by_socket_is_the_same_order(name: str) -> None:
    """If this failed, the fast way to a venue would be another venue."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        taken = await stream.call(Op.PLACE, _fenced(trader, BUY), "1")
        assert isinstance(taken, Receipt), taken
        [accepted] = trader.mouth.truth.accepted(BUY.client_id)
        assert (taken.order_id, accepted.how) == (accepted.order_id, "socket")
        refused = await stream.call(Op.PLACE, _fenced(trader, replace(BUY, qty=Decimal(50), client_id="flb1")), "2")
        assert isinstance(refused, Fault)
        assert refused.kind is Kind.FUNDS
        gone = await stream.call(Op.CANCEL, AskCancel(symbol=SPOT, client_id=BUY.client_id), "3")
        assert isinstance(gone, Receipt), gone
        await stream.until(lambda: Status.CANCELLED in [one.status for one in stream.events])
        await asyncio.sleep(0)

    trading(name, visit)
