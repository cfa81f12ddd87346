"""How far one symbol could go at worst: what is held, and every order of ours that may still be filled, in full.

An order counts from the moment it is written down until it is proven that it cannot be filled any more: sent and
unanswered is as good as open. It nets nothing: all buys may fill and no sell, or all sells and no buy.

The position must hold the same fills that the orders count (our own, each once). A fill that the venue has told only
as a count still belongs to its order here, even after that has ended: counted twice for a moment, rather than not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from fairlead.core.change import as_place
from fairlead.core.worth import Touch, dearest, qty_for, worth
from fairlead.model.account import Position
from fairlead.model.instrument import Instrument
from fairlead.model.numbers import EXACT
from fairlead.model.order import Order
from fairlead.model.orders import BUY
from fairlead.wire.orders import AskAmend, AskPlace

ZERO = Decimal(0)


class Claim(Struct, frozen=True):
    """What one order may still do."""

    side: str
    pos_side: str
    qty: Decimal  # of base, or contracts
    notional: Decimal  # of quote
    reduces: bool = False  # the venue lets it take a position to nothing, not beyond


class Leg(Struct, frozen=True):
    """A position with what may still be added to either side of it; two-sided accounts have two."""

    position: Decimal = ZERO  # signed
    buys: Decimal = ZERO
    sells: Decimal = ZERO


class Exposure(Struct, frozen=True):
    """`unpriced` names the orders whose worst case nobody can tell: they have no price, and neither has the market."""

    legs: Mapping[str, Leg] = {}  # by pos_side; "": one-sided
    notional: Decimal = ZERO  # of all that may still be filled, buys and sells added up
    doubtful: int = 0  # how many of these orders are sent and unanswered
    unpriced: tuple[str, ...] = ()

    @property
    def position(self) -> Decimal:
        return sum((leg.position for leg in self.legs.values()), ZERO)

    @property
    def longest(self) -> Decimal:
        """How long it may become."""
        return sum((max(ZERO, leg.position + leg.buys) for name, leg in self.legs.items() if name != "short"), ZERO)

    @property
    def shortest(self) -> Decimal:
        """How short it may become, as a positive number."""
        return sum((max(ZERO, leg.sells - leg.position) for name, leg in self.legs.items() if name != "long"), ZERO)

    def with_claim(self, claim: Claim) -> Exposure:
        return self._moved(claim, 1)

    def without(self, claim: Claim) -> Exposure:
        return self._moved(claim, -1)

    def _moved(self, claim: Claim, sign: int) -> Exposure:
        with localcontext(EXACT):
            leg = self.legs.get(claim.pos_side, Leg())
            if not claim.reduces:
                more = sign * claim.qty
                leg = replace(leg, buys=leg.buys + more) if claim.side == BUY else replace(leg, sells=leg.sells + more)
            legs = {**self.legs, claim.pos_side: leg}
            return replace(self, legs=legs, notional=self.notional + sign * claim.notional)


def exposure(
    orders: Iterable[Order],
    positions: Iterable[Position],
    instrument: Instrument,
    touch: Touch | None = None,
    changes: Mapping[str, AskAmend] | None = None,
) -> Exposure:
    """Of these orders and positions those of the instrument's symbol count. `changes` are those that were sent and not
    answered, by client id: the order counts as it was or as it may be, whichever goes further."""
    legs: dict[str, Leg] = {}
    for held in positions:
        if held.symbol == instrument.symbol:
            leg = legs.get(held.pos_side, Leg())
            legs[held.pos_side] = replace(leg, position=EXACT.add(leg.position, held.qty))
    claims, doubtful, unpriced = list[Claim](), 0, list[str]()
    for order in orders:
        if order.symbol != instrument.symbol:
            continue
        doubtful += order.life.is_in_doubt
        claim = claim_of(order, instrument, touch, (changes or {}).get(order.client_id))
        if claim is None:
            unpriced.append(order.client_id)
        else:
            claims.append(claim)
    return Exposure(_legs(legs, claims), _sum(claim.notional for claim in claims), doubtful, tuple(unpriced))


def _legs(held: Mapping[str, Leg], claims: Iterable[Claim]) -> dict[str, Leg]:
    found = dict(held)
    for name in dict.fromkeys(claim.pos_side for claim in claims):
        own = [claim for claim in claims if claim.pos_side == name and not claim.reduces]
        buys, sells = (_sum(claim.qty for claim in own if (claim.side == BUY) is is_buy) for is_buy in (True, False))
        found[name] = Leg(found[name].position if name in found else ZERO, buys, sells)
    return found


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, numbers, ZERO)


def claim_of(
    order: Order, instrument: Instrument, touch: Touch | None = None, change: AskAmend | None = None
) -> Claim | None:
    """What an order may still do; None: nobody can tell."""
    if order.life.is_over:
        # It has ended, and yet fills that the venue counts are still on their way to us.
        left = max(ZERO, EXACT.subtract(order.venue_filled, order.filled))
        return _claim(order, left, None, instrument, touch) if left else _nothing(order)
    was = _left(order, order, instrument, touch)
    if change is None or was is None:
        return was
    may_be = _left(as_place(order, change), order, instrument, touch)
    if may_be is None:
        return None
    return replace(was, qty=max(was.qty, may_be.qty), notional=max(was.notional, may_be.notional))


def place_claim(asked: AskPlace, instrument: Instrument, touch: Touch | None = None) -> Claim | None:
    """What an order that is wanted may do; None: it has no price, and the market shows none."""
    return _claim(asked, asked.qty, asked.quote_qty, instrument, touch)


def _left(terms: AskPlace | Order, order: Order, instrument: Instrument, touch: Touch | None) -> Claim | None:
    """What is left of these terms after what the order has done already."""
    if terms.quote_qty is not None:
        return _claim(terms, None, max(ZERO, EXACT.subtract(terms.quote_qty, order.cost)), instrument, touch)
    return _claim(terms, max(ZERO, EXACT.subtract(terms.qty or ZERO, order.filled)), None, instrument, touch)


def _claim(
    terms: AskPlace | Order,
    qty: Decimal | None,
    quote_qty: Decimal | None,
    instrument: Instrument,
    touch: Touch | None,
) -> Claim | None:
    if quote_qty is not None:
        # So much quote goes furthest at the lowest price there is.
        price = touch.bid or touch.ask if touch is not None else None
        qty = None if price is None else qty_for(instrument, quote_qty, price)
        notional: Decimal | None = quote_qty
    else:
        price = dearest(terms.side, (terms.price, terms.trigger), touch)
        notional = worth(instrument, qty or ZERO, price)
    if qty is None or notional is None:
        return None
    return Claim(terms.side, terms.pos_side, qty, notional, terms.reduce_only)


def _nothing(order: Order) -> Claim:
    return Claim(order.side, order.pos_side, ZERO, ZERO, order.reduce_only)
