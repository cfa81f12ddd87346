"""All connections through one door of a venue: which topic rides on which, and the change from an old one to a new one.

Make before break: where an end is announced (or enforced) the new connection is live before the old one goes."""

from __future__ import annotations

import asyncio
from functools import cached_property, partial
from typing import Any

from fairlead.core.backoff import Backoff
from fairlead.core.budget import Priority
from fairlead.engine.around import Surroundings
from fairlead.engine.line import Line
from fairlead.engine.permits import Permits
from fairlead.engine.talk import Talk
from fairlead.engine.timing import MS
from fairlead.engine.way import Way
from fairlead.errors import NotSent, cut
from fairlead.model import events
from fairlead.model.instrument import Catalog
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Call, Conversation, Ending, Lane, Missed, Need, Odd, Out, Refused, Topic
from fairlead.wire.door import Door
from fairlead.wire.faults import Fault, Outcome
from fairlead.wire.limits import Budget
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp

INSPECT_EVERY = 1_000  # frames of one shape between two searches for unknown fields
LIFE_LEAST, LIFE_MOST = 0.85, 0.95  # of the life that the venue allows: replaced then, spread by chance
OVERLAP_MOST_MS = 60_000  # a replacement that is not live after this is given up; the old one stays while it can
CLOSE_MOST_S = 3.0  # a far end that does not take its leave is not waited for longer


class Stream:
    """One door's lines. A topic rides on one line, or on `copies` of them."""

    def __init__(self, around: Surroundings, door: Door, budgets: tuple[Budget, ...]) -> None:
        self.door, self.time, self.transport, self.permits = door, around.time, around.transport, around.permits
        self._around = around
        self._own_budgets = budgets
        self._inspector = Inspector(INSPECT_EVERY)
        self._lines: dict[Line, asyncio.Task[None]] = {}
        self._heirs: dict[Line, tuple[Line, int, str]] = {}  # new -> (old, since, why)
        self._going: set[asyncio.Task[None]] = set()  # stopped, and taking their leave
        self._ends_ns: dict[Line, int] = {}
        self._catalogs: dict[Line, Catalog] = {}  # what its conversation knows
        self._numbers = self._tags = 0
        self._is_held = False

    # ---- topics

    def join(self, topic: Topic, copies: int) -> None:
        """Give the topic to as many different lines."""
        free = [line for line in self._lines if self._takes(line, topic)]
        for number in range(copies):
            line = free[number] if number < len(free) else self._open()
            line.join([topic])

    def leave(self, topic: Topic) -> None:
        for line in list(self._lines):
            if topic in line.topics:
                line.leave(topic)
                self._around.listener_of(topic).left(line)
                self._stop_idle(line)

    def _takes(self, line: Line, topic: Topic) -> bool:
        """Whether a new topic may ride on it: not on one that is about to go, or may be given up; nor on one that was
        opened before the venue listed the symbol."""
        if line.retiring or line in self._heirs or topic in line.topics or len(line.topics) >= self.door.max_topics:
            return False
        if topic.kind in self.door.alone and any((t.kind, t.symbol) == (topic.kind, topic.symbol) for t in line.topics):
            return False
        return not topic.symbol or topic.symbol in self._catalogs.get(line, self._around.ctx.catalog)

    # ---- calls

    def hold(self) -> None:
        """Keep a line open from now on, whether topics ride on it or not: orders may want to go."""
        self._is_held = True
        if not self._lines:
            self._open()

    def caller(self) -> Line | None:
        """The line that would carry a call now; one that is not about to go, where there is a choice."""
        ready = [line for line in self._lines if line.takes_calls]
        return min(ready, key=lambda line: line.retiring, default=None)

    async def call(self, op: Op, asked: Any, at: Stamp, priority: Priority, not_after_ms: int) -> Outcome[Any]:
        """What the venue answers; NotSent or Unknown as engine/calls says."""
        line = self.caller()
        if line is None:
            raise NotSent(f"No connection of {self.door.name} takes calls now.", known="nothing was sent")
        self._tags += 1
        return await line.call(Call(str(self._tags), op, asked), at, priority, not_after_ms)

    # ---- life

    def tick(self) -> None:
        now_ns = self.time.clock.mono_ns()
        for line in list(self._lines):
            line.tick()
            if self.door.life_ms and line.up and not line.retiring and now_ns > self._ends_ns.get(line, now_ns):
                self._ends_ns[line] = now_ns + OVERLAP_MOST_MS * MS  # not before that again, should it come to nothing
                self.retire(line, f"the venue ends connections after {self.door.life_ms // 3_600_000} h")
        self._inherit(now_ns)

    def retire(self, line: Line, why: str) -> None:
        """Open the replacement; the old line goes when the new one is live on every topic."""
        if line.retiring or line in self._heirs or line not in self._lines:
            return
        line.retiring = True
        heir = self._open()
        self._heirs[heir] = (line, self.time.clock.mono_ns(), why)
        heir.join(list(line.topics))

    async def close(self) -> None:
        tasks = list(self._lines.values())
        for line in list(self._lines):
            self._stop(line)
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._going:
            await asyncio.wait(self._going, timeout=CLOSE_MOST_S)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    def _open(self) -> Line:
        self._numbers += 1
        line = Line(self, self._around.name, self._numbers)
        self._lines[line] = self._around.spawn(line.run(), f"{self._around.name} {self.door.name} {self._numbers}")
        return line

    def _stop(self, line: Line) -> None:
        line.stop()
        task = self._lines.pop(line, None)
        if task is not None:
            task.cancel()  # it may be dialling, or waiting to dial again
            going = self._around.spawn(line.gone(), f"{line!r} closes")
            self._going.add(going)
            going.add_done_callback(self._going.discard)
        self._ends_ns.pop(line, None)
        self._catalogs.pop(line, None)
        change = self._heirs.pop(line, None)
        if change is not None:
            change[0].retiring = False  # the change came to nothing: the old one stays while it can

    def _stop_idle(self, line: Line) -> None:
        if not line.topics and not self._is_held:
            self._stop(line)

    def _inherit(self, now_ns: int) -> None:
        """A new line that serves all that the old one does takes its place."""
        for heir, (old, since_ns, why) in list(self._heirs.items()):
            took_ms = (now_ns - since_ns) / MS
            ready = (
                heir.up
                and not old.calling
                and all(self._around.listener_of(topic).live_on(heir) for topic in old.topics)
            )
            if ready:
                del self._heirs[heir]
                if old in self._lines:
                    self._part(old)
                self._around.tell(
                    events.Replaced(
                        venue=self._around.name, at_ns=self.time.now_ns(), door=self.door.name, why=why, took_ms=took_ms
                    )
                )
            elif took_ms > OVERLAP_MOST_MS and old in self._lines and not heir.calling:
                self._part(heir)

    def _part(self, line: Line) -> None:
        """This line goes; others carry its topics."""
        topics = list(line.topics)
        self._stop(line)
        for topic in topics:
            self._around.listener_of(topic).left(line)

    # ---- what a line asks of its owner

    @cached_property
    def way(self) -> Way:
        """Found when it is first needed: a door that nobody uses needs no address."""
        around, host_key = self._around, self.door.host
        return Way(around.name, host_key, around.routes_of(host_key), around.time, around.tell)

    def backoff(self) -> Backoff:
        return self._around.backoff()

    def own_permits(self) -> Permits:
        return Permits(self._own_budgets, self.time)

    def returns(self) -> bool:
        return self._around.mends.reconnect

    async def path(self, topics: tuple[Topic, ...]) -> str:
        known = await self._around.answer(self.door.before, None) if self.door.before is not None else None
        return self.door.path(topics, known)

    def converse(self, line: Line, out: Out) -> Conversation:
        life_ns = self.door.life_ms * MS
        self._ends_ns[line] = self.time.clock.mono_ns() + int(life_ns * self._around.rng.uniform(LIFE_LEAST, LIFE_MOST))
        self._catalogs[line] = self._around.ctx.catalog
        return self.door.speak(self._around.ctx, self._around.signer, out, self._inspector)

    def lane(self, line: Line, topic: Topic) -> Lane:
        return self._around.listener_of(topic).lane(line)

    def joined(self, line: Line, topic: Topic) -> None:
        if topic in line.topics:  # or it was let go while the acknowledgement was on its way
            self._around.listener_of(topic).joined(line)

    def refused(self, line: Line, word: Refused) -> None:
        fault = word.fault
        if word.topic not in line.topics:
            return
        self._around.tell(
            events.Denied(
                venue=self._around.name,
                at_ns=self.time.now_ns(),
                topic=str(word.topic),
                kind=fault.kind,
                code=fault.code,
                said=cut(fault.said),
            )
        )
        line.topics.pop(word.topic, None)
        self._around.listener_of(word.topic).refused(line, fault)
        if fault.wait_ms:
            self._around.later(fault.wait_ms, partial(self._again, line, word.topic))
        else:
            self._stop_idle(line)

    def missed(self, line: Line, word: Missed) -> None:
        if word.topic in line.topics:
            self._around.listener_of(word.topic).missed(line, word.why)

    def whole(self, line: Line, topic: Topic) -> None:
        if topic in line.topics:
            self._around.listener_of(topic).whole(line)

    def ousted(self, line: Line, fault: Fault) -> None:
        for topic in list(line.topics):
            self._around.listener_of(topic).ousted(line, fault)

    def _again(self, line: Line, topic: Topic) -> None:
        """A refused topic's wait is over; unless it was let go in the meantime, it is asked for once more."""
        if self._around.has(topic):
            if line in self._lines and not line.retiring:
                line.join([topic])
            elif all(topic not in other.topics for other in self._lines):
                self.join(topic, 1)
        if line in self._lines:
            self._stop_idle(line)

    def ending(self, line: Line, word: Ending) -> None:
        self._around.tell(
            events.Retiring(
                venue=self._around.name,
                at_ns=self.time.now_ns(),
                what=f"the connection {self.door.name}",
                in_ms=word.in_ms,
                why=cut(word.said),
            )
        )
        if self._around.mends.reconnect:
            self.retire(line, "the venue announced its end")

    def lost(self, line: Line) -> None:
        for topic in list(line.topics):
            self._around.listener_of(topic).left(line)

    def wants(self, talk: Talk, need: Need) -> None:
        then, failed = partial(talk.supply, need), lambda _: talk.end(f"what it needs could not be had: {need.why}")
        self._around.fetch(need.op, need.asked, then, failed)

    def odd(self, word: Odd) -> None:
        self._around.strange(word.what, word.sample)

    def tell(self, event: events.Health) -> None:
        self._around.tell(event)

    def blame(self, where: str, blunder: Exception) -> None:
        self._around.blame(where, blunder)

    def __repr__(self) -> str:
        return f"<Stream {self._around.name} {self.door.name}, {len(self._lines)} lines, {len(self._heirs)} changing>"
