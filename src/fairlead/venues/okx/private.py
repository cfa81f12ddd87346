"""OKX's private socket as a machine: it logs in, follows orders, balances and positions, and carries calls.

It opens nothing and keeps no order. At the beginning nothing is told of orders; of balances and positions all that is
not zero, in pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from fairlead.errors import Misuse
from fairlead.model.market import MS
from fairlead.venues.okx import auth, faults, trade
from fairlead.venues.okx.channels import ACCOUNT, ACCOUNT_TOPICS, AccountFrame, said_in
from fairlead.venues.okx.orders import STATES, OrderRow
from fairlead.venues.okx.stream import ACK_MS, NOTICE_MS, PING_MS, REFUSED_MS, SAMPLE_BYTES, TRIES, UNREADABLE
from fairlead.wire.asks import Op
from fairlead.wire.conversation import (
    Answer,
    Broken,
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
    Whole,
)
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, Nonsense, strangers
from fairlead.wire.signing import Signer, Stamp

CALLS_MOST = 4_096  # under way at once
CALL_MS = 60_000  # after so long a call is forgotten: whoever made it has long turned to REST
# The venue no longer takes us for logged in: the login is over, or the key is gone.
OUSTED = frozenset({"60005", "60009", "60011", "60024", "60032"})
_channels_in = re.compile(r"channel:(\w+)").findall  # how a refusal names what it refuses


class _Sub:
    __slots__ = ("acked", "lane", "request", "sent_ns", "topic", "tries")

    def __init__(self, topic: Topic, lane: Lane) -> None:
        self.topic, self.lane = topic, lane
        self.request, self.sent_ns, self.tries, self.acked = "", 0, 0, False


class Private:
    """A connection to `/private`."""

    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspect: Inspector) -> None:
        self._ctx, self._signer, self._out, self._inspect = ctx, signer, out, inspect
        self._subs: dict[str, _Sub] = {}  # by our kind of topic
        self._calls: dict[str, tuple[Call, int]] = {}  # by request id: what was called, and when
        self._state = "new"  # new, logging in, ready, over
        self._requests, self._heard = 0, False
        self._now_ns = self._heard_ns = self._pinged_ns = self._asked_ns = 0

    def __repr__(self) -> str:
        return f"<Private: {self._state}, {len(self._subs)} subscribed, {len(self._calls)} calls under way>"

    def open(self, at: Stamp) -> None:
        self._now_ns = self._heard_ns = self._pinged_ns = self._asked_ns = at.mono_ns
        if self._signer is None:
            self._end(Broken(Fault(Kind.KEY, said="a private connection needs a key")))
            return
        self._state = "logging in"
        self._send({"op": "login", "args": [auth.login(self._signer, at)]})

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        self._now_ns = at.mono_ns
        known = [(topic, lane) for topic, lane in topics if topic == Topic(topic.kind) and topic.kind in ACCOUNT]
        fresh = [_Sub(topic, lane) for topic, lane in known]
        again = [sub for sub in fresh if sub.topic.kind in self._subs]
        self._subs |= {sub.topic.kind: sub for sub in fresh}
        self._subscribe(fresh, again)
        for topic in [topic for topic, lane in topics if (topic, lane) not in known]:
            self._out.event(Refused(topic, Fault(Kind.INVALID, said=f"no topic of an account: {topic}")))

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        self._now_ns = at.mono_ns
        self._request("unsubscribe", [sub for one in topics if (sub := self._subs.pop(one.kind, None)) is not None])

    def renew(self, topic: Topic, at: Stamp) -> None:
        """Only a new subscription tells the whole again."""
        self._now_ns = at.mono_ns
        sub = self._subs.get(topic.kind)
        if sub is not None:
            sub.tries = 0
            self._subscribe([sub], [sub])

    def call(self, call: Call, at: Stamp) -> None:
        self._now_ns = at.mono_ns
        refusal = self._refusal(call)
        try:
            request = {} if refusal else trade.by_socket(call.op, call.asked, self._ctx)
        except Misuse as wrong:
            refusal = Fault(Kind.INVALID, said=str(wrong))
        if refusal is not None:
            self._out.event(Answer(call.tag, refusal))
            return
        self._requests += 1
        id = f"c{self._requests}"
        self._calls[id] = (call, at.mono_ns)
        cost = trade.ENDPOINTS[call.op].cost(call.asked)
        self._out.frame(msgspec.json.encode({"id": id, **request}), cost, tag=call.tag)

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        """Never comes: all that a private connection needs is its key."""

    def tick(self, at: Stamp) -> None:
        self._now_ns = at.mono_ns
        if self._heard:
            self._heard, self._heard_ns = False, at.mono_ns
        if at.mono_ns - max(self._heard_ns, self._pinged_ns) >= PING_MS * MS:
            self._pinged_ns = at.mono_ns
            self._out.frame(b"ping")
        if self._state == "logging in" and at.mono_ns - self._asked_ns >= ACK_MS * MS:
            self._end(Broken(Fault(Kind.SERVER, said="the venue did not answer the login", wait_ms=1_000)))
        late = [sub for sub in self._subs.values() if not sub.acked and at.mono_ns - sub.sent_ns >= ACK_MS * MS]
        for sub in late:
            if sub.tries >= TRIES:
                said = f"the venue did not answer {TRIES} subscriptions to {sub.topic}"
                self._refuse(sub, Fault(Kind.SERVER, said=said, wait_ms=REFUSED_MS))
        again = [sub for sub in late if sub.tries < TRIES]
        self._subscribe(again, again)
        for id in [id for id, (_, since_ns) in self._calls.items() if at.mono_ns - since_ns >= CALL_MS * MS]:
            del self._calls[id]

    def receive(self, frame: bytes, seen_ns: int) -> None:
        self._heard = True
        if frame == b"pong":
            return
        try:
            said = said_in(frame)
        except UNREADABLE as wrong:
            self._unread(frame, wrong, self._subs.values())  # whose it was cannot be told
            return
        if said.id in self._calls and (said.op or said.event == "error"):
            self._answer(said, frame)
        elif said.event:
            self._event(said, frame)
        else:
            self._data(said, frame, seen_ns)

    # ---- calls
    def _refusal(self, call: Call) -> Fault | None:
        """Why nothing was sent."""
        if call.op not in trade.CALLS:
            return Fault(Kind.INVALID, said=f"{call.op.value} is not called by socket")
        if self._state != "ready":
            return Fault(Kind.SERVER, said="the connection is not logged in")
        if len(self._calls) >= CALLS_MOST:
            return Fault(Kind.LIMIT, said=f"{CALLS_MOST} calls are under way", wait_ms=1_000)
        return None

    def _answer(self, said: AccountFrame, frame: bytes) -> None:
        """The frame of a reply is the body of the same call's reply on REST."""
        call, _ = self._calls.pop(said.id)
        row = trade.ENDPOINTS[call.op]
        outcome: Any = faults.fault(Reply(200, {}, frame), call.op)
        try:
            if outcome is None:
                outcome = row.read(frame, call.asked, self._ctx)
        except (Nonsense, *UNREADABLE) as wrong:
            outcome = Fault(Kind.SERVER, Fate.UNKNOWN, said=f"the reply could not be read: {wrong}")
        self._out.event(Answer(call.tag, outcome))
        if said.code in OUSTED:
            self._end(Ousted(outcome))

    # ---- what is told
    def _data(self, said: AccountFrame, frame: bytes, seen_ns: int) -> None:
        kind = ACCOUNT_TOPICS.get(said.arg.channel, "")
        sub = self._subs.get(kind)
        if sub is None:
            if not kind:  # what was left may still be on its way
                self._odd(f"a frame that nothing asked for: {said.op or said.arg.channel}", frame)
            return
        self._acked(sub)  # data proves the subscription, even if its acknowledgement was lost
        feed = ACCOUNT[kind]
        try:
            rows = feed.decode(said.data)
            events = [event for row in rows for event in feed.nouns(row, self._ctx, seen_ns)]
        except UNREADABLE as wrong:
            self._unread(frame, wrong, [sub])
            return
        if self._inspect.due(kind):
            for name in strangers(frame, feed.known):
                self._odd(f"unknown field {name} on {said.arg.channel}", frame)
        for word in sorted({row.state for row in rows if isinstance(row, OrderRow)} - STATES.keys()):
            self._odd(f"unknown state {word} of an order", frame)
        for event in events:
            sub.lane(event)
        if said.last_page:  # pages of a snapshot end so; a mere change does not speak of pages
            self._out.event(Whole(sub.topic))

    def _unread(self, frame: bytes, wrong: Exception, subs: Iterable[_Sub]) -> None:
        """What it said of an order or a balance is lost to us."""
        self._odd(f"unreadable: {wrong}", frame)
        for sub in subs:
            self._out.event(Missed(sub.topic, f"a frame could not be read: {wrong}"))

    # ---- all that is not data
    def _event(self, said: AccountFrame, frame: bytes) -> None:
        sub = self._subs.get(ACCOUNT_TOPICS.get(said.arg.channel or said.channel, ""))
        match said.event:
            case "login" if said.code in ("", "0"):
                self._state = "ready"
                self._out.event(Ready())
            case "subscribe" if sub is not None:
                self._acked(sub)
            case "channel-conn-count-error" if sub is not None:
                # The subscription was acknowledged, and is dead all the same.
                words = "more connections listen to this channel than the venue allows"
                self._refuse(sub, Fault(Kind.LIMIT, code=said.code, said=words, wait_ms=REFUSED_MS))
            case "notice" if said.code == "64008":
                self._out.event(Ending(NOTICE_MS, said.msg))
            case "error" | "login":
                self._error(said, frame)
            case "unsubscribe" | "subscribe" | "channel-conn-count":
                return
            case _:
                self._odd(f"a frame that nothing asked for: {said.event}", frame)

    def _error(self, said: AccountFrame, frame: bytes) -> None:
        fault = faults.of_code(said.code, said.msg, Op.BALANCES)
        if self._state == "logging in":
            self._end(Broken(fault))
        if self._state == "over" or said.id.startswith("u"):
            return  # of what should be left, nothing was there
        asked = [sub for sub in self._subs.values() if not sub.acked and said.id in ("", sub.request)]
        names = {ACCOUNT_TOPICS.get(channel) for channel in _channels_in(said.msg)}
        meant = [sub for sub in asked if sub.topic.kind in names] or asked
        if said.code in OUSTED and not (said.id and meant):
            self._end(Ousted(fault))
            return
        if not meant:
            self._odd(f"a refusal of nothing that was asked: {said.code}", frame)
        for sub in meant:
            self._refuse(sub, fault)

    def _acked(self, sub: _Sub) -> None:
        if not sub.acked:
            sub.acked = True
            self._out.event(Joined(sub.topic))

    def _refuse(self, sub: _Sub, fault: Fault) -> None:
        self._subs.pop(sub.topic.kind, None)
        self._out.event(Refused(sub.topic, fault))

    def _end(self, word: Broken | Ousted) -> None:
        self._state = "over"
        self._out.event(word)

    # ---- what is asked
    def _subscribe(self, subs: Sequence[_Sub], again: Sequence[_Sub]) -> None:
        self._request("unsubscribe", again)
        for sub in subs:
            sub.acked, sub.sent_ns, sub.tries = False, self._now_ns, sub.tries + 1
        self._request("subscribe", subs)

    def _request(self, op: str, subs: Sequence[_Sub]) -> None:
        if not subs:
            return
        self._requests += 1
        request = f"{op[0]}{self._requests}"
        for sub in subs:
            sub.request = request
        self._send({"id": request, "op": op, "args": [ACCOUNT[sub.topic.kind].arg for sub in subs]})

    def _send(self, asked: dict[str, Any]) -> None:
        self._out.frame(msgspec.json.encode(asked), (Charge("requests"),))

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(Odd(what, frame[:SAMPLE_BYTES]))
