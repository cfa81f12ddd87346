"""One connection while it is open: its link, its conversation, and the frames that wait for leave; it never dials.

Calls do not stand in that queue: each asks for leave with its own priority, before any subscription (engine/calls).

Each connection has its own: what an old link still says while it closes cannot reach the next connection."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from fairlead.core.budget import Priority
from fairlead.engine.calls import Calls
from fairlead.engine.permits import Permits
from fairlead.engine.timing import VenueTime
from fairlead.wire.conversation import Answer, Call, Conversation, Lane, Need, Odd, Out, Topic, Word
from fairlead.wire.face import WsLink
from fairlead.wire.faults import Outcome
from fairlead.wire.limits import Charge
from fairlead.wire.signing import Stamp

QUEUE_MOST_FRAMES = 4_096  # frames waiting for leave to be sent; a conversation that asks for more is broken


class Hearer(Protocol):
    """Whose connection it is."""

    heard_ns: int  # monotonic: the last frame

    def converse(self, out: Out) -> Conversation: ...
    def event(self, word: Word) -> None: ...
    def need(self, need: Need) -> None: ...
    def blame(self, blunder: Exception) -> None: ...


class Talk:
    """A WsListener. `over` is set when it is of no more use."""

    def __init__(self, hearer: Hearer, time: VenueTime, shared: Permits, own: Permits) -> None:
        self.over, self._gone = asyncio.Event(), asyncio.Event()
        self.code, self.why = 1006, ""
        self._hearer, self._time, self._shared, self._own = hearer, time, shared, own
        self._link: WsLink | None = None
        self._conversation: Conversation | None = None
        self._receive: Callable[[bytes, int], None] = _deaf
        self._queue: deque[tuple[bytes, tuple[Charge, ...]]] = deque()
        self._asking = self._pumping = False
        self._calls = Calls(time, shared, own, self._write)

    def carry(self, link: WsLink) -> None:
        """The dial has returned: what was said since may go out."""
        self._link = link
        if self.over.is_set():
            link.close(1000)
        self._pump()

    @property
    def is_carried(self) -> bool:
        return self._link is not None

    async def closing(self) -> None:
        """Returns when its link, if there ever was one, has closed."""
        if self._link is not None:
            await self._gone.wait()

    def end(self, why: str) -> None:
        """Of no more use from here on; the link is left to close by itself."""
        if self.over.is_set():
            return
        self.why = self.why or why
        self._conversation, self._receive = None, _deaf
        self._queue.clear()
        self._calls.end(self.why)
        self._own.close()
        self.over.set()
        if self._link is not None:
            self._link.close(1000)

    # ---- the socket (WsListener)

    def opened(self) -> None:
        if not self.over.is_set():  # the first frames may come before the dial returns
            self._guarded(self._open)

    def frame(self, payload: bytes, seen_ns: int) -> None:
        self._hearer.heard_ns = seen_ns
        try:
            self._receive(payload, seen_ns + self._time.ahead_ns)
        except Exception as blunder:  # noqa: BLE001 - a conversation never raises; one that does is told and replaced
            self._failed(blunder)

    def closed(self, code: int, reason: str) -> None:
        if not self.over.is_set():
            self.code = code
            self.end(f"closed by the venue: {code} {reason}".rstrip())
        self._gone.set()

    # ---- what its owner says

    def join(self, topics: Sequence[tuple[Topic, Lane]]) -> None:
        self._speak(lambda conversation: conversation.join(topics, self._time.stamp()))

    def leave(self, topic: Topic) -> None:
        self._speak(lambda conversation: conversation.leave([topic], self._time.stamp()))

    def renew(self, topic: Topic) -> None:
        self._speak(lambda conversation: conversation.renew(topic, self._time.stamp()))

    def supply(self, need: Need, answer: object) -> None:
        self._speak(lambda conversation: conversation.supply(need, answer, self._time.stamp()))

    def call(self, call: Call, at: Stamp, priority: Priority, not_after_ms: int) -> asyncio.Future[Outcome[Any]]:
        """What the venue answers, or NotSent or Unknown; `at` is the moment that the question's fence was set by."""
        answer = self._calls.begin(call.tag, priority, not_after_ms)
        if not answer.done():
            self._speak(lambda conversation: conversation.call(call, at))
        return answer

    @property
    def calling(self) -> int:
        """How many calls have no answer yet."""
        return self._calls.count

    def tick(self) -> None:
        self._speak(lambda conversation: conversation.tick(self._time.stamp()))

    # ---- inside

    def _open(self) -> None:
        conversation = self._conversation = self._hearer.converse(Mouth(self))
        self._receive = conversation.receive
        conversation.open(self._time.stamp())

    def _speak(self, call: Callable[[Conversation], None]) -> None:
        if self._conversation is not None:
            self._guarded(partial(call, self._conversation))

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as blunder:  # noqa: BLE001 - as in `frame`
            self._failed(blunder)

    def _failed(self, blunder: Exception) -> None:
        self._hearer.blame(blunder)
        self.end("an error of ours")

    # ---- the conversation (see Mouth)

    def hear(self, word: Word) -> None:
        if not isinstance(word, Answer):
            self._hearer.event(word)
        elif not self._calls.answered(word):  # the second to one call, or after it was given up
            self._hearer.event(Odd("an answer to no call that waits for one", word.tag.encode()))

    def want(self, need: Need) -> None:
        self._hearer.need(need)

    def send(self, text: bytes, cost: tuple[Charge, ...], tag: str) -> None:
        if self.over.is_set():
            return
        if tag:
            self._calls.frame(tag, text, cost)
            return
        if len(self._queue) >= QUEUE_MOST_FRAMES:
            self.end(f"{QUEUE_MOST_FRAMES} frames wait to be sent")
            return
        self._queue.append((text, cost))
        self._pump()

    def _pump(self) -> None:
        """Sends the frames in their order, each as soon as its budgets allow: the connection's own, then the shared."""
        if self._pumping or self._link is None:
            return
        self._pumping = True
        while self._queue and not self._asking:
            self._asking = True
            charges = self._queue[0][1]
            own = tuple(charge for charge in charges if charge.budget in self._own.names)
            shared = tuple(charge for charge in charges if charge.budget not in self._own.names)
            self._own.ask(own, Priority.DATA, partial(self._ask_shared, shared) if shared else self._send_next)
        self._pumping = False

    def _ask_shared(self, charges: tuple[Charge, ...]) -> None:
        self._shared.ask(charges, Priority.DATA, self._send_next)

    def _send_next(self) -> None:
        self._asking = False
        if self._queue and self._link is not None:
            self._link.send(self._queue.popleft()[0])
            self._pump()

    def _write(self, text: bytes) -> None:
        if self._link is not None:
            self._link.send(text)

    def __repr__(self) -> str:
        state = "over" if self.over.is_set() else "dialled" if self._link is None else "open"
        return f"<Talk {state}, {len(self._queue)} frames waiting: {self._conversation!r}>"


class Mouth:
    """What a conversation speaks into: its connection, under the contract's names."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.event, self.need = talk.hear, talk.want

    def frame(self, text: bytes, cost: tuple[Charge, ...] = (), tag: str = "") -> None:
        self._talk.send(text, cost, tag)


def _deaf(payload: bytes, seen_ns: int) -> None:
    """What comes before the conversation, or after its end, is nobody's."""
