"""The venue's other side: what is asked is heard, what is answered is read, what is wrong is refused."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from fairlead.model.account import Balance
from fairlead.model.market import MS, Candle, Funding, FundingPaid, Index, Mark, Ticker, Trade
from fairlead.venues.okx import auth
from fairlead.venues.okx.mirror import MIRROR
from fairlead.venues.okx.venue import VENUE
from fairlead.wire.asks import AskBook, AskCandles, AskFundings, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Levels
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.mirror import Depth, Heard
from fairlead.wire.shapes import READERS, LevelShape, strangers
from tests.venues.okx.places import AT, CTX, LISTED, Key, asking

NS = 1_700_000_000_000 * MS
SPOT: dict[str, Any] = {"venue": "okx", "symbol": "BTC/USDT", "seen_ns": 0}
SWAP = SPOT | {"symbol": "BTC/USDT:USDT"}


def bar(open_ns: int, closed: bool) -> Candle:
    return Candle(
        **SPOT, venue_ns=0, interval="1m", open_ns=open_ns, open=62_000.1, high=62_010.0, low=61_999.9, close=62_005.0,
        volume=0.00001, quote_volume=0.62, closed=closed,
    )  # fmt: skip


ROUNDS: list[tuple[Op, Any, Any]] = [
    (Op.TIME, AskNothing(), 1_700_000_000_000),
    (Op.INSTRUMENTS, AskListing("spot"), tuple(one for one in LISTED if one.kind == "spot")),
    (Op.INSTRUMENTS, AskListing("swap"), tuple(one for one in LISTED if one.kind == "swap")),
    (
        Op.TICKER, AskSymbol("BTC/USDT"),
        Ticker(**SPOT, venue_ns=NS, last=62_000.1, bid=62_000.0, ask=62_000.1, open=61_000.0, high=63_000.5,
               low=60_000.0, volume=12.5, quote_volume=775_000.0),
    ),
    (
        Op.TICKER, AskSymbol("BTC/USDT:USDT"),
        Ticker(**SWAP, venue_ns=NS, last=None, bid=None, ask=None, open=None, high=None, low=None, volume=0.0),
    ),
    (
        Op.TRADES, AskTrades("BTC/USDT", 2),
        (Trade(**SPOT, venue_ns=NS, id="7", price=62_000.1, qty=0.00000001, side="sell"),
         Trade(**SPOT, venue_ns=NS + MS, id="8", price=62_000.2, qty=3.0, side="buy")),
    ),
    (Op.TRADES, AskTrades("BTC/USDT", 100, page="9"), ()),
    (Op.CANDLES, AskCandles("BTC/USDT", "1m", limit=2), (bar(NS, True), bar(NS + 60_000 * MS, False))),
    (Op.CANDLES, AskCandles("BTC/USDT", "1d", NS, NS + 86_400_000 * MS, 300), ()),
    (
        Op.FUNDING, AskSymbol("BTC/USDT:USDT"),
        Funding(**SWAP, venue_ns=NS, rate=0.0000182, due_ns=NS + 3_600_000 * MS, interval_ms=28_800_000),
    ),
    (Op.FUNDINGS, AskFundings("BTC/USDT:USDT", NS, NS + 9 * MS, 3), (FundingPaid(**SWAP, venue_ns=NS, rate=-0.0001),)),
    (Op.MARK, AskSymbol("BTC/USDT:USDT"), Mark(**SWAP, venue_ns=NS, price=62_000.12345)),
    (Op.MARK, AskSymbol("BTC/USDT"), Mark(**SPOT, venue_ns=NS, price=62_000.1)),
    (Op.INDEX, AskSymbol("BTC/USDT:USDT"), Index(**SWAP, venue_ns=NS, price=62_001.0)),
    (
        Op.BALANCES, AskNothing(),
        (Balance("BTC", Decimal("1.50000001"), Decimal("1.5")), Balance("USDT", Decimal("10"), Decimal("10"))),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("op", "asked", "answer"), ROUNDS)
def test_what_is_asked_is_heard_and_what_is_said_is_read(op: Op, asked: Any, answer: Any) -> None:
    """If this failed, adapter and simulator would disagree, and one of them with the document."""
    row = VENUE.endpoints[op]
    request = asking(op, asked)
    if op is Op.BALANCES:
        request = auth.sign(request, Key(), AT)
    heard = MIRROR.hear(request, CTX)
    assert isinstance(heard, Heard)
    assert (heard.op, heard.asked, heard.path) == (op, asked, request.path)
    assert heard.key_id == (Key.key_id if op is Op.BALANCES else "")
    reply = MIRROR.say(heard, answer, CTX, AT)
    assert VENUE.fault(reply, op) is None
    assert strangers(reply.body, row.known) == ()
    assert row.read(reply.body, asked, CTX) == answer


class Sight:
    def top(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return [(620_000, 5)][:levels], [(620_001, 100_000_000)][:levels]


def test_a_full_book_is_said_without_old_field_and_number() -> None:
    """If this failed, clients that want more than 400 levels would misread each of them."""
    heard = MIRROR.hear(Request("GET", "rest", "/api/v5/market/books-full", "instId=BTC-USDT&sz=9000"), CTX)
    assert isinstance(heard, Heard)
    assert heard.asked == AskBook("BTC/USDT", 5_000)
    one = CTX.catalog.theirs("BTC/USDT")
    depth = Depth("BTC/USDT", True, 41, 41, 41, [(1, 2)], [(3, 4), (5, 6)], NS, Sight())
    [said] = msgspec.json.decode(MIRROR.say(heard, depth, CTX, AT).body)["data"]
    assert said.keys() == {"asks", "bids", "ts"}
    assert [(Decimal(px), Decimal(sz), count) for px, sz, count in said["asks"]] == [
        (one.price(3), one.qty(4), "1"), (one.price(5), one.qty(6), "1"),
    ]  # fmt: skip


def test_a_book_is_said_and_read_to_the_digit() -> None:
    """If this failed, the simulated book and the one a client sees would differ."""
    bids, asks = [(620_000, 5), (619_999, 120_000_000)], [(620_001, 100_000_000), (620_010, 1)]
    depth = Depth("BTC/USDT", True, 41, 41, 41, bids, asks, NS, Sight())
    asked = AskBook("BTC/USDT", 1)
    heard = MIRROR.hear(asking(Op.BOOK, asked), CTX)
    assert isinstance(heard, Heard)
    assert heard.asked == asked
    reply = MIRROR.say(heard, depth, CTX, AT)
    levels: Levels = VENUE.endpoints[Op.BOOK].read(reply.body, asked, CTX)
    read = READERS[LevelShape.ROWS]
    assert (read(levels.bids), read(levels.asks)) == ([("62000", "0.00000005")], [("62000.1", "1")])
    assert (levels.whole, levels.last, levels.venue_ns) == (True, 41, NS)
    assert strangers(reply.body, VENUE.endpoints[Op.BOOK].known) == ()


# Every key of the documented rows, texts unless it says otherwise; from the vendor's pages, not from what we read.
SHAPES: dict[Op, str] = {
    Op.INSTRUMENTS: """alias auctionEndTime baseCcy category ctMult ctType ctVal ctValCcy contTdSwTime expTime groupId
        instFamily instId instType lever listTime lotSz maxIcebergSz maxLmtAmt maxLmtSz maxMktAmt maxMktSz maxStopSz
        maxTriggerSz maxTwapSz minSz optType openType preMktSwTime quoteCcy settleCcy state ruleType stk tickSz uly
        instCategory initPxLmtPct floatPxLmtPct maxPxLmtPct futureSettlement:bool tradeQuoteCcyList:list instIdCode:int
        upcChg:list""",
    Op.TICKER: """instType instId last lastSz askPx askSz bidPx bidSz open24h high24h low24h volCcy24h vol24h sodUtc0
        sodUtc8 ts""",
    Op.TRADES: "instId side sz source px tradeId ts",
    Op.FUNDING: """formulaType fundingRate fundingTime impactValue instId instType interestRate maxFundingRate method
        minFundingRate nextFundingRate nextFundingTime premium settFundingRate settState ts""",
    Op.FUNDINGS: "formulaType fundingRate fundingTime instId instType method realizedRate",
    Op.MARK: "instType instId markPx ts",
    Op.INDEX: "instId idxPx high24h sodUtc0 open24h low24h sodUtc8 ts",
    Op.BALANCES: """adjEq availEq borrowFroz imr isoEq mgnRatio mmr notionalUsd notionalUsdForBorrow
        notionalUsdForFutures notionalUsdForOption notionalUsdForSwap ordFroz totalEq uTime upl details:list""",
}
DETAIL = """availBal availEq cashBal ccy crossLiab disEq eq eqUsd fixedBal frozenBal imr interest isoEq isoLiab isoUpl
    liab maxLoan mgnRatio mmr notionalLever ordFrozen rewardBal spotInUseAmt spotIsoBal stgyEq twap uTime upl uplLiab
    spotBal openAvgPx accAvgPx spotUpl spotUplRatio totalPnl totalPnlRatio colRes collateralEnabled:bool autoLendStatus
    autoLendMtAmt borrowFroz smtSyncEq spotCopyTradingEq frpType colBorrAutoConversion clSpotInUseAmt maxSpotInUse"""


def shape(text: str) -> dict[str, str]:
    return {name: kind or "str" for name, _, kind in (word.partition(":") for word in text.split())}


@pytest.mark.parametrize(("op", "asked", "answer"), [one for one in ROUNDS if one[0] in SHAPES and one[2] != ()])
def test_every_documented_key_is_said_with_its_type(op: Op, asked: Any, answer: Any) -> None:
    """If this failed, other people's clients would miss a field in the simulator that the venue sends."""
    body = MIRROR.say(Heard(op, asked), answer, CTX, AT).body
    for row in msgspec.json.decode(body)["data"]:
        assert {name: type(value).__name__ for name, value in row.items()} == shape(SHAPES[op])
        for detail in row.get("details", ()):
            assert {name: type(value).__name__ for name, value in detail.items()} == shape(DETAIL)


def get(path: str, query: str = "", method: str = "GET") -> Heard | Fault:
    return MIRROR.hear(Request(method, "rest", f"/api/v5/{path}", query), CTX)


@pytest.mark.parametrize(
    ("path", "query", "code", "said", "status"),
    [
        ("market/ticker", "", "50014", "Parameter instId can not be empty.", 400),
        ("market/ticker", "instId=", "50014", "Parameter instId can not be empty.", 400),
        ("market/ticker", "instId=BTC-USDD", "51001", "Instrument ID doesn't exist.", 200),
        ("market/ticker", "instId=BTC%2FUSDT", "51001", "Instrument ID doesn't exist.", 200),
        ("market/tickers", "instType=SPORT", "51000", "Parameter instType error", 400),
        ("market/books", "instId=BTC-USDT&sz=many", "51000", "Parameter sz error", 400),
        ("market/books", "instId=BTC-USDT&sz=-1", "51000", "Parameter sz error", 400),
        ("market/candles", "instId=BTC-USDT&bar=7m", "51000", "Parameter bar error", 400),
        ("market/candles", "instId=BTC-USDT&bar=1D", "51000", "Parameter bar error", 400),
        ("market/candles", "instId=BTC-USDT&after=now", "51000", "Parameter after error", 400),
        ("market/history-trades", "instId=BTC-USDT&type=2", "51000", "Parameter type error", 400),
        ("market/history-trades", "instId=BTC-USDT&before=3", "51000", "Parameter before error", 400),
        ("market/index-tickers", "instId=BTC-DKK", "51014", "Index doesn't exist.", 200),
        ("public/instruments", "", "50014", "Parameter instType can not be empty.", 400),
        ("public/mark-price", "instId=BTC-USDT-SWAP&instType=SWEEP", "51000", "Parameter instType error", 400),
        ("market/no-such", "", "404", "Invalid URL path", 404),
    ],
)
def test_wrong_parameters_are_refused_in_the_venues_words(
    path: str, query: str, code: str, said: str, status: int
) -> None:
    """If this failed, a mistake would pass against the simulator and be found at the venue."""
    fault = get(path, query)
    assert isinstance(fault, Fault)
    reply = MIRROR.refuse(fault)
    assert (reply.status, msgspec.json.decode(reply.body)) == (status, {"code": code, "data": [], "msg": said})
    understood = VENUE.fault(reply, Op.BOOK)
    assert understood is not None
    assert understood.code == code


def test_a_post_to_a_read_is_refused() -> None:
    """If this failed, a client that uses the wrong method would not learn of it."""
    fault = get("public/time", method="POST")
    assert isinstance(fault, Fault)
    assert (fault.code, fault.status) == ("50115", 405)


def test_what_is_not_asked_is_the_venues_usual() -> None:
    """If this failed, a client relying on the documented defaults would get another answer."""
    book, trades = get("market/books", "instId=BTC-USDT"), get("market/trades", "instId=BTC-USDT")
    candles = get("market/candles", "instId=BTC-USDT")
    assert isinstance(book, Heard)
    assert isinstance(trades, Heard)
    assert isinstance(candles, Heard)
    assert (book.asked.depth, trades.asked.limit) == (1, 100)
    assert (candles.asked.interval, candles.asked.limit) == ("1m", 100)
    many = get("market/books", "instId=BTC-USDT&sz=9999")
    assert isinstance(many, Heard)
    assert many.asked.depth == 400


def test_pages_are_filled_from_their_newest_row() -> None:
    """If this failed, a client that asks for what is before a time would get the oldest rows instead of the newest."""
    heard = get("market/candles", "instId=BTC-USDT&before=1699999999999&after=1700006000000&limit=300")
    assert isinstance(heard, Heard)
    assert heard.newest
    assert (heard.asked.start_ns, heard.asked.end_ns) == (NS, 1_700_006_000_000 * MS)
    reply = MIRROR.say(heard, (bar(NS, True), bar(NS + 60_000 * MS, False)), CTX, AT)
    assert [row[0] for row in msgspec.json.decode(reply.body)["data"]] == ["1700000060000", "1700000000000"]


def test_calls_that_only_other_clients_make_are_answered() -> None:
    """If this failed, other people's clients could not load their markets from the simulator."""
    tickers = tuple(answer for op, _, answer in ROUNDS if op is Op.TICKER)
    heard = get("market/tickers", "instType=SWAP")
    assert isinstance(heard, Heard)
    said = msgspec.json.decode(MIRROR.say(heard, tickers, CTX, AT).body)["data"]
    assert [one["instId"] for one in said] == ["BTC-USDT-SWAP"]
    heard = get("public/instruments", "instType=FUTURES")
    assert isinstance(heard, Heard)
    assert heard.asked == AskListing("futures")
    assert isinstance(get("public/mark-price", "instId=BTC-USDT-SWAP"), Heard)
    heard = get("asset/currencies")
    assert isinstance(heard, Heard)
    said = msgspec.json.decode(MIRROR.say(heard, (), CTX, AT).body)["data"]
    assert [one["ccy"] for one in said] == ["BTC", "ETH", "USD", "USDT"]
    heard = get("account/balance", "ccy=BTC,ETH")
    assert isinstance(heard, Heard)
    said = msgspec.json.decode(MIRROR.say(heard, ROUNDS[-1][2], CTX, AT).body)["data"]
    assert [one["ccy"] for one in said[0]["details"]] == ["BTC"]


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [(Kind.MAINTENANCE, "50001", 503), (Kind.LIMIT, "50011", 429), (Kind.SERVER, "50026", 500)],
)
def test_what_the_world_does_is_said_in_the_venues_words(kind: Kind, code: str, status: int) -> None:
    """If this failed, a simulated outage would not look like the venue's."""
    reply = MIRROR.refuse(Fault(kind))
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (status, code)
    understood = VENUE.fault(reply, Op.BOOK)
    assert understood is not None
    assert understood.kind is kind


def test_a_used_up_budget_is_refused_and_nobody_is_banned() -> None:
    """If this failed, the simulator would teach a ban that the venue does not have, or no limit at all."""
    assert (MIRROR.limit("market/books", 900).code, MIRROR.limit("market/books", 900).wait_ms) == ("50011", 900)
    assert MIRROR.limit("orders", 900).code == "50061"  # of the account as a whole
    assert MIRROR.ban("market/books", 900, 0) is None
    assert MIRROR.toll(()) == {}


def test_demo_keys_have_the_venues_form() -> None:
    """If this failed, a tool that checks keys by their form would refuse the simulator's."""
    minted = MIRROR.mint(Random(1))
    assert [len(part) for part in minted.key.split("-")] == [8, 4, 4, 4, 12]
    assert (len(minted.secret), bool(minted.passphrase)) == (32, True)
    assert minted.secret not in repr(minted)
