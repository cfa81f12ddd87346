"""One look for one order: what is asked, and what the answers say together; it draws no conclusion from them."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.core.budget import Priority
from fairlead.core.doubt import Sighting
from fairlead.core.facts import AnyFact
from fairlead.core.track import Track
from fairlead.engine.bench import Bench
from fairlead.engine.timing import MS
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.orders import AskFills, AskOpenOrders, AskOrder, AskOrders

BEFORE_MS = 60_000  # histories are read from so long before the order was sent: clocks differ, and cost is the same
FOREIGN_MOST = 10_000  # orders of others that are remembered, so that they are asked for once


class Spyglass:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._foreign: dict[tuple[str, str], None] = {}  # (symbol, order id) of orders known to be another's

    async def look(self, track: Track, *, wide: bool) -> tuple[Sighting, list[AnyFact]]:
        """What the venue says now, and what of it is to be written down. A wide look reads all that could show it."""
        bench, order = self._bench, track.order
        began_ms = bench.now_ms
        told: list[AnyFact] = []
        report, complete = await self._itself(track)
        fills: tuple[Fill, ...] = ()
        if wide and report is None:
            report, lists_whole = await self._lists(track)
            fills, fills_whole = await self._fills(track)
            complete = complete and lists_whole and fills_whole
        if report is not None:
            told += bench.report_facts(track, report, "a look")
        for fill in fills:
            told += bench.fill_facts(track, fill, "a look")
        said = f"{order.symbol}: the order, the open orders, the history and the fills since it was sent"
        return Sighting(
            began_ms=began_ms,
            ended_ms=bench.now_ms,
            wide=wide,
            complete=complete and not fills,
            report=report,
            said=said,
        ), told

    async def name(self, symbol: str, order_id: str) -> OrderReport | None:
        """The order behind a fill that nobody here knows; None: the venue did not say."""
        found = await self._bench.once(Op.ORDER, AskOrder(symbol=symbol, order_id=order_id), Priority.RECOVER)
        if isinstance(found, Fault):
            return None
        report: OrderReport = found
        if self._bench.account.of(report) is None:
            self._note_foreign(symbol, order_id)
        return report

    def is_foreign(self, symbol: str, order_id: str) -> bool:
        return (symbol, order_id) in self._foreign

    def _note_foreign(self, symbol: str, order_id: str) -> None:
        self._foreign[(symbol, order_id)] = None
        while len(self._foreign) > FOREIGN_MOST:
            del self._foreign[next(iter(self._foreign))]

    # ---- what is asked

    async def _itself(self, track: Track) -> tuple[OrderReport | None, bool]:
        """By our name or the venue's; where the venue finds none by ours, among the open ones that bear it."""
        order, bench = track.order, self._bench
        by_name = "order by client id" in bench.venue.can
        if Op.ORDER in bench.venue.endpoints and (by_name or order.order_id):
            asked = AskOrder(symbol=order.symbol, client_id=order.client_id if by_name else "", order_id=order.order_id)
            found = await bench.once(Op.ORDER, asked, Priority.RECOVER)
            if isinstance(found, Fault):
                return None, found.kind is Kind.NOT_FOUND and found.fate is Fate.REFUSED
            return (found, True) if _is_it(found, track) else (None, False)
        shown = await bench.all(
            Op.OPEN_ORDERS, AskOpenOrders(symbol=order.symbol, client_id=order.client_id), Priority.RECOVER
        )
        return _among(shown or (), track), shown is not None

    async def _lists(self, track: Track) -> tuple[OrderReport | None, bool]:
        order, bench = track.order, self._bench
        open_ = await bench.all(Op.OPEN_ORDERS, AskOpenOrders(symbol=order.symbol), Priority.RECOVER)
        since = AskOrders(symbol=order.symbol, start_ns=_since_ns(track), client_id=order.client_id)
        past = await bench.all(Op.ORDERS, since, Priority.RECOVER)
        found = _among(open_ or (), track) or _among(past or (), track)
        return found, open_ is not None and past is not None

    async def _fills(self, track: Track) -> tuple[tuple[Fill, ...], bool]:
        """Those of this order; whole, if each of the others belongs to an order that is known to be another."""
        order, bench = track.order, self._bench
        asked = AskFills(symbol=order.symbol, start_ns=_since_ns(track))
        fills: tuple[Fill, ...] | None = await bench.all(Op.FILLS, asked, Priority.RECOVER)
        if fills is None:
            return (), False
        mine: list[Fill] = []
        for fill in fills:
            known = bench.account.of(fill)
            if known is track or fill.client_id == order.client_id:
                mine.append(fill)
            elif known is None and not fill.client_id and not self.is_foreign(fill.symbol, fill.order_id):
                report = await self.name(fill.symbol, fill.order_id)
                if report is None:
                    return tuple(mine), False
                if report.client_id == order.client_id:
                    mine.append(fill)
        return tuple(mine), True


def _since_ns(track: Track) -> int:
    return (track.sent_ns or track.order.created_ns) - BEFORE_MS * MS


def _is_it(report: OrderReport, track: Track) -> bool:
    if report.client_id:
        return report.client_id == track.order.client_id
    return bool(report.order_id) and report.order_id == track.order.order_id


def _among(reports: Iterable[OrderReport], track: Track) -> OrderReport | None:
    return next((report for report in reports if _is_it(report, track)), None)


def gap_of(track: Track) -> AskFills:
    """The question for the fills of one order that the venue counts and we have not."""
    return AskFills(symbol=track.order.symbol, start_ns=_since_ns(track), order_id=track.order.order_id)
