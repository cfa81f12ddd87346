"""Orders for the tests of the heart: facts with few words, and a small truthful venue that tells one order's story."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fairlead.core import facts
from fairlead.core.account import Account
from fairlead.core.track import Track
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status
from fairlead.wire.faults import Fault
from fairlead.wire.orders import AskAmend, AskCancel, AskPlace

VENUE, KEY, BTC = "stage", "key", "BTC/USDT"
MS = 1_000_000
START_NS = 1_750_000_000_000 * MS
NAME = "flab12000000000001"
NUMBER = Decimal  # shorter in tables


def at(ms: int) -> int:
    return START_NS + ms * MS


def ask(name: str = NAME, **more: Any) -> AskPlace:
    usual: dict[str, Any] = {"symbol": BTC, "side": "buy", "type": OrderType.LIMIT, "client_id": name}
    return AskPlace(**{**usual, "qty": Decimal(10), "price": Decimal(100), **more})


class Scribe:
    """Writes facts into an account, as a journal would."""

    def __init__(self, name: str = NAME) -> None:
        self.account, self.name, self.seq = Account(VENUE, KEY), name, 0

    def fact(self, kind: type[facts.Fact], ms: int = 0, **more: Any) -> Any:
        return kind(venue=VENUE, account=KEY, at_ns=at(ms), **more)

    def write(self, kind: type[facts.Fact], ms: int = 0, **more: Any) -> Any:
        self.seq += 1
        line = facts.written(self.fact(kind, ms, **more))
        return self.account.take(facts.read(line), self.seq)

    def intend(self, ms: int = 0, *, key: str = "", **more: Any) -> Scribe:
        self.write(facts.Intended, ms, asked=ask(self.name, **more), key=key)
        return self

    def send(self, ms: int = 0, attempt: int = 1, until_ms: int = at(5_000) // MS) -> Scribe:
        self.write(facts.Sending, ms, client_id=self.name, attempt=attempt, until_ms=until_ms)
        return self

    def report(self, one: OrderReport, ms: int = 0, by: str = "stream") -> Any:
        return self.write(facts.Reported, ms, client_id=self.name, report=one, by=by)

    def fill(self, one: Fill, ms: int = 0) -> Any:
        return self.write(facts.Traded, ms, client_id=self.name, fill=one, by="stream")

    def say(self, kind: type[facts.Fact], ms: int = 0, **more: Any) -> Any:
        return self.write(kind, ms, client_id=self.name, **more)

    @property
    def track(self) -> Track:
        return self.account.tracks[self.name]


def report(status: Status, filled: str = "0", ms: int = 1, **more: Any) -> OrderReport:
    usual: dict[str, Any] = {"venue": VENUE, "symbol": BTC, "order_id": "7", "client_id": NAME, "status": status}
    return OrderReport(**{**usual, "filled": Decimal(filled), "venue_ns": at(ms), **more})


def fill(number: int | str, qty: str, ms: int = 1, **more: Any) -> Fill:
    usual: dict[str, Any] = {"venue": VENUE, "symbol": BTC, "order_id": "7", "id": str(number), "side": "buy"}
    usual |= {"price": Decimal(100), "qty": Decimal(qty), "fee": Decimal("0.1"), "fee_asset": "USDT"}
    return Fill(**{**usual, "venue_ns": at(ms), "client_id": NAME, **more})


class Truth:
    """A venue that has the order and tells the truth, one millisecond a step: what it said, and how it stands."""

    def __init__(self) -> None:
        self.ms = 1
        self.now = report(Status.OPEN, qty=Decimal(10), price=Decimal(100))
        self.told: list[tuple[type[facts.Fact], dict[str, Any]]] = []
        self.fills: list[Fill] = []
        self._tell()

    def trade(self, qty: int) -> None:
        left = int((self.now.qty or 0) - (self.now.filled or 0))
        qty = min(qty, left)
        if self.over or qty <= 0:
            return
        self.ms += 1
        done = (self.now.filled or Decimal(0)) + qty
        self.fills.append(fill(len(self.fills), str(qty), self.ms))
        self.told.append((facts.Traded, {"fill": self.fills[-1], "by": "stream"}))
        status = Status.FILLED if done == self.now.qty else Status.PARTIAL
        self.now = replace(self.now, status=status, filled=done)
        self._tell()

    def amend(self, qty: int, price: int) -> None:
        if self.over or qty <= (self.now.filled or 0):
            return
        self.now = replace(self.now, qty=Decimal(qty), price=Decimal(price))
        self.ms += 1
        self._tell()

    def end(self, status: Status) -> None:
        if not self.over and not (status is Status.REJECTED and self.fills):
            self.ms += 1
            self.now = replace(self.now, status=status, reason="so it was")
            self._tell()

    @property
    def over(self) -> bool:
        return self.now.status.is_final

    def _tell(self) -> None:
        self.now = replace(self.now, venue_ns=at(self.ms))
        self.told.append((facts.Reported, {"report": self.now, "by": "stream"}))


TAKEN: tuple[type[facts.Fact], dict[str, Any]] = (facts.Taken, {"receipt": Receipt(order_id="7", client_id=NAME)})
UNSURE: tuple[type[facts.Fact], dict[str, Any]] = (facts.Unsure, {"why": "the connection broke"})
CANCEL = AskCancel(symbol=BTC, client_id=NAME)


def amend(**more: Any) -> AskAmend:
    return AskAmend(symbol=BTC, client_id=NAME, **more)


def declined(fault: Fault) -> tuple[type[facts.Fact], dict[str, Any]]:
    return facts.Declined, {"fault": fault}
