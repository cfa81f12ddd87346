"""One request to a venue and its reply: signed, sent once to the best host, and heeded in what it says of limits.

It never repeats, judges no answer, and signs nothing but what it was built to ask of this venue's hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from fairlead.core.budget import Ticket
from fairlead.core.routes import Routes
from fairlead.engine.permits import Permits
from fairlead.engine.timing import MS, VenueTime
from fairlead.engine.turns import Turns
from fairlead.engine.way import Way
from fairlead.errors import NotSent, TransportError
from fairlead.model import events
from fairlead.wire.endpoint import Access, Endpoint
from fairlead.wire.face import HttpCall, HttpTransport
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.signing import Signer, Stamp
from fairlead.wire.venue import Venue

TIMEOUT_MS = 10_000
UNPUNISHED_MS = 1_000  # the pause after a refusal that names none


class Carrier:
    """`obeys`: whether the venue's wish for quiet is heeded."""

    def __init__(
        self,
        venue: Venue,
        routes: Mapping[str, Routes],
        transport: HttpTransport,
        time: VenueTime,
        permits: Permits,
        tell: Callable[[events.Health], None],
        headers: Mapping[str, str],
        *,
        signer: Signer | None,
        obeys: bool,
    ) -> None:
        self._venue, self._transport, self._time, self._permits = venue, transport, time, permits
        self._tell, self._headers, self._signer, self._obeys = tell, headers, signer, obeys
        self._ways = {key: Way(venue.name, key, route, time, tell) for key, route in routes.items()}
        self._turns = Turns(in_order=venue.nonces_rise)

    async def carry(
        self,
        row: Endpoint[Any, Any],
        asked: Any,
        request: Request,
        ticket: Ticket,
        *,
        address: str = "",
        at: Stamp | None = None,
        too_late: Callable[[], bool] = lambda: False,
    ) -> tuple[Reply, Fault | None]:
        """The reply, and what the venue refused by it. `at`: the moment that the request speaks of, which signs it;
        `too_late` is asked when nothing but the write is left to do."""
        is_signed = row.access is Access.SIGNED and self._signer is not None
        end_turn = await self._turns.take(ticket.priority) if is_signed else None
        try:
            if is_signed and self._signer is not None:
                request = self._signed(request, self._signer, at)
            if too_late():
                raise NotSent(
                    f"{row.op} was not sent: its deadline had passed.",
                    known="not one byte left this machine",
                    next="ask anew if it is still wanted",
                )
            reply = await self._send(request, address)
        finally:
            if end_turn is not None:
                end_turn()
        self._permits.answered(ticket)
        return reply, self._judged(row, asked, reply)

    def _signed(self, request: Request, signer: Signer, at: Stamp | None) -> Request:
        """Signed with a number drawn now, so that the numbers of a key leave in their order. A signature is for the
        address it was asked for: what came back changed is not sent."""
        now = self._time.stamp()
        stamp = now if at is None else msgspec.structs.replace(at, nonce=now.nonce)
        signed = self._venue.sign(request, signer, stamp)
        if (signed.method, signed.host, signed.path) != (request.method, request.host, request.path):
            raise NotSent(f"A request was signed for another address than {request.path}.", known="nothing was sent")
        return signed

    async def _send(self, request: Request, address: str) -> Reply:
        """To the best host and back; what it took, or that it failed, counts for the next choice."""
        way = self._ways[request.host]
        target = address or way.best()
        call = HttpCall(request.method, target + request.target, {**self._headers, **request.headers}, request.body)
        began_ns = self._time.clock.mono_ns()
        try:
            reply = await self._transport.send(call, TIMEOUT_MS)
        except TransportError:
            way.failed(target)
            raise
        if reply.status >= 500:
            way.failed(target)
        else:
            way.worked(target, (self._time.clock.mono_ns() - began_ns) / MS)
        return reply

    def _judged(self, row: Endpoint[Any, Any], asked: Any, reply: Reply) -> Fault | None:
        readings = self._venue.readings(reply)
        self._heed(readings)
        fault = self._venue.fault(reply, row.op)
        if fault is not None:
            self.learn(row, asked, fault, rests=not any(one.quiet_ms or one.quiet_until_ms for one in readings))
        return fault

    def learn(self, row: Endpoint[Any, Any], asked: Any, fault: Fault, *, rests: bool = True) -> None:
        """What a refusal says beside its words: of our numbers, of our clock, and of limits: where no reading came with
        one (`rests`), whatever the question was charged to rests."""
        if fault.kind is Kind.NONCE:
            self._time.nonces.doubt()
        elif fault.kind is Kind.CLOCK:
            self._time.doubt()
        elif fault.kind in (Kind.LIMIT, Kind.BAN) and rests:
            quiet_ms, banned = self.wait_ms(fault) or UNPUNISHED_MS, fault.kind is Kind.BAN
            budgets = sorted({charge.budget for charge in row.cost(asked)})
            self._heed(tuple(Reading(budget, quiet_ms=quiet_ms, banned=banned) for budget in budgets))

    def wait_ms(self, fault: Fault) -> int:
        until_ms = fault.until_ms - self._time.now_ns() // MS if fault.until_ms else 0
        return max(0, fault.wait_ms, until_ms)

    def _heed(self, readings: tuple[Reading, ...]) -> None:
        """What the venue tells of its limits; a wish for quiet is told on."""
        if not readings or not self._obeys:
            return
        now_ms = self._time.now_ns() // MS
        self._permits.told(readings)
        for reading in readings:
            wait_ms = max(reading.quiet_ms, reading.quiet_until_ms - now_ms if reading.quiet_until_ms else 0)
            if wait_ms > 0:
                self._throttled(reading.budget, wait_ms, reading.banned)

    def _throttled(self, budget: str, wait_ms: float, banned: bool) -> None:
        why = "the venue banned this address for a while" if banned else "the venue asked us to wait"
        self._tell(
            events.Throttled(
                venue=self._venue.name,
                at_ns=self._time.now_ns(),
                budget=budget,
                wait_ms=wait_ms,
                why=why,
                banned=banned,
            )
        )

    def __repr__(self) -> str:
        return f"<Carrier {self._venue.name}, {self._turns!r}>"
