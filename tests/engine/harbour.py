"""A venue's counter in virtual time, truthful about one book of orders, with every mishap that a test asks for.

    async def visit(harbour: Harbour) -> None:
        harbour.mishap(Op.PLACE, "reply lost")
        order = await harbour.desk.place(ask())
    moor(visit)

`orders` and `fills` are the truth; a desk is begun, killed and begun again over the same journal."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fairlead.core.limits import Limits
from fairlead.engine.account import AccountDesk
from fairlead.engine.private import Ears, Turn, Turned
from fairlead.engine.sender import asker
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import JournalFailed, NotSent, Unknown
from fairlead.io import failpoint
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.model import events
from fairlead.model.account import Balance, Position
from fairlead.model.instrument import Catalog
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status
from fairlead.testing import instrument
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx, Endpoint
from fairlead.wire.face import Line
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.orders import AskAmend, AskPlace
from fairlead.wire.venue import ClientId, Settle, Venue

BTC, SWAP = "BTC/USDT", "BTC/USDT:USDT"
LISTED = (instrument(BTC, "BTCUSDT", "0.01", "0.0001"), instrument(SWAP, "BTCSWAP", "0.01", "1"))
SETTLE = Settle(fence_min_ms=1_000, fence_ms=5_000, engine_ms=2_000, lag_ms=1_000)
SETTLED_MS = 8_000
READS = (Op.ORDER, Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS, Op.BALANCES, Op.POSITIONS)
OPS = (*READS, Op.PLACE, Op.PLACE_MANY, Op.CANCEL, Op.AMEND)
ORDERS = Topic("orders")
LOST = Fault(Kind.SERVER, Fate.UNKNOWN, said="internal error", status=502)


class Died(BaseException):
    """A planned death: nothing may catch it."""


class Paper:
    """A journal in memory, which outlives the desks that write it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.fails = 0  # so many appends do
        self.is_sound = True
        self.older = self.keeps = False

    async def append(self, bodies: Sequence[bytes]) -> int:
        if not self.is_sound and self.keeps:
            self.bodies += bodies  # the sync failed, and yet the lines are there when it is read again
            self.keeps = False
        if self.fails or not self.is_sound:
            self.fails = max(0, self.fails - 1)
            await asyncio.sleep(0)
            raise JournalFailed("The disk is full")
        self.bodies += bodies  # in the order of the calls, as a writer's queue does
        last = len(self.bodies)
        await asyncio.sleep(0)
        return last

    def lines(self, after: int = 0) -> Any:
        yield from (Line(seq, body) for seq, body in enumerate(self.bodies[after:], after + 1))

    def reopen(self) -> None:
        self.is_sound = True

    def settled(self) -> None:
        self.older = False

    def close(self) -> None:
        """Nothing was opened."""


class Harbour:
    """The venue's truth, the counter, and the desk's surroundings in one."""

    def __init__(self, clock: VirtualClock, **knobs: Any) -> None:
        self.clock, self.time = clock, VenueTime(clock)
        self.measure()
        self.venue = _venue(**knobs)
        self.ctx = Ctx(Catalog(LISTED))
        self.journal = Paper()
        self.orders: dict[str, OrderReport] = {}  # by the venue's id
        self.fills: list[Fill] = []
        self.asked: list[tuple[int, Op, Any]] = []
        self.told: list[events.Health] = []
        self.position = Decimal(0)
        self.balance = Decimal(10)
        self.foreign: list[str] = []  # the venue's ids of orders of other hands
        self.streams = True  # whether the private stream tells
        self.down = False  # whether questions are answered
        self.wait_ms = 0  # for leave
        self.lag_ms = 0  # of readings: an order younger than this is not shown
        self.blind: set[Op] = set()  # readings that are never whole
        self._mishaps: dict[Op, list[str]] = defaultdict(list)
        self._ears: Ears | None = None
        self._born_ms: dict[str, int] = {}
        self.limits = Limits()
        self.is_dead = False
        self.blunders: list[str] = []
        self.desk = self._new_desk()

    @property
    def teller(self) -> Harbour:
        return self

    def measure(self) -> None:
        """The venue's clock is read."""
        self.time.heard(self.clock.mono_ns(), self.clock.mono_ns(), self.clock.wall_ns() // MS)

    # ---- the desk

    def _new_desk(self) -> AccountDesk:
        return AccountDesk(self, "key", self.journal, seeded(3), limits=self.limits)

    async def begin(self) -> None:
        self.desk = self._new_desk()
        await self.desk.open()

    async def kill(self) -> None:
        """The process is gone: what it had begun stops wherever it was."""
        self._ears = None
        await self.desk.bench.chores.close()

    async def again(self) -> None:
        await self.kill()
        self.is_dead = False
        await self.begin()

    # ---- the desk's surroundings

    def tell(self, event: events.Health) -> None:
        self.told.append(event)

    def blame(self, where: str, blunder: BaseException) -> None:
        self.is_dead = True  # in some task of its own
        if not isinstance(blunder, Died):
            self.blunders.append(f"{where}: {blunder!r}")

    def strange(self, what: str, sample: bytes) -> None:
        self.told.append(events.Strange(venue="stage", at_ns=self.time.now_ns(), what=what, sample=str(sample)))

    def renew_catalog(self) -> None:
        self.asked.append((self.now_ms, Op.INSTRUMENTS, None))

    def listen(self, ears: Ears) -> None:
        self._ears = ears
        ears.turned(Turned(ORDERS, Turn.JOINED))

    def trade(self) -> None:
        """The doors are always open."""

    # ---- the counter

    async def errand(
        self, op: Op, asked: Any, priority: Any, *, not_after_ms: int = 0, waiting: Any = None, sending: Any = None
    ) -> Outcome[Any]:
        if self.wait_ms:
            if waiting is not None:
                await waiting()
            await self.clock.sleep(self.wait_ms / 1000)
        if not_after_ms and self.now_ms > not_after_ms:
            raise NotSent("it waited too long")
        question = asker(asked)(self.time.stamp())
        if sending is not None:
            await sending(question, "rest")
        self.asked.append((self.now_ms, op, question))
        mishap = self._mishaps[op].pop(0) if self._mishaps[op] else ""
        await self.clock.sleep(0.005)
        if op in READS:
            return await self._read(op, question, mishap)
        return await self._act(op, question, mishap)

    async def _act(self, op: Op, asked: Any, mishap: str) -> Outcome[Any]:
        acts = {Op.PLACE: self._place, Op.PLACE_MANY: self._many, Op.CANCEL: self._cancel, Op.AMEND: self._amend}
        match mishap:
            case "not sent":
                raise NotSent("no connection")
            case "never arrived":
                raise Unknown("silence")
            case "refused":
                return self.refusals(1)[0]
            case "unknown":
                return LOST
            case "duplicate":
                return Fault(Kind.DUPLICATE, said="there is one")
            case "not found":
                return Fault(Kind.NOT_FOUND, said="unknown order")
            case "slow":
                await self.clock.sleep(1.0)
            case "late":  # within the fence, after we gave up
                asyncio.get_running_loop().call_later(2.9, acts[op], asked)
                raise Unknown("silence")
            case "lying":  # long after its own fence
                asyncio.get_running_loop().call_later(20.0, acts[op], asked)
                raise Unknown("silence")
        done: Any = acts[op](asked)
        match mishap:
            case "reply lost":
                raise Unknown("the connection broke")
            case "reply spoilt":
                return LOST
            case "crossed":
                return Receipt(order_id="99", client_id="flzz99000000000009")
            case "cut short":
                return done[:-1]
            case "there already":
                return Fault(Kind.DUPLICATE, said="there is one")
            case "then dies":
                raise Died
        return done

    async def _read(self, op: Op, asked: Any, mishap: str) -> Outcome[Any]:
        if self.down or mishap == "down":
            await self.clock.sleep(0.5)
            raise Unknown("the venue is down")
        if op in self.blind:
            return LOST
        seen = [one for key, one in self.orders.items() if self.now_ms - self._born_ms[key] >= self.lag_ms]
        match op:
            case Op.ORDER:
                for one in reversed(seen):
                    if asked.order_id in ("", one.order_id) and asked.client_id in ("", one.client_id):
                        return one
                return Fault(Kind.NOT_FOUND, said="no such order")
            case Op.OPEN_ORDERS:
                return tuple(one for one in seen if not one.status.is_final and asked.symbol in ("", one.symbol))
            case Op.ORDERS:
                return tuple(one for one in seen if one.status.is_final and one.symbol == asked.symbol)
            case Op.FILLS:
                fills = [one for one in self.fills if one.symbol == asked.symbol and one.venue_ns >= asked.start_ns]
                return tuple(one for one in fills if asked.order_id in ("", one.order_id))
            case Op.POSITIONS:
                return (Position(venue="stage", symbol=SWAP, qty=self.position),) if self.position else ()
        return (Balance("BTC", self.balance, self.balance),)

    # ---- the venue's engine

    def _place(self, asked: AskPlace) -> Outcome[Receipt]:
        if asked.until_ms and self.now_ms > asked.until_ms and asked.client_id not in self._liars:
            return Fault(Kind.CLOCK, said="its deadline has passed")
        if any(one.client_id == asked.client_id and not one.status.is_final for one in self.orders.values()):
            return Fault(Kind.DUPLICATE, said="there is one")
        return Receipt(order_id=self.accept(asked).order_id, client_id=asked.client_id)

    def _many(self, asked: Any) -> Any:
        return tuple(self._place(one) for one in asked.orders)

    _liars: frozenset[str] = frozenset()

    def accept(self, asked: AskPlace) -> OrderReport:
        number = str(len(self.orders) + 1)
        self._born_ms[number] = self.now_ms
        report = OrderReport(
            venue="stage", symbol=asked.symbol, order_id=number, status=Status.OPEN, client_id=asked.client_id,
            side=asked.side, type=asked.type, qty=asked.qty, price=asked.price, filled=Decimal(0), cost=Decimal(0),
        )  # fmt: skip
        return self._show(report)

    def _cancel(self, asked: Any) -> Outcome[Receipt]:
        for one in self.orders.values():
            is_it = one.order_id == asked.order_id or (not asked.order_id and one.client_id == asked.client_id)
            if is_it and not one.status.is_final:
                self._show(replace(one, status=Status.CANCELLED))
                return Receipt(order_id=one.order_id, client_id=asked.client_id)
        return Fault(Kind.NOT_FOUND, said="unknown order")

    def _amend(self, asked: AskAmend) -> Outcome[Receipt]:
        one = self.of(asked.client_id)
        self._show(replace(one, price=asked.price or one.price, qty=asked.qty or one.qty))
        return Receipt(order_id=one.order_id, client_id=asked.client_id)

    def trade_with(self, client_id: str, qty: str, *, fill_told: bool = True, report_told: bool = True) -> Fill:
        one = self.of(client_id)
        done = (one.filled or Decimal(0)) + Decimal(qty)
        fill = Fill(
            venue="stage", symbol=one.symbol, order_id=one.order_id, id=str(len(self.fills) + 1), side=one.side,
            price=one.price or Decimal(100), qty=Decimal(qty), fee=Decimal("0.1"), fee_asset="USDT",
            venue_ns=self.now_ms * MS,
        )  # fmt: skip
        self.fills.append(fill)
        if fill_told:
            self.say(replace(fill, client_id=client_id))
        status = Status.FILLED if done == one.qty else Status.PARTIAL
        self._show(replace(one, status=status, filled=done), told=report_told)
        return fill

    def end(self, client_id: str, status: Status, *, told: bool = True, reason: str = "") -> None:
        self._show(replace(self.of(client_id), status=status, reason=reason), told=told)

    def _show(self, report: OrderReport, *, told: bool = True) -> OrderReport:
        shown = replace(report, venue_ns=self.time.now_ns())
        self.orders[shown.order_id] = shown
        if told:
            self.say(shown)
        return shown

    def say(self, event: Any) -> None:
        if self.streams and self._ears is not None:
            self._ears.heard(ORDERS, event)

    def turn(self, what: Turn) -> None:
        if self._ears is not None:
            self._ears.turned(Turned(ORDERS, what))

    # ---- for tests

    def refusals(self, count: int) -> tuple[Fault, ...]:
        return (Fault(Kind.FUNDS, code="-2010", said="no money"),) * count

    def mishap(self, op: Op, *what: str) -> None:
        """What happens to the next calls of this operation."""
        self._mishaps[op] += what

    def lies(self, client_id: str) -> None:
        self._liars = self._liars | {client_id}

    def of(self, client_id: str) -> OrderReport:
        return [one for one in self.orders.values() if one.client_id == client_id][-1]

    def count(self, op: Op) -> int:
        return sum(one is op for _, one, _ in self.asked)

    def heard(self, kind: type[events.Health]) -> list[Any]:
        return [one for one in self.told if isinstance(one, kind)]

    async def wait(self, ms: float) -> None:
        await self.clock.sleep(ms / 1000)

    @property
    def now_ms(self) -> int:
        return self.time.now_ns() // MS

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(order.client_id for order in self.desk.running())


def ask(**more: Any) -> AskPlace:
    usual: dict[str, Any] = {"symbol": BTC, "side": "buy", "type": OrderType.LIMIT, "client_id": ""}
    return AskPlace(**{**usual, "qty": Decimal(10), "price": Decimal(100), **more})


def moor(visit: Callable[[Harbour], Coroutine[Any, Any, None]], *, seed: int | None = None, **knobs: Any) -> Harbour:
    """Runs a visit on an open desk; afterwards nothing of it may be left running, and its journal can be read again.
    A seed also shuffles which of the ready tasks goes first."""

    async def main() -> Harbour:
        harbour = Harbour(VirtualClock(), **knobs)
        await harbour.begin()
        try:
            await visit(harbour)
        finally:
            failpoint.disarm()
        await harbour.desk.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        assert not harbour.blunders, harbour.blunders
        await harbour.begin()
        await harbour.desk.close()
        return harbour

    return run_virtual(main, seed)


def _venue(**knobs: Any) -> Venue:
    lacks = knobs.pop("lacks", ())
    usual: dict[str, Any] = {
        "name": "stage", "hosts": {}, "markets": ("spot",), "intervals": {}, "doors": (), "budgets": (),
        "endpoints": {op: Endpoint(op, "GET", f"/{op}", _nothing, _nothing) for op in OPS if op not in lacks},
        "encode": _nothing, "sign": _nothing, "fault": _nothing, "readings": _nothing, "rights": _nothing,
        "settle": SETTLE, "client_id": ClientId("abc", 18, "open"), "assets": str,
        "can": frozenset({"order by client id"}),
    }  # fmt: skip
    return Venue(**{**usual, **knobs})


def _nothing(*_: Any) -> Any:
    raise AssertionError("no wire here")
