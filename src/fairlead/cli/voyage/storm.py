"""A storm at work: each trouble of a voyage begins at its time and ends at its own; it judges nothing."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Protocol

from fairlead.cli.voyage.checker import MS
from fairlead.cli.voyage.hull import Hull
from fairlead.cli.voyage.paper import Paper
from fairlead.cli.voyage.troubles import Trouble
from fairlead.io import failpoint
from fairlead.io.clock import VirtualClock
from fairlead.model.numbers import unfixed
from fairlead.model.orders import BUY, OrderType
from fairlead.sim.city import City
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskCancel, AskPlace


class Ship(Protocol):
    """What a storm meets: the program that lives now, and who starts it again. `ashore`: tasks that outlive it."""

    hull: Hull | None
    ashore: set[asyncio.Task[Any]]

    def struck(self, trouble: Trouble) -> None: ...
    def restart(self) -> None: ...
    async def second(self) -> None: ...


class Storm:
    def __init__(self, ship: Ship, city: City, clock: VirtualClock, paper: Paper) -> None:
        self._ship, self._city, self._clock, self._paper = ship, city, clock, paper
        self._begin_ns = clock.mono_ns()

    async def blow(self, troubles: tuple[Trouble, ...]) -> None:
        strikes = []
        for trouble in troubles:
            wait_ms = trouble.at_ms - (self._clock.mono_ns() - self._begin_ns) // MS
            await self._clock.sleep(max(0, wait_ms) / 1_000)
            self._ship.struck(trouble)
            for rule in trouble.rules:
                self._city.mishaps.add(rule)
            if not trouble.rules:
                strike = asyncio.get_running_loop().create_task(self._strike(trouble), name=trouble.kind)
                self._ship.ashore.add(strike)
                strikes.append(strike)
        await asyncio.gather(*strikes)

    async def _strike(self, trouble: Trouble) -> None:
        """What is no rule of the simulator's."""
        match trouble.kind:
            case "maintenance":
                self._city.maintain(trouble.venue, True)
                await self._clock.sleep(trouble.lasts_ms / 1_000)
                self._city.maintain(trouble.venue, False)
            case "clock jump":
                self._clock.jump(trouble.jump_ms * MS)
            case "disk full":
                self._paper.is_full = True
                await self._clock.sleep(trouble.lasts_ms / 1_000)
                self._paper.is_full = False
            case "failed sync":
                self._paper.fails_sync = True
            case "death":
                if self._ship.hull is not None:
                    self._ship.hull.die()
            case "death at a step":
                await self._die_at(trouble)
            case "restart":
                self._ship.restart()
            case "second program":
                await self._ship.second()
            case "cancelled by hand":
                self._meddle(trouble.venue)

    async def _die_at(self, trouble: Trouble) -> None:
        """The program dies where it next comes by the place; if it does not, it lives."""
        left = trouble.count

        def reached() -> None:
            nonlocal left
            left -= 1
            if not left and self._ship.hull is not None and not self._ship.hull.is_dead:
                self._ship.hull.die_here()

        failpoint.arm(trouble.place, reached)
        await self._clock.sleep(trouble.lasts_ms / 1_000)
        failpoint.disarm()

    def _meddle(self, venue: str) -> None:
        """The account's owner cancels one of ours on the venue's own page, and places one of his own."""
        key, mouth = self._city.keys[venue].key, self._city.mouth(venue)
        for ticket in list(mouth.keyring.account(key).open.values())[:1]:
            self._city.by_hand(venue, key, Op.CANCEL, AskCancel(symbol=ticket.symbol, order_id=ticket.id))
        symbol, stall = next(iter(mouth.stalls.items()))
        instrument, (price, _) = stall.instrument, stall.market.bid
        last = unfixed(price, stall.market.listing.price_decimals)
        far = last * 8 // 10 // instrument.price_tick * instrument.price_tick
        qty = Decimal("0.001") if instrument.kind == "spot" else instrument.qty_step
        asked = AskPlace(symbol=symbol, side=BUY, type=OrderType.LIMIT, client_id="", qty=qty, price=far)
        self._city.by_hand(venue, key, Op.PLACE, asked)

    def __repr__(self) -> str:
        return f"<Storm over {self._city!r}>"
