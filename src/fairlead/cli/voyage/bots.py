"""The bots of a voyage: they trade through the public face alone, and know of the market what its price is.

A bot lives as long as its program: after a restart it goes on with the orders that the program shows as its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from fairlead.engine.market import Market
from fairlead.errors import Error
from fairlead.model.instrument import Instrument
from fairlead.model.order import Order
from fairlead.model.orders import BUY, SELL
from fairlead.wire.face import Clock, Rng


class Try(Struct):
    """One wish of a bot's, and how it was answered."""

    venue: str
    symbol: str
    began_ns: int
    took_ns: int = 0
    client_id: str = ""
    said: str = ""  # the error's name; "": it was taken
    is_over: bool = False  # answered at all: not where the program died first


class Deck:
    """Where a bot stands: one market of one venue."""

    def __init__(
        self, market: Market, symbol: str, price: Callable[[], Decimal], clock: Clock, rng: Rng, tries: list[Try]
    ) -> None:
        self.market, self.symbol, self._price, self.clock, self.rng = market, symbol, price, clock, rng
        self._tries = tries
        self.instrument: Instrument = next(one for one in market.instruments if one.symbol == symbol)
        self.is_spot = self.instrument.kind == "spot"

    def price(self, bps: int) -> Decimal:
        """So far from the market, on a tick."""
        tick = self.instrument.price_tick
        return (self._price() * (10_000 + bps) / 10_000 / tick).to_integral_value() * tick

    def qty(self) -> Decimal:
        steps = self.rng.randrange(1, 9)
        return (Decimal("0.001") if self.is_spot else self.instrument.qty_step) * steps

    async def place(self, side: str, **terms: Any) -> Order | None:
        one = Try(self.market.name, self.symbol, self.clock.mono_ns())
        self._tries.append(one)
        go = self.market.buy if side == BUY else self.market.sell
        if not self.is_spot:
            terms["margin"] = "cross"
        try:
            order = await go(self.symbol, **terms)
        except Error as failed:
            one.said = f"{type(failed).__name__}: {failed}"
            return None
        else:
            one.client_id = order.client_id
            return order
        finally:
            one.took_ns, one.is_over = self.clock.mono_ns() - one.began_ns, True

    async def change(self, work: Awaitable[Order]) -> None:
        """A cancel or an amendment: whatever is said to it, the order shows what came of it."""
        try:
            await work
        except Error:
            await self.rest(0.2, 0.5)

    def mine(self, near_bps: int, far_bps: int) -> list[Order]:
        """What is open so far from the market: each bot keeps to its own distance."""
        now = self._price()
        return [
            one for one in self.market.open_orders(self.symbol)
            if one.price is not None and near_bps <= abs(one.price - now) / now * 10_000 < far_bps
        ]  # fmt: skip

    def side(self) -> str:
        return self.rng.choice((BUY, SELL))

    async def rest(self, least_s: float, most_s: float) -> None:
        await self.clock.sleep(self.rng.uniform(least_s, most_s))


async def maker(deck: Deck) -> None:
    """Quotes both sides near the market and moves its quotes along."""
    while True:
        mine = deck.mine(0, 100)
        for side, bps in ((BUY, -4), (SELL, 4)):
            quotes = [one for one in mine if one.side == side]
            if not quotes:
                is_shy = deck.rng.random() < 0.3
                await deck.place(side, qty=deck.qty(), price=deck.price(bps), post_only=is_shy, bot="maker")
            elif deck.rng.random() < 0.6 and not (quotes[0].amending or quotes[0].cancelling):
                await deck.change(deck.market.amend(quotes[0], price=deck.price(bps)))
        await deck.rest(1.5, 5)


async def taker(deck: Deck) -> None:
    """Takes what is there, at the market or immediately or never."""
    while True:
        side, qty = deck.side(), deck.qty()
        if deck.rng.random() < 0.5:
            await deck.place(side, qty=qty, bot="taker")
        else:
            away = 5 if side == BUY else -5
            await deck.place(side, qty=qty, price=deck.price(away), tif=deck.rng.choice(("IOC", "FOK")), bot="taker")
        await deck.rest(3, 9)


async def scheduler(deck: Deck) -> None:
    """Keeps one order far from the market, and replaces it by cancel and place; it wants its orders resent."""
    while True:
        for one in deck.mine(270, 400):
            await deck.change(deck.market.cancel(one))
        await deck.place(
            BUY, qty=deck.qty(), price=deck.price(-300), valid_for_ms=90_000, resend_if_not_accepted=True,
            bot="scheduler",
        )  # fmt: skip
        await deck.rest(4, 10)


async def burster(deck: Deck) -> None:
    """Several at once, then all of them away."""
    while True:
        count = deck.rng.randrange(2, 5)
        wishes = [
            deck.place(SELL, qty=deck.qty(), price=deck.price(200 + 10 * at), bot="burster") for at in range(count)
        ]
        await asyncio.gather(*wishes)
        await deck.rest(1, 4)
        await asyncio.gather(*(deck.change(deck.market.cancel(one)) for one in deck.mine(100, 270)))
        await deck.rest(6, 14)


BOTS: Mapping[str, Callable[[Deck], Awaitable[None]]] = {
    "maker": maker, "taker": taker, "scheduler": scheduler, "burster": burster,
}  # fmt: skip


def crew(rng: Rng) -> list[str]:
    """Two to all of them."""
    names = list(BOTS)
    rng.shuffle(names)
    return names[: rng.randrange(2, len(names) + 1)]
