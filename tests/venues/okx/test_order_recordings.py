"""Recorded replies, pushes and requests about orders and accounts are read right, and made alike, number by number."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fairlead.model.account import Balance, Fees, Holding, Leverage, Position
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.venues.okx import auth
from fairlead.venues.okx.account import ConfigRow
from fairlead.venues.okx.channels import ACCOUNT, ACCOUNT_TOPICS, said_in
from fairlead.venues.okx.venue import VENUE, rights
from fairlead.wire import orders as ask
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.conversation import Answer, Call, Odd, Topic, Whole
from fairlead.wire.endpoint import Mode
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.shapes import strangers
from tests.recorded import folder, lines
from tests.venues.okx.places import AT, Private, asking, named

folder("okx")

BTC, SWAP = "BTC/USDT", "BTC/USDT:USDT"
CTX = named("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USDT-200626")
CANCELS = ask.AskCancelMany(
    (ask.AskCancel(symbol=BTC, client_id="oktswap6"), ask.AskCancel(symbol=BTC, client_id="oktswap7"))
)
READ: list[tuple[str, Op, Any]] = [
    ("rest_order/0002", Op.AMEND, ask.AskAmend(symbol=BTC, order_id="12344", qty=Decimal(1))),
    ("rest_order/0004", Op.CANCEL_MANY, CANCELS),
    ("rest_order/0005", Op.CLOSE, ask.AskClose(symbol=SWAP, client_id="x", pos_side="long")),
    ("rest_order/0010", Op.OPEN_ORDERS, ask.AskOpenOrders()),
    ("rest_order/0014", Op.OPEN_ORDERS, ask.AskOpenOrders()),
    ("rest_order/0016", Op.PLACE, None),
    ("rest_order/0018", Op.AMEND, ask.AskAmend(symbol=BTC, order_id="559176536793178112", qty=Decimal(1))),
    ("rest_order/0019", Op.CANCEL, ask.AskCancel(symbol=BTC, order_id="317251910906576896")),
    ("rest_order/0020", Op.AMEND, ask.AskAmend(symbol=BTC, order_id="559176536793178112", qty=Decimal(1))),
    ("rest_order/0026", Op.FILLS, ask.AskFills(symbol="ETH/USDT")),
    ("rest_account/0002", Op.BALANCES, AskNothing()),
    ("rest_account/0003", Op.LEVERAGE, ask.AskLeverages(symbol=SWAP)),
    ("rest_account/0010", Op.FEES, AskSymbol(BTC)),
    ("rest_account/0019", Op.SET_LEVERAGE, ask.AskLeverage(symbol=SWAP, leverage=Decimal(30))),
    ("rest_account/0030", Op.BALANCES, AskNothing()),
    ("rest_account/0031", Op.FEES, AskSymbol(BTC)),
    ("rest_account/0032", Op.FILLS, ask.AskFills(symbol=BTC)),
    ("rest_account/0033", Op.FILLS, ask.AskFills(symbol=BTC)),
    ("rest_account/0034", Op.MODE, AskNothing()),
    ("rest_account/0035", Op.FEES, AskSymbol(BTC)),
    ("rest_account/0036", Op.FEES, AskSymbol(BTC)),
    ("rest_account/0037", Op.BALANCES, AskNothing()),
    ("rest_account/0045", Op.POSITIONS, ask.AskPositions()),
    ("rest_account/0050", Op.SET_MODE, ask.AskSetMode(False)),
]
# What is not read, by id, with the reason.
EXCEPTED = {
    "rest_order": {
        "0001 0003 0007 0008 0011 0012 0013 0015 0021 0022 0023 0024 0025": "algo orders, which are not placed here",
        "0006": "the account's rate limit, which is counted here instead",
        "0009": "repayment of debts",
        "0017": "a refusal: read below",
    },
    "ws_private": {
        "0002": "deposits",
        "0003 0008": "algo orders",
        "0005": "the channel of fills, which only the highest fee tiers may hear",
        "0012": "spread trading",
        "0015": "the reply to a call: read below",
    },
}


def recorded(name: str) -> dict[str, dict[str, Any]]:
    return {line["id"].removeprefix("okx/"): line for line in lines(f"okx/{name}.jsonl")}


def body(one: str) -> bytes:
    raw: str = recorded(one.partition("/")[0])[one]["raw"]
    return raw.encode() if '"data"' in raw else f'{{"code":"0","msg":"","data":[{raw}]}}'.encode()


@pytest.mark.parametrize(("one", "op", "asked"), READ, ids=[f"{op}-{one}" for one, op, _ in READ])
def test_recorded_replies_are_read_to_the_digit(one: str, op: Op, asked: Any) -> None:
    """If this failed, a reply of the real venue would be misread, or a field of it unknown to us."""
    raw, row = body(one), VENUE.endpoints[op]
    asked = asked or ask.AskPlace(symbol=BTC, side="buy", type=OrderType.LIMIT, client_id="client_order_123")
    assert VENUE.fault(Reply(200, {}, raw), op) is None
    assert strangers(raw, row.known) == ()
    answer = row.read(raw, asked, CTX)
    sent = json.loads(raw)["data"]
    if op is Op.BALANCES:
        sent = sent[0]["details"]
    told = list(reversed(answer)) if isinstance(answer, tuple) and op in (Op.OPEN_ORDERS, Op.FILLS) else answer
    for event, texts in zip(told if isinstance(told, list | tuple) else [told], sent, strict=True):
        same(event, texts)


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


STATES = {
    "live": Status.OPEN, "partially_filled": Status.PARTIAL, "filled": Status.FILLED, "canceled": Status.CANCELLED,
}  # fmt: skip


def same(event: Any, sent: dict[str, Any]) -> None:
    """Every number is exactly the text's, and every name is where it belongs."""
    match event:
        case OrderReport():
            assert (event.order_id, event.client_id, event.side) == (sent["ordId"], sent["clOrdId"], sent["side"])
            assert event.status is STATES[sent["state"]]
            assert (event.filled, event.price) == (Decimal(sent["accFillSz"]), number(sent["px"]))
            assert (event.qty, event.average or 0) == (Decimal(sent["sz"]), Decimal(sent["avgPx"] or 0))
            assert (event.created_ns, event.venue_ns) == (int(sent["cTime"]) * 10**6, int(sent["uTime"]) * 10**6)
        case Fill():
            fee = sent.get("fillFee") if "fillFee" in sent else None if "accFillSz" in sent else sent["fee"]
            assert (event.id, event.order_id, event.side) == (sent["tradeId"], sent["ordId"], sent["side"])
            assert (event.price, event.qty) == (Decimal(sent["fillPx"]), Decimal(sent["fillSz"]))
            assert event.fee == (-Decimal(fee) if fee else None)
            assert event.maker is (sent["execType"] == "M")
        case Receipt():
            assert event.order_id == sent.get("ordId", "")
            assert event.client_id in (sent["clOrdId"], "x")
        case Balance() | Holding():
            free = sent["availBal"] or sent["availEq"]
            assert (event.asset, event.total, event.free) == (sent["ccy"], Decimal(sent["cashBal"]), Decimal(free))
        case Position():
            assert (event.qty, event.entry) == (Decimal(sent["pos"]), number(sent["avgPx"]))
            assert (event.mark, event.unrealised) == (number(sent["markPx"]), number(sent["upl"]))
            assert (event.leverage, event.liquidation) == (number(sent["lever"]), number(sent["liqPx"]))
        case Leverage():
            assert (event.leverage, event.pos_side) == (Decimal(sent["lever"]), sent["posSide"])
        case Fees():
            assert (event.maker, event.taker) == (-Decimal(sent["maker"]), -Decimal(sent["taker"]))
        case Mode():
            assert event.hedged is (sent["posMode"] == "long_short_mode")
        case _:
            pytest.fail(f"nothing is known of {event!r}")


def test_a_recorded_refusal_is_understood() -> None:
    """If this failed, an order that the venue refused would pass for placed."""
    for one, kind in (("rest_order/0017", Kind.INVALID), ("errors/0001", Kind.FUNDS)):
        fault = VENUE.fault(Reply(200, {}, body(one)), Op.PLACE)
        assert isinstance(fault, Fault)
        assert fault.kind is kind


def pushes() -> Iterator[Any]:
    for one, line in recorded("ws_private").items():
        channel = json.loads(line["raw"]).get("arg", {}).get("channel", "")
        if channel in ACCOUNT_TOPICS:
            yield pytest.param(ACCOUNT_TOPICS[channel], line["raw"].encode(), id=one)


@pytest.mark.parametrize(("kind", "frame"), list(pushes()))
def test_recorded_pushes_are_heard_to_the_digit(kind: str, frame: bytes) -> None:
    """If this failed, a fill or a balance of the real venue would be lost, misread, or taken for something odd."""
    private = Private([Topic(kind)], CTX)
    private.receive(frame)
    assert private.words(Odd) == []
    said = json.loads(frame)
    rows = [one for row in said["data"] for one in row.get("details", [row])]
    assert bool(private.words(Whole)) is bool(said.get("lastPage"))
    events = [event for _, event in private.out.heard]
    for event in [one for one in events if isinstance(one, Fill)]:
        same(event, next(row for row in rows if row["ordId"] == event.order_id))
    rest = [one for one in events if not isinstance(one, Fill)]
    for event, row in zip(rest, rows, strict=True):
        same(event, row)
    assert sum(isinstance(one, Fill) for one in events) == sum(bool(row.get("tradeId")) for row in rows)


def test_every_recording_is_read_or_excepted() -> None:
    """If this failed, a recording that could show a mistake would be passed over in silence."""
    read = {one for one, _, _ in READ} | {str(case.id) for case in pushes()}
    for name, reasons in EXCEPTED.items():
        excepted = {f"{name}/{number}" for numbers in reasons for number in numbers.split()}
        assert recorded(name).keys() - read == excepted


CALLED: list[tuple[str, Op, Any]] = [
    ("ws_api/0001", Op.AMEND, ask.AskAmend(symbol=BTC, order_id="2510789768709120", qty=Decimal(1))),
    ("ws_api/0002", Op.CANCEL_MANY, CANCELS),
    (
        "ws_api/0003", Op.PLACE_MANY,
        ask.AskPlaceMany(tuple(
            ask.AskPlace(symbol=BTC, side="buy", type=OrderType.MARKET, client_id="", qty=Decimal(1)) for _ in range(2)
        )),
    ),
    ("ws_private/0015", Op.CANCEL_MANY, ask.AskCancelMany((ask.AskCancel(symbol=BTC, order_id="2510789768709120"),))),
]  # fmt: skip


@pytest.mark.parametrize(("one", "op", "asked"), CALLED)
def test_recorded_replies_to_calls_are_answers(one: str, op: Op, asked: Any) -> None:
    """If this failed, the reply to an order by socket would not be known as such, and the order be in doubt."""
    line = recorded(one.partition("/")[0])[one]
    text = line["raw"] if "raw" in line else line["frames"][-1]["text"]
    private = Private([])
    private.told.call(Call("mine", op, asked), AT)
    reply = json.loads(text) | {"id": private.asked[-1]["id"]}
    assert private.asked[-1]["op"] == reply["op"]
    private.receive(reply)
    [answer] = private.words(Answer)
    outcome = answer.outcome if isinstance(answer.outcome, tuple) else (answer.outcome,)
    assert (answer.tag, len(outcome)) == ("mine", len(reply["data"]))
    for receipt, sent in zip(outcome, reply["data"], strict=True):
        same(receipt, sent)


def test_recorded_logins_are_understood() -> None:
    """If this failed, a connection would wait for ever to be logged in."""
    said = next(frame["text"] for frame in recorded("ws_api")["ws_api/0001"]["frames"] if frame["dir"] == "recv")
    private = Private([], log_in=False)
    private.receive(said.encode())
    assert [type(word).__name__ for word in private.out.words] == ["Ready"]
    assert said_in(said.encode()).code == "0"


def test_recorded_permissions_are_read() -> None:
    """If this failed, a key that can withdraw would be taken for a harmless one."""
    told = [json.loads(line["raw"]) for line in lines("okx/key_permissions.jsonl")]
    rows = [(one.get("data") or [one])[0] for one in told]
    found = [rights(ConfigRow(perm=row["perm"], ip=row.get("ip", ""))) for row in rows if "perm" in row]
    assert found
    assert all("withdraw" in one for one, row in zip(found, rows, strict=False) if "withdraw" in row["perm"])


# ---- requests: another client's, for the same wish
def place(symbol: str, **more: Any) -> tuple[Op, Any]:
    return Op.PLACE, ask.AskPlace(symbol=symbol, client_id="fixdev0001", **more)


PRICE = Decimal("43250.5")
LIMIT = {"type": OrderType.LIMIT, "price": PRICE}


def wish(method: str, args: list[Any], swap: bool) -> tuple[Op, Any] | None:
    """The question that this unified call is here; None for what is not asked."""
    symbol = SWAP if swap else BTC
    if method == "create_market_buy_order_with_cost":
        return place(symbol, side="buy", type=OrderType.MARKET, quote_qty=Decimal(args[1]))
    if method == "create_order":
        _, kind, side, qty, _, params = args
        if "triggerPrice" in params or "stopLossPrice" in params or "takeProfitPrice" in params:
            return None
        how: dict[str, Any] = LIMIT if kind == "limit" else {"type": OrderType.MARKET}
        more = {"post_only": bool(params.get("postOnly")), "reduce_only": bool(params.get("reduceOnly"))}
        tif = Tif(params.get("timeInForce", "GTC")) if params.get("timeInForce") != "PO" else Tif.GTC
        return place(symbol, side=side, qty=Decimal(str(qty)), tif=tif, **how, **more)
    names = {"order_id": args[0]} if args and args[0] else {"client_id": "fixdev0001"}
    match method:
        case "cancel_order":
            return Op.CANCEL, ask.AskCancel(symbol=symbol, **names)
        case "edit_order":
            qty, price = Decimal(str(args[4])), Decimal("43683")
            return Op.AMEND, ask.AskAmend(symbol=symbol, order_id=args[0], qty=qty, price=price)
        case "fetch_order":
            return Op.ORDER, ask.AskOrder(symbol=symbol, **names)
        case "fetch_open_orders":
            return Op.OPEN_ORDERS, ask.AskOpenOrders(symbol=symbol if args else "")
        case "fetch_trading_fee" if not swap:
            return Op.FEES, AskSymbol(symbol)
        case "fetch_balance":
            return Op.BALANCES, AskNothing()
        case "fetch_positions":
            return Op.POSITIONS, ask.AskPositions(symbol if args else "")
        case "set_leverage":
            return Op.SET_LEVERAGE, ask.AskLeverage(symbol=symbol, leverage=Decimal(args[0]), margin="cross")
    return None


# What we ask with besides, and what they do to no effect.
BESIDES = {
    "banAmend": "so that a market order is not cut to the balance in silence",
    "instType": "all positions are those of swaps",
    "limit": "as many as one page holds",
    "tgtCcy": "the unit of a market order's size, which they name for limit orders too",
}


def bare(asked: dict[str, Any]) -> dict[str, str]:
    return {name: str(one) for name, one in asked.items() if name not in BESIDES}


def requests() -> Iterator[Any]:
    for line in lines("okx/request.jsonl"):
        found = wish(line["method"], line["args"], line["market"]["id"].endswith("SWAP")) if "market" in line else None
        if found is not None:
            yield pytest.param(line, *found, id=line["id"])


@pytest.mark.parametrize(("line", "op", "asked"), list(requests()))
def test_the_same_wish_makes_the_same_request(line: dict[str, Any], op: Op, asked: Any) -> None:
    """If this failed, an order would be asked for otherwise than by a client that is proven at the venue."""
    ctx = named("BTC-USDT", "BTC-USDT-SWAP")
    ours, parts = asking(op, asked, ctx), urlsplit(line["url"])
    theirs = json.loads(line["body"]) if line.get("body") else dict(parse_qsl(parts.query))
    if parts.path.endswith("batch-orders"):  # it places single orders as a batch of one
        [theirs] = theirs
    else:
        assert ours.path == parts.path
    mine = json.loads(ours.body) if ours.body else dict(parse_qsl(ours.query))
    assert ours.method == line["http_method"]
    assert bare(mine) == bare(theirs)
    if mine.get("ordType") == "market" and "tgtCcy" in mine:
        assert mine["tgtCcy"] == theirs["tgtCcy"]
    # The signature of the very bytes they sent comes out of our recipe.
    headers: dict[str, str] = line["headers"]
    whole = Request(ours.method, "rest", parts.path, parts.query, body=(line.get("body") or "").encode())
    sent = auth.message(whole, headers["OK-ACCESS-TIMESTAMP"])
    digest = hmac.digest(line["credentials"]["secret"].encode(), sent, hashlib.sha256)
    assert b64encode(digest).decode() == headers["OK-ACCESS-SIGN"]


def test_there_are_many_such_wishes() -> None:
    """If this failed, the cases above could shrink to nothing and stay green."""
    assert len(list(requests())) >= 30
    assert set(ACCOUNT) == {"orders", "balances", "positions"}
