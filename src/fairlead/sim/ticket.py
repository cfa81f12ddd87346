"""One order as a simulated venue keeps it: what was asked, what became of it, and every report of it; it never acts.

Quantities and prices are fixed point in the instrument's decimals."""

from __future__ import annotations

from decimal import Decimal

from fairlead.core.match import Resting
from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.model.numbers import EXACT
from fairlead.model.orders import BUY, Fill, OrderReport, Status
from fairlead.sim.positions import Name, cut, worth
from fairlead.sim.purse import ZERO
from fairlead.wire.orders import AskPlace


class Ticket:
    def __init__(self, asked: AskPlace, instrument: Instrument, order_id: str, margin: str, ns: int) -> None:
        self.asked, self.instrument, self.id, self.created_ns = asked, instrument, order_id, ns
        self.client_id = asked.client_id
        self.position: Name = (asked.symbol, asked.pos_side, margin)
        self.price = _fixed(asked.price, instrument.price_decimals)
        self.trigger = _fixed(asked.trigger, instrument.price_decimals)
        self.qty = _fixed(asked.qty, instrument.qty_decimals)  # None: it is for an amount of quote
        self.filled = 0
        self.cost = ZERO
        self.status, self.reason = Status.OPEN, ""
        self.is_live = not asked.type.is_triggered  # False: it waits for its trigger
        self.resting: Resting | None = None
        self.hidden_until_ns = 0
        self.expires_ns = 0  # when the venue throws it out again; 0: it does not
        self.reports: list[OrderReport] = []  # as it became, oldest first; `venue_ns` is when
        self.fills: list[Fill] = []

    @property
    def symbol(self) -> str:
        return self.asked.symbol

    @property
    def side(self) -> str:
        return self.asked.side

    @property
    def left(self) -> int:
        return (self.qty or 0) - self.filled

    @property
    def left_qty(self) -> Decimal:
        return self.instrument.qty(self.left)

    @property
    def at(self) -> Decimal:
        """The price it is valued at while it waits: its limit, else its trigger."""
        return self.instrument.price(self.price or self.trigger or 0)

    @property
    def sign(self) -> int:
        return 1 if self.side == BUY else -1

    @property
    def is_over(self) -> bool:
        return self.status.is_final

    def add(self, qty: int, price: int) -> None:
        """It was filled so far."""
        self.filled += qty
        self.cost = EXACT.add(self.cost, worth(self.instrument, self.instrument.price(price), self.instrument.qty(qty)))
        self.status = Status.FILLED if self.qty is not None and not self.left else Status.PARTIAL

    def report(self, venue: str, ns: int, request: str = "") -> OrderReport:
        """What the venue says of it now; it is remembered."""
        of, asked = self.instrument, self.asked
        self.reports.append(OrderReport(
            venue=venue, symbol=asked.symbol, order_id=self.id, status=self.status, client_id=self.client_id,
            venue_ns=ns, created_ns=self.created_ns, side=asked.side, type=asked.type, tif=asked.tif,
            qty=of.qty(self.qty) if self.qty is not None and asked.qty is not None else None, quote_qty=asked.quote_qty,
            price=of.price(self.price) if self.price is not None else None,
            trigger=of.price(self.trigger) if self.trigger is not None else None,
            filled=of.qty(self.filled), cost=self.cost, average=self._average(), post_only=asked.post_only,
            reduce_only=asked.reduce_only, pos_side=asked.pos_side, margin=self.position[2], reason=self.reason,
            request=request,
        ))  # fmt: skip
        return self.reports[-1]

    def report_at(self, ns: int) -> OrderReport | None:
        """The last report of that time or before."""
        return next((one for one in reversed(self.reports) if one.venue_ns <= ns), None)

    def _average(self) -> Decimal | None:
        if not self.filled:
            return None
        size = EXACT.multiply(self.instrument.qty(self.filled), self.instrument.contract_size)
        return cut(EXACT.divide(size, self.cost) if self.instrument.parts.inverse else EXACT.divide(self.cost, size))

    def __repr__(self) -> str:
        return f"<Ticket {self.id} {self.side} {self.symbol}: {self.status}, {self.filled} of {self.qty}>"


def _fixed(number: Decimal | None, decimals: int) -> int | None:
    return None if number is None else numbers.fixed(f"{number:f}", decimals)
