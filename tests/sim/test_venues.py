"""The city with the venues of the registry: what adapters ask is answered, what goes wrong is understood."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.sim.acts import ACTS
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Args, Rule
from fairlead.sim.server.memory import Memory
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire import asks, orders
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Access, build
from fairlead.wire.face import HttpCall
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.mirror import Minted
from fairlead.wire.signing import Stamp

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"


class Key:
    """A signer with a demo key."""

    def __init__(self, minted: Minted) -> None:
        self._minted = minted
        self.key_id, self.algorithm = minted.key, minted.algorithm

    def sign(self, message: bytes) -> bytes:
        secret = self._minted.secret
        return hmac.digest(
            base64.b64decode(secret) if self._minted.in_base64 else secret.encode(),
            message,
            self.algorithm.removeprefix("hmac-"),
        )

    def part(self, name: str) -> str:
        return self._minted.passphrase


class Caller:
    """Asks one venue of a city by its own table."""

    def __init__(self, name: str, memory: Memory) -> None:
        self.venue, self._memory = registry.venue(name), memory
        self.mouth, self._nonce = memory.city.mouth(name), 0
        self.minted = memory.city.keys[name]

    async def send(self, op: Op, asked: Any) -> Reply:
        row = self.venue.endpoints[op]
        request = build(row, asked, self.mouth.ctx, self.venue.encode)
        if row.access is Access.SIGNED:
            self._nonce += 1
            at = Stamp(venue_ms=self.mouth.venue_ms(), nonce=self.mouth.venue_ms() * 1_000 + self._nonce)
            request = self.venue.sign(request, Key(self.minted), at)
        address = self._memory.addresses[self.venue.name][request.host][0]
        call = HttpCall(request.method, address + request.target, request.headers, request.body)
        return await self._memory.http.send(call, 5_000)

    async def ask(self, op: Op, asked: Any) -> Any:
        reply = await self.send(op, asked)
        fault = self.venue.fault(reply, op)
        if fault is not None:
            return fault
        return self.venue.endpoints[op].read(reply.body, asked, self.mouth.ctx)


def calling(name: str, visit: Callable[[Caller, City], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        clock = VirtualClock()
        city = City([name], World(3, usual([name]), clock.wall_ns()), clock, seeded(1))
        async with Memory(city, clock, seeded(2)) as memory:
            await visit(Caller(name, memory), city)

    run_virtual(main)


each_venue = pytest.mark.parametrize("name", registry.names())


@each_venue
def test_every_question_of_the_table_is_answered(name: str) -> None:
    """If this failed, an adapter's row could ask what its own mirror does not hear."""

    async def visit(caller: Caller, city: City) -> None:
        market = SWAP if SWAP in caller.mouth.ctx.catalog else SPOT
        questions = {
            Op.TIME: asks.AskNothing(),
            Op.INSTRUMENTS: asks.AskListing(caller.venue.markets[0]),
            Op.BOOK: asks.AskBook(SPOT, 10),
            Op.TICKER: asks.AskSymbol(SPOT),
            Op.TRADES: asks.AskTrades(SPOT, 50),
            Op.CANDLES: asks.AskCandles(SPOT, "1h", limit=10),
            Op.FUNDING: asks.AskSymbol(market),
            Op.FUNDINGS: asks.AskFundings(market, limit=5),
            Op.MARK: asks.AskSymbol(market),
            Op.INDEX: asks.AskSymbol(market),
            Op.BALANCES: asks.AskNothing(),
            Op.POSITIONS: orders.AskPositions(market),
            Op.MODE: asks.AskNothing(),
            Op.LEVERAGE: orders.AskLeverages(symbol=market, margin="cross"),
            Op.FEES: asks.AskSymbol(market),
            Op.TOKEN: asks.AskNothing(),
            Op.OPEN_ORDERS: orders.AskOpenOrders(symbol=SPOT),
            Op.ORDERS: orders.AskOrders(symbol=SPOT),
            Op.FILLS: orders.AskFills(symbol=SPOT),
        }
        empty = {Op.POSITIONS, Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS}  # nobody has traded yet
        assert set(caller.venue.endpoints) <= {*questions, *ACTS, Op.ORDER}
        for op in questions.keys() & caller.venue.endpoints.keys():
            answer = await caller.ask(op, questions[op])
            assert not isinstance(answer, Fault), (op, answer)
            assert answer == () if op in empty else answer, op
        assert not caller.mouth.refusals

    calling(name, visit)


@each_venue
def test_history_is_paged_without_hole_or_double(name: str) -> None:
    """If this failed, a venue's way of paging would lose or repeat bars."""

    async def visit(caller: Caller, city: City) -> None:
        hour = 3_600 * 10**9
        end = city.now_ns() // hour * hour
        asked: asks.AskCandles | None = asks.AskCandles(SPOT, "1h", end - 700 * hour, end)
        row, bars = caller.venue.endpoints[Op.CANDLES], []
        while asked is not None:
            page = await caller.ask(Op.CANDLES, asked)
            bars += [bar.open_ns for bar in page]
            asked = row.after(asked, page) if row.after else None
        assert sorted(bars) == list(range(end - 700 * hour, end, hour))

    calling(name, visit)


@each_venue
def test_a_venues_troubles_are_understood_by_its_adapter(name: str) -> None:
    """If this failed, a refusal in the venue's own words would be read as something else."""

    async def visit(caller: Caller, city: City) -> None:
        for rule, kinds in (
            (Rule("limit", channel="rest", nth=1, args=Args(ms=3_000)), {Kind.LIMIT}),
            (Rule("ban", channel="rest", nth=1, args=Args(ms=60_000)), {Kind.BAN, Kind.LIMIT}),
            (Rule("status", channel="rest", nth=1, args=Args(status=502)), {Kind.SERVER, Kind.MAINTENANCE}),
            (Rule("status", channel="rest", nth=1, args=Args(status=403)), {Kind.BLOCKED}),
        ):
            city.mishaps.add(rule)
            fault = await caller.ask(Op.TIME, asks.AskNothing())
            assert isinstance(fault, Fault), rule
            assert fault.kind in kinds, rule
            await asyncio.sleep(rule.args.ms / 1_000)
        city.maintain(name, is_on=True)
        fault = await caller.ask(Op.BOOK, asks.AskBook(SPOT))
        assert isinstance(fault, Fault)
        assert fault.kind in (Kind.MAINTENANCE, Kind.SERVER)
        city.maintain(name, is_on=False)
        assert await caller.ask(Op.BOOK, asks.AskBook(SPOT))

    calling(name, visit)


@each_venue
def test_a_key_is_as_good_as_its_secret_clock_and_life(name: str) -> None:
    """If this failed, a wrong key, or one that was taken away, would first fail at the real venue."""

    async def visit(caller: Caller, city: City) -> None:
        minted = caller.minted
        letter = "B" if minted.secret[0] == "A" else "A"
        caller.minted = Minted(
            minted.key, letter + minted.secret[1:], minted.passphrase, minted.algorithm, minted.in_base64
        )
        fault = await caller.ask(Op.BALANCES, asks.AskNothing())
        assert isinstance(fault, Fault)
        assert fault.kind is Kind.SIGNATURE
        caller.minted = minted
        assert not isinstance(await caller.ask(Op.BALANCES, asks.AskNothing()), Fault)
        caller.mouth.keyring.revoke(minted.key)
        fault = await caller.ask(Op.BALANCES, asks.AskNothing())
        assert isinstance(fault, Fault)
        assert fault.kind in (Kind.KEY, Kind.PERMISSION)

    calling(name, visit)
