"""Reads of orders, fills and accounts: what is asked for, page after page, and what the numbers mean."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import DecodeError

from fairlead.errors import Misuse
from fairlead.model.account import Fees
from fairlead.model.market import MS
from fairlead.model.orders import OrderType, Status
from fairlead.venues.okx import account
from fairlead.venues.okx.orders import SOURCES
from fairlead.venues.okx.venue import VENUE
from fairlead.wire.asks import AskNothing, AskSymbol, Op
from fairlead.wire.endpoint import Ctx, Mode
from fairlead.wire.orders import (
    AskClose,
    AskDeadMan,
    AskFills,
    AskLeverage,
    AskLeverages,
    AskOpenOrders,
    AskOrder,
    AskOrders,
    AskPositions,
    AskSetMode,
)
from fairlead.wire.shapes import Nonsense
from tests.venues.okx.places import CTX, asking

BTC, SWAP = "BTC/USDT", "BTC/USDT:USDT"
ASKED: dict[Op, Any] = {
    Op.BALANCES: AskNothing(),
    Op.POSITIONS: AskPositions(),
    Op.MODE: AskNothing(),
    Op.SET_MODE: AskSetMode(True),
    Op.LEVERAGE: AskLeverages(symbol=SWAP),
    Op.SET_LEVERAGE: AskLeverage(symbol=SWAP, leverage=Decimal(3)),
    Op.FEES: AskSymbol(SWAP),
    Op.ORDER: AskOrder(symbol=BTC, client_id="a"),
    Op.OPEN_ORDERS: AskOpenOrders(),
    Op.ORDERS: AskOrders(symbol=BTC),
    Op.FILLS: AskFills(symbol=BTC),
    Op.CLOSE: AskClose(symbol=SWAP, client_id="a"),
    Op.DEAD_MAN: AskDeadMan(30_000),
}


def rows(*found: dict[str, Any]) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": found}).encode()


def order(id: int, **more: str) -> dict[str, str]:
    usual = {"instId": "BTC-USDT", "instType": "SPOT", "ordId": str(id), "state": "live", "side": "buy", "sz": "1"}
    return {**usual, "ordType": "limit", "cTime": "1000", "uTime": "2000", **more}


def read(op: Op, body: bytes, asked: Any = None, ctx: Ctx = CTX) -> Any:
    return VENUE.endpoints[op].read(body, asked or ASKED[op], ctx)


def pages(op: Op, asked: Any, made: Any, count: int) -> list[int]:
    """The ids that come of asking page after page, when the venue has `count` rows, newest first."""
    row, question = VENUE.endpoints[op], asked
    found: list[int] = []
    while question is not None:
        query = dict(part.split("=") for part in asking(op, question).query.split("&"))
        older = int(query.get("after", count + 1))
        ids = range(older - 1, max(0, older - 1 - int(query["limit"])), -1)
        answer = read(op, rows(*(made(id) for id in ids)), question)
        found += reversed([int(getattr(one, "order_id", 0) or 0) for one in answer])
        question = row.after(question, answer) if row.after else None
    return found


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_pages_bring_every_order_once(count: int) -> None:
    """If this failed, an order beyond the first page would be taken for one that is not there."""
    every = list(range(count, 0, -1))
    assert pages(Op.OPEN_ORDERS, AskOpenOrders(), order, count) == every
    assert pages(Op.ORDERS, AskOrders(symbol=BTC, start_ns=MS), order, count) == every
    assert pages(Op.ORDERS, AskOrders(symbol=BTC), order, count) == every[:100]  # the latest: one page


@pytest.mark.parametrize("count", [0, 100, 230])
def test_fills_are_paged_by_their_bill(count: int) -> None:
    """If this failed, fills would be lost between pages: trades of one order are not numbered as its bills are."""

    def fill(bill: int) -> dict[str, str]:
        return {
            "instId": "BTC-USDT", "ordId": str(bill), "tradeId": str(9_000 - bill), "billId": str(bill), "side": "buy",
            "fillPx": "1", "fillSz": "1", "fee": "-0.1", "feeCcy": "BTC", "execType": "T", "ts": "1",
        }  # fmt: skip

    asked = AskFills(symbol=BTC, start_ns=MS)
    assert pages(Op.FILLS, asked, fill, count) == list(range(count, 0, -1))


def test_old_fills_are_asked_for_where_they_are() -> None:
    """If this failed, fills older than three days would be missing after a long stop."""
    assert asking(Op.FILLS, AskFills(symbol=BTC, order_id="7")).target == (
        "/api/v5/trade/fills?instType=SPOT&instId=BTC-USDT&ordId=7&limit=100"
    )
    since = AskFills(symbol=SWAP, start_ns=1_500_000, end_ns=9 * MS, limit=20)
    assert asking(Op.FILLS, since).target == (
        "/api/v5/trade/fills-history?instType=SWAP&instId=BTC-USDT-SWAP&begin=2&end=9&limit=20"
    )


def test_a_state_nobody_knows_is_no_end() -> None:
    """If this failed, an order in a new state would be taken for over, and its fills be missed."""
    [told] = read(Op.OPEN_ORDERS, rows(order(1, state="hibernating")))
    [part] = read(Op.OPEN_ORDERS, rows(order(1, state="hibernating", accFillSz="0.5")))
    assert (told.status, told.reason, part.status) == (Status.OPEN, "state hibernating", Status.PARTIAL)


def test_the_size_of_a_market_buy_may_be_in_quote() -> None:
    """If this failed, 250 USDT would be read as 250 BTC."""
    for more, quote in (
        ({"tgtCcy": "quote_ccy"}, True),
        ({"tgtCcy": "base_ccy"}, False),
        ({}, True),
        ({"side": "sell"}, False),
        ({"side": "sell", "tgtCcy": "quote_ccy"}, True),
        ({"instType": "SWAP", "instId": "BTC-USDT-SWAP"}, False),
    ):
        [told] = read(Op.OPEN_ORDERS, rows(order(1, ordType="market", sz="250", **more)))
        assert (told.quote_qty, told.qty) == ((Decimal(250), None) if quote else (None, Decimal(250))), more
        assert told.type is OrderType.MARKET


def test_why_an_order_ended_is_said() -> None:
    """If this failed, a bot could not tell its own cancel from the venue's."""
    for source, reason in {**SOURCES, "77": "venue 77"}.items():
        told = read(Op.ORDER, rows(order(1, state="canceled", cancelSource=source)))
        assert (told.status, told.reason) == (Status.CANCELLED, reason)


def test_an_order_of_another_market_keeps_its_name() -> None:
    """If this failed, an order placed by hand on an option would break the list, or vanish from it."""
    [told] = read(Op.OPEN_ORDERS, rows(order(1, instId="BTC-USD-260925-100000-C", instType="OPTION")))
    assert told.symbol == "BTC-USD-260925-100000-C"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(AskDeadMan(0), "0"), (AskDeadMan(10_000), "10"), (AskDeadMan(10_001), "11"), (AskDeadMan(120_000), "120")],
)
def test_the_switch_counts_in_seconds(asked: AskDeadMan, seconds: str) -> None:
    """If this failed, the switch would fire a thousand times too late, or too early."""
    assert json.loads(asking(Op.DEAD_MAN, asked).body) == {"timeOut": seconds}
    for wrong in (AskDeadMan(1), AskDeadMan(9_999), AskDeadMan(120_001)):
        with pytest.raises(Misuse, match="10 to 120"):
            asking(Op.DEAD_MAN, wrong)


def test_a_position_is_closed_where_it_is() -> None:
    """If this failed, closing would be asked of the wrong side, or of spot."""
    hedged = Ctx(CTX.catalog, Mode(hedged=True))
    sent = json.loads(asking(Op.CLOSE, AskClose(symbol=SWAP, client_id="a", pos_side="long"), hedged).body)
    assert sent == {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "long", "clOrdId": "a"}
    for asked, ctx in (
        (AskClose(symbol=BTC, client_id="a"), CTX),
        (AskClose(symbol=SWAP, client_id="a", pos_side="long"), CTX),
        (AskClose(symbol=SWAP, client_id="a"), hedged),
    ):
        with pytest.raises(Misuse):
            asking(Op.CLOSE, asked, ctx)
    with pytest.raises(Nonsense):
        read(Op.CLOSE, rows({"instId": "ETH-USDT-SWAP"}))


def test_leverage_of_a_cross_position_has_no_side() -> None:
    """If this failed, setting the leverage of a two-sided account would be refused."""
    for asked, side in (
        (AskLeverage(symbol=SWAP, leverage=Decimal("3.50"), pos_side="long"), {}),
        (AskLeverage(symbol=SWAP, leverage=Decimal(3), margin="isolated", pos_side="long"), {"posSide": "long"}),
    ):
        sent = json.loads(asking(Op.SET_LEVERAGE, asked).body)
        assert {name: sent[name] for name in sent if name == "posSide"} == side
        assert sent["lever"] == format(asked.leverage, "f")


def test_of_several_groups_the_dearest_counts() -> None:
    """If this failed, a bot would reckon with a fee lower than it pays."""
    groups = [{"maker": "-0.0002", "taker": "-0.0005"}, {"maker": "-0.0004", "taker": "-0.0003"}]
    told = read(Op.FEES, rows({"maker": "-0.1", "taker": "-0.1", "feeGroup": groups}))
    assert told == Fees(symbol=SWAP, maker=Decimal("0.0004"), taker=Decimal("0.0005"))


@pytest.mark.parametrize(
    ("level", "words", "mode"),
    [
        ("1", "net_mode", Mode(False, "cash", "1")),
        ("2", "long_short_mode", Mode(True, "cross", "2")),
        ("4", "net_mode", Mode(False, "cross", "4")),
    ],
)
def test_how_the_account_is_set_up_is_told(level: str, words: str, mode: Mode) -> None:
    """If this failed, orders would be asked for in a mode that the account is not in."""
    assert read(Op.MODE, rows({"perm": "trade", "acctLv": level, "posMode": words})) == mode
    assert read(Op.SET_MODE, rows({"posMode": words}), ctx=Ctx(CTX.catalog, mode)) == mode


def test_every_cost_is_paid_from_a_budget_there_is() -> None:
    """If this failed, a call would be charged to nothing, and the venue would do the counting."""
    budgets = {one.name: one for one in VENUE.budgets}
    for op, asked in ASKED.items():
        (charge,) = VENUE.endpoints[op].cost(asked)
        assert bool(charge.of) is (budgets[charge.budget].of == "instrument"), op
    assert ASKED.keys() == account.ENDPOINTS.keys()


@given(st.sampled_from(list(ASKED)), st.binary(max_size=300))
def test_no_bytes_break_a_reader(op: Op, raw: bytes) -> None:
    """If this failed, a broken reply would stop a bot with an error that nobody expects."""
    try:
        read(op, raw)
    except (Nonsense, DecodeError):
        return


FIELDS = """code data instId ordId state side sz px accFillSz avgPx uTime cTime tradeId fillPx fillSz fee pos posSide
    upl lever maker taker feeGroup details ccy cashBal availBal posMode perm acctLv triggerTime"""


@given(st.sampled_from(list(ASKED)), st.recursive(
    st.none() | st.text(max_size=5) | st.integers() | st.sampled_from(["0", "-1", "1e9", "NaN", "BTC-USDT", "live"]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), each, max_size=8),
    max_leaves=20,
))  # fmt: skip
def test_no_json_breaks_a_reader(op: Op, value: Any) -> None:
    """If this failed, a reply of another shape would stop a bot with an error that nobody expects."""
    try:
        read(op, json.dumps({"code": "0", "data": value}).encode())
    except (Nonsense, DecodeError):
        return
