"""One market stream connection as a machine: frames and their cost, sharing, and whatever bytes may come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.instrument import Catalog
from fairlead.model.market import MS
from fairlead.testing import Recorder
from fairlead.venues.binance.stream import NAMES_A_FRAME, SAMPLE_BYTES, Streams
from fairlead.venues.binance.venue import VENUE
from fairlead.wire.asks import AskBook, Op
from fairlead.wire.conversation import Answer, Call, Joined, Need, Odd, Refused, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault
from fairlead.wire.limits import Charge
from fairlead.wire.shapes import Inspector
from fairlead.wire.signing import Stamp
from tests.venues.binance.street import CTX, listed

BOOK, TRADES = Topic("book", "BTC/USDT"), Topic("trades", "BTC/USDT")


def begun(*topics: Topic, ctx: Ctx = CTX, every: int = 1) -> tuple[Streams, Recorder]:
    """Open, joined and acknowledged."""
    recorder = Recorder()
    streams = Streams(ctx, None, recorder, Inspector(every))
    streams.open(Stamp())
    streams.join([(topic, recorder.lane(topic)) for topic in topics], Stamp())
    for at in range(len(recorder.frames)):
        streams.receive(b'{"result":null,"id":%d}' % (at + 1), 0)
    return streams, recorder


def sent(recorder: Recorder) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in recorder.frames]


def test_many_topics_are_joined_in_few_frames_that_are_paid_for() -> None:
    """If this failed, a large start would be cut off by the venue for more than five frames a second."""
    many = [listed(f"A{number}", "USDT") for number in range(1_024)]
    topics = [Topic("trades", one.symbol) for one in many]
    _, recorder = begun(*topics, ctx=Ctx(Catalog(many)))
    names = [name for frame in sent(recorder) for name in frame["params"]]
    assert names == [f"a{number}usdt@trade" for number in range(1_024)]
    assert len(recorder.frames) == -(-1_024 // NAMES_A_FRAME)
    assert recorder.costs == [(Charge("frames", 1),)] * len(recorder.frames)
    assert [word.topic for word in recorder.words if isinstance(word, Joined)] == topics
    assert max(map(len, recorder.frames)) < 4_096


def test_a_depth_that_leaves_does_not_take_the_other_with_it() -> None:
    """If this failed, a user who closes one book would silence another's."""
    deep, shallow = Topic("book", "BTC/USDT", "5000"), Topic("book", "BTC/USDT", "100")
    streams, recorder = begun(deep, shallow)
    frame = b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}}'
    streams.receive(frame, 5)
    streams.leave([deep], Stamp())
    assert len(recorder.frames) == 1
    streams.receive(frame, 6)
    assert [(topic.detail, event.topic.detail, event.seen_ns) for topic, event in recorder.heard] == [
        ("5000", "5000", 5), ("100", "100", 5), ("100", "100", 6),
    ]  # fmt: skip
    streams.leave([shallow], Stamp())
    assert sent(recorder)[-1]["method"] == "UNSUBSCRIBE"
    streams.receive(frame, 7)
    assert len(recorder.heard) == 3
    assert not any(isinstance(word, Odd) for word in recorder.words)


def test_levels_are_handed_on_as_they_were_sent() -> None:
    """If this failed, a digit of a level could be lost before the book reads it."""
    streams, recorder = begun(BOOK)
    levels = b'[["91250.01000000","0.43100000"],["1E-8","0"]]'
    streams.receive(
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":7,"s":"BTCUSDT","U":3,"u":9,"b":%b,"a":[]}}'
        % levels, 11,
    )  # fmt: skip
    [(_, event)] = recorder.heard
    assert bytes(event.bids) == levels
    assert (event.first, event.last, event.prior, event.whole) == (3, 9, -1, False)
    assert (event.venue_ns, event.seen_ns) == (7 * MS, 11)


def test_strangers_are_sampled_not_searched_for_in_every_message() -> None:
    """If this failed, each message would be read twice, or a new field of the venue's never be noticed."""
    streams, recorder = begun(TRADES, every=10)
    frame = (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true,'
        b'"M":true,"Z":1}}'
    )
    for _ in range(20):
        streams.receive(frame, 0)
    assert sum(isinstance(word, Odd) for word in recorder.words) == 2
    assert len(recorder.heard) == 20


@pytest.mark.parametrize(
    "form",
    [
        b'{"stream":"btcusdt@trade","data":%b,"fresh":1}',
        b'{"stream":"btcusdt@trade","fresh":1,"data":%b}',
        b'{"fresh":1,"stream":"btcusdt@trade","data":%b}',
        b'{"data":%b,"fresh":1,"stream":"btcusdt@trade"}',
    ],
)
def test_a_stranger_in_the_envelope_is_seen_wherever_it_stands(form: bytes) -> None:
    """If this failed, a new field of the venue's beside the event would go unnoticed."""
    streams, recorder = begun(TRADES)
    streams.receive(form % b'{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true,"M":true}', 0)
    assert [word.what for word in recorder.words if isinstance(word, Odd)] == ["unknown field: trades fresh"]
    assert len(recorder.heard) == 1


def test_calls_and_supplies_do_no_harm() -> None:
    """If this failed, a call sent through the wrong door would hang without an answer."""
    streams, recorder = begun()
    streams.call(Call("7", Op.PLACE, None), Stamp())
    answer = recorder.words[-1]
    assert isinstance(answer, Answer)
    assert answer.tag == "7"
    assert isinstance(answer.outcome, Fault)
    streams.supply(Need(Op.BOOK, AskBook("BTC/USDT"), ""), None, Stamp())
    streams.renew(TRADES, Stamp())
    streams.leave([TRADES], Stamp())
    assert recorder.frames == []


def test_a_refused_topic_can_be_joined_again() -> None:
    """If this failed, a subscription that was refused once would stay silent for ever."""
    streams, recorder = begun()
    for number in (1, 2):
        streams.join([(TRADES, recorder.lane(TRADES))], Stamp())
        streams.receive(b'{"code":2,"msg":"Invalid request","id":%d}' % number, 0)
    assert [word.topic for word in recorder.words if isinstance(word, Refused)] == [TRADES, TRADES]
    streams.join([(TRADES, recorder.lane(TRADES))], Stamp())
    streams.receive(b'{"result":null,"id":3}', 0)
    assert isinstance(recorder.words[-1], Joined)


def test_a_busy_connection_is_not_probed_and_a_lost_probe_is_repeated() -> None:
    """If this failed, we would spend frames for nothing, or take a quiet market for a dead connection."""
    streams, recorder = begun(TRADES)
    second = 1_000 * MS
    for at in range(1, 40):
        streams.receive(b'{"stream":"ethusdt@trade","data":{}}', 0)
        streams.tick(Stamp(mono_ns=at * second))
    assert len(recorder.frames) == 1
    for at in range(40, 75):
        streams.tick(Stamp(mono_ns=at * second))
    probes = [frame for frame in sent(recorder) if frame["method"] == "LIST_SUBSCRIPTIONS"]
    assert 2 <= len(probes) <= 4
    assert VENUE.doors[0].quiet_ms >= 2 * 10_000


def test_a_machine_tells_its_state_in_a_line() -> None:
    """If this failed, nobody could see what a connection waits for."""
    streams, recorder = begun(TRADES)
    streams.join([(BOOK, recorder.lane(BOOK))], Stamp())
    assert repr(streams) == "<Streams 1 of 2 joined, 1 frames unanswered>"


FRAMES = [
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true,"M":true}}',
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["1","2"]],"a":[]}}',
    b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}',
    b'{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1,"s":"BTCUSDT","c":"1","b":"1","a":"1","o":"1","h":"1",'
    b'"l":"1","v":"1","q":"1"}}',
    b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1,"i":"1m","o":"1","c":"1","h":"1",'
    b'"l":"1","v":"1","n":1,"x":false,"q":"1"}}}',
    b'{"result":["btcusdt@trade"],"id":2}',
    b'{"error":{"code":2,"msg":"no"},"id":2}',
    b'{"e":"serverShutdown","E":1}',
    b'{"e":"kline","s":"BTCUSDT","k":{"i":"1m"}}',
]
EVERYTHING = (BOOK, TRADES, Topic("quote", "BTC/USDT"), Topic("ticker", "BTC/USDT"), Topic("candles", "BTC/USDT", "1m"))


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A frame with some of its bytes replaced, dropped or doubled."""
    frame = bytearray(draw(st.sampled_from(FRAMES)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(frame) - 1))
        frame[at : at + draw(st.integers(0, 6))] = draw(
            st.binary(max_size=4) | st.sampled_from([b"1e999", b"-", b"null"])
        )
        if not frame:
            break
    return bytes(frame)


@given(st.lists(spoiled() | st.binary(max_size=80), max_size=6))
def test_no_bytes_make_it_raise(frames: list[bytes]) -> None:
    """If this failed, one broken frame could take the whole feed down with it."""
    streams, recorder = begun(*EVERYTHING)
    streams.tick(Stamp(mono_ns=20_000 * MS))
    for frame in frames:
        streams.receive(frame, 0)
    assert all(len(word.sample) <= SAMPLE_BYTES for word in recorder.words if isinstance(word, Odd))


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 50_000,
        b'{"stream":"btcusdt@trade","data":' + b"[" * 50_000,
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true,"x":'
        + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
        b'{"stream":"btcusdt@trade","data":{"s":"BTCUSDT","t":1,"p":"' + b"9" * 100_000 + b'","q":"1","T":1,"m":true}}',
        b'{"stream":"btcusdt@trade","data":{"s":"BTCUSDT","t":1,"p":"1","q":"1","T":' + b"9" * 400 + b',"m":true}}',
        b'{"result":' + b"[" * 50_000,
        b"\xff\xfe", b"", b"{", b"null", b"1", b'""', b"{}",
    ],
)  # fmt: skip
def test_monstrous_frames_are_odd(frame: bytes) -> None:
    """If this failed, a frame built to hurt (deep, long, huge) could crash the feed or be passed on as data."""
    streams, recorder = begun(TRADES)
    streams.receive(frame, 0)
    assert isinstance(recorder.words[-1], Odd)
    assert len(recorder.heard) <= 1
