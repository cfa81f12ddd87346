"""The private connection: logging in, following, calling; nothing it hears can stop it, or pass for an answer."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.orders import OrderReport, OrderType, Receipt
from fairlead.venues.okx import auth, private
from fairlead.venues.okx.private import CALLS_MOST
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import (
    Answer,
    Broken,
    Call,
    Joined,
    Missed,
    Odd,
    Ousted,
    Ready,
    Refused,
    Topic,
)
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.orders import AskCancel, AskPlace
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from tests.venues.okx.places import AT, CTX, LOGGED_IN, Key, Private, later

ORDERS, BALANCES, POSITIONS = Topic("orders"), Topic("balances"), Topic("positions")
ARG = {"channel": "orders", "instType": "ANY"}
PLACE = AskPlace(symbol="BTC/USDT", side="buy", type=OrderType.LIMIT, client_id="fl1", qty=Decimal(1), price=Decimal(1))


def push(**more: str) -> dict[str, Any]:
    row = {"instId": "BTC-USDT", "instType": "SPOT", "ordId": "1", "state": "live", "side": "buy", "ordType": "limit"}
    return {"arg": {**ARG, "uid": "1"}, "data": [{**row, "sz": "1", "uTime": "5", "cTime": "4", **more}]}


def reply(id: str, client: str = "fl1", code: str = "0", op: str = "order") -> dict[str, Any]:
    row = {"clOrdId": client, "ordId": "17", "ts": "5", "sCode": code, "sMsg": ""}
    return {"id": id, "op": op, "data": [row], "code": "0", "msg": ""}


def called(one: Private, tag: str = "t", asked: Any = PLACE, op: Op = Op.PLACE) -> str:
    """The id it was called by."""
    one.told.call(Call(tag, op, asked), AT)
    return str(one.asked[-1]["id"])


@pytest.mark.parametrize(
    ("seconds", "signature"),
    [
        (1_704_876_947, "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="),
        (1_538_054_050, "+LdIr8lkkvhr5hoA3g9TMC0+uQJ849ftAcocA/ouu4M="),
    ],
)
def test_the_login_is_signed_as_documented(seconds: int, signature: str) -> None:
    """If this failed, no order would be heard of, and none be placed by socket."""
    said = auth.login(Key(), Stamp(venue_ms=seconds * 1_000 + 999))
    assert (said["timestamp"], said["sign"]) == (str(seconds), signature)
    assert (said["apiKey"], said["passphrase"]) == (Key.key_id, Key.passphrase)


def test_nothing_is_subscribed_or_called_before_the_login() -> None:
    """If this failed, the venue would refuse it, and an order would be in doubt for nothing."""
    one = Private([], log_in=False)
    assert [frame["op"] for frame in one.asked] == ["login"]
    one.told.call(Call("early", Op.PLACE, PLACE), AT)
    [answer] = one.words(Answer)
    assert (answer.tag, answer.outcome.fate) == ("early", Fate.REFUSED)
    assert len(one.asked) == 1
    one.receive(LOGGED_IN)
    assert one.words(Ready) == [Ready()]


def test_without_a_key_it_says_so() -> None:
    """If this failed, a session without a key would wait for a login that never comes."""
    one = Private([], log_in=False)
    keyless = private.Private(CTX, None, one.out, Inspector(1))
    keyless.open(AT)
    [broken] = one.words(Broken)
    assert broken.fault.kind is Kind.KEY


@pytest.mark.parametrize(
    ("code", "kind"), [("60005", Kind.KEY), ("60007", Kind.SIGNATURE), ("60006", Kind.CLOCK), ("63999", Kind.SERVER)]
)
def test_a_refused_login_ends_it_and_says_why(code: str, kind: Kind) -> None:
    """If this failed, a wrong key would be dialled with for ever, or a wrong clock be taken for a wrong key."""
    one = Private([], log_in=False)
    one.receive({"event": "error", "code": code, "msg": "no", "connId": "1"})
    [broken] = one.words(Broken)
    assert broken.fault.kind is kind
    assert Key.passphrase not in repr(broken)
    one.receive({"event": "error", "code": code, "msg": "no", "connId": "1"})
    assert len(one.out.words) == 1


def test_each_call_is_answered_once() -> None:
    """If this failed, a call would be answered twice, or an answer go to another call."""
    one = Private([])
    first, second = called(one, "a"), called(one, "b")
    assert first != second
    one.receive(reply(second), reply(first), reply(first))
    assert [(word.tag, type(word.outcome)) for word in one.words(Answer)] == [("b", Receipt), ("a", Receipt)]
    assert len(one.words(Odd)) == 1
    assert "0 calls under way" in repr(one.told)


@pytest.mark.parametrize(
    ("said", "kind", "fate"),
    [
        ({"code": "1", "data": [{"sCode": "51008", "sMsg": "no"}]}, Kind.FUNDS, Fate.REFUSED),
        ({"code": "50011", "data": []}, Kind.LIMIT, Fate.REFUSED),
        ({"code": "50037", "data": []}, Kind.CLOCK, Fate.REFUSED),
        ({"code": "64007", "data": []}, Kind.SERVER, Fate.UNKNOWN),
        ({"code": "59999", "data": []}, Kind.UNKNOWN_CODE, Fate.UNKNOWN),
        ({"code": "0", "data": []}, Kind.SERVER, Fate.UNKNOWN),
        ({"code": "0", "data": [{"sCode": "0", "clOrdId": "other"}]}, Kind.SERVER, Fate.UNKNOWN),
        ({"code": "0", "data": {"sCode": "0"}}, Kind.SERVER, Fate.UNKNOWN),
        ({"code": "0", "data": [{"sCode": "0", "ts": "soon"}]}, Kind.SERVER, Fate.UNKNOWN),
        ({"event": "error", "code": "60012", "msg": "Invalid request"}, Kind.INVALID, Fate.REFUSED),
    ],
)
def test_what_a_reply_does_not_say_stays_open(said: dict[str, Any], kind: Kind, fate: Fate) -> None:
    """If this failed, an order whose reply makes no sense would be taken for refused, and be placed again."""
    one = Private([])
    one.receive({"id": called(one), "op": "order", "msg": "", **said})
    [answer] = one.words(Answer)
    assert isinstance(answer.outcome, Fault)
    assert (answer.outcome.kind, answer.outcome.fate) == (kind, fate)


def test_what_cannot_be_called_is_answered_at_once() -> None:
    """If this failed, a call would wait for an answer that nobody gives."""
    one = Private([])
    stop = AskPlace(
        symbol="BTC/USDT", side="buy", type=OrderType.STOP, client_id="a", qty=Decimal(1), trigger=Decimal(1)
    )
    for tag, op, asked in (
        ("read", Op.BALANCES, AskNothing()),
        ("stop", Op.PLACE, stop),
        ("symbol", Op.CANCEL, AskCancel(symbol="BTC/DKK", client_id="a")),
    ):
        one.told.call(Call(tag, op, asked), AT)
    assert [(word.tag, word.outcome.kind, word.outcome.fate) for word in one.words(Answer)] == [
        (tag, Kind.INVALID, Fate.REFUSED) for tag in ("read", "stop", "symbol")
    ]
    assert len(one.asked) == 1  # the login


def test_calls_are_bounded_and_forgotten() -> None:
    """If this failed, a venue that answers nothing would fill the memory, or stop all orders for good."""
    one = Private([])
    for n in range(CALLS_MOST):
        one.told.call(Call(f"t{n}", Op.PLACE, PLACE), AT)
    one.told.call(Call("beyond", Op.PLACE, PLACE), AT)
    [answer] = one.words(Answer)
    assert (answer.tag, answer.outcome.kind, answer.outcome.fate) == ("beyond", Kind.LIMIT, Fate.REFUSED)
    one.told.tick(later(61))
    one.told.call(Call("again", Op.PLACE, PLACE), later(61))
    assert len(one.words(Answer)) == 1
    one.receive(reply("c1"))  # an hour late: nobody waits
    assert len(one.words(Odd)) == 1


def test_calls_pay_what_the_same_order_pays_by_rest() -> None:
    """If this failed, orders by socket would be counted apart, and the venue would refuse what we thought allowed."""
    one = Private([])
    called(one)
    assert [(charge.budget, charge.of) for charge in one.out.costs[-1]] == [("trade/order", "BTC/USDT")]


def test_an_unreadable_push_is_told_as_missed() -> None:
    """If this failed, a fill in a frame that cannot be read would be lost without anybody asking for it."""
    one = Private([ORDERS, BALANCES])
    one.receive(push(tradeId="7", fillPx="NaN", fillSz="1"))
    assert [word.topic for word in one.words(Missed)] == [ORDERS]
    one.receive(
        push(tradeId="7", fillPx="1", fillSz="-1"), push(tradeId="7", fillPx="0", fillSz="1"), push(uTime="now")
    )
    assert [word.topic for word in one.words(Missed)] == [ORDERS] * 4
    one.receive(b'{"arg":{"channel":"ord')
    assert [word.topic for word in one.words(Missed)][4:] == [ORDERS, BALANCES]
    assert one.out.heard == []


def test_numbers_that_cannot_be_are_not_told() -> None:
    """If this failed, a negative size or fill would be booked."""
    one = Private([ORDERS])
    one.receive(push(accFillSz="-1"), push(sz="-1"), push(accFillSz="1e400"))
    assert one.out.heard == []
    assert len(one.words(Missed)) == 3


def test_bytes_that_are_no_text_end_nothing() -> None:
    """If this failed, a reply broken on its way would stop the connection, or pass for an order refused."""
    one = Private([ORDERS])
    id = called(one)
    one.receive(
        f'{{"id":"{id}","op":"order","code":"0","msg":"","data":[{{"sCode":"0","ordId":"'.encode() + b'\xff"}]}'
    )
    assert [word.outcome.fate for word in one.words(Answer)] == [Fate.UNKNOWN]
    one.receive(b'{"arg":{"channel":"orders"},"data":[{"ordId":"\xff"}]}')
    assert one.words(Missed)
    assert one.out.heard == []


def test_one_unreadable_row_spoils_its_frame_and_no_more() -> None:
    """If this failed, half of a frame would be told, and the rest be missed in silence; or all that follows be lost."""
    one = Private([ORDERS])
    both = push()
    both["data"].append({**both["data"][0], "sz": "many"})
    one.receive(both)
    assert one.out.heard == []
    one.receive(push())
    assert [type(event) for _, event in one.out.heard] == [OrderReport]


def test_duplicates_pass_on_under_the_same_name() -> None:
    """If this failed, a fill told twice would have two names, and be counted twice."""
    one = Private([ORDERS])
    frame = push(tradeId="7", fillPx="2", fillSz="1", fillTime="5", fillFee="-0.1", fillFeeCcy="BTC", execType="T")
    one.receive(frame, frame)
    fills = [event for _, event in one.out.heard if not isinstance(event, OrderReport)]
    assert len(fills) == 2
    assert fills[0] == fills[1]


@pytest.mark.parametrize("code", ["60011", "60032"])
def test_who_is_no_longer_logged_in_is_told(code: str) -> None:
    """If this failed, orders would be followed on a connection that tells nothing any more."""
    one = Private([ORDERS])
    one.receive({"event": "subscribe", "arg": ARG, "connId": "1"})
    one.receive({"event": "error", "code": code, "msg": "Please log in", "connId": "1"})
    [ousted] = one.words(Ousted)
    assert ousted.fault.kind is Kind.KEY
    one.told.call(Call("after", Op.PLACE, PLACE), AT)
    assert one.words(Answer)[-1].outcome.fate is Fate.REFUSED


def test_a_call_that_finds_us_logged_out_says_both() -> None:
    """If this failed, the next call would be sent into the void as well."""
    one = Private([ORDERS])
    one.receive({"id": called(one), "event": "error", "code": "60011", "msg": "Please log in"})
    assert [type(word) for word in one.out.words] == [Answer, Ousted]


def test_a_lost_acknowledgement_is_asked_for_and_then_given_up() -> None:
    """If this failed, a subscription that was lost on the way would never be noticed."""
    one = Private([ORDERS])
    for seconds in (10, 20, 30):
        one.told.tick(later(seconds))
    asked = [frame for frame in one.asked if frame["op"] == "subscribe"]
    assert len(asked) == 3
    [refused] = one.words(Refused)
    assert (refused.topic, refused.fault.wait_ms > 0) == (ORDERS, True)


def test_data_proves_a_subscription() -> None:
    """If this failed, a lost acknowledgement would cost a second subscription and what was told meanwhile."""
    one = Private([ORDERS])
    one.receive(push())
    assert one.words(Joined) == [Joined(ORDERS)]
    one.told.tick(later(60))
    assert [frame["op"] for frame in one.asked] == ["login", "subscribe"]


def test_a_topic_of_no_account_is_refused() -> None:
    """If this failed, a symbol beside `orders` would be passed over in silence."""
    wrong = [Topic("orders", "BTC/USDT"), Topic("trades", "BTC/USDT"), Topic("fills")]
    one = Private([*wrong, POSITIONS])
    assert [word.topic for word in one.words(Refused)] == wrong
    assert one.asked[-1]["args"] == [{"channel": "positions", "instType": "SWAP"}]


def test_a_quiet_connection_is_asked_for_a_pong() -> None:
    """If this failed, the venue would cut a quiet connection after 30 s, and fills would be missed."""
    one = Private([ORDERS])
    one.receive({"event": "subscribe", "arg": ARG, "connId": "1"})
    pings = 0
    for seconds in range(1, 61):
        one.told.tick(later(seconds))
        if one.out.frames.count(b"ping") > pings:
            pings += 1
            one.receive(b"pong")
    assert 3 <= pings <= 4
    assert one.words(Odd) == []


@given(st.binary(max_size=200))
def test_no_bytes_break_it(frame: bytes) -> None:
    """If this failed, one strange frame would stop the following of all orders."""
    one = Private([ORDERS, BALANCES, POSITIONS])
    called(one)
    one.receive(frame)


WORDS = ["orders", "account", "positions", "login", "error", "subscribe", "notice", "60011", "64008", "c1", "s1", "0"]
NAMES = [
    "arg", "channel", "data", "id", "op", "event", "code", "msg", "lastPage", "details", "sCode", "ordId", "instId",
    "pos", "state",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(NAMES), each, max_size=6),
    max_leaves=15,
)


@given(JSON)
def test_no_json_breaks_it(value: Any) -> None:
    """If this failed, a frame of another shape would stop the following of all orders."""
    one = Private([ORDERS, BALANCES, POSITIONS])
    called(one)
    one.receive(json.dumps(value).encode())
    assert len(one.words(Answer)) <= 1
