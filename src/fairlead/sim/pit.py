"""Where a simulated venue's orders meet its market: they take, rest, are filled, triggered and ended, and it is told.

Orders match against the world's book and trades, and do not move them: nobody else sees them. It checks no order; the
exchange has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from fairlead.core.match import Level, is_triggered, passed, reaches, rest, seen, taken, taken_for
from fairlead.model.account import Position
from fairlead.model.numbers import fixed
from fairlead.model.orders import BUY, SELL, Status, Tif
from fairlead.sim.account import Account
from fairlead.sim.checks import Scene, fills_whole, needed
from fairlead.sim.clearing import Clearing, closes, reducible
from fairlead.sim.positions import Name
from fairlead.sim.purse import ZERO
from fairlead.sim.stall import Stall
from fairlead.sim.ticket import Ticket
from fairlead.sim.truth import Ended, Truth
from fairlead.wire.mirror import Execution, Habits

LEVELS = 1_000  # as deep as an order looks
OVER = {"expired": Status.EXPIRED, "cancelled": Status.CANCELLED}
WHATS = {
    Status.EXPIRED: "expired", Status.CANCELLED: "cancelled", Status.REJECTED: "rejected", Status.FILLED: "amended",
}  # fmt: skip


class Told(Protocol):
    """Who carries private events to whoever listens: the city."""

    def __call__(self, account: Account, kind: str, event: Any) -> None: ...


def unheard(account: Account, kind: str, event: Any) -> None:
    """Where nobody listens."""


class Pit:
    """Times are on the venue's clock."""

    def __init__(
        self, venue: str, habits: Habits, stalls: Mapping[str, Stall], truth: Truth, told: Told,
        fill_name: Callable[[int], str],
    ) -> None:  # fmt: skip
        self.venue, self.habits, self.stalls, self.truth = venue, habits, stalls, truth
        self.clearing = Clearing(venue, habits, truth)
        self._told, self._fill_name = told, fill_name
        self._executions = 0
        self._open: dict[str, dict[str, tuple[Account, Ticket]]] = {symbol: {} for symbol in stalls}

    def scene(self, account: Account, symbol: str, side: str) -> Scene:
        stall = self.stalls[symbol]
        return Scene(account, self.habits, self.clearing, stall.other(side, LEVELS), stall.last())

    # What a client asks.

    def enter(self, account: Account, ticket: Ticket, ns: int) -> None:
        """A new order comes, takes what it may, and rests or ends."""
        account.open[ticket.id] = ticket
        self._open[ticket.symbol][ticket.id] = (account, ticket)
        if not self._refuses_to_take(account, ticket) or self.habits.post_only_shown:
            self.tell(account, ticket, "accepted", ns)
        self.clearing.hold(account, ticket)
        self.match(account, ticket, ns)

    def match(self, account: Account, ticket: Ticket, ns: int) -> None:
        """A live order takes what it reaches; what is left of it rests, or ends."""
        asked, scene = ticket.asked, self.scene(account, ticket.symbol, ticket.side)
        if not ticket.is_live:
            return None
        if self._refuses_to_take(account, ticket):
            return self.end(account, ticket, Status.CANCELLED, "post only", ns)
        if asked.type.is_limit and asked.tif is Tif.FOK and not fills_whole(ticket, scene.other):
            return self.end(account, ticket, OVER.get(self.habits.fok, Status.EXPIRED), "fok", ns)
        for price, qty in self._takes(ticket, scene):
            self._fill(account, ticket, price, qty, ns, is_maker=False)
        if ticket.is_over:
            return None
        if not asked.type.is_limit or asked.tif is Tif.IOC:
            reason = "ioc" if asked.type.is_limit else "liquidity"
            return self.end(account, ticket, OVER[self.habits.rest], reason, ns)
        assert ticket.price is not None, "it has a limit"
        there = self.stalls[ticket.symbol].there(ticket.side, ticket.price)
        ticket.resting = rest(ticket.side, ticket.price, ticket.left, there)
        return None

    def end(self, account: Account, ticket: Ticket, status: Status, reason: str, ns: int, request: str = "") -> None:
        ticket.status, ticket.reason = status, reason
        self.tell(account, ticket, WHATS[status], ns, request)
        self._close(account, ticket, ns)

    # What the market does.

    def traded(self, symbol: str, taker: str, price: int, qty: int, ns: int) -> None:
        """A trade of the world passed: it is shared out by price and time, then wakes what waits for its price."""
        resting = [one for one in self._open[symbol].values() if one[1].resting is not None]
        mine = [one for one in resting if reaches(one[1].side, one[1].price, price)]
        mine.sort(key=lambda one: -one[1].sign * (one[1].price or 0))
        for account, ticket in mine:
            if ticket.resting is not None and qty:
                ticket.resting, got = passed(ticket.resting, taker, price, qty)
                qty -= got
                self._fill(account, ticket, ticket.resting.price, got, ns, is_maker=True)
                self.flush(account, ns)
        self._wake(symbol, price, ns)

    def changed(self, symbol: str, ns: int) -> None:
        """The world's book changed."""
        stall = self.stalls[symbol]
        best = {side: stall.other(side, 1)[:1] for side in (BUY, SELL)} if self._open[symbol] else {}
        for account, ticket in tuple(self._open[symbol].values()):
            if ticket.resting is None:
                continue
            price = ticket.resting.price
            crossed = bool(best[ticket.side]) and reaches(ticket.side, price, best[ticket.side][0][0])
            other = stall.other(ticket.side, LEVELS) if crossed else ()
            ticket.resting, got = seen(ticket.resting, stall.there(ticket.side, price), other)
            self._fill(account, ticket, price, got, ns, is_maker=True)
            self.flush(account, ns)

    def funded(self, accounts: Iterable[Account], symbol: str, rate: Decimal, ns: int) -> None:
        """Funding is due on all that is held of it."""
        stall = self.stalls[symbol]
        for account in accounts:
            for name in account.positions.names(symbol):
                self.clearing.fund(account, name, stall.instrument, stall.mark_price(), rate, ns)
            self.flush(account, ns)

    def _wake(self, symbol: str, last: int, ns: int) -> None:
        for account, ticket in tuple(self._open[symbol].values()):
            if ticket.is_live or ticket.trigger is None:
                continue
            if not is_triggered(ticket.side, ticket.asked.type, ticket.trigger, last):
                continue
            ticket.is_live = True
            self.tell(account, ticket, "triggered", ns)
            account.purse.hold(ticket.id, "", ZERO)
            asset, amount = needed(ticket, self.scene(account, symbol, ticket.side))
            if amount > account.purse.free(asset):
                self.end(account, ticket, Status.CANCELLED, "funds", ns)
            else:
                self.clearing.hold(account, ticket)
                self.match(account, ticket, ns)
            self.flush(account, ns)

    # What is told.

    def tell(self, account: Account, ticket: Ticket, what: str, ns: int, request: str = "") -> None:
        self._told(account, "orders", Execution(what, ticket.report(self.venue, ns, request)))

    def flush(self, account: Account, ns: int) -> None:
        """What changed of an account besides its orders."""
        balances = account.purse.changed()
        if balances:
            self._told(account, "balances", balances)
        names = account.positions.changed()
        if names:
            self._told(account, "positions", self._positions(account, names, ns))

    def positions(self, account: Account, symbol: str, ns: int) -> tuple[Position, ...]:
        return self._positions(account, account.positions.names(symbol), ns)

    def _positions(self, account: Account, names: Iterable[Name], ns: int) -> tuple[Position, ...]:
        marks = {name: self.stalls[name[0]].mark_price() for name in names}
        return tuple(account.positions.told(name, self.venue, mark, ns) for name, mark in marks.items())

    # One order.

    def _takes(self, ticket: Ticket, scene: Scene) -> list[Level]:
        if ticket.asked.quote_qty is None:
            return taken(ticket.side, ticket.left, ticket.price, scene.other)
        of = ticket.instrument
        budget = fixed(f"{ticket.asked.quote_qty:f}", of.price_decimals + of.qty_decimals)
        lot = fixed(f"{of.qty_step:f}", of.qty_decimals)
        fills = taken_for(budget, lot, scene.other)
        got = sum(qty for _, qty in fills)
        if got < sum(qty for _, qty in scene.other):  # otherwise the book was too thin for the amount
            ticket.qty = got
        return fills

    def _fill(self, account: Account, ticket: Ticket, price: int, qty: int, ns: int, is_maker: bool) -> None:
        of = ticket.instrument
        if closes(ticket):
            qty = min(qty, fixed(f"{reducible(account, ticket):f}", of.qty_decimals))
        if qty:
            self._executions += 1
            id = self._fill_name(self._executions)
            fill = self.clearing.settle(account, ticket, id, of.price(price), of.qty(qty), is_maker, ns)
            ticket.add(qty, price)
            ticket.fills.append(fill)
            self.truth.executions.append((account.name, fill))
            self.clearing.hold(account, ticket)
            self._told(account, "orders", Execution("filled", ticket.report(self.venue, ns), fill))
        if ticket.is_over:
            self._close(account, ticket, ns)
        elif closes(ticket) and not reducible(account, ticket):
            self.end(account, ticket, Status.CANCELLED, "reduce only", ns)

    def _close(self, account: Account, ticket: Ticket, ns: int) -> None:
        """It is over: nothing is held for it, and the market looks for it no more."""
        if account.open.pop(ticket.id, None) is None:
            return
        del self._open[ticket.symbol][ticket.id]
        ticket.resting = None
        self.clearing.hold(account, ticket)
        self.truth.ended.append(Ended(ns, ticket.id, ticket.client_id, ticket.status, ticket.reason))

    def _refuses_to_take(self, account: Account, ticket: Ticket) -> bool:
        best = self.stalls[ticket.symbol].other(ticket.side, 1)
        return ticket.asked.post_only and bool(best) and reaches(ticket.side, ticket.price, best[0][0])

    def __repr__(self) -> str:
        return f"<Pit of {self.venue}: {sum(map(len, self._open.values()))} open orders, {self._executions} executions>"
