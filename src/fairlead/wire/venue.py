"""A venue as a value: tables and pure functions. The engine learns everything it knows of a venue from this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from fairlead.wire.asks import Op
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Encode, Endpoint
from fairlead.wire.faults import Fault
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Budget, Reading
from fairlead.wire.signing import Signer, Stamp

CAN: Mapping[str, str] = {  # what venues differ in, and a caller may ask before he tries
    "order by client id": "Op.ORDER finds an order by our id; elsewhere OPEN_ORDERS and ORDERS are searched",
    "amend price": "Op.AMEND takes a new price",
    "amend up": "Op.AMEND takes a larger quantity",
    "quote buy": "a market order may buy for an amount of quote",
    "quote sell": "a market order may sell for an amount of quote",
    "stops": "stop and take-profit orders",
    "hedge": "positions may be two-sided",
    "funding": "funding rates",
    "mark": "mark prices",
    "index": "index prices",
}


class Settle(Struct, frozen=True):
    """When silence becomes proof."""

    fence_min_ms: int  # the least deadline the venue takes with an order (0: it knows none)
    fence_ms: int  # ours, usually
    engine_ms: int  # how long it may still act after the fence
    lag_ms: int  # how long its reads may trail its truth


class ClientId(Struct, frozen=True):
    alphabet: str
    longest: int
    unique_among: str  # "open" or "ever"


class Retirement(Struct, frozen=True):
    """Something of the venue's that we rely on (or must not) and when it ends."""

    what: str
    on: str  # ISO date
    instead: str


class Venue(Struct, frozen=True):
    name: str
    hosts: Mapping[str, Mapping[str, tuple[str, ...]]]  # environment -> host key -> addresses, best first
    markets: tuple[str, ...]  # what Op.INSTRUMENTS is asked for, one by one: ("spot", "swap")
    intervals: Mapping[str, str]  # ours -> theirs, of candles on REST
    endpoints: Mapping[Op, Endpoint[Any, Any]]
    doors: tuple[Door, ...]
    budgets: tuple[Budget, ...]
    encode: Encode
    sign: Callable[[Request, Signer, Stamp], Request]
    fault: Callable[[Reply, Op], Fault | None]  # the same code may mean different fates for a read and an order
    readings: Callable[[Reply], tuple[Reading, ...]]  # headers, Retry-After, ban texts
    rights: Callable[[Any], frozenset[str]]  # answer of Op.KEY -> trade, read, withdraw, transfer, ip-bound
    settle: Settle
    client_id: ClientId
    assets: Callable[[str], str]  # their code of an asset -> ours
    headers: Mapping[str, Mapping[str, str]] = {}  # environment -> headers of every request there
    time_step_ms: int = 1  # in which Op.TIME is told
    nonces_rise: bool = False  # the signed requests of a key must arrive in the order of their numbers
    # the kinds of key it gives, the usual first; ":base64": the text of the secret stands for bytes
    key_kinds: tuple[str, ...] = ("hmac-sha256",)
    can: frozenset[str] = frozenset()  # words of CAN
    secret_words: frozenset[str] = frozenset()  # headers and parameters that redaction must know
    dated: tuple[Retirement, ...] = ()

    def door_for(self, kind: str, detail: str = "") -> Door | None:
        """The door where a topic of this kind is heard; the first that names "kind:detail", else "kind"."""
        exact = next((door for door in self.doors if f"{kind}:{detail}" in door.topics), None)
        return exact or next((door for door in self.doors if kind in door.topics), None)
