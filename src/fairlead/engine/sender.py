"""A question to a venue by REST: leave, build, sign, send, judge, read; reads are repeated, nothing else ever is.

It raises only Fairlead's own errors, each saying what was asked and what came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec

from fairlead.core.backoff import Backoff
from fairlead.core.budget import Priority
from fairlead.core.routes import Routes
from fairlead.engine.permits import Permits
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import Error, Limited, Misuse, Nonsense, Refused, TransportError, UnknownName, cut
from fairlead.model import events
from fairlead.model.instrument import Catalog
from fairlead.wire import shapes
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Access, Ctx, Effect, Endpoint, build
from fairlead.wire.face import HttpCall, HttpTransport
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.signing import Signer
from fairlead.wire.venue import Venue

TIMEOUT_MS = 10_000
TRIES_MOST = 5  # of a read
PATIENCE_MS = 60_000  # a venue that wants us to wait longer is not waited for: the error says until when
INSPECT_EVERY = 100  # replies of one kind between two searches for unknown fields
AGAIN = frozenset({Kind.LIMIT, Kind.BAN, Kind.SERVER, Kind.MAINTENANCE, Kind.CLOCK, Kind.NONCE, Kind.UNKNOWN_CODE})
UNPUNISHED_MS = 1_000  # the pause after a refusal that names none


class Sender:
    """`ctx` may be replaced when the catalogue is renewed."""

    def __init__(
        self,
        venue: Venue,
        routes: Mapping[str, Routes],
        transport: HttpTransport,
        time: VenueTime,
        permits: Permits,
        tell: Callable[[events.Health], None],
        backoff: Callable[[], Backoff],
        headers: Mapping[str, str],
        *,
        signer: Signer | None = None,
        obeys: bool = True,
    ) -> None:
        self.ctx = Ctx(Catalog((), venue.assets))
        self._venue, self._routes, self._transport, self._time = venue, routes, transport, time
        self._permits, self._tell, self._backoff, self._headers = permits, tell, backoff, headers
        self._signer, self._obeys = signer, obeys
        self._inspector = shapes.Inspector(INSPECT_EVERY)
        self._spoken: dict[str, str] = {}  # host key -> the address used last

    async def ask(
        self, op: Op, asked: Any, priority: Priority = Priority.DATA, *, address: str = "", patient: bool = False
    ) -> Any:
        """The answer; reads are tried again after what may pass. `address`: that one, once. `patient`: waits for the
        end of a ban, however long."""
        row = self._row(op)
        if row.access is Access.SIGNED and self._signer is None:
            raise Misuse(f"{self._venue.name} answers {op} only to a key.", next="open the venue with a key")
        backoff = self._backoff()
        tries = TRIES_MOST if row.effect is Effect.READS and not address else 1
        for left in range(tries - 1, -1, -1):
            try:
                if not patient:
                    self._check_rest(row, asked)
                return await self._once(row, asked, priority, address)
            except (TransportError, _Passing, Nonsense) as failed:
                error = failed.error if isinstance(failed, _Passing) else failed
                wait_ms = max(backoff.next_ms(), failed.wait_ms if isinstance(failed, _Passing) else 0)
                if not left or wait_ms > PATIENCE_MS:
                    raise error from None
                await self._time.clock.sleep(wait_ms / 1000)
        raise AssertionError("unreachable")

    async def pages(
        self, op: Op, asked: Any, priority: Priority = Priority.HISTORY, *, patient: bool = False
    ) -> AsyncIterator[Any]:
        """The answer page by page."""
        row = self._row(op)
        question: Any = asked
        while question is not None:
            answer = await self.ask(op, question, priority, patient=patient)
            yield answer
            question = row.after(question, answer) if row.after is not None else None

    def _row(self, op: Op) -> Endpoint[Any, Any]:
        row = self._venue.endpoints.get(op)
        if row is None:
            raise UnknownName(
                f"operation of {self._venue.name}", str(op), [str(known) for known in self._venue.endpoints]
            )
        return row

    def _check_rest(self, row: Endpoint[Any, Any], asked: Any) -> None:
        wait_ms = self._permits.rests_ms(row.cost(asked))
        if wait_ms > PATIENCE_MS:
            raise Limited(
                f"{self._venue.name} wants no questions for now: {row.op} was not sent.",
                venue=self._venue.name,
                kind=Kind.BAN,
                known="an earlier answer said so",
                next=f"wait {wait_ms / 1000:.0f} s",
            )

    async def _once(self, row: Endpoint[Any, Any], asked: Any, priority: Priority, address: str) -> Any:
        ticket = await self._permits.take(row.cost(asked), priority)
        request = build(row, asked, self.ctx, self._venue.encode)
        if row.access is Access.SIGNED and self._signer is not None:
            request = self._venue.sign(request, self._signer, self._time.stamp())
        reply = await self._carry(request, address)
        self._permits.answered(ticket)
        readings = self._venue.readings(reply)
        self._heed(readings)
        fault = self._venue.fault(reply, row.op)
        if fault is not None:
            if fault.kind in (Kind.LIMIT, Kind.BAN) and not any(one.quiet_ms or one.quiet_until_ms for one in readings):
                self._heed(self._pauses(row, asked, fault))
            raise self._refusal(row, fault)
        try:
            answer = row.read(reply.body, asked, self.ctx)
            self._inspect(row, reply.body)
        except (msgspec.DecodeError, shapes.Nonsense) as nonsense:
            raise Nonsense(
                f"{self._venue.name} answered {row.op} with something that makes no sense.",
                venue=self._venue.name,
                known=f"asked {row.method} {request.path}, came {reply.status} {cut(reply.body)!r}: {nonsense}",
                next="if it goes on, the venue changed its format: report it with `fairlead wire read`",
            ) from None
        return answer

    async def _carry(self, request: Request, address: str) -> Reply:
        """To the best host and back; what it took, or that it failed, counts for the next choice."""
        routes = self._routes[request.host]
        target = address or self._choose(request.host, routes)
        call = HttpCall(request.method, target + request.target, {**self._headers, **request.headers}, request.body)
        began_ns = self._time.clock.mono_ns()
        try:
            reply = await self._transport.send(call, TIMEOUT_MS)
        except TransportError:
            routes.failed(target, self._time.clock.mono_ns())
            raise
        now_ns = self._time.clock.mono_ns()
        if reply.status >= 500:
            routes.failed(target, now_ns)
        else:
            routes.worked(target, (now_ns - began_ns) / MS, now_ns)
        return reply

    def _choose(self, host_key: str, routes: Routes) -> str:
        address = routes.best(self._time.clock.mono_ns())
        was = self._spoken.get(host_key, address)
        self._spoken[host_key] = address
        if was != address:
            self._tell(
                events.Switched(
                    venue=self._venue.name,
                    at_ns=self._time.now_ns(),
                    host_key=host_key,
                    was=was,
                    now=address,
                    why="the other failed or is slower",
                )
            )
        return address

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

    def _pauses(self, row: Endpoint[Any, Any], asked: Any, fault: Fault) -> tuple[Reading, ...]:
        """A limit that came without a reading: whatever the question was charged to rests."""
        quiet_ms, banned = self._wait_ms(fault) or UNPUNISHED_MS, fault.kind is Kind.BAN
        budgets = sorted({charge.budget for charge in row.cost(asked)})
        return tuple(Reading(budget, quiet_ms=quiet_ms, banned=banned) for budget in budgets)

    def _refusal(self, row: Endpoint[Any, Any], fault: Fault) -> Exception:
        """The venue's no as an error; as a passing one where another try makes sense."""
        wait_ms = self._wait_ms(fault)
        limited = fault.kind in (Kind.LIMIT, Kind.BAN)
        error = (Limited if limited else Refused)(
            f"{self._venue.name} refused {row.op} ({fault.kind}): {cut(fault.said) or 'no words'}",
            venue=self._venue.name,
            kind=fault.kind,
            code=fault.code,
            known=f"code {fault.code or '-'}, HTTP {fault.status or '-'}; fate {fault.fate}",
            next=f"wait {wait_ms / 1000:.0f} s" if wait_ms > 0 else "",
        )
        passes = row.effect is Effect.READS and fault.kind in AGAIN and (self._obeys or not limited)
        return _Passing(error, wait_ms) if passes else error

    def _wait_ms(self, fault: Fault) -> int:
        until_ms = fault.until_ms - self._time.now_ns() // MS if fault.until_ms else 0
        return max(0, fault.wait_ms, until_ms)

    def _inspect(self, row: Endpoint[Any, Any], body: bytes) -> None:
        if row.known and self._inspector.due(row.op):
            for field in shapes.strangers(body, row.known):
                self._tell(
                    events.Strange(
                        venue=self._venue.name,
                        at_ns=self._time.now_ns(),
                        what=f"unknown field {field} in the answer to {row.op}",
                        sample=cut(body),
                    )
                )


class _Passing(Exception):
    """A refusal that may become another answer in a while."""

    def __init__(self, error: Error, wait_ms: int) -> None:
        super().__init__(error.said)
        self.error, self.wait_ms = error, wait_ms
