"""A recording heard through a venue's conversations: frames in, what became of them out, line by line.

`book` lines are changes applied, `waiting` such as wait for the whole, `ignored` such as are too old; `gap` and
`anomaly` are what the live engine would mend; `trade`, `quote` and so on are passed on. At the end `unused` counts the
frames nothing came of (heartbeats, topics that were not named) and a `book_state` tells each book, ten levels a side.
Its texts have the decimals that the instrument declares; without --instruments, the most that the first whole book was
written with; more where a later text needed more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fairlead.cli.ears import AccountEar, Ear, ear, states
from fairlead.cli.frames import HEARD, REPLY, Frame, answers
from fairlead.cli.survey import surveyed
from fairlead.cli.topics import ACCOUNT
from fairlead.errors import cut
from fairlead.model.instrument import Catalog
from fairlead.wire.conversation import Conversation, Need, Odd, Ready, Topic, Word
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Access, Ctx
from fairlead.wire.limits import Charge
from fairlead.wire.printed import plain
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from fairlead.wire.venue import Venue


def heard(venue: Venue, topics: Sequence[Topic], catalog: Catalog | None, frames: Sequence[Frame]) -> Iterator[Any]:
    """All lines, from the notes on what was guessed to the books at the end."""
    survey = surveyed(venue, topics, catalog, frames)
    for note in survey.notes:
        yield {"type": "note", "said": note}
    listener = Listener(venue, survey.topics, survey.catalog)
    yield from listener.told()
    unused, sample = 0, ""
    for frame in frames:
        lines = listener.take(frame)
        if lines:
            yield from lines
        elif frame.dir == HEARD:
            unused, sample = unused + 1, sample or cut(frame.raw)
    if unused:
        yield {"type": "unused", "frames": unused, "sample": sample}
    yield from states(listener.ears)


class Listener:
    """One conversation for each door that the topics need; a recording may be of any of them."""

    def __init__(self, venue: Venue, topics: Sequence[Topic], catalog: Catalog) -> None:
        self._venue, self._catalog = venue, catalog
        self._lines: list[Any] = []
        self._ears: dict[Topic, Ear] = {}
        one: Ear
        self._conversations: list[Conversation] = []
        by_door: dict[str, tuple[Door, list[Topic]]] = {}
        for topic in topics:
            door = venue.door_for(topic.kind, topic.detail)
            assert door is not None, "topics are read for kinds that the venue streams"
            told = self._lines.append
            if topic.kind in ACCOUNT:
                topic, one = Topic(topic.kind), AccountEar(told)
            else:
                one = ear(venue.name, topic, door, catalog.theirs(topic.symbol), told)
            by_door.setdefault(door.name, (door, []))[1].append(topic)
            self._ears[topic] = one
        for door, some in by_door.values():
            signer = Nobody(venue.key_kinds) if door.access is Access.SIGNED else None
            conversation = door.speak(Ctx(catalog), signer, _Out(self._lines), Inspector(1))
            conversation.open(Stamp())
            conversation.join([(topic, self._ears[topic].lane) for topic in some], Stamp())
            self._conversations.append(conversation)

    @property
    def ears(self) -> tuple[Ear, ...]:
        return tuple(self._ears.values())

    def told(self) -> list[Any]:
        """What was said since the last time."""
        lines, self._lines[:] = list(self._lines), []
        return lines

    def take(self, frame: Frame) -> list[Any]:
        if frame.dir == HEARD:
            return self._receive(frame)
        if frame.dir == REPLY:
            self._supply(frame)
        return self.told()

    def _receive(self, frame: Frame) -> list[Any]:
        """What is odd to one conversation is another's business."""
        told = []
        for conversation in self._conversations:
            conversation.receive(frame.raw.encode(), frame.seen_ns)
            told.append(self.told())
        useful = [lines for lines in told if not all(_is_odd(line) for line in lines)]
        return [line for lines in (useful or told[:1]) for line in lines]

    def _supply(self, frame: Frame) -> None:
        found = next(iter(answers(self._venue, self._ears, self._catalog, frame)), None)
        if found is None:
            self._lines.append({"type": "odd", "what": "a reply that fits no topic", "sample": cut(frame.raw)})
        else:
            topic, said = found
            self._ears[topic].answer(said)

    def __repr__(self) -> str:
        return f"<Listener to {', '.join(map(str, self._ears))}>"


class Nobody:
    """Whoever it was that logged in when this was recorded: what it signs goes nowhere."""

    key_id = "nobody"

    def __init__(self, kinds: Sequence[str]) -> None:
        self.algorithm = kinds[0].partition(":")[0]

    def sign(self, message: bytes) -> bytes:
        return b""

    def part(self, name: str) -> str:
        return ""


class _Out:
    """What conversations speak into: words are lines; what they would send has nowhere to go."""

    def __init__(self, lines: list[Any]) -> None:
        self._lines = lines

    def event(self, word: Word) -> None:
        if isinstance(word, Odd):
            self._lines.append({"type": "odd", "what": word.what, "sample": cut(word.sample)})
        elif not isinstance(word, Ready):
            self._lines.append(plain(word) | _topic_of(word))

    def frame(self, text: bytes, cost: tuple[Charge, ...] = (), tag: str = "") -> None:
        """Recorded venues do not listen."""

    def need(self, need: Need) -> None:
        self._lines.append(need)


def _topic_of(word: Word) -> dict[str, str]:
    return {"topic": str(word.topic)} if hasattr(word, "topic") else {}


def _is_odd(line: Any) -> bool:
    return isinstance(line, dict) and line["type"] == "odd"
