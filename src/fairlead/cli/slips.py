"""Orders, fills and holdings on paper: a sentence or a table for people, one flat object a line for machines."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from rich.table import Table

from fairlead.cli.board import paper
from fairlead.model.order import Life, Order
from fairlead.wire.printed import printed

_MEANT = {
    Life.UNKNOWN: "it may or may not be at the venue; it is being found out",
    Life.SENDING: "it may or may not be at the venue; it is being found out",
    Life.NOT_ACCEPTED: "proven: it never came to be",
    Life.ABANDONED: "it was never sent",
}


def show_order(order: Order, as_json: bool) -> None:
    print(printed(order).decode() if as_json else sentence(order), flush=True)


def sentence(order: Order) -> str:
    """Buy 0.1 BTC/USDT limit 61000 on okx: OPEN, 0 filled (flabcd000000000001)"""
    amount = f"{number(order.qty)}" if order.qty is not None else f"{number(order.quote_qty)} of quote for"
    price = f" {number(order.price)}" if order.price is not None else ""
    trigger = f" at {number(order.trigger)}" if order.trigger is not None else ""
    what = f"{order.side} {amount} {order.symbol} {order.type}{trigger}{price} on {order.venue}"
    average = f" at {number(order.average)}" if order.average is not None else ""
    meant = f": {_MEANT[order.life]}" if order.life in _MEANT else ""
    reason = f" ({order.reason})" if order.reason else ""
    return f"{what}: {order.life}{meant}{reason}, {number(order.filled)} filled{average} [{order.client_id}]"


def show_rows(rows: Sequence[Struct], heads: Sequence[str], as_json: bool, nothing: str) -> None:
    """Structs as lines of JSON, or as a table of these of their fields."""
    if as_json:
        for row in rows:
            print(printed(row).decode())
        return
    if not rows:
        print(nothing)
        return
    table = Table(*(head.replace("_", " ") for head in heads))
    for row in rows:
        table.add_row(*(_cell(getattr(row, head)) for head in heads))
    paper().print(table)


def number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _cell(value: Any) -> str:
    return number(value) if isinstance(value, Decimal) else "" if value is None else str(value)
