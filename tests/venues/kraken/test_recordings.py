"""Every recorded message of this venue that the adapter covers is read right, number by number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from fairlead.core.strand import Strand, Take
from fairlead.model.instrument import Catalog
from fairlead.model.market import Candle, Quote, Ticker, Trade
from fairlead.venues.kraken.channels import BOOK_RULE, OURS, rfc3339_ns
from fairlead.venues.kraken.venue import VENUE
from fairlead.venues.kraken.wire import DISPLAY, asset
from fairlead.wire.asks import AskBook, AskCandles, AskListing, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Joined, Levels, Odd, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.http import Reply
from fairlead.wire.shapes import strangers
from tests.recorded import folder, lines
from tests.venues.kraken.places import Talk, named

folder("kraken")

LISTS = ("rest_market/0005", "rest_market/0015", "rest_market/0018", "rest_market/0027", "rest_market/0032",
         "market_list_kraken/0001")  # fmt: skip
READ = {
    "rest_market/0006": Op.TRADES, "rest_market/0029": Op.TRADES, "rest_market/0033": Op.TRADES,
    "rest_market/0035": Op.TRADES, "rest_market/0014": Op.BOOK, "rest_market/0024": Op.BOOK,
    "rest_market/0017": Op.TICKER, "rest_market/0026": Op.TICKER, "rest_market_large/0001": Op.CANDLES,
}  # fmt: skip
HEARD = {
    "ws_market/0003", "ws_market/0004", "ws_market/0005", "ws_market/0006", "ws_market/0013", "ws_market/0014",
    "ws_market/0039", "ws_market/0040", "ws_market/0041", "ws_market/0042", "ws_market/0043", "ws_market/0044",
    "ws_market/0057",
}  # fmt: skip
SAID = {"ws_market/0056", "ws_session/0006", "ws_session/0023", "ws_session/0024", "ws_session/0025", "ws_session/0026"}
# What is not read, by id, with the reason. (Products other than `spot`: futures are another venue; v1 is frozen.)
EXCEPTED = {
    "rest_market/0013": "Assets: codes are mapped by table",
    "rest_market/0016": "SystemStatus: not read",
    "rest_market/0025": "SystemStatus: not read",
    "rest_market/0028": "Spread: not read",
    "rest_market/0030": "a book of the futures venue",
    "rest_market/0031": "a book of the futures venue",
    "rest_market/0034": "a fill of one's own",
    "rest_market/0036": "fills of one's own",
    "rest_market/0040": "a request",
    "rest_market/0041": "a request",
    "ws_market/0011": "level3 has a socket of its own",
    "ws_market/0012": "level3 has a socket of its own",
    "ws_market/0048": "a frame of the frozen v1 socket",
    "ws_market/0049": "a frame of the frozen v1 socket",
    "ws_market/0050": "a frame of the frozen v1 socket",
    "ws_market/0051": "a frame of the frozen v1 socket",
    "ws_market/0052": "a frame of the frozen v1 socket",
    "ws_market/0053": "a frame of the frozen v1 socket",
    "ws_market/0054": "a frame of the frozen v1 socket",
    "ws_market/0055": "instrument: lists come by REST",
    "ws_session/0001": "a request", "ws_session/0002": "a request", "ws_session/0003": "a request",
    "ws_session/0004": "a request",
    "ws_session/0007": "a token's reply: private",
    "ws_session/0008": "a frame of the frozen v1 socket",
    "ws_session/0015": "a frame of the frozen v1 socket",
    "ws_session/0016": "a frame of the frozen v1 socket",
    "ws_session/0017": "a request", "ws_session/0018": "a request",
    "ws_session/0019": "executions: private", "ws_session/0020": "executions: private",
    "ws_session/0021": "instrument: lists come by REST", "ws_session/0022": "instrument: lists come by REST",
    "ws_session/0027": "a request", "ws_session/0028": "a request",
}  # fmt: skip
ROW_ALONE = "rest_market/0033"


def recorded(name: str, ending: str = "jsonl") -> dict[str, dict[str, Any]]:
    return {line["id"].removeprefix("kraken/"): line for line in lines(f"kraken/{name}.{ending}")}


def everything() -> dict[str, dict[str, Any]]:
    names = [("rest_market", "jsonl"), ("rest_market_large", "jsonl.gz"), ("ws_market", "jsonl"),
             ("ws_session", "jsonl"), ("market_list_kraken", "jsonl.gz")]  # fmt: skip
    return {one: line for name, ending in names for one, line in recorded(name, ending).items()}


RECORDED = everything()


def test_every_recording_is_read_or_excepted() -> None:
    """If this failed, a recording that could show a mistake would be passed over in silence."""
    spot = {one for one, line in RECORDED.items() if line.get("product", "spot") == "spot"}
    assert spot == {*LISTS, *READ, *HEARD, *SAID, *EXCEPTED}


# ---- REST


@pytest.mark.parametrize("one", LISTS)
def test_every_listed_market_maps_both_ways(one: str) -> None:
    """If this failed, a market of the real venue could not be reached, or would be taken for another."""
    body = RECORDED[one]["raw"].encode()
    sent = json.loads(body)["result"]
    row = VENUE.endpoints[Op.INSTRUMENTS]
    told = row.read(body, AskListing("spot"), Ctx(Catalog(())))
    assert strangers(body, row.known) == ()
    assert [found.names["reply"] for found in told] == list(sent)
    catalog = Catalog(told)
    assert len(catalog) == len(sent)
    for found in told:
        pair = sent[found.names["reply"]]
        assert all(catalog.ours(name, use) is found for use, name in found.names.items())
        assert catalog.ours(found.venue_symbol) == found
        assert (found.venue_symbol, found.price_decimals) == (pair["altname"], pair["pair_decimals"])
        assert found.min_qty == Decimal(pair.get("ordermin", "0"))
        if "wsname" in pair:
            shown = [DISPLAY.get(name, name) for name in pair["wsname"].split("/")]
            assert found.symbol == found.names["ws"] == "/".join(shown)
            assert shown == [asset(pair["base"]), asset(pair["quote"])]
        else:
            assert found.symbol.endswith(".d")
        assert str(found.parts) == found.symbol


def market(key: str) -> Ctx:
    listed = VENUE.endpoints[Op.INSTRUMENTS].read(
        RECORDED["market_list_kraken/0001"]["raw"].encode(), AskListing(), Ctx(Catalog(()))
    )
    found = Catalog(listed).ours(key)
    assert found is not None, key
    return Ctx(Catalog([found]))


@pytest.mark.parametrize(("one", "op"), READ.items(), ids=list(READ))
def test_a_recorded_reply_is_read_to_the_digit(one: str, op: Op) -> None:
    """If this failed, a reply of the real venue would be misread, or a field of it unknown to us."""
    raw: str = RECORDED[one]["raw"]
    body = (f'{{"error":[],"result":{{"XETHXXBT":[{raw}],"last":"0"}}}}' if one == ROW_ALONE else raw).encode()
    result = json.loads(body, parse_float=str)["result"]
    key = next(name for name in result if name != "last")
    ctx = market(key)
    symbol = next(iter(ctx.catalog)).symbol
    asked = {Op.TRADES: AskTrades(symbol), Op.BOOK: AskBook(symbol), Op.TICKER: AskSymbol(symbol),
             Op.CANDLES: AskCandles(symbol, "1m")}[op]  # fmt: skip
    answer = VENUE.endpoints[op].read(body, asked, ctx)
    assert VENUE.fault(Reply(200, {}, body), op) is None
    assert strangers(body, VENUE.endpoints[op].known) == ()
    same_answer(answer, result[key], result.get("last"))


def same_answer(answer: Any, sent: Any, last: Any) -> None:
    if isinstance(answer, Levels):
        assert (json.loads(bytes(answer.bids)), json.loads(bytes(answer.asks))) == (sent["bids"], sent["asks"])
        return
    if isinstance(answer, Ticker):
        numbers = [answer.last, answer.bid, answer.ask, answer.high, answer.low, answer.volume]
        texts = [sent["c"][0], sent["b"][0], sent["a"][0], sent["h"][1], sent["l"][1], sent["v"][1]]
        assert numbers == [float(text) for text in texts]
        return
    for event, row in zip(answer, sent, strict=True):
        if isinstance(event, Trade):
            assert (event.price, event.qty, event.side) == (
                float(row[0]),
                float(row[1]),
                {"b": "buy", "s": "sell"}[row[3]],
            )
            whole, _, part = str(row[2]).partition(".")
            assert event.venue_ns == int(whole + part.ljust(9, "0"))
            assert event.id == (str(row[6]) if len(row) > 6 else "")
        else:
            assert [event.open, event.high, event.low, event.close, event.volume] == [
                float(text) for text in (*row[1:5], row[6])
            ]
            assert (event.open_ns, event.trades, event.closed) == (row[0] * 10**9, row[7], row[0] <= last)


# ---- sockets

TOPICS = {"book": "book", "trade": "trades", "ticker": "ticker", "ohlc": "candles"}


def topic_of(frame: dict[str, Any]) -> Topic:
    item = frame["data"][0]
    detail = {"book": "10", "ohlc": OURS.get(int(item.get("interval", 0)), "")}.get(frame["channel"], "")
    return Topic(TOPICS[frame["channel"]], item["symbol"], detail)


@pytest.mark.parametrize("one", sorted(HEARD))
def test_a_recorded_frame_is_heard_to_the_digit(one: str) -> None:
    """If this failed, a message of the real venue would be lost, misread, or taken for something odd."""
    raw = RECORDED[one]["raw"]
    frame = json.loads(raw, parse_float=str)
    topic = topic_of(frame)
    topics = [topic, Topic("quote", topic.symbol)] if topic.kind == "ticker" else [topic]
    talk = Talk(*topics, ctx=named(topic.symbol))
    if topic.kind == "book" and frame["type"] == "update":
        talk.receive({"channel": "book", "type": "snapshot", "data": [{"symbol": topic.symbol, "checksum": 0}]})
        talk.out.heard.clear()
    talk.receive(raw.encode())
    assert talk.words(Odd) == []
    assert len(talk.out.heard) == len(frame["data"]) * len(topics)
    for at, (_, event) in enumerate(talk.out.heard):
        same_event(event, frame["data"][at // len(topics)], frame)


def same_event(event: Any, item: dict[str, Any], frame: dict[str, Any]) -> None:
    at_ns = rfc3339_ns(item.get("timestamp", ""))
    match event:
        case Levels():
            sides = [json.loads(bytes(side), parse_float=str) for side in (event.bids, event.asks)]
            assert sides == [item["bids"], item["asks"]]
            assert (event.checksum, event.whole, event.venue_ns) == (
                item["checksum"],
                frame["type"] == "snapshot",
                at_ns,
            )
        case Trade():
            assert (event.price, event.qty) == (float(item["price"]), float(item["qty"]))
            assert (event.side, event.id, event.venue_ns) == (item["side"], str(item["trade_id"]), at_ns)
        case Quote():
            numbers = [event.bid, event.bid_qty, event.ask, event.ask_qty]
            assert numbers == [float(item[name]) for name in ("bid", "bid_qty", "ask", "ask_qty")]
            assert event.venue_ns == at_ns
        case Ticker():
            assert (event.bid, event.ask) == (float(item["bid"]), float(item["ask"]))
            assert event.last == (float(item["last"]) if "last" in item else None)
        case Candle():
            names = ("open", "high", "low", "close", "volume")
            assert [getattr(event, name) for name in names] == [float(item[name]) for name in names]
            assert (event.open_ns, event.trades) == (rfc3339_ns(item["interval_begin"]), item["trades"])
            assert event.venue_ns == rfc3339_ns(frame.get("timestamp", ""))
        case _:
            pytest.fail(f"an unknown event: {event!r}")


@pytest.mark.parametrize("one", sorted(SAID))
def test_recorded_words_are_understood(one: str) -> None:
    """If this failed, an acknowledgement of the real venue would not count, and be asked for again and again."""
    frame = json.loads(RECORDED[one]["raw"])
    told = frame.get("result", {})
    topic = Topic("candles", told["symbol"], "5m") if told else Topic("trades", "BTC/USD")
    talk = Talk(topic, ctx=named(topic.symbol))
    talk.receive(RECORDED[one]["raw"].encode())
    assert talk.words(Odd) == []
    assert talk.words(Joined) == ([Joined(topic)] if frame.get("method") == "subscribe" else [])


# ---- captures


def captured() -> Iterator[bytes]:
    for line in lines("kraken/captures/v2_BTC-USD_2023.jsonl.gz"):
        yield line["raw"].encode()


def test_every_session_of_this_protocol_is_replayed() -> None:
    """If this failed, a recorded session would lie unused: the others are of the frozen v1 socket and of futures."""
    names = {path.name for path in folder("kraken/captures").iterdir()}
    assert {name for name in names if not name.startswith(("v1_", "futures_"))} == {"v2_BTC-USD_2023.jsonl.gz"}


def test_a_recorded_session_rebuilds_the_venues_book() -> None:
    """If this failed, a level of a real book would be lost or misplaced: every message carries the venue's own sum."""
    ctx = market("XXBTZUSD")
    book = Topic("book", "BTC/USD", "10")
    talk = Talk(book, ctx=ctx)
    talk.receive(*captured())
    strand = Strand(ctx.catalog.theirs("BTC/USD"), BOOK_RULE, 10)
    took = [strand.take(event) for _, event in talk.out.heard]
    assert took == [Take.WHOLE] + [Take.APPLIED] * 220
    assert talk.words(Odd) == []


def test_one_lost_message_of_a_recorded_session_is_found() -> None:
    """If this failed, the sums would prove nothing."""
    ctx = market("XXBTZUSD")
    frames = list(captured())
    for lost in (1, 50, 219):
        talk = Talk(Topic("book", "BTC/USD", "10"), ctx=ctx)
        talk.receive(*frames[:lost], *frames[lost + 1 :])
        strand = Strand(ctx.catalog.theirs("BTC/USD"), BOOK_RULE, 10)
        assert Take.GAP in [strand.take(event) for _, event in talk.out.heard]
