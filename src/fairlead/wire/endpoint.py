"""One REST call as a row of a table: how the question becomes parameters, and the reply an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from fairlead.model.instrument import Catalog
from fairlead.wire.asks import Op
from fairlead.wire.http import Request
from fairlead.wire.limits import Charge

Q = TypeVar("Q")
A = TypeVar("A")


class Mode(Struct, frozen=True):
    """How this account is set up; asked once, told to every ask."""

    hedged: bool = False  # two-sided positions
    margin: str = "cash"  # cash, cross, isolated
    level: str = ""  # the venue's own word


class Ctx(Struct, frozen=True):
    """What a pure function must know besides the question."""

    catalog: Catalog
    mode: Mode = Mode()


class Access(StrEnum):
    OPEN = "open"
    KEYED = "keyed"
    SIGNED = "signed"


class Effect(StrEnum):
    READS = "reads"  # may be repeated
    SETS = "sets"  # twice is as good as once
    ONCE = "once"  # an unknown fate is reconciled, never resent


Encode: TypeAlias = Callable[[str, Mapping[str, Any]], tuple[str, bytes, Mapping[str, str]]]
# (method, parameters in the order to be sent) -> query text, body, headers; exactly as they will be signed and sent


class Endpoint(Struct, Generic[Q, A], frozen=True):
    op: Op
    method: str
    path: str | Callable[[Q], str]  # a function where the venue keeps old and new data at two addresses
    ask: Callable[[Q, Ctx], Mapping[str, Any]]  # named parameters in the venue's words, in the order to be sent
    read: Callable[[bytes, Q, Ctx], A]  # shapes.Nonsense or msgspec.DecodeError: the reply is not of its shape
    host: str = "rest"
    access: Access = Access.SIGNED
    effect: Effect = Effect.READS
    cost: Callable[[Q], tuple[Charge, ...]] = lambda _: ()
    after: Callable[[Q, A], Q | None] | None = None  # the next page's question; None when this was the last
    known: frozenset[str] = frozenset()  # every field the vendor documents, as shapes.strangers spells them

    def path_for(self, asked: Q) -> str:
        return self.path if isinstance(self.path, str) else self.path(asked)


def build(row: Endpoint[Q, A], asked: Q, ctx: Ctx, encode: Encode) -> Request:
    """The request that asks it, not yet signed."""
    query, body, headers = encode(row.method, row.ask(asked, ctx))
    return Request(row.method, row.host, row.path_for(asked), query=query, headers=headers, body=body)
