"""`fairlead orders | fills | balances | positions | leverage`: what an account has, in its venue's word or in ours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter
from msgspec import Struct

from fairlead.cli.account import Holder, reading, trading
from fairlead.cli.opening import AsJson, Where
from fairlead.cli.slips import show_rows
from fairlead.engine.market import Market
from fairlead.io.clock import RealClock

HOUR_NS = 3_600_000_000_000
_OURS = ("client_id", "symbol", "side", "type", "qty", "quote_qty", "price", "life", "filled", "average", "reason")
_THEIRS = ("order_id", "client_id", "symbol", "side", "type", "qty", "price", "status", "filled")
_FILLS = ("id", "order_id", "symbol", "side", "price", "qty", "fee", "fee_asset", "maker", "client_id")
_BALANCES = ("asset", "total", "free")
_POSITIONS = ("symbol", "pos_side", "qty", "entry", "mark", "unrealised", "leverage", "margin", "liquidation")
_LEVERAGES = ("symbol", "pos_side", "leverage", "margin")


def orders(
    venue: str,
    symbol: str = "",
    /,
    *,
    since: Annotated[int, Parameter(help="all that changed after this number (`seq` of an order); -1: open ones")] = -1,
    theirs: Annotated[bool, Parameter(negative="", help="all open orders of the account, as the venue tells")] = False,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """List our open orders, those in doubt among them, or all that changed since; with --theirs the venue's list."""

    async def ours() -> Sequence[Struct]:
        async with trading(venue, where, holder, quiet=json) as session:
            market = session[venue]
            found = market.open_orders(symbol) if since < 0 else market.changed_since(since)
            return [one for one in found if symbol in ("", one.symbol)]

    async def told() -> Sequence[Struct]:
        async with reading(venue, where, holder) as session:
            return await session[venue].ask_open_orders(symbol)

    rows = asyncio.run(told() if theirs else ours())
    show_rows(rows, _THEIRS if theirs else _OURS, json, "no such order")


def fills(
    venue: str,
    symbol: str,
    /,
    *,
    hours: Annotated[float, Parameter(help="how far back")] = 24.0,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """List what was traded at a symbol, by whomever of the account."""

    async def ask(market: Market) -> Sequence[Struct]:
        return await market.ask_fills(symbol, RealClock().wall_ns() - int(hours * HOUR_NS))

    _show(venue, where, holder, json, ask, _FILLS, "nothing was traded")


def balances(
    venue: str,
    /,
    *,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """List what the account holds."""

    async def ask(market: Market) -> Sequence[Struct]:
        return [one for one in await market.ask_balances() if one.total or one.free]

    _show(venue, where, holder, json, ask, _BALANCES, "nothing")


def positions(
    venue: str,
    symbol: str = "",
    /,
    *,
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """List open positions."""

    async def ask(market: Market) -> Sequence[Struct]:
        return [one for one in await market.ask_positions(symbol) if one.qty]

    _show(venue, where, holder, json, ask, _POSITIONS, "no open position")


def leverage(
    venue: str,
    symbol: str,
    wanted: str = "",
    /,
    *,
    margin: Annotated[str, Parameter(help="cross or isolated")] = "",
    pos_side: str = "",
    where: Where = Where(),
    holder: Holder = Holder(),
    json: AsJson = False,
) -> None:
    """Show the leverage of a symbol, or set it."""

    async def set_it() -> Sequence[Struct]:
        async with trading(venue, where, holder, quiet=json) as session:
            return await session[venue].set_leverage(symbol, wanted, margin=margin, pos_side=pos_side)

    async def ask(market: Market) -> Sequence[Struct]:
        return await market.leverage(symbol, margin=margin)

    if wanted:
        show_rows(asyncio.run(set_it()), _LEVERAGES, json, "nothing")
    else:
        _show(venue, where, holder, json, ask, _LEVERAGES, "nothing")


def _show(
    venue: str, where: Where, holder: Holder, as_json: bool, ask: Any, heads: Sequence[str], nothing: str
) -> None:
    async def answer() -> Sequence[Struct]:
        async with reading(venue, where, holder) as session:
            rows: Sequence[Struct] = await ask(session[venue])
            return rows

    show_rows(asyncio.run(answer()), heads, as_json, nothing)
