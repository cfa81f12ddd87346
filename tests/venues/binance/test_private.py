"""The account's connection when things go wrong; what it says in the usual course stands in the transcripts."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.market import MS
from fairlead.testing import Recorder
from fairlead.venues.binance import orders
from fairlead.venues.binance.private import CALLS_MOST, SUBSCRIBE
from fairlead.venues.binance.stream import TRIES
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Conversation, Joined, Missed, Odd, Ready, Refused, Topic
from fairlead.wire.endpoint import Access
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from tests.venues.binance.keys import Keys
from tests.venues.binance.street import CTX, QUESTIONS

DOOR = VENUE.doors[1]
ORDERS, BALANCES = Topic("orders"), Topic("balances")
JOINED = b'{"id":1,"status":200,"result":{"subscriptionId":0}}'
PLACED = b'{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"fl-1","transactTime":5}'


def at(seconds: float = 0) -> Stamp:
    return Stamp(mono_ns=int(seconds * 1_000) * MS, venue_ms=1_764_000_000_000 + int(seconds * 1_000))


def speak(*topics: Topic, key: Keys | None = None) -> tuple[Conversation, Recorder]:
    recorder = Recorder()
    account = DOOR.speak(CTX, key or Keys(), recorder, Inspector(1))
    account.open(at())
    account.join([(topic, recorder.lane(topic)) for topic in topics], at())
    return account, recorder


def said(recorder: Recorder, kind: type[Any]) -> list[Any]:
    return [word for word in recorder.words if isinstance(word, kind)]


def methods(recorder: Recorder) -> list[str]:
    return [json.loads(frame)["method"] for frame in recorder.frames]


def test_it_is_ready_at_once_and_what_it_carries_is_written_down() -> None:
    """If this failed, orders would wait for a login that this venue does not need, or go where none are taken."""
    account, recorder = speak()
    assert recorder.words == [Ready()]
    assert recorder.frames == []
    assert DOOR.access is Access.SIGNED
    assert DOOR.calls == {Op.PLACE, Op.AMEND, Op.CANCEL, Op.CANCEL_ALL, Op.ORDER, Op.OPEN_ORDERS}
    assert repr(account) == "<Account not joined, 0 calls unanswered>"


def test_without_a_key_nothing_is_joined_and_nothing_called() -> None:
    """If this failed, an unsigned order would leave, or a missing key look like a silent venue."""
    recorder = Recorder()
    account = DOOR.speak(CTX, None, recorder, Inspector(1))
    account.open(at())
    account.join([(ORDERS, recorder.lane(ORDERS))], at())
    account.call(Call("t", Op.PLACE, QUESTIONS[Op.PLACE]), at())
    assert recorder.frames == []
    assert [word.fault.kind for word in said(recorder, Refused)] == [Kind.KEY]
    assert [word.outcome.fate for word in said(recorder, Answer)] == [Fate.REFUSED]


def test_a_call_before_it_is_open_is_refused_at_once() -> None:
    """If this failed, an order would be counted as sent that never was."""
    recorder = Recorder()
    account = DOOR.speak(CTX, Keys(), recorder, Inspector(1))
    account.call(Call("t", Op.PLACE, QUESTIONS[Op.PLACE]), at())
    assert recorder.frames == []
    [answer] = said(recorder, Answer)
    assert (answer.tag, answer.outcome.fate) == ("t", Fate.REFUSED)


def test_calls_without_answers_are_limited() -> None:
    """If this failed, a venue that answers nothing could fill our memory."""
    account, recorder = speak()
    for number in range(CALLS_MOST + 1):
        account.call(Call(str(number), Op.CANCEL, QUESTIONS[Op.CANCEL]), at())
    [answer] = said(recorder, Answer)
    assert (answer.tag, answer.outcome.fate) == (str(CALLS_MOST), Fate.REFUSED)
    assert len(recorder.frames) == CALLS_MOST


def test_each_call_is_answered_once() -> None:
    """If this failed, an order could be settled twice, the second time by what was said of another."""
    account, recorder = speak()
    account.call(Call("a", Op.PLACE, QUESTIONS[Op.PLACE]), at())
    for _ in range(2):
        account.receive(b'{"id":1,"status":200,"result":%s}' % PLACED, 0)
    assert [word.tag for word in said(recorder, Answer)] == ["a"]
    assert len(said(recorder, Odd)) == 1


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (b'{"id":1,"status":200,"result":null}', Fate.UNKNOWN),
        (b'{"id":1,"status":200}', Fate.UNKNOWN),
        (b'{"id":1,"status":200,"result":[]}', Fate.UNKNOWN),
        (b'{"id":1}', Fate.UNKNOWN),
        (b'{"id":1,"status":503,"error":{"code":-1008,"msg":"busy"}}', Fate.UNKNOWN),
        (b'{"id":1,"status":500}', Fate.UNKNOWN),
        (b'{"id":1,"status":400,"error":{"code":-1007,"msg":"timeout"}}', Fate.UNKNOWN),
        (b'{"id":1,"status":400,"error":{"code":-2010,"msg":"Duplicate order sent."}}', Fate.REFUSED),
        (b'{"id":1,"status":418,"error":{"code":-1003,"msg":"Way too much request weight used;"}}', Fate.REFUSED),
    ],
)
def test_what_became_of_a_placement_is_known_or_said_to_be_unknown(reply: bytes, fate: Fate) -> None:
    """If this failed, an order that may live would be given up, or one that was refused be waited for."""
    account, recorder = speak()
    account.call(Call("a", Op.PLACE, QUESTIONS[Op.PLACE]), at())
    account.receive(reply, 0)
    [answer] = said(recorder, Answer)
    assert isinstance(answer.outcome, Fault)
    assert answer.outcome.fate is fate


def test_a_subscription_that_is_never_answered_is_given_up() -> None:
    """If this failed, an account would seem to be watched that nobody tells of."""
    account, recorder = speak(ORDERS, BALANCES)
    for seconds in range(60):
        account.tick(at(seconds))
    assert methods(recorder).count(SUBSCRIBE) == TRIES
    stamps = {json.loads(frame)["params"]["timestamp"] for frame in recorder.frames if b"signature" in frame}
    assert len(stamps) == TRIES  # a stamp that is sent again would be too old
    refused = said(recorder, Refused)
    assert [(word.topic, word.fault.kind, word.fault.wait_ms > 0) for word in refused] == [
        (ORDERS, Kind.SERVER, True), (BALANCES, Kind.SERVER, True)]  # fmt: skip


def test_a_second_topic_joins_what_is_there() -> None:
    """If this failed, a second subscription would be refused by the venue and the first be lost with it."""
    account, recorder = speak(ORDERS)
    account.receive(JOINED, 0)
    account.join([(BALANCES, recorder.lane(BALANCES)), (Topic("positions"), recorder.lane(BALANCES))], at())
    assert methods(recorder) == [SUBSCRIBE]
    assert [word.topic for word in said(recorder, Joined)] == [ORDERS, BALANCES]
    assert [word.topic for word in said(recorder, Refused)] == [Topic("positions")]
    account.leave([ORDERS], at())
    assert methods(recorder) == [SUBSCRIBE]
    account.receive(b'{"subscriptionId":0,"event":{"e":"executionReport"}}', 0)
    assert said(recorder, Missed) == []  # of orders, which nobody hears any more


def test_an_event_that_cannot_be_read_is_missed_by_its_topic() -> None:
    """If this failed, a fill could be lost without anybody looking for it."""
    account, recorder = speak(ORDERS, BALANCES)
    account.receive(JOINED, 0)
    account.receive(b'{"subscriptionId":0,"event":{"e":"executionReport","X":"NEW"}}', 0)
    account.receive(b'{"subscriptionId":0,"event":{"e":"outboundAccountPosition","u":1,"B":[{"a":1}]}}', 0)
    assert [word.topic for word in said(recorder, Missed)] == [ORDERS, BALANCES]


@pytest.mark.parametrize("result", ["null", "{}", "[]", '{"subscriptionId":"x"}', ""])
def test_a_subscription_that_was_granted_in_strange_words_is_joined(result: str) -> None:
    """If this failed, an account would never be heard for an answer that cannot be read."""
    account, recorder = speak(ORDERS)
    told = f',"result":{result}' if result else ""
    account.receive(f'{{"id":1,"status":200{told}}}'.encode(), 0)
    assert [word.topic for word in said(recorder, Joined)] == [ORDERS]


def test_what_a_listener_raises_is_not_taken_for_a_broken_frame() -> None:
    """If this failed, a defect of ours would look like one of the venue's, and a fill be lost in silence."""
    recorder = Recorder()
    account = DOOR.speak(CTX, Keys(), recorder, Inspector(1))
    account.open(at())

    def fails(event: Any) -> None:
        raise ValueError(event)

    account.join([(BALANCES, fails)], at())
    account.receive(JOINED, 0)
    with pytest.raises(ValueError, match="BTC"):
        account.receive(
            b'{"subscriptionId":0,"event":{"e":"outboundAccountPosition","u":1,"B":[{"a":"BTC","f":"1","l":"0"}]}}', 0
        )


HELD: st.SearchStrategy[Any] = st.sampled_from(
    ["1", "1e999", "NaN", -1, None, [], {}, "NEW", "TRADE", 1 << 70, "BTCUSDT", 0.5, True]
)
EVENT = st.fixed_dictionaries(
    {"e": st.sampled_from(["executionReport", "outboundAccountPosition", "balanceUpdate", "serverShutdown"])},
    optional=dict.fromkeys("sccSofqpxXilzLTtPCrnNmOZQuadB", HELD),
)
FRAME = st.fixed_dictionaries(
    {}, optional={"id": st.sampled_from([1, 2, "1", None]), "status": st.sampled_from([200, 400, 500, "x"]),
                  "result": HELD, "error": HELD, "event": EVENT | HELD, "subscriptionId": HELD}
)  # fmt: skip


@given(frames=st.lists(st.binary(max_size=40) | FRAME.map(lambda one: json.dumps(one).encode()), max_size=6))
def test_no_frame_brings_it_down(frames: list[bytes]) -> None:
    """If this failed, one broken frame could end the watch over all orders."""
    account, recorder = speak(ORDERS, BALANCES)
    account.call(Call("a", Op.PLACE, QUESTIONS[Op.PLACE]), at())
    for seconds, frame in enumerate(frames):
        account.receive(frame, 0)
        account.tick(at(seconds))
    assert len(said(recorder, Answer)) <= 1


@pytest.mark.parametrize("form", ["%s", ' { "stream": "x" , "data":%s}', '{"subscriptionId":0,"event":%s}'])
def test_an_event_is_heard_bare_relayed_and_in_its_envelope(form: str) -> None:
    """If this failed, a recording, or a relay of an account's stream, would be heard as silence."""
    told = '{"e":"outboundAccountPosition","E":2,"u":1,"B":[{"a":"BTC","f":"1.0","l":"0.5"}]}'
    said = msgspec.json.decode(orders.enveloped((form % told).encode()), type=orders.Said)
    assert isinstance(said.event, orders.AccountPosition)
    assert [(one.a, one.f) for one in said.event.B] == [("BTC", "1.0")]
