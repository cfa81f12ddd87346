"""What the simulated toy writes: events and answers in our own words, books in its own."""

from __future__ import annotations

from typing import Any

from fairlead.model.numbers import text_of
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth
from fairlead.wire.printed import plain


def said(event: Any, ctx: Ctx) -> Any:
    return _book(event, ctx) if isinstance(event, Depth) else plain(event)


def _book(depth: Depth, ctx: Ctx) -> dict[str, Any]:
    one = ctx.catalog.theirs(depth.symbol)
    top = tuple(tuple(side) for side in depth.sight.top(10))

    def rows(side: Side) -> list[list[str]]:
        return [[text_of(price, one.price_decimals), text_of(qty, one.qty_decimals)] for price, qty in side]

    return {
        "symbol": depth.symbol, "whole": depth.whole, "first": depth.first, "last": depth.last, "prior": depth.prior,
        "bids": rows(depth.bids), "asks": rows(depth.asks), "at": depth.venue_ns, "sum": hash(top),
    }  # fmt: skip
