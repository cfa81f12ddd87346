"""The private conversation against the simulated venue's end, word for word, and against any bytes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.account import Balance, DeadMan, Holding
from fairlead.model.orders import OrderReport, OrderType, Receipt, Status
from fairlead.testing import Recorder
from fairlead.venues.kraken.account import ORDERS_KEPT
from fairlead.venues.kraken.auth import TOKEN_NS
from fairlead.venues.kraken.hearing import FRAMES_A_SECOND
from fairlead.venues.kraken.mirror import mirror
from fairlead.venues.kraken.private import CALL_NS, PrivateStreams
from fairlead.venues.kraken.replies import Manners, named
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import Answer, Broken, Call, Joined, Missed, Odd, Ousted, Ready, Refused, Topic, Whole
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.mirror import Execution, Heard
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelAll, AskCancelMany, AskDeadMan, AskPlace, AskPlaceMany
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from tests.venues.kraken.places import AT, CTX, SECOND_NS, Key, Listener, later
from tests.venues.kraken.test_engine import DONE, NS, fill, report
from tests.venues.kraken.test_trade import ID, LIMIT, MARKET, ORDERS, OTHER, place

ORDERS_TOPIC, BALANCES_TOPIC = Topic("orders"), Topic("balances")
TOKEN = "token"
BOUGHT = msgspec.structs.replace(fill(1), client_id="fl0000000001", side="buy")


class Tokens:
    """A Verifier that gave one token, good or not."""

    def __init__(self) -> None:
        self.is_good = True

    def bearer(self, token: str) -> str:
        return "K" if token == TOKEN and self.is_good else ""


class Ear(Listener):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Heard] = []

    def heard(self, heard: Heard) -> None:
        self.calls.append(heard)


class Line:
    """Both ends of one private connection."""

    def __init__(self, *topics: Topic, manners: Manners = Manners()) -> None:  # noqa: B008
        self.out, self.ear, self.tokens = Recorder(), Ear(), Tokens()
        self.streams = PrivateStreams(CTX, None, self.out, Inspector(1))
        verifier: Any = self.tokens
        self.hearing = mirror(manners).rooms["private"](CTX, verifier, self.ear)
        self._passed, self._at = 0, 0.0
        self.hearing.open(AT)
        self.streams.open(AT)
        self.streams.supply(self.out.needs[-1], TOKEN, AT)
        self.streams.join([(topic, self.out.lane(topic)) for topic in topics], AT)
        self.pump()

    def now(self) -> Stamp:
        return later(self._at)

    def pump(self) -> None:
        """To and fro until both are silent, slowly enough for the limit of frames."""
        while self._passed < len(self.out.frames) or self.ear.frames:
            for frame in self.out.frames[self._passed :]:
                self._passed, self._at = self._passed + 1, self._at + 0.1
                self.hearing.receive(frame, self.now())
            said, self.ear.frames = self.ear.frames, []
            for frame in said:
                self.streams.receive(frame, 5)

    def tell(self, kind: str, *events: Any) -> None:
        for event in events:
            self.hearing.tell(Topic(kind, "", "K"), event, self.now())
        self.pump()

    def call(self, op: Op, asked: Any, outcome: Any = None) -> Any:
        self.streams.call(Call(f"{op}", op, asked), self.now())
        self.pump()
        if outcome is not None:
            self.hearing.say(self.ear.calls[-1], outcome, self.now())
            self.pump()
        answers = self.words(Answer)
        return answers[-1].outcome if answers else None

    def words(self, kind: type[Any]) -> list[Any]:
        return [word for word in self.out.words if isinstance(word, kind)]

    @property
    def heard(self) -> list[Any]:
        return [event for _, event in self.out.heard]


def unstamped(event: Any) -> Any:
    """As it was told: when it was seen here, and zeros at the end of numbers, are not the venue's word."""
    return msgspec.structs.replace(event, seen_ns=0)


def told(*events: Execution) -> list[Any]:
    """What the adapter makes of what the mirror was told."""
    line = Line(ORDERS_TOPIC)
    line.tell("orders", (), *events)
    assert line.words(Odd) == line.words(Missed) == []
    return [unstamped(event) for event in line.heard]


def test_a_life_of_an_order_is_heard_as_it_was_told() -> None:
    """If this failed, a fill or an end would be lost between the simulator's engine and the adapter's events."""
    execution = msgspec.structs.replace(BOUGHT, price=Decimal(50000), qty=Decimal("0.25"))
    partial = report(status=Status.PARTIAL, venue_ns=NS + 1_000, **DONE)
    cancelled = report(status=Status.CANCELLED, venue_ns=NS + 2_000, reason="user", **DONE)
    events = told(
        Execution("accepted", report()), Execution("filled", partial, execution), Execution("cancelled", cancelled)
    )
    pending = msgspec.structs.replace(report(), status=Status.PENDING)
    ended = msgspec.structs.replace(cancelled, reason="User requested")
    assert events == [pending, report(), execution, partial, ended]


def test_an_order_filled_at_once_is_partial_then_filled() -> None:
    """If this failed, an order would seem to be open after all of it was filled, or its fill be counted after it."""
    whole = report(status=Status.FILLED, filled=Decimal("0.5"), cost=Decimal(25000), average=Decimal(50000))
    events = told(Execution("accepted", report()), Execution("filled", whole, BOUGHT))
    kinds = [event.status if isinstance(event, OrderReport) else event.id for event in events]
    assert kinds == [Status.PENDING, Status.OPEN, named("T", 1), Status.PARTIAL, Status.FILLED]
    assert events[-1] == whole


@pytest.mark.parametrize(
    ("reason", "words"),
    [("post only", "Post only order"), ("user", "User requested"), ("ioc", "IOC order was canceled"), ("", "")],
)
def test_what_was_never_live_is_told_as_pending_then_ended(reason: str, words: str) -> None:
    """If this failed, an order cancelled on arrival would have no beginning, and be taken for one never told of."""
    events = told(Execution("cancelled", report(status=Status.CANCELLED, reason=reason)))
    assert [(event.status, event.reason) for event in events] == [(Status.PENDING, ""), (Status.CANCELLED, words)]


def test_amendments_and_triggers_are_heard() -> None:
    """If this failed, the price of an open order would be the one before it was amended."""
    changed = report(price=Decimal("49999.5"), qty=Decimal("0.75"), venue_ns=NS + 1_000)
    stop = report(order_id=OTHER, type=OrderType.STOP, price=None, trigger=Decimal(49000))
    events = told(
        Execution("accepted", report()),
        Execution("amended", changed),
        Execution("accepted", stop),
        Execution("triggered", msgspec.structs.replace(stop, venue_ns=NS + 2_000)),
    )
    assert events[2] == changed
    assert (events[-1].status, events[-1].trigger, events[-1].venue_ns) == (Status.OPEN, Decimal(49000), NS + 2_000)


def test_open_orders_come_first_and_then_it_is_said_that_these_were_all() -> None:
    """If this failed, an order that is not in the beginning could not be known to be gone."""
    line = Line(ORDERS_TOPIC)
    line.tell("orders", (report(), report(order_id=OTHER, status=Status.PARTIAL, **DONE)))
    assert [event.order_id for event in line.heard] == [ID, OTHER]
    assert line.words(Whole) == [Whole(ORDERS_TOPIC)]
    line.tell("orders", Execution("cancelled", report(status=Status.CANCELLED, reason="user")))
    assert line.heard[-1].status is Status.CANCELLED


@pytest.mark.parametrize("pads", [True, False])
def test_balances_are_totals_and_only_told_when_something_was_booked(pads: bool) -> None:
    """If this failed, an amount held by an order would look like one that was spent."""
    line = Line(BALANCES_TOPIC, manners=Manners(pads=pads))
    usd, held = Balance("USD", Decimal(1000), Decimal(1000)), Balance("USD", Decimal(1000), Decimal(1))
    line.tell(
        "balances",
        (usd, Balance("BTC", Decimal("0.10"), Decimal(0))),
        (held,),
        (Balance("USD", Decimal("1e-8"), Decimal(0)),),
    )
    assert [(one.asset, one.total, one.free) for one in line.heard if isinstance(one, Holding)] == [
        ("USD", Decimal(1000), None), ("BTC", Decimal("0.1"), None), ("USD", Decimal("0.00000001"), None)]  # fmt: skip
    assert line.words(Whole) == [Whole(BALANCES_TOPIC)]
    assert line.words(Odd) == []


CALLS: list[tuple[Op, Any, Any]] = [
    *[(Op.PLACE, one, Receipt(order_id=ID, client_id="fl0000000001")) for one in ORDERS],
    (Op.PLACE, LIMIT, Fault(Kind.FUNDS)),
    (Op.PLACE_MANY, AskPlaceMany((LIMIT, place(client_id="b"))),
     (Receipt(order_id=ID, client_id="fl0000000001"), Fault(Kind.FUNDS))),
    (Op.AMEND, AskAmend(symbol="", client_id="a", trigger=Decimal("1.5")), Receipt(client_id="a", order_id=ID)),
    (Op.CANCEL, AskCancel(symbol="", order_id=ID), Receipt(order_id=ID)),
    (Op.CANCEL, AskCancel(symbol="", client_id="a"), Receipt(client_id="a")),
    (Op.CANCEL, AskCancel(symbol="", order_id=ID), Fault(Kind.NOT_FOUND, said="gone")),
    (Op.CANCEL_MANY, AskCancelMany((AskCancel(symbol="", client_id="a"), AskCancel(symbol="", client_id="b"))),
     (Fault(Kind.NOT_FOUND, said="gone"), Receipt(client_id="b"))),
    (Op.CANCEL_ALL, AskCancelAll(), ()),
    (Op.DEAD_MAN, AskDeadMan(30_000), DeadMan(fires_ms=AT.venue_ms + 30_000)),
    (Op.DEAD_MAN, AskDeadMan(0), DeadMan(fires_ms=0)),
]  # fmt: skip


def plainly(outcome: Any) -> Any:
    """Receipts by the order they are about, faults by their kind."""
    if isinstance(outcome, tuple):
        return [plainly(one) for one in outcome]
    if isinstance(outcome, Fault):
        return outcome.kind
    return (outcome.client_id or outcome.order_id) if isinstance(outcome, Receipt) else outcome


@pytest.mark.parametrize(("op", "asked", "outcome"), CALLS)
@pytest.mark.parametrize("manners", [Manners(), Manners(lists_batch=True, timer_off=0)])
def test_a_call_is_heard_as_it_was_made_and_answered_once(op: Op, asked: Any, outcome: Any, manners: Manners) -> None:
    """If this failed, an order by socket would be another than was meant, or its outcome be lost or doubled."""
    line = Line(manners=manners)
    found = line.call(op, asked, outcome)
    [heard] = line.ear.calls
    assert (heard.op, heard.asked, heard.key_id) == (op, asked, "K")
    assert plainly(found) == plainly(outcome)
    assert len(line.words(Answer)) == 1
    assert line.words(Odd) == []


def reply(number: int, **more: Any) -> bytes:
    return msgspec.json.encode({"method": "cancel_order", "req_id": number, **more})


def test_nameless_refusals_of_one_call_go_to_whoever_is_left_if_they_are_alike() -> None:
    """If this failed, an order whose cancellation was refused would be thought cancelled, or the other way round."""
    asked = AskCancelMany(tuple(AskCancel(symbol="", client_id=name) for name in "abc"))
    for texts, kinds in [
        (["EOrder:Unknown order"] * 2, [Kind.NOT_FOUND, "b", Kind.NOT_FOUND]),
        (["EOrder:Unknown order", "EService:Busy"], [Kind.SERVER, "b", Kind.SERVER]),
        (["EGeneral:Permission denied"], Kind.PERMISSION),  # of the whole call
    ]:
        line = Line()
        line.call(Op.CANCEL_MANY, asked)
        number = json.loads(line.out.frames[-1])["req_id"]
        if len(texts) > 1:
            line.streams.receive(reply(number, success=True, result={"cl_ord_id": "b"}), 5)
        for text in texts:
            assert line.words(Answer) == []
            line.streams.receive(reply(number, success=False, error=text), 5)
        [answer] = line.words(Answer)
        assert plainly(answer.outcome) == kinds


# ---- tokens


def test_a_token_that_came_to_its_end_is_asked_for_again_and_nothing_is_sent_without_one() -> None:
    """If this failed, calls would be refused for ever, or an order vanish without an answer."""
    line = Line()
    line.tokens.is_good = False
    assert line.call(Op.PLACE, LIMIT).kind is Kind.TOKEN
    sent = len(line.out.frames)
    assert line.call(Op.PLACE, LIMIT).kind is Kind.TOKEN
    assert len(line.out.frames) == sent
    assert [need.op for need in line.out.needs] == [Op.TOKEN, Op.TOKEN]
    line.tokens.is_good = True
    line.streams.supply(line.out.needs[-1], TOKEN, AT)
    assert plainly(line.call(Op.PLACE, LIMIT, Receipt(order_id=ID, client_id="fl0000000001"))) == "fl0000000001"
    assert line.words(Ready) == [Ready()]


def test_a_token_lives_as_long_as_a_subscription_and_is_renewed_without_one() -> None:
    """If this failed, a connection that only calls would be locked out after a quarter of an hour."""
    alone, kept = Line(), Line(ORDERS_TOPIC)
    for line in (alone, kept):
        line.tokens.is_good = False
        line.streams.tick(Stamp(AT.mono_ns + TOKEN_NS))
    assert [len(line.out.needs) for line in (alone, kept)] == [2, 1]
    assert plainly(kept.call(Op.CANCEL, AskCancel(symbol="", order_id=ID), Receipt(order_id=ID))) == ID
    kept.streams.renew(ORDERS_TOPIC, AT)
    assert len(kept.out.needs) == 2  # what is left must not be begun again with an old one


def test_without_a_token_the_connection_is_of_no_use() -> None:
    """If this failed, a connection would wait for ever, and its owner take it for a live one."""
    out = Recorder()
    streams = PrivateStreams(CTX, Key(), out, Inspector(1))
    streams.open(AT)
    streams.supply(out.needs[0], None, AT)
    assert [type(word) for word in out.words] == [Broken]


def test_what_is_unasked_and_takes_our_leave_is_told() -> None:
    """If this failed, an account would be thought quiet whose venue does not tell of it any more."""
    line = Line(ORDERS_TOPIC)
    line.streams.receive(b'{"method":"subscribe","success":false,"error":"ESession:Invalid session"}', 5)
    assert [word.fault.kind for word in line.words(Ousted)] == [Kind.TOKEN]
    line.streams.supply(line.out.needs[-1], TOKEN, AT)
    line.hearing.receive(b'{"method":"unsubscribe","params":{"channel":"executions","token":"token"}}', line.now())
    line.streams.join([(ORDERS_TOPIC, line.out.lane(ORDERS_TOPIC))], AT)
    line.pump()
    assert line.words(Joined) == [Joined(ORDERS_TOPIC)] * 2


# ---- what a venue's end refuses


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ({"method": "subscribe", "params": {"channel": "book", "token": TOKEN}},
         "Public market data subscriptions are unavailable on this endpoint"),
        ({"method": "subscribe", "params": {"channel": "executions", "token": "other"}}, "ESession:Invalid session"),
        ({"method": "subscribe", "params": {"channel": "executions", "token": TOKEN}}, "Already subscribed"),
        ({"method": "unsubscribe", "params": {"channel": "balances", "token": TOKEN}}, "Subscription Not Found"),
        ({"method": "edit_order", "params": {"token": TOKEN}}, "EGeneral:Unknown method"),
        ({"method": "cancel_order", "params": {"order_id": [ID], "cl_ord_id": ["a"], "token": TOKEN}},
         "EGeneral:Invalid arguments"),
        ({"method": "add_order", "params": {"symbol": "NO/PE", "token": TOKEN}}, "EQuery:Unknown asset pair"),
        ({"method": "cancel_all", "params": {"deadline": "2025-12-31T23:59:59Z", "token": TOKEN}},
         "EService:Deadline elapsed"),
        ({"method": "cancel_all", "params": {}}, "ESession:Invalid session"),
        ("[", "Malformed request"),
    ],
)  # fmt: skip
def test_the_venues_end_refuses_in_the_venues_words(frame: Any, error: str) -> None:
    """If this failed, a client's mistake would work in the simulator and fail at the venue."""
    line = Line(ORDERS_TOPIC)
    line.hearing.receive(frame.encode() if isinstance(frame, str) else msgspec.json.encode(frame), AT)
    [said] = line.ear.frames
    assert (json.loads(said)["error"], json.loads(said)["success"]) == (error, False)
    assert line.ear.calls == []


def test_too_many_frames_are_refused_and_an_idle_connection_is_closed() -> None:
    """If this failed, a client would learn neither the measure of frames nor that it must ping."""
    line = Line()
    for _ in range(FRAMES_A_SECOND + 1):
        line.hearing.receive(b'{"method":"cancel_all","params":{"token":"token"}}', later(10))
    assert "Exceeded msg rate" in line.ear.frames[-1].decode()
    line.hearing.tick(later(100))
    assert line.ear.closed is not None


# ---- limits and any bytes


def test_what_is_remembered_is_bounded() -> None:
    """If this failed, an account with many orders would fill the memory."""
    line = Line(ORDERS_TOPIC)
    item = {"symbol": "BTC/USD", "exec_type": "new", "order_status": "new"}
    frame = {"channel": "executions", "type": "snapshot", "sequence": 1}
    many = [{**item, "order_id": str(n)} for n in range(ORDERS_KEPT + 1)]
    line.streams.receive(msgspec.json.encode({**frame, "data": many}), 5)
    partial = {"exec_type": "canceled", "order_status": "canceled"}
    for order_id, misses in (("0", 1), ("1", 1)):
        change = {**frame, "type": "update", "sequence": 2 + int(order_id), "data": [{**partial, "order_id": order_id}]}
        line.streams.receive(msgspec.json.encode(change), 5)
        assert len(line.words(Missed)) == misses
    line.call(Op.PLACE, LIMIT)
    line.streams.tick(Stamp(AT.mono_ns + 100 * SECOND_NS + CALL_NS))
    assert "0 calls" in repr(line.streams)


def test_topics_that_are_not_had_here_are_refused() -> None:
    """If this failed, a topic would be waited for that never speaks."""
    line = Line(Topic("positions"), Topic("orders", "BTC/USD"))
    assert [word.topic.kind for word in line.words(Refused)] == ["positions", "orders"]
    assert line.call(Op.CLOSE, AskNothing()).fate is Fate.REFUSED


WORDS = st.sampled_from(
    [
        "channel",
        "type",
        "data",
        "sequence",
        "executions",
        "balances",
        "snapshot",
        "update",
        "order_id",
        "symbol",
        "method",
        "exec_type",
        "order_status",
        "new",
        "trade",
        "exec_id",
        "last_qty",
        "last_price",
        "fees",
        "asset",
        "balance",
        "result",
        "wallets",
        "add_order",
        "cancel_order",
        "success",
        "error",
        "req_id",
        "subscribe",
        "unsubscribe",
        "ESession:",
        "BTC/USD",
    ]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=8),
    max_leaves=20,
)
FRAMES = st.builds(
    lambda channel, kind, data, sequence: json.dumps(
        {"channel": channel, "type": kind, "data": data, "sequence": sequence}
    ).encode(),
    st.sampled_from(["executions", "balances", "status", ""]),
    st.sampled_from(["snapshot", "update"]),
    st.lists(st.dictionaries(WORDS, TREES, max_size=9), max_size=3),
    st.integers(-1, 4),
)


@given(st.lists(st.binary(max_size=80) | TREES.map(lambda one: json.dumps(one).encode()) | FRAMES, max_size=8))
def test_no_bytes_can_break_either_end(frames: list[bytes]) -> None:
    """If this failed, one frame of nonsense would end an account's stream, or the simulator."""
    line = Line(ORDERS_TOPIC, BALANCES_TOPIC)
    line.call(Op.CANCEL_MANY, AskCancelMany((AskCancel(symbol="", client_id="a"), AskCancel(symbol="", client_id="b"))))
    line.call(Op.PLACE, MARKET)
    for at, frame in enumerate(frames):
        line.streams.receive(frame, 1)
        line.hearing.receive(frame, later(100 + at))
    line.streams.tick(later(60))


def test_orders_of_every_kind_are_asked_for() -> None:
    """If this failed, the calls above would leave a kind of order untried."""
    assert {one.type for one in ORDERS if isinstance(one, AskPlace)} == set(OrderType)
