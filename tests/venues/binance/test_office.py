"""The account's connection against the venue's own end of it, in memory: what was told is what is heard."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairlead.model.account import Balance, Holding
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.testing import Recorder
from fairlead.venues.binance import auth
from fairlead.venues.binance.mirror import MIRROR
from fairlead.venues.binance.private import METHODS
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Ending, Joined, Ousted, Topic
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.mirror import FAILED, Execution, Heard, Hearing
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from tests.venues.binance.keys import KEY, Curve, Keys
from tests.venues.binance.street import CTX, QUESTIONS

NOW = 1_764_000_000_000
AT = Stamp(mono_ns=1, venue_ms=NOW)
ORDERS, BALANCES = Topic("orders"), Topic("balances")
TOLD = Topic("orders", "", KEY)
OPEN = OrderReport(
    venue="binance", symbol="BTC/USDT", order_id="28", status=Status.OPEN, client_id="fl-1", venue_ns=NOW * MS,
    created_ns=NOW * MS, side="buy", type=OrderType.LIMIT, tif=Tif.GTC, qty=Decimal("0.01"), price=Decimal(62000),
    filled=Decimal(0), cost=Decimal(0), post_only=False,
)  # fmt: skip
PART = replace(OPEN, status=Status.PARTIAL, filled=Decimal("0.002"), cost=Decimal(124))
FILL = Fill(
    venue="binance", symbol="BTC/USDT", order_id="28", id="56", side="buy", price=Decimal(62000),
    qty=Decimal("0.002"), fee=Decimal("0.0000000021"), fee_asset="BTC", maker=True, client_id="fl-1", venue_ns=NOW * MS,
)  # fmt: skip


class Street:
    """Both ends of one connection: what the account's end says waits for `go`, what the venue says is heard at once."""

    def __init__(self, path: str = "/ws-api/v3", keys: Keys | None = None) -> None:
        self.keys, self.recorder, self.closed = keys or Keys(), Recorder(), ""
        self.calls: list[Heard] = []
        self.joined: list[Topic] = []
        self.frames: list[dict[str, Any]] = []
        self._passed = 0
        self.room: Hearing = MIRROR.rooms["ws_api"](CTX, self.keys, self)
        self.room.open(AT, path)
        self.account = VENUE.doors[1].speak(CTX, self.keys, self.recorder, Inspector(1))
        self.account.open(AT)

    def subscribe(self) -> None:
        self.account.join([(topic, self.recorder.lane(topic)) for topic in (ORDERS, BALANCES)], AT)
        self.go()
        self.room.tell(TOLD, (OPEN,), AT)  # how things stand: this venue does not say
        self.room.tell(Topic("balances", "", KEY), (Balance("BTC", Decimal(1), Decimal(1)),), AT)

    def call(self, op: Op, asked: Any) -> Heard:
        self.account.call(Call("t", op, asked), AT)
        self.go()
        return self.calls[-1]

    def go(self) -> None:
        while self._passed < len(self.recorder.frames):
            self._passed += 1
            self.room.receive(self.recorder.frames[self._passed - 1], AT)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """As another client would; the answer."""
        self.room.receive(json.dumps({"id": "x", "method": method, "params": params}).encode(), AT)
        return next((one for one in reversed(self.frames) if one.get("id", 0) in ("x", None)), {})

    # An Ear.

    def frame(self, text: bytes) -> None:
        self.frames.append(json.loads(text))
        self.account.receive(text, 0)

    def ping(self, payload: bytes = b"") -> None: ...
    def leave(self, topic: Topic) -> None:
        self.joined.remove(topic)

    def join(self, topic: Topic) -> None:
        self.joined.append(topic)

    def close(self, code: int, why: str) -> None:
        self.closed = why

    def heard(self, heard: Heard) -> None:
        self.calls.append(heard)


def signed(keys: Keys, **params: Any) -> dict[str, Any]:
    return dict(auth.sign_params(params, keys, AT))


def outcome(street: Street) -> Any:
    [answer] = [word for word in street.recorder.words if isinstance(word, Answer)]
    return answer.outcome


# ---- calls


def test_a_call_is_heard_and_its_answer_is_what_was_said() -> None:
    """If this failed, an order by socket would be another than was asked for, or its fate another than was said."""
    street = Street()
    asked = replace(QUESTIONS[Op.PLACE], until_ms=NOW + 700, window_ms=700)
    heard = street.call(Op.PLACE, asked)
    assert (heard.op, heard.asked, heard.key_id) == (Op.PLACE, asked, KEY)
    said = replace(PART, created_ns=0)
    fills = (replace(FILL, maker=False),)
    receipt = Receipt(order_id="28", client_id="fl-1", venue_ns=NOW * MS, report=said, fills=fills)
    street.room.say(heard, receipt, AT)
    assert outcome(street) == receipt


SAID: dict[Op, Any] = {
    Op.AMEND: Receipt(order_id="28", client_id="fl-1", venue_ns=NOW * MS, report=replace(OPEN, created_ns=0)),
    Op.CANCEL: Receipt(
        order_id="28", client_id="fl-1", venue_ns=NOW * MS,
        report=replace(PART, status=Status.CANCELLED, created_ns=0),
    ),
    Op.ORDER: replace(PART, venue_ns=(NOW + 5) * MS),
    Op.OPEN_ORDERS: (OPEN, replace(PART, order_id="29", client_id="")),
    Op.CANCEL_ALL: (),
}  # fmt: skip


@pytest.mark.parametrize("op", SAID)
def test_every_call_is_answered_as_was_said(op: Op) -> None:
    """If this failed, what became of an order would be misread on the way."""
    street = Street()
    heard = street.call(op, QUESTIONS[op])
    assert (heard.op, replace(heard.asked, **_unfenced(heard.asked))) == (op, QUESTIONS[op])
    street.room.say(heard, SAID[op], AT)
    assert outcome(street) == SAID[op]


def _unfenced(asked: Any) -> dict[str, int]:
    return {name: 0 for name in ("until_ms", "window_ms") if hasattr(asked, name)}


KINDS = {  # what an engine refuses without further words -> what a placement is then refused for
    Kind.FUNDS: Kind.FUNDS, Kind.DUPLICATE: Kind.DUPLICATE, Kind.POST_ONLY: Kind.POST_ONLY,
    Kind.MARKET_STATE: Kind.MARKET_STATE, Kind.SYMBOL: Kind.SYMBOL, Kind.PERMISSION: Kind.PERMISSION,
    Kind.ACCOUNT: Kind.PERMISSION, Kind.NOT_FOUND: Kind.NOT_FOUND, Kind.CLOCK: Kind.CLOCK, Kind.INVALID: Kind.INVALID,
    Kind.LIMIT: Kind.LIMIT, Kind.SERVER: Kind.SERVER, Kind.MAINTENANCE: Kind.MAINTENANCE, Kind.KEY: Kind.KEY,
}  # fmt: skip
WORDS = {
    **dict.fromkeys(("tick", "lot", "min qty", "max qty", "min notional", "price band", "trigger", "no change",
                     "amend up", "filled"), Kind.INVALID),
    "deadline": Kind.CLOCK, "liquidity": Kind.MARKET_STATE, "orders": Kind.INVALID, "gone": Kind.NOT_FOUND,
}  # fmt: skip
NOT_HERE = {
    "no position",
    "grows",
    "busy",
    "mode",
    "leverage",
}  # of positions and settings, which this venue does not have


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", METHODS)
def test_a_refusal_by_kind_is_understood(op: Op, kind: Kind) -> None:
    """If this failed, the simulator would refuse in words that the venue does not use, or we misunderstand them."""
    street = Street()
    street.room.say(street.call(op, QUESTIONS[op]), Fault(kind, wait_ms=4_000), AT)
    if op is Op.CANCEL_ALL and kind is Kind.NOT_FOUND:
        assert outcome(street) == ()
        return
    assert outcome(street).kind is KINDS[kind]
    assert outcome(street).code
    if kind is Kind.LIMIT:
        assert outcome(street).until_ms == NOW + 4_000


@pytest.mark.parametrize("word", WORDS)
def test_a_failed_check_is_told_in_the_venue_s_words(word: str) -> None:
    """If this failed, an order refused by a filter would look like another refusal."""
    street = Street()
    street.room.say(street.call(Op.PLACE, QUESTIONS[Op.PLACE]), Fault(WORDS[word], said=word), AT)
    assert outcome(street).kind is WORDS[word]
    assert (outcome(street).said, int(outcome(street).code)) == (
        street.frames[-1]["error"]["msg"], street.frames[-1]["error"]["code"])  # fmt: skip
    assert word not in outcome(street).said.split(":")


def test_silence_of_the_engine_is_told_as_such() -> None:
    """If this failed, an order whose fate nobody knows would be told as refused."""
    street = Street()
    street.room.say(street.call(Op.PLACE, QUESTIONS[Op.PLACE]), Fault(Kind.SERVER, Fate.UNKNOWN), AT)
    assert (outcome(street).code, outcome(street).fate) == ("-1007", Fate.UNKNOWN)


def test_every_word_of_the_engine_has_words_of_the_venue() -> None:
    """If this failed, a refusal of the simulator's engine would come out in no venue's words."""
    assert set(FAILED) == WORDS.keys() | NOT_HERE


# ---- the account's stream


def test_what_happens_to_an_order_is_heard_in_order() -> None:
    """If this failed, a fill would be lost or doubled, come after the report that counts it, or be changed."""
    street = Street()
    street.subscribe()
    assert [word.topic for word in street.recorder.words if isinstance(word, Joined)] == [ORDERS, BALANCES]
    assert street.joined == [TOLD, Topic("balances", "", KEY)]
    assert street.recorder.heard == []
    cancelled = replace(PART, status=Status.CANCELLED)
    expired = replace(OPEN, status=Status.EXPIRED, tif=Tif.IOC, reason="ioc")
    for what, report, fill in (
        ("accepted", OPEN, None), ("filled", PART, FILL), ("amended", replace(PART, qty=Decimal("0.005")), None),
        ("cancelled", cancelled, None), ("expired", expired, None),
    ):  # fmt: skip
        street.room.tell(TOLD, Execution(what, report, fill), AT)
    assert street.recorder.heard == [
        (ORDERS, OPEN),
        (ORDERS, FILL),
        (ORDERS, PART),
        (ORDERS, replace(PART, qty=Decimal("0.005"))),
        (ORDERS, cancelled),
        (ORDERS, replace(expired, reason="UNFILLED_IOC_QUANTITY_EXPIRED")),
    ]
    told = [frame["event"] for frame in street.frames if "event" in frame]
    assert [(one["x"], one["X"], one["c"], one["C"]) for one in told] == [
        ("NEW", "NEW", "fl-1", ""), ("TRADE", "PARTIALLY_FILLED", "fl-1", ""),
        ("REPLACED", "PARTIALLY_FILLED", "fl-1", ""), ("CANCELED", "CANCELED", "cancel28", "fl-1"),
        ("EXPIRED", "EXPIRED", "fl-1", ""),
    ]  # fmt: skip


def test_a_stop_is_on_the_book_only_when_it_has_fired() -> None:
    """If this failed, the simulator would show a stop that waits as one that trades."""
    street = Street()
    street.subscribe()
    waiting = replace(OPEN, type=OrderType.STOP_LIMIT, trigger=Decimal(63000))
    for what in ("accepted", "triggered"):
        street.room.tell(TOLD, Execution(what, waiting), AT)
    assert [(frame["event"]["w"], "W" in frame["event"]) for frame in street.frames[1:]] == [
        (False, False),
        (True, True),
    ]
    assert street.recorder.heard == [(ORDERS, waiting), (ORDERS, waiting)]


def test_balances_are_heard_exactly_and_only_what_changed() -> None:
    """If this failed, money would seem to be there that is not, or the other way round."""
    street = Street()
    street.subscribe()
    street.room.tell(Topic("balances", "", KEY), (Balance("BTC", Decimal("1.000000001"), Decimal("0.5")),), AT)
    [(topic, held)] = street.recorder.heard
    assert (topic, held) == (
        BALANCES,
        Holding(venue="binance", asset="BTC", total=Decimal("1.000000001"), free=Decimal("0.5"), venue_ns=NOW * MS),
    )


def test_a_subscription_ends_as_the_venue_ends_it() -> None:
    """If this failed, an account's stream that ended would look like a quiet one."""
    street = Street()
    street.subscribe()
    assert street.ask("userDataStream.unsubscribe")["result"] == {}
    assert street.joined == []
    [ousted] = [word for word in street.recorder.words if isinstance(word, Ousted)]
    assert ousted.fault.said == "eventStreamTerminated"
    street.room.tell(TOLD, Execution("accepted", OPEN), AT)
    assert street.recorder.heard == []
    street.room.warn(5_000, AT)
    assert isinstance(street.recorder.words[-1], Ending)


# ---- as strict as the venue


def test_one_subscription_an_account_and_their_numbers() -> None:
    """If this failed, the simulator would take what the venue refuses, and the adapter be right only there."""
    street = Street()
    assert street.ask("userDataStream.subscribe.signature", **signed(street.keys))["result"] == {"subscriptionId": 0}
    again = street.ask("userDataStream.subscribe.signature", **signed(street.keys))
    assert (again["status"], again["error"]["code"]) == (400, -2035)
    assert street.ask("session.subscriptions")["result"] == [{"subscriptionId": 0}]
    assert street.ask("userDataStream.unsubscribe", subscriptionId=7)["error"]["code"] == -2036
    assert street.ask("userDataStream.unsubscribe", subscriptionId=0)["result"] == {}
    assert street.ask("userDataStream.subscribe.signature", **signed(street.keys))["result"] == {"subscriptionId": 1}


def test_only_a_key_that_signs_by_curve_logs_on() -> None:
    """If this failed, the simulator would let a key log on that the venue turns away."""
    street = Street()
    refused = street.ask("session.logon", **signed(street.keys))
    assert refused["error"] == {"code": -2028, "msg": "HMAC-SHA-256 API key is not supported."}
    assert street.ask("userDataStream.subscribe")["status"] == 401
    curve = Street(keys=Curve())
    told = curve.ask("session.logon", **signed(curve.keys))["result"]
    assert told == {
        "apiKey": KEY, "authorizedSince": NOW, "connectedSince": NOW, "returnRateLimits": True, "serverTime": NOW,
        "userDataStream": False,
    }  # fmt: skip
    assert curve.ask("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    curve.ask("openOrders.status", timestamp=NOW)
    assert (curve.calls[-1].op, curve.calls[-1].key_id) == (Op.OPEN_ORDERS, KEY)
    assert curve.ask("session.logout")["result"]["authorizedSince"] is None
    assert curve.frames[-1]["event"]["e"] == "eventStreamTerminated"
    assert curve.ask("session.status")["result"]["apiKey"] is None


def test_a_revoked_session_is_answered_without_an_id() -> None:
    """If this failed, the adapter would never meet what the venue says to a key that was revoked meanwhile."""
    street = Street(keys=Curve())
    street.ask("session.logon", **signed(street.keys))
    street.keys.is_revoked = True
    told = street.ask("openOrders.status", timestamp=NOW)
    assert (told["id"], told["status"], told["error"]["code"]) == (None, 401, -2015)
    assert isinstance(street.recorder.words[-1], Ousted)


Change = Callable[[dict[str, Any]], Any]
WRONG: list[tuple[Change, int]] = [
    (lambda params: params.pop("signature"), -1102),
    (lambda params: params.pop("timestamp"), -1102),
    (lambda params: params.pop("apiKey"), -2014),
    (lambda params: params.update(apiKey="short"), -2014),
    (lambda params: params.update(apiKey="A" * 64), -2015),
    (lambda params: params.update(quantity="0.02"), -1022),
    (lambda params: params.update(signature="00"), -1022),
    (lambda params: params.update(timestamp=NOW - 5_001), -1021),
    (lambda params: params.update(timestamp=NOW + 1_000), -1021),
    (lambda params: params.update(recvWindow=60_001), -1102),
]


@pytest.mark.parametrize(("change", "code"), WRONG)
def test_a_call_that_is_not_proven_is_refused(change: Change, code: int) -> None:
    """If this failed, the simulator would act for whoever asks."""
    street = Street()
    params = signed(street.keys, **VENUE.endpoints[Op.PLACE].ask(QUESTIONS[Op.PLACE], CTX))
    change(params)
    assert street.ask("order.place", **params)["error"]["code"] == code
    assert street.calls == []


def test_limits_are_shown_unless_they_are_not_wanted() -> None:
    """If this failed, other clients would miss the limits that the venue shows them, or be shown too much."""
    assert "rateLimits" in Street().ask("session.status")
    assert "rateLimits" not in Street("/ws-api/v3?returnRateLimits=false").ask("session.status")
    street = Street()
    for wanted in (True, False):
        params = signed(street.keys, returnRateLimits=str(wanted).lower())
        street.ask("openOrders.status", **params)
        street.room.say(street.calls[-1], (), AT)
        assert ("rateLimits" in street.frames[-1]) is wanted


def test_what_nobody_asks_is_refused_and_public_calls_need_no_key() -> None:
    """If this failed, a method that the venue lacks would seem to work, or a public one ask for a key."""
    street = Street()
    for method in ("order.fly", "userDataStream.start", ""):
        assert street.ask(method)["status"] == 400
    street.ask("v3/time")
    assert street.calls[-1].op is Op.TIME
    street.room.say(street.calls[-1], NOW, AT)
    assert street.frames[-1]["result"] == {"serverTime": NOW}


def test_a_connection_that_does_not_answer_pings_is_closed() -> None:
    """If this failed, a client that is gone would be told of an account for ever."""
    street = Street()
    for seconds in range(0, 100, 10):
        street.room.tick(Stamp(mono_ns=seconds * 1_000 * MS, venue_ms=NOW))
    assert street.closed == "Pong timeout"
    assert repr(street.room) == "<AccountRoom 0 subscriptions, 0 calls>"


ODD = ["order.place", "session.logon", "userDataStream.subscribe", 1, None, [], {}, {"apiKey": KEY}, 1e300, True]
FRAMES = st.dictionaries(st.sampled_from(["method", "params", "id"]), st.sampled_from(ODD))


@given(st.binary(max_size=60) | FRAMES.map(lambda words: json.dumps(words).encode()))
def test_any_frame_is_answered(frame: bytes) -> None:
    """If this failed, a client's broken frame could bring the simulator down."""
    street = Street()
    street.room.receive(frame, AT)
    assert len(street.frames) == 1
