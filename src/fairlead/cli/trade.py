"""`fairlead buy | sell | amend | cancel | cancel-all | close | halt`: one act each, and what became of it.

The exit code is 0 only if it is known what became of it and it is what was asked for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from fairlead.cli.account import Holder, trading
from fairlead.cli.opening import AsJson, Where
from fairlead.cli.slips import show_order
from fairlead.cli.trouble import Failed
from fairlead.engine.market import Market
from fairlead.errors import Misuse
from fairlead.io.clock import RealClock
from fairlead.model.order import Life, Order

LOOK_S = 0.1  # how often it is looked whether an order has come further
BAD = frozenset({Life.UNKNOWN, Life.SENDING, Life.REJECTED, Life.NOT_ACCEPTED, Life.ABANDONED})
ENDED = frozenset({Life.CANCELLED, Life.EXPIRED})  # without a fill: it was taken and came to nothing
Wait = Annotated[float, Parameter(help="seconds to wait for the order's end; an order in doubt is always waited for")]


@Parameter(name="*")
@dataclass(frozen=True)
class Terms:
    """Options of an order."""

    price: Annotated[str, Parameter(help="its limit; without one it is a market order")] = ""
    trigger: Annotated[str, Parameter(help="the price at which it comes to life")] = ""
    type: Annotated[
        str,
        Parameter(help="limit, market, stop, stop limit, take profit, take profit limit; else the prices say it"),
    ] = ""
    tif: Annotated[str, Parameter(help="GTC (the usual), IOC, FOK")] = ""
    quote: Annotated[str, Parameter(help="how much of quote to spend or to earn, instead of a quantity")] = ""
    post_only: Annotated[bool, Parameter(negative="", help="refuse it rather than take")] = False
    reduce_only: Annotated[bool, Parameter(negative="", help="only make a position smaller")] = False
    pos_side: Annotated[str, Parameter(help="long or short, where positions are two-sided")] = ""
    name: Annotated[str, Parameter(help="yours for this wish: asked again under it, the same order is meant")] = ""

    def said(self, qty: str) -> dict[str, Any]:
        """What was said of it, in the words of the face."""
        said = {**asdict(self), "qty": qty, "quote_qty": self.quote}
        del said["quote"]
        return {name: value for name, value in said.items() if value}


def buy(
    venue: str,
    symbol: str,
    qty: Annotated[str, Parameter(help="of base, or contracts")] = "",
    /,
    *,
    terms: Terms = Terms(),
    wait: Wait = 0.0,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Place an order to buy."""
    asyncio.run(_place("buy", venue, symbol, terms.said(qty), wait, where, holder, json))


def sell(
    venue: str,
    symbol: str,
    qty: Annotated[str, Parameter(help="of base, or contracts")] = "",
    /,
    *,
    terms: Terms = Terms(),
    wait: Wait = 0.0,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Place an order to sell."""
    asyncio.run(_place("sell", venue, symbol, terms.said(qty), wait, where, holder, json))


def amend(
    venue: str,
    order: str,
    /,
    *,
    qty: str = "",
    price: str = "",
    trigger: str = "",
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Change an order of ours; --qty is the new total, what is filled included."""
    changes = {name: text for name, text in (("qty", qty), ("price", price), ("trigger", trigger)) if text}
    if not changes:
        raise Misuse("Nothing is to be changed.", next="give --qty, --price or --trigger")

    async def act(market: Market) -> Order:
        return await market.amend(order, **changes)

    asyncio.run(_one(venue, where, holder, json, act, lambda now: now.amending))


def cancel(
    venue: str,
    order: str,
    /,
    *,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Cancel an order of ours, and wait until the venue shows what became of it."""

    async def act(market: Market) -> Order:
        return await market.cancel(order)

    asyncio.run(_one(venue, where, holder, json, act, lambda now: not now.life.is_over))


def cancel_all(
    venue: str,
    symbol: str = "",
    /,
    *,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Cancel every open order of ours, at one symbol or everywhere; those of others are left alone."""

    async def act(market: Market) -> tuple[Order, ...]:
        return await market.cancel_all(symbol)

    asyncio.run(_several(venue, where, holder, json, act))


def close(
    venue: str,
    symbol: str,
    /,
    *,
    pos_side: str = "",
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Close a position at the market."""

    async def act(market: Market) -> Order:
        return await market.close(symbol, pos_side=pos_side)

    asyncio.run(_one(venue, where, holder, json, act, lambda now: not now.life.is_over))


def halt(
    venue: str,
    why: str = "by hand",
    /,
    *,
    release: Annotated[bool, Parameter(negative="", help="end it: orders are taken again")] = False,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Throw the kill switch: cancel what is ours and take no new orders, also after a restart."""

    async def act(market: Market) -> tuple[Order, ...]:
        if release:
            await market.resume(why)
            return ()
        return await market.halt(why)

    asyncio.run(_several(venue, where, holder, json, act))


async def _place(
    side: str,
    venue: str,
    symbol: str,
    terms: dict[str, Any],
    wait_s: float,
    where: Where,
    holder: Holder,
    as_json: bool,
) -> None:
    async with trading(venue, where, holder, quiet=as_json) as session:
        market = session[venue]
        order = await (market.buy if side == "buy" else market.sell)(symbol, **terms)
        if order.life.is_in_doubt:
            print(f"{order.client_id}: nobody knows yet; it is being found out. Ctrl-C leaves it to the next start.",
                  file=sys.stderr, flush=True)  # fmt: skip
        order = await _until(market, order, lambda now: now.life.is_in_doubt)
        order = await _until(market, order, lambda now: not now.life.is_over, wait_s)
        show_order(order, as_json)
    if order.life in BAD or (order.life in ENDED and not order.filled):
        raise Failed


async def _one(
    venue: str, where: Where, holder: Holder, as_json: bool, act: Any, unfinished: Callable[[Order], bool]
) -> None:
    async with trading(venue, where, holder, quiet=as_json) as session:
        order: Order = await act(session[venue])
        show_order(await _until(session[venue], order, unfinished), as_json)


async def _several(venue: str, where: Where, holder: Holder, as_json: bool, act: Any) -> None:
    async with trading(venue, where, holder, quiet=as_json) as session:
        orders: tuple[Order, ...] = await act(session[venue])
        for order in orders:
            show_order(await _until(session[venue], order, lambda now: not now.life.is_over), as_json)
        if not orders and not as_json:
            print("no open order of ours", file=sys.stderr)


async def _until(market: Market, order: Order, going_on: Callable[[Order], bool], most_s: float | None = None) -> Order:
    """The order when it has come so far, or when the time is over."""
    clock = RealClock()
    end_ns = None if most_s is None else clock.mono_ns() + int(most_s * 1e9)
    while going_on(order := market.order(order.client_id)) and (end_ns is None or clock.mono_ns() < end_ns):
        await clock.sleep(LOOK_S)
    return order
