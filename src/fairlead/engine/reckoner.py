"""Holds the venue against our books: at the start, after each new hearing, in quiet times, and when asked to.

What the venue shows is taken over once; what it does not show is asked for; what does not agree freezes its symbol
until a reading agrees. Run again, or cut short anywhere, it comes to the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from msgspec.structs import replace

from fairlead.core import facts, reconcile
from fairlead.core.budget import Priority
from fairlead.core.facts import AnyFact
from fairlead.core.reconcile import Findings, Quarrel, Shown
from fairlead.core.track import Track
from fairlead.engine.bench import Bench
from fairlead.engine.funds import Funds
from fairlead.engine.prober import Prober
from fairlead.engine.salvage import Salvage
from fairlead.engine.spyglass import gap_of
from fairlead.engine.timing import MS
from fairlead.io import failpoint
from fairlead.model import events
from fairlead.model.orders import Fill, OrderReport
from fairlead.model.symbols import parse
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskFills, AskOpenOrders

EVERY_MS = 30_000  # the quiet period
LEAST_MS = 3_000  # between two readings, however often they are wanted
SOON_MS = 5_000  # after a reading that was not whole, or while something is frozen
BEFORE_MS = 60_000  # fills are read from so long before the last whole reading
BACK_MS = 86_400_000  # at the start: symbols that were touched within this before the process ended
TOLD_MOST = 10_000  # foreign orders and fills that are told once


class Reckoner:
    def __init__(self, bench: Bench, prober: Prober, funds: Funds) -> None:
        self._bench, self._prober, self._funds, self._salvage = bench, prober, funds, Salvage(bench)
        self._wanted = asyncio.Event()
        self._why = "the start"
        self._since_ns: dict[str, int] = {}  # by symbol: fills before this were read
        self._told: dict[tuple[str, str], None] = {}
        self._running = asyncio.Lock()
        self._due_ms = 0
        self.whole = False  # the last reading was
        self.looks_back = False  # the journal may lack lines: what ended meanwhile is looked through too

    # ---- when

    async def run(self) -> None:
        """Lives as long as the account is open."""
        while True:
            await self._bench.time.clock.sleep(LEAST_MS / 1000)
            wait_ms = max(0, self._due_ms - self._bench.time.clock.mono_ns() // MS)
            try:
                async with asyncio.timeout(wait_ms / 1000):
                    await self._wanted.wait()
            except TimeoutError:
                self._why = "a quiet period"
            await self.tried(self._why)

    async def tried(self, why: str) -> bool:
        """As `reckon`, whatever happens: an error of ours is told, and must not end the reckoning for ever."""
        try:
            return await self.reckon(why)
        except Exception as blunder:  # noqa: BLE001 - as the words above say
            self._bench.around.blame(repr(self), blunder)
            self._due_ms = self._bench.time.clock.mono_ns() // MS + SOON_MS
            return False

    def want(self, why: str) -> None:
        """As soon as it can be, once for all who want it."""
        self._why = why
        self._wanted.set()

    async def reckon(self, why: str) -> bool:
        """Whether the venue could be read whole."""
        async with self._running:
            self._wanted.clear()
            began_ns = self._bench.time.clock.mono_ns()
            self.whole = await self._reckon(why, began_ns)
            wait_ms = EVERY_MS if self.whole and not self._bench.account.frozen else SOON_MS
            self._due_ms = self._bench.time.clock.mono_ns() // MS + wait_ms
            return self.whole

    # ---- what

    async def _reckon(self, why: str, began_ns: int) -> bool:
        bench = self._bench
        shown = bench.shown()
        funds = await self._funds.read()
        shown, whole = await self._read(shown)
        found = reconcile.compare(bench.account, shown)
        if self.looks_back:
            whole = await self._salvage.look_back(self._symbols() | {one.symbol for one in shown.open or ()}) and whole
            self.looks_back = not whole
        news, strangers = await self._take_over(found)
        failpoint.reached("reconcile.middle")
        asked = await self._ask(found, shown)
        gaps = await self._even_out(shown)
        self._show(found.foreign, strangers)
        quarrels = [*reconcile.quarrels(bench.account, shown), *self._funds.reckon(funds, shown)]
        self._freeze(quarrels)
        if not (whole and funds.whole):
            bench.tell(events.Unreconciled, why="not everything could be read to its end")
            return False
        await self._thaw(quarrels, shown)
        bench.tell(
            events.Reconciled,
            why=why,
            reports=news,
            fills=len(found.fills) + gaps,
            asked=asked,
            quarrels=len(quarrels),
            took_ms=(bench.time.clock.mono_ns() - began_ns) / MS,
        )
        return True

    async def _read(self, shown: Shown) -> tuple[Shown, bool]:
        """Open orders of all symbols, and fills of those that could have some."""
        bench = self._bench
        symbols = self._symbols()
        bench.touched.clear()
        open_ = await bench.all(Op.OPEN_ORDERS, AskOpenOrders(), Priority.ACCOUNT)
        fills: list[Fill] = []
        whole = open_ is not None
        for symbol in sorted(symbols):
            asked = AskFills(symbol=symbol, start_ns=self._since(symbol))
            found = await bench.all(Op.FILLS, asked, Priority.ACCOUNT)
            if found is None:
                whole = False
                bench.touched.add(symbol)
            else:
                fills += found
                self._since_ns[symbol] = shown.began_ns - (shown.lag_ms + BEFORE_MS) * MS
        return replace(shown, open=open_, fills=tuple(fills)), whole

    def _symbols(self) -> set[str]:
        """Where fills may have come that no report counts. What an open order was filled, its report says: where that
        is more than we know, its own fills are read."""
        account, bench = self._bench.account, self._bench
        found = bench.touched | (set(account.frozen) - {""})
        found |= {one.symbol for one in bench.stance.positions("") if parse(one.symbol).kind != "spot"}
        if not self._since_ns:
            since_ns = bench.last_ns - BACK_MS * MS
            found |= {one.order.symbol for one in account.tracks.values() if one.order.updated_ns > since_ns}
            found |= {one.order.symbol for one in account.running()}
        catalog = bench.around.ctx.catalog
        return {symbol for symbol in found if symbol in catalog}

    def _since(self, symbol: str) -> int:
        known = self._since_ns.get(symbol)
        if known is not None:
            return known
        running = (one.order.created_ns for one in self._bench.account.running() if one.order.symbol == symbol)
        return min([*running, self._bench.last_ns or self._bench.now_ns]) - BEFORE_MS * MS

    async def _take_over(self, found: Findings) -> tuple[int, tuple[Fill, ...]]:
        """Writes down what is ours; how many reports were news, and the fills of orders that nobody here knows."""
        bench = self._bench
        for report in found.foreign:
            if self._salvage.is_lost(report):
                await self._salvage.adopt(report)
        told: list[AnyFact] = []
        for name, report in found.reports:
            told += bench.report_facts(bench.account.tracks[name], report, "open orders")
        news = len(told)
        for name, fill in found.fills:
            told += bench.fill_facts(bench.account.tracks[name], fill, "fills")
        await bench.scribe.keep(*told)  # all in one commit
        left = []
        for fill in found.strangers:
            track = await self._name(fill)
            if track is not None:
                await bench.scribe.keep(*bench.fill_facts(track, fill, "fills"))
            else:
                left.append(fill)
        return news, tuple(left)

    async def _name(self, fill: Fill) -> Track | None:
        """Whose fill it is, where the venue tells only its own id, and ours is not known yet."""
        bench, glass = self._bench, self._prober.glass
        known = bench.account.of(fill)
        if known is not None or fill.client_id or glass.is_foreign(fill.symbol, fill.order_id):
            return known
        report = await glass.name(fill.symbol, fill.order_id)
        track = bench.account.of(report) if report is not None else None
        if track is not None and report is not None:
            await bench.scribe.keep(*bench.report_facts(track, report, "order"))
        return track

    async def _ask(self, found: Findings, shown: Shown) -> int:
        """Each order of ours that should be open, and is not among the open ones."""
        bench = self._bench
        for name in found.asks:
            track = bench.account.tracks[name]
            if track.order.life.is_in_doubt:
                continue
            sighting, told = await self._prober.glass.look(track, wide=False)
            await bench.scribe.keep(*told)
            is_gone = sighting.complete and sighting.report is None and not track.order.life.is_over
            if is_gone and reconcile.is_settled(track, shown):
                self._prober.vanished(track, "it is open with us, and the venue does not show it")
        return len(found.asks)

    async def _even_out(self, shown: Shown) -> int:
        """Orders whose fills do not add up to what the venue counted: theirs are read from the beginning."""
        bench, count = self._bench, 0
        for track in [one for one in bench.account.running() if one.missing or one.surplus]:
            if not track.order.order_id:
                continue
            is_settled = reconcile.is_settled(track, shown)
            fills = await bench.all(Op.FILLS, gap_of(track), Priority.RECOVER)
            own = [fill for fill in fills or () if bench.account.of(fill) is track]
            for fill in own:
                told = bench.fill_facts(track, fill, "fills")
                count += len(told)
                await bench.scribe.keep(*told)
            if fills is not None and track.surplus and is_settled:
                for fill in reconcile.taken_back(track, own):
                    evidence = f"the venue lists {len(own)} fills of {track.order.order_id}, and this is none of them"
                    void = bench.fact(facts.Voided, client_id=track.order.client_id, fill=fill, evidence=evidence)
                    await bench.scribe.keep(void)
        return count

    # ---- what follows

    def _freeze(self, quarrels: Iterable[Quarrel]) -> None:
        for quarrel in quarrels:
            self._bench.freeze(quarrel.symbol, quarrel.why)

    async def _thaw(self, quarrels: Iterable[Quarrel], shown: Shown) -> None:
        """Where a reading that began after the freeze agrees; of the whole account, when nothing is in doubt either."""
        bench = self._bench
        disputed = {quarrel.symbol for quarrel in quarrels}
        uneven = {one.order.symbol for one in bench.account.running() if one.missing or one.surplus}
        for symbol in list(bench.account.frozen):
            if bench.frozen_ns.get(symbol, 0) + shown.lag_ms * MS > shown.began_ns:
                continue
            if symbol in disputed | uneven or (not symbol and (disputed or uneven or any(bench.account.doubtful()))):
                continue
            evidence = "open orders, fills and positions were read whole after it, and agree"
            await bench.scribe.keep(bench.fact(facts.Thawed, symbol=symbol, evidence=evidence))
            bench.tell(events.Agreed, symbol=symbol, evidence=evidence)

    def _show(self, orders: Iterable[OrderReport], fills: Iterable[Fill]) -> None:
        bench = self._bench
        named = [("order", one.symbol, one.order_id, one) for one in orders if bench.account.of(one) is None]
        for what, symbol, name, one in named:
            ours = reconcile.of_another(one, bench.account.installation)
            self._show_once(what, symbol, name, ours)
        for fill in fills:
            if self._show_once("fill", fill.symbol, f"{fill.symbol}/{fill.order_id}/{fill.id}", ours=False):
                bench.stance.traded(fill, fill.venue_ns or bench.now_ns)

    def _show_once(self, what: str, symbol: str, name: str, ours: bool) -> bool:
        if (what, name) in self._told:
            return False
        self._told[(what, name)] = None
        while len(self._told) > TOLD_MOST:
            del self._told[next(iter(self._told))]
        self._bench.tell(events.Foreign, symbol=symbol, what=what, name=name, ours=ours)
        return True

    def __repr__(self) -> str:
        return f"<Reckoner {'whole' if self.whole else 'not whole'}, next because of {self._why!r}>"
