"""The ledger of truth: all that a simulated venue received, accepted, refused, filled, ended and moved, as it happened.

    mouth.truth.attempts("fl1")     how often a request with this client id arrived
    mouth.truth.accepted("fl1")     the orders that came of them
    mouth.truth.fills(order_id)     each execution once
    mouth.truth.moved(account, asset)

Whoever checks counts from this, and never from what was told: mishaps spoil what is told, and not this. It is only
written to by the engine, and forgets its oldest rows beyond ROWS_MOST of a kind."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec import Struct

from fairlead.model.numbers import EXACT
from fairlead.model.orders import Fill, Status
from fairlead.sim.purse import ZERO
from fairlead.wire.asks import Op
from fairlead.wire.faults import Kind

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


class Truth:
    def __init__(self) -> None:
        self.received: deque[Received] = deque(maxlen=ROWS_MOST)
        self.orders: deque[Accepted] = deque(maxlen=ROWS_MOST)
        self.refused: deque[Refused] = deque(maxlen=ROWS_MOST)
        self.executions: deque[tuple[str, Fill]] = deque(maxlen=ROWS_MOST)  # with the account's name
        self.ended: deque[Ended] = deque(maxlen=ROWS_MOST)
        self.moves: deque[Moved] = deque(maxlen=ROWS_MOST)
        self._attempts: dict[tuple[Op, str], int] = {}

    def receive(self, ns: int, key_id: str, op: Op, symbol: str, client_id: str, order_id: str, how: str) -> None:
        attempt = self._attempts[op, client_id] = self._attempts.pop((op, client_id), 0) + 1
        if len(self._attempts) > ROWS_MOST:
            del self._attempts[next(iter(self._attempts))]
        self.received.append(Received(ns, key_id, op, symbol, client_id, order_id, attempt, how))

    def attempts(self, client_id: str, op: Op = Op.PLACE) -> int:
        return self._attempts.get((op, client_id), 0)

    def accepted(self, client_id: str) -> list[Accepted]:
        return [one for one in self.orders if one.client_id == client_id]

    def fills(self, order_id: str) -> list[Fill]:
        return [fill for _, fill in self.executions if fill.order_id == order_id]

    def end_of(self, order_id: str) -> Ended | None:
        return next((one for one in self.ended if one.order_id == order_id), None)

    def moved(self, account: str, asset: str) -> Decimal:
        """The sum of all that came to it or left it."""
        total = ZERO
        for one in self._moves_of(account, asset):
            total = EXACT.add(total, one.amount)
        return total

    def told(self) -> dict[str, Any]:
        """All of it, as rows."""
        kinds = ("received", "orders", "refused", "executions", "ended", "moves")
        return {kind: list(getattr(self, kind)) for kind in kinds}

    def _moves_of(self, account: str, asset: str) -> Iterator[Moved]:
        return (one for one in self.moves if one.account == account and one.asset == asset)

    def __repr__(self) -> str:
        return f"<Truth: {len(self.received)} received, {len(self.orders)} accepted, {len(self.executions)} executions>"
