"""The same wire from the venue's side: what the simulator's mouth must be able to hear, check, say and refuse.

Answers and events are the nouns of model/ (a Trade, a Quote, a tuple of Candles); a book is a Depth, in fixed point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from string import ascii_letters, digits
from typing import Any, Protocol

from msgspec import Struct

from fairlead.model.instrument import Instrument
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.face import Rng
from fairlead.wire.faults import Fault
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.signing import Stamp, Verifier

# Why the simulator's engine refuses an order (Fault.said), beside the kinds that say it all: FUNDS, DUPLICATE,
# POST_ONLY, NOT_FOUND, MARKET_STATE, SYMBOL, PERMISSION, and SERVER with Fate.UNKNOWN: it does not say what it did.
FAILED = (
    "tick",  # INVALID: not on the price's step
    "lot",  # INVALID: not on the quantity's step
    "min qty",  # INVALID
    "max qty",  # INVALID
    "min notional",  # INVALID
    "price band",  # INVALID: too far from the market
    "trigger",  # INVALID: would trigger at once
    "no change",  # INVALID: an amendment that changes nothing
    "amend up",  # INVALID: an amendment the venue does not do
    "filled",  # INVALID: an amendment below what is filled
    "deadline",  # CLOCK: the fence has passed
    "no position",  # RISK: nothing to reduce or close
    "grows",  # RISK: a reduce-only order that would not reduce
    "liquidity",  # MARKET_STATE: nobody is there to trade with
    "orders",  # LIMIT: too many open ones
    "busy",  # ACCOUNT: a setting that open orders or positions forbid to change
    "mode",  # ACCOUNT: an order that does not fit how positions are kept: a side of the position too many, or too few
    "leverage",  # RISK: more than there is
    "gone",  # NOT_FOUND: it was there and has ended, where Habits.latest_cancel tells it apart
)
# What the simulator's engine says of an order's end (OrderReport.reason), for the mirror to put into the venue's words.
ENDED = (
    "user",  # it was asked to
    "ioc",  # what could not be filled at once
    "fok",  # it could not be filled whole
    "liquidity",  # the rest of a market order: nobody was left to trade with
    "post only",  # it would have taken
    "dead man",  # the switch fired
    "reduce only",  # there was nothing left to reduce
    "funds",  # at its trigger it could not be paid
    "close",  # the whole position was closed
    "amended",  # down to what was filled
    "venue",  # no reason was given
)


class Sight(Protocol):
    """The simulator's book as it is now."""

    def top(self, levels: int) -> tuple[Side, Side]:
        """(bids, asks) in fixed point of the instrument's decimals, best first."""


class Depth(Struct, frozen=True):
    """What the simulator says about a book: a change (with the numbers of the level changes in it), or the whole."""

    symbol: str
    whole: bool
    first: int
    last: int
    prior: int  # the `last` of the change before
    bids: Side  # changed levels; quantity 0 removes; of a whole: all of them, best first
    asks: Side
    venue_ns: int
    sight: Sight


class Terms(Struct, frozen=True):
    """An instrument before a venue gives it names."""

    symbol: str
    price_tick: Decimal
    qty_step: Decimal
    min_qty: Decimal
    min_notional: Decimal = Decimal(0)
    contract_size: Decimal = Decimal(1)
    number: int = 0  # which of the venue's instruments it is, for codes


class Minted(Struct, frozen=True):
    """A demo key in the form the venue gives its own; `repr` does not show the secret."""

    key: str
    secret: str  # as the venue shows it
    passphrase: str = ""
    algorithm: str = "hmac-sha256"  # or hmac-sha512
    in_base64: bool = False  # the secret's text stands for bytes, which sign; otherwise its own characters do

    def __repr__(self) -> str:
        return f"Minted(key={self.key!r}, ...)"


def mint(rng: Rng) -> Minted:
    """The commonest form: 64 letters and digits each."""
    return Minted(drawn(rng, 64), drawn(rng, 64))


def drawn(rng: Rng, length: int, alphabet: str = ascii_letters + digits) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


class Heard(Struct, frozen=True):
    op: Op
    asked: Any
    key_id: str = ""
    tag: str = ""
    path: str = ""  # which of the row's addresses was used, where it has several
    newest: bool = False  # a page of candles, trades or fundings is filled from its end backwards; `page` of trades is
    # then the id that all are older than, and otherwise the first id wanted


class Execution(Struct, frozen=True):
    """Something happened to an order: the report says everything about it, as it is now."""

    what: str  # accepted, filled, cancelled, expired, amended, rejected, triggered
    report: OrderReport
    fill: Fill | None = None


class Habits(Struct, frozen=True):
    """In what the venues' engines differ; what a vendor leaves open is a switch that the simulator can turn."""

    post_only: str = "refused"  # one that would take: refused (at once), cancelled (accepted, then ended)
    post_only_shown: bool = True  # a cancelled one was told as live before
    fok: str = "expired"  # one that cannot be filled whole: expired, cancelled, refused
    rest: str = "expired"  # what an IOC or a market order leaves: expired, cancelled
    fee_of: str = "received"  # the asset that pays: received, quote
    latest_cancel: str = "gone"  # a cancel of an order that has ended: gone (told apart from none), unknown
    forgets_ms: int = 0  # an unfilled order that was cancelled is not found after this; 0: never
    freeze_bps: int = 0  # a market buy freezes so much more than its cost
    amend_filled: str = "refused"  # down to what is filled or less: refused, filled, cancelled
    amend_up: bool = True  # an amendment may take a larger quantity
    lists_open: bool = True  # Op.ORDERS tells of open orders too, and not only of those that have ended


class Hearing(Protocol):
    """The venue's end of one connection: sequence numbers, logins and acknowledgements are its state."""

    def open(self, at: Stamp, path: str = "") -> None: ...  # the path as it was dialled, with its query
    def receive(self, frame: bytes, at: Stamp) -> None: ...  # speaks into Ear
    def pong(self, payload: bytes, at: Stamp) -> None: ...  # of the protocol, whether it was asked for or not
    # numbers it, sums it, words it. Topic("orders", "", key_id): an Execution; when it is joined, first a tuple of all
    # open orders' reports. "balances": a tuple[Balance, ...] of what changed (first: of all), "positions" likewise
    def tell(self, topic: Topic, event: object, at: Stamp) -> None: ...
    # the answer to a call by socket; a Fault (in a batch: among the outcomes) in the venue's own words
    def say(self, heard: Heard, outcome: object, at: Stamp) -> None: ...
    def warn(self, in_ms: int, at: Stamp) -> None: ...  # announces the end of the connection, where the venue does so
    def tick(self, at: Stamp) -> None: ...  # heartbeats, idle closes; about ten times a second


class Ear(Protocol):
    """What a hearing speaks into: sim/server."""

    def frame(self, text: bytes) -> None: ...
    def ping(self, payload: bytes = b"") -> None: ...  # of the protocol: a client answers with a copy of the payload
    def heard(self, heard: Heard) -> None: ...
    def join(self, topic: Topic) -> None: ...  # after its acknowledgement; the server then tells the present state once
    def leave(self, topic: Topic) -> None: ...
    def close(self, code: int, why: str) -> None: ...


class Mirror(Struct, frozen=True):
    # Fault: what the venue answers to a call or parameter it does not take
    hear: Callable[[Request, Ctx], Heard | Fault]
    # signature, clock, nonce, passphrase: as strict as the venue
    proof: Callable[[Request, Verifier, Stamp], Fault | None]
    # The answer, or the Fault that the account or engine answered: with the kind, and in `said` which check failed (one
    # of FAILED); the mirror gives it the venue's code, text and status, which may differ from one question to another
    say: Callable[[Heard, Any, Ctx, Stamp], Reply]
    refuse: Callable[[Fault], Reply]  # in the venue's own code, text and status
    limit: Callable[[str, int], Fault]  # (budget, wait_ms) -> what the venue answers when that budget is used up
    # (budget, wait_ms, until_ms): to those who go on; None: it does not ban
    ban: Callable[[str, int, int], Fault | None]
    toll: Callable[[tuple[Reading, ...]], Mapping[str, str]]  # limit headers
    rooms: Mapping[str, Callable[[Ctx, Verifier, Ear], Hearing]]  # by Door.name, as `paths`
    # Door.name -> the path under its host key at which that room answers. A door that answers at another path too, and
    # otherwise, has a second room for it: "market/raw" is one more of the door "market".
    paths: Mapping[str, str]
    listing: Callable[[Terms], Instrument]  # how this venue lists such an instrument, with all its spellings
    decoys: tuple[str, ...] = ()  # paths that were retired and answer as the venue answers them
    habits: Habits = Habits()
    # How this venue names its n-th order and execution, and an order whose client gave no name ("": not at all)
    order_name: Callable[[int], str] = str
    fill_name: Callable[[int], str] = str
    client_name: Callable[[int], str] = lambda _: ""
    mint: Callable[[Rng], Minted] = mint  # a demo key of this venue's form
