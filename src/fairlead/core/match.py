"""What a market does to one order, by price and time: what it takes at once, what rests, when the market comes to it.

Pure and in fixed point: it holds no order, moves no book and knows no account. A book is its levels, best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from fairlead.model.orders import BUY, OrderType

Level: TypeAlias = tuple[int, int]  # price, quantity


def reaches(side: str, limit: int | None, price: int) -> bool:
    """Whether an order with this limit would trade at a price; without a limit it trades at any."""
    return limit is None or (price <= limit if side == BUY else price >= limit)


def taken(side: str, qty: int, limit: int | None, levels: Sequence[Level]) -> list[Level]:
    """What a taker gets now, level after level of the other side."""
    fills: list[Level] = []
    for price, there in levels:
        if not qty or not reaches(side, limit, price):
            break
        fills.append((price, min(qty, there)))
        qty -= fills[-1][1]
    return fills


def taken_for(budget: int, lot: int, levels: Sequence[Level]) -> list[Level]:
    """What a taker gets for an amount of the other asset (in prices times quantities), on whole lots."""
    fills: list[Level] = []
    for price, there in levels:
        qty = min(there, budget // price // lot * lot)
        if qty:
            fills.append((price, qty))
            budget -= price * qty
        if qty < there:
            break
    return fills


def is_triggered(side: str, type: OrderType, trigger: int, last: int) -> bool:
    """Whether the last price wakes it: a stop buys when the price has risen to it, a take-profit when it has fallen."""
    is_stop = type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return last >= trigger if is_stop == (side == BUY) else last <= trigger


class Resting(Struct, frozen=True):
    """An order's place in the queue: `ahead` is what came to its price before it and is still there."""

    side: str
    price: int
    left: int
    ahead: int


def rest(side: str, price: int, left: int, there: int) -> Resting:
    """The last in the queue of its price, where so much is on show."""
    return Resting(side, price, left, there)


def passed(order: Resting, taker: str, price: int, qty: int) -> tuple[Resting, int]:
    """A trade has passed: where the order stands now, and how much of the trade was its own.

    Through its price all is its own; at its price, what those ahead leave. A taker on its own side came for others."""
    is_there = price == order.price
    if not order.left or (is_there and taker == order.side) or not reaches(order.side, order.price, price):
        return order, 0
    ahead = order.ahead if is_there else 0
    got = min(order.left, max(0, qty - ahead))
    return Resting(order.side, order.price, order.left - got, max(0, ahead - qty)), got


def seen(order: Resting, there: int, other: Sequence[Level]) -> tuple[Resting, int]:
    """The book has changed: the queue ahead is no longer than what is on show at its price, and what has come to the
    other side at its price or better trades with it, at its price."""
    got = sum(qty for _, qty in taken(order.side, order.left, order.price, other))
    return Resting(order.side, order.price, order.left - got, min(order.ahead, there)), got
