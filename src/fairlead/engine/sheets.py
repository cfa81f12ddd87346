"""What a venue shows of one market, read whole: open orders, history, fills; one reading serves all who ask for it.

Several orders in doubt ask the same at the same time, and such readings are dear. Whoever asks gets a reading that
began after he asked."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from fairlead.core.budget import Priority
from fairlead.engine.bench import Bench
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskFills, AskOpenOrders, AskOrders

FRESH_MS = 2_000  # open orders read so lately serve another look; a proof asks anew
GATHER_MS = 20  # who asks within this time shares the reading


class Sheet(Struct, frozen=True):
    """None: that list was not read to its end."""

    open: tuple[OrderReport, ...] | None
    past: tuple[OrderReport, ...] | None
    fills: tuple[Fill, ...] | None

    @property
    def is_whole(self) -> bool:
        return self.open is not None and self.past is not None and self.fills is not None


class _Fills(Struct, frozen=True):
    began_ms: int
    since_ns: int
    fills: tuple[Fill, ...]


class _Wanted:
    """The next reading of a symbol, how far it must go back, and since when fills must have been read: they are the
    dearest, and once they cannot grow any more one reading of them is as good as two."""

    def __init__(self, since_ns: int, settled_ms: int) -> None:
        self.since_ns, self.settled_ms = since_ns, settled_ms
        self.done: asyncio.Future[Sheet] = asyncio.get_running_loop().create_future()


class Sheets:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._wanted: dict[str, _Wanted] = {}
        self._fills: dict[str, _Fills] = {}
        self._seen: dict[str, tuple[int, tuple[OrderReport, ...] | None]] = {}  # open orders, and when it was asked
        self._open: dict[str, asyncio.Future[tuple[OrderReport, ...] | None]] = {}
        self._reading: set[str] = set()

    async def open(self, symbol: str) -> tuple[OrderReport, ...] | None:
        """The open orders alone; who asks before the reading begins shares it."""
        seen_ms, seen = self._seen.get(symbol, (0, None))
        if seen is not None and self._bench.now_ms - seen_ms < FRESH_MS:
            return seen
        known = self._open.get(symbol)
        if known is not None:
            return await asyncio.shield(known)
        mine = self._open[symbol] = asyncio.get_running_loop().create_future()
        found = None
        try:
            await self._bench.time.clock.sleep(GATHER_MS / 1000)
        finally:
            del self._open[symbol]
        try:
            began_ms = self._bench.now_ms
            found = await self._bench.all(Op.OPEN_ORDERS, AskOpenOrders(symbol=symbol), Priority.RECOVER)
            self._seen[symbol] = began_ms, found
        finally:
            mine.set_result(found)
        return found

    async def read(self, symbol: str, since_ns: int, settled_ms: int) -> Sheet:
        """`settled_ms`: when what is asked about could no longer change at the venue."""
        wanted = self._wanted.setdefault(symbol, _Wanted(since_ns, settled_ms))
        wanted.since_ns, wanted.settled_ms = min(wanted.since_ns, since_ns), max(wanted.settled_ms, settled_ms)
        if symbol not in self._reading:
            self._reading.add(symbol)
            self._bench.chores.spawn(self._run(symbol), f"sheets of {symbol}")
        return await asyncio.shield(wanted.done)

    async def _run(self, symbol: str) -> None:
        try:
            while symbol in self._wanted:
                await self._bench.time.clock.sleep(GATHER_MS / 1000)
                wanted = self._wanted.pop(symbol)
                try:
                    wanted.done.set_result(await self._read(symbol, wanted))
                except Exception as blunder:  # noqa: BLE001 - whatever it is, nobody may wait for ever for a reading
                    wanted.done.set_exception(blunder)
        finally:
            self._reading.discard(symbol)

    async def _read(self, symbol: str, wanted: _Wanted) -> Sheet:
        """As far as the first list that cannot be had: what follows would prove nothing."""
        bench = self._bench
        open_ = await bench.all(Op.OPEN_ORDERS, AskOpenOrders(symbol=symbol), Priority.RECOVER)
        past = fills = None
        if open_ is not None:
            asked = AskOrders(symbol=symbol, start_ns=wanted.since_ns)
            past = await bench.all(Op.ORDERS, asked, Priority.RECOVER)
        if past is not None:
            fills = await self._read_fills(symbol, wanted)
        return Sheet(open_, past, fills)

    async def _read_fills(self, symbol: str, wanted: _Wanted) -> tuple[Fill, ...] | None:
        known, began_ms = self._fills.get(symbol), self._bench.now_ms
        if known is not None and known.began_ms >= wanted.settled_ms and known.since_ns <= wanted.since_ns:
            return known.fills
        asked = AskFills(symbol=symbol, start_ns=wanted.since_ns)
        fills: tuple[Fill, ...] | None = await self._bench.all(Op.FILLS, asked, Priority.RECOVER)
        if fills is not None:
            self._fills[symbol] = _Fills(began_ms, wanted.since_ns, fills)
        return fills

    def __repr__(self) -> str:
        return f"<Sheets, {len(self._reading)} being read>"
