"""Trading as a program does it: every verb over real venues in the city, with a journal that outlives the session."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fairlead.core import account as accounts
from fairlead.core.limits import Limits
from fairlead.engine.market import Market
from fairlead.engine.session import Session, Stage
from fairlead.errors import BadNumber, Error, Held, Misuse, Refused, RiskRefused, UnknownName
from fairlead.model.order import Life, Order
from fairlead.model.orders import OrderType, Tif
from fairlead.venues import registry
from tests.engine.harbour import Paper
from tests.engine.test_session import BTC, Town, in_town

SWAP = "BTC/USDT:USDT"
each_venue = pytest.mark.parametrize("name", registry.names())


class Desk:
    """A venue that trades, and the session around it, which can be ended and begun again."""

    def __init__(self, town: Town, name: str) -> None:
        self.town, self.name, self.paper = town, name, Paper()

    def session(self, *, stage: Stage = Stage.LIVE, **knobs: Any) -> Session:
        signers = {self.name: self.town.signer(self.name)}
        return self.town.session(
            self.name, journal=lambda _: self.paper, signers=signers, labels={self.name: "bot-a"}, stage=stage, **knobs
        )  # fmt: skip

    async def wait(self, seconds: float = 1.0) -> None:
        await self.town.clock.sleep(seconds)


def trading(name: str, visit: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def main(town: Town) -> None:
        await visit(Desk(town, name))

    in_town(main, (name,))


async def below(market: Market, percent: int = 10, symbol: str = BTC) -> Decimal:
    """A price at which nothing trades now."""
    last = Decimal(str((await market.ask_ticker(symbol)).last))
    return (last * (100 - percent) / 100).quantize(Decimal(1))


@each_venue
def test_an_order_lives_from_its_placing_to_its_end(name: str) -> None:
    """If this failed, a program could not place, follow, change or end an order by the names that the face gives."""

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            market, seen = session[name], list[Order]()
            market.orders(seen.append)
            order = await market.buy(BTC, qty="0.01", price=await below(market), post_only=True)
            assert (order.life, order.type, order.qty) == (Life.OPEN, OrderType.LIMIT, Decimal("0.01"))
            assert market.open_orders() == market.open_orders(BTC) == (market.order(order.client_id),)
            assert (await market.amend(order, qty="0.005")).qty == Decimal("0.005")
            await desk.wait()
            await market.cancel(order)
            await desk.wait()
            assert market.order(order.client_id).life is Life.CANCELLED
            assert market.open_orders() == ()
            lives = [one.life for one in seen if one.client_id == order.client_id]
            assert list(dict.fromkeys(lives)) == [Life.INTENT, Life.SENDING, Life.OPEN, Life.CANCELLED]
            assert [one.seq for one in seen] == sorted(one.seq for one in seen)

    trading(name, visit)


@each_venue
def test_a_market_order_is_filled_and_every_fill_told_once(name: str) -> None:
    """If this failed, a bot would count a fill twice or never, and hold something else than it believes."""

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            market = session[name]
            fills, balances = market.fills(), market.balances()
            order = await market.buy(BTC, qty=Decimal("0.01"))
            await desk.wait(3)
            order = market.order(order.client_id)
            assert (order.life, order.filled, order.left) == (Life.FILLED, Decimal("0.01"), Decimal(0))
            assert (await balances.first(20)).asset
            shown = await market.ask_fills(BTC)
        heard = [fill async for fill in fills]
        assert sum(fill.qty for fill in heard) == Decimal("0.01")
        assert {fill.id for fill in heard} == {fill.id for fill in shown}
        assert len({fill.id for fill in heard}) == len(heard)

    trading(name, visit)


@each_venue
def test_a_restart_knows_its_orders_and_what_changed_while_the_bot_was_away(name: str) -> None:
    """If this failed, an order would be orphaned by a restart, or its end never told to the bot that comes back."""

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            first = await session[name].buy(BTC, qty="0.01", price=await below(session[name]))
            second = await session[name].buy(BTC, qty="0.01", price=await below(session[name], 12))
            seen = max(one.seq for one in session[name].changed_since(0))
        async with desk.session() as session:
            market = session[name]
            assert {one.client_id for one in market.open_orders()} == {first.client_id, second.client_id}
            await market.cancel(first.client_id)
            await desk.wait()
            assert [one.client_id for one in market.changed_since(seen)] == [first.client_id]
            assert [one.client_id for one in await market.cancel_all()] == [second.client_id]
            await desk.wait()
            assert await market.ask_open_orders() == ()

    trading(name, visit)


@each_venue
def test_the_kill_switch_ends_ours_refuses_new_ones_and_outlives_the_process(name: str) -> None:
    """If this failed, a bot that was stopped in an emergency would trade on after its restart."""

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            market = session[name]
            await market.buy(BTC, qty="0.01", price=await below(market))
            assert len(await market.halt("a test")) == 1
            await desk.wait()
            assert await market.ask_open_orders() == ()
        await desk.wait(60)  # a venue's budget of calls is not kept over a restart
        async with desk.session() as session:
            market = session[name]
            with pytest.raises(RiskRefused, match="kill switch is thrown: a test"):
                await market.sell(BTC, qty="0.01")
            await market.resume("all is well")
            assert (await market.sell(BTC, qty="0.01")).life is not Life.REJECTED

    trading(name, visit)


@each_venue
def test_orders_of_others_are_shown_and_left_alone(name: str) -> None:
    """If this failed, cancelling all of a bot's orders would take those that a human placed with them."""

    async def visit(desk: Desk) -> None:
        other = Desk(desk.town, name)
        like = desk.town.city.keys[name].key
        async with desk.session() as session, other.town.session(
            name, journal=lambda _: other.paper, signers={name: desk.town.signer(name, like)}, labels={name: "hand"},
            stage=Stage.LIVE, seed=77,
        ) as another:  # fmt: skip
            market, theirs = session[name], another[name]
            foreign = await theirs.buy(BTC, qty="0.01", price=await below(theirs))
            mine = await market.buy(BTC, qty="0.01", price=await below(market, 12))
            await desk.wait()
            assert {one.client_id for one in await market.ask_open_orders()} == {foreign.client_id, mine.client_id}
            assert [one.client_id for one in await market.cancel_all(BTC)] == [mine.client_id]
            await desk.wait()
            assert [one.client_id for one in await market.ask_open_orders()] == [foreign.client_id]

    trading(name, visit)


@pytest.mark.parametrize(
    ("terms", "kind", "words"),
    [
        ({"qty": "0.01", "pirce": "61000"}, UnknownName, "did you mean price"),
        ({"qty": 0.1 + 0.2, "price": "61000"}, BadNumber, "0.30000"),
        ({"qty": "0.01", "price": "61000.001"}, BadNumber, "61000"),
        ({"qty": "0.01", "quote_qty": "5"}, Misuse, "both was given"),
        ({}, Misuse, "neither was given"),
        ({"qty": "0.01", "tif": "later"}, UnknownName, "time in force"),
        ({"qty": "0.01", "type": "stop"}, Misuse, "needs a trigger"),
        ({"qty": "0.01", "resend_if_not_accepted": True}, Misuse, "give valid_for_ms"),
    ],
)
def test_every_refusal_of_ours_says_what_to_do_and_sends_nothing(
    terms: dict[str, Any], kind: type[Error], words: str
) -> None:
    """If this failed, a slip of the pen would be sent, rounded, or refused with words that help nobody."""

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            with pytest.raises(kind, match=words):
                await session["okx"].buy(BTC, **terms)
            assert session["okx"].changed_since(0) == ()

    trading("okx", visit)


@each_venue
def test_what_the_venue_refuses_is_an_error_with_its_words_and_an_order_that_ended(name: str) -> None:
    """If this failed, an order without funds would look like one that is on its way."""

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            market = session[name]
            with pytest.raises(Refused, match="FUNDS") as refused:
                await market.buy(BTC, qty="5000", price=await below(market, 40), name="too much")
            assert refused.value.fault == "venue"
            (order,) = market.changed_since(0)
            assert order.life is Life.REJECTED

    trading(name, visit)


def test_a_name_stands_for_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a bot that asks again after a crash, or much later, would trade twice."""
    monkeypatch.setattr(accounts, "ENDED_MOST", 0)

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            market = session["binance"]
            price = await below(market)
            first = await market.buy(BTC, qty="0.01", price=price, name="entry", tif=Tif.GTC)
        async with desk.session() as session:
            again = await session["binance"].buy(BTC, qty="0.01", price=price, name="entry", tif="GTC")
            assert again.client_id == first.client_id
            assert len(await session["binance"].ask_open_orders()) == 1
            await session["binance"].cancel(first)
            await desk.wait()
            with pytest.raises(Misuse, match="used long ago"):
                await session["binance"].buy(BTC, qty="0.01", price=price, name="entry", tif="GTC")

    trading("binance", visit)


def test_a_position_is_closed_and_its_leverage_set() -> None:
    """If this failed, a program could open a position that it cannot end by the same hand."""

    async def visit(desk: Desk) -> None:
        async with desk.session() as session:
            market, seen = session["okx"], list[Decimal]()
            market.positions(lambda position: seen.append(position.qty))
            with pytest.raises(Misuse, match="no position"):
                await market.close(SWAP)
            assert [one.leverage for one in await market.set_leverage(SWAP, "5", margin="cross")] == [5]
            assert [one.leverage for one in await market.leverage(SWAP, margin="cross")] == [5]
            await market.sell(SWAP, qty=2, margin="cross")
            await desk.wait(2)
            assert [one.qty for one in await market.ask_positions(SWAP)] == [-2]
            order = await market.close(SWAP)
            await desk.wait(2)
            assert (order.side, order.reduce_only, order.qty) == ("buy", True, Decimal(2))
            assert not any(one.qty for one in await market.ask_positions())
            assert (seen[0], seen[-1]) == (Decimal(-2), Decimal(0))

    trading("okx", visit)


def test_the_users_own_limits_hold_with_the_live_book() -> None:
    """If this failed, a price with a digit too many would go out although a collar was set."""

    async def visit(desk: Desk) -> None:
        async with desk.session(limits=Limits(collar_bps=Decimal(100), order_qty=Decimal("0.5"))) as session:
            market = session["binance"]
            with pytest.raises(RiskRefused, match="book"):
                await market.buy(BTC, qty="0.01", price=await below(market))
            book = await market.book(BTC).first(20)
            assert book.ask is not None
            with pytest.raises(RiskRefused, match="collar"):
                await market.buy(BTC, qty="0.01", price=int(book.ask * 1.2))
            with pytest.raises(RiskRefused, match="order_qty"):
                await market.buy(BTC, qty="0.6", price=int(book.ask))
            order = await market.buy(BTC, qty="0.01", price=await below(market))  # below the market no collar holds
            assert order.life is Life.OPEN

    trading("binance", visit)


def test_a_session_that_only_reads_answers_and_places_nothing() -> None:
    """If this failed, a key meant for a dashboard would trade."""

    async def visit(desk: Desk) -> None:
        async with desk.session(stage=Stage.READ_ONLY) as session:
            market = session["okx"]
            assert await market.ask_balances()
            assert await market.ask_positions() == ()
            assert await market.ask_open_orders() == ()
            assert await market.ask_fills(BTC) == ()
            works: list[Callable[[], Any]] = [market.orders, market.fills, market.open_orders]
            for work in works:
                with pytest.raises(Misuse, match="opened to be read only"):
                    work()
            with pytest.raises(Misuse, match='stage="live"'):
                await market.buy(BTC, qty="0.01")
            assert not desk.paper.bodies

    trading("okx", visit)


def test_a_journal_that_is_another_process_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """If this failed, two processes would write one journal, and each send what the other had sent."""
    from fairlead.io.journal import DiskJournal

    async def visit(desk: Desk) -> None:
        def journal(name: str) -> DiskJournal:
            return DiskJournal(tmp_path / name, desk.town.clock, inline=True, words="the first bot")

        knobs: dict[str, Any] = {
            "signers": {"okx": desk.town.signer("okx")},
            "labels": {"okx": "a"},
            "journal": journal,
        }
        async with desk.town.session("okx", stage=Stage.LIVE, **knobs) as first:
            await first["okx"].buy(BTC, qty="0.01", price=await below(first["okx"]))
            second = desk.town.session("okx", stage=Stage.LIVE, **knobs)
            with pytest.raises(Misuse, match="the first bot"):
                await second.open()
        async with desk.town.session("okx", stage=Stage.LIVE, **knobs) as third:
            assert len(third["okx"].open_orders()) == 1

    trading("okx", visit)


def test_without_a_journal_nothing_is_traded() -> None:
    """If this failed, orders would be sent that no restart remembers."""

    async def visit(desk: Desk) -> None:
        signers = {"okx": desk.town.signer("okx")}
        session = desk.town.session("okx", signers=signers, labels={"okx": "a"}, stage=Stage.LIVE)
        with pytest.raises(Misuse, match="without a journal"):
            await session.open()

    trading("okx", visit)


def test_held_orders_say_so_while_the_venue_is_held_against_the_books() -> None:
    """If this failed, an order would go out before it is known what is open already."""

    async def visit(desk: Desk) -> None:
        session = desk.session()
        desk.paper.fails = 1
        with pytest.raises(Error) as failed:
            await session.open()
        assert isinstance(failed.value, Held)
        assert "disk is full" in str(failed.value)

    trading("okx", visit)


def test_a_journal_that_may_lack_lines_is_trusted_again_once_all_its_accounts_were_read() -> None:
    """If this failed, every start after a crash would look far back for ever; or one account would speak for all."""

    async def visit(desk: Desk) -> None:
        async with desk.session():
            await desk.wait()
        alone = list(desk.paper.bodies)
        desk.paper.older = True
        async with desk.session():
            await desk.wait()
        assert not desk.paper.older
        desk.paper.older = True
        desk.paper.bodies = [*alone, alone[-1].replace(b'"account":"bot-a"', b'"account":"bot-b"')]
        async with desk.session():
            await desk.wait()
        assert desk.paper.older

    trading(registry.names()[0], visit)
