"""What the venue really said of orders and accounts: every recorded line of this market gives its answer or event."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from fairlead.model.account import Holding
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Tif
from fairlead.testing import Recorder
from fairlead.venues.binance.mirror import MIRROR
from fairlead.venues.binance.orders import STATES
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.conversation import Answer, Call, Missed, Odd, Topic
from fairlead.wire.endpoint import build
from fairlead.wire.http import Reply, Request
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import (
    AskAmend,
    AskCancel,
    AskCancelAll,
    AskFills,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPlace,
)
from fairlead.wire.shapes import Inspector, strangers
from fairlead.wire.signing import Stamp
from tests import recorded
from tests.venues.binance.street import CTX

OTHERS = {  # lines of this market that are not ours to read, by the end of their id
    **dict.fromkeys(("0002", "0013"), "orders of the venue's own algorithms"),
    **dict.fromkeys(("0003", "0008", "0009", "0010", "0014", "0018"), "margin"),
    **dict.fromkeys(("0005", "0006", "0007", "0016", "0021"), "conversion, payment and leveraged tokens"),
    **dict.fromkeys(("0011", "0012", "0019", "0020"), "lists of orders, which are not placed here"),
    "0022": "cancel and replace: no call of ours, and wrapped by whoever recorded it",
}
REPLIES: dict[str, tuple[Op, Any]] = {
    "rest_order/0001": (Op.AMEND, AskAmend(symbol="BTC/USDT", qty=Decimal("0.00847"))),
    "rest_order/0004": (Op.CANCEL, AskCancel(symbol="LTC/BTC", client_id="myOrder1", order_id="4")),
    "rest_order/0015": (Op.OPEN_ORDERS, AskOpenOrders()),
    "rest_order/0017": (Op.FILLS, AskFills(symbol="BNB/BTC")),
    "rest_order/0034": (Op.CANCEL, AskCancel(symbol="LTC/BTC", client_id="myOrder1")),
    "rest_order/0037": (Op.ORDERS, AskOrders(symbol="LTC/BTC")),
    # of several markets, but these are plainly of this one
    "rest_order/0040": (Op.ORDER, AskOrder(symbol="LTC/BTC", order_id="1")),
    "rest_order/0060": (Op.FILLS, AskFills(symbol="BNB/BTC")),
    "rest_order/0062": (Op.FILLS, AskFills(symbol="ADA/USDT")),
    "rest_account/0004": (Op.BALANCES, AskNothing()),
    "rest_account/0048": (Op.BALANCES, AskNothing()),
}
WALLET = "the wallet's, margin's or another product's: no call of ours"
CALLED: dict[str, tuple[Op, Any]] = {
    "ws_api/0008": (Op.AMEND, AskAmend(symbol="BTC/USDT", order_id="12569099453", qty=Decimal("0.00847"))),
    "ws_api/0009": (Op.CANCEL, AskCancel(symbol="BTC/USDT", order_id="12569099453")),
    "ws_api/0010": (Op.ORDER, AskOrder(symbol="BTC/USDT", order_id="12569099453")),
    "ws_api/0013": (
        Op.PLACE,
        AskPlace(symbol="BTC/USDT", side="sell", type=OrderType.LIMIT, client_id="4d96324ff9d44481926157ec08158a40"),
    ),
}
NOT_CALLED = {
    **dict.fromkeys(("0001", "0011"), "asked by REST here"),
    **dict.fromkeys(("0002", "0003", "0004", "0005", "0006", "0007"), "the market's: asked by REST here"),
    "0012": "lists of orders, which are not placed here",
    "0014": "cancel and replace: no call of ours",
}
NOT_TOLD = {"0002": "margin's"}
Line = dict[str, Any]


def lines(name: str, product: str = "spot") -> dict[str, Line]:
    told = recorded.lines(f"binance/{name}.jsonl")
    return {line["id"].removeprefix("binance/"): line for line in told if line.get("product") in (product, None)}


def short(id: str) -> str:
    return id.partition("/")[2]


def money(told: Line, *names: str) -> Decimal | None:
    """As it was sent; what does not apply is told as zero."""
    return next((Decimal(told[name]) for name in names if name in told and Decimal(told[name])), None)


def plain(number: Decimal | None) -> str:
    """As it was sent, zeros and all."""
    return "" if number is None else format(number, "f")


def same_order(one: OrderReport, told: Line) -> None:
    assert one.order_id == str(told["orderId"])
    assert one.client_id == told.get("origClientOrderId", told["clientOrderId"])
    assert one.status is STATES[told["status"]]
    assert (one.side, one.tif) == (told["side"].lower(), Tif(told["timeInForce"]))
    assert (one.qty, one.price) == (money(told, "qty", "origQty"), money(told, "price"))
    assert one.filled == Decimal(told["executedQty"])
    assert one.cost == Decimal(told["cummulativeQuoteQty"])
    assert one.venue_ns == int(told["transactTime"] if "transactTime" in told else told["updateTime"]) * MS
    assert one.created_ns == told.get("time", 0) * MS


def same_fill(one: Fill, told: Line) -> None:
    assert (one.id, one.order_id) == (str(told["id"]), str(told["orderId"]))
    assert (plain(one.price), plain(one.qty), plain(one.fee)) == (told["price"], told["qty"], told["commission"])
    assert (one.fee_asset, one.venue_ns) == (told["commissionAsset"], told["time"] * MS)
    assert (one.side, one.maker) == ("buy" if told["isBuyer"] else "sell", told["isMaker"])


def same_answer(answer: Any, told: Any) -> None:
    """Numbers are exact, texts and states are those that were sent."""
    match answer:
        case Receipt(report=OrderReport() as report):
            inner = told.get("amendedOrder", told)
            same_order(report, inner | ({"transactTime": told["transactTime"]} if "transactTime" in told else {}))
            assert [plain(one.fee) for one in answer.fills] == [one["commission"] for one in told.get("fills", [])]
            assert [one.id for one in answer.fills] == [str(one["tradeId"]) for one in told.get("fills", [])]
        case OrderReport():
            same_order(answer, told)
        case _:
            rows = told["balances"] if isinstance(told, dict) else told
            assert len(answer) == len(rows) > 0
            for one, row in zip(answer, rows, strict=True):
                if isinstance(one, OrderReport):
                    same_order(one, row)
                elif isinstance(one, Fill):
                    same_fill(one, row)
                else:
                    assert (one.asset, plain(one.free)) == (row["asset"], row["free"])
                    assert one.total == Decimal(row["free"]) + Decimal(row["locked"])


def test_no_recording_of_this_market_is_left_out() -> None:
    """If this failed, a recorded reply could be there that nobody reads, and its misreading stay unseen."""
    assert {short(id) for id in lines("rest_order")} <= OTHERS.keys() | {short(id) for id in REPLIES}
    ours = {id for id, line in lines("rest_account").items() if "/api/v3/" in (line.get("path") or "")}
    assert ours <= REPLIES.keys(), WALLET
    assert {short(id) for id in lines("ws_api")} <= NOT_CALLED.keys() | {short(id) for id in CALLED}


@pytest.mark.parametrize("id", REPLIES)
def test_a_recorded_reply_is_read(id: str) -> None:
    """If this failed, a real reply would be refused, a number changed, or an order's state misread."""
    op, asked = REPLIES[id]
    every = lines(id.partition("/")[0]) | lines(id.partition("/")[0], "unspecified")
    raw = every[id]["raw"].encode()
    row = VENUE.endpoints[op]
    assert VENUE.fault(Reply(200, {}, raw), op) is None
    assert strangers(raw, row.known) == ()
    same_answer(row.read(raw, asked, CTX), json.loads(raw))


# ---- the account's stream


def hear(raw: str) -> Recorder:
    recorder = Recorder()
    [door] = [door for door in VENUE.doors if door.name == "ws_api"]
    account = door.speak(CTX, Key(), recorder, Inspector(1))
    account.open(Stamp())
    account.join([(topic, recorder.lane(topic)) for topic in (Topic("orders"), Topic("balances"))], Stamp())
    account.receive(b'{"id":1,"status":200,"result":{"subscriptionId":0}}', 0)
    account.receive(raw.encode(), 7)
    return recorder


class Key:
    key_id, algorithm = "K", "hmac-sha256"

    def __init__(self, secret: str = "s") -> None:
        self._secret = secret.encode()

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, hashlib.sha256)

    def part(self, name: str) -> str:
        return ""


def in_envelope(raw: str) -> str:
    """Most were recorded on the sockets of listen keys, which are gone: the event is the same, its envelope another."""
    told = json.loads(raw)
    if "subscriptionId" in told:
        return raw
    event = raw[raw.index('"data":') + 7 : -1] if "data" in told else raw
    return f'{{"subscriptionId":0,"event":{event}}}'


EVENTS = [f"ws_private/{number:04}" for number in (1, 3, 16, 17, 18, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37)]


def test_no_recorded_event_is_left_out() -> None:
    """If this failed, a recorded event could be there that nobody reads."""
    assert {short(id) for id in lines("ws_private")} <= NOT_TOLD.keys() | {short(id) for id in EVENTS}


@pytest.mark.parametrize("id", EVENTS)
def test_a_recorded_event_is_heard(id: str) -> None:
    """If this failed, a real fill or state of an order would be lost, changed, or called odd."""
    line = (lines("ws_private") | lines("ws_private", "unspecified"))[id]
    recorder = hear(in_envelope(line["raw"]))
    assert [word for word in recorder.words if isinstance(word, Odd)] == []
    event = json.loads(in_envelope(line["raw"]))["event"]
    match event["e"]:
        case "executionReport":
            same_events([one for _, one in recorder.heard], event)
        case "outboundAccountPosition":
            held = [one for _, one in recorder.heard]
            assert [(one.asset, plain(one.free)) for one in held] == [(one["a"], one["f"]) for one in event["B"]]
            assert all(isinstance(one, Holding) and one.venue_ns == event["u"] * MS for one in held)
        case _:
            assert [word.topic for word in recorder.words if isinstance(word, Missed)] == [Topic("balances")]
            assert recorder.heard == []


def same_events(heard: list[Any], event: Line) -> None:
    *fills, report = heard
    assert isinstance(report, OrderReport)
    assert (report.order_id, report.status) == (str(event["i"]), STATES[event["X"]])
    assert report.client_id == (event["C"] or event["c"])
    assert (plain(report.filled), plain(report.cost)) == (event["z"], event["Z"])
    assert (report.qty, report.price, report.trigger) == (money(event, "q"), money(event, "p"), money(event, "P"))
    assert (report.venue_ns, report.created_ns, report.seen_ns) == (event["T"] * MS, event["O"] * MS, 7)
    assert len(fills) == (event["t"] >= 0)
    for one in fills:
        assert (one.id, one.order_id, plain(one.price), plain(one.qty)) == (
            str(event["t"]), str(event["i"]), event["L"], event["l"])  # fmt: skip
        assert (plain(one.fee), one.fee_asset, one.maker) == (event["n"], event["N"], event["m"])


@pytest.mark.parametrize("id", CALLED)
def test_a_recorded_answer_to_a_call_is_read(id: str) -> None:
    """If this failed, what became of a real order by socket would be unknown, or another than the venue said."""
    op, asked = CALLED[id]
    told = next(frame["text"] for frame in lines("ws_api")[id]["frames"] if frame["dir"].startswith("recv"))
    recorder = Recorder()
    account = VENUE.doors[1].speak(CTX, Key(), recorder, Inspector(1))
    account.open(Stamp())
    account.call(Call("t", op, asked), Stamp(venue_ms=5))
    sent = next(frame["text"] for frame in lines("ws_api")[id]["frames"] if frame["dir"] == "send")
    assert json.loads(recorder.frames[0])["method"] == json.loads(sent)["method"]
    account.receive(told.replace('"|1|"', "1").encode(), 0)
    [answer] = [word for word in recorder.words if isinstance(word, Answer)]
    same_answer(answer.outcome, json.loads(told)["result"])
    assert [word for word in recorder.words if isinstance(word, Odd)] == []


# ---- requests: what another client asks for, signed with the same key at the same time

LIMIT = AskPlace(
    symbol="BTC/USDT", side="buy", type=OrderType.LIMIT, client_id="fixdev0001", qty=Decimal("0.0123"),
    price=Decimal("43250.5"),
)  # fmt: skip


def order(**changes: Any) -> AskPlace:
    fields = {name: getattr(LIMIT, name) for name in LIMIT.__struct_fields__}
    return AskPlace(**{**fields, **changes})


START_NS = 1_700_000_000_000 * MS
REQUESTS: dict[str, tuple[Op, Any]] = {
    "0010": (Op.BALANCES, AskNothing()),
    "0011": (Op.PLACE, LIMIT),
    "0012": (Op.PLACE, order(side="sell", post_only=True)),
    "0013": (Op.PLACE, order(side="sell", type=OrderType.MARKET, price=None)),
    "0014": (Op.PLACE, order(tif=Tif.IOC)),
    "0015": (Op.PLACE, order(side="sell", tif=Tif.FOK)),
    "0016": (Op.PLACE, order(side="sell", type=OrderType.STOP_LIMIT, trigger=Decimal("42385.5"))),
    "0017": (Op.PLACE, order(side="sell", type=OrderType.STOP, price=None, trigger=Decimal(41088))),
    "0018": (Op.CANCEL, AskCancel(symbol="BTC/USDT", order_id="1234567890")),
    "0019": (Op.CANCEL, AskCancel(symbol="BTC/USDT", client_id="fixdev0001")),
    "0020": (Op.CANCEL_ALL, AskCancelAll("BTC/USDT")),
    "0022": (Op.ORDER, AskOrder(symbol="BTC/USDT", order_id="1234567890")),
    "0023": (Op.ORDER, AskOrder(symbol="BTC/USDT", client_id="fixdev0001")),
    "0024": (Op.OPEN_ORDERS, AskOpenOrders(symbol="BTC/USDT")),
    "0025": (Op.OPEN_ORDERS, AskOpenOrders()),
    "0026": (Op.ORDERS, AskOrders(symbol="BTC/USDT", start_ns=START_NS, limit=500)),
    "0027": (Op.FILLS, AskFills(symbol="BTC/USDT", start_ns=START_NS, limit=50)),
    "0028": (Op.FEES, AskSymbol("BTC/USDT")),
    "0031": (Op.PLACE, order(type=OrderType.MARKET, price=None, qty=None, quote_qty=Decimal("531.98"))),
    "0032": (Op.PLACE, order(type=OrderType.MARKET, price=None, qty=None, quote_qty=Decimal(250))),
}
NOT_ASKED = {"0021": "cancel and replace: no call of ours", "0029": "deposits", "0030": "withdrawals"}
OWN_WAY = {  # parameters with which two clients may differ
    "timestamp", "recvWindow", "signature", "limit", "omitZeroBalances"
}  # fmt: skip


def sent(line: Line) -> Request:
    at = urlsplit(line["url"])
    body = (line["body"] or "").encode()
    return Request(line["http_method"], "rest", at.path, query=at.query, headers=line["headers"], body=body)


def params(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.query)) | dict(parse_qsl(request.body.decode()))


def test_no_recorded_request_is_left_out() -> None:
    """If this failed, a call that other clients make could be unknown to ours or to the simulator."""
    private = {short(id) for id, line in lines("request").items() if line["headers"]}
    assert private == REQUESTS.keys() | NOT_ASKED.keys()


@pytest.mark.parametrize("number", REQUESTS)
def test_a_recorded_request_is_asked_alike_and_understood(number: str) -> None:
    """If this failed, the same wish would be another order than with other clients, or the simulator refuse theirs."""
    line, (op, asked) = lines("request")[f"request/{number}"], REQUESTS[number]
    theirs, row = sent(line), VENUE.endpoints[op]
    heard = MIRROR.hear(theirs, CTX)
    assert isinstance(heard, Heard)
    assert heard.op is op
    unfenced = {name: 0 for name in ("until_ms", "window_ms") if hasattr(asked, name)}
    assert msgspec.structs.replace(heard.asked, **unfenced) == asked
    if number == "0028":
        return  # asked at the wallet's address there
    ours = build(row, asked, CTX, VENUE.encode)
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    wanted, got = params(theirs), params(ours)
    assert {name for name in wanted if name not in OWN_WAY} == {name for name in got if name not in OWN_WAY}
    assert all(got[name] == wanted[name] for name in got if name not in OWN_WAY)


@pytest.mark.parametrize("number", REQUESTS)
def test_a_recorded_signature_is_ours_for_the_same_inputs(number: str) -> None:
    """If this failed, every signed call would be refused by the venue."""
    line = lines("request")[f"request/{number}"]
    key = Key(line["credentials"]["secret"])
    theirs = sent(line)
    text, _, signature = (theirs.query or theirs.body.decode()).rpartition("&signature=")
    again = VENUE.sign(Request(theirs.method, "rest", theirs.path, query=text), key, Stamp())
    assert again.query == f"{text}&signature={signature}"
