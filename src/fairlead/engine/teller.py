"""The counter at which an account's business is done: what the venue tells of it is heard, what we ask goes out once.

It knows doors and connections, and nothing of orders: what is heard is folded, and what is sent is written down, by
whoever stands at the counter (engine/account)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.core.budget import Priority
from fairlead.engine.private import KINDS, Ears, PrivateFeed
from fairlead.engine.sender import Sender, Sending, Waiting, asker, is_late, last_ms
from fairlead.engine.stream import Stream
from fairlead.engine.timing import VenueTime
from fairlead.errors import Misuse, NotSent
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Access, Effect
from fairlead.wire.faults import Fault, Outcome
from fairlead.wire.venue import Venue


class Teller:
    """Of one venue and key. `feeds` are the account's topics that are heard."""

    def __init__(
        self,
        venue: Venue,
        sender: Sender,
        streams: Mapping[str, Stream],
        time: VenueTime,
        later: Callable[[int, Callable[[], None]], None],
        *,
        doubled: frozenset[str],
        has_key: bool,
    ) -> None:
        self.time, self.later = time, later
        self.feeds: dict[Topic, PrivateFeed] = {}
        self._venue, self._sender, self._streams = venue, sender, streams
        self._doubled, self._has_key = doubled, has_key

    def listen(self, ears: Ears) -> tuple[Topic, ...]:
        """Hear all that the venue tells of the account, from now on; which topics that is. Once, on an open desk."""
        self._check_key()
        for topic in map(Topic, KINDS):
            door = self._door(topic)
            if door is not None and topic not in self.feeds:
                self.feeds[topic] = PrivateFeed(self, topic, door, ears)
                self._streams[door.name].join(topic, 2 if topic.kind in self._doubled else 1)
        return tuple(self.feeds)

    def trade(self) -> None:
        """Keep the doors open through which orders go, whether anything is heard there or not."""
        self._check_key()
        for stream in self._streams.values():
            if stream.door.calls:
                stream.hold()

    async def errand(
        self,
        op: Op,
        asked: Any,
        priority: Priority,
        *,
        not_after_ms: int = 0,
        waiting: Waiting | None = None,
        sending: Sending | None = None,
    ) -> Outcome[Any]:
        """Asks at most once: what acts by socket where one is up, what only reads by REST, since a socket may only seem
        to be up, and what became of an order must not be asked where its answer was lost. For the rest see Sender.once.

        By socket `waiting` is never called, since SENDING is written at once. Where a socket failed before a byte left,
        REST is tried, and `sending` is called anew with the fence of that attempt."""
        self._check_key()
        row = self._venue.endpoints.get(op)
        streams = () if row is not None and row.effect is Effect.READS else self._streams.values()
        for stream in streams:
            if op in stream.door.calls and stream.caller() is not None:
                try:
                    return await self._by_socket(stream, op, asked, priority, not_after_ms, sending)
                except NotSent:
                    if is_late(self.time, not_after_ms):
                        raise
        return await self._sender.once(op, asked, priority, not_after_ms=not_after_ms, waiting=waiting, sending=sending)

    async def _by_socket(
        self, stream: Stream, op: Op, asked: Any, priority: Priority, not_after_ms: int, sending: Sending | None
    ) -> Outcome[Any]:
        at = self.time.stamp()
        question = asker(asked)(at)
        if sending is not None:
            await sending(question, stream.door.name)
        outcome = await stream.call(op, question, at, priority, last_ms(not_after_ms, question))
        if isinstance(outcome, Fault):
            self._sender.heed(op, question, outcome)
        return outcome

    def rejoin(self, topic: Topic) -> None:
        """A topic that was refused is asked for once more, unless a line carries it already."""
        door = self._door(topic)
        if door is not None and all(topic not in line.topics for line in self._streams[door.name].lines):
            self._streams[door.name].join(topic, 1)

    def _door(self, topic: Topic) -> Door | None:
        door = self._venue.door_for(topic.kind)
        return door if door is not None and door.access is Access.SIGNED else None

    def _check_key(self) -> None:
        if not self._has_key:
            raise Misuse(
                f"{self._venue.name} does an account's business only with a key.", next="open the venue with a key"
            )

    def __repr__(self) -> str:
        up = [name for name, stream in self._streams.items() if stream.door.calls and stream.caller() is not None]
        return f"<Teller {self._venue.name}, hears {len(self.feeds)} topics, sends by {', '.join([*up, 'rest'])}>"
