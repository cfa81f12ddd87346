"""The toy venue as a value: one host for REST, one for sockets, a few limits, and books whose changes are numbered."""

from __future__ import annotations

from fairlead.wire.door import BookRule, Continuity, Door
from fairlead.wire.limits import Budget, Charge, Window
from fairlead.wire.shapes import LevelShape
from fairlead.wire.venue import ClientId, Settle, Venue
from tests.conformance.toy.auth import sign
from tests.conformance.toy.channels import KINDS
from tests.conformance.toy.faults import fault, readings
from tests.conformance.toy.rest import ENDPOINTS, encode
from tests.conformance.toy.stream import Talk

VENUE = Venue(
    name="toy",
    hosts={"live": {"rest": ("https://rest.toy.test",), "ws": ("wss://ws.toy.test",)}},
    markets=("spot", "swap"),
    intervals={"1m": "60", "1s": "1"},
    endpoints=ENDPOINTS,
    doors=(
        Door(
            name="stream",
            host="ws",
            path=lambda topics, _: "/stream",
            speak=Talk,
            topics=frozenset(KINDS),
            life_ms=86_400_000,
            quiet_ms=12_000,  # it beats every five seconds
            dial_cost=(Charge("dials"),),
            books=(("", BookRule(Continuity.NEXT, LevelShape.PAIRS)),),
            depths=(0,),  # all there is
            consecutive=frozenset({"trades"}),
        ),
    ),
    budgets=(Budget("weight", 100, 60_000, Window.FIXED, "ip"), Budget("dials", 300, 300_000, Window.SLIDING, "ip")),
    encode=encode,
    sign=sign,
    fault=fault,
    readings=readings,
    rights=lambda _: frozenset(),
    settle=Settle(0, 5_000, 5_000, 1_000),
    client_id=ClientId("abc", 18, "ever"),
    assets=lambda code: code,
)
