"""One connection's life, written once: dial, converse, watch, back off with jitter, come again; it keeps no data.

What is said on it goes to its owner (engine/stream): which topics it carries, and where their events go."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from fairlead.core.backoff import SETTLED_MS, Backoff
from fairlead.core.budget import Priority
from fairlead.engine.permits import Permits
from fairlead.engine.talk import Talk
from fairlead.engine.timing import MS, VenueTime
from fairlead.engine.way import Way
from fairlead.errors import Error, NotSent, cut
from fairlead.model import events
from fairlead.wire.conversation import (
    Broken,
    Call,
    Conversation,
    Ending,
    Joined,
    Lane,
    Missed,
    Need,
    Odd,
    Ousted,
    Out,
    Ready,
    Refused,
    Topic,
    Whole,
    Word,
)
from fairlead.wire.door import Door
from fairlead.wire.face import WsTransport
from fairlead.wire.faults import Fault, Outcome
from fairlead.wire.signing import Stamp

DIAL_TIMEOUT_MS = 10_000
FIRST_WAIT_MS, MOST_WAIT_MS = 250, 30_000  # between tries


class Owner(Protocol):
    """What a line needs from those around it."""

    door: Door
    time: VenueTime
    transport: WsTransport
    permits: Permits  # shared by all connections

    @property
    def way(self) -> Way: ...
    def backoff(self) -> Backoff: ...
    def own_permits(self) -> Permits: ...  # of one connection
    async def path(self, topics: tuple[Topic, ...]) -> str: ...
    def converse(self, line: Line, out: Out) -> Conversation: ...
    def lane(self, line: Line, topic: Topic) -> Lane: ...
    def joined(self, line: Line, topic: Topic) -> None: ...
    def refused(self, line: Line, word: Refused) -> None: ...
    def missed(self, line: Line, word: Missed) -> None: ...
    def whole(self, line: Line, topic: Topic) -> None: ...
    def ousted(self, line: Line, fault: Fault) -> None: ...
    def ending(self, line: Line, word: Ending) -> None: ...
    def retire(self, line: Line, why: str) -> None: ...
    def lost(self, line: Line) -> None: ...
    def wants(self, talk: Talk, need: Need) -> None: ...
    def odd(self, word: Odd) -> None: ...
    def tell(self, event: events.Health) -> None: ...
    def blame(self, where: str, blunder: Exception) -> None: ...
    def returns(self) -> bool: ...  # whether a lost connection is dialled again


class Line:
    """`topics` is what it carries, or shall carry as soon as it is up."""

    def __init__(self, owner: Owner, venue: str, number: int) -> None:
        self.topics: dict[Topic, None] = {}
        self.up = False  # dialled, and ready for topics
        self.heard_ns = 0  # monotonic: the last frame
        self.retiring = False
        self.number = number
        self.address = ""
        self._owner, self._venue, self._door, self._time = owner, venue, owner.door, owner.time
        self._backoff = owner.backoff()
        self._talk: Talk | None = None
        self._stopped = False
        self._again = 0
        self._born_ns = self._lost_ns = 0
        self._sick_ns = self._time.clock.mono_ns()  # since when no connection has lasted
        self._wait_ms = 0

    async def run(self) -> None:
        """Lives until `stop`, and then until it is cancelled."""
        while not self._stopped:
            talk = self._talk = Talk(self, self._time, self._owner.permits, self._owner.own_permits())
            if await self._tries(talk):
                await talk.over.wait()
                self._bury(talk)
                if not self._owner.returns():
                    return
            wait_ms = max(self._pause_ms(), self._wait_ms)
            self._wait_ms = 0
            await self._time.clock.sleep(wait_ms / 1000)

    def stop(self) -> None:
        """For good; whoever runs it cancels what it may be waiting for."""
        self._stopped = True
        self.cut("closed by us")

    async def gone(self) -> None:
        """Returns when the link of a stopped line is closed too."""
        if self._talk is not None:
            await self._talk.closing()

    def retire(self, why: str) -> None:
        """A new connection takes over before this one goes."""
        self._owner.retire(self, why)

    def cut(self, why: str) -> None:
        """Ends this connection; the line dials again unless it was stopped."""
        self.up = False
        if self._talk is not None:
            self._talk.end(why)

    # ---- topics

    def join(self, topics: list[Topic]) -> None:
        new = [topic for topic in topics if topic not in self.topics]
        self.topics.update(dict.fromkeys(new))
        if self.up and self._talk is not None and new:
            self._talk.join([(topic, self._owner.lane(self, topic)) for topic in new])

    def leave(self, topic: Topic) -> None:
        if self.topics.pop(topic, "absent") != "absent" and self.up and self._talk is not None:
            self._talk.leave(topic)

    def renew(self, topic: Topic) -> None:
        if self.up and self._talk is not None and topic in self.topics:
            self._talk.renew(topic)

    # ---- calls

    @property
    def takes_calls(self) -> bool:
        return self.up and self._talk is not None and self._talk.is_carried and not self._talk.over.is_set()

    @property
    def calling(self) -> int:
        """How many calls have no answer yet."""
        return self._talk.calling if self._talk is not None else 0

    def call(self, call: Call, at: Stamp, priority: Priority, not_after_ms: int) -> asyncio.Future[Outcome[Any]]:
        """Once; only while it takes calls."""
        if self._talk is None:
            raise NotSent(f"{self!r} has no connection.")
        return self._talk.call(call, at, priority, not_after_ms)

    def tick(self) -> None:
        """About four times a second: heartbeats, and the end of a connection that says nothing at all."""
        if self._talk is None or not self._talk.is_carried:
            return
        self._talk.tick()
        quiet_ms = (self._time.clock.mono_ns() - self.heard_ns) / MS
        if quiet_ms > self._door.quiet_ms:
            self.cut(f"nothing was heard for {quiet_ms / 1000:.0f} s")

    # ---- what its connection tells it (Hearer)

    def converse(self, out: Out) -> Conversation:
        return self._owner.converse(self, out)

    def event(self, word: Word) -> None:
        match word:
            case Joined(topic):
                self._owner.joined(self, topic)
            case Refused():
                self._owner.refused(self, word)
            case Ready():
                self._ready()
            case Ending():
                self._owner.ending(self, word)
            case Missed():
                self._owner.missed(self, word)
            case Whole(topic):
                self._owner.whole(self, topic)
            case Ousted(fault):
                self._owner.ousted(self, fault)
                self._give_up(fault)
            case Broken(fault):
                self._give_up(fault)
            case Odd():
                self._owner.odd(word)
            case _:
                raise AssertionError(f"answers are taken by the connection: {word}")

    def need(self, need: Need) -> None:
        if self._talk is not None:
            self._owner.wants(self._talk, need)

    def blame(self, blunder: Exception) -> None:
        self._owner.blame(repr(self), blunder)

    # ---- inside

    def _give_up(self, fault: Fault) -> None:
        """Of no more use as it is; another connection may be, when the venue lets one come."""
        now_ms = self._time.now_ns() // MS
        self._wait_ms = max(fault.wait_ms, fault.until_ms - now_ms if fault.until_ms else 0)
        self.cut(f"the venue says: {cut(fault.said) or fault.kind}")

    async def _tries(self, talk: Talk) -> bool:
        """Whether the connection came about."""
        try:
            await self._dial(talk)
            return True
        except Error as failed:
            self._owner.tell(self._lost_event(talk.code, failed.said))
        except Exception as blunder:  # noqa: BLE001 - told; a bug of ours must not end the line for ever
            self.blame(blunder)
        if self.up:  # it had begun to speak before the dial failed
            self._owner.lost(self)
        self.cut("the dial failed")
        return False

    async def _dial(self, talk: Talk) -> None:
        owner = self._owner
        await owner.permits.take(self._door.dial_cost, Priority.RECOVER if self._again else Priority.DATA)
        path = await owner.path(tuple(self.topics))
        self.address = address = owner.way.best()
        began_ns = self._time.clock.mono_ns()
        try:
            link = await owner.transport.dial(address + path, talk, DIAL_TIMEOUT_MS)
        except NotSent:
            owner.way.failed(address)
            raise
        self._born_ns = self.heard_ns = now_ns = self._time.clock.mono_ns()
        owner.way.worked(address, (now_ns - began_ns) / MS)
        talk.carry(link)
        after_ms = (now_ns - self._lost_ns) / MS if self._lost_ns else 0.0
        owner.tell(
            events.Connected(
                venue=self._venue,
                at_ns=self._time.now_ns(),
                door=self._door.name,
                host=address,
                again=self._again,
                after_ms=after_ms,
            )
        )
        self._again += 1

    def _pause_ms(self) -> float:
        """No longer than the trouble has lasted: an outage of seconds shall not cost half a minute."""
        sick_ms = (self._time.clock.mono_ns() - self._sick_ns) / MS
        return min(self._backoff.next_ms(), max(FIRST_WAIT_MS, sick_ms))

    def _ready(self) -> None:
        self.up = True
        topics, self.topics = list(self.topics), {}
        self.join(topics)

    def _bury(self, talk: Talk) -> None:
        """The connection is gone: whoever heard through it is told."""
        self.up = False
        self._lost_ns = self._time.clock.mono_ns()
        lived_ms = (self._lost_ns - self._born_ns) / MS
        self._backoff.worked(lived_ms)
        if lived_ms >= SETTLED_MS:
            self._sick_ns = self._lost_ns
        if not self._stopped:
            self._owner.tell(self._lost_event(talk.code, talk.why))
        self._owner.lost(self)

    def _lost_event(self, code: int, why: str) -> events.Lost:
        return events.Lost(
            venue=self._venue, at_ns=self._time.now_ns(), door=self._door.name, host=self.address, code=code, why=why
        )

    def __repr__(self) -> str:
        state = "up" if self.up else "stopped" if self._stopped else "down"
        return f"<Line {self._venue} {self._door.name} {self.number} {state}, {len(self.topics)} topics>"
