"""Every recorded message about orders and accounts that the adapter covers is read right, number by number."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from fairlead.model.instrument import Catalog
from fairlead.model.orders import OrderReport, OrderType, Status, Tif
from fairlead.venues.kraken.channels import rfc3339_ns
from fairlead.venues.kraken.mirror import MIRROR
from fairlead.venues.kraken.orders import STATUSES
from fairlead.venues.kraken.venue import VENUE
from fairlead.venues.kraken.wire import asset
from fairlead.wire.asks import AskListing, AskSymbol, Op
from fairlead.wire.conversation import Answer, Odd
from fairlead.wire.endpoint import Ctx, build
from fairlead.wire.faults import Fault
from fairlead.wire.http import Reply, Request
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import (
    AskAmend,
    AskCancel,
    AskCancelAll,
    AskCancelMany,
    AskDeadMan,
    AskFills,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPlace,
)
from fairlead.wire.shapes import strangers
from tests.recorded import folder, lines
from tests.venues.kraken.places import CTX as SMALL
from tests.venues.kraken.stage import BALANCES_TOPIC, ORDERS_TOPIC, Line
from tests.venues.kraken.test_trade import ID, OTHER, place

folder("kraken")

ORDERS = {
    "rest_order/0007": Op.OPEN_ORDERS, "rest_order/0018": Op.OPEN_ORDERS, "rest_order/0024": Op.OPEN_ORDERS,
    "rest_order/0028": Op.OPEN_ORDERS, "rest_order/0008": Op.ORDER, "rest_order/0027": Op.ORDER,
    "rest_order/0017": Op.ORDERS, "rest_order/0021": Op.ORDERS,
}  # fmt: skip
FILLS = ("rest_order/0029", "rest_order/0030")
TAKEN = {"rest_order/0019": Op.PLACE, "rest_order/0034": Op.AMEND}
FEES = ("rest_account/0010", "rest_account/0025", "rest_account/0026", "rest_account_large/0001")
HEARD = ("ws_private/0009", "ws_private/0020", "ws_private/0021", "ws_private/0022")
ANSWERED = ("ws_private/0008", "ws_api/0001", "ws_api/0002", "ws_api/0003", "ws_api/0007", "ws_api/0009")
ASKED = ("ws_api/0005", "ws_api/0006", "ws_api/0008")
# What is not read, by id, with the reason. (Products other than `spot`: futures are another venue; v1 is frozen.)
EXCEPTED = {
    **{f"rest_account/{number:04}": "deposits, withdrawals, addresses, ledgers: no part of trading"
       for number in (4, 5, 6, 7, 8, 11, 14, 15, 16, 17, 21, 22, 23, 24, 27, 28, 29, 30, 31, 32)},
    "rest_account/0009": "OpenPositions: margin, and orders here are for cash",
    "rest_account/0019": "Balance: BalanceEx is asked, which tells what is free",
    "rest_account/0020": "TradeBalance: margin",
    "rest_account/0041": "a reply of the futures venue", "rest_account/0046": "a ticker of the futures venue",
    "rest_account/0048": "a request without a token", "rest_account/0049": "a request of another step",
    "rest_account/0050": "EditOrder: it gives an order a new id, and is not used",
    "rest_account/0051": "a request", "rest_account/0052": "a request", "rest_account/0053": "a request",
    "rest_order/0031": "part of a reply, in another client's hands", "rest_order/0032": "part of a socket's reply",
    "rest_order/0033": "part of a socket's reply", "rest_order/0043": "funding", "rest_order/0044": "funding",
    "rest_order/0045": "add_order with a userref: the id is ours or theirs here",
    "rest_order/0046": "a request without its envelope", "rest_order/0047": "a withdrawal",
    "ws_private/0010": "an item without its frame; ws_private/0009 is the frame",
    "ws_private/0018": "a frame of the frozen v1 socket", "ws_private/0019": "a frame of the frozen v1 socket",
    "ws_api/0004": "a conditional close: not offered, and refused by the mirror",
}  # fmt: skip


def everything() -> dict[str, dict[str, Any]]:
    names = (
        "rest_order.jsonl",
        "rest_account.jsonl",
        "rest_account_large.jsonl.gz",
        "ws_private.jsonl",
        "ws_api.jsonl",
    )
    found = [line for name in names for line in lines(f"kraken/{name}") if line["product"] == "spot"]
    return {line["id"].removeprefix("kraken/"): line for line in found}


RECORDED = everything()


def listed() -> Ctx:
    market = next(line for line in lines("kraken/market_list_kraken.jsonl.gz"))
    told = VENUE.endpoints[Op.INSTRUMENTS].read(market["raw"].encode(), AskListing(), Ctx(Catalog(())))
    return Ctx(Catalog(told))


CTX = listed()


def test_every_recording_is_read_or_excepted() -> None:
    """If this failed, a recording that could show a mistake would be passed over in silence."""
    assert set(RECORDED) == {*ORDERS, *FILLS, *TAKEN, *FEES, *HEARD, *ANSWERED, *ASKED, *EXCEPTED}


def read(one: str, op: Op, asked: Any) -> Any:
    body = RECORDED[one]["raw"].encode()
    row = VENUE.endpoints[op]
    assert VENUE.fault(Reply(200, {}, body), op) is None
    assert strangers(body, row.known) == ()
    return row.read(body, asked, CTX)


@pytest.mark.parametrize(("one", "op"), ORDERS.items(), ids=list(ORDERS))
def test_a_recorded_order_is_read_to_the_digit(one: str, op: Op) -> None:
    """If this failed, a real order's state, quantity or price would be another one."""
    result = json.loads(RECORDED[one]["raw"], parse_float=str)["result"]
    sent = result.get("open", result.get("closed", result))
    asked: Any = {Op.OPEN_ORDERS: AskOpenOrders(), Op.ORDERS: AskOrders(symbol="")}.get(op)
    found = read(one, op, asked or AskOrder(symbol="", order_id=next(iter(sent))))
    told = found if isinstance(found, tuple) else (found,)
    for report, (id, row) in zip(told, sent.items(), strict=True):
        same_order(report, id, row)


def same_order(report: OrderReport, id: str, row: dict[str, Any]) -> None:
    descr, in_quote, done = row["descr"], "viqc" in row["oflags"], Decimal(row["vol_exec"])
    known = CTX.catalog.ours(descr["pair"])
    assert (report.order_id, report.side) == (id, descr["type"])
    assert report.symbol == (known.symbol if known else descr["pair"])
    assert (report.quote_qty if in_quote else report.qty) == Decimal(row["vol"])
    assert (report.filled, report.cost) == (done, Decimal(row["cost"]))
    assert report.average == (Decimal(row["price"]) if done else None)
    expected = Status.PARTIAL if row["status"] == "open" and done else STATUSES[row["status"]]
    assert report.status is expected
    if descr["ordertype"] == "limit":
        assert (report.type, report.price) == (OrderType.LIMIT, Decimal(descr["price"]))
    elif descr["ordertype"] == "trailing-stop":
        assert (report.type, report.price, report.trigger) == (None, None, None)
    whole, _, part = str(row["opentm"]).partition(".")
    assert report.created_ns == int(whole + part.ljust(9, "0"))
    assert report.reason == (row.get("reason") or "")


@pytest.mark.parametrize("one", FILLS)
def test_a_recorded_fill_is_read_to_the_digit(one: str) -> None:
    """If this failed, a real fill would be booked with another amount, price or fee."""
    sent = json.loads(RECORDED[one]["raw"], parse_float=str)["result"]["trades"]
    found = read(one, Op.FILLS, AskFills(symbol=""))
    for fill, (id, row) in zip(found, sent.items(), strict=True):
        numbers = [Decimal(row[name]) for name in ("price", "vol", "fee")]
        assert [fill.price, fill.qty, fill.fee] == numbers
        assert (fill.id, fill.order_id, fill.side) == (id, row["ordertxid"], row["type"])
        whole, _, part = row["time"].partition(".")
        assert fill.venue_ns == int(whole + part.ljust(9, "0"))


@pytest.mark.parametrize(("one", "op"), TAKEN.items(), ids=list(TAKEN))
def test_a_recorded_acceptance_is_read(one: str, op: Op) -> None:
    """If this failed, an order that the venue took would be in doubt."""
    found = read(one, op, place() if op is Op.PLACE else AskAmend(symbol="", order_id=ID, qty=Decimal(1)))
    assert found.order_id == ID
    assert ID == "OUF4EM-FRGI2-MQMWZD"


@pytest.mark.parametrize("one", FEES)
def test_recorded_fees_are_read_to_the_digit(one: str) -> None:
    """If this failed, costs would be reckoned with another fee than the venue takes."""
    sent = json.loads(RECORDED[one]["raw"])["result"]
    compared = 0
    for key, row in sent["fees"].items():
        market = CTX.catalog.ours(key)
        if market is not None:
            found = read(one, Op.FEES, AskSymbol(market.symbol))
            maker = sent.get("fees_maker", {}).get(key, row)
            assert (found.taker * 100, found.maker * 100) == (Decimal(row["fee"]), Decimal(maker["fee"]))
            compared += 1
    assert compared


@pytest.mark.parametrize("one", HEARD)
def test_a_recorded_frame_is_heard_to_the_digit(one: str) -> None:
    """If this failed, a real order's update or a booking would be lost or misread."""
    raw = RECORDED[one]["raw"]
    frame = json.loads(raw, parse_float=Decimal)
    line = Line(ORDERS_TOPIC, BALANCES_TOPIC)
    if one == "ws_private/0022":  # the second update of an order whose first is ws_private/0009
        line.streams.receive(RECORDED["ws_private/0009"]["raw"].encode(), 5)
        line.out.heard.clear()
    line.streams.receive(raw.encode(), 5)
    assert line.words(Odd) == []
    for event, item in zip(line.heard, frame["data"], strict=True):
        if frame["channel"] == "executions":
            assert (event.order_id, event.status) == (item["order_id"], STATUSES[item["order_status"]])
            assert (event.qty, event.price) == (Decimal("0.005"), Decimal("26500.0"))
            assert event.venue_ns == rfc3339_ns(item["timestamp"])
        else:
            spot = [wallet["balance"] for wallet in item.get("wallets", ()) if wallet["type"] == "spot"]
            assert (event.asset, event.total) == (asset(item["asset"]), spot[0] if spot else item["balance"])


@pytest.mark.parametrize("one", ANSWERED)
def test_a_recorded_answer_to_a_call_is_read(one: str) -> None:
    """If this failed, an order that the venue took by socket would be in doubt."""
    line, recorded = Line(), RECORDED[one]
    sent = [frame["text"] for frame in recorded.get("frames", ()) if frame["dir"] != "send"] or [recorded["raw"]]
    ids = ("OLUMT4-UTEGU-ZYM7E9", "OM5CRX-N2HAL-GFGWE9")
    method = json.loads(sent[0].replace("|1|", "1"))["method"]
    asked: dict[str, tuple[Op, Any]] = {
        "add_order": (Op.PLACE, place()), "cancel_all_orders_after": (Op.DEAD_MAN, AskDeadMan(100_000)),
        "cancel_order": (Op.CANCEL_MANY, AskCancelMany(tuple(AskCancel(symbol="", order_id=id) for id in ids)))
        if len(sent) > 1 else (Op.CANCEL, AskCancel(symbol="", order_id=ids[1])),
    }  # fmt: skip
    line.call(*asked[method])
    number = json.loads(line.out.frames[-1])["req_id"]
    for text in sent:
        body = json.loads(text.replace("|1|", "1")) | {"req_id": number}
        line.streams.receive(msgspec.json.encode(body), 5)
    [answer] = line.words(Answer)
    outcome: Any = answer.outcome
    told = outcome if isinstance(outcome, tuple) else (outcome,)
    assert not any(isinstance(one, Fault) for one in told)
    assert line.words(Odd) == []


@pytest.mark.parametrize("one", ASKED)
def test_a_recorded_call_is_heard_by_the_venues_end(one: str) -> None:
    """If this failed, other clients could not be driven against the simulator."""
    body = json.loads(RECORDED[one]["raw"])
    orders = body["params"].get("orders", ())
    body["params"] |= {"token": "token"} | ({"orders": [ID, OTHER]} if orders else {})  # no userrefs here
    line = Line()
    line.hearing.receive(msgspec.json.encode(body), line.now())
    assert len(line.ear.calls) == 1, line.ear.frames


# ---- requests of another client, with the same inputs

LIMIT = AskPlace(
    symbol="BTC/USD", side="buy", type=OrderType.LIMIT, client_id="fixdev0001", qty=Decimal("0.0123"),
    price=Decimal("43250.5"),
)  # fmt: skip


def order(**changes: Any) -> AskPlace:
    return msgspec.structs.replace(LIMIT, **changes)


SINCE_NS = 1_700_000_000_000_000_001
SAME: dict[int, tuple[Op, Any]] = {
    11: (Op.PLACE, LIMIT),
    12: (Op.PLACE, order(side="sell", post_only=True)),
    13: (Op.PLACE, order(side="sell", type=OrderType.MARKET, price=None)),
    14: (Op.PLACE, order(tif=Tif.IOC)),
    15: (Op.PLACE, order(side="sell", tif=Tif.FOK)),
    17: (Op.PLACE, order(side="sell", type=OrderType.STOP, price=None, trigger=Decimal(41088))),
    18: (Op.CANCEL, AskCancel(symbol="", order_id="OQCLML-BW3P3-BUCMWZ")),
    19: (Op.CANCEL, AskCancel(symbol="", client_id="fixdev0001")),
    20: (Op.CANCEL_ALL, AskCancelAll()),
    21: (Op.AMEND, AskAmend(symbol="", order_id="OQCLML-BW3P3-BUCMWZ", qty=Decimal("0.0123"), price=Decimal(43683))),
    22: (Op.ORDER, AskOrder(symbol="", order_id="OQCLML-BW3P3-BUCMWZ")),
    24: (Op.OPEN_ORDERS, AskOpenOrders()),
    25: (Op.OPEN_ORDERS, AskOpenOrders()),
    26: (Op.ORDERS, AskOrders(symbol="", start_ns=SINCE_NS)),
    27: (Op.FILLS, AskFills(symbol="", start_ns=SINCE_NS)),
    28: (Op.FEES, AskSymbol("BTC/USD")),
    32: (Op.PLACE, order(type=OrderType.MARKET, price=None)),
    33: (Op.PLACE, order(type=OrderType.MARKET, price=None, qty=None, quote_qty=Decimal(250))),
}
ODDITIES = {  # what is not asked alike, with the reason
    10: "BalanceEx: compared elsewhere",
    16: "triggerPrice is a word of that client alone",
    23: "QueryOrders by a client id, which the venue refuses: see below",
    29: "deposits", 30: "withdrawals", 31: "ledgers",
}  # fmt: skip
OWN = {"nonce", "trades", "fee-info"}  # extra words of that client


def requests() -> dict[int, dict[str, Any]]:
    found = {int(line["id"][-4:]): line for line in lines("kraken/request.jsonl") if line["product"] == "spot"}
    return {number: line for number, line in found.items() if "/private/" in line["url"]}


@pytest.mark.parametrize("number", SAME)
def test_the_same_is_asked_in_the_same_words(number: int) -> None:
    """If this failed, an order would say something else here than another client says with the same inputs."""
    line, (op, asked) = requests()[number], SAME[number]
    ours = build(VENUE.endpoints[op], asked, SMALL, VENUE.encode)
    theirs = dict(parse_qsl(line["body"].replace("XXBTZUSD", "XBTUSD")))
    assert ours.path == urlsplit(line["url"]).path
    assert dict(parse_qsl(ours.body.decode())) == {name: text for name, text in theirs.items() if name not in OWN}
    sent = Request("POST", "rest", ours.path, headers=line["headers"], body=line["body"].encode())
    heard = MIRROR.hear(sent, SMALL)
    assert isinstance(heard, Heard)
    assert (heard.op, heard.asked) == (op, asked)


def test_every_private_request_is_compared_or_excepted() -> None:
    """If this failed, a request that could show a mistake would be passed over in silence."""
    assert set(requests()) == {*SAME, *ODDITIES}
    line = requests()[23]
    found = MIRROR.hear(Request("POST", "rest", "/0/private/QueryOrders", body=line["body"].encode()), SMALL)
    assert isinstance(found, Fault)
