"""The ledger of truth: all that a simulated venue received, accepted, refused, filled, ended and moved, as it happened.

    mouth.truth.attempts("fl1")     how often a request with this client id arrived
    mouth.truth.accepted("fl1")     the orders that came of them
    mouth.truth.fills(order_id)     each execution once
    mouth.truth.moved(account, asset)

Whoever checks counts from this, and never from what was told: mishaps spoil what is told, and not this. It is only
written to by the engine, and forgets its oldest rows beyond ROWS_MOST of a kind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from decimal import Decimal
from typing import Any, Generic, TypeVar

from msgspec import Struct

from fairlead.model.numbers import EXACT
from fairlead.model.orders import Fill, Status
from fairlead.sim.purse import ZERO
from fairlead.wire.asks import Op
from fairlead.wire.faults import Kind

T = TypeVar("T")
ROWS_MOST = 1_000_000


class Received(Struct, frozen=True):
    """A request arrived that acts, or one item of a batch; what became of it is told by the rows below."""

    ns: int
    key_id: str
    op: Op
    symbol: str
    client_id: str
    order_id: str
    attempt: int  # the how-manyth of this operation for this client id, from 1
    how: str  # rest, socket, hand


class Accepted(Struct, frozen=True):
    ns: int
    account: str
    symbol: str
    order_id: str
    client_id: str
    until_ms: int  # its fence
    is_late: bool  # it was taken although the fence had passed
    how: str


class Refused(Struct, frozen=True):
    ns: int
    account: str
    op: Op
    client_id: str
    order_id: str
    kind: Kind
    said: str


class Ended(Struct, frozen=True):
    ns: int
    order_id: str
    client_id: str
    status: Status
    reason: str


class Moved(Struct, frozen=True):
    ns: int
    account: str
    asset: str
    amount: Decimal
    why: str  # trade, fee, realised, funding
    of: str  # the execution's id, or the symbol


class Rows(Generic[T]):
    """Rows in the order they were written, and by a key; the oldest go when there are ROWS_MOST."""

    def __init__(self, key: Callable[[T], Hashable]) -> None:
        self._key = key
        self._rows: deque[T] = deque()
        self._keyed: dict[Hashable, deque[T]] = {}

    def append(self, row: T) -> None:
        self._rows.append(row)
        self._keyed.setdefault(self._key(row), deque()).append(row)
        if len(self._rows) > ROWS_MOST:
            key = self._key(self._rows.popleft())
            self._keyed[key].popleft()
            if not self._keyed[key]:
                del self._keyed[key]

    def of(self, key: Hashable) -> list[T]:
        return list(self._keyed.get(key, ()))

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows)

    def __getitem__(self, index: int) -> T:
        return self._rows[index]

    def __repr__(self) -> str:
        return f"<{len(self._rows)} rows>"


class Truth:
    def __init__(self) -> None:
        self.received: Rows[Received] = Rows(lambda row: (row.op, row.client_id))
        self.orders: Rows[Accepted] = Rows(lambda row: row.client_id)
        self.refused: Rows[Refused] = Rows(lambda row: row.client_id)
        self.executions: Rows[tuple[str, Fill]] = Rows(lambda row: row[1].order_id)  # with the account's name
        self.ended: Rows[Ended] = Rows(lambda row: row.order_id)
        self.moves: Rows[Moved] = Rows(lambda row: (row.account, row.asset))

    def receive(self, ns: int, key_id: str, op: Op, symbol: str, client_id: str, order_id: str, how: str) -> None:
        attempt = self.attempts(client_id, op) + 1
        self.received.append(Received(ns, key_id, op, symbol, client_id, order_id, attempt, how))

    def attempts(self, client_id: str, op: Op = Op.PLACE) -> int:
        return len(self.received.of((op, client_id)))

    def accepted(self, client_id: str) -> list[Accepted]:
        return self.orders.of(client_id)

    def fills(self, order_id: str) -> list[Fill]:
        return [fill for _, fill in self.executions.of(order_id)]

    def end_of(self, order_id: str) -> Ended | None:
        return next(iter(self.ended.of(order_id)), None)

    def moved(self, account: str, asset: str) -> Decimal:
        """The sum of all that came to it or left it."""
        total = ZERO
        for one in self.moves.of((account, asset)):
            total = EXACT.add(total, one.amount)
        return total

    def told(self) -> dict[str, Any]:
        """All of it, as rows."""
        kinds = ("received", "orders", "refused", "executions", "ended", "moves")
        return {kind: list(getattr(self, kind)) for kind in kinds}

    def __repr__(self) -> str:
        return f"<Truth: {len(self.received)} received, {len(self.orders)} accepted, {len(self.executions)} executions>"
