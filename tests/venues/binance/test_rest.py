"""Questions, weights, pages and replies that are not what they should be."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.errors import UnknownName
from fairlead.model import intervals
from fairlead.model.market import MS, Candle, Trade
from fairlead.model.symbols import parse
from fairlead.venues.binance import channels
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import build
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Nonsense
from tests.venues.binance.street import BTC, CTX, MARKETS, QUESTIONS, listed

ASKED: dict[Op, Any] = {
    Op.TIME: AskNothing(),
    Op.INSTRUMENTS: AskListing("spot"),
    Op.BOOK: AskBook("BTC/USDT"),
    Op.TICKER: AskSymbol("BTC/USDT"),
    Op.TRADES: AskTrades("BTC/USDT"),
    Op.CANDLES: AskCandles("BTC/USDT", "1m"),
    **QUESTIONS,
}


def weight_of(op: Op, asked: Any) -> int:
    charges: tuple[Charge, ...] = VENUE.endpoints[op].cost(asked)
    assert Charge("raw", 1) in charges
    return next(charge.units for charge in charges if charge.budget == "weight")


@pytest.mark.parametrize(
    ("op", "asked", "weight"),
    [
        (Op.TIME, AskNothing(), 1),
        (Op.INSTRUMENTS, AskListing(), 20),
        *[(Op.BOOK, AskBook("BTC/USDT", depth), weight) for depth, weight in
          ((1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (0, 50), (1000, 50), (1001, 250), (9999, 250))],
        (Op.TICKER, AskSymbol("BTC/USDT"), 2),
        (Op.TRADES, AskTrades("BTC/USDT"), 25),
        (Op.TRADES, AskTrades("BTC/USDT", since_ns=1), 4),
        (Op.TRADES, AskTrades("BTC/USDT", since_ns=1, page="5:7"), 4),
        (Op.TRADES, AskTrades("BTC/USDT", since_ns=1, page="7"), 25),
        (Op.CANDLES, AskCandles("BTC/USDT", "1m"), 2),
        (Op.BALANCES, AskNothing(), 20),
    ],
)  # fmt: skip
def test_a_question_weighs_what_the_documents_say(op: Op, asked: Any, weight: int) -> None:
    """If this failed, we would spend more than we count, and be refused or banned."""
    assert weight_of(op, asked) == weight


def test_what_is_unknown_is_refused_before_it_is_asked() -> None:
    """If this failed, a misspelled market or interval would cost a request and come back as a riddle."""
    with pytest.raises(UnknownName):
        build(VENUE.endpoints[Op.BOOK], AskBook("BTC/USTD"), CTX, VENUE.encode)
    with pytest.raises(UnknownName):
        build(VENUE.endpoints[Op.CANDLES], AskCandles("BTC/USDT", "7m"), CTX, VENUE.encode)


def test_a_symbol_of_any_alphabet_is_encoded_once() -> None:
    """If this failed, markets with Chinese names could not be asked for, or be signed otherwise than they are sent."""
    query, body, headers = VENUE.encode("GET", {"symbol": "币安人生USDT", "symbols": '["A","B"]'})
    assert query == "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&symbols=%5B%22A%22%2C%22B%22%5D"
    assert (body, headers) == (b"", {})
    one = listed("币安人生", "USDT")
    assert (one.symbol, one.names["ws"]) == ("币安人生/USDT", "币安人生usdt")
    assert str(parse(one.symbol)) == one.symbol


def test_every_market_is_found_under_each_of_its_names() -> None:
    """If this failed, an event or an answer would belong to another market, or to none."""
    for one in MARKETS:
        assert CTX.catalog.ours(one.venue_symbol) is one
        assert CTX.catalog.ours(one.venue_symbol.lower(), channels.STREAM_SPELLING) is one
        assert CTX.catalog.theirs(one.symbol) is one
        assert str(parse(one.symbol)) == one.symbol


class History:
    """A market's folded trades, asked for like the venue: from a millisecond on, or by number, so many a page."""

    def __init__(self, times: list[int]) -> None:
        self.rows = [(number, at) for number, at in enumerate(times, 1)]
        self.asked: list[str] = []

    def reply(self, asked: AskTrades, page_rows: int) -> bytes:
        request = build(VENUE.endpoints[Op.TRADES], asked, CTX, VENUE.encode)
        self.asked.append(request.path)
        params = dict(pair.split("=") for pair in request.query.split("&"))
        start, first = int(params.get("startTime", 0)), int(params.get("fromId", 0))
        rows = [(number, at) for number, at in self.rows if at >= start and number >= first][:page_rows]
        if request.path.endswith("aggTrades"):
            return json.dumps(
                [{"a": n, "p": "1", "q": "1", "f": n, "l": n, "T": at, "m": True, "M": True} for n, at in rows]
            ).encode()
        return json.dumps(
            [{"id": n, "price": "1", "qty": "1", "quoteQty": "1", "time": at, "isBuyerMaker": True,
              "isBestMatch": True} for n, at in rows]
        ).encode()  # fmt: skip


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 5))
def test_history_is_paged_without_hole_or_double(gaps_ms: list[int], page_rows: int) -> None:
    """If this failed, trades would be lost or doubled where a page ends within a millisecond."""
    times, now = [], 1_000
    for gap in gaps_ms:
        now += gap
        times.append(now)
    row, history = VENUE.endpoints[Op.TRADES], History(times)
    asked: AskTrades | None = AskTrades("BTC/USDT", since_ns=1_001 * MS, limit=page_rows)
    found: list[Trade] = []
    for _ in range(100):
        if asked is None:
            break
        answer = row.read(history.reply(asked, page_rows), asked, CTX)
        found += answer
        assert row.after is not None
        asked = row.after(asked, answer)
    assert asked is None
    assert [int(trade.id) for trade in found] == [number for number, at in history.rows if at >= 1_001]


def test_the_latest_trades_have_no_next_page() -> None:
    """If this failed, asking for the latest trades would never end."""
    row = VENUE.endpoints[Op.TRADES]
    asked = AskTrades("BTC/USDT", limit=1)
    body = b'[{"id":1,"price":"1","qty":"1","quoteQty":"1","time":5,"isBuyerMaker":true,"isBestMatch":true}]'
    assert row.after is not None
    assert row.after(asked, row.read(body, asked, CTX)) is None


def test_annulled_trades_are_none() -> None:
    """If this failed, a page of old history that holds one of them would be lost, or show a trade at price 0."""
    body = b'[{"a":1,"p":"0","q":"0","f":-1,"l":-1,"T":5,"m":false,"M":true},\
{"a":2,"p":"1","q":"1","f":9,"l":9,"T":5,"m":false,"M":true}]'
    answer = VENUE.endpoints[Op.TRADES].read(body, AskTrades("BTC/USDT", since_ns=1), CTX)
    assert [trade.id for trade in answer] == ["9"]


def klines(opened_ms: list[int]) -> bytes:
    return json.dumps([[at, "1", "1", "1", "1", "1", at + 1, "1", 1, "1", "1", "0"] for at in opened_ms]).encode()


@pytest.mark.parametrize("interval", sorted(VENUE.intervals))
def test_any_range_of_candles_is_paged_without_hole_or_double(interval: str) -> None:
    """If this failed, bars would be missing or twice where one page ends and the next begins, months included."""
    row = VENUE.endpoints[Op.CANDLES]
    begin = intervals.start_ns(interval, 1_700_000_000_000 * MS)
    bars = [begin]
    while len(bars) < 8:
        bars.append(intervals.next_ns(interval, bars[-1]))
    asked: AskCandles | None = AskCandles("BTC/USDT", interval, bars[0] + 1, bars[-1], limit=2)
    found: list[Candle] = []
    for _ in range(20):
        if asked is None:
            break
        query = build(row, asked, CTX, VENUE.encode).query
        params = dict(pair.split("=") for pair in query.split("&"))
        start, end = int(params["startTime"]), int(params["endTime"])
        page = [at // MS for at in bars if start <= at // MS <= end][:2]
        answer = row.read(klines(page), asked, CTX)
        found += answer
        assert row.after is not None
        asked = row.after(asked, answer)
    assert asked is None
    assert [candle.open_ns for candle in found] == bars[1:-1]


def test_only_the_last_bar_of_a_reply_may_be_running() -> None:
    """If this failed, a running bar could be taken for a final one."""
    asked = AskCandles("BTC/USDT", "1m")
    answer = VENUE.endpoints[Op.CANDLES].read(klines([0, 60_000, 120_000]), asked, CTX)
    assert [candle.closed for candle in answer] == [True, True, False]


def test_the_latest_bars_up_to_an_end_are_one_page() -> None:
    """If this failed, asking for the last bars before a time would wander forward beyond it."""
    row = VENUE.endpoints[Op.CANDLES]
    asked = AskCandles("BTC/USDT", "1m", end_ns=120_000 * MS, limit=1)
    assert build(row, asked, CTX, VENUE.encode).query == "symbol=BTCUSDT&interval=1m&endTime=119999&limit=1"
    assert row.after is not None
    assert row.after(asked, row.read(klines([60_000]), asked, CTX)) is None


def test_a_ticker_of_another_symbol_is_nonsense() -> None:
    """If this failed, one market's prices would be shown as another's."""
    numbers = ("lastPrice", "bidPrice", "askPrice", "openPrice", "highPrice", "lowPrice", "volume", "quoteVolume")
    body = json.dumps({**dict.fromkeys(numbers, "1"), "symbol": "ETHUSDT", "closeTime": 1}).encode()
    with pytest.raises(Nonsense, match="ETHUSDT"):
        VENUE.endpoints[Op.TICKER].read(body, AskSymbol("BTC/USDT"), CTX)


def test_a_step_of_zero_leaves_the_declared_precision() -> None:
    """If this failed, a market without a tick would get a book without decimals, and every price be rounded off."""
    one = listed("ABC", "USDT", "0.00000000", "0.00000000")
    assert not one.price_tick
    assert not one.qty_step
    assert (one.price_decimals, one.qty_decimals) == (8, 8)
    assert (BTC.price_decimals, BTC.qty_decimals) == (2, 5)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["1", "1e999", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["symbols", "id", "price", "balances", "serverTime", "bids", "a"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("op", sorted(VENUE.endpoints))
@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_reply_is_read_or_called_nonsense(op: Op, body: bytes) -> None:
    """If this failed, a broken reply could crash whoever reads it, instead of being told."""
    with suppress(Nonsense, msgspec.DecodeError):
        VENUE.endpoints[op].read(body, ASKED[op], CTX)


@pytest.mark.parametrize(
    ("op", "body"),
    [
        (Op.TRADES, b'[{"id":1,"price":"one","qty":"1","time":5,"isBuyerMaker":true}]'),
        (Op.CANDLES, b'[[0,"1","1","1","one","1",1,"1",1,"1","1","0"]]'),
        (Op.BALANCES, b'{"balances":[{"asset":"BTC","free":"NaN","locked":"0"}]}'),
        (Op.BALANCES, b'{"balances":[{"asset":"BTC","free":"1e9999999999","locked":"0"}]}'),
        (Op.INSTRUMENTS, b'{"symbols":[{"symbol":"A","status":"X","baseAsset":"A","quoteAsset":"B",'
                         b'"filters":[{"filterType":"LOT_SIZE","stepSize":"tiny"}]}]}'),
        (Op.BOOK, b"[" * 5_000),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_nonsense(op: Op, body: bytes) -> None:
    """If this failed, a text that is no number would pass as one, or crash."""
    with pytest.raises((Nonsense, msgspec.DecodeError)):
        VENUE.endpoints[op].read(body, ASKED[op], CTX)
