"""Each mishap of orders does what it says, on a venue that is spoken to in its own words; the truth stays the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.errors import Unknown
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status
from fairlead.sim.rules import Args, Match, Rule
from fairlead.venues import registry
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import Odd
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.orders import (
    AskCancel,
    AskCancelAll,
    AskFills,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPlace,
    AskPlaceMany,
    AskPositions,
)  # fmt: skip
from tests.sim.trader import Trader, trading

SPOT = "BTC/USDT"
BUY = AskPlace(
    symbol=SPOT, side="buy", type=OrderType.LIMIT, client_id="flaaaa000000000001", qty=Decimal("0.001"),
    price=Decimal("50000"),
)  # fmt: skip
NOW = replace(BUY, side="sell", price=Decimal("40000"))
ON_PLACE = Match(op="place")
NAMES = [name for name in registry.names() if registry.venue(name).door_for("orders")]
NAME = next(name for name in NAMES if "swap" in registry.venue(name).markets)
each_venue = pytest.mark.parametrize("name", NAMES)


def staged(visit: Callable[[Trader], Coroutine[Any, Any, None]], *rules: Rule, name: str = NAME) -> None:
    """Runs a visit to a venue under these rules."""

    async def main(trader: Trader) -> None:
        for rule in rules:
            trader.city.mishaps.add(rule)
        await visit(trader)

    trading(name, main)


def fenced(trader: Trader, asked: AskPlace = BUY, ms: int = 3_000) -> AskPlace:
    return replace(asked, until_ms=trader.mouth.venue_ms() + ms, window_ms=ms)


async def finds(trader: Trader) -> Any:
    """The order as reads tell of it, by its client id; where the venue finds none by that, among its lists."""
    if "order by client id" in trader.venue.can:
        return await trader.ask(Op.ORDER, AskOrder(symbol=SPOT, client_id=BUY.client_id))
    found = await trader.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT, client_id=BUY.client_id))
    found = found or await trader.ask(Op.ORDERS, AskOrders(symbol=SPOT, client_id=BUY.client_id))
    return found[0] if found else Fault(Kind.NOT_FOUND)


@pytest.mark.parametrize(("phase", "orders"), [("before", 0), ("after", 1)])
@each_venue
def test_not_knowing_is_said_in_the_venues_words_whether_it_acted_or_not(name: str, phase: str, orders: int) -> None:
    """If this failed, nobody would ever meet the answer that is neither yes nor no."""

    async def visit(trader: Trader) -> None:
        said = await trader.ask(Op.PLACE, fenced(trader))
        assert isinstance(said, Fault)
        assert said.fate is Fate.UNKNOWN
        assert len(trader.mouth.truth.accepted(BUY.client_id)) == orders

    staged(visit, Rule("unsure", "rest", match=ON_PLACE, phase=phase), name=name)


@each_venue
def test_a_lingering_request_becomes_an_order_after_its_client_has_given_up(name: str) -> None:
    """If this failed, the order that comes late would never be met, and a timeout would pass for a refusal."""

    async def visit(trader: Trader) -> None:
        with pytest.raises(Unknown):
            await trader.ask(Op.PLACE, fenced(trader), timeout_ms=1_000)
        said = await finds(trader)
        assert isinstance(said, Fault)
        assert said.kind is Kind.NOT_FOUND
        await asyncio.sleep(2)
        assert (await finds(trader)).status is Status.OPEN

    staged(visit, Rule("linger", "rest", match=ON_PLACE, args=Args(ms=2_900)), name=name)


@each_venue
def test_a_request_that_lingers_past_its_fence_is_refused_unless_the_venue_lies(name: str) -> None:
    """If this failed, the fence would prove nothing; and nobody would meet a venue that breaks its word."""

    async def visit(trader: Trader) -> None:
        said = await trader.ask(Op.PLACE, fenced(trader))
        assert isinstance(said, Fault), said
        assert trader.mouth.truth.refused[-1].said == "deadline"
        trader.city.mishaps.add(Rule("unfence", "rest", match=ON_PLACE))
        assert isinstance(await trader.ask(Op.PLACE, fenced(trader)), Receipt)
        assert [one.is_late for one in trader.mouth.truth.accepted(BUY.client_id)] == [True]

    staged(visit, Rule("linger", "rest", match=ON_PLACE, args=Args(ms=4_000)), name=name)


@each_venue
def test_a_refusal_without_a_cause_is_the_venues_own(name: str) -> None:
    """If this failed, a duplicate told for a fresh id, or a cancel that finds nothing, could not be staged."""

    async def visit(trader: Trader) -> None:
        said = await trader.ask(Op.PLACE, fenced(trader))
        assert isinstance(said, Fault)
        assert said.kind is Kind.DUPLICATE
        assert trader.mouth.truth.accepted(BUY.client_id) == []
        assert isinstance(await trader.ask(Op.PLACE, fenced(trader)), Receipt)
        trader.city.mishaps.add(Rule("decline", "rest", match=Match(op="cancel"), args=Args(text="NOT_FOUND gone")))
        said = await trader.ask(Op.CANCEL, AskCancel(symbol=SPOT, client_id=BUY.client_id))
        assert isinstance(said, Fault)
        assert said.kind is Kind.NOT_FOUND
        assert (await finds(trader)).status is Status.OPEN

    staged(visit, Rule("decline", "rest", match=ON_PLACE, args=Args(text="DUPLICATE"), nth=1), name=name)


@each_venue
def test_what_is_hidden_is_in_no_read_until_it_is_shown(name: str) -> None:
    """If this failed, one read that finds nothing would look like proof."""

    async def visit(trader: Trader) -> None:
        taken = await trader.ask(Op.PLACE, fenced(trader, NOW))
        assert isinstance(taken, Receipt)
        lists = {Op.OPEN_ORDERS: AskOpenOrders(symbol=SPOT), Op.ORDERS: AskOrders(symbol=SPOT),
                 Op.FILLS: AskFills(symbol=SPOT)}  # fmt: skip
        assert isinstance(await finds(trader), Fault)
        assert [await trader.ask(op, asked) for op, asked in lists.items()] == [(), (), ()]
        await asyncio.sleep(2)
        assert (await finds(trader)).status is Status.FILLED
        assert await trader.ask(Op.FILLS, lists[Op.FILLS])

    staged(visit, Rule("hide", "rest", match=ON_PLACE, args=Args(ms=2_000)), name=name)


@each_venue
def test_reads_may_tell_of_what_was(name: str) -> None:
    """If this failed, two reads that go backwards in time would never be met."""

    async def visit(trader: Trader) -> None:
        await trader.ask(Op.PLACE, fenced(trader))
        await asyncio.sleep(1)
        await trader.ask(Op.CANCEL, AskCancel(symbol=SPOT, client_id=BUY.client_id))
        stale = trader.city.mishaps.add(Rule("stale", "rest", match=Match(op="reads"), args=Args(ms=500)))
        assert (await finds(trader)).status is Status.OPEN
        stale.end()
        assert (await finds(trader)).status is Status.CANCELLED

    staged(visit, name=name)


@each_venue
def test_a_venue_may_throw_out_what_it_took_and_change_what_was_asked(name: str) -> None:
    """If this failed, an order refused after it was acknowledged, or cut down, would never be met."""

    async def visit(trader: Trader) -> None:
        assert isinstance(await trader.ask(Op.PLACE, fenced(trader)), Receipt)
        report = await finds(trader)
        assert (report.status, report.qty) == (Status.OPEN, Decimal("0.0005"))
        await asyncio.sleep(1)
        [ended] = trader.mouth.truth.ended
        assert (ended.status, ended.reason) == (Status.REJECTED, "venue")
        assert (await finds(trader)).status.is_final

    staged(
        visit, Rule("expel", "rest", match=ON_PLACE, args=Args(ms=500)), Rule("revise", "rest", args=Args(factor=0.5))
    )


def test_lists_and_batches_may_leave_things_out() -> None:
    """If this failed, a list that was cut short would look like the whole."""

    async def visit(trader: Trader) -> None:
        said = await trader.ask(Op.PLACE_MANY, AskPlaceMany((fenced(trader), fenced(trader, _named(2)))))
        first, second = said
        assert isinstance(first, Receipt)
        assert isinstance(second, Fault)
        assert second.fate is Fate.UNKNOWN
        assert len(trader.mouth.truth.orders) == 2
        assert len(await trader.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT))) == 1

    staged(
        visit, Rule("omit", "rest", match=Match(op="open orders")), Rule("omit", "rest", match=Match(op="place many"))
    )


def test_answers_may_be_mixed_up() -> None:
    """If this failed, a client that believes any answer would never be found out."""

    async def visit(trader: Trader) -> None:
        first = await trader.send(Op.PLACE, fenced(trader))
        assert BUY.client_id.encode() not in first.body
        second = await trader.send(Op.PLACE, fenced(trader, _named(2)))
        assert BUY.client_id.encode() in second.body

    staged(visit, Rule("swap", "rest", match=ON_PLACE))


@each_venue
def test_dead_reads_leave_orders_alive(name: str) -> None:
    """If this failed, nobody would meet a venue that takes orders and cannot tell of them."""

    async def visit(trader: Trader) -> None:
        assert isinstance(await trader.ask(Op.PLACE, fenced(trader)), Receipt)
        asked = {Op.BALANCES: AskNothing(), Op.POSITIONS: AskPositions(), Op.OPEN_ORDERS: AskOpenOrders()}
        for op, question in ((op, one) for op, one in asked.items() if op in trader.venue.endpoints):
            assert isinstance(await trader.ask(op, question), Fault)

    staged(visit, Rule("status", "rest", match=Match(op="reads"), args=Args(status=503)), name=name)


@pytest.mark.parametrize(("phase", "orders"), [("before", 0), ("after", 1)])
@each_venue
def test_the_reply_to_an_order_may_be_lost(name: str, phase: str, orders: int) -> None:
    """If this failed, the oldest fault of all could not be staged."""

    async def visit(trader: Trader) -> None:
        with pytest.raises(Unknown):
            await trader.ask(Op.PLACE, fenced(trader))
        assert len(trader.mouth.truth.accepted(BUY.client_id)) == orders
        assert trader.mouth.truth.attempts(BUY.client_id) == 1

    staged(visit, Rule("reset", "rest", match=ON_PLACE, phase=phase), name=name)


@each_venue
def test_calls_by_socket_suffer_what_requests_do(name: str) -> None:
    """If this failed, an order by socket would be safe from everything."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        said = await stream.call(Op.PLACE, fenced(trader), "1")
        assert isinstance(said, Fault)
        assert said.fate is Fate.UNKNOWN
        assert len(trader.mouth.truth.accepted(BUY.client_id)) == 1
        trader.city.mishaps.add(Rule("linger", "rest", match=ON_PLACE, args=Args(ms=700), nth=1))
        began = trader.mouth.venue_ms()
        assert isinstance(await stream.call(Op.PLACE, fenced(trader, _named(2)), "2"), Receipt)
        assert trader.mouth.venue_ms() - began >= 700
        trader.city.mishaps.add(Rule("hang", "rest", match=ON_PLACE, args=Args(ms=500)))
        trader_call = asyncio.ensure_future(stream.call(Op.PLACE, fenced(trader, _named(3)), "3"))
        await stream.until(lambda: bool(stream.ends))
        trader_call.cancel()
        assert trader.mouth.truth.accepted(_named(3).client_id) == []

    staged(visit, Rule("unsure", "rest", match=ON_PLACE, phase="after", nth=1), name=name)


@each_venue
def test_a_reply_by_socket_may_come_twice_or_not_at_all(name: str) -> None:
    """If this failed, a second reply could be taken for another order's."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        assert isinstance(await stream.call(Op.PLACE, fenced(trader), "1"), Receipt)
        await stream.until(lambda: any(isinstance(word, Odd) for word in stream.words))
        assert len(stream.answers("1")) == 1
        trader.city.mishaps.add(Rule("lose", match=ON_PLACE, nth=1))
        with pytest.raises(TimeoutError):
            await stream.call(Op.PLACE, fenced(trader, _named(2)), "2")
        assert len(trader.mouth.truth.accepted(_named(2).client_id)) == 1
        trader.city.mishaps.add(Rule("ignore", nth=1))
        with pytest.raises(TimeoutError):
            await stream.call(Op.PLACE, fenced(trader, _named(3)), "3")
        assert trader.mouth.truth.attempts(_named(3).client_id) == 0

    staged(visit, Rule("double", match=ON_PLACE, nth=1), name=name)


ON_ORDERS = Match(kind="orders")


@pytest.mark.parametrize(
    ("rule", "fills", "reports"),
    [
        (Rule("drop", match=ON_ORDERS, nth=2), 0, ["open"]),
        (Rule("duplicate", match=ON_ORDERS, nth=2), 2, ["open", "filled", "filled"]),
        (Rule("renumber", match=ON_ORDERS), 2, ["open", "filled", "filled"]),
        (Rule("rewind", match=ON_ORDERS), 0, ["open", "open"]),
        (Rule("reorder", match=ON_ORDERS, nth=1), 1, ["filled", "open"]),
        (Rule("lose", match=ON_ORDERS, nth=1), 1, ["filled"]),
    ],
    ids=lambda value: value.action if isinstance(value, Rule) else "",
)
def test_what_is_told_of_orders_may_be_lost_doubled_or_turned_round(rule: Rule, fills: int, reports: list[str]) -> None:
    """If this failed, a client that counts what it hears would never be wrong here, and would be in life."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        trader.city.mishaps.add(rule)
        await trader.ask(Op.PLACE, fenced(trader, NOW))
        await asyncio.sleep(1)
        heard = [one for one in stream.events if isinstance(one, Fill)]
        assert len(heard) == fills
        assert len({one.id for one in heard}) == (2 if rule.action == "renumber" else min(fills, 1))
        assert [str(one.status) for one in stream.events if isinstance(one, OrderReport)] == reports
        assert len(trader.mouth.truth.executions) == 1

    staged(visit)


def test_words_and_quantities_of_a_stream_may_be_nonsense() -> None:
    """If this failed, a status nobody knows, or a quantity below zero, would never come."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        await trader.ask(Op.PLACE, fenced(trader))
        await stream.until(lambda: any(isinstance(word, Odd) for word in stream.words))
        trader.city.mishaps.add(Rule("corrupt", match=ON_ORDERS, args=Args(factor=-1)))
        await trader.ask(Op.PLACE, fenced(trader, replace(NOW, client_id="flbbbb1")))
        await asyncio.sleep(1)
        [(_, fill)] = trader.mouth.truth.executions
        assert fill.qty > 0
        assert all(one.qty != fill.qty for one in stream.events if isinstance(one, Fill))

    staged(visit, Rule("rewrite", match=ON_ORDERS, args=Args(text='"live"=>"asleep"')))


def test_a_position_may_disagree_with_the_fills() -> None:
    """If this failed, nobody would find out who believes a position blindly."""

    async def visit(trader: Trader) -> None:
        swap = "BTC/USDT:USDT"
        buy = replace(BUY, symbol=swap, qty=Decimal(1), price=Decimal(70_000), margin="cross")
        assert isinstance(await trader.ask(Op.PLACE, fenced(trader, buy)), Receipt)
        [told] = await trader.ask(Op.POSITIONS, AskPositions(swap))
        [true] = trader.mouth.exchange.pit.positions(trader.mouth.keyring.account(trader.pen.key_id), swap, 0)
        assert (told.qty, true.qty) == (Decimal(2), Decimal(1))

    staged(visit, Rule("corrupt", "rest", match=Match(op="positions"), args=Args(factor=2)))


def test_somebody_else_may_act_on_the_account_by_hand() -> None:
    """If this failed, a client would think that all orders of its account are its own."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        trader.city.by_hand(trader.venue.name, trader.pen.key_id, Op.PLACE, replace(BUY, client_id=""))
        await stream.until(lambda: bool(stream.events))
        [told] = await trader.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT))
        assert told.order_id == trader.mouth.truth.orders[0].order_id
        trader.city.by_hand(trader.venue.name, trader.pen.key_id, Op.CANCEL_ALL, AskCancelAll())
        assert (trader.mouth.truth.orders[0].how, trader.mouth.truth.ended[0].reason) == ("hand", "user")

    staged(visit)


def test_a_revoked_key_hears_and_does_no_more_and_its_account_lives_on() -> None:
    """If this failed, a stolen and revoked key would still be listened to."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        other = Trader(NAME, trader.memory, trader.city.new_key(NAME, like=trader.pen.key_id))
        stranger = Trader(NAME, trader.memory, trader.city.new_key(NAME))
        trader.city.revoke(NAME, trader.pen.key_id)
        said = await trader.ask(Op.PLACE, fenced(trader))
        assert isinstance(said, Fault)
        assert said.kind in (Kind.KEY, Kind.SIGNATURE)
        assert isinstance(await other.ask(Op.PLACE, fenced(trader)), Receipt)
        await asyncio.sleep(1)
        assert stream.events == []
        assert len(await other.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT))) == 1
        assert await stranger.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT)) == ()
        called = await stream.call(Op.PLACE, fenced(trader, _named(2)), "1")
        assert isinstance(called, Fault), "the session was opened before, and is over"
        heard = await other.listen("orders")
        trader.city.revoke(NAME, other.pen.key_id, 1008)
        await heard.until(lambda: heard.ends == [1008])

    staged(visit)


def _named(number: int) -> AskPlace:
    return replace(BUY, client_id=f"flaaaa00000000000{number}")
