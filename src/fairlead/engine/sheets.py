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

GATHER_MS = 20  # who asks within this time shares the reading


class Sheet(Struct, frozen=True):
    """None: that list was not read to its end."""

    open: tuple[OrderReport, ...] | None
    past: tuple[OrderReport, ...] | None
    fills: tuple[Fill, ...] | None

    @property
    def is_whole(self) -> bool:
        return self.open is not None and self.past is not None and self.fills is not None


class _Wanted:
    """The next reading of a symbol, and from when on it must go back."""

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.done: asyncio.Future[Sheet] = asyncio.get_running_loop().create_future()


class Sheets:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._wanted: dict[str, _Wanted] = {}
        self._reading: set[str] = set()

    async def read(self, symbol: str, since_ns: int) -> Sheet:
        wanted = self._wanted.setdefault(symbol, _Wanted(since_ns))
        wanted.since_ns = min(wanted.since_ns, since_ns)
        if symbol not in self._reading:
            self._reading.add(symbol)
            self._bench.chores.spawn(self._run(symbol), f"sheets of {symbol}")
        return await asyncio.shield(wanted.done)

    async def _run(self, symbol: str) -> None:
        try:
            while symbol in self._wanted:
                await self._bench.time.clock.sleep(GATHER_MS / 1000)
                wanted = self._wanted.pop(symbol)
                wanted.done.set_result(await self._read(symbol, wanted.since_ns))
        finally:
            self._reading.discard(symbol)

    async def _read(self, symbol: str, since_ns: int) -> Sheet:
        """As far as the first list that cannot be had: what follows would prove nothing."""
        bench = self._bench
        open_ = await bench.all(Op.OPEN_ORDERS, AskOpenOrders(symbol=symbol), Priority.RECOVER)
        past = fills = None
        if open_ is not None:
            past = await bench.all(Op.ORDERS, AskOrders(symbol=symbol, start_ns=since_ns), Priority.RECOVER)
        if past is not None:
            fills = await bench.all(Op.FILLS, AskFills(symbol=symbol, start_ns=since_ns), Priority.RECOVER)
        return Sheet(open_, past, fills)

    def __repr__(self) -> str:
        return f"<Sheets, {len(self._reading)} being read>"
