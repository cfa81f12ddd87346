"""What mishaps make of a whole request: it waits, its connection breaks, a proxy answers, or the venue refuses it."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from fairlead.sim.rules import Args
from fairlead.sim.spoils import page
from fairlead.sim.teller import Wait
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply


class Torn(Struct, frozen=True):
    """No reply: the connection is broken, perhaps after the first bytes of one."""

    reply: Reply | None = None
    sent_bytes: int = 0


class Page(Struct, frozen=True):
    """A proxy in front of the venue answers in its stead."""

    args: Args


class Said(Struct, frozen=True):
    """What a call by socket is answered."""

    outcome: Any


Harm: TypeAlias = Wait | Torn | Page | Fault


def by_socket(harm: Harm) -> Wait | Torn | Said:
    """No proxy speaks the venue's own protocol: there it is the venue that does not know what it did."""
    match harm:
        case Fault():
            return Said(harm)
        case Page(args):
            return Said(Fault(Kind.SERVER, Fate.UNKNOWN, status=args.status))
        case _:
            return harm


def proxied(args: Args) -> Reply:
    after = {"retry-after": str(args.after_s)} if args.after_s >= 0 else {}
    if args.text:
        return Reply(args.status, {"content-type": "application/json", **after}, args.text.encode())
    return Reply(args.status, {"content-type": "text/html", **after}, page(args.status))
