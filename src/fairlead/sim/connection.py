"""One connection to a simulated venue: its hearing's ear, its topics and its end; it knows no socket, only a Wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from fairlead.sim.harm import Said, Torn
from fairlead.sim.limiter import Who
from fairlead.sim.meddler import NOWHERE, Meddler, Wire
from fairlead.sim.mishaps import MS_NS
from fairlead.sim.mouth import Mouth
from fairlead.sim.rules import Match
from fairlead.sim.teller import Wait
from fairlead.sim.twists import answered
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Door
from fairlead.wire.mirror import Heard

GOING_AWAY, RESTART = 1001, 1012


class Square(Protocol):
    """Where connections meet the world: the city."""

    def joined(self, connection: Connection, topic: Topic) -> None: ...
    def left(self, connection: Connection, topic: Topic) -> None: ...
    def present(self, connection: Connection, topic: Topic) -> None: ...  # tells how things stand
    def gone(self, connection: Connection) -> None: ...


class Connection:
    """Its front calls `opened`, `receive`, `pong`, `ended`; the city `tell`, `tick`; its hearing the rest, as Ear."""

    def __init__(
        self, id: int, mouth: Mouth, door: Door, room: str, path: str, slot: int, ip: str, wire: Wire, square: Square
    ) -> None:
        self.id, self.mouth, self.door, self.slot, self._path = id, mouth, door, slot, path
        self.who = Who(ip, connection=str(id))
        self.topics: dict[Topic, None] = {}
        self.is_open = True
        self._wire, self._square = wire, square
        here = Match(door=door.name, host=door.host, slot=slot)
        self._here = here
        self._calls: list[tuple[int, Heard, Iterator[Wait | Torn | Said]]] = []  # under way, and when they go on
        self._meddler = Meddler(mouth.mishaps, mouth.venue.name, here, mouth.ctx.catalog, wire)
        self._topic, self._op = NOWHERE, ""  # what is being told, and which call is being answered
        self._to_present: list[Topic] = []
        self._held: list[tuple[Topic, Any]] | None = None  # what is told after the answer to a call
        self._is_answer_first = False
        self._born_ns = mouth.stamp().mono_ns
        self._end_ns = 0  # announced
        self._hearing = mouth.mirror.rooms[room](mouth.ctx, mouth.keyring, self)

    # Its front.

    def opened(self) -> None:
        self._hearing.open(self.mouth.stamp(), self._path)
        self._present()

    def receive(self, frame: bytes) -> None:
        if self.is_open:
            heard = self._meddler.hears(frame)
            if heard is not None:
                self._hearing.receive(heard, self.mouth.stamp())
            self._meddler.heard()
            self._present()

    def pong(self, payload: bytes) -> None:
        if self.is_open:
            self._hearing.pong(payload, self.mouth.stamp())

    def ended(self) -> None:
        """The wire is gone, whoever ended it."""
        if self.is_open:
            self.is_open = False
            self._square.gone(self)
            self.mouth.limiter.forget(self.who.connection)

    # The city.

    def tell(self, topic: Topic, event: Any) -> None:
        if self._held is not None:
            self._held.append((topic, event))
            return
        for one, said in self._meddler.events(topic, event):
            if self.is_open and one in self.topics:
                self._topic = one
                self._hearing.tell(one, said, self.mouth.stamp())
                self._topic = NOWHERE

    def tick(self) -> None:
        """Heartbeats, ends and what was held back; about ten times a second."""
        at = self.mouth.stamp()
        self._meddler.tick(at.mono_ns)
        for handle in self._meddler.lives():
            if handle.rule.action == "end":
                self.announce(handle.rule.args.ms)
            elif handle.rule.args.code:
                self.close(handle.rule.args.code, "cut")
            else:
                self.reset()
        for call in [one for one in self._calls if one[0] <= at.mono_ns] if self.is_open else ():
            self._calls.remove(call)
            self._go_on(*call[1:])
        if self.is_open:
            self._live(at.mono_ns)
        if self.is_open:
            self._hearing.tick(at)
            self._present()

    def announce(self, in_ms: int) -> None:
        """The venue says when it will end this connection, and does."""
        if not self._end_ns:
            at = self.mouth.stamp()
            self._end_ns = at.mono_ns + in_ms * MS_NS
            self._hearing.warn(in_ms, at)

    def reset(self) -> None:
        if self.is_open:
            self._wire.reset()
            self.ended()

    def _live(self, now_ns: int) -> None:
        life_ms, warned_ms = self.mouth.life_ms(self.door), self.mouth.warned_ms
        age_ms = (now_ns - self._born_ns) // MS_NS
        if life_ms and warned_ms and age_ms >= life_ms - warned_ms:
            self.announce(max(0, life_ms - age_ms))
        if (life_ms and age_ms >= life_ms) or (self._end_ns and now_ns >= self._end_ns):
            self.close(GOING_AWAY, "this connection has lived its time")

    # Its hearing, which speaks into this as into an Ear.

    def frame(self, text: bytes) -> None:
        self._meddler.frame(self._topic, text, self.mouth.stamp().mono_ns, self._op)

    def ping(self, payload: bytes = b"") -> None:
        self._wire.ping(payload)

    def heard(self, heard: Heard) -> None:
        """A call by socket, under the same limits and with the same answers and mishaps as by REST."""
        who = self.mouth.who(self.who.ip, heard.key_id, self.who.connection)
        # Vendors promise no order between an answer and the events that the call caused: here it is now one, now the
        # other, so that nobody gets used to either.
        self._is_answer_first = not self._is_answer_first
        self._held = [] if self._is_answer_first else None
        self._go_on(heard, self.mouth.call(heard, who, self._here))

    def join(self, topic: Topic) -> None:
        if topic not in self.topics:
            self.topics[topic] = None
            self._square.joined(self, topic)
        self._to_present.append(topic)

    def leave(self, topic: Topic) -> None:
        if topic in self.topics:
            del self.topics[topic]
            self._square.left(self, topic)

    def close(self, code: int, why: str) -> None:
        if self.is_open:
            self._wire.close(code, why)
            self.ended()

    def _go_on(self, heard: Heard, call: Iterator[Wait | Torn | Said]) -> None:
        """A call goes on until it is answered, or has to wait."""
        for step in call:
            match step:
                case Wait(ms):
                    self._release()
                    self._calls.append((self.mouth.stamp().mono_ns + ms * MS_NS, heard, call))
                    return
                case Said(outcome):
                    self._op = heard.op
                    self._hearing.say(answered(heard, outcome), outcome, self.mouth.stamp())
                    self._op = ""
                    self._release()
                    return
                case _:
                    self._release()
                    self.reset()
                    return

    def _release(self) -> None:
        """Tells what waited for an answer."""
        held, self._held = self._held or [], None
        for topic, event in held:
            self.tell(topic, event)

    def _present(self) -> None:
        """How things stand, for the topics just joined: after the hearing has finished with its acknowledgements."""
        joined, self._to_present = self._to_present, []
        for topic in joined:
            self._square.present(self, topic)

    def __repr__(self) -> str:
        state = "open" if self.is_open else "over"
        return f"<Connection {self.id} to {self.mouth.venue.name} {self.door.name}: {state}, {len(self.topics)} topics>"
