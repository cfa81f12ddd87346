"""OKX's public sockets as a machine: one connection, each topic a channel of it; it opens nothing and keeps no book.

`books` sends the whole and then changes, each naming the one before it (`prevSeqId`); a quiet one repeats its number
about every 60 s, and a reset goes on from a lower number. All three are what Continuity.PRIOR says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import DecodeError, Struct

from fairlead.errors import Misuse
from fairlead.model.market import MS
from fairlead.venues.okx import faults, wire
from fairlead.venues.okx.channels import FEEDS, Arg, Noun, arg_of
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Ending, Joined, Lane, Need, Odd, Out, Ready, Refused, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector, strangers
from fairlead.wire.signing import Signer, Stamp

ARGS_MOST = 100  # of one request: some 6 kB; the venue takes 64 kB
PING_MS = 15_000  # quiet for so long: ask for a pong; the venue ends a connection that is idle for 30 s
ACK_MS, TRIES = 10_000, 3  # how long a subscription may stay unanswered, and how often it is asked for
WHOLE_MS = 1_000  # a whole goes before all changes: if after so long only these come, it was lost
REFUSED_MS = 30_000  # after that, when to try again
NOTICE_MS = 60_000  # an upgrade is announced so long before
SAMPLE_BYTES = 400
UNREADABLE = (DecodeError, ValueError, RecursionError)


class _Said(Struct, rename="camel"):
    """Any frame, as far as it is not data."""

    event: str = ""
    arg: Arg | None = None
    id: str = ""
    code: str = ""
    msg: str = ""


_said = msgspec.json.Decoder(_Said).decode
_named = re.compile(r"channel:([\w-]+),instId:([\w-]+)").findall  # how a refusal names what it refuses


class _Sub:
    """One subscription: who listens, and how far it has come."""

    __slots__ = ("acked", "arg", "ears", "feed", "lacks_whole", "request", "sent_ns", "tries")

    def __init__(self, arg: Arg) -> None:
        self.arg, self.feed = arg, FEEDS[arg.channel]
        self.ears: tuple[tuple[Topic, Lane], ...] = ()
        self.request, self.sent_ns, self.tries = "", 0, 0
        self.acked = self.lacks_whole = False

    @property
    def done(self) -> bool:
        return self.acked and not self.lacks_whole

    def mute(self, topic: Topic) -> None:
        self.ears = tuple(ear for ear in self.ears if ear[0] != topic)


class Channels:
    """A connection to one of the public addresses: `/public` or, for candles, `/business`."""

    def __init__(self, ctx: Ctx, signer: Signer | None, out: Out, inspect: Inspector) -> None:
        self._ctx, self._out, self._inspect = ctx, out, inspect
        self._subs: dict[bytes, _Sub] = {}  # by the head of their frames
        self._left: set[bytes] = set()  # frames about these may still be on their way
        self._requests = 0
        self._heard = False
        self._now_ns = self._heard_ns = self._pinged_ns = 0

    def __repr__(self) -> str:
        waiting = sum(not sub.done for sub in self._subs.values())
        return f"<Channels: {len(self._subs)} subscribed, {waiting} of them not yet answered>"

    def open(self, at: Stamp) -> None:
        self._now_ns = self._heard_ns = self._pinged_ns = at.mono_ns
        self._out.event(Ready())

    def join(self, topics: Sequence[tuple[Topic, Lane]], at: Stamp) -> None:
        self._now_ns = at.mono_ns
        fresh: dict[bytes, _Sub] = {}
        for topic, lane in topics:
            try:
                arg = arg_of(topic, self._ctx)
            except Misuse as wrong:
                self._out.event(Refused(topic, Fault(Kind.INVALID, said=str(wrong))))
                continue
            sub = self._subs.setdefault(arg.head, _Sub(arg))
            sub.mute(topic)
            sub.ears = (*sub.ears, (topic, lane))
            # A second listener to a book needs the whole as well; to all else, the next frame will do.
            if not sub.request or (sub.done and sub.feed.noun is None):
                fresh[arg.head] = sub
            elif sub.acked:
                self._out.event(Joined(topic))
        self._subscribe(fresh.values())

    def leave(self, topics: Sequence[Topic], at: Stamp) -> None:
        self._now_ns = at.mono_ns
        gone = []
        for topic in topics:
            for sub in self._of(topic):
                sub.mute(topic)
                if not sub.ears:
                    self._drop(sub)
                    gone.append(sub)
        self._request("unsubscribe", gone)

    def renew(self, topic: Topic, at: Stamp) -> None:
        """A book that lost its thread: unsubscribe, subscribe, and not a change until the new whole is there. Asked
        again meanwhile it does nothing: a request for every change that waits would be a storm."""
        self._now_ns = at.mono_ns
        self._subscribe([sub for sub in self._of(topic) if sub.done])

    def call(self, call: Call, at: Stamp) -> None:
        self._out.event(Answer(call.tag, Fault(Kind.INVALID, said="nothing is called through a public connection")))

    def supply(self, need: Need, answer: object, at: Stamp) -> None:
        """Never comes: a public connection needs nothing."""

    def tick(self, at: Stamp) -> None:
        self._now_ns = at.mono_ns
        if self._heard:
            self._heard, self._heard_ns = False, at.mono_ns
        if at.mono_ns - max(self._heard_ns, self._pinged_ns) >= PING_MS * MS:
            self._pinged_ns = at.mono_ns
            self._out.frame(b"ping")
        late = [sub for sub in self._subs.values() if not sub.done and at.mono_ns - sub.sent_ns >= ACK_MS * MS]
        for sub in late:
            if sub.tries >= TRIES:
                said = f"the venue did not answer {TRIES} subscriptions to {sub.arg.channel}"
                self._refuse(sub, Fault(Kind.SERVER, said=said, wait_ms=REFUSED_MS))
        self._subscribe([sub for sub in late if sub.tries < TRIES])

    def receive(self, frame: bytes, seen_ns: int) -> None:
        self._heard = True
        sub = self._subs.get(frame[: frame.find(b"}") + 1])
        if sub is None:
            self._rare(frame, seen_ns)
        else:
            self._data(sub, frame, seen_ns)

    # ---- data
    def _data(self, sub: _Sub, frame: bytes, seen_ns: int) -> None:
        feed = sub.feed
        try:
            said = feed.decode(frame)
            if self._inspect.due(sub.arg.channel):
                for name in strangers(frame, feed.known):
                    self._odd(f"unknown field {name} on {sub.arg.channel}", frame)
        except UNREADABLE as wrong:
            self._odd(f"unreadable on {sub.arg.channel}: {wrong}", frame)
            return
        if feed.noun is None:
            self._book(sub, said, frame, seen_ns)
        else:
            self._rows(sub, feed.noun, said.data, frame, seen_ns)

    def _book(self, sub: _Sub, said: wire.BookFrame, frame: bytes, seen_ns: int) -> None:
        if said.action not in ("snapshot", "update", ""):
            self._odd(f"unknown action {said.action} on {sub.arg.channel}", frame)
            return
        for row in said.data:
            # Where a frame does not say what it is, it is whole if it follows none (prevSeqId -1).
            whole = sub.feed.whole or said.action == "snapshot" or (not said.action and row.prev_seq_id == -1)
            if sub.lacks_whole and not whole:
                # Changes flow, so it is the whole that was lost: no use in waiting for it.
                if sub.tries < TRIES and self._now_ns - sub.sent_ns >= WHOLE_MS * MS:
                    self._subscribe([sub])
                continue
            if row.inst_id and row.inst_id != sub.arg.inst_id:
                self._odd(f"another symbol on {sub.arg.channel}", frame)
                continue
            for topic, lane in sub.ears:
                try:
                    levels = row.noun(topic, whole, seen_ns)
                except ValueError as wrong:
                    self._odd(f"unreadable on {sub.arg.channel}: {wrong}", frame)
                    break
                if not sub.done:
                    self._came(sub)
                lane(levels)

    def _rows(self, sub: _Sub, noun: Noun, rows: list[Any], frame: bytes, seen_ns: int) -> None:
        if not sub.done:
            self._came(sub)
        named, long = sub.feed.named, sub.feed.long
        for row in rows:
            if named and row.inst_id != sub.arg.inst_id:
                self._odd(f"another symbol on {sub.arg.channel}", frame)
                continue
            if long is not None and long(row):
                self._odd("more digits than a float holds", frame)
            for topic, lane in sub.ears:
                try:
                    event = noun(row, topic, seen_ns)
                except ValueError as wrong:
                    self._odd(f"unreadable on {sub.arg.channel}: {wrong}", frame)
                    break
                lane(event)

    # ---- all that is not data
    def _rare(self, frame: bytes, seen_ns: int) -> None:
        if frame == b"pong":
            return
        try:
            said = _said(frame)
        except UNREADABLE as wrong:
            self._odd(f"unreadable: {wrong}", frame)
            return
        head = said.arg.head if said.arg else b""
        sub = self._subs.get(head)
        if said.event == "error":
            self._error(said, frame)
        elif said.event == "notice" and said.code == "64008":
            self._out.event(Ending(NOTICE_MS, said.msg))
        elif said.event == "unsubscribe":
            self._left.discard(head)
        elif sub is not None and said.event == "subscribe":
            self._acked(sub)
        elif sub is not None and not said.event:  # data, its fields in another order
            self._data(sub, frame, seen_ns)
        elif head not in self._left:
            what = said.event or (said.arg.channel if said.arg else "no event, no channel")
            self._odd(f"a frame that nothing asked for: {what}", frame)

    def _error(self, said: _Said, frame: bytes) -> None:
        """One request may succeed for some of its channels. A refusal names the request and mostly the channel; if that
        cannot be told, each is asked for alone."""
        if said.id.startswith("u"):
            return  # what should be left was not there
        asked = [sub for sub in self._subs.values() if not sub.acked and said.id in ("", sub.request)]
        names = set(_named(said.msg))
        meant = [sub for sub in asked if (sub.arg.channel, sub.arg.inst_id) in names]
        fault = faults.of_code(said.code, said.msg, Op.BOOK)
        if not asked:
            self._odd(f"a refusal of nothing that was asked: {said.code}", frame)
        for sub in meant or asked:
            if meant or len(asked) == 1 or fault.wait_ms or sub.tries >= TRIES:
                self._refuse(sub, fault)
            else:
                self._subscribe([sub])

    def _acked(self, sub: _Sub) -> None:
        if not sub.acked:
            sub.acked = True
            for topic, _ in sub.ears:
                self._out.event(Joined(topic))

    def _came(self, sub: _Sub) -> None:
        """Data proves the subscription, even if its acknowledgement was lost."""
        sub.lacks_whole = False
        self._acked(sub)

    # ---- what is asked
    def _subscribe(self, subs: Iterable[_Sub]) -> None:
        """Anew; whatever had been asked for before is left first, since only a new subscription brings a new whole."""
        wanted = list(subs)
        self._request("unsubscribe", [sub for sub in wanted if sub.request])
        for sub in wanted:
            sub.tries = 1 if sub.done else sub.tries + 1
            sub.acked, sub.lacks_whole, sub.sent_ns = False, sub.feed.noun is None, self._now_ns
            self._left.discard(sub.arg.head)
        self._request("subscribe", wanted)

    def _request(self, op: str, subs: Sequence[_Sub]) -> None:
        for first in range(0, len(subs), ARGS_MOST):
            batch = subs[first : first + ARGS_MOST]
            self._requests += 1
            request = f"{op[0]}{self._requests}"
            for sub in batch:
                sub.request = request
            asked = {"id": request, "op": op, "args": [sub.arg for sub in batch]}
            self._out.frame(msgspec.json.encode(asked), (Charge("requests"),))

    def _refuse(self, sub: _Sub, fault: Fault) -> None:
        self._drop(sub)
        for topic, _ in sub.ears:
            self._out.event(Refused(topic, fault))

    def _drop(self, sub: _Sub) -> None:
        head = sub.arg.head
        del self._subs[head]
        self._left.add(head)

    def _of(self, topic: Topic) -> Iterator[_Sub]:
        return (sub for sub in tuple(self._subs.values()) if any(topic == one for one, _ in sub.ears))

    def _odd(self, what: str, frame: bytes) -> None:
        self._out.event(Odd(what, frame[:SAMPLE_BYTES]))
