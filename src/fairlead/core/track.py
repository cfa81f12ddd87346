"""One order's track: the fold of its facts into an Order, in whatever order they come and however often; no opinion.

Fills are counted by their name (symbol, order, execution), so that each is counted once. What a report says of price
and quantity holds until a later one says otherwise; an older one takes nothing back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from fairlead.core import facts, life
from fairlead.core.life import Told
from fairlead.model.numbers import EXACT
from fairlead.model.order import Life, Order
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.faults import Fate, Kind
from fairlead.wire.orders import AskAmend

FillName = tuple[str, str, str]
ZERO = Decimal(0)


class Turn(Struct, frozen=True):
    """What a fact changed: the order before (None: it is new) and after, and what should surprise somebody."""

    was: Order | None
    now: Order
    surprise: str = ""  # "", late, twin, backwards
    fills: tuple[Fill, ...] = ()  # counted for the first time, or (with a negative quantity) not any more


class Track:
    def __init__(self, intended: facts.Intended, seq: int) -> None:
        asked = intended.asked
        self.intended = intended
        self.fills: dict[FillName, Fill] = {}
        self.voided: set[FillName] = set()  # told, and taken back
        self._twin_fills: set[FillName] = set()
        self.twins: dict[str, OrderReport | None] = {}  # other orders of the venue under the same name, by their id
        self.sent_ns = 0  # the first attempt: nothing of this order can be older
        self.changed_ns = 0  # the last cancel or amendment that was sent
        self.shown_ns = 0  # the venue's time of the newest report
        self.is_counted = False  # a report said how much was filled
        self.is_claimed = False  # the venue said that it has an order of this name: sent again it could be doubled
        self.end_shown = False  # the venue itself has shown its end
        self.amend: AskAmend | None = None  # sent, and not shown done yet
        self._counted: list[Fill] = []  # by the fact that is being taken
        self.order = Order(
            venue=intended.venue,
            account=intended.account,
            client_id=asked.client_id,
            symbol=asked.symbol,
            side=asked.side,
            type=asked.type,
            life=Life.INTENT,
            qty=asked.qty,
            quote_qty=asked.quote_qty,
            price=asked.price,
            trigger=asked.trigger,
            tif=asked.tif,
            post_only=asked.post_only,
            reduce_only=asked.reduce_only,
            pos_side=asked.pos_side,
            margin=asked.margin,
            created_ns=intended.at_ns,
            updated_ns=intended.at_ns,
            seq=seq,
        )

    @property
    def missing(self) -> Decimal:
        """How much the venue says was filled that no fill has shown us yet."""
        return max(ZERO, self.order.venue_filled - self.order.filled)

    @property
    def surplus(self) -> Decimal:
        """How much our fills are more than the venue's own count: for a moment natural, later not."""
        return max(ZERO, self.order.filled - self.order.venue_filled) if self.is_counted else ZERO

    def is_news(self, fill: Fill) -> bool:
        """Whether it was not counted yet, or says now what it left open (what was paid for it)."""
        known = self.fills.get(name_of(fill))
        if name_of(fill) in self.voided | self._twin_fills:
            return False
        return known is None or (known.fee is None and fill.fee is not None)

    def is_new(self, report: OrderReport) -> bool:
        """Whether it says of the order what we do not know yet; a venue repeats itself each time it is asked."""
        if self._is_twin(report.order_id):
            known = self.twins.get(report.order_id)
            return known is None or (report.status, report.filled) != (known.status, known.filled)
        trial = copy(self)
        surprise = trial._report(report)
        return bool(surprise) or (trial.order, trial.amend, trial.end_shown, trial.is_counted) != (
            *(self.order, self.amend, self.end_shown, self.is_counted),
        )

    def note(self, report: OrderReport) -> None:
        """It was no news, and yet what is older than it is old from now on."""
        if not self._is_twin(report.order_id) and not self._is_old(report):
            self.shown_ns = max(self.shown_ns, report.venue_ns)

    def take(self, fact: facts.AnyFact, seq: int) -> Turn:
        was, surprise = self.order, ""
        self._counted = []
        match fact:
            case facts.Sending():
                self.sent_ns = self.sent_ns or fact.at_ns
                self._step(Told.SENT)
                self._set(attempt=max(was.attempt, fact.attempt), until_ms=fact.until_ms)
            case facts.Unsent():
                self._step(Told.UNSENT, fact.why)
            case facts.Taken():
                surprise = self._taken(fact)
            case facts.Declined():
                self._step(Told.DECLINED, fact.fault.said or fact.fault.kind)
            case facts.Unsure():
                self._step(Told.UNSURE)
                self.is_claimed |= fact.fault is not None and fact.fault.kind is Kind.DUPLICATE
            case facts.Absent():
                self._step(Told.ABSENT, fact.evidence)
                self._set(cancelling=False, amending=False)
            case facts.Reported():
                surprise = self._report(fact.report)
            case facts.Traded():
                surprise = self._trade(fact.fill)
            case facts.Voided():
                self._void(fact.fill)
            case facts.CancelSent():
                self.changed_ns = fact.at_ns
                self._set(cancelling=not was.life.is_over)
            case facts.AmendSent():
                self.amend, self.changed_ns = fact.asked, fact.at_ns
                self._set(amending=not was.life.is_over)
            case facts.ChangeAnswered():
                self._answered(fact)
            case _:
                raise TypeError(f"{type(fact).__name__} is no fact of one order")
        if self.order != was:
            self._set(updated_ns=fact.at_ns, seq=seq)
        return Turn(was, self.order, surprise, tuple(self._counted))

    # ---- what was told

    def _taken(self, fact: facts.Taken) -> str:
        receipt = fact.receipt
        surprise = self._step(Told.TAKEN)
        if receipt.order_id and not self.order.order_id:
            self._set(order_id=receipt.order_id)
        for fill in receipt.fills:
            surprise = self._trade(fill) or surprise
        return (self._report(receipt.report) if receipt.report is not None else "") or surprise

    def _report(self, report: OrderReport) -> str:
        if self._is_twin(report.order_id):
            self.twins[report.order_id] = report
            return "twin"
        told, old = life.shown(report), self._is_old(report)
        filled = report.filled if report.filled is not None else self.order.venue_filled
        backwards = filled < self.order.venue_filled and report.venue_ns > self.shown_ns > 0
        surprise = "" if old and not report.status.is_final else self._step(told, report.reason)
        self.is_counted = self.is_counted or report.filled is not None
        self._set(order_id=self.order.order_id or report.order_id, venue_filled=max(filled, self.order.venue_filled))
        if not old:
            self._show(report)
        if report.status.is_final:
            self.end_shown, self.amend = True, None
            self._set(cancelling=False, amending=False)
        return surprise or ("backwards" if backwards else "")

    def _show(self, report: OrderReport) -> None:
        """It is the newest: price, trigger and quantity are what it says."""
        self.shown_ns = max(self.shown_ns, report.venue_ns or report.seen_ns)
        said = {name: getattr(report, name) for name in ("price", "trigger", "qty")}
        if self.order.quote_qty is not None:
            del said["qty"]  # what the venue makes of an amount of quote is no quantity that was asked for
        self._set(**{name: value for name, value in said.items() if value is not None})
        if self.amend is not None and _agrees(self.order, self.amend):
            self.amend = None
            self._set(amending=False)

    def _trade(self, fill: Fill) -> str:
        if self._is_twin(fill.order_id):
            self.twins.setdefault(fill.order_id, None)
            if self.is_news(fill):
                self._twin_fills.add(name_of(fill))
                self._counted.append(fill)
            return "twin"
        if not self.is_news(fill):
            return ""
        surprise = self._step(Told.TRADED)
        is_first = name_of(fill) not in self.fills
        self.fills[name_of(fill)] = fill
        self._set(order_id=self.order.order_id or fill.order_id)
        if is_first:
            self._counted.append(fill)
            self._add(fill)
        else:
            self._sum()
        return surprise

    def _void(self, fill: Fill) -> None:
        if self.fills.pop(name_of(fill), None) is not None:
            self.voided.add(name_of(fill))
            self._counted.append(msgspec.structs.replace(fill, qty=-fill.qty))
            self._sum()

    def _add(self, fill: Fill) -> None:
        """One more; an order that sweeps a book has thousands, and all of them cannot be summed for each."""
        order, fees = self.order, dict(self.order.fees)
        if fill.fee is not None:
            fees[fill.fee_asset] = EXACT.add(fees.get(fill.fee_asset, ZERO), fill.fee)
        cost = EXACT.add(order.cost, EXACT.multiply(fill.price, fill.qty))
        self._set(filled=EXACT.add(order.filled, fill.qty), cost=cost, fees=tuple(sorted(fees.items())))

    def _sum(self) -> None:
        filled, cost, fees = sums(self.fills.values())
        self._set(filled=filled, cost=cost, fees=fees)

    def _answered(self, fact: facts.ChangeAnswered) -> None:
        """A yes was no deed yet, and "there is no such order" no cancel: only a report says what became of it."""
        fault = fact.fault
        if fault is None or fault.fate is not Fate.REFUSED or fault.kind is Kind.NOT_FOUND:
            return
        if fact.what == "amend":
            self.amend = None
            self._set(amending=False)
        else:
            self._set(cancelling=False)

    # ---- inside

    def _step(self, told: Told, reason: str = "") -> str:
        was = self.order.life
        now = life.step(was, told, end_shown=self.end_shown)
        if now is was:
            return ""
        revived = life.is_revival(was, told)
        self._set(life=now, late=self.order.late or revived, reason=reason if now.is_over else "")
        return "late" if revived else ""

    def _set(self, **values: Any) -> None:
        self.order = msgspec.structs.replace(self.order, **values)

    def _is_twin(self, order_id: str) -> bool:
        return bool(order_id and self.order.order_id and order_id != self.order.order_id)

    def _is_past(self, report: OrderReport) -> bool:
        return 0 < report.venue_ns < self.shown_ns

    def _is_old(self, report: OrderReport) -> bool:
        """Told of a moment before what we know already: by the venue's time, or because less was filled then."""
        less = report.filled is not None and report.filled < self.order.venue_filled
        return less or self._is_past(report)

    def __repr__(self) -> str:
        return f"<Track {self.order.client_id} {self.order.life}, {len(self.fills)} fills, {self.missing} missing>"


def name_of(fill: Fill) -> FillName:
    return (fill.symbol, fill.order_id, fill.id)


def sums(fills: Iterable[Fill]) -> tuple[Decimal, Decimal, tuple[tuple[str, Decimal], ...]]:
    """Quantity, cost, and fees by asset, without a rounding."""
    filled = cost = ZERO
    fees: dict[str, Decimal] = {}
    for fill in fills:
        filled = EXACT.add(filled, fill.qty)
        cost = EXACT.add(cost, EXACT.multiply(fill.price, fill.qty))
        if fill.fee is not None:
            fees[fill.fee_asset] = EXACT.add(fees.get(fill.fee_asset, ZERO), fill.fee)
    return filled, cost, tuple(sorted(fees.items()))


def _agrees(order: Order, asked: AskAmend) -> bool:
    wanted: Mapping[str, Decimal | None] = {"qty": asked.qty, "price": asked.price, "trigger": asked.trigger}
    return all(value is None or getattr(order, name) == value for name, value in wanted.items())
