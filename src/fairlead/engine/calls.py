"""The calls of one connection: requests that go out by socket, each answered once; it never sends one twice.

Of each it knows whether a byte may have left: a connection that ends before that has sent nothing, one that ends after
it leaves the fate unknown, and so does an answer that does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from fairlead.core.budget import Priority, Ticket
from fairlead.engine.permits import Permits
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import Error, Limited, Misuse, NotSent, Unknown
from fairlead.wire.conversation import Answer
from fairlead.wire.faults import Outcome
from fairlead.wire.limits import Charge

ANSWER_MS = 10_000  # what is not answered by then has an unknown fate
CALLS_MOST = 4_096  # without an answer; a connection with more is of no use to them


class Calls:
    """`write` hands bytes to the socket; the connection's own leave is asked for first, then the shared."""

    def __init__(self, time: VenueTime, shared: Permits, own: Permits, write: Callable[[bytes], None]) -> None:
        self._time, self._shared, self._own, self._write = time, shared, own, write
        self._pending: dict[str, _Pending] = {}

    def begin(self, tag: str, priority: Priority, not_after_ms: int) -> asyncio.Future[Outcome[Any]]:
        """What comes of it, or NotSent or Unknown. The conversation is told of the call after this."""
        loop = asyncio.get_running_loop()
        pending = self._pending[tag] = _Pending(priority, not_after_ms, loop.create_future())
        pending.done.add_done_callback(lambda _: self._forget(tag))
        if len(self._pending) > CALLS_MOST:
            self._fail(tag, f"{CALLS_MOST} calls wait for an answer already")
        elif self._is_late(pending):
            self._fail(tag, "its deadline had passed")
        else:
            left_ms = not_after_ms - self._time.now_ns() // MS + 1 if not_after_ms else ANSWER_MS
            pending.timers.append(loop.call_later(ANSWER_MS / 1000, self._fail, tag, f"no answer in {ANSWER_MS} ms"))
            pending.timers.append(loop.call_later(left_ms / 1000, self._lapse, tag))
        return pending.done

    def frame(self, tag: str, text: bytes, cost: tuple[Charge, ...]) -> None:
        """The conversation's bytes of a call: written with leave, unless nobody waits for the call any more."""
        pending = self._pending.get(tag)
        if pending is not None:
            own = tuple(charge for charge in cost if charge.budget in self._own.names)
            shared = tuple(charge for charge in cost if charge.budget not in self._own.names)
            go = partial(self._go, tag, text)
            self._ask(tag, self._own, own, partial(self._ask, tag, self._shared, shared, go))

    def answered(self, answer: Answer[Any]) -> bool:
        """Whether somebody waited for it."""
        pending = self._pending.get(answer.tag)
        if pending is None or pending.done.done():
            return False
        for permits, ticket in pending.tickets:
            permits.answered(ticket)
        pending.done.set_result(answer.outcome)
        self._forget(answer.tag)
        return True

    def end(self, why: str) -> None:
        for tag in list(self._pending):
            self._fail(tag, why)

    @property
    def count(self) -> int:
        return len(self._pending)

    # ---- leave

    def _ask(self, tag: str, permits: Permits, charges: tuple[Charge, ...], granted: Callable[[], None]) -> None:
        pending = self._pending.get(tag)
        if pending is None or pending.done.done():
            return
        if not charges:
            granted()
            return
        try:
            pending.tickets.append((permits, permits.ask(charges, pending.priority, granted)))
        except (Misuse, Limited) as never:  # more than is ever allowed at once, or too many wait already
            self._fail(tag, never.said.rstrip("."))

    def _go(self, tag: str, text: bytes) -> None:
        pending = self._pending.get(tag)
        if pending is None or pending.done.done():
            return
        if self._is_late(pending) and not pending.may_have_left:
            self._lapse(tag)
            return
        pending.may_have_left = True  # before the write: whatever happens in it, a byte may be gone
        self._write(text)

    def _is_late(self, pending: _Pending) -> bool:
        return bool(pending.not_after_ms) and self._time.now_ns() // MS > pending.not_after_ms

    # ---- ends

    def _lapse(self, tag: str) -> None:
        pending = self._pending.get(tag)
        if pending is not None and not pending.may_have_left:
            self._fail(tag, "it waited for leave until it was too late")

    def _fail(self, tag: str, why: str) -> None:
        pending = self._pending.pop(tag, None)
        if pending is not None and not pending.done.done():
            pending.done.set_exception(_left(why) if pending.may_have_left else _stayed(why))
            self._release(pending)

    def _forget(self, tag: str) -> None:
        """Also when whoever called was cancelled: what still waits for leave is never written then."""
        pending = self._pending.pop(tag, None)
        if pending is not None:
            self._release(pending)

    def _release(self, pending: _Pending) -> None:
        for timer in pending.timers:
            timer.cancel()
        for permits, ticket in pending.tickets:
            permits.drop(ticket)

    def __repr__(self) -> str:
        left = sum(one.may_have_left for one in self._pending.values())
        return f"<Calls {left} under way, {len(self._pending) - left} waiting for leave>"


class _Pending:
    """One call, until it is answered or given up."""

    __slots__ = ("done", "may_have_left", "not_after_ms", "priority", "tickets", "timers")

    def __init__(self, priority: Priority, not_after_ms: int, done: asyncio.Future[Outcome[Any]]) -> None:
        self.priority, self.not_after_ms, self.done = priority, not_after_ms, done
        self.may_have_left = False
        self.tickets: list[tuple[Permits, Ticket]] = []
        self.timers: list[asyncio.TimerHandle] = []


def _left(why: str) -> Error:
    return Unknown(
        f"A call went out by socket, then: {why}.",
        known="bytes may have left this machine; the venue may or may not have acted",
        next="ask the venue what became of it before sending anything like it again",
    )


def _stayed(why: str) -> Error:
    return NotSent(
        f"A call was not sent by socket: {why}.",
        known="not one byte left this machine",
        next="it may be sent again as long as it is still wanted",
    )
