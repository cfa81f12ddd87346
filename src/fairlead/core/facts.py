"""The lines of the journal: what we decided and what we were told, each a fact that stays true; state is their fold.

They are written before a byte leaves and before anybody is told, and never changed afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import Struct

from fairlead.model.orders import Fill, OrderReport, Receipt
from fairlead.wire.faults import Fault
from fairlead.wire.orders import AskAmend, AskCancel, AskPlace


class Fact(Struct, frozen=True, kw_only=True, tag=True):
    venue: str
    account: str
    at_ns: int  # our clock, on the venue's scale; the order of lines is that of their numbers, not of their times


class Intended(Fact, frozen=True, kw_only=True, tag=True):
    """An order is wanted. `asked` has no fence yet: each attempt has its own."""

    asked: AskPlace
    resend_until_ns: int = 0  # the caller's explicit wish: send again if proven not accepted, not after this; 0: never
    bot: str = ""  # who wants it
    key: str = ""  # the caller's own name of the wish: asked again under it, the same order is meant


class Sending(Fact, frozen=True, kw_only=True, tag=True):
    """From here on a byte may have left."""

    client_id: str
    attempt: int
    until_ms: int  # the fence
    by: str = ""  # rest, or the door


class Unsent(Fact, frozen=True, kw_only=True, tag=True):
    """Not a byte left, and the order will not be sent any more."""

    client_id: str
    why: str


class Taken(Fact, frozen=True, kw_only=True, tag=True):
    """The venue answered an attempt: it has the order."""

    client_id: str
    receipt: Receipt


class Declined(Fact, frozen=True, kw_only=True, tag=True):
    """The venue answered an attempt: it has not, and will not have, the order."""

    client_id: str
    fault: Fault


class Unsure(Fact, frozen=True, kw_only=True, tag=True):
    """Bytes may have left, and no answer says what became of them."""

    client_id: str
    why: str
    fault: Fault | None = None


class Reported(Fact, frozen=True, kw_only=True, tag=True):
    """The venue spoke of one of our orders: by stream, or because we asked. `by`: stream, or the operation."""

    client_id: str
    report: OrderReport
    by: str


class Traded(Fact, frozen=True, kw_only=True, tag=True):
    """A fill of one of our orders, for the first time."""

    client_id: str
    fill: Fill
    by: str


class Voided(Fact, frozen=True, kw_only=True, tag=True):
    """A fill that was counted is none: the venue's own list of the order's fills, read whole, adds up without it."""

    client_id: str
    fill: Fill
    evidence: str


class Absent(Fact, frozen=True, kw_only=True, tag=True):
    """Proven: the order is not at the venue and can no longer come to be. `evidence`: the reads that prove it."""

    client_id: str
    evidence: str


class CancelSent(Fact, frozen=True, kw_only=True, tag=True):
    asked: AskCancel
    client_id: str


class AmendSent(Fact, frozen=True, kw_only=True, tag=True):
    asked: AskAmend
    client_id: str


class ChangeAnswered(Fact, frozen=True, kw_only=True, tag=True):
    """What the venue said to a cancel or an amendment: None: it took it."""

    client_id: str
    what: str  # cancel, amend
    fault: Fault | None = None


class Frozen(Fact, frozen=True, kw_only=True, tag=True):
    """Something does not agree: no new orders there until it does. `symbol` "": the whole account."""

    symbol: str
    why: str


class Thawed(Fact, frozen=True, kw_only=True, tag=True):
    symbol: str
    evidence: str


class Halted(Fact, frozen=True, kw_only=True, tag=True):
    """The kill switch was thrown (or released): it stays so over a restart."""

    on: bool
    why: str


class Peaked(Fact, frozen=True, kw_only=True, tag=True):
    """What the account is worth at its highest; the drawdown stop measures from here. Equity is in one asset."""

    equity: Decimal
    by_hand: bool = False  # set by the user, also to less: money was taken out


class Opened(Fact, frozen=True, kw_only=True, tag=True):
    """A process began to trade this account. Client ids rise from the highest ever given."""

    installation: str
    last_id: int


AnyFact: TypeAlias = (
    Intended
    | Sending
    | Unsent
    | Taken
    | Declined
    | Unsure
    | Reported
    | Traded
    | Voided
    | Absent
    | CancelSent
    | AmendSent
    | ChangeAnswered
    | Frozen
    | Thawed
    | Halted
    | Peaked
    | Opened
)

_ENCODER = msgspec.json.Encoder(decimal_format="string")
_DECODER: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


def written(fact: AnyFact) -> bytes:
    return _ENCODER.encode(fact)


def read(line: bytes) -> AnyFact:
    """msgspec.DecodeError: no fact of this program's."""
    return _DECODER.decode(line)
