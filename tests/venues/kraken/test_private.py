"""The private conversation against the simulated venue's end, word for word, and against any bytes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.account import DeadMan
from fairlead.model.orders import OrderType, Receipt
from fairlead.testing import Recorder
from fairlead.venues.kraken.account import ORDERS_KEPT
from fairlead.venues.kraken.auth import TOKEN_NS
from fairlead.venues.kraken.private import CALL_NS, PrivateStreams
from fairlead.venues.kraken.replies import Manners
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import Answer, Broken, Joined, Missed, Odd, Ousted, Ready, Refused, Topic
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.orders import AskAmend, AskCancel, AskCancelAll, AskCancelMany, AskDeadMan, AskPlaceMany
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from tests.venues.kraken.places import AT, CTX, SECOND_NS, Key, later
from tests.venues.kraken.stage import BALANCES_TOPIC, ORDERS_TOPIC, TOKEN, Line
from tests.venues.kraken.test_trade import ID, LIMIT, MARKET, ORDERS, place

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
        (["EOrder:Rate limit exceeded"] * 2, [Kind.LIMIT, "b", Kind.LIMIT]),  # the engine's, of one order each
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


@pytest.mark.parametrize(
    ("asked", "result", "is_ours"),
    [
        (AskCancel(symbol="", client_id="a"), {"cl_ord_id": "a"}, True),
        (AskCancel(symbol="", client_id="a"), {"cl_ord_id": "a", "order_id": ID}, True),
        (AskCancel(symbol="", client_id="a"), {"order_id": ID}, True),
        (AskCancel(symbol="", order_id=ID), {"order_id": ID, "cl_ord_id": "b"}, True),
        (AskCancel(symbol="", order_id=ID), {"order_id": "other"}, False),
        (AskCancel(symbol="", client_id="a"), {"cl_ord_id": "b"}, False),
    ],
)
def test_an_answer_is_ours_unless_it_names_another(asked: AskCancel, result: dict[str, str], is_ours: bool) -> None:
    """If this failed, a cancellation would be in doubt because more was told of it, or another's be taken for ours."""
    line = Line()
    line.call(Op.CANCEL, asked)
    number = json.loads(line.out.frames[-1])["req_id"]
    line.streams.receive(reply(number, success=True, result=result), 5)
    [answer] = line.words(Answer)
    assert isinstance(answer.outcome, Receipt) is is_ours


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


WORDS = st.sampled_from([
    "channel", "type", "data", "sequence", "executions", "balances", "snapshot", "update", "order_id", "symbol",
    "method", "exec_type", "order_status", "new", "trade", "exec_id", "last_qty", "last_price", "fees", "asset",
    "balance", "result", "wallets", "add_order", "cancel_order", "success", "error", "req_id", "subscribe",
    "unsubscribe", "ESession:", "BTC/USD",
])  # fmt: skip
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
    assert {one.type for one in ORDERS} == set(OrderType)
