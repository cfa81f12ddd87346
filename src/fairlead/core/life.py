"""The life of an order as a table: where it is, what was told, where that leads; no timer ends a doubt, and no guess.

What a venue says is evidence, in whatever order it arrives. An end that the venue itself has shown is never taken back;
one that we concluded (refused, proven absent, never sent) gives way when the order is seen after all."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from fairlead.model.order import Life
from fairlead.model.orders import OrderReport, Status


class Told(StrEnum):
    """What can be told of an order: by us, by the answer to an attempt, by the venue's reports and fills."""

    SENT = "sent"
    UNSENT = "not sent"  # not a byte left
    TAKEN = "taken"  # the answer: it has it
    DECLINED = "declined"  # the answer: it has not and will not have it
    UNSURE = "unsure"  # bytes may have left, and no answer tells
    ABSENT = "absent"  # proven: it is not there
    OPEN = "shown open"
    PARTIAL = "shown partial"
    FILLED = "shown filled"
    CANCELLED = "shown cancelled"
    EXPIRED = "shown expired"
    REJECTED = "shown rejected"
    TRADED = "traded"  # a fill, new to us


_SEEN: Mapping[Told, Life] = {
    Told.OPEN: Life.OPEN,
    Told.PARTIAL: Life.PARTIAL,
    Told.FILLED: Life.FILLED,
    Told.CANCELLED: Life.CANCELLED,
    Told.EXPIRED: Life.EXPIRED,
    Told.REJECTED: Life.REJECTED,
    Told.TRADED: Life.PARTIAL,
}
_ENDS: Mapping[Told, Life] = {
    Told.FILLED: Life.FILLED,
    Told.CANCELLED: Life.CANCELLED,
    Told.EXPIRED: Life.EXPIRED,
    Told.REJECTED: Life.REJECTED,
}
_COMES: Mapping[Told, Life] = {Told.TAKEN: Life.OPEN, **_SEEN}

# What is not named changes nothing: the order stays where it is. A fill alone makes no order FILLED: its quantity may
# be changing just then, so the venue must say it. An open order that is proven absent has ended, unseen by us.
TABLE: Mapping[Life, Mapping[Told, Life]] = {
    Life.INTENT: {Told.SENT: Life.SENDING, Told.UNSENT: Life.ABANDONED, **_COMES},
    Life.SENDING: {
        Told.UNSENT: Life.ABANDONED,
        Told.DECLINED: Life.REJECTED,
        Told.UNSURE: Life.UNKNOWN,
        Told.ABSENT: Life.NOT_ACCEPTED,
        **_COMES,
    },
    Life.UNKNOWN: {Told.DECLINED: Life.REJECTED, Told.ABSENT: Life.NOT_ACCEPTED, **_COMES},
    Life.OPEN: {Told.PARTIAL: Life.PARTIAL, Told.TRADED: Life.PARTIAL, Told.ABSENT: Life.CANCELLED, **_ENDS},
    Life.PARTIAL: {Told.ABSENT: Life.CANCELLED, **_ENDS},
    Life.FILLED: {},
    Life.CANCELLED: {Told.FILLED: Life.FILLED},
    Life.EXPIRED: {Told.FILLED: Life.FILLED},
    Life.REJECTED: {},
    Life.NOT_ACCEPTED: {Told.SENT: Life.SENDING},
    Life.ABANDONED: {},
}
# These too, but only as long as the venue itself has shown no end of the order: it was concluded by us.
REVIVED: Mapping[Life, Mapping[Told, Life]] = {
    Life.CANCELLED: _COMES,
    Life.REJECTED: _COMES,
    Life.NOT_ACCEPTED: _COMES,
    Life.ABANDONED: _COMES,
}

_WORDS: Mapping[Status, Told] = {
    Status.PENDING: Told.OPEN,
    Status.OPEN: Told.OPEN,
    Status.PARTIAL: Told.PARTIAL,
    Status.FILLED: Told.FILLED,
    Status.CANCELLED: Told.CANCELLED,
    Status.EXPIRED: Told.EXPIRED,
    Status.REJECTED: Told.REJECTED,
}


def shown(report: OrderReport) -> Told:
    """The word for what a report shows: an open order that was filled in part is PARTIAL, whatever the venue says."""
    word = _WORDS[report.status]
    return Told.PARTIAL if word is Told.OPEN and report.filled else word


def step(life: Life, told: Told, *, end_shown: bool = False) -> Life:
    """Where this leads."""
    onward = TABLE[life].get(told)
    if onward is None and not end_shown:
        onward = REVIVED.get(life, {}).get(told)
    return life if onward is None else onward


def is_revival(life: Life, told: Told) -> bool:
    """Whether an order that was over comes to be after all: somebody broke his word."""
    return life in REVIVED and told not in TABLE[life] and told in REVIVED[life]
