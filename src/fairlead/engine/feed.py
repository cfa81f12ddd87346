"""One topic's way from its lanes to its readers: judged, put in order, timed; the frame that every kind of data shares.

A kind adds how its events are taken (engine/books, engine/flows); this file knows freshness, mending and readers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from fairlead.core.backoff import Backoff
from fairlead.core.guard import Guard
from fairlead.core.pulse import Advice, Pulse
from fairlead.engine.bus import Bus, Subscription
from fairlead.engine.line import Line
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import Refused, cut
from fairlead.model import events
from fairlead.model.instrument import Instrument
from fairlead.model.market import State
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Lane, Topic
from fairlead.wire.door import Door
from fairlead.wire.faults import Fault

T = TypeVar("T")

KEPT_ANOMALIES = 64  # of a feed, for whoever looks
JOIN_WAIT_MS = 10_000  # an acknowledgement that takes longer is asked for again


class Mends(Struct, frozen=True):
    """Which mendings are on; all of them, except in a demonstration of what happens without."""

    reconnect: bool = True
    resync: bool = True
    renew: bool = True  # a silent or late channel is subscribed again, then moved to a new connection
    guard: bool = True
    wait: bool = True  # a 429 or a ban is obeyed
    failover: bool = True


class Surroundings(Protocol):
    """What a feed needs from its market."""

    name: str
    time: VenueTime
    mends: Mends

    def tell(self, event: events.Health) -> None: ...
    def blame(self, where: str, blunder: Exception) -> None: ...
    def backoff(self) -> Backoff: ...
    def fetch(self, op: Op, asked: Any, then: Callable[[Any], None], failed: Callable[[Exception], None]) -> None: ...
    def gather(self, op: Op, asked: Any, then: Callable[[Any], None], failed: Callable[[Exception], None]) -> None: ...
    def later(self, wait_ms: int, call: Callable[[], None]) -> None: ...
    def release(self, topic: Topic) -> None: ...
    def instrument(self, symbol: str) -> Instrument: ...
    def renew_catalog(self) -> None: ...


class Feed(ABC, Generic[T]):
    """`state`, `age_ms` and `lag_ms` say how far the latest value can be trusted now."""

    latest_only = True  # what a slow reader keeps

    def __init__(self, around: Surroundings, topic: Topic, door: Door) -> None:
        self.topic, self.state = topic, State.RESYNCING
        self.last: T | None = None
        self.denied: Fault | None = None
        self.anomalies: list[tuple[str, Any]] = []
        self.counts: dict[str, int] = {}
        self._around, self._door, self._time = around, door, around.time
        self._bus: Bus[T] = Bus(around.blame)
        rule = door.book_rule(topic.detail) if topic.kind == "book" else None
        tick = float(around.instrument(topic.symbol).price_tick)
        self._guard = Guard(topic.symbol, tick, rule is not None and rule.crossed_ok)
        self._pulse = Pulse(dict(door.cadence_ms).get(topic.kind, 0))
        self._lines: dict[int, Line] = {}
        self._joined: dict[int, bool] = {}
        self._asked_ns: dict[int, int] = {}
        self._since_ns = self._time.clock.mono_ns()
        self._why = "starting"

    # ---- readers

    def subscribe(self, callback: Callable[[T], None] | None = None) -> Subscription[T]:
        subscription = Subscription(
            self._bus,
            self._let_go,
            latest=self.latest_only,
            callback=callback,
            told=self._dropped,
            about=f"{self._around.name} {self.topic}",
        )
        if self.denied is not None:
            subscription.end(self._refusal(self.denied))
        return subscription

    def close(self) -> None:
        """Readers hear the end."""
        self._bus.close()

    def _let_go(self) -> None:
        if self._bus.readers == 0 and self.denied is None:
            self._around.release(self.topic)

    def _dropped(self, count: int) -> None:
        self._tell(events.Dropped, count=count)

    @property
    def age_ms(self) -> float:
        since = self._stamp_ns()
        return (self._time.now_ns() - since) / MS if since else 0.0

    @abstractmethod
    def _stamp_ns(self) -> int:
        """The venue's time of the latest value; ours where it sends none; 0 before the first."""

    # ---- lines

    @abstractmethod
    def _take(self, line: Line) -> Lane:
        """The function that takes this topic's events of one line."""

    def lane(self, line: Line) -> Lane:
        self._lines[line.number] = line
        self._joined[line.number] = False
        self._asked_ns[line.number] = self._time.clock.mono_ns()
        return self._take(line)

    def joined(self, line: Line) -> None:
        self._joined[line.number] = True

    def left(self, line: Line) -> None:
        """The line is gone, or carries this topic no more."""
        for table in (self._lines, self._joined, self._asked_ns):
            table.pop(line.number, None)
        if not self._lines:
            self._falls(State.RESYNCING, "the connection was lost")

    def refused(self, line: Line, fault: Fault) -> None:
        """The venue does not give this topic on this line; with no line left the readers are told the end of it, and
        whoever wants it again begins anew."""
        self.left(line)
        if not self._lines and not fault.wait_ms:
            self._around.release(self.topic)
            self.denied = fault
            self._bus.close(self._refusal(fault))

    def missed(self, line: Line, why: str) -> None:
        """The venue's own numbers show a hole: begun anew on that line."""
        line.renew(self.topic)

    def whole(self, line: Line) -> None:
        """Said of accounts; a market's whole is a book's, and comes as levels."""

    def ousted(self, line: Line, fault: Fault) -> None:
        """The line ends, and comes again."""

    def _refusal(self, fault: Fault) -> Refused:
        name = self._around.name
        said = f"{name} refused {self.topic} ({fault.kind}): {cut(fault.said) or 'no words'}"
        return Refused(said, venue=name, kind=fault.kind, code=fault.code)

    def live_on(self, line: Line) -> bool:
        """Whether this line alone could serve the topic now."""
        return self._joined.get(line.number, False)

    # ---- freshness

    def tick(self) -> None:
        """About four times a second: silence, lateness, acknowledgements that never came."""
        now_ns = self._time.clock.mono_ns()
        for number, line in list(self._lines.items()):
            if not self._joined.get(number) and line.up and now_ns - self._asked_ns[number] > JOIN_WAIT_MS * MS:
                self._asked_ns[number] = now_ns
                line.renew(self.topic)
        if not any(self._joined.values()) or self.state is State.RESYNCING:
            return
        verdict = self._pulse.judge(now_ns)
        if verdict.state is State.STALE:
            if self.state is State.LIVE:
                self._falls(State.STALE, verdict.why, verdict.by_ms)
        elif self.state is State.STALE:
            self._rises()
        if verdict.state is State.STALE and self._around.mends.renew:
            self._heed(self._pulse.advice(now_ns))

    def _heed(self, advice: Advice) -> None:
        if advice is Advice.NONE:
            return
        for line in list(self._lines.values()):
            if advice is Advice.RENEW:
                line.renew(self.topic)
            else:
                line.retire(f"{self.topic} stays silent or late")
        if advice is Advice.RENEW:
            self._probe()

    def _probe(self) -> None:
        """Asks otherwise whether anything was missed, where a kind can: a quiet market is not a dead channel."""

    def _falls(self, state: State, why: str, by_ms: float = 0.0) -> None:
        if self.state is state:
            return
        if self.state is State.LIVE:
            self._since_ns = self._time.clock.mono_ns()
        self.state, self._why = state, why
        if state is State.STALE:
            self._tell(events.Stale, why=why, by_ms=by_ms)
        self._restate()

    def _rises(self) -> None:
        """Live again: told with how long it was not."""
        if self.state is State.LIVE:
            return
        was, self.state = self.state, State.LIVE
        took_ms = (self._time.clock.mono_ns() - self._since_ns) / MS
        if was is State.STALE:
            self._tell(events.Fresh, took_ms=took_ms)
        else:
            self._tell(events.Resynced, why=self._why, took_ms=took_ms)
        self._restate()

    def _restate(self) -> None:
        """Called when the state changed, for kinds whose readers hold a living value."""

    # ---- anomalies

    def _odd(self, label: str, sample: Any) -> None:
        """Kept, labelled, counted; never passed on as normal."""
        self.counts[label] = self.counts.get(label, 0) + 1
        self.anomalies.append((label, sample))
        del self.anomalies[:-KEPT_ANOMALIES]
        self._tell(events.Anomaly, label=label, sample=cut(repr(sample)))

    def _tell(self, kind: Callable[..., events.Health], **words: Any) -> None:
        self._around.tell(kind(venue=self._around.name, at_ns=self._time.now_ns(), topic=str(self.topic), **words))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._around.name} {self.topic} {self.state}, on {len(self._lines)} lines>"
