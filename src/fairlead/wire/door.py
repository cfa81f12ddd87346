"""One kind of connection as data: where, for which topics, how many, how long, and how its books hold together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from msgspec import Struct

from fairlead.model.instrument import Instrument
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Conversation, Out, Topic
from fairlead.wire.endpoint import Access, Ctx
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, LevelShape
from fairlead.wire.signing import Signer


class Continuity(StrEnum):
    """How a change proves that it follows the book we hold. `last` is the number of the last change applied."""

    RANGE = "first <= last+1 <= its last"
    PRIOR = "its prior equals last; last becomes its last, even where that is lower"
    NEXT = "first equals last+1"
    SUM = "checksum over the result"
    WHOLE = "each is whole"


Side = Sequence[tuple[int, int]]  # fixed-point (price, quantity), best first


class BookRule(Struct, frozen=True):
    then: Continuity
    shape: LevelShape
    start: Continuity = Continuity.WHOLE  # how the first change joins the whole
    whole_from: Op | None = None  # Op.BOOK: the whole is fetched by REST and changes wait; None: the stream sends it
    cut: bool = False  # keep only the subscribed depth after each change
    checksum: Callable[[Side, Side, Instrument], int] | None = None  # of (bids, asks), best first
    checksum_levels: int = 0  # as many as the checksum looks at
    crossed_ok: bool = False  # the venue's books cross while the instrument does not trade (auctions)


class Door(Struct, frozen=True):
    name: str
    host: str  # a key of Venue.hosts
    path: Callable[[Sequence[Topic], object], str]  # with its query; may use the answer to `before`
    speak: Callable[[Ctx, Signer | None, Out, Inspector], Conversation]
    topics: frozenset[str] = frozenset()  # kinds heard here
    calls: frozenset[Op] = frozenset()  # orders may go through here
    free_of: frozenset[str] = frozenset()  # budgets of requests that calls through here do not touch
    before: Op | None = None  # what must be asked before dialling
    access: Access = Access.OPEN
    max_topics: int = 1000  # of one connection; more open another
    life_ms: int = 0  # the venue ends it after this long (0: never)
    quiet_ms: int = 30_000  # nothing at all for this long: dead (ticks must keep it from being merely quiet)
    dial_cost: tuple[Charge, ...] = ()
    books: tuple[tuple[str, BookRule], ...] = ()  # (depth as in Topic.detail; "" for all others) -> rule
    depths: tuple[int, ...] = ()  # what a book can be subscribed at; the first is the usual one
    cadence_ms: tuple[tuple[str, int], ...] = ()  # topic kind -> how often it speaks at the least, where promised
    alone: frozenset[str] = frozenset()  # kinds that one connection carries once a symbol, whatever the detail
    consecutive: frozenset[str] = frozenset()  # kinds whose ids rise by one an event, so that a hole shows in the ids

    def book_rule(self, detail: str) -> BookRule | None:
        rules = dict(self.books)
        return rules.get(detail, rules.get(""))
