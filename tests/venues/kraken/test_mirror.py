"""The simulated venue's REST: it hears every client that the venue hears, and answers what the adapter reads back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.io.clock import seeded
from fairlead.model.account import Balance
from fairlead.model.market import Candle, Ticker, Trade
from fairlead.venues.kraken.faults import BANNED_MS
from fairlead.venues.kraken.mirror import MIRROR
from fairlead.venues.kraken.rest import PATHS
from fairlead.venues.kraken.venue import VENUE
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.endpoint import build
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.mirror import Heard
from tests.recorded import lines
from tests.venues.kraken.places import AT, BTC, CTX, DOGE, ETH, Key, Sight

NS = 1_767_225_600_000_000_000


def get(path: str, query: str = "") -> Request:
    return Request("GET", "rest", path, query=query)


def heard(request: Request) -> Heard:
    found = MIRROR.hear(request, CTX)
    assert isinstance(found, Heard), found
    return found


def told(request: Request, answer: Any) -> Any:
    return json.loads(MIRROR.say(heard(request), answer, CTX, AT).body)["result"]


@pytest.mark.parametrize(
    ("op", "asked"),
    [
        (Op.TIME, AskNothing()),
        (Op.INSTRUMENTS, AskListing("spot")),
        (Op.BOOK, AskBook("BTC/USD", 17)),
        (Op.TICKER, AskSymbol("DOGE/USDT")),
        (Op.TRADES, AskTrades("ETH/BTC", 50)),
        (Op.TRADES, AskTrades("ETH/BTC", 1000, since_ns=NS)),
        (Op.CANDLES, AskCandles("BTC/USD", "15d", start_ns=NS, limit=720)),
        (Op.CANDLES, AskCandles("BTC/USD", "1m", limit=720)),
        (Op.BALANCES, AskNothing()),
    ],
)
def test_it_hears_what_the_adapter_asks(op: Op, asked: Any) -> None:
    """If this failed, the simulator would answer another question than the one asked."""
    found = heard(build(VENUE.endpoints[op], asked, CTX, VENUE.encode))
    assert (found.op, found.asked, found.path) == (op, asked, VENUE.endpoints[op].path)


def ticker(symbol: str, **numbers: float) -> Ticker:
    plain = Ticker(venue="kraken", symbol=symbol, venue_ns=0, seen_ns=0, last=1.0)
    return msgspec.structs.replace(plain, **numbers)


def trade(id: int, after_ns: int, side: str) -> Trade:
    return Trade(
        venue="kraken",
        symbol="DOGE/USDT",
        venue_ns=NS + after_ns,
        seen_ns=0,
        id=str(id),
        price=0.1234567,
        qty=1e-8,
        side=side,
    )


def bar(number: int) -> Candle:
    return Candle(
        venue="kraken",
        symbol="ETH/BTC",
        venue_ns=0,
        seen_ns=0,
        interval="4h",
        open_ns=NS + number * 14_400_000_000_000,
        open=0.0335,
        high=0.034,
        low=0.0331,
        close=0.03355,
        volume=12.5,
        trades=number,
        closed=number < 2,
    )


def held(asset: str, total: str, free: str) -> Balance:
    return Balance(asset, Decimal(total), Decimal(free))


ANSWERS: list[tuple[Op, Any, Any]] = [
    (Op.TIME, AskNothing(), 1_767_225_601_000),
    (Op.INSTRUMENTS, AskListing("spot"), (BTC, ETH, DOGE)),
    (
        Op.TICKER,
        AskSymbol("BTC/USD"),
        ticker("BTC/USD", last=98010.1, bid=1.5, ask=2.5, high=98444.4, low=95512.3, volume=1954.00219674),
    ),
    (Op.TRADES, AskTrades("DOGE/USDT", 2), (trade(8, 0, "buy"), trade(9, 123_456_789, "sell"))),
    (Op.CANDLES, AskCandles("ETH/BTC", "4h", start_ns=NS), (bar(0), bar(1), bar(2))),
    (
        Op.BALANCES,
        AskNothing(),
        (held("BTC", "1.5", "0.25"), held("USD", "7", "7"), held("BTC.M", "0.1", "0.1"), held("DOGE", "1", "0")),
    ),
]


@pytest.mark.parametrize(("op", "asked", "answer"), ANSWERS, ids=[op for op, _, _ in ANSWERS])
def test_the_adapter_reads_back_what_it_says(op: Op, asked: Any, answer: Any) -> None:
    """If this failed, the simulator's world would look different through the wire."""
    reply = MIRROR.say(heard(build(VENUE.endpoints[op], asked, CTX, VENUE.encode)), answer, CTX, AT)
    assert VENUE.fault(reply, op) is None
    assert VENUE.endpoints[op].read(reply.body, asked, CTX) == answer


def test_a_book_is_padded_and_cut() -> None:
    """If this failed, a client would see more levels than it asked for, or numbers as the venue never writes them."""
    view = Sight({980_100: 150_000_000, 980_090: 1}, {980_101: 12_500_000})
    found = told(get(PATHS[Op.BOOK], "pair=XXBTZUSD&count=1"), view.whole())
    assert found == {"XXBTZUSD": {"asks": [["98010.10000", "0.12500000", NS // 10**9]],
                                  "bids": [["98010.00000", "1.50000000", NS // 10**9]]}}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("/0/public/Depth", "", "EGeneral:Invalid arguments"),
        ("/0/public/Depth", "pair=ABCDEF", "EQuery:Unknown asset pair"),
        ("/0/public/Ticker", "pair=XBTUSD,ABCDEF", "EQuery:Unknown asset pair"),
        ("/0/public/AssetPairs", "pair=ABCDEF", "EQuery:Unknown asset pair"),
        ("/0/public/Depth", "pair=XBTUSD&count=501", "EGeneral:Invalid arguments"),
        ("/0/public/Trades", "pair=XBTUSD&count=0", "EGeneral:Invalid arguments"),
        ("/0/public/Trades", "pair=XBTUSD&since=yesterday", "EGeneral:Invalid arguments"),
        ("/0/public/OHLC", "pair=XBTUSD&interval=120", "EGeneral:Invalid arguments"),
        ("/0/public/Nothing", "", "EGeneral:Unknown method"),
        ("/0/private/BalanceEx", "", "EGeneral:Unknown method"),
    ],
)
def test_wrong_questions_are_refused_in_the_venues_words(path: str, query: str, said: str) -> None:
    """If this failed, a mistake would work in the simulator and fail at the venue."""
    found = MIRROR.hear(get(path, query), CTX)
    assert isinstance(found, Fault)
    reply = MIRROR.refuse(found)
    assert (reply.status, json.loads(reply.body)) == (200, {"error": [said]})


@given(st.sampled_from(sorted(PATHS.values())), st.text(max_size=40), st.binary(max_size=40))
def test_any_question_is_heard_or_refused(path: str, query: str, body: bytes) -> None:
    """If this failed, a client's nonsense would end the simulator."""
    for request in (get(path, query), Request("POST", "rest", path, body=body)):
        assert isinstance(MIRROR.hear(request, CTX), Heard | Fault)


def test_other_peoples_requests_are_heard() -> None:
    """If this failed, third-party clients could not be driven against the simulator: these are the calls they make."""
    ours = {"fetch_time", "fetch_markets", "fetch_ticker", "fetch_tickers", "fetch_order_book", "fetch_trades",
            "fetch_ohlcv", "fetch_balance"}  # fmt: skip
    found = set[str]()
    for line in lines("kraken/request.jsonl"):
        if line["product"] != "spot" or line["method"] not in ours:
            continue
        at = urlsplit(line["url"])
        heard(Request(line["http_method"], "rest", at.path, at.query, line["headers"], (line["body"] or "").encode()))
        found.add(line["method"])
    assert found == ours


def test_what_others_ask_besides_is_answered() -> None:
    """If this failed, a third-party client would stop at its first call: they load the assets before the markets."""
    assets = told(get("/0/public/Assets"), (BTC, ETH, DOGE))
    assert {code: (one["altname"], one["decimals"]) for code, one in assets.items()} == {
        "XXBT": ("XBT", 10), "XETH": ("ETH", 10), "XXDG": ("XDG", 10), "USDT": ("USDT", 10), "ZUSD": ("USD", 4),
    }  # fmt: skip
    status = told(get("/0/public/SystemStatus"), 1_767_225_600_000)
    assert status == {"status": "online", "timestamp": "2026-01-01T00:00:00Z"}
    balance = Request("POST", "rest", "/0/private/Balance", body=b"nonce=1")
    assert told(balance, (held("BTC", "1.5", "0.25"),)) == {"XXBT": "1.5"}
    tickers = (ticker("BTC/USD"), ticker("ETH/BTC"))
    for query in ("pair=XXBTZUSD,XETHXXBT", "pair=ETHXBT,XBT/USD", ""):
        assert set(told(get("/0/public/Ticker", query), tickers)) == {"XXBTZUSD", "XETHXXBT"}
    assert set(told(get("/0/public/AssetPairs", "pair=ETHXBT"), (BTC, ETH))) == {"XETHXXBT"}


def test_since_is_taken_in_seconds_too() -> None:
    """If this failed, clients that page trades by seconds would get them from 1970 on."""
    found = heard(get(PATHS[Op.TRADES], "pair=XBTUSD&since=1767225600"))
    assert found.asked == AskTrades("BTC/USD", 1000, NS + 1)


def test_limits_and_bans_speak_as_the_venue_does() -> None:
    """If this failed, clients would learn to wait for signs that the venue does not give."""
    words = {"calls": "EAPI:Rate limit exceeded", "public": "EGeneral:Too many requests", "frames": "Exceeded msg rate",
             "engine": "EOrder:Rate limit exceeded"}  # fmt: skip
    for budget in VENUE.budgets:
        reply = MIRROR.refuse(MIRROR.limit(budget.name, 1_500))
        if budget.name == "dials":
            assert (reply.status, reply.headers["retry-after"], reply.body) == (429, "2", b"error code: 1015")
        else:
            assert (reply.status, json.loads(reply.body)) == (200, {"error": [words[budget.name]]})
        assert (MIRROR.ban(budget.name, BANNED_MS, 0) is not None) is (budget.name == "dials")
    assert MIRROR.toll(()) == {}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_refusal_has_words(kind: Kind) -> None:
    """If this failed, a mishap of some kind would be said in words that no client has ever heard."""
    reply = MIRROR.refuse(Fault(kind))
    said = VENUE.fault(reply, Op.PLACE)
    assert said is not None
    told_back = {
        Kind.SYMBOL,
        Kind.INVALID,
        Kind.KEY,
        Kind.NONCE,
        Kind.SIGNATURE,
        Kind.LIMIT,
        Kind.MAINTENANCE,
        Kind.BAN,
    }
    assert said.kind is kind or kind not in told_back


def test_maintenance_and_pages_keep_their_status() -> None:
    """If this failed, the proxy's pages would look like the venue's words."""
    closed = MIRROR.refuse(Fault(Kind.MAINTENANCE, status=503))
    assert (closed.status, json.loads(closed.body)) == (200, {"error": ["EService:Unavailable"]})
    page = MIRROR.refuse(Fault(Kind.SERVER, status=520))
    assert (page.status, page.headers["content-type"]) == (520, "text/html")
    assert VENUE.fault(Reply(page.status, page.headers, page.body), Op.PLACE) is not None


def test_a_demo_key_has_the_venues_form() -> None:
    """If this failed, clients that check a key's form would refuse the simulator's, or it could not sign."""
    minted = MIRROR.mint(seeded(1))
    assert (len(minted.key), len(minted.secret), minted.in_base64) == (56, 88, True)
    assert len(Key(minted.secret).sign(b"")) == 64
    assert VENUE.key_kinds == ("hmac-sha512:base64",)
