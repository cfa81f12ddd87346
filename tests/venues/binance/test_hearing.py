"""The venue's end of a stream: control frames, limits, numbering; and the conversation against it, in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.market import MS, Candle, Quote, Ticker, Trade
from fairlead.testing import Recorder
from fairlead.venues.binance.channels import NAME
from fairlead.venues.binance.hearing import MarketRoom
from fairlead.venues.binance.mirror import MIRROR
from fairlead.venues.binance.stream import Streams
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Ending, Joined, Levels, Odd, Topic
from fairlead.wire.mirror import Depth, Heard
from fairlead.wire.shapes import READERS, Inspector, LevelShape
from fairlead.wire.signing import Stamp
from tests.venues.binance.street import BTC, CTX, Listener

NOBODY: Any = None  # market streams verify nothing
SECOND = 1_000 * MS
BOOK = Topic("book", "BTC/USDT")
COMMON: dict[str, Any] = {"venue": NAME, "symbol": "BTC/USDT", "seen_ns": 5}
DAY: dict[str, Any] = {"open": 1.5, "high": 3.0, "low": 0.5, "volume": 10.0, "quote_volume": 20.0}
EVENTS: dict[Topic, Any] = {
    Topic("trades", "BTC/USDT"): Trade(**COMMON, venue_ns=9 * MS, id="7", price=62000.01, qty=0.00001, side="buy"),
    Topic("quote", "BTC/USDT"): Quote(**COMMON, venue_ns=0, bid=1.0, bid_qty=2.5, ask=1.01, ask_qty=1e-5, seq=99),
    Topic("ticker", "BTC/USDT"): Ticker(**COMMON, **DAY, venue_ns=9 * MS, last=2.0, bid=1.0, ask=2.0),
    Topic("candles", "BTC/USDT", "1h"): Candle(
        **COMMON, **DAY, venue_ns=9 * MS, interval="1h", open_ns=3_600 * SECOND, close=2.0, trades=4, closed=True
    ),
}


class NoSight:
    def top(self, levels: int) -> Any:
        raise AssertionError("this venue tells changes only")


def change(first: int, last: int) -> Depth:
    bids, asks = [(6_200_001, 43_100_000), (6_200_000, 0)], [(6_200_002, 1)]
    return Depth("BTC/USDT", False, first, last, first - 1, bids, asks, 9 * MS, NoSight())


def room(path: str = "/stream") -> tuple[MarketRoom, Listener]:
    listener = Listener()
    opened = MarketRoom(CTX, NOBODY, listener)
    opened.open(Stamp(), path)
    return opened, listener


def say(opened: MarketRoom, at_s: float = 0, **words: Any) -> None:
    opened.receive(json.dumps(words).encode(), Stamp(mono_ns=int(at_s * SECOND)))


def test_a_conversation_and_its_hearing_understand_each_other() -> None:
    """If this failed, an event would be lost, changed or misdirected between the simulator and the adapter."""
    opened, listener = room()
    recorder = Recorder()
    streams = Streams(CTX, None, recorder, Inspector(1))
    streams.open(Stamp())
    topics = [BOOK, *EVENTS]
    streams.join([(topic, recorder.lane(topic)) for topic in topics], Stamp())
    for frame in recorder.frames:
        opened.receive(frame, Stamp())
    assert listener.joined == topics
    for topic, event in EVENTS.items():
        opened.tell(topic, event, Stamp())
    opened.tell(BOOK, change(5, 8), Stamp())
    opened.warn(60_000, Stamp(venue_ms=77))
    for frame in listener.frames:
        streams.receive(frame, 5)
    assert [word for word in recorder.words if isinstance(word, Odd)] == []
    assert [word.topic for word in recorder.words if isinstance(word, Joined)] == topics
    assert isinstance(recorder.words[-1], Ending)
    *events, (_, levels) = recorder.heard
    assert events == list(EVENTS.items())
    assert isinstance(levels, Levels)
    assert (levels.first, levels.last, levels.venue_ns) == (5, 8, 9 * MS)
    assert READERS[LevelShape.PAIRS](levels.bids) == [
        ("62000.01000000", "431.00000000"),
        ("62000.00000000", "0.00000000"),
    ]
    assert BTC.qty(43_100_000) == 431


def test_a_probe_is_answered_with_what_is_subscribed() -> None:
    """If this failed, the adapter's proof of life would find no ear, and quiet connections would be torn down."""
    opened, listener = room()
    recorder = Recorder()
    streams = Streams(CTX, None, recorder, Inspector(1))
    streams.open(Stamp())
    streams.join([(BOOK, recorder.lane(BOOK))], Stamp())
    opened.receive(recorder.frames[0], Stamp())
    streams.receive(listener.frames[0], 0)
    streams.tick(Stamp(mono_ns=SECOND))
    streams.tick(Stamp(mono_ns=20 * SECOND))
    opened.receive(recorder.frames[1], Stamp(mono_ns=20 * SECOND))
    assert json.loads(listener.frames[1]) == {"result": ["btcusdt@depth@100ms"], "id": 2}
    streams.receive(listener.frames[1], 0)
    assert len(recorder.frames) == 2


def test_the_whole_book_is_told_by_rest_alone() -> None:
    """If this failed, a client would see a change that no venue sends."""
    opened, listener = room()
    say(opened, method="SUBSCRIBE", params=["btcusdt@depth"], id=1)
    whole = Depth("BTC/USDT", True, 8, 8, 8, [(1, 1)], [(2, 1)], 0, NoSight())
    opened.tell(BOOK, whole, Stamp())
    assert len(listener.frames) == 1


def test_an_unknown_stream_is_acknowledged_and_then_silent() -> None:
    """If this failed, a bot with a misspelled stream would be told so in the simulator, but never by the venue."""
    opened, listener = room()
    say(
        opened,
        method="SUBSCRIBE",
        params=["dogeusdt@trade", "btcusdt@nonsense", "nonsense", "btcusdt@kline_7m"],
        id="a-1",
    )
    assert json.loads(listener.frames[0]) == {"result": None, "id": "a-1"}
    assert listener.joined == []
    say(opened, method="LIST_SUBSCRIPTIONS", id=None)
    assert len(json.loads(listener.frames[1])["result"]) == 4


def test_the_short_ticker_is_told_beside_the_long_one() -> None:
    """If this failed, clients that are content with the short form would hear nothing."""
    opened, listener = room()
    topic = Topic("ticker", "BTC/USDT")
    say(opened, method="SUBSCRIBE", params=["btcusdt@miniTicker", "btcusdt@ticker"], id=1)
    opened.tell(topic, EVENTS[topic], Stamp())
    short, long = (json.loads(frame)["data"] for frame in listener.frames[1:])
    assert (short.pop("e"), long.pop("e")) == ("24hrMiniTicker", "24hrTicker")
    assert set(short) == set("Escohlvq")
    assert short.items() <= long.items()


def test_leaving_a_stream_leaves_its_topic_when_no_other_stream_needs_it() -> None:
    """If this failed, events would go on after leaving, or end for a stream that stays."""
    opened, listener = room()
    trades = Topic("trades", "BTC/USDT")
    say(opened, method="SUBSCRIBE", params=["btcusdt@trade", "btcusdt@aggTrade", "btcusdt@trade"], id=1)
    assert listener.joined == [trades, trades]
    say(opened, method="UNSUBSCRIBE", params=["btcusdt@trade", "ethusdt@trade"], id=2)
    opened.tell(trades, EVENTS[trades], Stamp())
    told = json.loads(listener.frames[-1])
    assert told["stream"] == "btcusdt@aggTrade"
    assert told["data"]["l"] == 7
    assert listener.left == []
    say(opened, method="UNSUBSCRIBE", params=["btcusdt@aggTrade"], id=3)
    assert listener.left == [trades]
    opened.tell(trades, EVENTS[trades], Stamp())
    assert json.loads(listener.frames[-1]) == {"result": None, "id": 3}


@pytest.mark.parametrize(
    ("frame", "code", "words"),
    [
        (b"{", 3, "Invalid JSON: expected value at line 1 column 1"),
        (b"\xff", 3, "Invalid JSON"),
        (b'{"id":1}', 2, "Invalid request: missing field `method`"),
        (b'{"method":7}', 2, "Invalid request: invalid type"),
        (b'{"method":"SUBSCRIBEE","id":1}', 2, "Invalid request: unknown variant `SUBSCRIBEE`, expected one"),
        (b'{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1.5}', 2, "Invalid request: request ID must be"),
        (b'{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}', 2, "Invalid request: invalid type"),
        (b'{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "Invalid value type: expected Boolean"),
        (b'{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0, "Unknown property"),
        (b'{"method":"GET_PROPERTY","params":["colour"],"id":1}', 0, "Unknown property"),
    ],
)  # fmt: skip
def test_a_wrong_control_frame_is_refused_in_the_venues_words(frame: bytes, code: int, words: str) -> None:
    """If this failed, a bot's broken frame would pass in the simulator."""
    opened, listener = room()
    opened.receive(frame, Stamp())
    [told] = map(json.loads, listener.frames)
    assert told["code"] == code
    assert told["msg"].startswith(words)
    assert listener.joined == []


def test_envelopes_can_be_switched_off_and_on() -> None:
    """If this failed, clients that want bare events would get them wrapped."""
    opened, listener = room()
    say(opened, method="SUBSCRIBE", params=["btcusdt@bookTicker"], id=1)
    say(opened, method="GET_PROPERTY", params=["combined"], id=2)
    say(opened, method="SET_PROPERTY", params=["combined", False], id=3)
    topic = Topic("quote", "BTC/USDT")
    opened.tell(topic, EVENTS[topic], Stamp())
    opened.warn(0, Stamp(venue_ms=7))
    told = [json.loads(frame) for frame in listener.frames[1:]]
    assert told[:2] == [{"result": True, "id": 2}, {"result": None, "id": 3}]
    assert told[2]["u"] == 99
    assert told[3] == {"e": "serverShutdown", "E": 7}


@pytest.mark.parametrize(
    ("path", "names", "combined"),
    [
        ("/stream", [], True),
        ("/stream?streams=btcusdt@trade/btcusdt@kline_1h", ["btcusdt@trade", "btcusdt@kline_1h"], True),
        ("/stream?streams=btcusdt%40trade", ["btcusdt@trade"], True),
        ("/ws", [], False),
        ("/ws/", [], False),
        ("/ws/btcusdt@trade", ["btcusdt@trade"], False),
        ("/ws/btcusdt%40trade", ["btcusdt@trade"], False),
        ("/ws/0", ["0"], False),
    ],
)
def test_the_address_names_streams_and_their_form(path: str, names: list[str], combined: bool) -> None:
    """If this failed, clients that subscribe by address would hear nothing, or not in the form they expect."""
    opened, listener = room(path)
    assert listener.frames == []
    say(opened, method="LIST_SUBSCRIPTIONS", id=1)
    assert json.loads(listener.frames.pop()) == {"result": names, "id": 1}
    topic = Topic("trades", "BTC/USDT")
    assert (topic in listener.joined) == ("btcusdt@trade" in names)
    opened.tell(topic, EVENTS[topic], Stamp())
    assert [json.loads(frame).get("stream") for frame in listener.frames] == (
        [("btcusdt@trade" if combined else None)] * ("btcusdt@trade" in names)
    )
    say(opened, method="GET_PROPERTY", params=["combined"], id=2)
    assert json.loads(listener.frames[-1])["result"] is combined


def test_an_address_with_too_many_streams_is_closed() -> None:
    """If this failed, a crowded address would work in the simulator alone."""
    _, listener = room("/stream?streams=" + "/".join(f"a{number}@trade" for number in range(1_025)))
    assert (listener.closed, listener.joined) == ((1008, "Too many streams"), [])


@pytest.mark.parametrize(("gaps_s", "closed"), [([0.2001] * 12, None), ([0.1] * 6, (1008, "Too many requests"))])
def test_more_than_five_frames_a_second_end_the_connection(gaps_s: list[float], closed: Any) -> None:
    """If this failed, a client that speaks too fast would learn it from the venue's ban."""
    opened, listener = room()
    at_s = 0.0
    for gap_s in gaps_s:
        assert listener.closed is None
        at_s += gap_s
        say(opened, at_s, method="LIST_SUBSCRIPTIONS", id=1)
    assert listener.closed == closed


@pytest.mark.parametrize(("more", "closed"), [("a0@trade", None), ("one@more", (1008, "Too many streams"))])
def test_more_than_1024_streams_end_the_connection(more: str, closed: tuple[int, str] | None) -> None:
    """If this failed, a client could crowd one connection as the venue does not allow."""
    opened, listener = room()
    say(opened, method="SUBSCRIBE", params=[f"a{number}@trade" for number in range(VENUE.doors[0].max_topics)], id=1)
    assert listener.closed is None
    say(opened, 1, method="SUBSCRIBE", params=[more], id=2)
    assert listener.closed == closed


def test_it_pings_every_twenty_seconds() -> None:
    """If this failed, a client that does not answer pings would not notice in the simulator."""
    opened, listener = room()
    for at in range(0, 61, 5):
        opened.tick(Stamp(mono_ns=at * SECOND, venue_ms=at))
    assert len(listener.pings) == len(set(listener.pings)) == 3


@pytest.mark.parametrize(
    ("echoed", "closed"),
    [([0, 1, 2, 3], None), ([1], None), ([0], (1008, "Pong timeout")), ([], (1008, "Pong timeout"))],
)
def test_who_owes_a_pong_for_a_minute_is_cut_off(echoed: list[int], closed: Any) -> None:
    """If this failed, a client that answers pings late, wrongly or never would first learn it from the venue."""
    opened, listener = room()
    for at_s in range(101):
        at = Stamp(mono_ns=at_s * SECOND, venue_ms=at_s * 1_000)
        opened.tick(at)
        if at_s % 20 == 1 and at_s > 20:
            opened.pong(b"unasked", at)
            for one in echoed:
                if one == at_s // 20 - 1:
                    opened.pong(listener.pings[one], at)
    assert listener.closed == closed


def test_pongs_count_as_frames() -> None:
    """If this failed, a client that floods with pongs would learn it from the venue's ban."""
    opened, listener = room()
    for _ in range(6):
        opened.pong(b"", Stamp())
    assert listener.closed == (1008, "Too many requests")


def test_calls_do_no_harm_and_the_room_is_where_the_door_leads() -> None:
    """If this failed, the adapter's path would find no room in the simulator."""
    opened, listener = room()
    opened.say(Heard(Op.TIME, None), 5, Stamp())
    assert listener.frames == []
    assert [MIRROR.paths[door.name] for door in VENUE.doors] == [
        door.path((), None).partition("?")[0] for door in VENUE.doors
    ]
    assert repr(opened) == "<MarketRoom 0 streams, combined>"


ODD = ["SUBSCRIBE", "UNSUBSCRIBE", "SET_PROPERTY", 1, None, [], ["btcusdt@trade"], ["combined", True], {}, 1e300]
WORDS = st.dictionaries(st.sampled_from(["method", "params", "id"]), st.sampled_from(ODD))


@given(st.binary(max_size=60) | WORDS.map(lambda words: json.dumps(words).encode()))
def test_any_frame_is_answered_or_ends_the_connection(frame: bytes) -> None:
    """If this failed, a client's broken frame could bring the simulator down."""
    opened, listener = room()
    opened.receive(frame, Stamp())
    assert len(listener.frames) == 1
