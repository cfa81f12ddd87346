"""History by pages: no order or fill is left out between two of them, and they end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.market import MS
from fairlead.venues.binance.account import DAY_MS
from fairlead.venues.binance.mirror import MIRROR
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import build
from fairlead.wire.faults import Fault
from fairlead.wire.http import Request
from fairlead.wire.mirror import Heard
from fairlead.wire.orders import AskFills, AskOpenOrders, AskOrders
from tests.venues.binance.street import CTX

START_MS = 1_763_000_000_000
NEVER_MS = 1 << 50
MOST_PAGES = 200
Made = Sequence[int]  # when each was made, by number from 100 on


def page(op: Op, asked: Any, made: Made) -> Any:
    """What the venue answers, as its mirror understands the request."""
    heard = MIRROR.hear(build(VENUE.endpoints[op], asked, CTX, VENUE.encode), CTX)
    assert isinstance(heard, Heard), heard
    told = heard.asked
    numbered = list(enumerate(made, 100))
    if told.page:
        rows = [row for row in numbered if row[0] >= int(told.page)][: told.limit]
    elif told.start_ns:
        end_ms = told.end_ns // MS or NEVER_MS
        rows = [row for row in numbered if told.start_ns // MS <= row[1] < end_ms][: told.limit]
    else:
        assert heard.newest
        rows = numbered[-told.limit :]
    return json.dumps([row_of(op, number, at_ms) for number, at_ms in rows]).encode()


def row_of(op: Op, number: int, at_ms: int) -> dict[str, Any]:
    if op is Op.ORDERS:
        return {"symbol": "BTCUSDT", "orderId": number, "clientOrderId": "", "status": "NEW", "time": at_ms}
    return {"symbol": "BTCUSDT", "id": number, "orderId": 5, "price": "1", "qty": "1", "commission": "0",
            "commissionAsset": "BNB", "time": at_ms, "isBuyer": True, "isMaker": True}  # fmt: skip


def walk(op: Op, asked: Any, made: Made) -> list[int]:
    row, told = VENUE.endpoints[op], []
    assert row.after is not None
    for _ in range(MOST_PAGES):
        answer = row.read(page(op, asked, made), asked, CTX)
        told += [int(one.order_id if op is Op.ORDERS else one.id) for one in answer]
        following = row.after(asked, answer)
        if following is None:
            return told
        asked = following
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("op", [Op.ORDERS, Op.FILLS])
@given(
    steps=st.lists(st.integers(0, 2 * DAY_MS), max_size=40),
    first_ms=st.integers(-DAY_MS, 5 * DAY_MS),
    days=st.integers(1, 20),
    limit=st.integers(1, 7),
)
def test_pages_of_history_leave_nothing_out(op: Op, steps: list[int], first_ms: int, days: int, limit: int) -> None:
    """If this failed, a fill or an order could be missed while the history looked complete."""
    made, at_ms = [], START_MS + first_ms
    for step in steps:
        at_ms += step
        made.append(at_ms)
    end_ms = START_MS + days * DAY_MS
    kind = AskOrders if op is Op.ORDERS else AskFills
    asked = kind(symbol="BTC/USDT", start_ns=START_MS * MS, end_ns=end_ms * MS, limit=limit)
    within = [number for number, at in enumerate(made, 100) if START_MS <= at < end_ms]
    assert walk(op, asked, made) == within
    since = kind(symbol="BTC/USDT", start_ns=START_MS * MS, limit=limit)
    assert walk(op, since, made) == [number for number, at in enumerate(made, 100) if at >= START_MS]


def test_the_latest_alone_are_one_page_and_the_fills_of_an_order_are_all() -> None:
    """If this failed, a question for the latest would read the whole history, or a long order lose fills."""
    made = [START_MS + number for number in range(25)]
    assert walk(Op.FILLS, AskFills(symbol="BTC/USDT", limit=10), made) == list(range(115, 125))
    row = VENUE.endpoints[Op.FILLS]
    asked = AskFills(symbol="BTC/USDT", order_id="5", start_ns=START_MS * MS, limit=10)
    assert row.after is not None
    params = row.ask(asked, CTX)
    assert params == {"symbol": "BTCUSDT", "orderId": 5, "limit": 10}
    answer = row.read(json.dumps([row_of(Op.FILLS, number, START_MS) for number in range(10)]).encode(), asked, CTX)
    following = row.after(asked, answer)
    assert following is not None
    assert row.ask(following, CTX) == {"symbol": "BTCUSDT", "orderId": 5, "fromId": 10, "limit": 10}
    assert row.after(following, answer[:3]) is None


def test_what_the_venue_does_not_combine_is_refused() -> None:
    """If this failed, the simulator would answer what the venue refuses, and the adapter be wrong only in life."""
    for query, code in (
        ("symbol=BTCUSDT&orderId=1&startTime=5", "-1128"),
        ("symbol=BTCUSDT&fromId=1&endTime=5", "-1128"),
        (f"symbol=BTCUSDT&startTime=5&endTime={5 + DAY_MS}", "-1127"),
    ):
        told = MIRROR.hear(Request("GET", "rest", "/api/v3/myTrades", query=query), CTX)
        assert isinstance(told, Fault)
        assert told.code == code


def test_all_open_orders_weigh_more_than_those_of_one_symbol() -> None:
    """If this failed, asking for all open orders would overrun the weight that the venue allows."""
    cost = VENUE.endpoints[Op.OPEN_ORDERS].cost
    assert [cost(AskOpenOrders(symbol=symbol))[0].units for symbol in ("BTC/USDT", "")] == [6, 80]
