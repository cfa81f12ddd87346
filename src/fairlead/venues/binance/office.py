"""The venue's end of a WebSocket API connection (web-socket-api.md): calls, sessions and the account's stream; it keeps
no orders and answers no call itself.

As strict as the venue about keys, signatures, clocks and parameters, which are those of REST. What a call costs is
counted by whoever carries it; the limits that replies show are those of this connection alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from fairlead.model.market import MS
from fairlead.venues.binance import account, auth, engine, trade
from fairlead.venues.binance.faults import Refuse, spoken
from fairlead.venues.binance.hearing import Heart
from fairlead.venues.binance.private import BALANCES, LIST, METHODS, ORDERS, SUBSCRIBE, UNSUBSCRIBE
from fairlead.venues.binance.replies import PING, RATE_LIMITS, text
from fairlead.venues.binance.stream import SHUTDOWN
from fairlead.venues.binance.trade import cancel_name, reason, size, spelled
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault
from fairlead.wire.http import Reply
from fairlead.wire.mirror import Ear, Execution, Heard
from fairlead.wire.signing import Stamp, Verifier

SUBSCRIPTIONS_MOST = 65_535  # of one connection in its life
_HMAC_BYTES = 32  # a signature this long comes from a key that cannot log on
_ADDRESSES: Mapping[str, tuple[str, str]] = {  # method -> the same call of REST
    METHODS[Op.PLACE]: ("POST", trade.ORDER),
    METHODS[Op.AMEND]: ("PUT", trade.AMEND),
    METHODS[Op.CANCEL]: ("DELETE", trade.ORDER),
    METHODS[Op.CANCEL_ALL]: ("DELETE", trade.OPEN),
    METHODS[Op.ORDER]: ("GET", trade.ORDER),
    METHODS[Op.OPEN_ORDERS]: ("GET", trade.OPEN),
    "allOrders": ("GET", account.ALL_ORDERS),
    "myTrades": ("GET", account.MY_TRADES),
    "account.status": ("GET", account.BALANCES),
    "account.commission": ("GET", account.FEES),
    "time": ("GET", "/api/v3/time"),
    "ping": ("GET", PING),
    "depth": ("GET", "/api/v3/depth"),
}


class Asked(Struct):
    """{"id":"1","method":"order.place","params":{...}}"""

    method: str
    params: dict[str, str | int | float | bool] = {}
    id: int | str | None = None


class Desk(Struct, frozen=True):
    """What the connection shares with REST: which calls there are, and how their answers are said."""

    calls: Mapping[tuple[str, str], engine.Call]
    say: Callable[[Heard, Any, Ctx, Stamp], Reply]


_ASKED = msgspec.json.Decoder(Asked).decode


class AccountRoom:
    def __init__(self, desk: Desk, ctx: Ctx, verifier: Verifier, ear: Ear) -> None:
        self._desk, self._ctx, self._verifier, self._ear = desk, ctx, verifier, ear
        self._heart = Heart(ear)
        self._subscribed: dict[str, int] = {}  # key -> number
        self._of_session: set[str] = set()  # keys whose subscription ends with the session
        self._count = 0
        self._fresh: set[str] = set()  # keys whose balances are yet to be told as a whole, which this venue does not do
        self._session = ""  # the key that has logged on
        self._session_ms = self._opened_ms = 0
        self._shows_limits = True
        self._tags: dict[str, tuple[int | str | None, bool]] = {}  # calls not answered yet: id, whether to show limits
        self._number = self._executions = 0

    def __repr__(self) -> str:
        return f"<AccountRoom {len(self._subscribed)} subscriptions, {len(self._tags)} calls>"

    def open(self, at: Stamp, path: str = "") -> None:
        self._heart.start(at)
        self._opened_ms = at.venue_ms
        self._shows_limits = parse_qs(path.partition("?")[2]).get("returnRateLimits") != ["false"]

    def receive(self, frame: bytes, at: Stamp) -> None:
        asked = None
        try:
            asked = _ASKED(frame)
            self._ask(asked, at)
        except Refuse as refused:
            self._refuse(asked.id if asked else None, refused.fault)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._refuse(None, spoken(400, -1135, "Invalid JSON Request"))

    def pong(self, payload: bytes, at: Stamp) -> None:
        self._heart.pong(payload)

    def tick(self, at: Stamp) -> None:
        self._heart.beat(at)

    def warn(self, in_ms: int, at: Stamp) -> None:
        self._ear.frame(msgspec.json.encode({"event": {"e": SHUTDOWN, "E": at.venue_ms}}))

    # ---- what is asked

    def _ask(self, asked: Asked, at: Stamp) -> None:
        method = asked.method.removeprefix("v3/")
        # As it was signed: {"computeCommissionRates":true} is signed as "true".
        params = {name: str(one).lower() if isinstance(one, bool) else str(one) for name, one in asked.params.items()}
        own = _OWN.get(method)
        if own is not None:
            own(self, asked, params, at)
            return
        if method not in _ADDRESSES:
            raise Refuse(-1020, "This operation is not supported.")
        call = self._desk.calls[_ADDRESSES[method]]
        key = self._prove(asked, params, at) if call.is_signed else ""
        params.pop("apiKey", "")
        shows = params.pop("returnRateLimits", "true") == "true" and self._shows_limits
        self._number += 1
        tag = str(self._number)
        told = engine.heard(call, _ADDRESSES[method][1], params, self._ctx, key, tag)
        if isinstance(told, Fault):
            self._refuse(asked.id, told)
            return
        self._tags[tag] = asked.id, shows
        self._ear.heard(told)

    def _prove(self, asked: Asked, params: dict[str, str], at: Stamp) -> str:
        """The key in whose name it is asked: the request's own, or that of the session."""
        if "apiKey" in params or not self._session:
            return self._proven(params, at)
        if not self._verifier.knows(self._session):
            asked.id, self._session = None, ""  # a revoked session is answered without the request's id
            raise Refuse(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        auth.check_clock(params, at)
        return self._session

    def _proven(self, params: dict[str, str], at: Stamp) -> str:
        signed = {name: value for name, value in params.items() if name != "signature"}
        auth.prove(params.get("apiKey", ""), params, auth.params_payload(signed), self._verifier, at)
        return params["apiKey"]

    def _subscribe(self, asked: Asked, params: dict[str, str], at: Stamp) -> None:
        """With a signature of its own, or in the session's name."""
        by_session = asked.method.endswith("subscribe")
        if by_session and not self._session:
            raise Refuse(-1193, "The session is not authenticated.", 401)
        key = self._session if by_session else self._prove(asked, params, at)
        if key in self._subscribed:
            raise Refuse(-2035, "User Data Stream subscription already active.")
        if self._count >= SUBSCRIPTIONS_MOST:
            raise Refuse(-2042, "Subscription ids are exhausted.")
        if by_session:
            self._of_session.add(key)
        self._subscribed[key] = self._count
        self._answer(asked, {"subscriptionId": self._count})
        self._count += 1
        for kind in (ORDERS, BALANCES):
            self._ear.join(Topic(kind, "", key))
        self._fresh.add(key)

    def _unsubscribe(self, asked: Asked, params: dict[str, str], at: Stamp) -> None:
        wanted = params.get("subscriptionId")
        ending = [key for key, number in self._subscribed.items() if wanted in (None, str(number))]
        if wanted is not None and not ending:
            raise Refuse(-2036, "User Data Stream subscription not active.")
        self._answer(asked, {})
        self._end(ending, at)

    def _end(self, keys: Sequence[str], at: Stamp) -> None:
        for key in keys:
            number = self._subscribed.pop(key)
            self._of_session.discard(key)
            for kind in (ORDERS, BALANCES):
                self._ear.leave(Topic(kind, "", key))
            self._event(number, {"e": "eventStreamTerminated", "E": at.venue_ms})

    def _subscriptions(self, asked: Asked, params: dict[str, str], at: Stamp) -> None:
        self._answer(asked, [{"subscriptionId": number} for number in self._subscribed.values()])

    def _log_on(self, asked: Asked, params: dict[str, str], at: Stamp) -> None:
        if len(auth.decoded(params.get("signature", ""))) == _HMAC_BYTES:
            raise Refuse(-2028, "HMAC-SHA-256 API key is not supported.")
        self._session, self._session_ms = self._proven(params, at), at.venue_ms
        self._status(asked, params, at)

    def _log_out(self, asked: Asked, params: dict[str, str], at: Stamp) -> None:
        self._session = ""
        self._status(asked, params, at)
        self._end([key for key in self._subscribed if key in self._of_session], at)

    def _status(self, asked: Asked, params: dict[str, str], at: Stamp) -> None:
        self._answer(asked, {
            "apiKey": self._session or None,
            "authorizedSince": self._session_ms if self._session else None,
            "connectedSince": self._opened_ms,
            "returnRateLimits": self._shows_limits,
            "serverTime": at.venue_ms,
            "userDataStream": bool(self._subscribed),
        })  # fmt: skip

    # ---- what is said

    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        id, shows = self._tags.pop(heard.tag)
        reply = self._desk.say(heard, outcome, self._ctx, at)
        if reply.status == 200:
            self._reply({"id": id, "status": 200, "result": Raw(reply.body)}, shows)
        else:
            self._refused(id, reply, outcome, shows, at)

    def _refused(self, id: int | str | None, reply: Reply, outcome: object, shows: bool, at: Stamp) -> None:
        """429 and 418 say when to come again."""
        error = msgspec.json.decode(reply.body) if reply.body.startswith(b"{") else {"code": -1000, "msg": "Unknown"}
        if reply.status in (418, 429) and isinstance(outcome, Fault):
            again_ms = outcome.until_ms or at.venue_ms + outcome.wait_ms
            error["data"] = {"serverTime": at.venue_ms, "retryAfter": again_ms}
        self._reply({"id": id, "status": reply.status, "error": error}, shows)

    def _refuse(self, id: int | str | None, fault: Fault) -> None:
        self._reply({"id": id, "status": fault.status, "error": {"code": int(fault.code), "msg": fault.said}}, False)

    def _answer(self, asked: Asked, result: object) -> None:
        self._reply({"id": asked.id, "status": 200, "result": result}, self._shows_limits)

    def _reply(self, said: dict[str, Any], shows: bool) -> None:
        limits = {"rateLimits": [{**RATE_LIMITS[0], "count": self._number}]} if shows else {}
        self._ear.frame(msgspec.json.encode({**said, **limits}))

    # ---- what happens

    def tell(self, topic: Topic, event: Any, at: Stamp) -> None:
        """Nothing is told of how things stand: neither the open orders nor all balances."""
        number = self._subscribed.get(topic.detail)
        if number is None:
            return
        if isinstance(event, Execution):
            self._executions += 1
            self._event(number, executed(event, self._executions, self._ctx, at))
        elif topic.kind == BALANCES and topic.detail not in self._fresh:
            held = [{"a": one.asset, "f": text(one.free), "l": text(one.total - one.free)} for one in event]
            at_ms = at.venue_ms
            self._event(number, {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "B": held})
        elif topic.kind == BALANCES:
            self._fresh.discard(topic.detail)

    def _event(self, number: int, event: Mapping[str, Any]) -> None:
        self._ear.frame(msgspec.json.encode({"subscriptionId": number, "event": event}))


_OWN: Mapping[str, Callable[[AccountRoom, Asked, dict[str, str], Stamp], None]] = {
    SUBSCRIBE: AccountRoom._subscribe,
    "userDataStream.subscribe": AccountRoom._subscribe,
    UNSUBSCRIBE: AccountRoom._unsubscribe,
    LIST: AccountRoom._subscriptions,
    "session.logon": AccountRoom._log_on,
    "session.logout": AccountRoom._log_out,
    "session.status": AccountRoom._status,
}


# ---- user-data-stream.md

_HAPPENED: Mapping[str, str] = {
    "accepted": "NEW",
    "triggered": "NEW",
    "filled": "TRADE",
    "cancelled": "CANCELED",
    "expired": "EXPIRED",
    "amended": "REPLACED",
    "rejected": "REJECTED",
}


def executed(event: Execution, number: int, ctx: Ctx, at: Stamp) -> dict[str, Any]:
    """A cancel carries the name of the cancel, and that of the order beside it."""
    one, fill, none = event.report, event.fill, text(0.0)
    status, kind, tif = spelled(one)
    named = (cancel_name(one.order_id), one.client_id) if event.what == "cancelled" else (one.client_id, "")
    waits = event.what == "accepted" and one.type is not None and one.type.is_triggered
    is_live = not one.status.is_final and not waits
    price, qty = (fill.price, fill.qty) if fill else (None, None)
    at_ms = one.venue_ns // MS
    said = {
        "e": "executionReport", "E": at.venue_ms, "s": ctx.catalog.theirs(one.symbol).venue_symbol, "c": named[0],
        "S": one.side.upper(), "o": kind, "f": tif, "q": text(size(one)), "p": text(one.price), "P": text(one.trigger),
        "F": none, "g": -1, "C": named[1], "x": _HAPPENED[event.what], "X": status, "r": "NONE", "i": int(one.order_id),
        "l": text(qty), "z": text(one.filled), "L": text(price), "n": text(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None, "T": at_ms, "t": int(fill.id) if fill else -1, "I": number, "w": is_live,
        "m": bool(fill and fill.maker), "M": False, "O": one.created_ns // MS, "Z": text(one.cost),
        "Y": text(price * qty) if price and qty else none, "Q": text(one.quote_qty), "V": "NONE",
    }  # fmt: skip
    return said | ({"W": at_ms} if is_live else {}) | ({"eR": reason(one)} if event.what == "expired" else {})
