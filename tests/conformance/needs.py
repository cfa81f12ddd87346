"""What a case may need of a venue, asked of the venue's own value and mirror: no list names the venues that have it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fairlead.model.instrument import Catalog
from fairlead.sim.keys import Keyring
from fairlead.testing import Recorder
from fairlead.wire.asks import AskSymbol, Op
from fairlead.wire.conversation import Refused, Topic
from fairlead.wire.door import BookRule
from fairlead.wire.endpoint import Ctx
from fairlead.wire.http import Reply
from fairlead.wire.limits import Budget, Reading
from fairlead.wire.mirror import Heard, Mirror, Terms
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from fairlead.wire.venue import Venue
from tests.conformance.case import Case, Need
from tests.conformance.pier import Trade

WAIT_MS, UNTIL_MS = 47_000, 1_750_000_000_000  # a wait that nobody would guess
USED, LIMIT = 55, 77


class _Ear:
    """What a hearing says to nobody in particular."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def frame(self, text: bytes) -> None:
        self.frames.append(text)

    def ping(self, payload: bytes = b"") -> None:
        """Not counted: it announces nothing."""

    def heard(self, heard: Heard) -> None:
        """Nothing is called."""

    def join(self, topic: Topic) -> None:
        """Nothing is joined."""

    def leave(self, topic: Topic) -> None:
        """Nothing is left."""

    def close(self, code: int, why: str) -> None:
        """Nor is it ended."""


def _book_rule(venue: Venue) -> BookRule | None:
    """Of the book that a user gets who asks for no depth."""
    door = venue.door_for("book")
    return door.book_rule(str(door.depths[0])) if door is not None else None


def _asked(venue: Venue) -> Iterator[Budget]:
    """The budgets that asking for a ticker is charged to."""
    names = {charge.budget for charge in venue.endpoints[Op.TICKER].cost(AskSymbol("BTC/USDT"))}
    return (budget for budget in venue.budgets if budget.name in names)


def _sums(venue: Venue, _: Mirror) -> bool:
    rule = _book_rule(venue)
    return rule is not None and rule.checksum is not None


def _fetches(venue: Venue, _: Mirror) -> bool:
    rule = _book_rule(venue)
    return rule is not None and rule.whole_from is not None


def _streams(kind: str) -> Any:
    return lambda venue, _: venue.door_for(kind) is not None


def _names_wait(venue: Venue, mirror: Mirror) -> bool:
    """Whether a refusal by a limit says for how long, in a header or its words."""
    replies = [_lowered(mirror.refuse(mirror.limit(budget.name, WAIT_MS))) for budget in _asked(venue)]
    return any(wait_ms == WAIT_MS for reply in replies for wait_ms in _waits(venue, reply))


def _lowered(reply: Reply) -> Reply:
    """As a transport hands it on."""
    return replace(reply, headers={name.lower(): value for name, value in reply.headers.items()})


def _waits(venue: Venue, reply: Reply) -> Iterator[int]:
    fault = venue.fault(reply, Op.TICKER)
    if fault is not None:
        yield fault.wait_ms
    yield from (reading.quiet_ms for reading in venue.readings(reply))


def _bans(venue: Venue, mirror: Mirror) -> bool:
    return any(mirror.ban(budget.name, WAIT_MS, UNTIL_MS) is not None for budget in _asked(venue))


def _read_back(venue: Venue, mirror: Mirror) -> tuple[Reading, ...]:
    """What the venue's headers say, as we read them."""
    told = mirror.toll(tuple(Reading(budget.name, used=USED, limit=LIMIT) for budget in _asked(venue)))
    return venue.readings(_lowered(Reply(200, told, b"{}")))


def _announces(venue: Venue, mirror: Mirror) -> bool:
    door = venue.door_for("book")
    if door is None:
        return False
    ear, at = _Ear(), Stamp()
    hearing = mirror.rooms[door.name](Ctx(Catalog(())), Keyring(), ear)
    hearing.open(at, mirror.paths[door.name])
    ear.frames.clear()
    hearing.warn(WAIT_MS, at)
    return bool(ear.frames)


def _refuses(venue: Venue, mirror: Mirror) -> bool:
    """Both ends of a connection, speaking to one another about an instrument that only the client knows."""
    door = venue.door_for("book")
    if door is None:
        return False
    cent = Decimal("0.01")
    one = mirror.listing(Terms("QQQ/USDT", price_tick=cent, qty_step=cent, min_qty=cent))
    client, ear, at = Recorder(), _Ear(), Stamp()
    talk = door.speak(Ctx(Catalog((one,))), None, client, Inspector(1_000))
    hearing = mirror.rooms[door.name](Ctx(Catalog(())), Keyring(), ear)
    hearing.open(at, mirror.paths[door.name])
    talk.open(at)
    topic = Topic("book", one.symbol, str(door.depths[0]))
    for step in range(3):
        if step == 1:
            talk.join([(topic, client.lane(topic))], at)
        for frame in _taken(client.frames):
            hearing.receive(frame, at)
        for frame in _taken(ear.frames):
            talk.receive(frame, 1)
    return any(isinstance(word, Refused) for word in client.words)


def _taken(frames: list[bytes]) -> list[bytes]:
    found = list(frames)
    frames.clear()
    return found


SUMS = Need("its books carry no checksum", _sums)
FETCHES = Need("its stream sends the whole book itself", _fetches)
CANDLES = Need("it streams no candles", _streams("candles"))
QUOTES = Need("it streams no quotes", _streams("quote"))
NAMES_WAIT = Need("its refusals do not say how long to wait", _names_wait)
BANS = Need("it does not ban", _bans)
TELLS_USED = Need(
    "the headers of its replies do not tell what was used", lambda v, m: any(r.used == USED for r in _read_back(v, m))
)
TELLS_LIMIT = Need(
    "the headers of its replies do not tell the limit", lambda v, m: any(r.limit == LIMIT for r in _read_back(v, m))
)
ANNOUNCES = Need("it does not announce the end of a connection", _announces)
REFUSES = Need("it takes every name of an instrument without a word", _refuses)
SIGNS = Need("it has no question that needs a key", lambda venue, _: Op.BALANCES in venue.endpoints)
TRADES = Need("it takes no orders", lambda venue, _: Op.PLACE in venue.endpoints)
BY_SOCKET = Need("it takes no orders by socket", lambda venue, _: any(Op.PLACE in door.calls for door in venue.doors))
NONCES = Need("it wants no numbers that rise", lambda venue, _: venue.nonces_rise)
BATCHES = Need("it takes no batches", lambda venue, _: Op.PLACE_MANY in venue.endpoints)
POSITIONS = Need("it has no positions", lambda venue, _: Op.POSITIONS in venue.endpoints)


def of_orders(number: int, fault: str, staged: str, holds: str, trade: Trade, *needs: Need) -> Case:
    """A case that any venue has which takes orders."""
    return Case(number, fault, staged, holds, needs=(TRADES, *needs), trade=trade)
