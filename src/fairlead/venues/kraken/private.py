"""Kraken's private socket (Spot WebSocket v2, ws-auth) as a machine: what an account hears, and orders by call.

Every request carries a token that REST gives; while a private subscription stands, it does not expire. Updates of an
order are partial: they are merged here, so that a report says all that is known. It opens nothing, resends no order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from fairlead.errors import Misuse, UnknownName, cut
from fairlead.venues.kraken import channels
from fairlead.venues.kraken.account import Known
from fairlead.venues.kraken.auth import Leave
from fairlead.venues.kraken.faults import FRAMES, MSG_RATE, said_fault
from fairlead.venues.kraken.orders import KNOWN_FRAMES, BalanceFrame, ExecutionFrame, ExecutionItem, ResultItem, Said
from fairlead.venues.kraken.stream import ACK_NS, AGAIN_MS, PING_NS, SAMPLE_BYTES, SUBSCRIBE, TRIES_MOST, UNSUBSCRIBE
from fairlead.venues.kraken.trade import CALLED, Pending, cost
from fairlead.venues.kraken.wire import UNREADABLE
from fairlead.wire import conversation as talk
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Call, Lane, Out, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, strangers
from fairlead.wire.signing import Signer, Stamp

CALLS_MOST = 4_096  # under way at once
CALL_NS = 60_000_000_000  # after so long a call is forgotten: whoever made it has long asked otherwise
UNANSWERED = Fault(Kind.SERVER, said="no answer to the subscription", wait_ms=AGAIN_MS)
_FRAME = (Charge(FRAMES),)
_SAID = msgspec.json.Decoder(Said).decode
_LOST = (Kind.TOKEN, Kind.KEY, Kind.PERMISSION, Kind.ACCOUNT)  # leave to hear of the account, if told unasked
_DATA: dict[str, Callable[[bytes], Any]] = {
    channels.EXECUTIONS: msgspec.json.Decoder(ExecutionFrame).decode,
    channels.BALANCES: msgspec.json.Decoder(BalanceFrame).decode,
}
_TERMS = {channels.EXECUTIONS: {"snap_orders": True, "snap_trades": False}, channels.BALANCES: {"snapshot": True}}


class Line:
    """One subscription and whoever listens to it."""

    __slots__ = ("asked_ns", "channel", "heard", "is_open", "is_whole", "req_id", "sequence", "stands", "tries")

    def __init__(self, channel: str) -> None:
        self.channel, self.heard = channel, tuple[tuple[Topic, Lane], ...]()
        self.is_open = self.is_whole = self.stands = False  # stands: the venue may hold a subscription of ours
        self.tries = self.req_id = self.asked_ns = self.sequence = 0


class PrivateStreams:
    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspector: Inspector) -> None:
        self._ctx, self._out, self._due = ctx, out, inspector.due
        self._lines: dict[str, Line] = {}
        self._known = Known()
        self._pending: dict[int, Pending] = {}
        self._leave, self._is_ready = Leave(out), False
        self._req_id = self._now_ns = self._heard_ns = 0
        self._silent = True

    # ---- what the engine asks

    def open(self, at: Stamp) -> None:
        self._now_ns = self._heard_ns = at.mono_ns
        self._leave.want("a private connection begins with a token")

    def supply(self, need: talk.Need, answer: object, at: Stamp) -> None:
        self._leave.take(answer, at.mono_ns)
        if not self._leave.token:
            self._out.event(talk.Broken(Fault(Kind.TOKEN, said="no token was given", wait_ms=AGAIN_MS)))
            return
        if not self._is_ready:
            self._is_ready = True
            self._out.event(talk.Ready())
        for line in self._lines.values():
            if not line.is_open and not line.req_id:
                self._subscribe(line, at.mono_ns)

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        for topic, lane in topics:
            channel = channels.ACCOUNT.get(topic.kind, "")
            if not channel or topic.symbol or topic.detail:
                said = f"{topic} is not to be had here; valid ones: {', '.join(channels.ACCOUNT)}"
                self._out.event(talk.Refused(topic, Fault(Kind.INVALID, said=said)))
                continue
            line = self._lines.setdefault(channel, Line(channel))
            is_new, line.heard = not line.heard, (*(pair for pair in line.heard if pair[0] != topic), (topic, lane))
            if is_new:
                self._begin(line, at.mono_ns)
            else:
                self.renew(topic, at)  # a new listener needs the beginning too

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        for channel, line in [*self._lines.items()]:
            line.heard = tuple(pair for pair in line.heard if pair[0] not in topics)
            if not line.heard:
                self._unsubscribe(line)
                del self._lines[channel]

    def renew(self, topic: Topic, at: Stamp) -> None:
        line = self._lines.get(channels.ACCOUNT.get(topic.kind, ""))
        if line is not None and line.is_open:
            line.tries = 0
            self._begin(line, at.mono_ns)

    def call(self, call: Call, at: Stamp) -> None:
        if not self._leave.token or call.op not in CALLED or len(self._pending) >= CALLS_MOST:
            kind = Kind.TOKEN if call.op in CALLED else Kind.INVALID
            self._out.event(talk.Answer(call.tag, Fault(kind, said="not ready, or not for this: nothing was sent")))
            return
        method, build = CALLED[call.op]
        try:
            params = build(call.asked, self._ctx)
        except (Misuse, UnknownName) as wrong:
            self._out.event(talk.Answer(call.tag, Fault(Kind.INVALID, said=str(wrong))))
            return
        charges = (*_FRAME, *cost(call.op, call.asked))
        self._pending[self._send(method, params, charges, call.tag)] = Pending(call, at.mono_ns)

    def tick(self, at: Stamp) -> None:
        self._now_ns = at.mono_ns
        if not self._silent:
            self._silent, self._heard_ns = True, at.mono_ns
        elif at.mono_ns - self._heard_ns >= PING_NS:
            self._heard_ns = at.mono_ns
            self._req_id += 1
            self._out.frame(msgspec.json.encode({"method": "ping", "req_id": self._req_id}), _FRAME)
        self._pending = {n: one for n, one in self._pending.items() if at.mono_ns - one.made_ns < CALL_NS}
        for line in [*self._lines.values()]:
            if line.req_id and not line.is_open and at.mono_ns - line.asked_ns >= ACK_NS:
                (self._failed if not line.is_whole else self._opened)(line, UNANSWERED)
        if self._leave.token and self._is_ending():
            self._leave.want("the token ends when nothing was begun with it")

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
        line, is_whole = self._lines.get(channel), told.type == channels.SNAPSHOT
        if line is None or told.type not in (channels.SNAPSHOT, channels.UPDATE):
            self._odd(f"{channel}, of type {cut(told.type, 40)}, which nobody asked for", frame)
            return
        self._inspect(channel, frame)
        was, is_change = line.sequence, not is_whole and line.sequence > 0
        if is_change and told.sequence <= was:
            self._odd(f"{channel} {told.sequence} was told before", frame)
            return
        if is_change and told.sequence > was + 1:
            self._missed(line, f"after {was} came {told.sequence}")
        line.sequence, line.is_whole = told.sequence, line.is_whole or is_whole
        if is_whole and channel == channels.EXECUTIONS:
            self._known = Known()
        for item in told.data:
            try:
                self._tell(line, item, seen_ns)
            except UNREADABLE as wrong:
                self._odd(f"unreadable {channel}: {cut(str(wrong), 60)}", frame)
                self._missed(line, "an update could not be read")
        for topic, _ in line.heard if is_whole else ():
            self._out.event(talk.Whole(topic))

    def _tell(self, line: Line, told: Any, seen_ns: int) -> None:
        """Of an execution the fill first, then the report that counts it."""
        if isinstance(told, ExecutionItem):
            news: tuple[Any, ...] = self._known.take(told, self._ctx, seen_ns)
            if not news:
                self._missed(line, f"the order {cut(told.order_id, 40)} was never told of")
        else:
            news = channels.holding(told, seen_ns)
        for _, lane in line.heard:
            for event in news:
                lane(event)

    def _answer(self, said: Said, pending: Pending) -> None:
        if (answer := pending.outcome(said)) is None:
            return
        del self._pending[said.req_id]
        self._out.event(talk.Answer(pending.call.tag, answer))
        if isinstance(answer, Fault) and answer.kind is Kind.TOKEN:
            self._leave.lose("the venue does not know the token any more")

    def _acknowledge(self, said: Said, frame: bytes) -> None:
        """Acknowledgements name their channel, refusals only the number of the frame; what is unasked has none."""
        channel = said.result.channel if isinstance(said.result, ResultItem) else ""
        fault = said_fault(said.error, Op.TOKEN) if said.error or said.success is False else None
        about = [one for one in self._lines.values() if channel == one.channel or 0 < said.req_id == one.req_id]
        if MSG_RATE in said.error:
            about = about or [one for one in self._lines.values() if not one.is_open]
        for line in about:
            if fault is not None and not line.is_open:
                self._failed(line, fault)
            elif fault is None and said.method == SUBSCRIBE and said.req_id in (0, line.req_id):
                self._opened(line)
            elif fault is None and said.method == UNSUBSCRIBE and line.is_open and not said.req_id:
                self._ousted(Fault(Kind.TOKEN, said=f"the venue ended the subscription of {line.channel}"))
        if not about and fault is not None and fault.kind in _LOST and not said.req_id:
            self._ousted(fault)
        elif not about and said.method != UNSUBSCRIBE:  # what is left and does not stand is just as well
            self._odd(f"an answer that nobody waits for: {cut(said.error, 100)}", frame)

    # ---- lines

    def _begin(self, line: Line, now_ns: int) -> None:
        """Anew where one stands; with a fresh token, which an old one may not be once nothing stands any more."""
        line.is_open, line.req_id = False, 0
        if self._leave.token and not self._is_ending():
            self._subscribe(line, now_ns)
        else:
            self._leave.want("a subscription begins with a token")

    def _is_ending(self) -> bool:
        """Whether the token may end soon: an old one does when nothing stands that was begun with it."""
        return self._leave.is_old(self._now_ns) and not any(line.is_open for line in self._lines.values())

    def _subscribe(self, line: Line, now_ns: int) -> None:
        self._unsubscribe(line)
        line.tries, line.asked_ns, line.stands, line.is_whole, line.sequence = line.tries + 1, now_ns, True, False, 0
        line.req_id = self._send(SUBSCRIBE, {"channel": line.channel, **_TERMS[line.channel]}, _FRAME)

    def _unsubscribe(self, line: Line) -> None:
        if line.stands:
            self._send(UNSUBSCRIBE, {"channel": line.channel}, _FRAME)
        line.stands = False

    def _opened(self, line: Line, lost: Fault | None = None) -> None:
        """By its acknowledgement; or by its data, where only that was lost."""
        if not line.is_open:
            line.is_open, line.tries = True, 0
            for topic, _ in line.heard:
                self._out.event(talk.Joined(topic))

    def _failed(self, line: Line, fault: Fault) -> None:
        """Once more where that may help: with another token, anew where one stands already, or heard of nothing."""
        line.req_id = 0
        if line.tries >= TRIES_MOST or fault.kind not in (Kind.TOKEN, Kind.DUPLICATE, Kind.SERVER):
            if fault == UNANSWERED:
                self._unsubscribe(line)  # it may stand after all
            del self._lines[line.channel]
            for topic, _ in line.heard:
                self._out.event(talk.Refused(topic, fault))
            return
        if fault.kind is Kind.TOKEN:
            self._leave.lose("the venue does not know the token any more")
            line.stands = False
        self._begin(line, self._now_ns)

    def _ousted(self, fault: Fault) -> None:
        self._lines = {}
        self._out.event(talk.Ousted(fault))
        self._leave.lose("the venue ended what was begun with the token")

    def _send(self, method: str, params: Mapping[str, Any], charges: tuple[Charge, ...], tag: str = "") -> int:
        self._req_id += 1
        told = {"method": method, "params": {**params, "token": self._leave.token}, "req_id": self._req_id}
        self._out.frame(msgspec.json.encode(told), charges, tag=tag)
        return self._req_id

    def _missed(self, line: Line, why: str) -> None:
        for topic, _ in line.heard:
            self._out.event(talk.Missed(topic, why))

    def _inspect(self, channel: str, frame: bytes) -> None:
        for field in strangers(frame, KNOWN_FRAMES[channel]) if self._due(channel) else ():
            self._odd(f"{channel or 'answer'}: unknown field {cut(field, 60)}", frame)

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(talk.Odd(what, frame[:SAMPLE_BYTES]))

    def __repr__(self) -> str:
        opened = [line.channel for line in self._lines.values() if line.is_open]
        return f"<Kraken private {'ready' if self._leave.token else 'waiting'}: {opened}, {len(self._pending)} calls>"
