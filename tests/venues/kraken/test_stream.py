"""The conversation where transcripts do not reach: shared lines, batches, silence, late listeners, and any bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.market import Candle, Quote, Ticker, Trade
from fairlead.venues.kraken.channels import CHANNELS, DEPTHS, KINDS, checksum, rfc3339_ns
from fairlead.venues.kraken.replies import rfc3339
from fairlead.venues.kraken.stream import ACK_NS, PING_NS, SYMBOLS_A_FRAME, TRIES_MOST, MarketStreams
from fairlead.venues.kraken.venue import VENUE
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.conversation import Answer, Call, Joined, Levels, Odd, Ready, Refused, Topic
from fairlead.wire.shapes import Nonsense
from tests.venues.kraken.places import AT, BOOK, BTC, QUOTE, SECOND_NS, TICKER, TRADES, Talk, later, named

ACK_S, PING_S = ACK_NS / SECOND_NS, PING_NS / SECOND_NS


def ack(channel: str, symbol: str = "BTC/USD", method: str = "subscribe", **more: Any) -> dict[str, Any]:
    return {"method": method, "result": {"channel": channel, "symbol": symbol, **more}, "success": True}


def book(kind: str = "snapshot", symbol: str = "BTC/USD") -> dict[str, Any]:
    return {"channel": "book", "type": kind, "data": [{"symbol": symbol, "bids": [], "asks": [], "checksum": 0}]}


def ticker(symbol: str = "BTC/USD") -> dict[str, Any]:
    item = {"symbol": symbol, "bid": 1.5, "bid_qty": 1, "ask": 1.6, "ask_qty": 2}
    return {"channel": "ticker", "type": "update", "data": [item]}


# ---- sums and times


def test_the_checksum_is_the_vendors() -> None:
    """If this failed, every book would be thrown away at once, or a wrong one kept."""
    asks = """45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660
        45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827"""
    bids = """45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586
        45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238"""
    fixed = [
        [
            (int(price.replace(".", "")), int(qty.replace(".", "")))
            for price, qty in (one.split("/") for one in side.split())
        ]
        for side in (bids, asks)
    ]
    assert checksum(fixed[0], fixed[1], BTC) == 3310070434
    deeper = [[*side, (1, 1)] for side in fixed]
    assert checksum(deeper[0], deeper[1], BTC) == 3310070434
    assert checksum([(1004, 100_000_000), (990, 10)], [(1005, 25_000_000)], BTC) == 2652305242


@given(st.integers(0, 2**62), st.integers(0, 9))
def test_times_go_both_ways_to_the_last_digit(ns: int, digits: int) -> None:
    """If this failed, the venue's time would lose digits, and lateness be measured wrong."""
    ns -= ns % 10 ** (9 - digits)
    text = rfc3339(ns, digits) if digits else rfc3339(ns, 0).replace(".", "")
    assert rfc3339_ns(text) == ns


@pytest.mark.parametrize(
    "text",
    ["now", "2026-01-01T00:00:00", "2026-01-01T00:00:00+01:00", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00.xZ"],
)
def test_what_is_no_time_is_not_taken_for_one(text: str) -> None:
    """If this failed, an event could carry a time that nobody told."""
    with pytest.raises(Nonsense):
        rfc3339_ns(text)


# ---- joining


def test_the_door_knows_every_kind_it_offers() -> None:
    """If this failed, a topic would be sent to a door that refuses it, or a depth offered that the venue lacks."""
    door, private = VENUE.doors
    assert private.topics == {"orders", "balances"}
    assert door.topics == set(KINDS)
    assert set(KINDS.values()) == set(CHANNELS)
    assert door.depths == DEPTHS == (10, 25, 100, 500, 1000)
    assert door.speak is MarketStreams


def test_ready_comes_at_once() -> None:
    """If this failed, the engine would wait for ever: a public socket has no login."""
    assert Talk().out.words == [Ready()]


def test_many_symbols_go_in_few_frames_and_each_is_refused_or_joined_alone() -> None:
    """If this failed, two hundred books would break the limit of frames, or one bad name take the others with it."""
    names = [f"C{n}/USD" for n in range(SYMBOLS_A_FRAME + 1)]
    talk = Talk(*[Topic("book", name) for name in names], ctx=named(*names))
    assert [len(frame["params"]["symbol"]) for frame in talk.sent] == [SYMBOLS_A_FRAME, 1]
    talk.receive({"method": "subscribe", "error": "Currency pair not supported C1/USD", "success": False,
                  "symbol": "C1/USD", "req_id": 1})  # fmt: skip
    talk.receive(*[ack("book", name, depth=10) for name in names if name != "C1/USD"])
    assert [word.topic.symbol for word in talk.words(Refused)] == ["C1/USD"]
    assert len(talk.words(Joined)) == SYMBOLS_A_FRAME


def test_a_second_listener_of_an_open_line_gets_a_new_beginning() -> None:
    """If this failed, a quote joined after a ticker would be asked for twice, which the venue refuses, or hear nothing
    until the price moves."""
    talk = Talk(TICKER)
    talk.receive(ack("ticker"), ticker())
    talk.join(QUOTE)
    assert [frame["method"] for frame in talk.sent] == ["subscribe", "unsubscribe", "subscribe"]
    talk.receive(ack("ticker", method="unsubscribe"), ack("ticker"), ticker())
    assert [(topic, type(event)) for topic, event in talk.out.heard[1:]] == [(TICKER, Ticker), (QUOTE, Quote)]
    assert talk.words(Joined) == [Joined(TICKER), Joined(TICKER), Joined(QUOTE)]


def test_a_line_left_and_joined_again_is_asked_for_again() -> None:
    """If this failed, a topic joined right after it was left would stay silent for ever."""
    talk = Talk(TRADES)
    talk.receive(ack("trade"))
    talk.streams.leave([TRADES], AT)
    talk.join(TRADES)
    talk.receive(ack("trade", method="unsubscribe"), ack("trade"))
    assert [frame["method"] for frame in talk.sent] == ["subscribe", "unsubscribe", "subscribe"]
    assert talk.words(Joined) == [Joined(TRADES), Joined(TRADES)]
    talk.streams.tick(later(5 * ACK_S))
    assert talk.words(Odd) == talk.words(Refused) == []


def test_leaving_is_forgotten_in_the_end() -> None:
    """If this failed, a lost acknowledgement would leave a line in memory for every topic ever left."""
    talk = Talk(TRADES)
    talk.streams.leave([TRADES], AT)
    talk.streams.tick(later(ACK_S))
    assert repr(talk.streams) == "<Kraken streams 0 asked, 0 open, 0 leaving>"


def test_data_proves_a_subscription_whose_acknowledgement_is_lost() -> None:
    """If this failed, a book that lives would be subscribed to again, which is refused, or given up."""
    talk = Talk(BOOK)
    talk.receive(book())
    talk.streams.tick(later(ACK_S))
    assert talk.words(Joined) == [Joined(BOOK)]
    assert len(talk.sent) == 1


def test_a_renewal_that_is_not_answered_is_asked_again() -> None:
    """If this failed, a book out of step would wait for its snapshot for ever."""
    talk = Talk(BOOK)
    talk.receive(ack("book"), book())
    talk.streams.renew(BOOK, later(1))
    talk.streams.renew(BOOK, later(1))  # it is under way
    talk.receive(book("update"))
    assert len(talk.out.heard) == 1
    talk.streams.tick(later(2 + ACK_S))
    assert [frame["method"] for frame in talk.sent] == ["subscribe", "unsubscribe", "subscribe", "subscribe"]
    talk.receive(ack("book"), book())
    assert [event.whole for _, event in talk.out.heard] == [True, True]


def test_an_older_answer_does_not_stand_for_a_newer_subscription() -> None:
    """If this failed, a refusal of the second subscription would meet a line that is thought open, and stay unheard."""
    talk = Talk(BOOK)
    talk.receive(book())
    talk.streams.renew(BOOK, later(1))
    talk.receive(ack("book") | {"req_id": 1})
    assert talk.words(Joined) == []
    talk.receive({"method": "unsubscribe", "error": "Subscription Not Found", "success": False, "req_id": 2})
    talk.receive(ack("book") | {"req_id": 3})
    assert talk.words(Joined) == [Joined(BOOK)]
    assert talk.words(Odd) == []


def test_changes_that_flow_without_their_snapshot_ask_for_it_soon_and_not_often() -> None:
    """If this failed, a book whose snapshot was lost would stay marked for seconds, or ask with every change."""
    talk = Talk(BOOK)
    talk.receive(ack("book", snapshot=True, depth=10))
    for tenth in range(1, 80):
        talk.streams.tick(later(tenth / 10))
        talk.receive(book("update"))
    methods = [one["method"] for one in talk.sent if one["method"] != "ping"]
    assert methods == ["subscribe", *["unsubscribe", "subscribe"] * (TRIES_MOST - 1)]
    talk.receive(book(), book("update"))
    assert [levels.whole for _, levels in talk.out.heard] == [True, False]


def test_renewing_what_is_not_joined_does_nothing() -> None:
    """If this failed, a late order to renew would subscribe to what nobody wants."""
    talk = Talk()
    talk.streams.renew(BOOK, AT)
    assert talk.sent == []


def test_a_rate_refusal_without_a_name_refuses_what_waits() -> None:
    """If this failed, the venue's "not so fast" would be answered by asking on."""
    talk = Talk(BOOK, TRADES)
    talk.receive({"error": "Exceeded msg rate", "success": False})
    refused = [(word.topic, word.fault.wait_ms > 0) for word in talk.words(Refused)]
    assert refused == [(BOOK, True), (TRADES, True)]
    talk.streams.tick(later(ACK_S))
    assert [frame["method"] for frame in talk.sent if frame["method"] != "ping"] == ["subscribe", "subscribe"]


def test_orders_are_refused_at_this_door() -> None:
    """If this failed, an order sent here would vanish without an answer."""
    talk = Talk()
    talk.streams.call(Call("7", Op.PLACE, AskNothing()), AT)
    (answer,) = talk.words(Answer)
    assert answer.tag == "7"


# ---- silence


def test_a_quiet_connection_is_asked_and_a_busy_one_is_not() -> None:
    """If this failed, a connection without subscriptions would be taken for dead, or be closed as idle by the venue."""
    talk = Talk(TRADES)
    talk.receive(ack("trade"))
    for second in range(1, 10):
        talk.receive(b'{"channel":"heartbeat"}')
        talk.streams.tick(later(second))
    assert len(talk.sent) == 1
    for second in range(10, 10 + 2 * int(PING_S) + 1):
        talk.streams.tick(later(second))
    assert [frame["method"] for frame in talk.sent[1:]] == ["ping", "ping"]


# ---- lanes


def test_each_kind_becomes_its_noun() -> None:
    """If this failed, an event would reach its listener as another kind, or not at all."""
    candles = Topic("candles", "BTC/USD", "1m")
    talk = Talk(BOOK, TRADES, QUOTE, TICKER, candles)
    trade = {"symbol": "BTC/USD", "side": "buy", "price": 1.5, "qty": 2, "trade_id": 3, "timestamp": ""}
    bar = {"symbol": "BTC/USD", "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1, "interval": 1,
           "interval_begin": "2026-01-01T00:00:00Z"}  # fmt: skip
    talk.receive(
        book(),
        {"channel": "trade", "type": "update", "data": [trade]},
        ticker(),
        {"channel": "ohlc", "type": "update", "data": [bar]},
    )
    kinds = [(topic, type(event)) for topic, event in talk.out.heard]
    assert kinds == [(BOOK, Levels), (TRADES, Trade), (QUOTE, Quote), (TICKER, Ticker), (candles, Candle)]
    assert talk.words(Odd) == []


def test_a_candle_of_another_interval_is_not_ours() -> None:
    """If this failed, five-minute bars could be told to who listens to minutes."""
    talk = Talk(Topic("candles", "BTC/USD", "1m"))
    bar = {"symbol": "BTC/USD", "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1, "interval": 5,
           "interval_begin": "2026-01-01T00:00:00Z"}  # fmt: skip
    talk.receive({"channel": "ohlc", "type": "update", "data": [bar]})
    assert talk.out.heard == []
    assert len(talk.words(Odd)) == 1


def test_strangers_are_looked_for_in_samples() -> None:
    """If this failed, every message would be read twice, or a new field never be seen."""
    talk = Talk(TICKER, every=3)
    talk.receive(*[{**ticker(), "novelty": 1}] * 6)
    assert [word.what for word in talk.words(Odd)] == ["ticker: unknown field novelty"] * 2


# ---- any bytes

ALL = (BOOK, TRADES, QUOTE, TICKER, Topic("candles", "BTC/USD", "1m"))
PREFIXES = (b"", b'{"channel":"book"', b'{"channel":"trade"', b'{"channel":"ticker"', b'{"method":"subscribe"')
WORDS = st.sampled_from(
    ["channel", "type", "data", "symbol", "BTC/USD", "book", "trade", "ticker", "ohlc", "status", "snapshot", "update",
     "bids", "asks", "price", "qty", "method", "result", "error", "success", "timestamp", "interval", "checksum"]
)  # fmt: skip
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=15,
)
FRAMES = st.builds(
    lambda channel, kind, data: json.dumps({"channel": channel, "type": kind, "data": data}).encode(),
    st.sampled_from([*CHANNELS, "status", "heartbeat"]),
    st.sampled_from(["snapshot", "update"]),
    st.lists(st.dictionaries(WORDS, TREES, max_size=8), max_size=3),
)


@given(st.lists(st.binary(max_size=80) | TREES.map(lambda one: json.dumps(one).encode()) | FRAMES, max_size=6))
def test_no_bytes_can_break_a_conversation(frames: list[bytes]) -> None:
    """If this failed, one frame of nonsense would end all the feeds of a connection."""
    talk = Talk(*ALL)
    for frame in frames:
        for prefix in PREFIXES:
            talk.streams.receive(prefix + frame, 1)
    talk.streams.tick(later(ACK_S))


def test_a_frame_nested_without_end_is_odd() -> None:
    """If this failed, a few kilobytes of brackets would exhaust the stack."""
    talk = Talk(*ALL)
    for prefix in (b"", b'{"channel":"book","type":"update","data":', b'{"channel":"trade","type":"update","data":'):
        talk.receive(prefix + b"[" * 50_000)
    assert len(talk.words(Odd)) == 3
