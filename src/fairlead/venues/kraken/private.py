"""Kraken's private socket (Spot WebSocket v2, ws-auth) as a machine: what an account hears, and orders by call.

Every request carries a token that REST gives; while a private subscription stands, it does not expire. Updates of an
order are partial: they are merged here, so that a report says all that is known. It opens nothing, resends no order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from fairlead.errors import Misuse, UnknownName, cut
from fairlead.venues.kraken.channels import (
    ACCOUNT,
    BALANCES,
    EXECUTIONS,
    SNAPSHOT,
    UPDATE,
    execution_fill,
    holding,
    merged,
    order_report,
    rfc3339_ns,
)  # fmt: skip
from fairlead.venues.kraken.faults import FRAMES, MSG_RATE, said_fault
from fairlead.venues.kraken.orders import KNOWN_FRAMES, BalanceFrame, ExecutionFrame, ExecutionItem, ResultItem, Said
from fairlead.venues.kraken.stream import ACK_NS, AGAIN_MS, PING_NS, SAMPLE_BYTES, SUBSCRIBE, TRIES_MOST, UNSUBSCRIBE
from fairlead.venues.kraken.trade import CALLED, Pending, cost, outcome
from fairlead.venues.kraken.wire import UNREADABLE
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import (
    Answer,
    Broken,
    Call,
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
    Whole,
)  # fmt: skip
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, strangers
from fairlead.wire.signing import Signer, Stamp

TOKEN_NS = 600_000_000_000  # so old a token is not begun with any more: it is good for 15 minutes
ORDERS_KEPT = 10_000  # of which is remembered what was told; the longest silent are forgotten first
CALLS_MOST = 4_096  # under way at once
CALL_NS = 60_000_000_000  # after so long a call is forgotten: whoever made it has long asked otherwise
_FRAME = (Charge(FRAMES),)
_SAID = msgspec.json.Decoder(Said).decode
_DATA: dict[str, Callable[[bytes], Any]] = {
    EXECUTIONS: msgspec.json.Decoder(ExecutionFrame).decode, BALANCES: msgspec.json.Decoder(BalanceFrame).decode,
}  # fmt: skip
_TERMS = {EXECUTIONS: {"snap_orders": True, "snap_trades": False}, BALANCES: {"snapshot": True}}


class Line:
    """One subscription and whoever listens to it."""

    __slots__ = ("asked_ns", "channel", "heard", "is_open", "is_whole", "req_id", "sequence", "stands", "tries")

    def __init__(self, channel: str) -> None:
        self.channel, self.heard = channel, tuple[tuple[Topic, Lane], ...]()
        self.is_open = self.is_whole = self.stands = False  # stands: the venue may hold a subscription of ours
        self.tries = self.req_id = self.asked_ns = self.sequence = 0


class PrivateStreams:
    """The conversation at the private door."""

    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspector: Inspector) -> None:
        self._ctx, self._out, self._due = ctx, out, inspector.due
        self._lines: dict[str, Line] = {}
        self._orders: dict[str, tuple[ExecutionItem, int]] = {}  # what is known of each, and when it began
        self._pending: dict[int, Pending] = {}
        self._token, self._is_needing, self._is_ready = "", False, False
        self._req_id = self._token_ns = self._now_ns = self._heard_ns = 0
        self._silent = True

    # ---- what the engine asks

    def open(self, at: Stamp) -> None:
        self._now_ns = self._heard_ns = at.mono_ns
        self._want_token("a private connection begins with a token")

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        self._is_needing = False
        if not isinstance(answer, str) or not answer:
            self._out.event(Broken(Fault(Kind.TOKEN, said="no token was given", wait_ms=AGAIN_MS)))
            return
        self._token, self._token_ns = answer, at.mono_ns
        if not self._is_ready:
            self._is_ready = True
            self._out.event(Ready())
        for line in self._lines.values():
            if not line.is_open and not line.req_id:
                self._subscribe(line, at.mono_ns)

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        for topic, lane in topics:
            channel = ACCOUNT.get(topic.kind, "")
            if not channel or topic.symbol or topic.detail:
                said = f"{topic} is not to be had here; valid ones: {', '.join(ACCOUNT)}"
                self._out.event(Refused(topic, Fault(Kind.INVALID, said=said)))
                continue
            line = self._lines.setdefault(channel, Line(channel))
            is_new, line.heard = not line.heard, (*(pair for pair in line.heard if pair[0] != topic), (topic, lane))
            if is_new or line.is_open:
                line.tries = 0
                self._begin(line, at.mono_ns)

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        for channel, line in [*self._lines.items()]:
            line.heard = tuple(pair for pair in line.heard if pair[0] not in topics)
            if not line.heard:
                self._unsubscribe(line)
                del self._lines[channel]

    def renew(self, topic: Topic, at: Stamp) -> None:
        line = self._lines.get(ACCOUNT.get(topic.kind, ""))
        if line is not None and line.is_open:
            line.tries = 0
            self._begin(line, at.mono_ns)

    def call(self, call: Call, at: Stamp) -> None:
        if not self._token or call.op not in CALLED or len(self._pending) >= CALLS_MOST:
            kind, why = (Kind.TOKEN, "it has no token") if call.op in CALLED else (Kind.INVALID, f"it takes no {call.op}")
            self._out.event(Answer(call.tag, Fault(kind, said=f"this connection is not ready, {why}: nothing was sent")))
            return
        method, build = CALLED[call.op]
        try:
            params = build(call.asked, self._ctx)
        except (Misuse, UnknownName) as wrong:
            self._out.event(Answer(call.tag, Fault(Kind.INVALID, said=str(wrong))))
            return
        number = self._send(method, params, (*_FRAME, *cost(call.op, call.asked)), call.tag)
        self._pending[number] = Pending(call, at.mono_ns)

    def tick(self, at: Stamp) -> None:
        self._now_ns = at.mono_ns
        if not self._silent:
            self._silent, self._heard_ns = True, at.mono_ns
        elif at.mono_ns - self._heard_ns >= PING_NS:
            self._heard_ns = at.mono_ns
            self._req_id += 1
            self._out.frame(msgspec.json.encode({"method": "ping", "req_id": self._req_id}), _FRAME)
        for number in [n for n, one in self._pending.items() if at.mono_ns - one.made_ns >= CALL_NS]:
            del self._pending[number]
        for line in [*self._lines.values()]:
            if line.req_id and not line.is_open and at.mono_ns - line.asked_ns >= ACK_NS:
                self._late(line, at.mono_ns)
        if self._token and self._is_old() and not any(line.is_open for line in self._lines.values()):
            self._want_token("the token ends when nothing was begun with it")

    # ---- what the venue says

    def receive(self, frame: bytes, seen_ns: int) -> None:
        self._silent = False
        try:
            said = _SAID(frame)
            if said.channel in _DATA:
                self._data(said.channel, _DATA[said.channel](frame), frame, seen_ns)
                return
        except UNREADABLE:
            self._odd("unreadable frame", frame)
            for line in self._lines.values():
                if line.channel.encode() in frame[:SAMPLE_BYTES]:
                    self._missed(line, "a frame could not be read")
            return
        if said.channel not in KNOWN_FRAMES:
            self._odd(f"channel {cut(said.channel, 40)}, which nobody asked for", frame)
            return
        self._inspect(said.channel, frame)
        pending = self._pending.get(said.req_id)
        if said.channel == "status":
            if b'"system":"online"' not in frame:
                self._odd("the venue's system is not online", frame)  # data pauses; the connection and its lines stay
        elif pending is not None and said.method == CALLED[pending.call.op][0]:
            self._answer(said, pending)
        elif not said.channel and said.method != "pong":
            self._acknowledge(said, frame)

    def _data(self, channel: str, told: Any, frame: bytes, seen_ns: int) -> None:
        line, is_whole = self._lines.get(channel), told.type == SNAPSHOT
        if line is None or told.type not in (SNAPSHOT, UPDATE):
            self._odd(f"{channel}, of type {cut(told.type, 40)}, which nobody asked for", frame)
            return
        self._inspect(channel, frame)
        expected, was, line.sequence = line.sequence + 1, line.sequence, told.sequence
        if not is_whole and was and told.sequence < expected:
            line.sequence = was
            self._odd(f"{channel} {told.sequence} was told before", frame)
            return
        if not is_whole and was and told.sequence > expected:
            self._missed(line, f"after {was} came {told.sequence}")
        if is_whole:
            line.is_whole = True
            self._orders = {} if channel == EXECUTIONS else self._orders
        for item in told.data:
            try:
                (self._execution if channel == EXECUTIONS else self._balance)(line, item, seen_ns)
            except UNREADABLE as wrong:
                self._odd(f"unreadable {channel}: {cut(str(wrong), 60)}", frame)
                self._missed(line, "an update could not be read")
        for topic, _ in line.heard if is_whole else ():
            self._out.event(Whole(topic))

    def _execution(self, line: Line, told: ExecutionItem, seen_ns: int) -> None:
        """The fill first, then the report that counts it. Orders are forgotten longest silent first."""
        known, begun_ns = self._orders.pop(told.order_id, (told, 0))
        if told.exec_type in ("pending_new", "new") and not begun_ns:
            begun_ns = rfc3339_ns(told.timestamp)
        known = merged(known, told)
        if not known.symbol:
            self._missed(line, f"the order {cut(told.order_id, 40)} was never told of")
            return
        report = order_report(known, begun_ns, self._ctx, seen_ns)
        is_fill = told.exec_id and told.last_price is not None and told.last_qty is not None
        fill = execution_fill(told, known, self._ctx, seen_ns) if is_fill else None
        self._orders[told.order_id] = known, begun_ns
        if len(self._orders) > ORDERS_KEPT:
            del self._orders[next(iter(self._orders))]
        for _, lane in line.heard:
            if fill is not None:
                lane(fill)
            lane(report)

    def _balance(self, line: Line, told: Any, seen_ns: int) -> None:
        held = holding(told, seen_ns)
        for _, lane in line.heard if held is not None else ():
            lane(held)

    def _answer(self, said: Said, pending: Pending) -> None:
        op, asked = pending.call.op, pending.call.asked
        if op is Op.CANCEL_MANY and said.success is not None:
            outcomes = pending.cancelled(said)
            if outcomes is None:
                return
            answer: Any = outcomes
        elif said.error or said.success is not True:
            answer = said_fault(said.error, op)
        else:
            answer = outcome(op, asked, said.result)
        del self._pending[said.req_id]
        self._out.event(Answer(pending.call.tag, answer))
        if isinstance(answer, Fault) and answer.kind is Kind.TOKEN:
            self._token = ""
            self._want_token("the venue does not know the token any more")

    def _acknowledge(self, said: Said, frame: bytes) -> None:
        """Acknowledgements name their channel, refusals only the number of the frame."""
        channel = said.result.channel if isinstance(said.result, ResultItem) else ""
        lines = [one for one in self._lines.values() if channel == one.channel or said.req_id == one.req_id != 0]
        is_failed = bool(said.error) or said.success is False
        if is_failed and (MSG_RATE in said.error or not said.req_id):
            lines = lines or [one for one in self._lines.values() if not one.is_open]
        for line in lines:
            if is_failed and said.method == SUBSCRIBE and not line.is_open:
                self._refused(line, said_fault(said.error, Op.TOKEN))
            elif not is_failed and said.method == SUBSCRIBE and said.req_id in (0, line.req_id):
                self._opened(line)
            elif not is_failed and said.method == UNSUBSCRIBE and line.is_open and not 0 < said.req_id == line.req_id - 1:
                self._ousted(Fault(Kind.TOKEN, said=f"the venue ended the subscription of {line.channel}"))
        if not lines and is_failed:
            fault = said_fault(said.error, Op.TOKEN)
            if fault.kind in (Kind.TOKEN, Kind.KEY, Kind.PERMISSION, Kind.ACCOUNT) and not said.req_id:
                self._ousted(fault)
            else:
                self._odd(f"refused: {cut(said.error, 100)}", frame)
        elif not lines and said.method != UNSUBSCRIBE:
            self._odd("an answer that nobody waits for", frame)

    # ---- lines

    def _begin(self, line: Line, now_ns: int) -> None:
        """Anew where one stands; with a fresh token, which an old one may not be once nothing stands any more."""
        line.is_open, line.req_id = False, 0
        if not self._token or (self._is_old() and not any(one.is_open for one in self._lines.values())):
            self._want_token("a subscription begins with a token")
        else:
            self._subscribe(line, now_ns)

    def _subscribe(self, line: Line, now_ns: int) -> None:
        self._unsubscribe(line)
        line.tries, line.asked_ns, line.stands, line.is_whole, line.sequence = line.tries + 1, now_ns, True, False, 0
        line.req_id = self._send(SUBSCRIBE, {"channel": line.channel, **_TERMS[line.channel]}, _FRAME)

    def _unsubscribe(self, line: Line) -> None:
        if line.stands:
            self._send(UNSUBSCRIBE, {"channel": line.channel}, _FRAME)
        line.stands = False

    def _opened(self, line: Line) -> None:
        if not line.is_open:
            line.is_open, line.tries = True, 0
            for topic, _ in line.heard:
                self._out.event(Joined(topic))

    def _refused(self, line: Line, fault: Fault) -> None:
        """A token that has ended is asked for anew; a subscription that stands already begins again."""
        line.req_id = 0
        if line.tries < TRIES_MOST and fault.kind is Kind.TOKEN:
            self._token, line.stands = "", False
            self._want_token("the venue does not know the token any more")
        elif line.tries < TRIES_MOST and fault.kind is Kind.DUPLICATE:
            self._begin(line, self._now_ns)
        else:
            del self._lines[line.channel]
            for topic, _ in line.heard:
                self._out.event(Refused(topic, fault))

    def _late(self, line: Line, now_ns: int) -> None:
        if line.is_whole:
            self._opened(line)  # its data came: only the acknowledgement was lost
        elif line.tries < TRIES_MOST:
            self._begin(line, now_ns)
        else:
            self._unsubscribe(line)
            self._refused(line, Fault(Kind.SERVER, said="no answer to the subscription", wait_ms=AGAIN_MS))

    def _ousted(self, fault: Fault) -> None:
        self._lines.clear()
        self._token = ""
        self._out.event(Ousted(fault))
        self._want_token("the venue ended what was begun with the token")

    def _want_token(self, why: str) -> None:
        if not self._is_needing:
            self._is_needing = True
            self._out.need(Need(Op.TOKEN, AskNothing(), why))

    def _is_old(self) -> bool:
        return self._now_ns - self._token_ns >= TOKEN_NS

    def _send(self, method: str, params: Mapping[str, Any], charges: tuple[Charge, ...], tag: str = "") -> int:
        self._req_id += 1
        told = {"method": method, "params": {**params, "token": self._token}, "req_id": self._req_id}
        self._out.frame(msgspec.json.encode(told), charges, tag=tag)
        return self._req_id

    # ---- oddities

    def _missed(self, line: Line, why: str) -> None:
        for topic, _ in line.heard:
            self._out.event(Missed(topic, why))

    def _inspect(self, channel: str, frame: bytes) -> None:
        for field in strangers(frame, KNOWN_FRAMES[channel]) if self._due(channel) else ():
            self._odd(f"{channel or 'answer'}: unknown field {cut(field, 60)}", frame)

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(Odd(what, frame[:SAMPLE_BYTES]))

    def __repr__(self) -> str:
        token = "with" if self._token else "without"
        opened = sum(line.is_open for line in self._lines.values())
        return f"<Kraken private {token} token: {opened} of {len(self._lines)} open, {len(self._pending)} calls>"
