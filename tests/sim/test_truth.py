"""The ledger of truth: it counts what happened, whatever was told, and tells the same story twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fairlead.errors import Unknown
from fairlead.io.clock import VirtualClock, run_virtual, seeded
from fairlead.model.orders import BUY, SELL, OrderType
from fairlead.sim import truth
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Args, Match, Rule
from fairlead.sim.server.control import answered
from fairlead.sim.server.headers import Headers
from fairlead.sim.server.memory import Memory
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.http import Request
from fairlead.wire.orders import AskCancel, AskPlace
from tests.sim.trader import Trader

SPOT = "BTC/USDT"
NAMES = [name for name in registry.names() if registry.venue(name).door_for("orders")]
each_venue = pytest.mark.parametrize("name", NAMES)
START_NS = 1_790_035_200 * 1_000_000_000


class Still:
    """A clock that stands."""

    def mono_ns(self) -> int:
        return START_NS

    def wall_ns(self) -> int:
        return START_NS

    async def sleep(self, seconds: float) -> None:
        """Nobody waits here."""


WEATHER = (
    Rule("linger", "rest", match=Match(op="place"), prob=0.2, args=Args(ms=1_500)),
    Rule("reset", "rest", match=Match(op="acts"), prob=0.2, phase="after"),
    Rule("hide", "rest", match=Match(op="place"), prob=0.2, args=Args(ms=700)),
    Rule("drop", match=Match(kind="orders"), prob=0.3),
)


def lived(name: str, seed: int) -> tuple[Mapping[str, Any], Mapping[str, Decimal], Mapping[str, Decimal]]:
    """A client that trades at random in bad weather: the ledger, what it began with and what it has, as REST says."""

    async def main() -> tuple[Mapping[str, Any], Mapping[str, Decimal], Mapping[str, Decimal]]:
        clock, rng = VirtualClock(), seeded(seed)
        city = City([name], World(seed, usual([name]), clock.wall_ns()), clock, seeded(seed))
        async with Memory(city, clock, seeded(seed)) as memory:
            trader = Trader(name, memory)
            began = trader.mouth.keyring.account(trader.pen.key_id).began
            await trader.listen("orders")
            for rule in WEATHER:
                city.mishaps.add(rule)
            for number in range(30):
                mid = trader.mouth.stalls[SPOT].quote().bid
                price = (Decimal(int(mid)) * rng.choice([Decimal("0.999"), Decimal(1), Decimal("1.001")])).quantize(
                    Decimal("0.1")
                )
                order = AskPlace(
                    symbol=SPOT, side=rng.choice([BUY, SELL]), type=OrderType.LIMIT, client_id=f"fl{number}",
                    qty=Decimal(rng.randrange(1, 300)) / 10_000, price=price,
                    until_ms=trader.mouth.venue_ms() + 5_000, window_ms=5_000,
                )  # fmt: skip
                try:
                    await trader.ask(Op.PLACE, order, timeout_ms=1_000)
                    if rng.random() < 0.3:
                        await trader.ask(Op.CANCEL, AskCancel(symbol=SPOT, client_id=order.client_id))
                except Unknown:
                    await asyncio.sleep(rng.random())
            city.mishaps.clear()
            await asyncio.sleep(3)
            now = {one.asset: one.total for one in await trader.ask(Op.BALANCES, AskNothing())}
            return trader.mouth.truth.told(), began, now

    return run_virtual(main)


@each_venue
def test_every_balance_is_what_it_was_and_all_that_happened_since(name: str) -> None:
    """If this failed, money would come or go without a row that says why, and no checker could be believed."""
    told, began, now = lived(name, 5)
    assert len(told["executions"]) > 10
    assert len(told["orders"]) + len(told["refused"]) >= 30
    for asset in ("BTC", "USDT"):
        moved = sum((one.amount for one in told["moves"] if one.asset == asset), Decimal(0))
        assert began[asset] + moved == now[asset], asset
    fills = [fill for _, fill in told["executions"]]
    worth = sum((fill.price * fill.qty * (1 if fill.side == SELL else -1) for fill in fills), Decimal(0))
    fees = sum((fill.fee or Decimal(0) for fill in fills if fill.fee_asset == "USDT"), Decimal(0))
    assert now["USDT"] - began["USDT"] == worth - fees
    ids = [fill.id for fill in fills]
    assert len(set(ids)) == len(ids)
    counts = {one.client_id: 0 for one in told["orders"]}
    for one in told["orders"]:
        counts[one.client_id] += 1
    assert set(counts.values()) == {1}, "each was sent once"


@each_venue
def test_the_same_seed_gives_the_same_ledger_and_another_seed_another(name: str) -> None:
    """If this failed, a run that found a defect could not be run again."""
    first, again, other = (msgspec.json.encode(lived(name, seed)[0]) for seed in (8, 8, 9))
    assert first == again
    assert first != other


def test_the_ledger_and_foreign_hands_are_reached_by_the_control_port() -> None:
    """If this failed, a checker in another process could count only what it was told."""
    name = NAMES[0]
    city = City([name], World(1, usual([name]), START_NS), Still(), seeded(1))

    def control(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        sent = b"" if body is None else msgspec.json.encode(body)
        reply = answered(city, Request(method, "control", path, headers=Headers([("Host", "127.0.0.1:1")]), body=sent))
        return reply.status, msgspec.json.decode(reply.body)

    order = {"symbol": SPOT, "side": "sell", "type": "limit", "client_id": "", "qty": "0.001", "price": "40000"}
    status, said = control("POST", "/_sim/hand", {"venue": name, "op": "place", "asked": order})
    assert (status, said["report"]["status"]) == (200, "filled")
    status, told = control("GET", f"/_sim/truth/{name}")
    assert (status, told["orders"][0]["how"], len(told["executions"])) == (200, "hand", len(said["fills"]))
    assert control("POST", "/_sim/hand", {"venue": name, "op": "book", "asked": {}})[0] == 400
    assert control("POST", "/_sim/hand", {"venue": name, "op": "place", "asked": {**order, "side": 3}})[0] == 400
    assert control("POST", "/_sim/revoke", {"venue": name, "key": city.keys[name].key})[0] == 200
    assert not city.mouth(name).keyring.knows(city.keys[name].key)


def test_the_ledger_forgets_its_oldest_rows_and_finds_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a simulator that runs for weeks would fill the memory, or count what it has forgotten."""
    monkeypatch.setattr(truth, "ROWS_MOST", 3)
    ledger = truth.Truth()
    for client_id in ("a", "b", "a", "c"):
        ledger.receive(1, "k", Op.PLACE, SPOT, client_id, "", "rest")
    assert [row.client_id for row in ledger.received] == ["b", "a", "c"]
    assert [ledger.attempts(client_id) for client_id in "abcd"] == [1, 1, 1, 0]
    assert ledger.attempts("a", Op.CANCEL) == 0
