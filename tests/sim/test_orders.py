"""Orders on every simulated venue, end to end: asked in its words, taken by its engine, told by its private stream."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.errors import Misuse
from fairlead.model.account import Holding, Position
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.sim.ticket import Ticket
from fairlead.venues import registry
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.conversation import Answer
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.orders import (
    AskAmend,
    AskCancel,
    AskCancelAll,
    AskCancelMany,
    AskClose,
    AskDeadMan,
    AskFills,
    AskLeverage,
    AskOpenOrders,
    AskPlace,
    AskPlaceMany,
    AskPositions,
    AskSetMode,
)  # fmt: skip
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

    trading(name, visit)


@each_venue
def test_an_answer_by_socket_may_come_before_what_the_call_caused_or_after(name: str) -> None:
    """If this failed, a client that works with one order of two that are not promised would pass here."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        firsts = []
        for number in range(2):
            stream.log.clear()
            await stream.call(Op.PLACE, _fenced(trader, replace(BUY, client_id=f"flo{number}")), str(number))
            await asyncio.sleep(1)
            kinds = [type(one) for one in stream.log if isinstance(one, (Answer, OrderReport))]
            assert {Answer, OrderReport} == set(kinds)
            firsts.append(kinds[0])
        assert set(firsts) == {Answer, OrderReport}

    trading(name, visit)


@each_venue
def test_an_order_is_amended_triggered_and_bought_for_an_amount_where_the_venue_can(name: str) -> None:
    """If this failed, what an adapter says that a venue can do would not be done there."""

    async def visit(trader: Trader) -> None:
        stream, can = await trader.listen("orders"), trader.venue.can
        await trader.ask(Op.PLACE, _fenced(trader, BUY))
        changes = {"price": Decimal(49_999)} if "amend price" in can else {"qty": Decimal("0.0009")}
        amend = AskAmend(symbol=SPOT, client_id=BUY.client_id, **changes)  # type: ignore[arg-type]  # by their names
        taken = await trader.ask(Op.AMEND, amend)
        assert isinstance(taken, Receipt), taken
        name_, value = next(iter(changes.items()))
        await stream.until(lambda: getattr(stream.events[-1], name_, None) == value)
        if "quote buy" in can:
            spend = replace(BUY, type=OrderType.MARKET, qty=None, price=None, quote_qty=Decimal(100), client_id="flq1")
            assert isinstance(await trader.ask(Op.PLACE, _fenced(trader, spend)), Receipt)
            spent = sum((fill.price * fill.qty for _, fill in trader.mouth.truth.executions), Decimal(0))
            assert 99 < spent <= 100
        if "stops" in can:
            stop = replace(BUY, type=OrderType.STOP, price=None, trigger=Decimal(90_000), client_id="fls1")
            assert isinstance(await trader.ask(Op.PLACE, _fenced(trader, stop)), Receipt)
            at_once = replace(stop, trigger=Decimal(40_000), client_id="fls2")
            said = await trader.ask(Op.PLACE, _fenced(trader, at_once))
            assert isinstance(said, Fault) == bool(trader.mouth.truth.refused), said
        left = await trader.ask(Op.OPEN_ORDERS, AskOpenOrders(symbol=SPOT))
        assert {one.client_id for one in left} == {one.client_id for one in _open(trader)}

    trading(name, visit)


@each_venue
def test_many_orders_are_placed_and_all_are_cancelled_or_die_with_their_client(name: str) -> None:
    """If this failed, a batch would be more or fewer orders than were asked, or a panic button leave some."""

    async def visit(trader: Trader) -> None:
        ops = trader.venue.endpoints
        orders = tuple(_fenced(trader, replace(BUY, client_id=f"flb{number}")) for number in range(4))
        if Op.PLACE_MANY in ops:
            taken = await trader.ask(Op.PLACE_MANY, AskPlaceMany(orders))
            assert [type(one) for one in taken] == [Receipt] * 4
        else:
            for one in orders:
                await trader.ask(Op.PLACE, one)
        assert len(_open(trader)) == 4
        if Op.CANCEL_MANY in ops:
            two = AskCancelMany(tuple(AskCancel(symbol=SPOT, client_id=one.client_id) for one in orders[:2]))
            await trader.ask(Op.CANCEL_MANY, two)
            assert len(_open(trader)) == 2
        if Op.DEAD_MAN in ops:
            switch = await trader.ask(Op.DEAD_MAN, AskDeadMan(10_000))
            assert abs(switch.fires_ms - trader.mouth.venue_ms() - 10_000) <= 1_000
            await asyncio.sleep(11)
            assert _open(trader) == []
            assert {one.reason for one in trader.mouth.truth.ended} == {"user", "dead man"}
        if Op.CANCEL_ALL in ops:
            await trader.ask(Op.PLACE, _fenced(trader, BUY))
            try:
                said = await trader.ask(Op.CANCEL_ALL, AskCancelAll(SPOT))
            except Misuse:  # not of one market alone
                said = await trader.ask(Op.CANCEL_ALL, AskCancelAll())
            assert not isinstance(said, Fault), said
            assert _open(trader) == []

    trading(name, visit)


@each_venue
def test_balances_told_by_the_stream_are_those_told_by_rest(name: str) -> None:
    """If this failed, two ways of asking a venue what one owns would give two answers."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders", "balances")
        await trader.ask(Op.PLACE, _fenced(trader, SELL_NOW))
        await trader.ask(Op.PLACE, _fenced(trader, BUY))
        await asyncio.sleep(1)
        told = {one.asset: one for one in stream.events if isinstance(one, Holding)}
        assert {"BTC", "USDT"} <= told.keys()
        for balance in await trader.ask(Op.BALANCES, AskNothing()):
            holding = told.get(balance.asset)
            if holding is not None:
                assert holding.total in (None, balance.total), balance
                assert holding.free in (None, balance.free), balance

    trading(name, visit)


SWITCHES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({"post_only": word, "post_only_shown": shown}, {"post_only": True})
      for word, shown in (("refused", True), ("cancelled", True), ("cancelled", False))),
    *(({"fok": word}, {"tif": Tif.FOK}) for word in ("expired", "cancelled", "refused")),
    *(({"rest": word}, {"tif": Tif.IOC}) for word in ("expired", "cancelled")),
]  # fmt: skip


@each_venue
@pytest.mark.parametrize(("habits", "wish"), SWITCHES, ids=lambda one: "-".join(map(str, one.values())))
def test_whatever_a_vendor_leaves_open_the_order_ends_and_the_client_knows(
    name: str, habits: dict[str, Any], wish: dict[str, Any]
) -> None:
    """If this failed, an adapter would be right by luck: with one reading of its vendor's document, not the other."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders")
        asked = replace(BUY, price=Decimal(90_000 if "post_only" in wish else 50_000), **wish)
        said = await trader.ask(Op.PLACE, _fenced(trader, asked))
        await asyncio.sleep(1)
        assert _open(trader) == []
        if "refused" in habits.values():
            assert isinstance(said, Fault), said
            # Where no vendor's text is known, what it says is nothing to conclude from: it is asked about.
            assert said.fate is Fate.REFUSED or said.kind is Kind.UNKNOWN_CODE, said
            assert stream.events == []
        else:
            assert isinstance(said, Receipt), said
            [ended] = trader.mouth.truth.ended
            last = [one for one in stream.events if isinstance(one, OrderReport)][-1]
            assert (last.order_id, last.status.is_final, last.filled or 0) == (ended.order_id, True, 0)

    trading(name, visit, **habits)


SWAP = "BTC/USDT:USDT"
each_margined = pytest.mark.parametrize("name", [name for name in TRADED if "swap" in registry.venue(name).markets])


@each_margined
def test_a_position_is_opened_levered_told_and_closed(name: str) -> None:
    """If this failed, a swap's life at a venue would not be the one that its engine lived."""

    async def visit(trader: Trader) -> None:
        stream = await trader.listen("orders", "positions")
        fees = await trader.ask(Op.FEES, AskSymbol(SWAP))
        assert (fees.maker, fees.taker) == (Decimal("0.0002"), Decimal("0.0005"))
        lever = AskLeverage(symbol=SWAP, leverage=Decimal(5), margin="cross")
        [five] = await trader.ask(Op.SET_LEVERAGE, lever)
        assert five.leverage == 5
        buy = replace(BUY, symbol=SWAP, qty=Decimal(2), price=Decimal(70_000), margin="cross")
        assert isinstance(await trader.ask(Op.PLACE, _fenced(trader, buy)), Receipt)
        [told] = await trader.ask(Op.POSITIONS, AskPositions(SWAP))
        account = trader.mouth.keyring.account(trader.pen.key_id)
        [true] = trader.mouth.exchange.pit.positions(account, SWAP, trader.mouth.shop.venue_ns())
        assert (told.qty, told.entry, told.leverage) == (Decimal(2), true.entry, Decimal(5))
        busy = await trader.ask(Op.SET_MODE, AskSetMode(hedged=True))
        assert isinstance(busy, Fault)
        assert busy.kind is Kind.ACCOUNT
        closed = await trader.ask(Op.CLOSE, AskClose(symbol=SWAP, client_id="flc1", margin="cross"))
        assert isinstance(closed, Receipt), closed
        await asyncio.sleep(1)
        heard = [one for one in stream.events if isinstance(one, Position)]
        assert (heard[0].qty, heard[-1].qty) == (Decimal(2), Decimal(0))
        assert await trader.ask(Op.POSITIONS, AskPositions(SWAP)) == ()
        gone = await trader.ask(Op.CLOSE, AskClose(symbol=SWAP, client_id="flc2", margin="cross"))
        assert isinstance(gone, Fault)
        assert gone.kind is Kind.RISK
        assert (await trader.ask(Op.SET_MODE, AskSetMode(hedged=True))).hedged

    trading(name, visit)


def _open(trader: Trader) -> list[Ticket]:
    return list(trader.mouth.keyring.account(trader.pen.key_id).open.values())
