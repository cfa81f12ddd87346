"""The troubles of a voyage at work: started at their times, and when each last had a hand in a feed; it judges nothing.

A trouble touches the feeds that its rules match; what breaks a connection, or REST, touches all feeds of its venue."""

from __future__ import annotations

from fairlead.io.clock import VirtualClock
from fairlead.sim.city import City
from fairlead.sim.mishaps import Handle
from fairlead.wire.conversation import Topic
from tests.voyage.plan import Trouble

MS = 1_000_000
VENUE_WIDE = ("malformed", "swap", "deafen")  # a broken frame ends its connection; a wrong name strikes the other one
REFUSALS = ("limit", "ban")
EVERYONE = ""


class _Work:
    """One rule at work."""

    def __init__(self, handle: Handle, trouble: Trouble) -> None:
        self.handle, self.trouble = handle, trouble
        self.fired = 0
        self.struck_ns = 0  # when it last struck
        self.last_ns = 0  # when it last had a hand in anything, its tail included; 0: never

    def look(self, now_ns: int, world_ns: int) -> None:
        rule, handle = self.handle.rule, self.handle
        lasts = bool(rule.for_ms) and handle.begin_ns <= world_ns < handle.end_ns
        if handle.fired > self.fired or lasts:
            self.fired, self.struck_ns = handle.fired, now_ns
            self.last_ns = now_ns + self.trouble.tail_ms * MS

    def touches(self, venue: str, topic: Topic) -> bool:
        rule = self.handle.rule
        if rule.venue != venue:
            return False
        if rule.channel != "ws" or rule.action in VENUE_WIDE:
            return True
        return rule.match.kind in ("", topic.kind) and rule.match.symbol in ("", topic.symbol)


class Weather:
    def __init__(self, city: City, clock: VirtualClock, troubles: tuple[Trouble, ...]) -> None:
        self._city, self._clock = city, clock
        self._coming = list(troubles)
        self._works: list[_Work] = []
        self._closed: list[tuple[Trouble, int]] = []  # maintenance, and when it is over
        self._own_ns: dict[str, int] = {}  # by venue: the last touch of what is no rule
        self.begin_ns = clock.mono_ns()
        self.struck: set[str] = set()  # kinds that really did something

    def look(self) -> None:
        """Ten times a second, before anything is judged."""
        now_ns = self._clock.mono_ns()
        while self._coming and self._coming[0].at_ms * MS <= now_ns - self.begin_ns:
            self._start(self._coming.pop(0), now_ns)
        for trouble, until_ns in list(self._closed):
            self._own_ns[trouble.venue] = max(now_ns, until_ns) + trouble.tail_ms * MS
            if now_ns >= until_ns:
                self._city.maintain(trouble.venue, False)
                self._closed.remove((trouble, until_ns))
        for work in self._works:
            work.look(now_ns, self._city.now_ns())
            if work.fired:
                self.struck.add(work.trouble.kind)

    def touched_ns(self, venue: str, topic: Topic) -> int:
        """When anything last had a hand in this feed; 0: never yet."""
        last_ns = max(self._own_ns.get(venue, 0), self._own_ns.get(EVERYONE, 0))
        return max([last_ns, *(work.last_ns for work in self._works if work.touches(venue, topic))])

    def refused_ns(self, venue: str) -> int:
        """Until when a refusal by mishap could not be known: it had just struck; or it still stood, at a venue that
        never says how long to wait."""
        mouth = self._city.mouth(venue)
        words = mouth.mirror.refuse(mouth.mirror.limit(mouth.venue.budgets[0].name, 1_000)).headers
        tells = any(name.lower() == "retry-after" for name in words)
        works = [work for work in self._works if work.handle.rule.action in REFUSALS]
        mine = [work.struck_ns if tells else work.last_ns for work in works if work.handle.rule.venue == venue]
        return max(mine, default=0)

    def _start(self, trouble: Trouble, now_ns: int) -> None:
        if trouble.jump_ms:
            self._clock.jump(trouble.jump_ms * MS)
            self._own_ns[EVERYONE] = now_ns
            self.struck.add(trouble.kind)
        if trouble.closed_ms:
            self._city.maintain(trouble.venue, True)
            self._closed.append((trouble, now_ns + trouble.closed_ms * MS))
            self.struck.add(trouble.kind)
        self._works += [_Work(self._city.mishaps.add(rule), trouble) for rule in trouble.rules]

    def __repr__(self) -> str:
        return f"<Weather: {len(self._coming)} troubles to come, {len(self.struck)} kinds struck>"
