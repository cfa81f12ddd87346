"""The venue's end of a private socket, alone and against our conversation: logins, pushes, calls, refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairlead.model.account import Balance, Holding, Position
from fairlead.model.market import MS
from fairlead.model.orders import OrderReport, OrderType, Receipt, Status, Tif
from fairlead.venues.okx import auth
from fairlead.venues.okx.hearing import FRAME_MOST_BYTES, REQUESTS_MOST
from fairlead.venues.okx.mirror import MIRROR
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Ending, Joined, Odd, Topic, Whole
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.mirror import Execution, Heard
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelMany, AskPlace, AskPlaceMany
from fairlead.wire.signing import Stamp
from tests.venues.okx.places import AT, CTX, Key, Private, later, ring
from tests.venues.okx.test_engine import fill, placed, told

NS = 1_764_000_000_000 * MS
ORDERS, BALANCES, POSITIONS = Topic("orders"), Topic("balances"), Topic("positions")
HELD = Position(venue="okx", symbol="BTC/USDT:USDT", qty=Decimal(-3), margin="cross", entry=Decimal(5), venue_ns=NS)
TAKEN = Receipt(order_id="17", client_id="fl1", venue_ns=NS)


def mine(topic: Topic) -> Topic:
    """As the world tells it: of whose account."""
    return Topic(topic.kind, "", Key.key_id)


class Line:
    """The room and what comes out of it; with `talk`, our conversation at the other end of the wire."""

    def __init__(self, *topics: Topic, talks: bool = True, log_in: bool = True) -> None:
        self.frames: list[bytes] = []
        self.topics: list[Topic] = []
        self.calls: list[Heard] = []
        self.closed: list[int] = []
        self.talk = Private(topics, log_in=False) if talks else None
        self.room = MIRROR.rooms["private"](CTX, ring(), self)
        self.room.open(AT)
        self.sent = 0
        if self.talk:
            self.carry()
            self.talk.out.words.clear()
        elif log_in:
            self.ask("login", auth.login(Key(), AT))

    def carry(self) -> None:
        """Takes to the room what the conversation wants sent."""
        while self.talk and self.sent < len(self.talk.out.frames):
            self.sent += 1
            self.room.receive(self.talk.out.frames[self.sent - 1], AT)

    def frame(self, text: bytes) -> None:
        self.frames.append(text)
        if self.talk:
            self.talk.receive(text)

    def join(self, topic: Topic) -> None:
        self.topics.append(topic)

    def leave(self, topic: Topic) -> None:
        self.topics.remove(topic)

    def close(self, code: int, why: str) -> None:
        self.closed.append(code)

    def ping(self, payload: bytes = b"") -> None:
        raise AssertionError("this venue sends no pings of the protocol")

    def heard(self, heard: Heard) -> None:
        self.calls.append(heard)

    def ask(self, op: str, *args: Any, at: Stamp = AT, **more: Any) -> list[Any]:
        """What the room answers to one request."""
        before = len(self.frames)
        self.room.receive(json.dumps({"op": op, "args": args, **more}).encode(), at)
        return [json.loads(frame) for frame in self.frames[before:]]

    @property
    def last(self) -> Any:
        return json.loads(self.frames[-1])


def joined(*topics: Topic) -> Line:
    line = Line(*topics)
    assert line.talk is not None
    line.carry()
    return line


def events(line: Line) -> list[Any]:
    assert line.talk is not None
    return [event for _, event in line.talk.out.heard]


# ---- logins
def signed(**more: Any) -> dict[str, Any]:
    return {**auth.login(Key(), AT), **more}


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (signed(apiKey="nobody"), "60005"),
        (signed(passphrase="open barley"), "60024"),
        (signed(sign="AAAA"), "60007"),
        (signed(sign="no base64!"), "60007"),
        (signed(timestamp="soon"), "60004"),
        (signed(timestamp=str(AT.venue_ms)), "60004"),  # in ms
        (auth.login(Key(), Stamp(venue_ms=AT.venue_ms - 31_000)), "60006"),
        ({}, "60004"),
    ],
)
def test_each_wrong_login_is_refused_by_its_own_code(args: dict[str, Any], code: str) -> None:
    """If this failed, a client that signs wrongly would pass against the simulator and fail at the venue."""
    line = Line(talks=False, log_in=False)
    (said,) = line.ask("login", args)
    assert (said["event"], said["code"]) == ("error", code)
    assert line.ask("subscribe", {"channel": "account"})[0]["code"] == "60011"


def test_a_login_may_tell_its_time_as_a_number_and_comes_once() -> None:
    """If this failed, the venue's own client could not log in; or a second login be waved through."""
    line = Line(talks=False, log_in=False)
    login = signed()
    assert line.ask("login", {**login, "timestamp": int(login["timestamp"])})[0]["event"] == "login"
    assert line.ask("login", login)[0]["code"] == "60031"


def test_nothing_goes_before_the_login() -> None:
    """If this failed, a client that calls too early would learn of it only at the venue."""
    for op in ("subscribe", "order", "cancel-order"):
        line = Line(talks=False, log_in=False)
        (said,) = line.ask(op, {"channel": "orders", "instType": "ANY"})
        assert (said["code"], said["msg"], line.topics, line.calls) == ("60011", "Please log in", [], [])


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"pong?", "60012"), (b"\xff", "60012"), (b"[]", "60012"), (b'{"op":"ask"}', "60019"),
        (b'{"op":"subscribe"}', "60013"), (b'{"op":"subscribe","args":[{"channel":"trades"}]}', "60018"),
        (b'{"op":"subscribe","args":[{"channel":"orders"}]}', "60018"),
        (b'{"op":"subscribe","args":[{"channel":"positions","instType":"BOND"}]}', "60018"),
        (b'{"id":"1","op":"order"}', "60013"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_its_own_code(frame: bytes, code: str) -> None:
    """If this failed, a mistake would pass against the simulator and be found at the venue."""
    line = Line(talks=False)
    line.room.receive(frame, AT)
    assert (line.last["code"], line.topics, line.calls) == (code, [], [])


# ---- what is told
def test_each_channel_is_acknowledged_and_counted() -> None:
    """If this failed, a client could not tell which of its subscriptions stand."""
    line = Line(talks=False)
    orders, account = line.ask("subscribe", {"channel": "orders", "instType": "ANY"}, {"channel": "account"})[::2]
    assert (orders["event"], orders["arg"]["channel"], account["arg"]) == (
        "subscribe",
        "orders",
        {"channel": "account"},
    )
    assert line.last["event"] == "channel-conn-count"
    assert line.topics == [mine(ORDERS), mine(BALANCES)]
    line.ask("subscribe", {"channel": "account"})
    line.ask("unsubscribe", {"channel": "orders", "instType": "ANY"})
    assert line.topics == [mine(BALANCES)]


@pytest.mark.parametrize(
    ("execution", "states"),
    [
        (Execution("accepted", told(status=Status.OPEN, filled=Decimal(0), average=None)), ["live"]),
        (Execution("filled", told(), fill()), ["partially_filled"]),
        (Execution("filled", told(status=Status.FILLED, filled=Decimal("0.01")), fill(maker=True)), ["filled"]),
        (Execution("cancelled", told(status=Status.CANCELLED, reason="user")), ["canceled"]),
        (
            Execution("cancelled", told(status=Status.CANCELLED, reason="post only", post_only=True,
                                        filled=Decimal(0), average=None)),
            ["canceled"],
        ),
        (Execution("amended", told(price=Decimal("1001.5"), request="r1")), ["partially_filled"]),
        (
            Execution("cancelled", told(symbol="BTC/USDT:USDT", margin="cross", pos_side="short", tif=Tif.IOC,
                                        status=Status.CANCELLED, reason="ioc", reduce_only=True)),
            ["canceled"],
        ),
    ],
)  # fmt: skip
def test_what_happens_to_an_order_is_heard_as_it_is(execution: Execution, states: list[str]) -> None:
    """If this failed, a fill or the end of an order would reach the user as something else, twice, or not at all."""
    line = joined(ORDERS)
    line.room.tell(mine(ORDERS), execution, AT)
    assert line.talk is not None
    assert line.talk.words(Odd) == []
    assert [row["state"] for row in line.last["data"]] == states
    expected = [*([execution.fill] if execution.fill else []), execution.report]
    assert events(line) == [replace(one, seen_ns=5) for one in expected]


def test_a_push_names_who_and_what() -> None:
    """If this failed, clients that look at the frame's argument or at an amendment's fields would miss it."""
    line = joined(ORDERS)
    line.room.tell(mine(ORDERS), Execution("amended", told(request="r1")), AT)
    assert line.last["arg"] == {"channel": "orders", "instType": "ANY", "uid": "44705892343619584"}
    [row] = line.last["data"]
    assert (row["amendSource"], row["amendResult"], row["reqId"], row["posSide"]) == ("1", "0", "r1", "")
    line.room.tell(mine(ORDERS), Execution("filled", told(), fill()), AT)
    [row] = line.last["data"]
    assert (row["tradeId"], row["fillSz"], row["fillFee"], row["execType"]) == ("744876017", "0.004", "-0.000004", "T")


def test_only_the_type_asked_for_is_told() -> None:
    """If this failed, a client that follows spot would be told of swaps as well."""
    line = Line(talks=False)
    line.ask("subscribe", {"channel": "orders", "instType": "SWAP"})
    before = len(line.frames)
    line.room.tell(mine(ORDERS), Execution("accepted", told()), AT)
    assert len(line.frames) == before
    line.room.tell(mine(ORDERS), Execution("accepted", told(symbol="BTC/USDT:USDT")), AT)
    assert line.last["arg"]["instType"] == "SWAP"


def test_nothing_is_told_of_orders_at_the_beginning() -> None:
    """If this failed, a client would rely on a list of open orders that the venue never sends."""
    line = joined(ORDERS)
    line.room.tell(mine(ORDERS), (told(),), AT)
    assert events(line) == []


def test_holdings_begin_with_a_snapshot_of_what_is_there() -> None:
    """If this failed, a balance that is gone would stay in the books, or one that is there be missed."""
    line = joined(BALANCES, POSITIONS)
    assert line.talk is not None
    line.room.tell(mine(POSITIONS), (), AT)  # without any position no snapshot comes
    usdt, none = Balance("USDT", Decimal(10), Decimal("7.5")), Balance("BTC", Decimal(0), Decimal(0))
    line.room.tell(mine(BALANCES), (usdt, none), AT)
    assert line.talk.words(Whole) == [Whole(BALANCES)]
    assert [(one.asset, one.total, one.free) for one in events(line)] == [("USDT", Decimal(10), Decimal("7.5"))]
    line.talk.out.heard.clear()
    line.room.tell(mine(BALANCES), (none,), AT)
    line.room.tell(mine(POSITIONS), (HELD,), AT)
    line.room.tell(mine(POSITIONS), (replace(HELD, qty=Decimal(0)),), AT)
    changed, held, closed = events(line)
    assert isinstance(changed, Holding)
    assert (changed.asset, changed.total) == ("BTC", Decimal(0))
    assert (held, closed.qty) == (replace(HELD, seen_ns=5), Decimal(0))
    assert len(line.talk.words(Whole)) == 1
    assert line.talk.words(Odd) == []


# ---- calls
CALLS: list[tuple[Op, Any, Any]] = [
    (Op.PLACE, placed(until_ms=1_764_000_005_000), TAKEN),
    (Op.PLACE, placed("BTC/USDT:USDT", type=OrderType.MARKET, price=None, reduce_only=True), Fault(Kind.RISK)),
    (Op.PLACE, placed(), Fault(Kind.LIMIT, said="too often")),
    (Op.PLACE, placed(), Fault(Kind.SERVER, Fate.UNKNOWN)),
    (Op.PLACE_MANY, AskPlaceMany((placed(), placed("BTC/USDT:USDT", "fl2"))), (TAKEN, Fault(Kind.FUNDS))),
    (Op.AMEND, AskAmend(symbol="BTC/USDT", client_id="fl1", price=Decimal(2), request="r1", until_ms=5), TAKEN),
    (Op.CANCEL, AskCancel(symbol="BTC/USDT", client_id="fl1"), TAKEN),
    (Op.CANCEL, AskCancel(symbol="BTC/USDT", order_id="17"), Fault(Kind.NOT_FOUND)),
    (Op.CANCEL_MANY, AskCancelMany((AskCancel(symbol="BTC/USDT", client_id="fl1"),)), (TAKEN,)),
]


@pytest.mark.parametrize(("op", "asked", "outcome"), CALLS)
def test_a_call_is_heard_and_its_outcome_told(op: Op, asked: Any, outcome: Any) -> None:
    """If this failed, an order by socket would be another order, or its refusal pass for a success."""
    line = joined()
    assert line.talk is not None
    line.talk.told.call(Call("mine", op, asked), AT)
    line.carry()
    [heard] = line.calls
    assert (heard.op, heard.asked, heard.key_id) == (op, asked, Key.key_id)
    line.room.say(heard, outcome, AT)
    [answer] = line.talk.words(Answer)
    assert answer.tag == "mine"
    got = answer.outcome if isinstance(answer.outcome, tuple) else (answer.outcome,)
    meant = outcome if isinstance(outcome, tuple) else (outcome,)
    for one, other in zip(got, meant, strict=True):
        if isinstance(other, Fault) and other.kind is not Kind.RISK:
            assert (one.kind, one.fate) == (other.kind, other.fate)
        elif not isinstance(other, Fault):
            assert one == other


WIRE = {"tdMode": "cash", "side": "buy", "ordType": "limit", "px": "1", "sz": "1", "clOrdId": "fl1"}
CODE = int(CTX.catalog.theirs("BTC/USDT").names["code"])


@pytest.mark.parametrize(
    ("arg", "s_code", "words"),
    [
        ({**WIRE, "instId": "BTC-USDT"}, "50014", "Parameter instIdCode can not be empty."),
        ({**WIRE, "instIdCode": 99}, "51001", "Instrument ID doesn't exist."),
        ({**WIRE, "instIdCode": CODE, "sz": "0"}, "51000", "Parameter sz error"),
        ({**WIRE, "instIdCode": CODE, "clOrdId": "a-b"}, "51000", "Parameter clOrdId error"),
    ],
)
def test_a_wrong_call_is_refused_in_its_row(arg: dict[str, Any], s_code: str, words: str) -> None:
    """If this failed, a client that names an instrument by its name would place orders here and nowhere else."""
    line = Line(talks=False)
    (said,) = line.ask("order", arg, id="7")
    assert (said["id"], said["op"], said["code"], line.calls) == ("7", "order", "1", [])
    assert (said["data"][0]["sCode"], said["data"][0]["sMsg"]) == (s_code, words)


def test_an_instruments_number_may_be_text_and_a_fence_a_number() -> None:
    """If this failed, clients that write them otherwise would be refused here, and not at the venue."""
    line = Line(talks=False)
    line.ask("order", {**WIRE, "instIdCode": str(CODE)}, id="7", expTime=1_764_000_005_000)
    [heard] = line.calls
    assert isinstance(heard.asked, AskPlace)
    assert (heard.asked.symbol, heard.asked.until_ms, heard.tag) == ("BTC/USDT", 1_764_000_005_000, "7")
    (said,) = line.ask("order", {**WIRE, "instIdCode": CODE}, id="8", expTime="soon")
    assert (said["code"], said["msg"]) == ("51000", "Parameter expTime error")


# ---- the connection
def test_requests_of_an_hour_are_counted() -> None:
    """If this failed, a storm of subscriptions would pass in the simulator and be cut off by the venue."""
    line = Line(talks=False)
    for _ in range(REQUESTS_MOST - 1):
        line.ask("unsubscribe", {"channel": "account"})
    assert line.ask("subscribe", {"channel": "account"})[0]["code"] == "60014"
    line.ask("subscribe", {"channel": "account"}, at=later(3_600))
    assert line.topics == [mine(BALANCES)]


def test_it_ends_as_the_venue_ends_it() -> None:
    """If this failed, a client without heartbeats, or one that sends without bound, would live here alone."""
    line, idle = joined(ORDERS), Line(talks=False)
    assert line.talk is not None
    for second in range(20, 200, 20):
        line.room.receive(b"ping", later(second))
        line.room.tick(later(second))
        idle.room.tick(later(second))
    assert (line.closed, line.frames[-1], idle.closed[0]) == ([], b"pong", 4004)
    line.room.warn(60_000, AT)
    assert [word.in_ms for word in line.talk.words(Ending)] == [60_000]
    line.room.receive(b" " * (FRAME_MOST_BYTES + 1), AT)
    assert line.closed == [1009]


def test_what_nobody_follows_is_not_told() -> None:
    """If this failed, a client would be told of channels it has left."""
    line = joined(ORDERS, BALANCES)
    assert line.talk is not None
    assert {word.topic for word in line.talk.words(Joined)} <= {ORDERS, BALANCES}
    line.talk.told.leave([ORDERS], AT)
    line.carry()
    before = len(line.frames)
    line.room.tell(mine(ORDERS), Execution("accepted", told()), AT)
    assert len(line.frames) == before
    assert not any(isinstance(event, OrderReport) for event in events(line))


@given(st.binary(max_size=200))
def test_no_bytes_break_the_room(frame: bytes) -> None:
    """If this failed, one strange client would stop the simulator."""
    line = Line(talks=False)
    line.room.receive(frame, AT)
    assert not line.calls
