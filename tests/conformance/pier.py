"""One venue of a simulated city and a session that trades there, in virtual time, over a journal that outlives it.

    moor("north", case.trade)

It stages nothing by itself; what a case does is done through the Pier it is given. In the end whatever happened is held
against the simulator's own ledger, and so is what a new session makes of the journal alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from fairlead.core.account import Account
from fairlead.engine.account import AccountDesk
from fairlead.engine.desk import Windows
from fairlead.engine.market import Market
from fairlead.engine.session import Session, Stage
from fairlead.errors import Error
from fairlead.io import failpoint
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.keys.signer import FileSigner
from fairlead.model import events
from fairlead.model.order import Order
from fairlead.model.orders import Fill
from fairlead.sim.city import City
from fairlead.sim.listing import Listing
from fairlead.sim.mishaps import Handle
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.memory import Memory
from fairlead.sim.truth import Accepted, Truth
from fairlead.sim.world import World
from fairlead.venues import registry
from tests.conformance.audit import audit
from tests.conformance.stage import MS, SEED, SLOTS, START_NS, SYMBOL, Ear, Shelf
from tests.conformance.witness import Breach
from tests.engine.harbour import Paper

H = TypeVar("H", bound=events.Health)

LABEL = "bot-a"
SWAP = "BTC/USDT:USDT"
LEAVE_MS = 30_000  # once the venue answers, every doubt ends within its settle time and this
RECKONED_MS = 60_000  # two periods of reconciliation: every freeze ends within them
LOOK_S = 0.25
CALM_S = 60.0  # a venue's budgets are full again

Trade = Callable[["Pier"], Awaitable[None]]


class Pier:
    def __init__(self, name: str, clock: VirtualClock, city: City, memory: Memory) -> None:
        self.name, self.clock, self.city, self._memory = name, clock, city, memory
        self.mouth, self.truth = city.mouth(name), city.mouth(name).truth
        self.venue = self.mouth.venue
        self.ear, self.paper, self._shelf = Ear(memory, clock), Paper(), Shelf()
        self.told: list[events.Health] = []
        self.orders: list[Order] = []  # as they were published
        self.fills: list[Fill] = []
        self.forgiven_ns = 0  # refusals by the venue's limits before that are nobody's fault
        self.voided = False  # a case tells fills that are none
        self.session = self._new_session()

    def _new_session(self) -> Session:
        session = self.another(self.paper, LABEL, 3)
        session.health(self.told.append)
        return session

    def another(self, paper: Paper, label: str, seed: int) -> Session:
        """A program of its own, with the same key."""
        windows = Windows(self.clock, seeded(seed), self.ear.http, self.ear.ws, self._shelf, lambda _: paper)
        minted = self.city.keys[self.name]
        key = {"key": minted.key, "secret": minted.secret, "passphrase": minted.passphrase}
        signers = {self.name: FileSigner(msgspec.json.encode(key), self.venue.key_kinds)}
        return Session(
            [self.name],
            windows,
            hosts=self._memory.addresses,
            signers=signers,
            labels={self.name: label},
            stage=Stage.LIVE,
        )

    # What a case does.

    async def open(self) -> None:
        await self.session.open()
        self.market.orders(self.orders.append)
        self.market.fills(self.fills.append)

    async def reopen(self, lines: int | None = None) -> None:
        """The program ends and is started anew, over so many lines of its journal."""
        await self.session.close()
        if lines is not None:
            del self.paper.bodies[lines:]
            self.paper.older = True
        self.session = self._new_session()
        await self.open()

    async def crash(self) -> None:
        """The process dies here and now, and is started anew over what its journal had by then."""
        kept = Paper()
        kept.bodies = list(self.paper.bodies)
        self.forgiven_ns = self.city.now_ns() + int(
            CALM_S * 1e9
        )  # what the dead one had used of a budget, nobody knows
        self.paper.is_sound = False
        await self.desk.bench.chores.close()
        await self.session.close()
        self.paper = kept
        self.session = self._new_session()
        await self.open()

    def strike(
        self, action: str, channel: str = "rest", *, op: str = "", kind: str = "", host: str = "", door: str = "",
        slot: int = -1, phase: str = "before", nth: int = 0, most: int = 1, for_ms: int = 0, **args: Any,
    ) -> Handle:  # fmt: skip
        """Adds a mishap to this venue; it happens once unless the case says otherwise."""
        match = Match(op=op, kind=kind, host=host, slot=slot, door=door)
        most = 0 if for_ms or nth else most
        return self.city.mishaps.add(
            Rule(action, channel, self.name, match, phase, nth, most=most, for_ms=for_ms, args=Args(**args))
        )

    def spoil(self, action: str, *, op: str, **args: Any) -> list[Handle]:
        """The answer to a call, whichever way it goes: some mishaps are done to bodies, and to frames in their own
        right."""
        door = next((one.name for one in self.venue.doors if op in one.calls), "")
        if action not in ("truncate", "garbage") or not door:
            return [self.strike(action, op=op, **args)]
        args.pop("phase", "")
        return [self.strike(action, channel, op=op, **args) for channel in ("rest", "ws")]

    async def bid(self, qty: str = "0.01", percent: int = 10, **terms: Any) -> Order:
        """One that rests below the market."""
        return await self.market.buy(SYMBOL, qty=qty, price=self.price(-percent), **terms)

    async def take(self, qty: str = "0.01", **terms: Any) -> Order:
        """One that is filled at once."""
        return await self.market.buy(SYMBOL, qty=qty, **terms)

    def price(self, percent: int) -> Decimal:
        """So far from where the market is now."""
        last = Decimal(str(self.mouth.stalls[SYMBOL].ticker().last))
        return (last * (100 + percent) / 100).quantize(Decimal(1))

    async def fails(self, trying: Awaitable[Any]) -> Error:
        try:
            got = await trying
        except Error as error:
            return error
        raise self.breach(f"it gave {got!r}")

    async def wait(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def settled(self) -> None:
        """Until nothing is in doubt, nothing is changing and nothing is frozen; a Breach if that lasts too long."""
        settle = self.venue.settle
        most_ms = settle.fence_ms + settle.engine_ms + settle.lag_ms + LEAVE_MS + RECKONED_MS
        until_ns = self.clock.mono_ns() + most_ms * MS
        while self._is_open_question():
            if self.clock.mono_ns() > until_ns:
                raise self.breach(f"not settled after {most_ms} ms: {self.account!r}")
            await self.wait(LOOK_S)
        await self.wait(1)

    def _is_open_question(self) -> bool:
        tracks = list(self.account.running())
        open_ends = any(
            one.missing or one.surplus or one.order.life.is_in_doubt or one.order.cancelling or one.order.amending
            for one in tracks
        )
        return open_ends or bool(self.account.frozen)

    # What a case sees.

    @property
    def market(self) -> Market:
        return self.session[self.name]

    @property
    def desk(self) -> AccountDesk:
        return self.session._accounts[self.name]

    @property
    def account(self) -> Account:
        return self.desk.bench.account

    def now(self, order: Order) -> Order:
        return self.market.order(order.client_id)

    @property
    def last(self) -> Order:
        """The order that was wanted last, whatever became of it."""
        return list(self.account.tracks.values())[-1].order

    def accepted(self, order: Order) -> list[Accepted]:
        return self.truth.accepted(order.client_id)

    def heard(self, kind: type[H]) -> list[H]:
        return [one for one in self.told if isinstance(one, kind)]

    # What must hold.

    def must(self, holds: object, words: str) -> None:
        if not holds:
            raise self.breach(words)

    def breach(self, words: str) -> Breach:
        return Breach(f"{words}; told {[type(one).__name__ for one in self.told]}")

    def is_life(self, order: Order, *lives: str) -> Order:
        now = self.now(order)
        self.must(now.life in lives, f"the order is {now.life}, {now.reason!r}, not {' or '.join(lives)}")
        return now

    def saw(self, *kinds: type[events.Health]) -> None:
        for kind in kinds:
            self.must(self.heard(kind), f"{kind.__name__} was not told")

    def odd(self, label: str) -> None:
        labels = [one.label for one in self.heard(events.OrderOdd)]
        self.must(label in labels, f"{label!r} was not told, but {labels}")

    async def whole(self) -> None:
        """In the end everything is settled and as the ledger has it, also for whoever knows the journal alone."""
        failpoint.disarm()
        self.city.mishaps.clear()
        await self.settled()
        audit(self)
        await self.wait(CALM_S)
        await self.reopen()
        await self.settled()
        audit(self)


def moor(name: str, trade: Trade) -> Truth:
    """Lets one case happen on one venue; the ledger of what happened."""

    async def main() -> Truth:
        clock = VirtualClock()
        city = City([name], World(SEED, listings(name), START_NS), clock, seeded(1))
        async with Memory(city, clock, seeded(2), slots=SLOTS) as memory:
            pier = Pier(name, clock, city, memory)
            try:
                await pier.open()
                await trade(pier)
                await pier.whole()
            finally:
                failpoint.disarm()
                await pier.session.close()
        return city.mouth(name).truth

    return run_virtual(main)


def listings(name: str) -> list[Listing]:
    """A quiet market, deep enough to be taken from; a perpetual one beside it, where the venue has any."""
    quiet: dict[str, Any] = {"depth": 30, "changes_hz": 0.2, "trades_hz": 0.2, "step_ms": 2_000, "age_days": 1}
    found = [Listing(name, SYMBOL, Decimal(62_000), 2, 5, **quiet)]
    if "swap" in registry.venue(name).markets:
        found.append(
            Listing(name, SWAP, Decimal(62_000), 1, 2, contract_size=Decimal("0.01"), funding_hours=8,
                    level_qty=Decimal(50), trade_qty=Decimal(5), **quiet)
        )  # fmt: skip
    return found
