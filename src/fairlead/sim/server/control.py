"""The port by which a running city is disturbed: mishaps added, listed and ended, venues shut; pure, no socket.

POST /_sim/faults        a rule, or a list of them: what was added, with ids
GET /_sim/faults         those at work, with how often they struck
DELETE /_sim/faults[/ID] ends all of them, or one
POST /_sim/maintenance   {"venue": ..., "on": true}
POST /_sim/hand          {"venue": ..., "op": "place", "asked": {...}}: somebody else acts on the account
POST /_sim/revoke        {"venue": ..., "key": ...}
GET /_sim/truth/VENUE    the ledger of truth
GET /_sim/state          connections, refusals and mishaps in numbers"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from fairlead.errors import Misuse, UnknownName
from fairlead.sim.acts import ACTS
from fairlead.sim.city import City
from fairlead.sim.mishaps import Handle
from fairlead.sim.rules import read_rules
from fairlead.wire.asks import QUESTIONS, Op
from fairlead.wire.http import Reply, Request
from fairlead.wire.printed import printed

FAULTS, TRUTH = "/_sim/faults", "/_sim/truth"
HOST_NAMES = ("127.0.0.1", "localhost", "[::1]")  # under another name it was reached through somebody's trick


class _Shut(Struct, forbid_unknown_fields=True):
    venue: str
    on: bool


class _Hand(Struct, forbid_unknown_fields=True):
    venue: str
    op: Op
    asked: dict[str, Any]
    key: str = ""


class _Revoked(Struct, forbid_unknown_fields=True):
    venue: str
    key: str
    code: int = 0


def answered(city: City, request: Request) -> Reply:
    """What the control port says."""
    if request.headers.get("Host", "").rpartition(":")[0] not in HOST_NAMES:
        return _said(421, {"error": "this port answers to loopback names only"})
    if "Origin" in request.headers:
        return _said(403, {"error": "this port does not answer web pages"})
    try:
        found = _answer(city, request)
    except (Misuse, msgspec.DecodeError, UnicodeDecodeError) as trouble:
        return _said(400, {"error": str(trouble)})
    return _said(404, {"error": f"no {request.method} {request.path} here"}) if found is None else _said(200, found)


def _answer(city: City, request: Request) -> Any:
    match request.method, request.path:
        case "POST", "/_sim/faults":
            return [_shown(city.mishaps.add(rule)) for rule in read_rules(request.body.decode())]
        case "GET", "/_sim/faults":
            return [_shown(handle) for handle in city.mishaps.handles()]
        case "DELETE", path if path == FAULTS or path.startswith(f"{FAULTS}/"):
            return _end(city, path.removeprefix(FAULTS).removeprefix("/"))
        case "POST", "/_sim/maintenance":
            shut = msgspec.json.decode(request.body, type=_Shut)
            city.maintain(shut.venue, shut.on)
            return {"venue": shut.venue, "on": shut.on}
        case "POST", "/_sim/hand":
            return _by_hand(city, msgspec.json.decode(request.body, type=_Hand))
        case "POST", "/_sim/revoke":
            revoked = msgspec.json.decode(request.body, type=_Revoked)
            city.revoke(revoked.venue, revoked.key, revoked.code)
            return revoked
        case "GET", path if path.startswith(f"{TRUTH}/"):
            return city.mouth(path.removeprefix(f"{TRUTH}/")).truth.told()
        case "GET", "/_sim/state":
            return _state(city)
    return None


def _by_hand(city: City, hand: _Hand) -> Any:
    if hand.op not in ACTS:
        raise UnknownName("operation by hand", hand.op, ACTS)
    try:
        asked = msgspec.convert(hand.asked, QUESTIONS[hand.op])
    except msgspec.ValidationError as trouble:
        raise Misuse(f"This is no question of {hand.op}: {trouble}") from None
    return city.by_hand(hand.venue, hand.key or city.keys[hand.venue].key, hand.op, asked)


def _end(city: City, id: str) -> Any:
    ended = [handle for handle in city.mishaps.handles() if id in ("", str(handle.id))]
    if id and not ended:
        raise Misuse(f"There is no mishap {id} at work.", next=f"GET {FAULTS} lists them")
    for handle in ended:
        handle.end()
    return [_shown(handle) for handle in ended]


def _shown(handle: Handle) -> dict[str, Any]:
    return {"id": handle.id, "fired": handle.fired, "rule": msgspec.to_builtins(handle.rule)}


def _state(city: City) -> dict[str, Any]:
    return {
        "now_ns": city.now_ns(),
        "mishaps": len(city.mishaps.handles()),
        "venues": {
            mouth.venue.name: {
                "connections": sum(one.mouth is mouth for one in city.connections),
                "refusals": len(mouth.refusals),
                "maintenance": mouth.is_in_maintenance,
            }
            for mouth in city.mouths
        },
    }


def _said(status: int, what: Any) -> Reply:
    return Reply(status, {"content-type": "application/json"}, printed(what))
