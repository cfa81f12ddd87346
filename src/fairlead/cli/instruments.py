"""`fairlead instruments`: what a venue trades, with its steps, limits and spellings."""

from __future__ import annotations

import asyncio
from fnmatch import fnmatch
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from fairlead.cli.board import paper
from fairlead.cli.opening import AsJson, Where, checked_venue, opened
from fairlead.errors import UnknownName
from fairlead.model.instrument import Instrument
from fairlead.wire.printed import printed

_HEADS = ("symbol", "theirs", "status", "tick", "step", "least qty", "least value", "contract")


def instruments(
    venue: str,
    /,
    *,
    like: Annotated[str, Parameter(help="only symbols with this in them; * and ? as in file names")] = "",
    where: Where = Where(),
    json: AsJson = False,
) -> None:
    """List what a venue trades."""
    found = asyncio.run(_found(checked_venue(venue), where))
    kept = [one for one in found if _is_like(one, like)]
    if like and not kept:
        raise UnknownName("instrument like", like, [one.symbol for one in found])
    if json:
        for one in kept:
            print(printed(one).decode())
    else:
        paper().print(_table(kept))


async def _found(venue: str, where: Where) -> list[Instrument]:
    async with opened([venue], where) as session:
        return sorted(session[venue].instruments, key=lambda one: one.symbol)


def _is_like(one: Instrument, like: str) -> bool:
    pattern = like if any(sign in like for sign in "*?[") else f"*{like}*"
    return any(fnmatch(name.lower(), pattern.lower()) for name in (one.symbol, one.venue_symbol))


def _table(found: list[Instrument]) -> Table:
    table = Table(*_HEADS)
    for one in found:
        limits = (one.price_tick, one.qty_step, one.min_qty, one.min_notional, one.contract_size)
        table.add_row(one.symbol, one.venue_symbol, one.status, *(f"{limit:f}" for limit in limits))
    return table
