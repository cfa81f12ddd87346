"""One look for one order: what is asked, and what the answers say together; it draws no conclusion from them."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.core.budget import Priority
from fairlead.core.doubt import Sighting
from fairlead.core.facts import AnyFact
from fairlead.core.track import Track
from fairlead.engine.bench import Bench
from fairlead.engine.sheets import Sheet, Sheets
from fairlead.engine.timing import MS
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.orders import AskFills, AskOrder

BEFORE_MS = 60_000  # histories are read from so long before the order was sent: clocks differ, and cost is the same
FOREIGN_MOST = 10_000  # orders of others that are remembered, so that they are asked for once


class Spyglass:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._sheets = Sheets(bench)
        self._foreign: dict[tuple[str, str], None] = {}  # (symbol, order id) of orders known to be another's

    async def look(self, track: Track, *, wide: bool, settled_ms: int = 0) -> tuple[Sighting, list[AnyFact]]:
        """What the venue says now, and what of it is to be written down. A wide look reads all that could show it, and
        what had settled at `settled_ms`."""
        bench, order = self._bench, track.order
        began_ms = bench.now_ms
        by_name = Op.ORDER in bench.venue.endpoints and bool("order by client id" in bench.venue.can or order.order_id)
        report, complete, fills = None, True, tuple[Fill, ...]()
        if by_name:
            report, complete = await self._itself(track)
        elif not wide:
            report, complete = await self._open(track)
        if wide and report is None:
            report, fills, whole = await self._all(track, settled_ms)
            complete = complete and whole
        told: list[AnyFact] = bench.report_facts(track, report, "a look") if report is not None else []
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
        await self._settle(report)
        return report

    def is_foreign(self, symbol: str, order_id: str) -> bool:
        return (symbol, order_id) in self._foreign

    def _note_foreign(self, symbol: str, order_id: str) -> None:
        self._foreign[(symbol, order_id)] = None
        while len(self._foreign) > FOREIGN_MOST:
            del self._foreign[next(iter(self._foreign))]

    # ---- what is asked

    async def _itself(self, track: Track) -> tuple[OrderReport | None, bool]:
        """By our name or the venue's."""
        order, bench = track.order, self._bench
        name = order.client_id if "order by client id" in bench.venue.can else ""
        asked = AskOrder(symbol=order.symbol, client_id=name, order_id=order.order_id)
        found = await bench.once(Op.ORDER, asked, Priority.RECOVER)
        if isinstance(found, Fault):
            return None, found.kind is Kind.NOT_FOUND and found.fate is Fate.REFUSED
        return (found, True) if _is_it(found, track) else (None, False)

    async def _open(self, track: Track) -> tuple[OrderReport | None, bool]:
        """Among the open ones, where the venue finds none by our name."""
        shown = await self._sheets.open(track.order.symbol)
        return _among(shown or (), track), shown is not None

    async def _all(self, track: Track, settled_ms: int) -> tuple[OrderReport | None, tuple[Fill, ...], bool]:
        """What all lists say of it; whole, if each fill that is not its own belongs to an order known to be another."""
        sheet = await self._sheets.read(track.order.symbol, _since_ns(track), settled_ms)
        report = _among(sheet.open or (), track) or _among(sheet.past or (), track)
        mine, named = await self._own(track, sheet)
        return report, mine, sheet.is_whole and named

    async def _own(self, track: Track, sheet: Sheet) -> tuple[tuple[Fill, ...], bool]:
        listed = {one.order_id: one for one in (*(sheet.open or ()), *(sheet.past or ()))}
        mine: list[Fill] = []
        for fill in sheet.fills or ():
            known = self._bench.account.of(fill)
            if known is track or fill.client_id == track.order.client_id:
                mine.append(fill)
            elif known is None and not fill.client_id and not self.is_foreign(fill.symbol, fill.order_id):
                report = listed.get(fill.order_id) or await self.name(fill.symbol, fill.order_id)
                if report is None:
                    return tuple(mine), False
                if report.client_id == track.order.client_id:
                    mine.append(fill)
                else:
                    await self._settle(report)
        return tuple(mine), True

    async def _settle(self, report: OrderReport) -> None:
        """An order of ours that was found while another was looked for, or one of another hand."""
        other = self._bench.account.of(report)
        if other is None:
            self._note_foreign(report.symbol, report.order_id)
        else:
            await self._bench.scribe.keep(*self._bench.report_facts(other, report, "a look"))


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
