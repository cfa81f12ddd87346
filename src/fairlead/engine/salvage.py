"""Orders that bear our name and that the journal lacks: an older one was restored, or its last lines never reached the
disk. They are taken over as they are; it cancels nothing, and sends nothing."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from fairlead.core import facts, ids
from fairlead.core.budget import Priority
from fairlead.core.facts import AnyFact
from fairlead.engine.bench import Bench
from fairlead.engine.timing import MS
from fairlead.model.orders import OrderReport
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskOrders, AskPlace

BEFORE_MS = 3_600_000  # histories are read from so long before the last line that we have


class Salvage:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def look_back(self, symbols: Iterable[str]) -> bool:
        """Reads what ended since the journal's last line; whether that could be read whole."""
        bench, whole = self._bench, True
        since_ns = (bench.last_ns or bench.now_ns) - BEFORE_MS * MS
        for symbol in sorted(symbols):
            asked = AskOrders(symbol=symbol, start_ns=since_ns)
            past: tuple[OrderReport, ...] | None = await bench.all(Op.ORDERS, asked, Priority.RECOVER)
            whole = whole and past is not None
            for report in past or ():
                if self.is_lost(report):
                    await self.adopt(report)
        return whole

    def is_lost(self, report: OrderReport) -> bool:
        bench = self._bench
        return ids.is_ours(report.client_id, bench.ids.installation) and bench.account.of(report) is None

    async def adopt(self, report: OrderReport) -> None:
        bench = self._bench
        if report.type is None or not report.side:
            bench.odd(report.client_id, report.symbol, "not in the journal", "it bears our name, and cannot be read")
            return
        asked = AskPlace(
            symbol=report.symbol,
            side=report.side,
            type=report.type,
            client_id=report.client_id,
            qty=report.qty,
            quote_qty=report.quote_qty if report.qty is None else None,
            price=report.price,
            trigger=report.trigger,
            pos_side=report.pos_side,
        )
        sent_ns = report.created_ns or report.venue_ns or bench.now_ns
        sending = bench.fact(facts.Sending, client_id=report.client_id, attempt=1, until_ms=0, by="an earlier process")
        told: list[AnyFact] = [
            bench.fact(facts.Intended, asked=asked),
            replace(sending, at_ns=sent_ns),  # its fills are looked for from then on
            bench.fact(facts.Reported, client_id=report.client_id, report=report, by="open orders"),
        ]
        bench.ids.last = max(bench.ids.last, ids.number_of(report.client_id))
        await bench.scribe.keep(*told)
        bench.odd(report.client_id, report.symbol, "not in the journal", "it bears our name, and was taken over")

    def __repr__(self) -> str:
        return f"<Salvage for {self._bench.ids.installation}>"
