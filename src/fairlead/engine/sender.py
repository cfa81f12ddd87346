"""A question to a venue by REST: leave, build, send, judge, read; reads are repeated, nothing else ever is.

It raises only Fairlead's own errors, each saying what was asked and what came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from fairlead.core.backoff import Backoff
from fairlead.core.budget import Priority, Ticket
from fairlead.core.routes import Routes
from fairlead.engine.carrier import Carrier
from fairlead.engine.permits import Permits
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import Closed, Error, Limited, Misuse, Nonsense, NotSent, Refused, TransportError, UnknownName, cut
from fairlead.model import events
from fairlead.model.instrument import Catalog
from fairlead.wire import shapes
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Access, Ctx, Effect, Endpoint, build
from fairlead.wire.face import HttpTransport
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.http import Reply
from fairlead.wire.limits import Charge
from fairlead.wire.orders import AskAmend, AskPlace, AskPlaceMany
from fairlead.wire.signing import Signer, Stamp
from fairlead.wire.venue import Venue

TRIES_MOST = 5  # of a read
PATIENCE_MS = 60_000  # a venue that wants us to wait longer is not waited for: the error says until when
INSPECT_EVERY = 100  # replies of one kind between two searches for unknown fields
AGAIN = frozenset({Kind.LIMIT, Kind.BAN, Kind.SERVER, Kind.MAINTENANCE, Kind.CLOCK, Kind.NONCE, Kind.UNKNOWN_CODE})
REST = "rest"  # the way, as it is written down
Waiting = Callable[[], Awaitable[None]]
Sending = Callable[[Any, str], Awaitable[None]]  # (the question, "rest" or the door's name)


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
        self._venue, self._time, self._permits, self._tell, self._backoff = venue, time, permits, tell, backoff
        self._signer, self._obeys = signer, obeys
        self._carrier = Carrier(venue, routes, transport, time, permits, tell, headers, signer=signer, obeys=obeys)
        self._inspector = shapes.Inspector(INSPECT_EVERY)

    async def ask(
        self, op: Op, asked: Any, priority: Priority = Priority.DATA, *, address: str = "", patient: bool = False
    ) -> Any:
        """The answer; reads are tried again after what may pass. `address`: that one, once. `patient`: waits for the
        end of a ban, however long."""
        row = self._row(op)
        self._check_key(row)
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

    def _check_key(self, row: Endpoint[Any, Any]) -> None:
        if row.access is Access.SIGNED and self._signer is None:
            raise Misuse(f"{self._venue.name} answers {row.op} only to a key.", next="open the venue with a key")

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

    async def once(
        self,
        op: Op,
        asked: Any,
        priority: Priority,
        *,
        not_after_ms: int = 0,
        waiting: Waiting | None = None,
        sending: Sending | None = None,
    ) -> Outcome[Any]:
        """One attempt and no more: the answer, or a Fault with what became of it. `asked` may be a function of the
        Stamp that will sign, so that a fence lies as far ahead of the signature as the venue counts it.

        Not begun after `not_after_ms` on the venue's clock, nor after the question's own fence. `waiting` is awaited
        if leave must be waited for; `sending`, with the question and the way, when the next thing is to write it.

        Raises NotSent (nothing left this machine, whatever the reason), Unknown (bytes may have left), Misuse (it
        cannot be asked; nothing left), and what the two hooks raise. Cancelled after `sending`, nobody knows."""
        row = self._row(op)
        self._check_key(row)
        make = asker(asked)
        charges = row.cost(make(self._time.stamp()))
        ticket = await self._leave(row, charges, priority, not_after_ms, waiting)
        at = self._time.stamp()
        question = make(at)
        request = build(row, question, self.ctx, self._venue.encode)
        if sending is not None:
            await sending(question, REST)
        reply, fault = await self._carrier.carry(
            row, question, request, ticket, at=at, too_late=lambda: is_late(self._time, last_ms(not_after_ms, question))
        )
        if fault is not None:
            return fault
        try:
            answer = row.read(reply.body, question, self.ctx)
        except Exception as wrong:  # noqa: BLE001 - whatever reading stumbles over, the venue has had the request
            return self._unreadable(row, reply, wrong)
        self._inspect(row, reply.body)
        return answer

    async def _leave(
        self,
        row: Endpoint[Any, Any],
        charges: tuple[Charge, ...],
        priority: Priority,
        not_after_ms: int,
        waiting: Waiting | None,
    ) -> Ticket:
        most_ms = max(0, not_after_ms - self._time.now_ns() // MS) if not_after_ms else None
        rests_ms = self._permits.rests_ms(charges)
        if rests_ms > (PATIENCE_MS if most_ms is None else most_ms):
            raise NotSent(
                f"{row.op} was not sent: {self._venue.name} wants quiet for {rests_ms / 1000:.0f} s.",
                known="an earlier answer said so; not one byte left this machine",
                next="ask anew after that",
            )
        try:
            return await self._permits.take(charges, priority, most_ms=most_ms, waiting=waiting)
        except TimeoutError:
            said = f"{row.op} was not sent: it waited for leave until it was too late."
            raise NotSent(said, known="our own budgets kept it back; not one byte left this machine") from None
        except (Closed, Limited) as kept:
            raise NotSent(kept.said, known=kept.known, next=kept.next) from None

    def heed(self, op: Op, asked: Any, fault: Fault) -> None:
        """A refusal that came another way than by REST teaches the same."""
        if op in self._venue.endpoints:
            self._carrier.learn(self._venue.endpoints[op], asked, fault)

    def _unreadable(self, row: Endpoint[Any, Any], reply: Reply, wrong: Exception) -> Fault:
        """The venue said neither yes nor no."""
        if not isinstance(wrong, (msgspec.DecodeError, shapes.Nonsense)):
            what = cut(f"{type(wrong).__name__}: {wrong}")
            where = f"the answer to {row.op}"
            self._tell(events.Blunder(venue=self._venue.name, at_ns=self._time.now_ns(), where=where, what=what))
        said = f"no answer that makes sense: {cut(reply.body)}"
        return Fault(Kind.UNKNOWN_CODE, Fate.UNKNOWN, said=said, status=reply.status)

    async def _once(self, row: Endpoint[Any, Any], asked: Any, priority: Priority, address: str) -> Any:
        ticket = await self._permits.take(row.cost(asked), priority)
        request = build(row, asked, self.ctx, self._venue.encode)
        reply, fault = await self._carrier.carry(row, asked, request, ticket, address=address)
        if fault is not None:
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

    def _refusal(self, row: Endpoint[Any, Any], fault: Fault) -> Exception:
        """The venue's no as an error; as a passing one where another try makes sense."""
        wait_ms = self._carrier.wait_ms(fault)
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


def asker(asked: Any) -> Callable[[Stamp], Any]:
    """A question as a function of the moment it is asked at."""
    return asked if callable(asked) else lambda _: asked


def last_ms(not_after_ms: int, asked: Any) -> int:
    """When it is too late, on the venue's clock: by the caller's deadline or the question's own fence; 0: never."""
    if isinstance(asked, AskPlaceMany):
        fences = [one.until_ms for one in asked.orders]
    else:
        fences = [asked.until_ms] if isinstance(asked, (AskPlace, AskAmend)) else []
    return min([end for end in (not_after_ms, *fences) if end], default=0)


def is_late(time: VenueTime, end_ms: int) -> bool:
    return bool(end_ms) and time.now_ns() // MS > end_ms


class _Passing(Exception):
    """A refusal that may become another answer in a while."""

    def __init__(self, error: Error, wait_ms: int) -> None:
        super().__init__(error.said)
        self.error, self.wait_ms = error, wait_ms
