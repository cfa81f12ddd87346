"""What goes wrong between a venue and one client: mishaps done to events, frames and ears; it words nothing itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from fairlead.model.instrument import Catalog
from fairlead.sim.mishaps import MS_NS, Handle, Mishaps
from fairlead.sim.rules import Match, Moment
from fairlead.sim.spoils import BYTES, HUGE_BYTES, Crooked, corrupted, crossed, estranged, haunted, misdated, swapped
from fairlead.sim.twists import renumbered, rewound
from fairlead.wire.conversation import Topic
from fairlead.wire.mirror import Depth, Execution

NOWHERE = Topic("")  # of what is said of no topic: acknowledgements, heartbeats


class Wire(Protocol):
    """The way to the client; after the end, calls do nothing."""

    def frame(self, text: bytes) -> None: ...
    def ping(self, payload: bytes) -> None: ...
    def close(self, code: int, why: str) -> None: ...
    def reset(self) -> None: ...  # broken, without a close
    def malformed(self, how: str) -> None: ...  # rsv or utf8: a frame that breaks RFC 6455


class Meddler:
    """Of one connection, which `here` places."""

    def __init__(self, mishaps: Mishaps, venue: str, here: Match, catalog: Catalog, wire: Wire) -> None:
        self._mishaps, self._venue, self._here = mishaps, venue, here
        self._catalog, self._wire = catalog, wire
        self._is_deaf = self._is_denied = False
        self._event: tuple[Topic, Any] | None = None  # to be told after the next one
        self._stuck: set[Topic] = set()  # books of which nothing is told until they are subscribed to anew
        self._late: deque[tuple[int, bytes]] = deque()  # frames and when they go out, in order
        self._delayed: list[tuple[int, bytes]] = []  # likewise, overtaken by others

    def hears(self, frame: bytes) -> bytes | None:
        """What the venue gets to hear; until `heard` its answers are meddled with too. None: nothing."""
        for handle in self._struck(Moment.HEAR):
            if handle.rule.action == "ignore":
                return None
            self._is_deaf |= handle.rule.action == "deafen"
            self._is_denied |= handle.rule.action == "deny"
        return estranged(frame, self._catalog) if self._is_denied else frame

    def heard(self) -> None:
        self._is_deaf = self._is_denied = False

    def events(self, topic: Topic, event: Any) -> Sequence[tuple[Topic, Any]]:
        """What is told in its stead."""
        if topic in self._stuck and not self._loosened(topic, event):
            return ()
        if not self._mishaps.any_at(Moment.TELL) and self._event is None:
            return ((topic, event),)
        copies, again = 1, list[tuple[Topic, Any]]()
        for handle in self._struck(Moment.TELL, topic):
            match handle.rule.action:
                case "drop" | "mute":
                    copies = 0
                case "stick" if isinstance(event, Depth) and not event.whole:
                    self._stuck.add(topic)
                    copies = 0
                case "gap" if isinstance(event, Depth) and not event.whole:
                    copies = 0
                case "cross" if isinstance(event, Depth) and not event.whole:
                    event = crossed(event)
                case "ghost" if isinstance(event, Depth) and not event.whole:
                    event = haunted(event)
                case "duplicate":
                    copies *= 2
                case "corrupt":
                    event = corrupted(event, handle.rule.args)
                case "misdate":
                    event = misdated(event, handle.rule.args)
                case "checksum" if isinstance(event, Depth):
                    event = replace(event, sight=Crooked(event.sight))
                case "renumber" if isinstance(event, Execution) and event.fill is not None:
                    again.append((topic, renumbered(event, event.fill)))
                case "rewind" if isinstance(event, Execution):
                    event = rewound(event)
                case "reorder" if self._event is None:
                    self._event = (topic, event)
                    return ()
        held, self._event = (self._event, None) if copies else (None, self._event)
        return (*[(topic, event)] * copies, *again, *([held] if held else ()))

    def _loosened(self, topic: Topic, event: Any) -> bool:
        """How things stand is told once to whoever subscribes: then a stuck channel goes on."""
        if isinstance(event, Depth) and event.whole:
            self._stuck.discard(topic)
        return topic not in self._stuck

    def frame(self, topic: Topic, text: bytes, now_ns: int, op: str = "") -> None:
        """Sends what is left of it, now or later; `op`: of the call that it answers."""
        if self._is_deaf:
            return
        if self._is_denied:
            text = estranged(text, self._catalog, back=True)
        late_ns, delay_ns, copies = 0, 0, 1
        for handle in self._struck(Moment.FRAME, topic, op) if self._mishaps.any_at(Moment.FRAME) else ():
            args = handle.rule.args
            match handle.rule.action:
                case "late":
                    late_ns = max(late_ns, args.ms * MS_NS)
                case "delay":
                    delay_ns = max(delay_ns, args.ms * MS_NS)
                case "swap":
                    text = swapped(text, topic.symbol, self._catalog)
                case "huge":
                    self._wire.frame(b'{"huge":"' + b"x" * (args.count or HUGE_BYTES) + b'"}')
                case "lose":
                    return
                case "double":
                    copies = 2
                case "rewrite":
                    this, _, that = args.text.partition("=>")
                    text = text.replace(this.encode(), that.encode())
                case "malformed":
                    self._wire.malformed(args.text or "rsv")
                case action:
                    text = BYTES[action](text, args)
        for _ in range(copies):
            self._send(text, now_ns, late_ns, delay_ns)

    def tick(self, now_ns: int) -> None:
        """Sends what was held back long enough."""
        while self._late and self._late[0][0] <= now_ns:
            self._wire.frame(self._late.popleft()[1])
        for due in [one for one in self._delayed if one[0] <= now_ns]:
            self._delayed.remove(due)
            self._wire.frame(due[1])

    def lives(self) -> Iterator[Handle]:
        """The mishaps of its life that strike now."""
        return self._struck(Moment.TICK)

    def _send(self, text: bytes, now_ns: int, late_ns: int, delay_ns: int) -> None:
        if delay_ns:
            self._delayed.append((now_ns + delay_ns, text))
        elif late_ns or self._late:  # what comes after late frames waits for them, also when the mishap is over
            before_ns = self._late[-1][0] if self._late else 0
            self._late.append((max(now_ns + late_ns, before_ns), text))
        else:
            self._wire.frame(text)

    def _struck(self, moment: Moment, topic: Topic = NOWHERE, op: str = "") -> Iterator[Handle]:
        if not self._mishaps.any_at(moment):
            return iter(())
        here = replace(self._here, kind=topic.kind, symbol=topic.symbol, op=op)
        return self._mishaps.struck(moment, self._venue, here)

    def __repr__(self) -> str:
        return f"<Meddler with {len(self._late)} late and {len(self._delayed)} delayed frames>"
