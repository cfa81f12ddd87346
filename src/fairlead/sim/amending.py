"""An order's price, trigger or size changed while it is open, as venues do it: checked whole, then done, or refused."""

from __future__ import annotations

from msgspec.structs import replace

from fairlead.core.match import reaches
from fairlead.model.numbers import EXACT, fixed
from fairlead.model.orders import Status
from fairlead.sim.account import Account
from fairlead.sim.checks import POST_ONLY, invalid, off_step
from fairlead.sim.pit import Pit
from fairlead.sim.ticket import Ticket
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.orders import AskAmend, AskPlace


def amended(pit: Pit, account: Account, ticket: Ticket, asked: AskAmend, ns: int) -> Fault | None:
    """Changes the order and tells of it, or says why not and changes nothing."""
    habits, of = pit.habits, ticket.instrument
    new = _wanted(ticket, asked)
    fault = off_step(new, of)
    if fault is not None:
        return fault
    qty = ticket.qty if asked.qty is None else fixed(f"{asked.qty:f}", of.qty_decimals)
    price = ticket.price if asked.price is None else fixed(f"{asked.price:f}", of.price_decimals)
    trigger = ticket.trigger if asked.trigger is None else fixed(f"{asked.trigger:f}", of.price_decimals)
    if (qty, price, trigger) == (ticket.qty, ticket.price, ticket.trigger):
        return invalid("no change")
    if qty is not None and ticket.qty is not None and qty > ticket.qty and not habits.amend_up:
        return invalid("amend up")
    if qty is not None and qty <= ticket.filled:
        return _ended(pit, account, ticket, asked, ns)
    scene = pit.scene(account, ticket.symbol, ticket.side)
    best = scene.other[0][0] if scene.other else None
    if ticket.asked.post_only and price != ticket.price and best is not None and reaches(ticket.side, price, best):
        return POST_ONLY
    before = (ticket.qty, ticket.price, ticket.trigger)
    ticket.qty, ticket.price, ticket.trigger = qty, price, trigger
    asset, amount = pit.clearing.needs(account, ticket, ticket.at, ticket.left_qty)
    if amount > EXACT.add(account.purse.free(asset), account.purse.held(ticket.id)):
        ticket.qty, ticket.price, ticket.trigger = before
        return Fault(Kind.FUNDS)
    pit.clearing.hold(account, ticket)
    pit.tell(account, ticket, "amended", ns, asked.request)
    _placed_anew(pit, account, ticket, is_moved=price != before[1] or (qty or 0) > (before[0] or 0), ns=ns)
    return None


def _wanted(ticket: Ticket, asked: AskAmend) -> AskPlace:
    wanted = {name: value for name in ("qty", "price", "trigger") if (value := getattr(asked, name)) is not None}
    return replace(ticket.asked, **wanted)


def _placed_anew(pit: Pit, account: Account, ticket: Ticket, is_moved: bool, ns: int) -> None:
    """Another price, or more, goes to the end of the queue and may take; less keeps its place."""
    if is_moved:
        pit.match(account, ticket, ns)
    elif ticket.resting is not None:
        ticket.resting = replace(ticket.resting, left=ticket.left)


def _ended(pit: Pit, account: Account, ticket: Ticket, asked: AskAmend, ns: int) -> Fault | None:
    """Down to what was filled already, or below: nothing is left of it."""
    if pit.habits.amend_filled == "refused":
        return invalid("filled")
    status = Status.CANCELLED
    if pit.habits.amend_filled == "filled" and ticket.filled:
        status, ticket.qty = Status.FILLED, ticket.filled
    pit.end(account, ticket, status, "amended", ns, asked.request)
    return None
