"""Binance's WebSocket API (web-socket-api.md, user-data-stream.md): calls and the account's stream on one connection as
a machine; it opens nothing, keeps no orders, and decides nothing about them.

Every request carries its own signature, which all kinds of keys can give, so there is no session that could be lost.
The stream tells no beginning: what is open and held is asked by REST once the stream is joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from fairlead.errors import Misuse
from fairlead.model.market import MS
from fairlead.venues.binance import account, orders, trade
from fairlead.venues.binance.auth import sign_params
from fairlead.venues.binance.faults import fault
from fairlead.venues.binance.stream import ACK_NS, AGAIN_MS, PROBE_NS, SAMPLE_BYTES, SHUTDOWN, TRIES
from fairlead.wire.asks import Op
from fairlead.wire.conversation import (
    Answer,
    Call,
    Ending,
    Joined,
    Lane,
    Missed,
    Need,
    Odd,
    Ousted,
    Out,
    Ready,
    Refused,
    Topic,
)
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, Nonsense, strangers
from fairlead.wire.signing import Signer, Stamp

PATH = "/ws-api/v3"
ORDERS, BALANCES = "orders", "balances"
METHODS: Mapping[Op, str] = {
    Op.PLACE: "order.place",
    Op.AMEND: "order.amend.keepPriority",
    Op.CANCEL: "order.cancel",
    Op.CANCEL_ALL: "openOrders.cancelAll",
    Op.ORDER: "order.status",
    Op.OPEN_ORDERS: "openOrders.status",
}
SUBSCRIBE, UNSUBSCRIBE = "userDataStream.subscribe.signature", "userDataStream.unsubscribe"
LIST = "session.subscriptions"
CALLS_MOST = 10_000  # unanswered ones; who has so many open gets no more in
SMALL = (Charge("weight", 2),)  # what subscribing, its end and its listing weigh

_ORDERS, _BALANCES = Topic(ORDERS), Topic(BALANCES)
_TELLS = {ORDERS: b'"executionReport"', BALANCES: b'"outboundAccountPosition"'}
_ROWS = {**trade.ENDPOINTS, **account.ENDPOINTS}
_SAID = msgspec.json.Decoder(orders.Said).decode
_SUBSCRIPTIONS = msgspec.json.Decoder(list[orders.Subscribed]).decode
_UNREADABLE = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)


class Asked(Struct, frozen=True):
    """A request of ours that is not answered yet; `call` where somebody waits for it."""

    method: str
    sent_ns: int
    tries: int = 1
    call: Call | None = None


class Account:
    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspector: Inspector) -> None:
        self._ctx, self._signer, self._out, self._inspector = ctx, signer, out, inspector
        self._lanes: dict[Topic, Lane] = {}
        self._asked: dict[int, Asked] = {}
        self._last_id = 0
        self._number: int | None = None  # of the subscription
        self._quiet_ns = 0
        self._is_ready = self._is_joined = self._is_lost = self._heard = False

    def __repr__(self) -> str:
        calls = sum(asked.call is not None for asked in self._asked.values())
        return f"<Account {'joined' if self._is_joined else 'not joined'}, {calls} calls unanswered>"

    # ---- what the engine says

    def open(self, at: Stamp) -> None:
        self._quiet_ns, self._is_ready = at.mono_ns, True
        self._out.event(Ready())

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        for topic, lane in topics:
            fault = self._unheard(topic)
            if fault is not None:
                self._out.event(Refused(topic, fault))
                continue
            self._lanes[topic] = lane
            if self._is_joined:
                self._out.event(Joined(topic))
        if self._lanes and not self._is_joined and not self._waits_for(SUBSCRIBE):
            self._subscribe(at)

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        for topic in topics:
            self._lanes.pop(topic, None)
        if self._is_joined and not self._lanes:
            self._unsubscribe(at)

    def renew(self, topic: Topic, at: Stamp) -> None:
        """All topics share one subscription, so all begin again."""
        if self._is_joined:
            self._unsubscribe(at)
            self._subscribe(at)

    def call(self, call: Call, at: Stamp) -> None:
        try:
            frame = self._called(call, at)
        except Misuse as misuse:
            self._out.event(Answer(call.tag, Fault(Kind.INVALID, said=str(misuse))))
        else:
            cost = tuple(charge for charge in _ROWS[call.op].cost(call.asked) if charge.budget != "raw")
            self._out.frame(frame, cost, tag=call.tag)

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        """Nothing is ever needed here."""

    def tick(self, at: Stamp) -> None:
        for number, asked in tuple(self._asked.items()):
            if asked.call is None and at.mono_ns - asked.sent_ns >= ACK_NS:
                del self._asked[number]
                self._unanswered(asked, at)
        if self._is_lost:
            self._is_lost = False
            self._subscribe(at)
        if self._heard:
            self._heard, self._quiet_ns = False, at.mono_ns
        elif at.mono_ns - self._quiet_ns >= PROBE_NS and not self._waits_for(LIST):
            self._send(LIST, {}, at)

    # ---- what the venue says

    def receive(self, frame: bytes, seen_ns: int) -> None:
        self._heard, frame = True, orders.enveloped(frame)
        try:
            said = _SAID(frame)
            nouns = self._nouns(said.event, seen_ns)
        except _UNREADABLE as wrong:
            self._odd(str(wrong) if isinstance(wrong, Nonsense) else "not a frame of this venue", frame)
            for topic in self._lanes:
                if _TELLS[topic.kind] in frame:
                    self._out.event(Missed(topic, "what was told could not be read"))
            return
        if said.event is not None:
            for topic, noun in nouns:
                if topic in self._lanes:
                    self._lanes[topic](noun)
            self._happened(said.event)
            self._inspect(type(said.event).__name__, frame, orders.EVENT)
        elif isinstance(said.id, int) and said.id in self._asked:
            self._answered(self._asked.pop(said.id), said)
        elif said.id is None and said.status >= 400:
            self._ousted(_judged(said, Op.OPEN_ORDERS))
        else:
            self._odd("neither a known event nor an answer to what was asked", frame)

    def _nouns(self, event: orders.AccountEvent | None, seen_ns: int) -> list[tuple[Topic, Any]]:
        """A fill comes before the report that counts it."""
        if isinstance(event, orders.Execution):
            return [(_ORDERS, one) for one in account.executed(event, seen_ns, self._ctx) if one is not None]
        if isinstance(event, orders.AccountPosition):
            return [(_BALANCES, account.holding(one, event.u, seen_ns, self._ctx)) for one in event.B]
        return []

    def _happened(self, event: orders.AccountEvent) -> None:
        match event:
            case orders.BalanceMoved() | orders.LockMoved() if _BALANCES in self._lanes:
                self._out.event(Missed(_BALANCES, f"{event.a} moved by {event.d}; the venue tells no sum"))
            case orders.Terminated() if self._is_joined:
                self._ousted(Fault(Kind.ACCOUNT, said="eventStreamTerminated"))
            case orders.Shutdown():
                self._out.event(Ending(0, SHUTDOWN))

    def _answered(self, asked: Asked, said: orders.Said) -> None:
        if asked.call is not None:
            self._out.event(Answer(asked.call.tag, self._outcome(asked.call, said)))
        elif asked.method == SUBSCRIBE:
            self._subscribed(said)
        elif asked.method == LIST and said.status == 200:
            listed = self._numbers(bytes(said.result))
            if self._is_joined and self._number is not None and listed is not None and self._number not in listed:
                self._is_joined, self._is_lost = False, True
                for topic in self._lanes:
                    self._out.event(Missed(topic, "the venue no longer lists the subscription"))

    def _outcome(self, call: Call, said: orders.Said) -> Any:
        refused = _judged(said, call.op)
        if refused is not None:
            return refused
        row = _ROWS[call.op]
        body = bytes(said.result if said.status == 200 else said.error)
        try:
            answer = row.read(body, call.asked, self._ctx)
        except _UNREADABLE as wrong:
            # The venue said that it acted, and what it said of the deed cannot be read: that must be asked again.
            return Fault(Kind.SERVER, Fate.UNKNOWN, said=f"unreadable: {wrong}", status=said.status)
        self._inspect(call.op, body, row.known)
        return answer

    def _subscribed(self, said: orders.Said) -> None:
        """That there is one already, from a request whose answer was lost, is as good; only its number is unknown."""
        refused = _judged(said, Op.OPEN_ORDERS)
        if refused is None:
            self._number = next(iter(self._numbers(b"[%s]" % bytes(said.result)) or ()), None)
        elif refused.kind is not Kind.DUPLICATE:
            self._refuse(refused)
            return
        self._is_joined = True
        for topic in self._lanes:
            self._out.event(Joined(topic))

    def _numbers(self, listed: bytes) -> list[int] | None:
        try:
            return [one.subscription_id for one in _SUBSCRIPTIONS(listed)]
        except _UNREADABLE:
            self._odd("not a list of subscriptions", listed)
            return None

    def _ousted(self, refused: Fault | None) -> None:
        self._is_joined = False
        self._out.event(Ousted(refused or Fault(Kind.UNKNOWN_CODE)))

    def _unanswered(self, asked: Asked, at: Stamp) -> None:
        if asked.method != SUBSCRIBE:
            return
        if asked.tries < TRIES:
            self._subscribe(at, asked.tries + 1)
        else:
            said = f"{TRIES} subscriptions were not answered within {ACK_NS // MS} ms each"
            self._refuse(Fault(Kind.SERVER, said=said, wait_ms=AGAIN_MS))

    # ---- what we say

    def _called(self, call: Call, at: Stamp) -> bytes:
        if call.op not in METHODS:
            raise Misuse(f"Binance takes no call for {call.op} by socket.", next="ask by REST")
        if not self._is_ready or self._signer is None or len(self._asked) >= CALLS_MOST:
            raise Misuse(f"The connection takes no calls now: {self!r}.", next="ask by REST")
        params = sign_params(_ROWS[call.op].ask(call.asked, self._ctx), self._signer, at)
        return self._framed(METHODS[call.op], params, Asked(METHODS[call.op], at.mono_ns, call=call))

    def _subscribe(self, at: Stamp, tries: int = 1) -> None:
        if self._signer is not None:
            self._send(SUBSCRIBE, sign_params({}, self._signer, at), at, tries)

    def _unsubscribe(self, at: Stamp) -> None:
        """Without a number it ends all of this connection."""
        named = {} if self._number is None else {"subscriptionId": self._number}
        self._is_joined, self._number = False, None
        self._send(UNSUBSCRIBE, named, at)

    def _send(self, method: str, params: Mapping[str, Any], at: Stamp, tries: int = 1) -> None:
        self._out.frame(self._framed(method, params, Asked(method, at.mono_ns, tries)), SMALL)

    def _framed(self, method: str, params: Mapping[str, Any], asked: Asked) -> bytes:
        self._last_id += 1
        self._asked[self._last_id] = asked
        said = {"params": params} if params else {}
        return msgspec.json.encode({"id": self._last_id, "method": method, **said})

    def _unheard(self, topic: Topic) -> Fault | None:
        if self._signer is None:
            return Fault(Kind.KEY, said="without a key nothing is told of an account")
        known = topic in (_ORDERS, _BALANCES)
        return None if known else Fault(Kind.INVALID, said=f"there is no stream for {topic}")

    def _refuse(self, fault: Fault) -> None:
        for topic in tuple(self._lanes):
            del self._lanes[topic]
            self._out.event(Refused(topic, fault))

    def _waits_for(self, method: str) -> bool:
        return any(asked.method == method for asked in self._asked.values())

    def _inspect(self, kind: str, frame: bytes, known: frozenset[str]) -> None:
        if self._inspector.due(kind):
            for name in strangers(frame, known):
                self._odd(f"unknown field: {kind} {name}", frame)

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(Odd(what, frame[:SAMPLE_BYTES]))


def _judged(said: orders.Said, op: Op) -> Fault | None:
    """The same words and codes as in REST."""
    return fault(Reply(said.status, {}, bytes(said.result if said.status == 200 else said.error)), op)
