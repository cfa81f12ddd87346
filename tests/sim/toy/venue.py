"""The toy venue as a value: one host for REST, one for sockets, a few limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.door import BookRule, Continuity, Door
from fairlead.wire.endpoint import Access, Endpoint
from fairlead.wire.faults import Fault
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Budget, Charge, Window
from fairlead.wire.shapes import LevelShape
from fairlead.wire.signing import Signer, Stamp
from fairlead.wire.venue import ClientId, Settle, Venue

KINDS = frozenset({"book", "trades", "quote", "ticker", "candles", "mark", "index", "funding"})


def encode(method: str, named: Mapping[str, Any]) -> tuple[str, bytes, Mapping[str, str]]:
    return urlencode(named), b"", {}


def sign(request: Request, signer: Signer, stamp: Stamp) -> Request:
    nonce = str(stamp.nonce)
    mark = signer.sign((request.target + nonce).encode()).hex()
    return replace(request, headers={"X-Key": signer.key_id, "X-Nonce": nonce, "X-Sign": mark})


def _row(op: Op, path: str, access: Access = Access.OPEN, cost: int = 1) -> Endpoint[Any, Any]:
    return Endpoint(
        op,
        "GET",
        path,
        ask=lambda asked, _: {name: value for name, value in msgspec.structs.asdict(asked).items() if value},
        read=lambda body, _, __: msgspec.json.decode(body),
        access=access,
        cost=lambda _: (Charge("weight", cost),),
    )


def _never(*_: Any) -> Any:
    raise AssertionError("the toy has no conversation of its own")


def no_fault(reply: Reply, op: Op) -> Fault | None:
    return None


VENUE = Venue(
    name="toy",
    hosts={"live": {"rest": ("https://rest.toy.test",), "ws": ("wss://ws.toy.test",)}},
    markets=("spot", "swap"),
    intervals={"1m": "60", "1s": "1"},
    endpoints={
        Op.TIME: _row(Op.TIME, "/time"),
        Op.INSTRUMENTS: _row(Op.INSTRUMENTS, "/instruments"),
        Op.BOOK: _row(Op.BOOK, "/book", cost=5),
        Op.TICKER: _row(Op.TICKER, "/ticker"),
        Op.TRADES: _row(Op.TRADES, "/trades"),
        Op.CANDLES: _row(Op.CANDLES, "/candles"),
        Op.FUNDING: _row(Op.FUNDING, "/funding"),
        Op.FUNDINGS: _row(Op.FUNDINGS, "/fundings"),
        Op.MARK: _row(Op.MARK, "/mark"),
        Op.INDEX: _row(Op.INDEX, "/index"),
        Op.BALANCES: _row(Op.BALANCES, "/balances", Access.SIGNED),
    },
    doors=(
        Door(
            name="stream",
            host="ws",
            path=lambda topics, _: "/stream",
            speak=_never,
            topics=KINDS,
            life_ms=86_400_000,
            dial_cost=(Charge("dials"),),
            books=(("", BookRule(Continuity.RANGE, LevelShape.PAIRS)),),
        ),
    ),
    budgets=(Budget("weight", 100, 60_000, Window.FIXED, "ip"), Budget("dials", 300, 300_000, Window.SLIDING, "ip")),
    encode=encode,
    sign=sign,
    fault=no_fault,
    readings=lambda _: (),
    rights=lambda _: frozenset(),
    settle=Settle(0, 5_000, 5_000, 1_000),
    client_id=ClientId("abc", 18, "ever"),
    assets=lambda code: code,
)

TOPICS = tuple(Topic(kind, "BTC/USDT") for kind in sorted(KINDS))
