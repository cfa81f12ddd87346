"""A simulated venue's trading engine: orders placed, amended, cancelled and closed, as strictly as venues do; no wire.

It speaks the contract: questions of wire.orders in, nouns of model.orders or a Fault out; its mirror words both. All
follows from what it is asked and from the world: it draws nothing. Times handed in are the world's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fairlead.model.account import DeadMan
from fairlead.model.numbers import EXACT
from fairlead.model.orders import BUY, SELL, OrderType, Receipt, Status
from fairlead.sim.account import Account
from fairlead.sim.amending import amended
from fairlead.sim.checks import LATE, off_step, refused
from fairlead.sim.mishaps import MS_NS
from fairlead.sim.pit import Pit, Told
from fairlead.sim.records import GONE, NONE, Records
from fairlead.sim.stall import Stall
from fairlead.sim.ticket import Ticket
from fairlead.sim.truth import Accepted, Refused, Truth
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fault, Kind, Outcome
from fairlead.wire.mirror import Mirror
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelAll, AskClose, AskPlace

NO_SYMBOL = Fault(Kind.SYMBOL)
NO_POSITION = Fault(Kind.RISK, said="no position")


class Twist(Struct, frozen=True):
    """What mishaps do to an order as the engine takes it."""

    is_unfenced: bool = False  # the engine looks at no deadline
    refusal: Fault | None = None  # said in place of doing anything
    hidden_ms: int = 0  # so long no read shows it
    expel_ms: int = 0  # after so long the venue throws it out again; 0: never
    factor: float = 1.0  # the quantity becomes so much of what was asked, on whole lots


STRAIGHT = Twist()


class Exchange:
    def __init__(
        self, venue: str, mirror: Mirror, stalls: Mapping[str, Stall], skewed: Callable[[int], int], told: Told
    ) -> None:
        """`skewed`: the venue's clock at a time of the world's."""
        self._mirror, self._stalls, self._skewed = mirror, stalls, skewed
        self.truth, self.records = Truth(), Records(mirror.habits)
        self.pit = Pit(venue, mirror.habits, stalls, self.truth, told, mirror.fill_name)
        self.status: dict[str, str] = {}  # by symbol, where it is another than the listing says
        self._numbered = self._queued = 0
        self._due: list[tuple[int, int, Callable[[int], None]]] = []

    # Orders.

    def place(
        self, account: Account, asked: AskPlace, ns: int, twist: Twist = STRAIGHT, how: str = "rest"
    ) -> Outcome[Receipt]:
        at_ns = self._skewed(ns)
        found = self._accept(account, asked, at_ns, twist)
        if isinstance(found, Fault):
            return self._refuse(account, Op.PLACE, asked.client_id, "", found, at_ns)
        is_late = 0 < asked.until_ms < at_ns // MS_NS
        self.truth.orders.append(
            Accepted(at_ns, account.name, found.symbol, found.id, found.client_id, asked.until_ms, is_late, how)
        )
        self.records.add(account, found)
        self.pit.enter(account, found, at_ns)
        if twist.expel_ms and not found.is_over:
            self.later(ns + twist.expel_ms * MS_NS, lambda due_ns: self._expel(account, found, due_ns))
        return self._receipt(account, found, at_ns, found.fills)

    def _accept(self, account: Account, asked: AskPlace, at_ns: int, twist: Twist) -> Outcome[Ticket]:
        stall = self._stalls.get(asked.symbol)
        if stall is None:
            return NO_SYMBOL
        if 0 < asked.until_ms < at_ns // MS_NS and not twist.is_unfenced:
            return LATE
        of = stall.instrument
        fault = twist.refusal or off_step(asked, of)
        if fault is not None:
            return fault
        if twist.factor != 1.0 and asked.qty is not None:
            lots = int(EXACT.multiply(EXACT.divide(asked.qty, of.qty_step), Decimal(str(twist.factor))))
            asked = replace(asked, qty=EXACT.multiply(Decimal(max(1, lots)), of.qty_step))
        number = self._numbered + 1
        named = replace(asked, client_id=asked.client_id or self._mirror.client_name(number))
        margin = asked.margin or ("cash" if of.kind == "spot" else account.mode.margin)
        ticket = Ticket(named, of, self._mirror.order_name(number), margin, at_ns)
        fault = refused(ticket, self.market_status(asked.symbol), self.pit.scene(account, asked.symbol, asked.side))
        if fault is not None:
            return fault
        self._numbered = number
        ticket.hidden_until_ns = at_ns + twist.hidden_ms * MS_NS if twist.hidden_ms else 0
        return ticket

    def amend(self, account: Account, asked: AskAmend, ns: int, twist: Twist = STRAIGHT) -> Outcome[Receipt]:
        at_ns = self._skewed(ns)
        found = twist.refusal or self._find_open(account, asked.symbol, asked.client_id, asked.order_id)
        if 0 < asked.until_ms < at_ns // MS_NS and not twist.is_unfenced:
            found = LATE
        if isinstance(found, Ticket):
            fault = amended(self.pit, account, found, asked, at_ns)
            if fault is None:
                return self._receipt(account, found, at_ns)
            found = fault
        return self._refuse(account, Op.AMEND, asked.client_id, asked.order_id, found, at_ns)

    def cancel(self, account: Account, asked: AskCancel, ns: int, twist: Twist = STRAIGHT) -> Outcome[Receipt]:
        at_ns = self._skewed(ns)
        found = twist.refusal or self._find_open(account, asked.symbol, asked.client_id, asked.order_id)
        if isinstance(found, Fault):
            return self._refuse(account, Op.CANCEL, asked.client_id, asked.order_id, found, at_ns)
        return self._cancel(account, found, "user", at_ns)

    def cancel_all(self, account: Account, asked: AskCancelAll, ns: int, reason: str = "user") -> tuple[Receipt, ...]:
        at_ns = self._skewed(ns)
        return tuple(self._cancel(account, one, reason, at_ns) for one in account.open_of(asked.symbol))

    def close(
        self, account: Account, asked: AskClose, ns: int, twist: Twist = STRAIGHT, how: str = "rest"
    ) -> Outcome[Receipt]:
        """The whole position, at the market."""
        margin = asked.margin or account.mode.margin
        held = account.positions.qty((asked.symbol, asked.pos_side, margin))
        if not held:
            return self._refuse(account, Op.CLOSE, asked.client_id, "", NO_POSITION, self._skewed(ns))
        order = AskPlace(
            symbol=asked.symbol, side=SELL if held > 0 else BUY, type=OrderType.MARKET, client_id=asked.client_id,
            qty=abs(held), reduce_only=True, pos_side=asked.pos_side, margin=margin,
        )  # fmt: skip
        return self.place(account, order, ns, twist, how)

    def dead_man(self, account: Account, timeout_ms: int, ns: int) -> DeadMan:
        """Cancels everything unless it is asked again within this time."""
        account.fires_ms = fires_ms = self._skewed(ns) // MS_NS + timeout_ms if timeout_ms else 0

        def fire(due_ns: int) -> None:
            if account.fires_ms == fires_ms:
                account.fires_ms = 0
                self.cancel_all(account, AskCancelAll(), due_ns, "dead man")

        if timeout_ms:
            self.later(ns + timeout_ms * MS_NS, fire)
        return DeadMan(fires_ms=fires_ms)

    # Time and the market.

    def later(self, due_ns: int, do: Callable[[int], None]) -> None:
        self._queued += 1
        heappush(self._due, (due_ns, self._queued, do))

    def advance(self, ns: int) -> None:
        """Does what is due up to a time, that time included."""
        while self._due and self._due[0][0] <= ns:
            due_ns, _, do = heappop(self._due)
            do(due_ns)

    def market_status(self, symbol: str) -> str:
        return self.status.get(symbol) or self._stalls[symbol].instrument.status

    # What is told of it.

    def _receipt(self, account: Account, ticket: Ticket, at_ns: int, fills: Any = ()) -> Receipt:
        self.pit.flush(account, at_ns)
        return Receipt(
            order_id=ticket.id,
            client_id=ticket.client_id,
            venue_ns=at_ns,
            report=ticket.reports[-1],
            fills=tuple(fills),
        )

    def _refuse(self, account: Account, op: Op, client_id: str, order_id: str, fault: Fault, at_ns: int) -> Fault:
        self.truth.refused.append(Refused(at_ns, account.name, op, client_id, order_id, fault.kind, fault.said))
        return fault

    def _find_open(self, account: Account, symbol: str, client_id: str, order_id: str) -> Outcome[Ticket]:
        found = self.records.find(account, symbol, client_id, order_id)
        if found is None:
            return NONE
        if found.is_over:
            return GONE if self._mirror.habits.latest_cancel == "gone" else NONE
        return found

    def _cancel(self, account: Account, ticket: Ticket, reason: str, at_ns: int) -> Receipt:
        self.pit.end(account, ticket, Status.CANCELLED, reason, at_ns)
        return self._receipt(account, ticket, at_ns)

    def _expel(self, account: Account, ticket: Ticket, ns: int) -> None:
        if not ticket.is_over:
            self.pit.end(account, ticket, Status.REJECTED, "venue", self._skewed(ns))
            self.pit.flush(account, self._skewed(ns))

    def __repr__(self) -> str:
        return f"<Exchange {self.pit!r}, {self.truth!r}>"
