"""What the venue really sent: every recorded line of this market gives its answer or event, and nothing is odd."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from fairlead.core.strand import Strand, Take
from fairlead.model.market import MS, Candle, Quote, Ticker, Trade
from fairlead.model.numbers import POWERS
from fairlead.testing import Recorder
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskNothing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Joined, Levels, Odd, Topic
from fairlead.wire.shapes import READERS, Inspector, LevelShape, strangers
from fairlead.wire.signing import Stamp
from tests import recorded
from tests.venues.binance.street import CTX

# Lines of this market that are not ours to read, by the end of their id.
NOT_OURS = {
    "rest_market/0001": "the wallet's list of assets",
    "rest_market/0002": "the average price: no call of ours",
    "rest_market/0003": "conversion's list of assets",
    "rest_market/0004": "margin's collateral",
    "rest_market/0006": "margin's interest",
    "rest_market/0007": "margin's tiers",
    "rest_market/0009": "margin's list of assets",
    "rest_market/0010": "the last price alone: no call of ours",
    "rest_market/0011": "how a reference price is made: no call of ours",
    "rest_market/0013": "the wallet's state",
    "rest_market/0036": "the last price alone: no call of ours",
    "ws_market/0001": "folded trades: no topic of ours, so nobody joins them",
    "ws_market/0002": "mini ticker: no topic of ours, so nobody joins it",
    "ws_market/0003": "rolling ticker: no topic of ours, so nobody joins it",
    "ws_market/0004": "a sample of the documents: BNBBTC on the stream of btcusdt",
    "ws_market/0017": "a book of 2017, before changes had a first number",
    "ws_market/0035": "the slow book: the fast one is joined here",
    "ws_market/0036": "a recorder's own snapshot, not the venue's",
    "ws_market/0037": "the slow book: the fast one is joined here",
}
OURS = {
    "rest_market/0005": (Op.INSTRUMENTS, AskListing("spot")),
    "rest_market/0008": (Op.CANDLES, AskCandles("BTC/USDT", "1w")),
    "rest_market/0012": (Op.TIME, AskNothing()),
    "rest_market/0014": (Op.TICKER, AskSymbol("BNB/BTC")),
    "rest_market/0029": (Op.BOOK, AskBook("ETH/BTC")),
    "rest_market/0030": (Op.INSTRUMENTS, AskListing("spot")),
    "rest_market/0034": (Op.BOOK, AskBook("BTC/USDT")),
    "rest_market/0035": (Op.TRADES, AskTrades("BTC/USDT", page="1111471896")),
    "rest_market/0037": (Op.TRADES, AskTrades("BTC/USDT")),
    "rest_market/0038": (Op.TICKER, AskSymbol("BNB/BTC")),
    # of both markets, but these are plainly of this one
    "rest_market/0042": (Op.CANDLES, AskCandles("BTC/USDT", "1h")),
    "rest_market/0043": (Op.TICKER, AskSymbol("BTC/USDT")),
    "rest_market/0055": (Op.CANDLES, AskCandles("ETH/BTC", "1m")),
}
STREAMED = {
    "ws_market/0015": Topic("ticker", "BNB/BTC"),
    "ws_market/0016": Topic("quote", "ETH/USDT"),
    "ws_market/0018": Topic("ticker", "ETH/BTC"),
    "ws_market/0033": Topic("trades", "BNB/BTC"),
    "ws_market/0034": Topic("quote", "BTC/USDT"),
    "ws_market/0032": Topic("candles", "BTC/USDT", "1M"),
    "ws_market/0049": Topic("trades", "ETH/BTC"),
}
CAPTURES = ("BTCUSDT_20240808", "LRCBTC_2021", "NKNUSDT_2021")
# noun's field -> where the same number stands in a recorded reply or event
TICKER = {"last": "lastPrice c", "bid": "bidPrice b", "ask": "askPrice a", "open": "openPrice o", "high": "highPrice h",
          "low": "lowPrice l", "volume": "volume v", "quote_volume": "quoteVolume q"}  # fmt: skip
QUOTE = {"bid": "b", "bid_qty": "B", "ask": "a", "ask_qty": "A"}
TRADE = {"price": "price p", "qty": "qty q"}
CANDLE = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v", "quote_volume": "q"}
ROW = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote_volume": 7}


def short(line: dict[str, Any]) -> str:
    return str(line["id"]).removeprefix("binance/")


def lines(name: str) -> dict[str, dict[str, Any]]:
    return {short(line): line for line in recorded.lines(f"binance/{name}.jsonl")}


def same(noun: Any, told: dict[str, Any], fields: dict[str, str]) -> None:
    """Each number is the float nearest to the text that was sent."""
    for field, places in fields.items():
        text = next(told[place] for place in places.split() if place in told)
        assert getattr(noun, field) == float(text) == float(Decimal(text))


def listen(*topics: Topic) -> tuple[Any, Recorder]:
    recorder = Recorder()
    streams = VENUE.doors[0].speak(CTX, None, recorder, Inspector(1))
    streams.open(Stamp())
    streams.join([(topic, recorder.lane(topic)) for topic in topics], Stamp())
    streams.receive(b'{"result":null,"id":1}', 0)
    return streams, recorder


def odd(recorder: Recorder) -> list[Odd]:
    return [word for word in recorder.words if isinstance(word, Odd)]


def test_no_recording_of_this_market_is_left_out() -> None:
    """If this failed, a recorded message could be there that nobody reads, and its misreading stay unseen."""
    spot = {
        name
        for file in ("rest_market", "ws_market")
        for name, line in lines(file).items()
        if line.get("product") == "spot"
    }
    assert spot <= NOT_OURS.keys() | OURS.keys() | STREAMED.keys()
    assert not NOT_OURS.keys() & (OURS.keys() | STREAMED.keys())


@pytest.mark.parametrize("name", OURS)
def test_a_recorded_reply_is_read(name: str) -> None:
    """If this failed, a real reply would be refused, misread, or hold a field that we take for a stranger."""
    op, asked = OURS[name]
    raw = lines("rest_market")[name]["raw"].encode()
    row = VENUE.endpoints[op]
    assert strangers(raw, row.known) == ()
    answer, told = row.read(raw, asked, CTX), json.loads(raw)
    match answer:
        case int():
            assert answer == told["serverTime"]
        case Ticker():
            same(answer, told, TICKER)
            assert answer.venue_ns == told["closeTime"] * MS
        case Levels():
            assert answer.last == told["lastUpdateId"]
            assert READERS[LevelShape.PAIRS](answer.bids) == [tuple(level) for level in told["bids"]]
            assert READERS[LevelShape.PAIRS](answer.asks) == [tuple(level) for level in told["asks"]]
        case _:
            entries = told["symbols"] if op is Op.INSTRUMENTS else told
            assert len(answer) == len(entries) > 0
            for one, entry in zip(answer, entries, strict=True):
                _same_row(one, entry)


def _same_row(one: Any, entry: Any) -> None:
    if isinstance(one, Trade):
        same(one, entry, TRADE)
        assert (one.id, one.venue_ns) == (str(entry["id"]), entry["time"] * MS)
        assert one.side == ("sell" if entry["isBuyerMaker"] else "buy")
    elif isinstance(one, Candle):
        assert [getattr(one, field) for field in ROW] == [float(entry[place]) for place in ROW.values()]
        assert (one.open_ns, one.trades) == (entry[0] * MS, entry[8])
    else:
        assert one.venue_symbol == entry["symbol"]
        assert one.symbol == f"{entry['baseAsset']}/{entry['quoteAsset']}"


@pytest.mark.parametrize("name", STREAMED)
def test_a_recorded_event_is_heard(name: str) -> None:
    """If this failed, a real event would be lost, misread, or called odd."""
    topic = STREAMED[name]
    streams, recorder = listen(topic)
    raw = lines("ws_market")[name]["raw"]
    streams.receive(raw.encode(), 1)
    assert odd(recorder) == []
    [(heard, event)] = recorder.heard
    told = json.loads(raw)
    assert heard == topic
    check(event, told.get("data", told))


def check(event: Any, told: dict[str, Any]) -> None:
    match event:
        case Trade():
            same(event, told, TRADE)
            assert (event.id, event.venue_ns) == (str(told["t"]), told["T"] * MS)
            assert event.side == ("sell" if told["m"] else "buy")
        case Quote():
            same(event, told, QUOTE)
            assert event.seq == told["u"]
        case Ticker():
            same(event, told, TICKER)
        case Candle():
            same(event, told["k"], CANDLE)
            assert (event.open_ns, event.closed, event.trades) == (told["k"]["t"] * MS, told["k"]["x"], told["k"]["n"])
        case Levels():
            assert (event.first, event.last, event.venue_ns) == (told["U"], told["u"], told["E"] * MS)
            assert msgspec.json.decode(event.bids) == told["b"]
            assert msgspec.json.decode(event.asks) == told["a"]
        case _:
            pytest.fail(f"an unexpected {event!r}")


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_recorded_feed_is_heard_whole(capture: str) -> None:
    """If this failed, something of a real feed would be lost, doubled, reordered, misread or told as odd."""
    symbol = f"{capture[:3]}/{capture.partition('_')[0][3:]}"
    topics = [Topic(kind, symbol) for kind in ("book", "trades", "quote", "ticker")]
    streams, recorder = listen(*topics, Topic("candles", symbol, "1m"))
    told = Counter[str]()
    for line in recorded.lines(f"binance/captures/spot_{capture}.jsonl.gz"):
        if line["dir"] != "recv":
            continue
        before, message = len(recorder.heard), json.loads(line["raw"])
        streams.receive(line["raw"].encode(), 1)
        kind = message["stream"].partition("@")[2]
        told[kind] += 1
        if kind == "aggTrade":  # nobody joined it
            assert len(recorder.heard) == before
        else:
            assert len(recorder.heard) == before + 1
            check(recorder.heard[-1][1], message["data"])
    assert odd(recorder) == []
    assert told["depth@100ms"] > 10
    ids = [int(event.id) for topic, event in recorder.heard if topic.kind == "trades"]
    assert all(after == before + 1 for before, after in pairwise(ids))
    assert len(ids) == told["trade"]


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_recorded_book_is_followed_without_a_gap(capture: str) -> None:
    """If this failed, a real book would be thrown away without need, or differ from the best prices told beside it."""
    symbol = f"{capture[:3]}/{capture.partition('_')[0][3:]}"
    rule = VENUE.doors[0].book_rule("")
    assert rule is not None
    strand = Strand(CTX.catalog.theirs(symbol), rule, 1000)
    streams, recorder = listen(Topic("book", symbol), Topic("quote", symbol))
    quotes: dict[int, Quote] = {}
    tops: dict[int, tuple[float, float]] = {}
    for line in recorded.lines(f"binance/captures/spot_{capture}.jsonl.gz"):
        if line["dir"] == "rest":
            whole = VENUE.endpoints[Op.BOOK].read(line["raw"].encode(), AskBook(symbol), CTX)
            assert strand.supply(whole) is Take.WHOLE
        recorder.heard.clear()
        streams.receive(line["raw"].encode(), 1)
        for _, event in recorder.heard:
            if isinstance(event, Quote):
                quotes[event.seq] = event
                continue
            assert strand.take(event) in (Take.APPLIED, Take.WAITING, Take.IGNORED), strand.why
            if strand.live:
                rungs = strand.rungs
                bid, ask = (ladder.top(1)[0][0] / POWERS[rungs.price_decimals] for ladder in (rungs.bids, rungs.asks))
                tops[strand.last] = (bid, ask)
    shared = quotes.keys() & tops.keys()
    assert strand.live
    assert shared
    assert [seq for seq in shared if tops[seq] != (quotes[seq].bid, quotes[seq].ask)] == []


def test_recorded_control_frames_are_understood() -> None:
    """If this failed, subscriptions that the venue acknowledged would be taken for refused or lost."""
    [line] = [line for line in lines("ws_session").values() if line.get("product") == "spot"]
    recorder = Recorder()
    topics = [Topic("candles", "BTC/USDT", interval) for interval in ("8h", "1h")]
    streams = VENUE.doors[0].speak(CTX, None, recorder, Inspector(1))
    streams.open(Stamp())
    acknowledged = iter(("1", "2"))
    for topic in topics:
        streams.join([(topic, recorder.lane(topic))], Stamp())
    asked = [frame["text"] for frame in line["frames"] if frame["dir"] == "send"]
    for ours, theirs, number in zip(recorder.frames, asked, ("1", "2"), strict=True):
        assert json.loads(ours) == json.loads(theirs.replace("|*|", number))
    for frame in line["frames"]:
        if frame["dir"] == "recv":
            streams.receive(frame["text"].replace("|id|", next(acknowledged)).encode(), 0)
    assert recorder.words[1:] == [Joined(topic) for topic in topics]
