"""One connection's life, written once: dial, converse, watch, back off with jitter, come again; it keeps no data.

What is said on it goes to its owner (engine/stream): which topics it carries, and where their events go."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Protocol

from fairlead.core.backoff import Backoff
from fairlead.core.budget import Priority
from fairlead.engine.permits import Permits
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import NotSent, VenueError
from fairlead.model import events
from fairlead.wire.conversation import (
    Broken,
    Conversation,
    Ending,
    Joined,
    Lane,
    Need,
    Odd,
    Ready,
    Refused,
    Topic,
    Word,
)
from fairlead.wire.door import Door
from fairlead.wire.face import WsLink, WsTransport
from fairlead.wire.limits import Charge

DIAL_TIMEOUT_MS = 10_000
FIRST_WAIT_MS, MOST_WAIT_MS = 250, 30_000  # between tries
QUEUE_MOST_FRAMES = 4_096  # frames waiting for leave to be sent; a conversation that asks for more is broken


class Owner(Protocol):
    """What a line needs from those around it."""

    door: Door
    time: VenueTime
    transport: WsTransport
    permits: Permits  # shared by all connections

    def backoff(self) -> Backoff: ...
    def own_permits(self) -> Permits: ...  # of one connection
    def route(self) -> str: ...  # the address to dial now
    def dialled(self, address: str, took_ms: float) -> None: ...
    def undialled(self, address: str) -> None: ...
    async def path(self, topics: tuple[Topic, ...]) -> str: ...
    def converse(self, line: Line) -> Conversation: ...
    def lane(self, line: Line, topic: Topic) -> Lane: ...
    def joined(self, line: Line, topic: Topic) -> None: ...
    def refused(self, line: Line, word: Refused) -> None: ...
    def ending(self, line: Line, word: Ending) -> None: ...
    def retire(self, line: Line, why: str) -> None: ...
    def lost(self, line: Line) -> None: ...
    def wants(self, line: Line, need: Need) -> None: ...
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
        self.born_ns = 0
        self.retiring = False
        self.number = number
        self._owner, self._venue, self._door, self._time = owner, venue, owner.door, owner.time
        self._backoff = owner.backoff()
        self._link: WsLink | None = None
        self._conversation: Conversation | None = None
        self._permits = owner.own_permits()
        self._queue: deque[tuple[bytes, tuple[Charge, ...]]] = deque()
        self._asking = self._pumping = False
        self._code = 1006
        self._down = asyncio.Event()
        self._stopped = False
        self._again = 0
        self._lost_ns = 0
        self._wait_ms = 0
        self._why = ""
        self.address = ""

    async def run(self) -> None:
        """Lives until `stop`."""
        while not self._stopped:
            try:
                alive = await self._dial()
            except Exception as blunder:  # noqa: BLE001 - a bug in a conversation must not end the line for ever
                self._owner.blame(repr(self), blunder)
                alive = False
                self.cut("an error of ours")
                self._bury()
            if alive:
                await self._down.wait()
                self._bury()
                if not self._owner.returns():
                    return
            if not self._stopped:
                wait_ms = max(self._backoff.next_ms(), self._wait_ms)
                self._wait_ms = 0
                await self._time.clock.sleep(wait_ms / 1000)

    def stop(self) -> None:
        self._stopped = True
        self._permits.close()
        self.cut("closed by us")

    def retire(self, why: str) -> None:
        """A new connection takes over before this one goes."""
        self._owner.retire(self, why)

    def cut(self, why: str) -> None:
        """Ends this connection; the line dials again unless it was stopped."""
        self._why = self._why or why
        if self._link is not None:
            self._link.close(1000)
        self._down.set()

    # ---- topics

    def join(self, topics: list[Topic]) -> None:
        new = [topic for topic in topics if topic not in self.topics]
        self.topics.update(dict.fromkeys(new))
        if self.up and self._conversation is not None and new:
            lanes = [(topic, self._owner.lane(self, topic)) for topic in new]
            self._conversation.join(lanes, self._time.stamp())

    def leave(self, topic: Topic) -> None:
        if self.topics.pop(topic, "absent") != "absent" and self.up and self._conversation is not None:
            self._conversation.leave([topic], self._time.stamp())

    def renew(self, topic: Topic) -> None:
        if self.up and self._conversation is not None and topic in self.topics:
            self._conversation.renew(topic, self._time.stamp())

    def supply(self, need: Need, answer: object) -> None:
        if self._conversation is not None:
            self._conversation.supply(need, answer, self._time.stamp())

    def tick(self) -> None:
        """About four times a second: heartbeats, and the end of a connection that says nothing at all."""
        if self._conversation is None or self._link is None:
            return
        self._conversation.tick(self._time.stamp())
        quiet_ms = (self._time.clock.mono_ns() - self.heard_ns) / MS
        if quiet_ms > self._door.quiet_ms:
            self.cut(f"nothing was heard for {quiet_ms / 1000:.0f} s")

    # ---- the socket (WsListener)

    def opened(self) -> None:
        self._conversation = self._owner.converse(self)  # the first frames may come before `dial` returns

    def frame(self, payload: bytes, seen_ns: int) -> None:
        self.heard_ns = seen_ns
        conversation = self._conversation
        if conversation is not None:
            conversation.receive(payload, seen_ns + self._time.ahead_ns)

    def closed(self, code: int, reason: str) -> None:
        self._why = self._why or f"closed by the venue: {code} {reason}".rstrip()
        self._code = code
        self._down.set()

    # ---- the conversation (Out)

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
            case Broken(fault):
                self._wait_ms = fault.wait_ms
                self.cut(f"the venue says: {fault.said or fault.kind}")
            case Odd():
                self._owner.odd(word)
            case _:
                raise AssertionError(f"no calls go through {self._door.name}")

    def frame_out(self, text: bytes, cost: tuple[Charge, ...]) -> None:
        if len(self._queue) >= QUEUE_MOST_FRAMES:
            self.cut(f"{QUEUE_MOST_FRAMES} frames wait to be sent")
            return
        self._queue.append((text, cost))
        self._pump()

    def need(self, need: Need) -> None:
        self._owner.wants(self, need)

    # ---- inside

    async def _dial(self) -> bool:
        owner = self._owner
        await owner.permits.take(self._door.dial_cost, Priority.RECOVER if self._again else Priority.DATA)
        self.address = address = owner.route()
        began_ns = self._time.clock.mono_ns()
        self._down.clear()
        self._link, self._conversation = None, None
        self._why, self._code = "", 1006
        try:
            path = await owner.path(tuple(self.topics))
            link = await owner.transport.dial(address + path, self, DIAL_TIMEOUT_MS)
        except (NotSent, VenueError) as failed:
            owner.undialled(address)
            owner.tell(self._lost_event(failed.said))
            return False
        if self._stopped:
            link.close(1000)
            return False
        now_ns = self._time.clock.mono_ns()
        owner.dialled(address, (now_ns - began_ns) / MS)
        self._link, self.born_ns, self.heard_ns = link, now_ns, now_ns
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
        self._begin()
        return True

    def _begin(self) -> None:
        if self._conversation is not None:
            self._conversation.open(self._time.stamp())
        self._pump()

    def _ready(self) -> None:
        self.up = True
        topics, self.topics = list(self.topics), {}
        self.join(topics)

    def _bury(self) -> None:
        """The connection is gone: nothing of it may be used again."""
        now_ns = self._time.clock.mono_ns()
        self._backoff.worked((now_ns - self.born_ns) / MS)
        self._lost_ns = now_ns
        self._conversation, self._link, self.up = None, None, False
        self._queue.clear()
        self._permits.close()
        self._permits, self._asking = self._owner.own_permits(), False
        if not self._stopped:
            self._owner.tell(self._lost_event(self._why))
        self._owner.lost(self)

    def _lost_event(self, why: str) -> events.Lost:
        return events.Lost(
            venue=self._venue,
            at_ns=self._time.now_ns(),
            door=self._door.name,
            host=self.address,
            code=self._code,
            why=why,
        )

    def _pump(self) -> None:
        """Sends the frames in their order, each as soon as its budgets allow."""
        if self._pumping or self._link is None:
            return
        self._pumping = True
        while self._queue and not self._asking:
            self._asking = True
            shared = tuple(charge for charge in self._queue[0][1] if charge.budget not in self._permits.names)
            own = tuple(charge for charge in self._queue[0][1] if charge.budget in self._permits.names)
            then = self._send_next if not shared else partial(self._ask_shared, shared, self._link)
            self._permits.ask(own, Priority.DATA, then)
        self._pumping = False

    def _ask_shared(self, charges: tuple[Charge, ...], link: WsLink) -> None:
        self._owner.permits.ask(charges, Priority.DATA, lambda: self._send_next() if link is self._link else None)

    def _send_next(self) -> None:
        self._asking = False
        if self._queue and self._link is not None:
            self._link.send(self._queue.popleft()[0])
            self._pump()

    def __repr__(self) -> str:
        state = "up" if self.up else "stopped" if self._stopped else "down"
        return f"<Line {self._venue} {self._door.name} {self.number} {state}, {len(self.topics)} topics>"


class Mouth:
    """What a conversation speaks into: its line, under the contract's names."""

    def __init__(self, line: Line) -> None:
        self.event, self.need = line.event, line.need
        self.frame = self._frame
        self._line = line

    def _frame(self, text: bytes, cost: tuple[Charge, ...] = (), tag: str = "") -> None:
        self._line.frame_out(text, cost)
