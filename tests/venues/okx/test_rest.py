"""The calls: what is asked in the venue's words, page after page, and what no reply may do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import DecodeError
from msgspec.structs import replace

from fairlead.errors import Misuse, UnknownName
from fairlead.model.intervals import start_ns
from fairlead.model.market import MS
from fairlead.venues.okx.channels import BARS
from fairlead.venues.okx.mirror import MIRROR
from fairlead.venues.okx.venue import VENUE
from fairlead.venues.okx.wire import symbol_of
from fairlead.wire.asks import (
    AskBook,
    AskCandles,
    AskFundings,
    AskListing,
    AskNothing,
    AskSymbol,
    AskTrades,
    Op,
)
from fairlead.wire.shapes import Nonsense
from tests.venues.okx.places import CTX, LISTED, asking, terms

MINUTE_NS = 60_000 * MS
START_NS = 1_700_000_040_000 * MS  # a whole minute
END_NS = START_NS + 1_000 * MINUTE_NS
CANDLES = VENUE.endpoints[Op.CANDLES]
ASKED: dict[Op, Any] = {
    Op.TIME: AskNothing(),
    Op.INSTRUMENTS: AskListing("swap"),
    Op.BOOK: AskBook("BTC/USDT", 5),
    Op.TICKER: AskSymbol("BTC/USDT"),
    Op.TRADES: AskTrades("BTC/USDT", 10),
    Op.CANDLES: AskCandles("BTC/USDT", "1m"),
    Op.FUNDING: AskSymbol("BTC/USDT:USDT"),
    Op.FUNDINGS: AskFundings("BTC/USDT:USDT"),
    Op.MARK: AskSymbol("BTC/USDT:USDT"),
    Op.INDEX: AskSymbol("BTC/USDT:USDT"),
    Op.BALANCES: AskNothing(),
}


@pytest.mark.parametrize(
    ("inst_id", "settle", "symbol"),
    [
        ("BTC-USDT", "", "BTC/USDT"),
        ("BTC-USDT-SWAP", "USDT", "BTC/USDT:USDT"),
        ("BTC-USDC-SWAP", "USDC", "BTC/USDC:USDC"),
        ("BTC-USD-SWAP", "BTC", "BTC/USD:BTC"),
        ("BTC-USD-SWAP", "", "BTC/USD:BTC"),
        ("BTC-USD_UM-SWAP", "USD", "BTC/USD:USD"),
        ("BTC-USD_UM-SWAP", "", "BTC/USD:USD"),
        ("BTC-USD-261225", "BTC", "BTC/USD:BTC-261225"),
        ("BTC-USDT-261225", "USDT", "BTC/USDT:USDT-261225"),
        ("1INCH-EUR", "", "1INCH/EUR"),
    ],
)
def test_names_become_symbols(inst_id: str, settle: str, symbol: str) -> None:
    """If this failed, a bot would trade another contract than it named."""
    assert str(symbol_of(inst_id, settle)) == symbol


@pytest.mark.parametrize("inst_id", ["BTC-USD-250328-92000-C", "BTC", "-USDT", "BTC-", "BTC-USDT-SPREAD", ""])
def test_names_of_no_market_of_ours_have_no_symbol(inst_id: str) -> None:
    """If this failed, an option would appear as a spot pair or a swap."""
    assert symbol_of(inst_id) is None


@pytest.mark.parametrize("one", LISTED, ids=lambda one: one.symbol)
def test_symbols_lead_both_ways(one: Any) -> None:
    """If this failed, two markets could share a name, or one be lost on the way back."""
    assert str(symbol_of(one.venue_symbol, one.parts.settle)) == one.symbol
    assert CTX.catalog.ours(one.venue_symbol) == one
    assert MIRROR.listing(terms(one.symbol, "0.1", "0.1")).venue_symbol == one.venue_symbol


def test_an_unknown_state_is_told_as_unknown() -> None:
    """If this failed, a market in a state we never heard of would pass for open."""
    row = VENUE.endpoints[Op.INSTRUMENTS]
    body = (
        b'{"code":"0","msg":"","data":[{"instId":"BTC-USDT","tickSz":"0.1","lotSz":"0.01","state":"dreaming"},'
        b'{"instId":"ETH-USDT","tickSz":"","lotSz":"","state":"preopen"},'
        b'{"instId":"BTC-USD-250328-92000-C","tickSz":"0.1","lotSz":"1","state":"live"}]}'
    )
    dreaming, pending = row.read(body, AskListing("spot"), CTX)
    assert (dreaming.status, dreaming.venue_status) == ("unknown", "dreaming")
    assert (pending.status, pending.price_decimals) == ("pending", 0)


def pages(asked: AskCandles) -> list[tuple[int, int]]:
    """The bounds of each page asked, as (before, after) in ms, when every bar exists."""
    found = []
    question: AskCandles | None = asked
    while question is not None:
        query = dict(part.split("=") for part in asking(Op.CANDLES, question).query.split("&"))
        assert int(query["limit"]) <= 300
        found.append((int(query.get("before", 0)), int(query.get("after", 0))))
        question = CANDLES.after(question, ()) if CANDLES.after else None
    return found


@given(st.integers(0, 1_500), st.integers(1, 1_500), st.sampled_from([1, 7, 100, 300, 500]))
def test_pages_of_candles_cover_the_range_once(begin: int, count: int, limit: int) -> None:
    """If this failed, a download would miss bars between pages or hold some twice."""
    start, end = START_NS + begin * MINUTE_NS, START_NS + (begin + count) * MINUTE_NS
    covered: list[int] = []
    for before, after in pages(AskCandles("BTC/USDT", "1m", start, end, limit)):
        bars = [ms for ms in range(start // MS, end // MS, 60_000) if before < ms < after]
        assert 0 < len(bars) <= min(limit, 300)
        covered += bars
    assert covered == list(range(start // MS, end // MS, 60_000))


def test_pages_of_months_follow_the_calendar() -> None:
    """If this failed, months of 28 to 31 days would be counted as equal and some be missed."""
    start, end = start_ns("1M", START_NS), start_ns("1M", START_NS + 20 * 366 * 1_440 * MINUTE_NS)
    bounds = pages(AskCandles("BTC/USDT", "1M", start, end, 12))
    assert len(bounds) == 20
    assert all(later[0] == earlier[1] - 1 for earlier, later in pairwise(bounds))


def test_without_an_end_pages_go_back_until_the_beginning() -> None:
    """If this failed, history up to now would end after one page."""
    asked = AskCandles("BTC/USDT", "1m", START_NS)
    assert CANDLES.after is not None
    row = f'["{(START_NS + 300 * MINUTE_NS) // MS}","1","1","1","1","1","1","1","1"]'
    answer = CANDLES.read(f'{{"code":"0","msg":"","data":[{row}]}}'.encode(), asked, CTX)
    older = CANDLES.after(asked, answer)
    assert older is not None
    assert f"after={(START_NS + 300 * MINUTE_NS) // MS}&before={START_NS // MS - 1}" in asking(Op.CANDLES, older).query
    assert CANDLES.after(older, ()) is None
    assert CANDLES.after(AskCandles("BTC/USDT", "1m"), answer) is None  # the latest: one page


def test_older_trades_are_asked_by_the_oldest_id() -> None:
    """If this failed, pages of trades would overlap or leave a hole."""
    row = VENUE.endpoints[Op.TRADES]
    asked = AskTrades("BTC/USDT", since_ns=1_000 * MS)
    same = '"instId":"BTC-USDT","px":"1","sz":"1","side":"buy"'
    rows = ",".join(f'{{{same},"tradeId":"{n}","ts":"{n}"}}' for n in (1_002, 1_001, 999))
    answer = row.read(f'{{"code":"0","msg":"","data":[{rows}]}}'.encode(), asked, CTX)
    assert [trade.id for trade in answer] == ["1001", "1002"]  # oldest first, none before since_ns
    assert row.after is not None
    older = row.after(asked, answer)
    request = asking(Op.TRADES, older)
    assert request.target == "/api/v5/market/history-trades?instId=BTC-USDT&after=1001&limit=100"
    assert row.after(older, ()) is None
    assert row.after(replace(asked, since_ns=0), answer) is None


def test_days_begin_in_utc() -> None:
    """If this failed, daily bars would begin at 16:00 UTC, in Hong Kong's night."""
    assert all(theirs.endswith("utc") for ours, theirs in BARS.items() if ours in ("6h", "12h", "1d", "2d", "1w", "1M"))
    assert "bar=1Dutc" in asking(Op.CANDLES, AskCandles("BTC/USDT", "1d")).query


def test_what_the_venue_lacks_is_refused_before_it_is_sent() -> None:
    """If this failed, a misspelled symbol or interval would cost a request and a puzzling refusal."""
    for asked in (AskCandles("BTC/USDT", "8h"), AskCandles("BTC/USDD", "1m")):
        with pytest.raises(UnknownName):
            asking(Op.CANDLES, asked)


def test_every_cost_is_paid_from_a_budget_there_is() -> None:
    """If this failed, a call would be charged to nothing, and the venue would do the counting."""
    budgets = {one.name: one for one in VENUE.budgets}
    for op, asked in ASKED.items():
        (charge,) = VENUE.endpoints[op].cost(asked)
        assert bool(charge.of) is (budgets[charge.budget].of == "instrument"), op
    (charge,) = VENUE.endpoints[Op.CANDLES].cost(AskCandles("BTC/USDT", "1m", START_NS))
    assert charge.budget == "market/history-candles"


@given(st.sampled_from(list(ASKED)), st.binary(max_size=300))
def test_no_bytes_break_a_reader(op: Op, body: bytes) -> None:
    """If this failed, a broken reply would stop a bot with an error that nobody expects."""
    try:
        VENUE.endpoints[op].read(body, ASKED[op], CTX)
    except (Nonsense, DecodeError):
        return


FIELDS = [
    "code",
    "data",
    "ts",
    "instId",
    "px",
    "sz",
    "side",
    "tradeId",
    "fundingRate",
    "fundingTime",
    "details",
    "ccy",
    "cashBal",
]
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["", "1e999", "nan", "-1"])
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)


@given(st.sampled_from(list(ASKED)), JSON)
def test_no_json_breaks_a_reader(op: Op, data: Any) -> None:
    """If this failed, a reply of an unforeseen shape would stop a bot with an error that nobody expects."""
    try:
        VENUE.endpoints[op].read(msgspec.json.encode({"code": "0", "msg": "", "data": data}), ASKED[op], CTX)
    except (Nonsense, DecodeError):
        return


def test_a_dated_future_is_not_listed_by_the_simulated_venue() -> None:
    """If this failed, the simulator would offer what it cannot let expire."""
    with pytest.raises(Misuse, match="dated future"):
        MIRROR.listing(terms("BTC/USDT:USDT-261225", "0.1", "0.1"))
