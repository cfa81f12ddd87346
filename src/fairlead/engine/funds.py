"""What an account holds: told by the stream as it happens, read now and then, and the two compared; it moves nothing.

Balances also change by what is no trade, so they are corrected and told. A position that fills do not explain is a
quarrel."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from fairlead.core.budget import Priority
from fairlead.core.reconcile import Quarrel, Shown
from fairlead.core.stance import Leg
from fairlead.engine.bench import Bench
from fairlead.engine.bus import Bus
from fairlead.engine.timing import MS
from fairlead.model import events
from fairlead.model.account import Balance, Holding, Position
from fairlead.model.symbols import parse
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.faults import Fault
from fairlead.wire.orders import AskPositions

ZERO = Decimal(0)


class Read(Struct, frozen=True):
    """None: it could not be read (or the venue has none of it)."""

    balances: tuple[Balance, ...] | None
    positions: tuple[Position, ...] | None
    whole: bool


class Funds:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.balances: dict[str, Balance] = {}
        self.positions: dict[Leg, Position] = {}
        self.balance_bus: Bus[Balance] = Bus(bench.around.blame)
        self.position_bus: Bus[Position] = Bus(bench.around.blame)
        self._told_ns: dict[str, int] = {}  # when the stream last spoke of an asset, or of a position

    # ---- the stream

    def told(self, event: Holding | Position) -> None:
        if isinstance(event, Holding):
            was = self.balances.get(event.asset, _none(event.asset))
            total = event.total if event.total is not None else was.total
            free = event.free if event.free is not None else was.free
            self._told_ns[event.asset] = self._bench.now_ns
            self._balance(Balance(event.asset, total, free))
        else:
            self._told_ns[event.symbol] = self._bench.now_ns
            self._position(event)

    def begin(self, symbol: str) -> None:
        """A spot market's position is what is held of its base; it is counted from the first order on."""
        parts = parse(symbol)
        if parts.kind == "spot" and parts.base in self.balances:
            self._bench.stance.begin(symbol, self.balances[parts.base].total)

    def is_explained(self, told: Position) -> bool:
        """Whether the fills that we know make this position."""
        known = {(one.symbol, one.pos_side): one.qty for one in self._bench.stance.positions("")}
        leg = (told.symbol, told.pos_side)
        return leg not in known or known[leg] == told.qty

    # ---- readings

    async def read(self) -> Read:
        """Before the fills are: what trades in between is in them, and then nothing is concluded."""
        bench = self._bench
        has_positions = Op.POSITIONS in bench.venue.endpoints
        balances = await bench.once(Op.BALANCES, AskNothing(), Priority.ACCOUNT)
        positions = await bench.once(Op.POSITIONS, AskPositions(), Priority.ACCOUNT) if has_positions else ()
        whole = not isinstance(balances, Fault) and not isinstance(positions, Fault)
        return Read(
            None if isinstance(balances, Fault) else balances,
            None if isinstance(positions, Fault) or not has_positions else positions,
            whole,
        )

    def reckon(self, read: Read, shown: Shown) -> list[Quarrel]:
        if read.balances is not None:
            self._take_balances(read.balances, shown)
        return list(self._take_positions(read.positions, shown)) if read.positions is not None else []

    def _take_balances(self, balances: tuple[Balance, ...], shown: Shown) -> None:
        read = {one.asset: one for one in balances}
        for asset in sorted({*read, *self.balances}):
            if self._is_fresh(asset, shown):
                continue
            now, was = read.get(asset, _none(asset)), self.balances.get(asset)
            if was is not None and asset in self._told_ns and was.total != now.total:
                self._corrected("balance", asset, was.total, now.total)
            self._balance(now)
        for held in self._bench.stance.positions(""):
            base = parse(held.symbol)
            if base.kind == "spot":
                self._bench.stance.learn(held.symbol, read.get(base.base, _none(base.base)).total, shown)

    def _take_positions(self, positions: tuple[Position, ...], shown: Shown) -> list[Quarrel]:
        read: dict[Leg, Position] = {(one.symbol, one.pos_side): one for one in positions}
        for leg in sorted({*read, *self.positions}):
            if self._is_fresh(leg[0], shown):
                continue
            was, now = self.positions.get(leg), read.get(leg)
            before, after = (was.qty if was is not None else ZERO), (now.qty if now is not None else ZERO)
            if was is not None and leg[0] in self._told_ns and before != after:
                self._corrected("position", leg[0], before, after)
            if now is None:
                now = Position(venue=self._bench.venue.name, symbol=leg[0], qty=ZERO, pos_side=leg[1])
            self._position(now)
        return list(self._bench.stance.judge({leg: one.qty for leg, one in read.items()}, shown))

    # ---- inside

    def _balance(self, balance: Balance) -> None:
        if self.balances.get(balance.asset) != balance:
            self.balances[balance.asset] = balance
            self.balance_bus.publish(balance)

    def _position(self, position: Position) -> None:
        leg = (position.symbol, position.pos_side)
        if self.positions.get(leg) != position:
            self.positions[leg] = position
            self.position_bus.publish(position)

    def _is_fresh(self, name: str, shown: Shown) -> bool:
        return self._told_ns.get(name, 0) + shown.lag_ms * MS > shown.began_ns

    def _corrected(self, what: str, name: str, heard: Decimal, shown: Decimal) -> None:
        self._bench.tell(events.Corrected, what=what, name=name, heard=str(heard), shown=str(shown))

    def __repr__(self) -> str:
        return f"<Funds {len(self.balances)} assets, {len(self.positions)} positions>"


def _none(asset: str) -> Balance:
    return Balance(asset, ZERO, ZERO)
