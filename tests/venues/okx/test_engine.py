"""The venue's side of orders by REST: what is asked is heard, what is answered is read, what is wrong is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fairlead.model.account import Balance, DeadMan, Fees, Leverage, Position
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.venues.okx import auth
from fairlead.venues.okx.mirror import MIRROR
from fairlead.venues.okx.venue import VENUE
from fairlead.wire import orders as ask
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx, Mode
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.mirror import ENDED, FAILED, Heard
from fairlead.wire.shapes import strangers
from tests.venues.okx.places import AT, CTX, Key, asking, ring

BTC, SWAP, COIN = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
NS = 1_764_000_000_000 * MS
HEDGED = Ctx(CTX.catalog, Mode(hedged=True, margin="cross", level="2"))


def placed(symbol: str = BTC, client_id: str = "fl1", **more: Any) -> ask.AskPlace:
    usual = {"side": "buy", "type": OrderType.LIMIT, "qty": Decimal("0.01"), "price": Decimal(1000)}
    margin = "" if symbol == BTC else "cross"
    return ask.AskPlace(symbol=symbol, client_id=client_id, margin=margin, **{**usual, **more})


def market(symbol: str = BTC, **more: Any) -> ask.AskPlace:
    return placed(symbol, type=OrderType.MARKET, price=None, **more)


def told(**more: Any) -> OrderReport:
    usual: dict[str, Any] = {
        "venue": "okx", "symbol": BTC, "order_id": "1752588852617000017", "client_id": "fl1", "status": Status.PARTIAL,
        "venue_ns": NS + MS, "created_ns": NS, "side": "buy", "type": OrderType.LIMIT, "tif": Tif.GTC,
        "qty": Decimal("0.01"), "price": Decimal("1000.5"), "filled": Decimal("0.004"), "average": Decimal("999.95"),
        "post_only": False, "reduce_only": False, "margin": "cash",
    }  # fmt: skip
    return OrderReport(**{**usual, **more})


def fill(**more: Any) -> Fill:
    usual: dict[str, Any] = {
        "venue": "okx", "symbol": BTC, "order_id": "1752588852617000017", "id": "744876017", "side": "buy",
        "price": Decimal("999.95"), "qty": Decimal("0.004"), "fee": Decimal("0.000004"), "fee_asset": "BTC",
        "maker": False, "client_id": "fl1", "venue_ns": NS + MS,
    }  # fmt: skip
    return Fill(**{**usual, **more})


TAKEN = Receipt(order_id="1752588852617000017", client_id="fl1", venue_ns=NS)
HELD = Position(
    venue="okx", symbol=SWAP, qty=Decimal("-3"), margin="cross", entry=Decimal("62566.31"), mark=Decimal("62000.1"),
    unrealised=Decimal("16.98"), leverage=Decimal(10), venue_ns=NS,
)  # fmt: skip
LEVER = Leverage(symbol=SWAP, leverage=Decimal("3.5"), margin="cross")
ROUNDS: list[tuple[Op, Any, Any]] = [
    (Op.PLACE, placed(until_ms=1_764_000_005_000), TAKEN),
    (Op.PLACE, placed(post_only=True), TAKEN),
    (Op.PLACE, placed(SWAP, tif=Tif.IOC, reduce_only=True), TAKEN),
    (Op.PLACE, placed(COIN, tif=Tif.FOK, qty=Decimal(7)), TAKEN),
    (Op.PLACE, market(qty=None, quote_qty=Decimal("250.5")), TAKEN),
    (Op.PLACE, market(side="sell"), TAKEN),
    (Op.PLACE, market(SWAP), TAKEN),
    (Op.PLACE_MANY, ask.AskPlaceMany((placed(),)), (TAKEN,)),
    (Op.PLACE_MANY, ask.AskPlaceMany((placed(), placed(SWAP, "fl2"))), (TAKEN, replace(TAKEN, client_id="fl2"))),
    (Op.AMEND, ask.AskAmend(symbol=BTC, client_id="fl1", qty=Decimal("0.02"), request="r1", until_ms=17), TAKEN),
    (Op.AMEND, ask.AskAmend(symbol=SWAP, order_id="1752588852617000017", price=Decimal("5.5")), TAKEN),
    (Op.CANCEL, ask.AskCancel(symbol=BTC, client_id="fl1"), TAKEN),
    (Op.CANCEL, ask.AskCancel(symbol=BTC, client_id="fl1", order_id="1752588852617000017"), TAKEN),
    (Op.CANCEL_MANY, ask.AskCancelMany((ask.AskCancel(symbol=BTC, client_id="fl1"),)), (TAKEN,)),
    (Op.ORDER, ask.AskOrder(symbol=BTC, client_id="fl1"), told()),
    (
        Op.ORDER, ask.AskOrder(symbol=BTC, order_id="1752588852617000017"),
        told(type=OrderType.MARKET, tif=None, price=None, qty=None, quote_qty=Decimal(250), status=Status.FILLED),
    ),
    (
        Op.ORDER, ask.AskOrder(symbol=SWAP, client_id="fl1"),
        told(symbol=SWAP, margin="isolated", pos_side="long", tif=Tif.IOC, filled=Decimal(0), average=None,
             status=Status.CANCELLED, reason="ioc", reduce_only=True),
    ),
    (Op.OPEN_ORDERS, ask.AskOpenOrders(), (told(), told(symbol=SWAP, margin="cross", order_id="1752588852617000018"))),
    (Op.OPEN_ORDERS, ask.AskOpenOrders(symbol=BTC, page="1752588852617000017"), ()),
    (
        Op.ORDERS, ask.AskOrders(symbol=BTC, start_ns=NS, end_ns=NS + 9 * MS),
        (told(status=Status.FILLED), told(status=Status.CANCELLED, reason="post only", post_only=True)),
    ),
    (Op.FILLS, ask.AskFills(symbol=BTC), (fill(), fill(id="744876018", maker=True, fee=Decimal("-0.1")))),
    (Op.FILLS, ask.AskFills(symbol=SWAP, start_ns=NS, order_id="17", limit=5), (fill(symbol=SWAP, fee_asset="USDT"),)),
    (Op.BALANCES, AskNothing(), (Balance("BTC", Decimal("1.5"), Decimal(1)),)),
    (Op.POSITIONS, ask.AskPositions(), (HELD, replace(HELD, symbol=COIN, pos_side="short"))),
    (Op.POSITIONS, ask.AskPositions(SWAP), (replace(HELD, qty=Decimal(0), entry=None, unrealised=Decimal(0)),)),
    (Op.MODE, AskNothing(), Mode(hedged=True, margin="cross", level="2")),
    (Op.SET_MODE, ask.AskSetMode(True), Mode(hedged=True)),
    (Op.LEVERAGE, ask.AskLeverages(symbol=SWAP, margin="isolated"), (replace(LEVER, margin="isolated"),)),
    (Op.SET_LEVERAGE, ask.AskLeverage(symbol=SWAP, leverage=Decimal("3.5"), margin="cross"), (LEVER,)),
    (Op.FEES, AskSymbol(BTC), Fees(symbol=BTC, maker=Decimal("-0.0001"), taker=Decimal("0.001"))),
    (Op.FEES, AskSymbol(COIN), Fees(symbol=COIN, maker=Decimal("0.0002"), taker=Decimal("0.0005"))),
    (Op.CLOSE, ask.AskClose(symbol=SWAP, client_id="fl1", margin="cross"), Receipt(client_id="fl1")),
    (Op.DEAD_MAN, ask.AskDeadMan(30_000), DeadMan(fires_ms=1_764_000_030_000)),
]  # fmt: skip


def heard(op: Op, asked: Any, ctx: Ctx = CTX) -> Heard:
    request = auth.sign(asking(op, asked, ctx), Key(), AT)
    assert auth.proof(request, ring(), AT) is None
    found = MIRROR.hear(request, ctx)
    assert isinstance(found, Heard)
    assert (found.op, found.key_id) == (op, Key.key_id)
    return found


@pytest.mark.parametrize(("op", "asked", "answer"), ROUNDS)
def test_what_is_asked_is_heard_and_what_is_answered_is_read(op: Op, asked: Any, answer: Any) -> None:
    """If this failed, adapter and simulator would disagree, and one of them with the document."""
    assert heard(op, asked).asked == asked
    reply = MIRROR.say(heard(op, asked), answer, CTX, AT)
    assert VENUE.fault(reply, op) is None
    assert strangers(reply.body, VENUE.endpoints[op].known) == ()
    assert VENUE.endpoints[op].read(reply.body, asked, CTX) == answer


def test_every_call_goes_round() -> None:
    """If this failed, a call could be misheard without any test noticing."""
    assert {op for op, _, _ in ROUNDS} == {op for op, row in VENUE.endpoints.items() if row.access != "open"}


def test_what_goes_without_saying_is_heard_as_it_is() -> None:
    """If this failed, an order without a margin would lie on another one than the venue's."""
    assert heard(Op.PLACE, replace(placed(SWAP), margin="")).asked.margin == "cross"
    assert heard(Op.PLACE, replace(placed(), margin="cash")).asked.margin == ""
    assert heard(Op.SET_LEVERAGE, ask.AskLeverage(symbol=SWAP, leverage=Decimal(2))).asked.margin == "cross"
    hedged = placed(SWAP, side="sell", pos_side="long", reduce_only=True)
    found = heard(Op.PLACE, hedged, HEDGED).asked
    assert (found.pos_side, found.reduce_only) == ("long", False)  # there the side says it


# ---- refusals of an engine
EACH = {op: asked for op, asked, _ in reversed(ROUNDS)}
ON_ORDERS = (Op.PLACE, Op.AMEND, Op.CANCEL, Op.PLACE_MANY, Op.CANCEL_MANY)
REFUSED: list[tuple[Op, Kind, str, str]] = [
    (Op.PLACE, Kind.FUNDS, "", "51008"),
    (Op.PLACE, Kind.DUPLICATE, "", "51016"),
    (Op.PLACE, Kind.MARKET_STATE, "liquidity", "51022"),
    (Op.PLACE, Kind.SYMBOL, "", "51001"),
    (Op.PLACE, Kind.INVALID, "tick", "51150"),
    (Op.PLACE, Kind.INVALID, "lot", "51121"),
    (Op.PLACE, Kind.INVALID, "min qty", "51020"),
    (Op.PLACE, Kind.INVALID, "min notional", "51020"),
    (Op.PLACE, Kind.INVALID, "max qty", "51101"),
    (Op.PLACE, Kind.INVALID, "price band", "51006"),
    (Op.PLACE, Kind.INVALID, "trigger", "51000"),
    (Op.PLACE, Kind.CLOCK, "deadline", "50037"),
    (Op.PLACE, Kind.RISK, "no position", "51169"),
    (Op.PLACE, Kind.RISK, "grows", "51170"),
    (Op.PLACE, Kind.LIMIT, "orders", "51174"),
    (Op.PLACE, Kind.PERMISSION, "", "50120"),
    (Op.PLACE_MANY, Kind.FUNDS, "", "51008"),
    (Op.AMEND, Kind.NOT_FOUND, "", "51503"),
    (Op.AMEND, Kind.NOT_FOUND, "gone", "51503"),
    (Op.AMEND, Kind.FUNDS, "", "51502"),
    (Op.AMEND, Kind.POST_ONLY, "", "51511"),
    (Op.AMEND, Kind.INVALID, "no change", "51000"),
    (Op.AMEND, Kind.INVALID, "filled", "51000"),
    (Op.AMEND, Kind.INVALID, "amend up", "51000"),
    (Op.CANCEL, Kind.NOT_FOUND, "", "51400"),
    (Op.ORDER, Kind.NOT_FOUND, "", "51603"),
    (Op.CLOSE, Kind.RISK, "no position", "51023"),
    (Op.SET_MODE, Kind.ACCOUNT, "busy", "59000"),
    (Op.SET_LEVERAGE, Kind.ACCOUNT, "busy", "59107"),
    (Op.SET_LEVERAGE, Kind.RISK, "leverage", "59102"),
]


@pytest.mark.parametrize(("op", "kind", "word", "code"), REFUSED)
def test_an_engines_refusal_has_the_venues_code(op: Op, kind: Kind, word: str, code: str) -> None:
    """If this failed, a bot that reads codes would learn other ones here than it meets at the venue."""
    asked = EACH[op]
    reply = MIRROR.say(heard(op, asked), Fault(kind, said=word), CTX, AT)
    fault = VENUE.fault(reply, op)
    if op in (Op.PLACE_MANY, Op.CANCEL_MANY):
        (fault, *_) = VENUE.endpoints[op].read(reply.body, asked, CTX)
    assert fault is not None
    assert (fault.kind, fault.code, fault.fate) == (kind, code, Fate.REFUSED)
    body = json.loads(reply.body)
    on_order = op in ON_ORDERS and kind not in (Kind.CLOCK, Kind.PERMISSION)
    assert bool(body["data"]) is on_order
    assert body["code"] == ("1" if on_order else code)
    if on_order:
        assert {row["sCode"] for row in body["data"]} == {code}


def test_every_check_of_an_engine_has_a_word() -> None:
    """If this failed, the simulator would refuse something in words that the venue never says."""
    assert set(FAILED) - {word for _, _, word, _ in REFUSED} == {"mode"}


def test_an_order_that_does_not_fit_the_mode_is_a_wrong_parameter() -> None:
    """If this failed, the simulator would name the account at fault where the venue names `posSide`."""
    reply = MIRROR.say(heard(Op.PLACE, placed(SWAP)), Fault(Kind.ACCOUNT, said="mode"), CTX, AT)
    fault = VENUE.fault(reply, Op.PLACE)
    assert fault is not None
    assert (fault.code, fault.said, fault.kind) == ("51000", "Parameter posSide error", Kind.INVALID)


@pytest.mark.parametrize("op", [*ON_ORDERS, Op.CLOSE, Op.DEAD_MAN])
def test_a_time_out_says_that_it_says_nothing(op: Op) -> None:
    """If this failed, an order that the venue lost sight of would pass for refused."""
    reply = MIRROR.say(heard(op, EACH[op]), Fault(Kind.SERVER, Fate.UNKNOWN), CTX, AT)
    fault = VENUE.fault(reply, op)
    assert fault is not None
    assert (reply.status, fault.code, fault.kind, fault.fate) == (400, "50004", Kind.SERVER, Fate.UNKNOWN)


def test_a_batch_is_answered_order_by_order() -> None:
    """If this failed, a batch half of which was taken would look like one that was refused, or taken whole."""
    asked = ask.AskPlaceMany((placed(), placed(SWAP, "fl2"), placed(BTC, "fl3")))
    outcomes = (TAKEN, Fault(Kind.FUNDS), replace(TAKEN, client_id="fl3", order_id="1752588852617000019"))
    reply = MIRROR.say(heard(Op.PLACE_MANY, asked), outcomes, CTX, AT)
    assert json.loads(reply.body)["code"] == "2"
    first, second, third = VENUE.endpoints[Op.PLACE_MANY].read(reply.body, asked, CTX)
    assert (first, third) == (outcomes[0], outcomes[2])
    assert (second.kind, second.code) == (Kind.FUNDS, "51008")


# ---- what is wrong with a request
GOOD = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "1", "sz": "1"}
PERP = {**GOOD, "instId": "BTC-USDT-SWAP", "tdMode": "cross"}


def post(path: str, body: Any, headers: dict[str, str] | None = None) -> Heard | Fault:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return MIRROR.hear(Request("POST", "rest", f"/api/v5/{path}", headers=headers or {}, body=raw), CTX)


@pytest.mark.parametrize(
    ("path", "body", "code", "said"),
    [
        ("trade/order", {**GOOD, "instId": ""}, "50014", "Parameter instId can not be empty."),
        ("trade/order", {**GOOD, "instId": "BTC-DKK"}, "51001", "Instrument ID doesn't exist."),
        ("trade/order", {**GOOD, "sz": ""}, "50014", "Parameter sz can not be empty."),
        ("trade/order", {**GOOD, "px": ""}, "50014", "Parameter px can not be empty."),
        ("trade/order", {**GOOD, "sz": "NaN"}, "51000", "Parameter sz error"),
        ("trade/order", {**GOOD, "side": "both"}, "51000", "Parameter side error"),
        ("trade/order", {**GOOD, "ordType": "stop"}, "51000", "Parameter ordType error"),
        ("trade/order", {**GOOD, "tdMode": "cross"}, "51000", "Parameter tdMode error"),
        ("trade/order", {**PERP, "tdMode": "cash"}, "51000", "Parameter tdMode error"),
        ("trade/order", {**GOOD, "posSide": "long"}, "51000", "Parameter posSide error"),
        ("trade/order", {**GOOD, "clOrdId": "with-dash"}, "51000", "Parameter clOrdId error"),
        ("trade/order", {**GOOD, "tgtCcy": "BTC"}, "51000", "Parameter tgtCcy error"),
        ("trade/cancel-order", {"instId": "BTC-USDT"}, "51003", "Either client order ID or order ID is required."),
        ("trade/amend-order", {"instId": "BTC-USDT", "ordId": "1"}, "51000", "Parameter newSz error"),
    ],
)
def test_a_wrong_order_is_refused_in_its_row(path: str, body: Any, code: str, said: str) -> None:
    """If this failed, a mistake would pass against the simulator and be found at the venue."""
    fault = post(path, body)
    assert isinstance(fault, Fault)
    reply = MIRROR.refuse(fault)
    found = json.loads(reply.body)
    assert (reply.status, found["code"], found["msg"]) == (200, "1", "All operations failed")
    assert (found["data"][0]["sCode"], found["data"][0]["sMsg"]) == (code, said)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("trade/order", b"{no json", "50002"),
        ("trade/order", b"[]", "50002"),
        ("trade/order", [GOOD, GOOD], "50024"),
        ("trade/batch-orders", [GOOD] * 21, "50024"),
        ("trade/cancel-all-after", {}, "50014"),
        ("trade/cancel-all-after", {"timeOut": "9"}, "51000"),
        ("trade/cancel-all-after", {"timeOut": "121"}, "51000"),
        ("account/set-position-mode", {"posMode": "both"}, "51000"),
        ("account/set-leverage", {"instId": "BTC-USDT-SWAP", "mgnMode": "cash", "lever": "1"}, "51000"),
        ("account/set-leverage", {"instId": "BTC-USDT-SWAP", "mgnMode": "cross"}, "50014"),
        ("trade/close-position", {"instId": "BTC-USDT-SWAP"}, "51000"),
        ("market/ticker", {}, "50115"),
    ],
)
def test_a_wrong_request_is_refused_as_a_whole(path: str, body: Any, code: str) -> None:
    """If this failed, a mistake would pass against the simulator and be found at the venue."""
    fault = post(path, body)
    assert isinstance(fault, Fault)
    assert json.loads(MIRROR.refuse(fault).body) == {"code": code, "data": [], "msg": fault.said}


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("trade/order", "instId=BTC-USDT", "51003"),
        ("trade/orders-history", "instId=BTC-USDT", "50014"),
        ("trade/orders-history", "instType=SPOT&before=17", "51000"),
        ("trade/orders-pending", "after=first", "51000"),
        ("trade/fills", "instType=EVERY", "51000"),
        ("account/trade-fee", "instType=SWAP&instFamily=BTC-DKK", "51000"),
        ("trade/cancel-order", "", "50115"),
    ],
)
def test_a_wrong_question_is_refused(path: str, query: str, code: str) -> None:
    """If this failed, a mistake would pass against the simulator and be found at the venue."""
    fault = MIRROR.hear(Request("GET", "rest", f"/api/v5/{path}", query), CTX)
    assert isinstance(fault, Fault)
    assert fault.code == code


def test_the_fence_must_be_a_time() -> None:
    """If this failed, an order would go unfenced where its owner believes in a fence."""
    fault = post("trade/order", GOOD, {"expTime": "soon"})
    assert isinstance(fault, Fault)
    assert (fault.code, fault.said) == ("51000", "Parameter expTime error")
    fenced = post("trade/order", GOOD, {"EXPTIME": "1764000005000"})
    assert isinstance(fenced, Heard)
    assert fenced.asked.until_ms == 1_764_000_005_000


def test_other_clients_ways_of_writing_are_heard() -> None:
    """If this failed, clients that send empty texts or bare numbers would be refused here, and not at the venue."""
    empty = dict.fromkeys(("ccy", "clOrdId", "tag", "posSide", "reduceOnly", "tgtCcy", "stpMode"), "")
    found = post("trade/order", {**GOOD, **empty, "attachAlgoOrds": None, "pxUsd": None})
    assert isinstance(found, Heard)
    assert (found.asked.client_id, found.asked.pos_side, found.asked.reduce_only) == ("", "", False)
    lever = post("account/set-leverage", {"lever": 5, "mgnMode": "cross", "instId": "BTC-USDT-SWAP"})
    assert isinstance(lever, Heard)
    assert lever.asked.leverage == 5
    exact = post("trade/order", b'{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":0.1,"sz":3}')
    assert isinstance(exact, Heard)
    assert (exact.asked.price, exact.asked.qty) == (Decimal("0.1"), Decimal(3))
    batch = post("trade/batch-orders", [{**PERP, "reduceOnly": True}])
    assert isinstance(batch, Heard)
    assert batch.asked.orders[0].reduce_only is True
    unsaid = post("trade/order", {**GOOD, "ordType": "market", "px": ""})
    assert isinstance(unsaid, Heard)
    assert (unsaid.asked.qty, unsaid.asked.quote_qty) == (None, Decimal(1))  # a market buy without a unit is in quote


def rows(query: str, path: str, answer: Any) -> list[dict[str, Any]]:
    found = MIRROR.hear(Request("GET", "rest", f"/api/v5/{path}", query), CTX)
    assert isinstance(found, Heard)
    data: list[dict[str, Any]] = json.loads(MIRROR.say(found, answer, CTX, AT).body)["data"]
    return data


def test_lists_are_newest_first_and_cut() -> None:
    """If this failed, a client's next page would begin at the wrong end, or a page hold more than the venue gives."""
    ended = [told(order_id=str(n), status=Status.FILLED if n % 2 else Status.CANCELLED) for n in range(1, 151)]
    history = rows("instType=SPOT", "trade/orders-history", tuple(ended))
    assert [row["ordId"] for row in history] == [str(n) for n in range(150, 50, -1)]
    filled = rows("instType=SPOT&state=filled&limit=3", "trade/orders-history-archive", tuple(ended))
    assert [row["ordId"] for row in filled] == ["149", "147", "145"]
    pending = [told(order_id=str(n)) for n in range(1, 151)]
    both_kinds = (told(symbol=SWAP), told(), told(symbol=SWAP))
    assert [row["instType"] for row in rows("instType=SPOT", "trade/orders-pending", both_kinds)] == ["SPOT"]
    assert [row["instType"] for row in rows("instType=SWAP", "trade/fills", (fill(), fill(symbol=SWAP)))] == ["SWAP"]
    assert [row["ordId"] for row in rows("limit=2", "trade/orders-pending", tuple(pending))] == ["150", "149"]
    assert len(rows("", "trade/orders-pending", tuple(pending))) == 100
    fills = tuple(fill(id=str(n)) for n in range(1, 151))
    assert [row["billId"] for row in rows("", "trade/fills", fills)] == [str(n) for n in range(150, 50, -1)]
    both = (HELD, replace(HELD, symbol=COIN))
    assert [row["instId"] for row in rows("instId=BTC-USD-SWAP,ETH-USDT-SWAP", "account/positions", both)] == [
        "BTC-USD-SWAP"
    ]


@pytest.mark.parametrize(("word", "source"), [
    ("user", "1"), ("ioc", "14"), ("fok", "13"), ("post only", "31"), ("dead man", "20"), ("reduce only", "22"),
    ("close", "17"), ("liquidity", "14"), ("amended", "1"), ("funds", "0"), ("venue", "0"),
])  # fmt: skip
def test_how_an_order_ended_has_its_number(word: str, source: str) -> None:
    """If this failed, a bot would learn another reason from the simulator than from the venue."""
    assert word in ENDED
    [row] = rows("instId=BTC-USDT&ordId=1", "trade/order", told(status=Status.EXPIRED, reason=word))
    assert (row["state"], row["cancelSource"]) == ("canceled", source)


def test_the_engine_has_the_venues_habits() -> None:
    """If this failed, orders would behave in the simulator as at another venue."""
    habits = MIRROR.habits
    assert (habits.post_only, habits.post_only_shown, habits.fok, habits.rest) == (
        "cancelled",
        False,
        *["cancelled"] * 2,
    )
    assert (habits.forgets_ms, habits.freeze_bps, habits.fee_of) == (7_200_000, 500, "received")
    assert not habits.lists_open  # what is open is no history
    names = [MIRROR.order_name(n) for n in (9, 10)]
    assert all(name.isdecimal() and len(name) == 19 for name in names)
    assert (names, MIRROR.client_name(1)) == (sorted(names), "")
    assert MIRROR.fill_name(1) != MIRROR.fill_name(2)
