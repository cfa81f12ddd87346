"""OKX's end of a public socket: acknowledgements, sequence numbers, refusals, idle closes; it knows no market."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from math import inf
from typing import Any

import msgspec
from msgspec import DecodeError, Struct

from fairlead.model.instrument import Instrument
from fairlead.model.market import MS
from fairlead.venues.okx import channels, replies
from fairlead.venues.okx.channels import Arg
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Side
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Depth, Ear, Heard
from fairlead.wire.signing import Stamp

IDLE_MS = 30_000
HEARTBEAT_MS = 60_000  # a book without a change repeats its number so often
REQUESTS_MOST, HOUR_NS = 480, 3_600_000 * MS  # subscribe, unsubscribe and login together
FRAME_MOST_BYTES = 64 * 1024
ID_MOST_CHARS = 32
NEEDS_LOGIN = frozenset({"books-l2-tbt", "books50-l2-tbt"})
NO_SUCH = "Please use the correct URL, channel and parameters referring to API document."
_NOT_BUSINESS = (
    "This channel is not supported by business URL. Please use /private URL(for private channels), or /public URL(for "
    "public channels)."
)
GOING = "The connection will soon be closed for a service upgrade. Please reconnect."


class _Asked(Struct):
    op: str
    args: list[dict[str, Any]] = []
    id: str = ""


_asked = msgspec.json.Decoder(_Asked).decode


class _View:
    """One side of a book, of which the best 400 levels are in sight: changes beyond are not told, and levels that come
    into sight or leave it are."""

    def __init__(self, levels: Side, worse: int) -> None:
        self._worse = worse  # 1 if higher prices are (asks), -1 if lower ones are
        self._qty = {price * worse: qty for price, qty in levels}
        self._keys = sorted(self._qty)  # best first

    def seen(self) -> Side:
        return [(key * self._worse, self._qty[key]) for key in self._keys[: replies.DEEP]]

    def change(self, said: Side) -> Side:
        """What becomes of what is in sight."""
        levels = {price * self._worse: qty for price, qty in said}
        edge = self._edge()
        before = {key for key in levels if key in self._qty and key <= edge}
        for key, qty in levels.items():
            self._put(key, qty)
        now = self._edge()
        found = {key: qty for key, qty in levels.items() if (qty and key <= now) or key in before}
        near, far = sorted((edge, now))
        for key in self._keys[bisect_right(self._keys, near) : bisect_right(self._keys, far)]:
            if now > edge:
                found[key] = self._qty[key]  # it came into sight
            elif key in before or key not in levels:
                found[key] = 0  # it left
        return [(key * self._worse, found[key]) for key in sorted(found)]

    def _edge(self) -> float:
        return self._keys[replies.DEEP - 1] if len(self._keys) >= replies.DEEP else inf

    def _put(self, key: int, qty: int) -> None:
        if key not in self._qty and qty:
            insort(self._keys, key)
        if qty:
            self._qty[key] = qty
        elif self._qty.pop(key, 0):
            del self._keys[bisect_left(self._keys, key)]


class _Told:
    """One subscription, and what it was told last."""

    __slots__ = ("arg", "asks", "bids", "one", "repeated", "seq", "spoke_ns", "world_seq")

    def __init__(self, arg: Arg, one: Instrument) -> None:
        self.arg, self.one = arg, one
        self.bids, self.asks = _View((), -1), _View((), 1)
        self.seq = self.world_seq = 0  # the last number told; the last that the book had
        self.repeated: Any = None  # the row that a quiet snapshot channel repeats
        self.spoke_ns = 0


class Room:
    """A connection at `/public`, or at `/business`, where candles are."""

    def __init__(self, ctx: Ctx, ear: Ear, business: bool) -> None:
        self._ctx, self._ear, self._business = ctx, ear, business
        self._told: dict[Topic, _Told] = {}
        self._requests: deque[int] = deque()
        self._conn_id, self._active_ns = "", 0

    def __repr__(self) -> str:
        return f"<Room {self._conn_id}: {len(self._told)} channels>"

    def open(self, at: Stamp, path: str = "") -> None:
        self._conn_id, self._active_ns = f"{at.mono_ns // MS & 0xFFFFFFFF:08x}", at.mono_ns

    def receive(self, frame: bytes, at: Stamp) -> None:
        self._active_ns = at.mono_ns
        if frame == b"ping":
            self._ear.frame(b"pong")
            return
        if len(frame) > FRAME_MOST_BYTES:
            self._ear.close(1009, "Request message exceeds the maximum frame length")
            return
        try:
            asked = _asked(frame)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            self._error("", "60012", f"Invalid request: {frame.decode('utf-8', 'replace')}")
            return
        refusal = self._refusal(asked, at)
        if refusal:
            self._error(asked.id, *refusal)
            return
        for given in asked.args:
            self._each(asked, given, at)

    def pong(self, payload: bytes, at: Stamp) -> None:
        """It sends no pings of the protocol."""

    def tell(self, topic: Topic, event: object, at: Stamp) -> None:
        told = self._told.get(topic)
        if told is None:
            return
        if not isinstance(event, Depth):
            told.repeated = replies.event(event, told.one)
            self._push(told, told.repeated, at)
        elif told.arg.channel == "books5":
            self._five(told, event, at)
        else:
            self._book(told, event, at)

    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        """Never asked: nothing is called through a public connection."""

    def warn(self, in_ms: int, at: Stamp) -> None:
        self._frame({"event": "notice", "code": "64008", "msg": GOING, "connId": self._conn_id})

    def tick(self, at: Stamp) -> None:
        for told in self._told.values():
            if told.spoke_ns and at.mono_ns - told.spoke_ns >= HEARTBEAT_MS * MS:
                self._beat(told, at)
        if at.mono_ns - self._active_ns >= IDLE_MS * MS:
            self._ear.close(4004, "No data received in 30s.")

    # ---- what it is asked
    def _refusal(self, asked: _Asked, at: Stamp) -> tuple[str, str] | None:
        """Why the request as a whole is refused."""
        if asked.op == "login":
            return "60008", "Login is not supported for public channels."
        if asked.op not in ("subscribe", "unsubscribe"):
            return "60019", f"Invalid op: {asked.op}"
        if len(asked.id) > ID_MOST_CHARS or (asked.id and not (asked.id.isascii() and asked.id.isalnum())):
            return "60033", "Invalid id"
        while self._requests and at.mono_ns - self._requests[0] >= HOUR_NS:
            self._requests.popleft()
        if len(self._requests) >= REQUESTS_MOST:
            return "60014", "Requests too frequent"
        self._requests.append(at.mono_ns)
        return None if asked.args else ("60013", "Invalid args")

    def _each(self, asked: _Asked, given: dict[str, Any], at: Stamp) -> None:
        """Each channel is acknowledged or refused for itself."""
        try:
            arg = msgspec.convert(given, Arg)
        except msgspec.ValidationError:
            self._error(asked.id, "60013", "Invalid args")
            return
        topic = channels.topic_of(arg, self._ctx)
        named = f"channel:{arg.channel},instId:{arg.inst_id}"
        if arg.channel in NEEDS_LOGIN:
            self._error(asked.id, "60011", "Please log in")
        elif topic is not None and self._business and topic.kind != "candles":
            self._error(asked.id, "64002", _NOT_BUSINESS)
        elif topic is None or (topic.kind == "candles" and not self._business):
            self._error(asked.id, "60018", f"Wrong URL or {named} doesn't exist. {NO_SUCH}")
        else:
            ids = {"id": asked.id} if asked.id else {}
            self._frame({**ids, "event": asked.op, "arg": given, "connId": self._conn_id})
            self._turn(asked.op == "subscribe", topic, arg)

    def _turn(self, on: bool, topic: Topic, arg: Arg) -> None:
        """Who subscribes twice hears no second whole."""
        if on and topic not in self._told:
            self._told[topic] = _Told(arg, self._ctx.catalog.theirs(topic.symbol))
            self._ear.join(topic)
        elif not on and self._told.pop(topic, None) is not None:
            self._ear.leave(topic)

    # ---- what it tells
    def _book(self, told: _Told, said: Depth, at: Stamp) -> None:
        if said.whole:
            told.bids, told.asks = _View(said.bids, -1), _View(said.asks, 1)
            bids, asks, prior, action = told.bids.seen(), told.asks.seen(), -1, "snapshot"
        else:
            bids, asks, action = told.bids.change(said.bids), told.asks.change(said.asks), "update"
            # A change that is missing shows in the numbers; one out of sight does not.
            prior = told.seq if said.prior == told.world_seq else said.prior
        told.world_seq = said.last
        if said.whole or bids or asks:
            told.seq = said.last
            row = replies.book(bids, asks, told.one, said.venue_ns, said.last) | {"checksum": 0, "prevSeqId": prior}
            self._push(told, row, at, action)

    def _five(self, told: _Told, said: Depth, at: Stamp) -> None:
        bids, asks = (said.bids[:5], said.asks[:5]) if said.whole else said.sight.top(5)
        row = replies.book(bids, asks, told.one, said.venue_ns, said.last) | {"instId": told.one.venue_symbol}
        if told.repeated is None or (told.repeated["asks"], told.repeated["bids"]) != (row["asks"], row["bids"]):
            told.repeated = row
            self._push(told, row, at)

    def _beat(self, told: _Told, at: Stamp) -> None:
        """A quiet book says its number again with nothing in it; a quiet snapshot says itself again."""
        if told.arg.channel == "books":
            row = replies.book((), (), told.one, at.venue_ms * MS, told.seq) | {"checksum": 0, "prevSeqId": told.seq}
            self._push(told, row, at, "update")
        elif told.arg.channel in ("books5", "bbo-tbt"):
            self._push(told, told.repeated, at)

    def _push(self, told: _Told, row: Any, at: Stamp, action: str = "") -> None:
        told.spoke_ns = self._active_ns = at.mono_ns
        said = {"arg": told.arg} | ({"action": action} if action else {}) | {"data": [row]}
        self._frame(said)

    def _error(self, id: str, code: str, msg: str) -> None:
        ids = {"id": id} if id else {}
        self._frame({**ids, "event": "error", "code": code, "msg": msg, "connId": self._conn_id})

    def _frame(self, said: dict[str, Any]) -> None:
        self._ear.frame(msgspec.json.encode(said))
