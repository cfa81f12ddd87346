"""What a recording tells of itself before it is heard: how deep its books are, how many decimals they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec import DecodeError, Raw, Struct

from fairlead.cli import catalogs
from fairlead.cli.catalogs import Decimals
from fairlead.cli.frames import HEARD, REPLY, Frame, answers
from fairlead.errors import Misuse
from fairlead.model.instrument import Catalog
from fairlead.model.numbers import decimal, decimals_of
from fairlead.testing import Recorder
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Ctx
from fairlead.wire.shapes import READERS, Inspector, LevelShape, Nonsense, Texts
from fairlead.wire.signing import Stamp
from fairlead.wire.venue import Venue

ACK_FRAMES = 100  # among so many first frames a subscription or its acknowledgement is looked for
_DEPTH = re.compile(r'"depth":\s*(\d+)').findall


class Survey(Struct, frozen=True):
    topics: tuple[Topic, ...]  # books with their depth
    catalog: Catalog
    notes: tuple[str, ...]


def surveyed(venue: Venue, topics: Sequence[Topic], catalog: Catalog | None, frames: Sequence[Frame]) -> Survey:
    """`catalog` None: instruments are made up, with the most decimals that the first whole book shows."""
    symbols = [topic.symbol for topic in topics if topic.symbol]
    known = catalog or catalogs.made(venue, symbols)
    found: list[Topic] = []
    decimals: dict[str, Decimals] = {}
    notes: list[str] = []
    for topic in topics:
        if topic.kind != "book":
            if topic.symbol:
                known.theirs(topic.symbol)
            found.append(topic)
            continue
        first = _first_whole(venue, topic, known, frames)
        if first is None:
            found.append(topic)
            continue
        settled, whole = first
        rule = _door(venue, settled).book_rule(settled.detail)
        assert rule is not None, "it is heard at a door that has one"
        bids, asks = _texts(rule.shape, whole.bids), _texts(rule.shape, whole.asks)
        if not topic.detail:
            settled = _deep(venue, settled, max(len(bids), len(asks)), frames)
            notes.append(f"{topic} is taken for {settled}")
        found.append(settled)
        seen = [_most(texts) for texts in zip(*bids, *asks, strict=True)] if bids or asks else [0, 0]
        was = decimals.get(topic.symbol, (0, 0))
        decimals[topic.symbol] = (max(was[0], seen[0]), max(was[1], seen[1]))
    if catalog is None:
        known = catalogs.made(venue, symbols, decimals)
        notes.insert(0, _guessed(known, decimals))
    return Survey(tuple(found), known, tuple(notes))


def _first_whole(venue: Venue, topic: Topic, catalog: Catalog, frames: Sequence[Frame]) -> tuple[Topic, Levels] | None:
    """The first whole book, and the depth as which it is heard."""
    door = _door(venue, topic)
    for detail in [topic.detail] if topic.detail else map(str, door.depths):
        asked = Topic("book", topic.symbol, detail)
        at = _door(venue, asked)
        rule = at.book_rule(detail)
        if rule is None or int(detail) not in door.depths:
            depths = ", ".join(map(str, sorted(door.depths)))
            raise Misuse(f"{venue.name} streams no book of depth {detail}.", next=f"it has {depths}")
        if rule.whole_from is not None:
            replies = (frame for frame in frames if frame.dir == REPLY)
            whole = next((said for frame in replies for _, said in answers(venue, [asked], catalog, frame)), None)
        else:
            whole = _streamed(at, asked, catalog, frames)
        if whole is not None:
            return asked, whole
    return None


def _streamed(door: Door, topic: Topic, catalog: Catalog, frames: Iterable[Frame]) -> Levels | None:
    out = Recorder()
    conversation = door.speak(Ctx(catalog), None, out, Inspector(1))
    conversation.open(Stamp())
    conversation.join([(topic, out.lane(topic))], Stamp())
    for frame in frames:
        if frame.dir == HEARD:
            conversation.receive(frame.raw.encode(), frame.seen_ns)
        for _, levels in out.heard:
            if levels.whole:
                return levels  # type: ignore[no-any-return]  # a book's lane carries Levels
        out.heard.clear()
    return None


def _deep(venue: Venue, topic: Topic, levels: int, frames: Sequence[Frame]) -> Topic:
    """The depth that a subscription or its acknowledgement names; else the smallest that holds so many levels."""
    door = _door(venue, topic)
    rule = door.book_rule(topic.detail)
    alike = sorted(depth for depth in door.depths if door.book_rule(str(depth)) == rule)
    told = [int(text) for frame in islice(frames, ACK_FRAMES) for text in _DEPTH(frame.raw)]
    named = [depth for depth in told if depth in alike and depth >= levels]
    fitting = [depth for depth in alike if depth >= levels]
    return Topic("book", topic.symbol, str(next(iter(named or fitting or alike[-1:]))))


def _door(venue: Venue, topic: Topic) -> Door:
    door = venue.door_for(topic.kind, topic.detail)
    assert door is not None, "topics are read for kinds that the venue streams"
    return door


def _texts(shape: LevelShape, side: Raw) -> Texts:
    """What is unreadable shows nothing: when the book is heard, it is told so."""
    try:
        return READERS[shape](side)
    except (DecodeError, Nonsense):
        return []


def _most(texts: Iterable[str]) -> int:
    """The most decimals that any of these was written with."""
    return max((_written(text) for text in texts), default=0)


def _written(text: str) -> int:
    if text.lstrip("-").replace(".", "", 1).isdigit():
        return len(text.partition(".")[2])
    try:
        return decimals_of(decimal(text))
    except ValueError:
        return 0  # no number: when the book is heard, it is told so


def _guessed(catalog: Catalog, decimals: dict[str, Decimals]) -> str:
    if not len(catalog):
        return "without --instruments, and without a symbol named, the venue's names stay as they are"
    parts = []
    for one in catalog:
        price, qty = decimals.get(one.symbol, catalogs.DECIMALS)
        how = "the most seen in its first whole book" if one.symbol in decimals else "for want of a whole book"
        parts.append(f"{one.symbol} has {price} (price) and {qty} (quantity) decimals, {how}")
    return "without --instruments the venue's names are guessed; " + "; ".join(parts)
