"""Why a simulated venue refuses an order, looked at in the order in which venues look; it changes nothing.

A refusal is a Fault with one of the words of wire.mirror.FAILED; its mirror gives it the venue's code and text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from fairlead.core.match import Level, is_triggered, reaches, taken
from fairlead.model.instrument import Instrument
from fairlead.model.numbers import EXACT
from fairlead.model.orders import BUY, Tif
from fairlead.sim.account import Account
from fairlead.sim.clearing import Clearing, closes, reducible
from fairlead.sim.positions import worth
from fairlead.sim.ticket import Ticket
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.mirror import Habits
from fairlead.wire.orders import AskPlace

OPEN_MOST = 200  # open orders of an account in one market
BAND = 5  # a limit may be so many times the last price, or so small a part of it

LATE = Fault(Kind.CLOCK, said="deadline")
DUPLICATE = Fault(Kind.DUPLICATE)
POST_ONLY = Fault(Kind.POST_ONLY)
NOBODY = Fault(Kind.MARKET_STATE, said="liquidity")


def invalid(word: str) -> Fault:
    return Fault(Kind.INVALID, said=word)


class Scene(Struct, frozen=True):
    """What a ticket is judged by."""

    account: Account
    habits: Habits
    clearing: Clearing
    other: Sequence[Level]  # the levels it would trade with, in the instrument's fixed point
    last: int  # the last price, likewise


def refused(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    """The first thing that is wrong with it, at a market of this status."""
    for check in CHECKS:
        fault = check(ticket, status, scene)
        if fault is not None:
            return fault
    return None


def off_step(asked: AskPlace, of: Instrument) -> Fault | None:
    """Before it is a ticket: what does not lie on the instrument's steps has no place in fixed point."""
    for price in (asked.price, asked.trigger):
        if price is not None and (price <= 0 or EXACT.remainder(price, of.price_tick)):
            return invalid("tick")
    if asked.qty is not None and (asked.qty <= 0 or EXACT.remainder(asked.qty, of.qty_step)):
        return invalid("lot")
    if asked.quote_qty is not None and asked.quote_qty <= 0:
        return invalid("min notional")
    return None


def _market(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    """Is it open for such an order?"""
    asked = ticket.asked
    allowed = {
        "trading": True,
        "post-only": asked.post_only,
        "limit-only": asked.type.is_limit,
        "reduce-only": closes(ticket),
    }
    return None if allowed.get(status, False) else Fault(Kind.MARKET_STATE)


def _size(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    of, asked = ticket.instrument, ticket.asked
    price = ticket.at if ticket.price or ticket.trigger else of.price(scene.last)
    if asked.qty is not None:
        if asked.qty < of.min_qty:
            return invalid("min qty")
        if of.max_qty and asked.qty > of.max_qty:
            return invalid("max qty")
    value = worth(of, price, asked.qty) if asked.qty is not None else asked.quote_qty
    return invalid("min notional") if value is not None and value < of.min_notional else None


def _band(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    price = ticket.price
    far = price is not None and scene.last and not scene.last <= price * BAND <= scene.last * BAND * BAND
    return invalid("price band") if far else None


def _name(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    """Names are unique among the open orders, and no further."""
    return DUPLICATE if scene.account.open_as(ticket.asked.client_id) else None


def _room(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    crowded = len(scene.account.open_of(ticket.symbol)) >= OPEN_MOST
    return Fault(Kind.LIMIT, said="orders") if crowded else None


def _side(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    """Only where positions are two-sided an order names a side, and then it must; spot has none."""
    wanted = scene.account.mode.hedged and ticket.instrument.kind != "spot"
    return Fault(Kind.ACCOUNT, said="mode") if wanted != bool(ticket.asked.pos_side) else None


def _reduces(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    if not closes(ticket):
        return None
    room = reducible(scene.account, ticket)
    if not room:
        held = scene.account.positions.qty(ticket.position)
        return Fault(Kind.RISK, said="grows" if held else "no position")
    return Fault(Kind.RISK, said="grows") if ticket.left_qty > room else None


def _waits(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    """A trigger that the last price has reached already."""
    if ticket.trigger is None or not is_triggered(ticket.side, ticket.asked.type, ticket.trigger, scene.last):
        return None
    return invalid("trigger")


def _takes(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    """What may not take, and what must find somebody."""
    asked, best = ticket.asked, scene.other[0][0] if scene.other else None
    if not ticket.is_live:
        return None
    if best is None:
        return NOBODY if not asked.type.is_limit else None
    if asked.post_only and scene.habits.post_only == "refused" and reaches(ticket.side, ticket.price, best):
        return POST_ONLY
    if asked.tif is Tif.FOK and scene.habits.fok == "refused" and not fills_whole(ticket, scene.other):
        return NOBODY
    return None


def _funds(ticket: Ticket, status: str, scene: Scene) -> Fault | None:
    asset, amount = needed(ticket, scene)
    return Fault(Kind.FUNDS) if amount > scene.account.purse.free(asset) else None


def needed(ticket: Ticket, scene: Scene) -> tuple[str, Decimal]:
    """What an order must find in the purse: by its limit or trigger, else by what it would take now."""
    of, account, clearing = ticket.instrument, scene.account, scene.clearing
    if ticket.price is not None or not ticket.is_live:
        return clearing.needs(account, ticket, ticket.at, ticket.left_qty)
    if ticket.asked.quote_qty is not None:
        if ticket.side == BUY:
            return of.parts.quote, clearing.cost(account, ticket, ticket.asked.quote_qty)
        price = of.price(scene.other[0][0]) if scene.other else of.price(scene.last)
        return of.parts.base, EXACT.divide(ticket.asked.quote_qty, price)
    fills = taken(ticket.side, ticket.left, None, scene.other)
    size = sum(qty for _, qty in fills)
    if not size or ticket.side != BUY:
        return clearing.needs(account, ticket, of.price(scene.last), ticket.left_qty)
    average = EXACT.divide(Decimal(sum(price * qty for price, qty in fills)), Decimal(size))
    return clearing.needs(account, ticket, average.scaleb(-of.price_decimals, EXACT), of.qty(size))


def fills_whole(ticket: Ticket, other: Sequence[Level]) -> bool:
    return sum(qty for _, qty in taken(ticket.side, ticket.left, ticket.price, other)) == ticket.left


CHECKS: Sequence[Callable[[Ticket, str, Scene], Fault | None]] = (
    _market, _size, _band, _side, _name, _room, _reduces, _waits, _takes, _funds,
)  # fmt: skip
