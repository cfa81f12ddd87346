"""What a fill costs and what an open order holds back: money moved between an account's assets, to the last digit.

It decides neither what is filled nor who may order; each move is written into the ledger of truth."""

from __future__ import annotations

from decimal import Decimal

from fairlead.model.instrument import Instrument
from fairlead.model.numbers import EXACT
from fairlead.model.orders import BUY, Fill
from fairlead.sim.account import Account
from fairlead.sim.positions import Name, cut, worth
from fairlead.sim.purse import ZERO
from fairlead.sim.ticket import Ticket
from fairlead.sim.truth import Moved, Truth
from fairlead.wire.mirror import Habits

BPS = Decimal(10_000)


class Clearing:
    def __init__(self, venue: str, habits: Habits, truth: Truth) -> None:
        self._venue, self._habits, self._truth = venue, habits, truth

    def settle(
        self, account: Account, ticket: Ticket, id: str, price: Decimal, qty: Decimal, is_maker: bool, ns: int
    ) -> Fill:
        """Moves what one execution moves; the ticket itself is not touched."""
        of, value = ticket.instrument, worth(ticket.instrument, price, qty)
        fees = account.fees(of)
        rate = fees.maker if is_maker else fees.taker
        if of.kind == "spot":
            base, quote = of.parts.base, of.parts.quote
            came, went = ((base, qty), (quote, value)) if ticket.side == BUY else ((quote, value), (base, qty))
            self._move(account, *came, "trade", id, ns)
            self._move(account, went[0], EXACT.minus(went[1]), "trade", id, ns)
            paid_in, of_what = came if self._habits.fee_of == "received" else (quote, value)
        else:
            signed = qty if ticket.side == BUY else EXACT.minus(qty)
            realised = account.positions.fill(ticket.position, of, signed, price)
            paid_in, of_what = _settled_in(of), value
            if realised:
                self._move(account, paid_in, realised, "realised", id, ns)
        # Cut towards zero: rounded up, many small fills would cost more than the order holds back for its fees.
        fee = cut(EXACT.multiply(of_what, rate))
        if fee:
            self._move(account, paid_in, EXACT.minus(fee), "fee", id, ns)
        return Fill(
            venue=self._venue, symbol=of.symbol, order_id=ticket.id, id=id, side=ticket.side, price=price, qty=qty,
            fee=fee, fee_asset=paid_in, maker=is_maker, client_id=ticket.client_id, venue_ns=ns,
        )  # fmt: skip

    def fund(self, account: Account, name: Name, instrument: Instrument, mark: Decimal, rate: Decimal, ns: int) -> None:
        """Funding is due: the long pays the short where the rate is above zero."""
        value = worth(instrument, mark, abs(account.positions.qty(name)))
        amount = cut(EXACT.multiply(value, rate))
        signed = EXACT.minus(amount) if account.positions.qty(name) > 0 else amount
        if signed:
            self._move(account, _settled_in(instrument), signed, "funding", instrument.symbol, ns)
            account.positions.touch(name)

    def hold(self, account: Account, ticket: Ticket) -> None:
        """Holds back what is left of the order needs, and what the position it belongs to does."""
        asset, amount = ("", ZERO) if ticket.is_over else self.needs(account, ticket, ticket.at, ticket.left_qty)
        account.purse.hold(ticket.id, asset, amount)
        self.margin(account, ticket.position, ticket.instrument)

    def margin(self, account: Account, name: Name, instrument: Instrument) -> None:
        if instrument.kind == "spot":
            return
        needed = cut(EXACT.divide(account.positions.cost(name), account.positions.leverage(name)))
        account.purse.hold(":".join(name), _settled_in(instrument), needed)

    def needs(self, account: Account, ticket: Ticket, price: Decimal, qty: Decimal) -> tuple[str, Decimal]:
        """What must be there for so much of an order at this price, or better."""
        of = ticket.instrument
        if of.kind == "spot" and ticket.side != BUY:
            return of.parts.base, qty
        value, taker = worth(of, price, qty), account.fees(of).taker
        if of.kind == "spot":
            return of.parts.quote, self.cost(account, ticket, value)
        opens = worth(of, price, opening(account, ticket, qty))
        margin = cut(EXACT.divide(opens, account.positions.leverage(ticket.position)))
        return _settled_in(of), EXACT.add(margin, EXACT.multiply(value, taker)) if opens else ZERO

    def cost(self, account: Account, ticket: Ticket, value: Decimal) -> Decimal:
        """Of a purchase of spot: with the fee, where it is paid on top, and what a market order freezes beyond."""
        if self._habits.fee_of == "quote":
            value = EXACT.add(value, EXACT.multiply(value, account.fees(ticket.instrument).taker))
        if not ticket.asked.type.is_limit:
            value = EXACT.add(value, EXACT.divide(EXACT.multiply(value, Decimal(self._habits.freeze_bps)), BPS))
        return value

    def _move(self, account: Account, asset: str, amount: Decimal, why: str, of: str, ns: int) -> None:
        account.purse.move(asset, amount)
        self._truth.moves.append(Moved(ns, account.name, asset, amount, why, of))


def reducible(account: Account, ticket: Ticket) -> Decimal:
    """How much of the position an order of this side would close."""
    held = account.positions.qty(ticket.position)
    return abs(held) if held and (held > 0) != (ticket.side == BUY) else ZERO


def closes(ticket: Ticket) -> bool:
    """Whether it may only close: said so, or sold from the long side, or bought back on the short."""
    return ticket.asked.reduce_only or (ticket.asked.pos_side, ticket.side) in (("long", "sell"), ("short", "buy"))


def opening(account: Account, ticket: Ticket, qty: Decimal) -> Decimal:
    return ZERO if closes(ticket) else max(ZERO, EXACT.subtract(qty, reducible(account, ticket)))


def _settled_in(instrument: Instrument) -> str:
    return instrument.parts.settle
