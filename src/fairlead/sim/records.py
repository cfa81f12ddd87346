"""What a simulated venue can tell of orders and executions: found by name, listed, paged; it changes none of them.

Reads may lag: what is hidden is not there yet, and a read of the past sees things as they stood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from fairlead.model.orders import Fill, OrderReport, Status
from fairlead.sim.account import Account
from fairlead.sim.mishaps import MS_NS
from fairlead.sim.ticket import Ticket
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.mirror import Habits
from fairlead.wire.orders import AskFills, AskOpenOrders, AskOrders

T = TypeVar("T", OrderReport, Fill)
ORDERS_KEPT = 100_000
NONE = Fault(Kind.NOT_FOUND)
GONE = Fault(Kind.NOT_FOUND, said="gone")


class Records:
    """Of one venue. `at_ns` is the time that a read sees: now, or earlier where a mishap makes it stale."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._tickets: dict[str, tuple[Account, Ticket]] = {}  # by the venue's id, oldest first
        self._named: dict[tuple[str, str], list[Ticket]] = {}  # by account and client id
        self._owned: dict[str, dict[str, Ticket]] = {}  # by account, then the venue's id

    def add(self, account: Account, ticket: Ticket) -> None:
        self._tickets[ticket.id] = (account, ticket)
        self._named.setdefault((account.name, ticket.client_id), []).append(ticket)
        self._owned.setdefault(account.name, {})[ticket.id] = ticket
        while len(self._tickets) > ORDERS_KEPT:
            self._forget()

    def find(self, account: Account, symbol: str, client_id: str, order_id: str) -> Ticket | None:
        """By the venue's id, which the client's must then fit; by the client's, the open one, else the latest."""
        if order_id:
            owner, found = self._tickets.get(order_id, (None, None))
            if found is None or owner is not account or client_id not in ("", found.client_id):
                return None
        else:
            several = self._named.get((account.name, client_id), [])
            found = next((one for one in several if not one.is_over), several[-1] if several else None)
        return found if found is not None and symbol in ("", found.symbol) else None

    def order(self, account: Account, symbol: str, client_id: str, order_id: str, at_ns: int) -> OrderReport | Fault:
        found = self.find(account, symbol, client_id, order_id)
        report = self._seen(found, at_ns) if found else None
        return report if report is not None and not self._is_forgotten(report, at_ns) else NONE

    def open(
        self, account: Account, asked: AskOpenOrders, at_ns: int, newest: bool, is_past: bool = False
    ) -> tuple[OrderReport, ...]:
        """Of the past all orders are looked at: what has ended since may have been open."""
        tickets = self._of(account) if is_past else account.open.values()
        found = [one for one in self._told(tickets, asked.symbol, at_ns) if not one.status.is_final]
        named = [one for one in found if asked.client_id in ("", one.client_id)]
        return paged(named, [one.order_id for one in named], asked.page, 0, newest)

    def orders(self, account: Account, asked: AskOrders, at_ns: int, newest: bool) -> tuple[OrderReport, ...]:
        found = [
            one for one in self._told(self._of(account), asked.symbol, at_ns)
            if asked.client_id in ("", one.client_id) and _between(one.created_ns, asked.start_ns, asked.end_ns)
            and not self._is_forgotten(one, at_ns) and (self._habits.lists_open or one.status.is_final)
        ]  # fmt: skip
        return paged(found, [one.order_id for one in found], asked.page, asked.limit, newest)

    def fills(self, account: Account, asked: AskFills, at_ns: int, newest: bool) -> tuple[Fill, ...]:
        found = [
            fill for ticket in self._of(account) if ticket.fills and asked.symbol in ("", ticket.symbol)
            for fill in (ticket.fills if ticket.hidden_until_ns <= at_ns else ())
            if fill.venue_ns <= at_ns and asked.order_id in ("", ticket.id)
            and _between(fill.venue_ns, asked.start_ns, asked.end_ns)
        ]  # fmt: skip
        found.sort(key=lambda fill: fill.venue_ns)
        return paged(found, [one.id for one in found], asked.page, asked.limit, newest)

    def _of(self, account: Account) -> Iterable[Ticket]:
        return self._owned.get(account.name, {}).values()

    def _told(self, tickets: Iterable[Ticket], symbol: str, at_ns: int) -> Iterable[OrderReport]:
        for ticket in tickets:
            if symbol in ("", ticket.symbol):
                report = self._seen(ticket, at_ns)
                if report is not None:
                    yield report

    def _seen(self, ticket: Ticket, at_ns: int) -> OrderReport | None:
        return ticket.report_at(at_ns) if ticket.hidden_until_ns <= at_ns else None

    def _is_forgotten(self, report: OrderReport, at_ns: int) -> bool:
        """Some venues keep what was cancelled without a fill for a while only."""
        keeps_ns = self._habits.forgets_ms * MS_NS
        is_empty = report.status is Status.CANCELLED and not report.filled
        return bool(keeps_ns) and is_empty and at_ns - report.venue_ns > keeps_ns

    def _forget(self) -> None:
        """The oldest that has ended, or the oldest of all."""
        id = next((id for id, (_, ticket) in self._tickets.items() if ticket.is_over), next(iter(self._tickets)))
        account, ticket = self._tickets.pop(id)
        del self._owned[account.name][id]
        self._named[account.name, ticket.client_id].remove(ticket)
        if not self._named[account.name, ticket.client_id]:
            del self._named[account.name, ticket.client_id]

    def __repr__(self) -> str:
        return f"<Records of {len(self._tickets)} orders>"


def paged(rows: Sequence[T], ids: Sequence[str], page: str, limit: int, newest: bool) -> tuple[T, ...]:
    """Oldest first: from the id `page` on, or, filled from the end backwards, those before it. A page that is no id of
    theirs cuts nothing; a limit of 0 is none."""
    begin, end = 0, len(rows)
    if page:
        cut = _place(page, ids)
        begin, end = (begin, cut) if newest and cut >= 0 else (max(0, cut), end)
    found = rows[begin:end]
    if not limit or len(found) <= limit:
        return tuple(found)
    return tuple(found[-limit:] if newest else found[:limit])


def _place(page: str, ids: Sequence[str]) -> int:
    """Where the id is or would be; -1 when it can be no id among these."""
    if page in ids:
        return ids.index(page)
    if not page.isdigit() or not all(id.isdigit() for id in ids):
        return -1
    return sum(int(id) < int(page) for id in ids)


def _between(ns: int, start_ns: int, end_ns: int) -> bool:
    return start_ns <= ns and (not end_ns or ns < end_ns)
