"""A venue's refusals in one language: a closed list of kinds, what became of the request, and how long to wait."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias, TypeVar

from msgspec import Struct

A = TypeVar("A")


class Fate(StrEnum):
    DONE = "DONE"  # the venue acted
    REFUSED = "REFUSED"  # the venue did not act
    UNKNOWN = "UNKNOWN"  # we cannot tell: ask again, never send again


class Kind(StrEnum):
    """Why; explain, doctor and backoff switch on it."""

    SIGNATURE = "SIGNATURE"
    KEY = "KEY"
    PERMISSION = "PERMISSION"
    ADDRESS = "ADDRESS"
    REGION = "REGION"
    CLOCK = "CLOCK"
    NONCE = "NONCE"
    LIMIT = "LIMIT"
    BAN = "BAN"
    FUNDS = "FUNDS"
    INVALID = "INVALID"
    SYMBOL = "SYMBOL"  # the venue does not know (or no longer lists) the instrument
    DUPLICATE = "DUPLICATE"
    NOT_FOUND = "NOT_FOUND"
    MARKET_STATE = "MARKET_STATE"
    MAINTENANCE = "MAINTENANCE"
    SERVER = "SERVER"
    TOKEN = "TOKEN"  # noqa: S105  a session or stream token expired
    POST_ONLY = "POST_ONLY"
    RISK = "RISK"  # leverage, margin, position limits
    ACCOUNT = "ACCOUNT"  # the account is frozen, in another mode, or may not do this
    BLOCKED = "BLOCKED"  # a firewall or proxy in front of the venue answered, not the venue
    GONE = "GONE"  # the venue retired what was asked
    UNKNOWN_CODE = "UNKNOWN_CODE"


class Fault(Struct, frozen=True):
    kind: Kind
    fate: Fate = Fate.REFUSED
    code: str = ""  # the venue's
    said: str = ""  # the venue's words
    wait_ms: int = 0  # how long from now
    until_ms: int = 0  # until when on the venue's clock
    status: int = 0  # the HTTP status it came with, or shall go out with


Outcome: TypeAlias = Fault | A  # what became of one thing asked; a batch answers with a tuple of them
