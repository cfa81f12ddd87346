"""The venue's REST from its own side: what it takes, what it refuses in which words, what it says."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

import pytest

from fairlead.model.account import Balance
from fairlead.model.instrument import Catalog
from fairlead.model.market import MS, Candle, Ticker, Trade
from fairlead.venues.binance import auth
from fairlead.venues.binance.channels import NAME
from fairlead.venues.binance.mirror import MIRROR
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Levels
from fairlead.wire.endpoint import Ctx, build
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Reading
from fairlead.wire.mirror import Depth, Heard, Terms
from fairlead.wire.shapes import strangers
from fairlead.wire.signing import Stamp

BTC = MIRROR.listing(Terms("BTC/USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5)))
ETH = MIRROR.listing(Terms("ETH/USDT", Decimal("0.1"), Decimal(1), Decimal(1)))
CTX = Ctx(Catalog((BTC, ETH)))
AT = Stamp(venue_ms=1_764_000_000_123)
KEY, SECRET = "K" * 64, b"S" * 64
COMMON: dict[str, Any] = {"venue": NAME, "symbol": "BTC/USDT", "seen_ns": 0}
SPAN: dict[str, Any] = {"open": 1.0, "high": 3.0, "low": 0.5, "volume": 10.0, "quote_volume": 20.0}
DAY = Ticker(**COMMON, **SPAN, venue_ns=5 * MS, last=2.0, bid=1.99, ask=2.01)
TRADE = Trade(**COMMON, venue_ns=5 * MS, id="7", price=62000.01, qty=0.00001, side="sell")
BAR = Candle(**COMMON, **SPAN, venue_ns=0, interval="1m", open_ns=60_000 * MS, close=2.0, trades=4)


NOT_SENT = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


class Keys:
    """A Verifier and a Signer of one key."""

    key_id, algorithm = KEY, "hmac-sha256"

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(SECRET, message, hashlib.sha256)

    def knows(self, key_id: str) -> bool:
        return key_id == KEY

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool:
        return signature == self.sign(message)

    def part(self, *names: str) -> str:
        return ""

    def last_nonce(self, key_id: str) -> int:
        return 0

    def note_nonce(self, key_id: str, nonce: int) -> None: ...

    def bearer(self, token: str) -> str:
        return ""


def get(path: str, query: str = "", **headers: str) -> Request:
    return Request("GET", "rest", f"/api/v3/{path}", query=query, headers=headers)


def heard(path: str, query: str = "") -> Heard:
    told = MIRROR.hear(get(path, query), CTX)
    assert isinstance(told, Heard), told
    return told


def said(path: str, query: str, answer: Any) -> Any:
    reply = MIRROR.say(heard(path, query), answer, CTX, AT)
    assert reply.status == 200
    return json.loads(reply.body)


@pytest.mark.parametrize(
    ("path", "query", "code", "words"),
    [
        ("depth", "", -1102, NOT_SENT.format("symbol")),
        ("depth", "symbol=", -1102, NOT_SENT.format("symbol")),
        ("klines", "symbol=BTCUSDT", -1102, NOT_SENT.format("interval")),
        ("depth", "symbol=btcusdt", -1100,
         "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."),
        ("depth", "symbol=BTCUSDT&limit=ten", -1100,
         "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."),
        ("depth", "symbol=BTCUSDT&limit=0", -1130, "Data sent for parameter 'limit' is not valid."),
        ("depth", "symbol=BTCUSDT&depth=5", -1104,
         "Not all sent parameters were read; read '1' parameter(s) but was sent '2'."),
        ("time", "now=1", -1104, "Not all sent parameters were read; read '0' parameter(s) but was sent '1'."),
        ("depth", "symbol=DOGEUSDT", -1121, "Invalid symbol."),
        ("ticker/24hr", "symbol=DOGEUSDT", -1121, "Invalid symbol."),
        ("exchangeInfo", "symbols=%5B%22BTCUSDT%22,%22DOGEUSDT%22%5D", -1121, "Invalid symbol."),
        ("exchangeInfo", "symbol=BTCUSDT&permissions=SPOT", -1128, "Combination of optional parameters invalid."),
        ("ticker/price", "symbol=BTCUSDT&symbols=%5B%5D", -1128, "Combination of optional parameters invalid."),
        ("klines", "symbol=BTCUSDT&interval=7m", -1120, "Invalid interval."),
        ("klines", "symbol=BTCUSDT&interval=1M&startTime=-5", -1100,
         "Illegal characters found in parameter 'startTime'; legal range is '^[0-9]{1,20}$'."),
        ("depth", "symbol=BTCUSDT&symbolStatus=HALT", -1220,
         "The symbol's status does not match the requested symbolStatus."),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_in_the_venues_words(path: str, query: str, code: int, words: str) -> None:
    """If this failed, a bot's mistake would pass in the simulator and be refused only by the venue."""
    fault = MIRROR.hear(get(path, query), CTX)
    assert isinstance(fault, Fault)
    reply = MIRROR.refuse(fault)
    assert (reply.status, json.loads(reply.body)) == (400, {"code": code, "msg": words})
    told = VENUE.fault(reply, Op.BOOK)
    assert told is not None
    assert told.kind is fault.kind


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v3/userDataStream", 410), ("/api/v1/depth", 410), ("/fapi/v1/x", 404)]
)
def test_a_path_that_is_not_there_answers_with_a_page(path: str, status: int) -> None:
    """If this failed, a client of the retired API would believe that it still works."""
    fault = MIRROR.hear(Request("GET", "rest", path), CTX)
    assert isinstance(fault, Fault)
    reply = MIRROR.refuse(fault)
    assert reply.status == status
    assert reply.headers["content-type"] == "text/html"
    told = VENUE.fault(reply, Op.TIME)
    assert told is not None
    assert told.kind is Kind.GONE
    assert MIRROR.hear(Request("POST", "rest", "/api/v3/depth"), CTX) == MIRROR.hear(get("nowhere"), CTX)


@pytest.mark.parametrize(
    ("op", "asked"),
    [
        (Op.TIME, AskNothing()),
        (Op.INSTRUMENTS, AskListing()),
        (Op.BOOK, AskBook("BTC/USDT", 100)),
        (Op.TICKER, AskSymbol("BTC/USDT")),
        (Op.TRADES, AskTrades("BTC/USDT", 7)),
        (Op.TRADES, AskTrades("BTC/USDT", 7, since_ns=5 * MS)),
        (Op.TRADES, AskTrades("BTC/USDT", 7, page="99")),
        (Op.CANDLES, AskCandles("BTC/USDT", "1M", 5 * MS, 9 * MS, 7)),
        (Op.CANDLES, AskCandles("BTC/USDT", "1s", limit=7)),
        (Op.BALANCES, AskNothing()),
    ],
)
def test_what_the_adapter_asks_is_what_the_mirror_hears(op: Op, asked: Any) -> None:
    """If this failed, the simulator would answer another question than was asked."""
    told = MIRROR.hear(build(VENUE.endpoints[op], asked, CTX, VENUE.encode), CTX)
    assert isinstance(told, Heard)
    assert (told.op, told.asked) == (op, asked)


@pytest.mark.parametrize(
    ("op", "asked", "answer"),
    [
        (Op.TIME, AskNothing(), 1_764_000_000_123),
        (Op.INSTRUMENTS, AskListing(), (BTC, ETH)),
        (Op.TICKER, AskSymbol("BTC/USDT"), DAY),
        (Op.TRADES, AskTrades("BTC/USDT"), (TRADE,)),
        (Op.TRADES, AskTrades("BTC/USDT", since_ns=1), (TRADE,)),
        (Op.CANDLES, AskCandles("BTC/USDT", "1m"), (BAR,)),
        (Op.BALANCES, AskNothing(), (Balance("BTC", Decimal("1.5"), Decimal("0.5")),)),
    ],
)
def test_what_the_mirror_says_is_what_the_adapter_reads(op: Op, asked: Any, answer: Any) -> None:
    """If this failed, a number would change between the simulator's world and its client."""
    row = VENUE.endpoints[op]
    told = MIRROR.hear(build(row, asked, CTX, VENUE.encode), CTX)
    assert isinstance(told, Heard)
    reply = MIRROR.say(told, answer, CTX, AT)
    assert row.read(reply.body, asked, CTX) == answer
    assert strangers(reply.body, row.known) == ()


def test_a_book_is_said_in_padded_texts_and_no_deeper_than_asked() -> None:
    """If this failed, a price would be off by a power of ten, or a client get more levels than it can ask for."""
    bids = [(6_200_001 - at, 100_000 + at) for at in range(150)]
    whole = Depth("BTC/USDT", True, 9, 9, 8, bids, [(6_200_002, 7)], 0, NoSight())
    for query, most in (("symbol=BTCUSDT", 100), ("symbol=BTCUSDT&limit=5", 5)):
        told = said("depth", query, whole)
        assert told["lastUpdateId"] == 9
        assert len(told["bids"]) == most
        assert told["bids"][0] == ["62000.01000000", "1.00000000"]
        assert told["asks"] == [["62000.02000000", "0.00007000"]]
    row = VENUE.endpoints[Op.BOOK]
    answer = row.read(json.dumps(told).encode(), AskBook("BTC/USDT", 5), CTX)
    assert isinstance(answer, Levels)


class NoSight:
    def top(self, levels: int) -> Any:
        raise AssertionError("the whole is in the answer already")


def test_other_forms_of_a_ticker_and_of_trades_are_said_too() -> None:
    """If this failed, other people's clients, which ask otherwise than we do, would get no answer or a wrong one."""
    assert said("ping", "", 5) == {}
    wallet = MIRROR.hear(Request("GET", "rest", "/sapi/v1/capital/config/getall", query="timestamp=1&signature=2"), CTX)
    assert isinstance(wallet, Heard)
    assert MIRROR.say(wallet, 5, CTX, AT).body == b"[]"
    assert said("ticker/price", "symbol=BTCUSDT", DAY) == {"symbol": "BTCUSDT", "price": "2.00000000"}
    best = said("ticker/bookTicker", "symbol=BTCUSDT", DAY)
    assert (best["bidPrice"], best["askPrice"]) == ("1.99000000", "2.01000000")
    assert heard("ticker/24hr").asked == AskSymbol("")
    both = [DAY, Ticker(venue=NAME, symbol="ETH/USDT", venue_ns=0, seen_ns=0, last=None)]
    assert [one["symbol"] for one in said("ticker/price", "", both)] == ["BTCUSDT", "ETHUSDT"]
    assert said("ticker/price", "symbols=%5B%22ETHUSDT%22%5D", both) == [{"symbol": "ETHUSDT", "price": "0.00000000"}]
    [folded] = said("aggTrades", "symbol=BTCUSDT&limit=1", (TRADE,))
    assert folded == {"a": 7, "p": "62000.01000000", "q": "0.00001000", "f": 7, "l": 7, "T": 5, "m": True, "M": True}
    assert said("aggTrades", "symbol=BTCUSDT&startTime=1&endTime=4", (TRADE,)) == []
    assert heard("uiKlines", "symbol=BTCUSDT&interval=1m").asked == AskCandles("BTC/USDT", "1m", limit=500)
    info = said("exchangeInfo", "symbol=ETHUSDT", (BTC, ETH))
    assert [one["symbol"] for one in info["symbols"]] == ["ETHUSDT"]
    assert info["symbols"][0]["permissionSets"] == [["SPOT"]]


def test_empty_balances_are_said_unless_they_are_to_be_left_out() -> None:
    """If this failed, a client that counts on all assets, or on few, would see the other."""
    held = (Balance("BTC", Decimal(1), Decimal(1)), Balance("ETH", Decimal(0), Decimal(0)))
    assert [one["asset"] for one in said("account", "", held)["balances"]] == ["BTC", "ETH"]
    assert [one["asset"] for one in said("account", "omitZeroBalances=true", held)["balances"]] == ["BTC"]


def signed(query: str, key: str = KEY, **more: str) -> Request:
    signature = Keys().sign(query.encode()).hex()
    return get("account", f"{query}&signature={signature}", **{"x-mbx-apikey": key}, **more)


NOW = AT.venue_ms
LATE = "Timestamp for this request is outside of the recvWindow."
EARLY = "Timestamp for this request was 1000ms ahead of the server's time."


@pytest.mark.parametrize(
    ("request_", "status", "code", "words"),
    [
        (signed(f"timestamp={NOW}", key="short"), 401, -2014, "API-key format invalid."),
        (get("account", f"timestamp={NOW}"), 401, -2014, "API-key format invalid."),
        (signed(f"timestamp={NOW}", key="X" * 64), 401, -2015, "Invalid API-key, IP, or permissions for action."),
        (signed("recvWindow=5"), 400, -1102, NOT_SENT.format("timestamp")),
        (get("account", f"timestamp={NOW}", **{"X-MBX-APIKEY": KEY}), 400, -1102, NOT_SENT.format("signature")),
        (signed(f"timestamp={NOW - 5001}"), 400, -1021, LATE),
        (signed(f"recvWindow=0.5&timestamp={NOW - 1}"), 400, -1021, LATE),
        (signed(f"timestamp={NOW + 1000}"), 400, -1021, EARLY),
        (signed(f"recvWindow=60001&timestamp={NOW}"), 400, -1102,
         "'recvWindow' contains unexpected value. Cannot be greater than 60000."),
        (signed("timestamp=noon"), 400, -1100,
         "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'."),
        (get("account", f"timestamp={NOW}&signature={'0' * 64}", **{"X-MBX-APIKEY": KEY}), 400, -1022,
         "Signature for this request is not valid."),
        (get("account", f"timestamp={NOW}&signature=none", **{"X-MBX-APIKEY": KEY}), 400, -1022,
         "Signature for this request is not valid."),
    ],
)  # fmt: skip
def test_a_call_that_is_not_proven_is_refused_as_the_venue_does(
    request_: Request, status: int, code: int, words: str
) -> None:
    """If this failed, a wrong signature, clock or key would pass in the simulator and be refused only by the venue."""
    fault = MIRROR.proof(request_, Keys(), AT)
    assert fault is not None
    reply = MIRROR.refuse(fault)
    assert (reply.status, json.loads(reply.body)) == (status, {"code": code, "msg": words})


@pytest.mark.parametrize("age_ms", [-999, 0, 5_000])
def test_a_call_within_its_window_is_taken(age_ms: int) -> None:
    """If this failed, the simulator would be stricter than the venue is about the age of a call."""
    assert MIRROR.proof(signed(f"timestamp={NOW - age_ms}"), Keys(), AT) is None


def test_what_the_adapter_signs_is_proven() -> None:
    """If this failed, adapter and mirror would not agree on what is signed."""
    asked = build(VENUE.endpoints[Op.BALANCES], AskNothing(), CTX, VENUE.encode)
    assert MIRROR.proof(auth.sign(asked, Keys(), AT), Keys(), AT) is None
    told = MIRROR.hear(auth.sign(asked, Keys(), AT), CTX)
    assert isinstance(told, Heard)
    assert told.key_id == KEY


def test_limits_bans_and_tolls_are_told_as_the_venue_tells_them() -> None:
    """If this failed, our own handling of 429 and 418 would be tried against words that no venue says."""
    slow = MIRROR.refuse(MIRROR.limit("weight", 16_001))
    assert (slow.status, slow.headers["retry-after"]) == (429, "17")
    assert VENUE.readings(slow) == (Reading("weight", quiet_ms=17_000),)
    fault = MIRROR.ban("weight", 120_000, 1_764_000_120_123)
    assert fault is not None
    banned = MIRROR.refuse(fault)
    assert (banned.status, banned.headers["retry-after"]) == (418, "120")
    [reading] = VENUE.readings(banned)
    assert (reading.banned, reading.quiet_until_ms) == (True, 1_764_000_120_123)
    assert MIRROR.ban("frames", 1, 1) is None
    assert json.loads(MIRROR.refuse(MIRROR.limit("dials", 1)).body)["code"] == -1034
    assert json.loads(MIRROR.refuse(MIRROR.limit("raw", 1)).body)["code"] == -1003
    headers = MIRROR.toll((Reading("raw", used=9), Reading("weight", used=250)))
    assert VENUE.readings(Reply(200, headers, b"{}")) == (Reading("weight", used=250),)
    assert MIRROR.toll((Reading("raw", used=9),)) == {}


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (Fault(Kind.MAINTENANCE, status=503), 503, Kind.MAINTENANCE),
        (Fault(Kind.SERVER), 500, Kind.SERVER),
        (Fault(Kind.SYMBOL), 400, Kind.SYMBOL),
        (Fault(Kind.BLOCKED, status=403, said="Forbidden"), 403, Kind.BLOCKED),
        (Fault(Kind.REGION, status=451), 451, Kind.REGION),
    ],
)
def test_a_fault_without_a_code_gets_the_venues_own(fault: Fault, status: int, kind: Kind) -> None:
    """If this failed, the simulator's maintenance or mishaps would speak words that this venue does not know."""
    reply = MIRROR.refuse(fault)
    told = VENUE.fault(reply, Op.BOOK)
    assert told is not None
    assert (reply.status, told.kind) == (status, kind)
