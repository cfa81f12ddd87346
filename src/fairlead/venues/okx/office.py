"""OKX's end of a private socket: logins, subscriptions, what is pushed when something happens, and calls of orders.

It knows no order and no balance: an engine tells it what happened, and answers what is called."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import DecodeError, Struct

from fairlead.model.account import DeadMan, Fees, Leverage, Position
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS
from fairlead.model.orders import Receipt
from fairlead.venues.okx import auth, engine, faults, replies, trade
from fairlead.venues.okx.account import HEDGED, ONE_SIDED
from fairlead.venues.okx.channels import ACCOUNT_TOPICS
from fairlead.venues.okx.faults import Denied, Wrong
from fairlead.venues.okx.hearing import FRAME_MOST_BYTES, GOING, HOUR_NS, IDLE_MS, NO_SUCH, REQUESTS_MOST
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx, Mode
from fairlead.wire.mirror import Ear, Execution, Heard
from fairlead.wire.signing import Stamp, Verifier

Rows: TypeAlias = list[dict[str, Any]]
_OPS = {word: op for op, word in trade.CALLS.items()}
_TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "ANY")


# ---- the connection
class _Asked(Struct):
    op: str
    args: list[dict[str, Any]] = []
    id: str = ""
    exp_time: str | int = msgspec.field(name="expTime", default="")


_asked = msgspec.json.Decoder(_Asked).decode


class Office:
    """A connection at `/private`."""

    def __init__(self, ctx: Ctx, verifier: Verifier, ear: Ear) -> None:
        self._ctx, self._verifier, self._ear = ctx, verifier, ear
        self._key = ""  # who is logged in
        self._told: dict[str, dict[str, Any]] = {}  # our kind of topic -> what was subscribed with
        self._begun: set[str] = set()  # topics whose beginning was told
        self._requests: deque[int] = deque()
        self._conn_id, self._active_ns = "", 0

    def __repr__(self) -> str:
        return f"<Office {self._conn_id}: {'logged in' if self._key else 'not logged in'}, {len(self._told)} channels>"

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
        if asked.op == "login":
            self._login(asked, at)
        elif not self._key:
            self._error(asked.id, "60011", "Please log in")
        elif asked.op in _OPS:
            self._call(asked, at)
        elif asked.op in ("subscribe", "unsubscribe"):
            self._channels(asked, at)
        else:
            self._error(asked.id, "60019", f"Invalid op: {asked.op}")

    def pong(self, payload: bytes, at: Stamp) -> None:
        """It sends no pings of the protocol."""

    def warn(self, in_ms: int, at: Stamp) -> None:
        self._frame({"event": "notice", "code": "64008", "msg": GOING, "connId": self._conn_id})

    def tick(self, at: Stamp) -> None:
        if at.mono_ns - self._active_ns >= IDLE_MS * MS:
            self._ear.close(4004, "No data received in 30s.")

    # ---- what it is asked
    def _login(self, asked: _Asked, at: Stamp) -> None:
        """The time may come as a number: one of the venue's own clients sends it so."""
        given = engine.query(asked.args[0]) if asked.args else {}
        if self._is_too_often(asked, at):
            return
        if self._key:
            self._error(asked.id, "60031", "User has already logged in.")
            return
        refusal = auth.login_refusal(given, self._verifier, at)
        if refusal is not None:
            self._error(asked.id, *refusal)
            return
        self._key = given["apiKey"]
        self._frame({"event": "login", "code": "0", "msg": "", "connId": self._conn_id})

    def _channels(self, asked: _Asked, at: Stamp) -> None:
        if self._is_too_often(asked, at):
            return
        if not asked.args:
            self._error(asked.id, "60013", "Invalid args")
        for given in asked.args:
            kind, type_ = ACCOUNT_TOPICS.get(str(given.get("channel", "")), ""), given.get("instType", "")
            if not kind or (kind != "balances" and type_ not in _TYPES):
                named = f"channel:{given.get('channel', '')},instType:{type_}"
                self._error(asked.id, "60018", f"Wrong URL or {named} doesn't exist. {NO_SUCH}")
                continue
            ids = {"id": asked.id} if asked.id else {}
            self._frame({**ids, "event": asked.op, "arg": given, "connId": self._conn_id})
            self._turn(asked.op == "subscribe", kind, given)

    def _is_too_often(self, asked: _Asked, at: Stamp) -> bool:
        while self._requests and at.mono_ns - self._requests[0] >= HOUR_NS:
            self._requests.popleft()
        if len(self._requests) >= REQUESTS_MOST:
            self._error(asked.id, "60014", "Requests too frequent")
            return True
        self._requests.append(at.mono_ns)
        return False

    def _turn(self, on: bool, kind: str, given: dict[str, Any]) -> None:
        topic = Topic(kind, "", self._key)
        if not on:
            self._begun.discard(kind)
            if self._told.pop(kind, None) is not None:
                self._ear.leave(topic)
            return
        # How many connections of the account listen to the channel; those of others are not known here.
        heard = {"channel": given["channel"], "connCount": "1", "connId": self._conn_id}
        self._frame({"event": "channel-conn-count", **heard})
        if kind not in self._told:
            self._told[kind] = given
            self._ear.join(topic)

    def _call(self, asked: _Asked, at: Stamp) -> None:
        op = _OPS[asked.op]
        try:
            if not asked.args:
                raise Wrong("60013", "Invalid args")
            rows = [engine.query(row) for row in asked.args]
            until_ms = engine.number({"expTime": str(asked.exp_time)}, "expTime")
            question = engine.orders_of(op, rows, self._ctx, until_ms, self._by_number)
        except Wrong as wrong:
            fault = wrong.fault
            body = (
                faults.denied(fault, at.venue_ms)
                if isinstance(fault, Denied)
                else {"code": fault.code, "data": [], "msg": fault.said}
            )
            self._frame({"id": asked.id, "op": asked.op, **body})
            return
        self._ear.heard(Heard(op, question, self._key, asked.id, "/ws/v5/private"))

    def _by_number(self, row: engine.Query) -> engine.Query:
        """An instrument goes by its number here; its name alone is not taken."""
        code = row.get("instIdCode", "")
        one = self._ctx.catalog.ours(code, "code")
        if not code:
            raise Wrong("50014", "Parameter instIdCode can not be empty.")
        return {**row, "instId": one.venue_symbol if one is not None else code}

    # ---- what it tells
    def say(self, heard: Heard, outcome: object, at: Stamp) -> None:
        body = faults.verdict(heard, outcome, at).body
        self._frame({"id": heard.tag, "op": trade.CALLS[heard.op], **body})

    def tell(self, topic: Topic, event: object, at: Stamp) -> None:
        given = self._told.get(topic.kind)
        if given is None:
            return
        if isinstance(event, Execution):
            type_ = "SPOT" if self._ctx.catalog.theirs(event.report.symbol).kind == "spot" else "SWAP"
            if given["instType"] in (type_, "ANY"):
                self._push(given, [_pushed(event, self._ctx)], {}, at)
        elif topic.kind != "orders" and isinstance(event, Sequence):  # nothing is told of orders at the beginning
            first = topic.kind not in self._begun
            self._begun.add(topic.kind)
            paged = {"eventType": "snapshot", "curPage": 1, "lastPage": True}
            rows = self._holdings(topic.kind, event, first, at)
            if rows:
                self._push(given, rows, paged if first else {"eventType": "event_update"}, at)

    def _holdings(self, kind: str, told: Sequence[Any], first: bool, at: Stamp) -> list[Any]:
        """A snapshot holds what is not zero; without any position there is none."""
        if kind == "balances":
            return [replies.account([one for one in told if one.total or not first], at.venue_ms, by_socket=True)]
        pairs = [(one, self._ctx.catalog.theirs(one.symbol)) for one in told if one.qty or not first]
        return [replies.position(one, listed) | {"pTime": str(at.venue_ms)} for one, listed in pairs]

    def _push(self, given: dict[str, Any], rows: list[Any], around: dict[str, Any], at: Stamp) -> None:
        self._active_ns = at.mono_ns
        self._frame({"arg": {**given, "uid": replies.UID}, **around, "data": rows})

    def _error(self, id: str, code: str, msg: str) -> None:
        ids = {"id": id} if id else {}
        self._frame({**ids, "event": "error", "code": code, "msg": msg, "connId": self._conn_id})

    def _frame(self, said: dict[str, Any]) -> None:
        self._ear.frame(msgspec.json.encode(said))


_PUSH_EMPTY = (
    "amendResult amendSource execType fillFeeCcy fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPxUsd fillPxVol"
)


def _pushed(said: Execution, ctx: Ctx) -> dict[str, Any]:
    """As the socket has it: with what happened just now. A spot order has no side of a position here."""
    report, fill, plain = said.report, said.fill, replies.plain
    row = replies.order(report, ctx) | dict.fromkeys(_PUSH_EMPTY.split(), "") | {
        "code": "0", "msg": "", "fillFee": "0", "fillNotionalUsd": "", "fillPnl": "0", "lastPx": plain(report.average),
        "notionalUsd": "", "reqId": report.request,
    }  # fmt: skip
    if row["instType"] == "SPOT":
        row["posSide"] = ""
    if said.what == "amended":
        row |= {"amendSource": "1", "amendResult": "0"}
    if fill is not None:
        row |= {
            "fillPx": plain(fill.price), "fillSz": plain(fill.qty), "tradeId": fill.id, "lastPx": plain(fill.price),
            "fillTime": replies.ms(fill.venue_ns), "execType": replies.exec_type(fill), "feeCcy": fill.fee_asset,
            "fillFeeCcy": fill.fee_asset, "fillFee": replies.cost(fill.fee), "fee": replies.cost(fill.fee),
        }  # fmt: skip
    return row


# ---- what it says of an account, on REST
def _config(mode: Mode) -> dict[str, Any]:
    """An account for futures (2), unless another level is known, whose key reads and trades from anywhere."""
    empty = dict.fromkeys(("ip", "levelTmp", "spotOffsetType", "spotRoleType"), "")
    return {
        **empty, **dict.fromkeys(("autoLoan", "enableSpotBorrow", "spotBorrowAutoRepay"), False),
        **dict.fromkeys(("feeType", "type", "roleType", "stgyType"), "0"), "acctLv": mode.level or "2",
        "posMode": "long_short_mode" if mode.hedged else "net_mode", "perm": "read_only,trade",
        "acctStpMode": "cancel_maker", "ctIsoMode": "automatic", "mgnIsoMode": "automatic", "greeksType": "PA",
        "kycLv": "3", "label": "simulated", "level": "Lv1", "liquidationGear": "-1", "opAuth": "1",
        "mainUid": replies.UID, "uid": replies.UID, "settleCcy": "USDT", "settleCcyList": ["USDT"],
        "spotTraderInsts": [], "traderInsts": [],
    }  # fmt: skip


def _fees(said: Fees, one: Instrument, at_ms: int) -> dict[str, Any]:
    maker, taker = replies.cost(said.maker), replies.cost(said.taker)
    group = {"groupId": "1", "maker": maker, "taker": taker, "rpiMaker": maker, "elpMaker": maker}
    empty = dict.fromkeys(("delivery", "exercise", "makerU", "makerUSDC", "takerU", "takerUSDC"), "")
    return {
        **empty, "category": "1", "feeGroup": [group], "fiat": [], "instType": "SPOT" if one.kind == "spot" else "SWAP",
        "level": "Lv1", "maker": maker, "taker": taker, "ruleType": "normal", "ts": str(at_ms),
    }  # fmt: skip


def _positions(heard: Heard, answer: tuple[Position, ...], ctx: Ctx, at: Stamp) -> Rows:
    told = [replies.position(one, ctx.catalog.theirs(one.symbol)) for one in answer]
    return [row for row in told if not heard.tag or row["instId"] in heard.tag.split(",")]


def _leverages(heard: Heard, answer: tuple[Leverage, ...], ctx: Ctx, at: Stamp) -> Rows:
    return [
        {
            "ccy": "", "instId": ctx.catalog.theirs(one.symbol).venue_symbol, "mgnMode": one.margin or "cross",
            "posSide": one.pos_side or "net", "lever": replies.plain(one.leverage),
        }
        for one in answer
    ]  # fmt: skip


def _closed(heard: Heard, answer: Receipt, ctx: Ctx, at: Stamp) -> Rows:
    name, side = ctx.catalog.theirs(heard.asked.symbol).venue_symbol, heard.asked.pos_side or "net"
    return [{"clOrdId": heard.asked.client_id, "instId": name, "posSide": side, "tag": ""}]


def _switch(heard: Heard, answer: DeadMan, ctx: Ctx, at: Stamp) -> Rows:
    return [{"triggerTime": str(answer.fires_ms // 1_000), "tag": heard.tag, "ts": str(at.venue_ms // 1_000)}]


TOLD: dict[Op, Callable[[Heard, Any, Ctx, Stamp], Rows]] = {
    Op.POSITIONS: _positions,
    Op.MODE: lambda heard, answer, ctx, at: [_config(answer)],
    Op.SET_MODE: lambda heard, answer, ctx, at: [{"posMode": HEDGED if answer.hedged else ONE_SIDED}],
    Op.LEVERAGE: _leverages,
    Op.SET_LEVERAGE: _leverages,
    Op.FEES: lambda heard, answer, ctx, at: [_fees(answer, ctx.catalog.theirs(answer.symbol), at.venue_ms)],
    Op.CLOSE: _closed,
    Op.DEAD_MAN: _switch,
}
