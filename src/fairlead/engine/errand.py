"""A request that may go out at most once: by the venue's socket where one is up, else by REST; never by both.

Whoever sends it is asked before each attempt to write it down; without a word from there not a byte leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairlead.core.budget import Priority
from fairlead.engine.sender import Sender, Sending, Waiting, asker, is_late, last_ms
from fairlead.engine.stream import Stream
from fairlead.engine.timing import VenueTime
from fairlead.errors import NotSent
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fault, Outcome


class Errands:
    """Of one venue and account."""

    def __init__(self, sender: Sender, streams: Sequence[Stream], time: VenueTime) -> None:
        self._sender, self._streams, self._time = sender, streams, time

    async def run(
        self,
        op: Op,
        asked: Any,
        priority: Priority,
        *,
        not_after_ms: int = 0,
        waiting: Waiting | None = None,
        sending: Sending | None = None,
    ) -> Outcome[Any]:
        """As Sender.once, which see; by socket `waiting` is never called, since SENDING is written at once. Where the
        socket failed before a byte left, REST is tried, and `sending` called anew with the fence of that attempt."""
        for stream in self._streams:
            if op in stream.door.calls and stream.caller() is not None:
                try:
                    return await self._by_socket(stream, op, asked, priority, not_after_ms, sending)
                except NotSent:
                    if is_late(self._time, not_after_ms):
                        raise
        return await self._sender.once(op, asked, priority, not_after_ms=not_after_ms, waiting=waiting, sending=sending)

    async def _by_socket(
        self, stream: Stream, op: Op, asked: Any, priority: Priority, not_after_ms: int, sending: Sending | None
    ) -> Outcome[Any]:
        at = self._time.stamp()
        question = asker(asked)(at)
        if sending is not None:
            await sending(question, stream.door.name)
        outcome = await stream.call(op, question, at, priority, last_ms(not_after_ms, question))
        if isinstance(outcome, Fault):
            self._sender.heed(op, question, outcome)
        return outcome

    def __repr__(self) -> str:
        up = [stream.door.name for stream in self._streams if stream.door.calls and stream.caller() is not None]
        return f"<Errands by {', '.join([*up, 'rest'])}>"
