"""Every recorded message of this venue that the adapter covers is read right, number by number."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.model.market import MS, Quote, Ticker, Trade
from fairlead.venues.okx.channels import FEEDS, Arg, topic_of
from fairlead.venues.okx.venue import VENUE
from fairlead.venues.okx.wire import symbol_of
from fairlead.wire.asks import AskBook, AskCandles, AskFundings, AskListing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Joined, Levels, Odd, Topic
from fairlead.wire.shapes import READERS, LevelShape, strangers
from tests.recorded import folder, lines
from tests.venues.okx.places import BOOK, TRADES, Talk, named

folder("okx")

ASKED: dict[Op, Any] = {
    Op.BOOK: AskBook("BTC/USDT"),
    Op.CANDLES: AskCandles("BTC/USDT", "1m"),
    Op.FUNDING: AskSymbol("BTC/USD:BTC"),
    Op.FUNDINGS: AskFundings("BTC/USD:BTC"),
    Op.INDEX: AskSymbol("BTC/USDT"),
    Op.INSTRUMENTS: AskListing("swap"),
    Op.MARK: AskSymbol("BTC/USDT:USDT"),
    Op.TICKER: AskSymbol("BTC/USDT"),
    Op.TRADES: AskTrades("BTC/USDT"),
}
READ = {  # the recordings of REST that the endpoints cover
    Op.BOOK: (12, 28, 31, 32, 33),
    Op.CANDLES: (23, 47, 48),
    Op.FUNDING: (51,),
    Op.FUNDINGS: (6, 49),
    Op.INDEX: (24,),
    Op.INSTRUMENTS: (25, 26, 40),
    Op.MARK: (9, 27),
    Op.TICKER: (37, 41, 42, 43, 55, 56),
    Op.TRADES: (14, 30, 44, 46),
}
# What looks like ours and is not, by id, with the reason.
EXCEPTED = {
    "okx/rest_market/0039": "an option, which has no symbol here",
    "okx/rest_market/0045": "a fill of one's own, though its op says parse_trade",
    "okx/ws_market/0001": "made up: the frame is about ETH-USDT, its row about BTC-USD-SWAP",
    "okx/ws_market/0003": "made up: the frame is about ETH-USDT, its row about LTC-USD-190628",
    "okx/ws_market/0015": "an option, which has no symbol here",
    "okx/ws_market/0047": "the rows alone, without their frame",
    "okx/ws_session/0001": "made up: candles of one member",
    "okx/ws_session/0003": "a login, which public connections do not have",
}
UNNAMED = {  # channels and endpoints that the adapter does not read
    "index-candle1D", "opt-summary", "status", "instruments", "trades-all", "open-interest", "liquidations",
    "liquidation-orders",
}  # fmt: skip


def recorded(name: str) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in lines(f"okx/{name}.jsonl")}


def rest_cases() -> Iterator[Any]:
    found = recorded("rest_market")
    for op, numbers in READ.items():
        for number in numbers:
            line = found[f"okx/rest_market/{number:04}"]
            raw: str = line["raw"]
            whole = raw if raw.startswith('{"code"') else f'{{"code":"0","msg":"","data":[{raw}]}}'
            yield pytest.param(op, whole.encode(), id=f"{op}-{number:04}")


@pytest.mark.parametrize(("op", "body"), list(rest_cases()))
def test_recorded_replies_are_read_to_the_digit(op: Op, body: bytes) -> None:
    """If this failed, a reply of the real venue would be misread, or a field of it unknown to us."""
    row = VENUE.endpoints[op]
    answer = row.read(body, ASKED[op], named("BTC-USDT"))
    assert strangers(body, row.known) == ()
    data = json.loads(body)["data"]
    rows = list(answer) if isinstance(answer, tuple) else [answer]
    for event, sent in zip(rows, reversed(data) if op in NEWEST_FIRST else data, strict=True):
        same(event, sent)


NEWEST_FIRST = (Op.TRADES, Op.CANDLES, Op.FUNDINGS)


def same(event: Any, sent: Any) -> None:
    """The event's numbers are the floats nearest to the texts, and its time is theirs."""
    kind = type(event).__name__
    if kind == "Instrument":
        assert str(symbol_of(sent["instId"], sent["settleCcy"])) == event.symbol
        assert (str(event.min_qty), event.venue_symbol) == (sent["minSz"], sent["instId"])
        assert (float(event.price_tick), float(event.qty_step)) == (float(sent["tickSz"]), float(sent["lotSz"]))
    elif kind == "Levels":
        assert (json.loads(bytes(event.bids)), json.loads(bytes(event.asks))) == (sent["bids"], sent["asks"])
        assert event.venue_ns == int(sent["ts"]) * MS
    elif kind == "Candle":
        numbers = [event.open, event.high, event.low, event.close, event.volume]
        assert (event.open_ns, numbers) == (int(sent[0]) * MS, [float(text) for text in sent[1:6]])
        assert event.closed is (sent[8:] == ["1"])
    else:
        for name, field in TEXTS[kind]:
            assert getattr(event, name) == (float(sent[field]) if sent[field] else None), name


TEXTS = {
    "Trade": (("price", "px"), ("qty", "sz")),
    "Ticker": (
        ("last", "last"), ("bid", "bidPx"), ("ask", "askPx"), ("open", "open24h"), ("high", "high24h"),
        ("low", "low24h"), ("volume", "vol24h"),
    ),
    "Funding": (("rate", "fundingRate"),),
    "FundingPaid": (("rate", "realizedRate"),),
    "Mark": (("price", "markPx"),),
    "Index": (("price", "idxPx"),),
}  # fmt: skip


def test_every_recorded_reply_of_ours_is_in_the_table() -> None:
    """If this failed, a recording that could show a mistake would be passed over in silence."""
    taken = {f"okx/rest_market/{number:04}" for numbers in READ.values() for number in numbers}
    words = (
        "book",
        "ticker",
        "trade",
        "ohlcv",
        "candle",
        "funding",
        "mark_price",
        "index_price",
        "instruments",
        "market",
    )
    ours = {one for one, line in recorded("rest_market").items() if any(word in line["op"] for word in words)}
    others = {"okx/rest_market/0057"}  # a conversion of coins
    assert ours - taken - set(EXCEPTED) == others


def ws_cases() -> Iterator[Any]:
    for one, line in recorded("ws_market").items():
        arg = json.loads(line["raw"])
        arg = arg.get("arg", {}) if isinstance(arg, dict) else {}
        if one not in EXCEPTED and arg.get("channel") not in UNNAMED and "instId" in arg:
            yield pytest.param(line["raw"].encode(), Arg(arg["channel"], arg["instId"]), id=one)


@pytest.mark.parametrize(("frame", "arg"), list(ws_cases()))
def test_recorded_frames_are_heard_to_the_digit(frame: bytes, arg: Arg) -> None:
    """If this failed, a message of the real venue would be lost, misread, or taken for something odd."""
    ctx = named(arg.inst_id)
    topic = topic_of(arg, ctx)
    assert topic is not None
    talk = Talk([topic], ctx)
    if FEEDS[arg.channel].noun is None:  # changes follow a whole
        whole = [{"asks": [], "bids": [], "ts": "0", "seqId": 1, "prevSeqId": -1}]
        talk.receive({"arg": arg, "action": "snapshot", "data": whole})
        talk.out.heard.clear()
    talk.receive(frame)
    assert talk.words(Odd) == []
    assert talk.words(Joined) == [Joined(topic)]
    said = json.loads(frame)
    assert len(talk.out.heard) == len(said.get("data", []))
    for (lane, event), sent in zip(talk.out.heard, said.get("data", []), strict=True):
        assert lane == topic
        if isinstance(event, Quote):
            heard = (event.bid, event.bid_qty, event.ask, event.ask_qty)
            assert heard == tuple(float(side[0][at]) for side in (sent["bids"], sent["asks"]) for at in (0, 1))
        else:
            same(event, sent)


def test_every_recorded_frame_of_ours_is_heard_above() -> None:
    """If this failed, the cases above could shrink to nothing and stay green."""
    heard = {str(case.id) for case in ws_cases()}
    channels = {one: json.loads(line["raw"]) for one, line in recorded("ws_market").items()}
    left = {one for one in channels if one not in heard and one not in EXCEPTED}
    assert {
        one
        for one in left
        if not isinstance(channels[one], dict) or channels[one].get("arg", {}).get("channel") in FEEDS
    } == {"okx/ws_market/0011"}  # rows of options, without their frame
    assert len(heard) == 37


def test_a_recorded_acknowledgement_joins() -> None:
    """If this failed, a subscription would be asked for again and again although it stands."""
    talk = Talk([Topic("ticker", "BTC/USDT")], named("BTC-USDT"))
    talk.receive(recorded("ws_session")["okx/ws_session/0002"]["raw"].encode())
    assert talk.words(Joined) == [Joined(Topic("ticker", "BTC/USDT"))]


def test_a_recorded_session_rebuilds_the_venues_book() -> None:
    """If this failed, a level of a real book would be lost or misplaced: the sums of that time (CRC32 over the texts of
    25 levels a side; the venue numbered nothing yet) say what the book was after each message."""
    frames = [line["raw"].encode() for line in lines("okx/captures/BTC-USDT_2022.jsonl.gz")]
    topics = [BOOK, TRADES, Topic("ticker", "BTC/USDT")]
    talk, rows = Talk(topics, named("BTC-USDT")), READERS[LevelShape.ROWS]
    sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
    sums = 0
    for frame in frames:
        talk.out.heard.clear()
        talk.receive(frame)
        for _, event in talk.out.heard:
            if isinstance(event, Levels):
                for name, raw in (("bids", event.bids), ("asks", event.asks)):
                    side = {} if event.whole else sides[name]
                    sides[name] = {price: qty for price, qty in {**side, **dict(rows(raw))}.items() if qty != "0"}
                assert checksum(sides["bids"], sides["asks"]) == json.loads(frame)["data"][0]["checksum"]
                sums += 1
            else:
                assert isinstance(event, Trade | Ticker)
    assert (sums, talk.words(Odd)) == (98, [])


def checksum(bids: dict[str, str], asks: dict[str, str]) -> int:
    best_bids = sorted(bids.items(), key=lambda level: -float(level[0]))[:25]
    best_asks = sorted(asks.items(), key=lambda level: float(level[0]))[:25]
    text = ":".join(f"{bid[0]}:{bid[1]}:{ask[0]}:{ask[1]}" for bid, ask in zip(best_bids, best_asks, strict=True))
    found = zlib.crc32(text.encode())
    return found - 2**32 if found >= 2**31 else found


def test_recorded_balances_are_exact() -> None:
    """If this failed, a balance would be rounded on its way to the user."""
    row = VENUE.endpoints[Op.BALANCES]
    for number in (2, 30, 37):
        body = recorded("rest_account")[f"okx/rest_account/{number:04}"]["raw"].encode()
        answer = row.read(body, None, named())
        sent = json.loads(body)["data"][0]["details"]
        assert [(one.asset, str(one.total), str(one.free)) for one in answer] == [
            (one["ccy"], one["cashBal"], one["availBal"]) for one in sent
        ]
        assert strangers(body, row.known) == ()
