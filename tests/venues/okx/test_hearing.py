"""The venue's end of a socket, alone and against our conversation: numbers, sights, limits, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.model.market import MS, Candle, Funding, Index, Mark, Quote, Ticker, Trade
from fairlead.model.numbers import fixed
from fairlead.venues.okx.hearing import FRAME_MOST_BYTES, REQUESTS_MOST
from fairlead.venues.okx.mirror import MIRROR
from fairlead.wire.conversation import Ending, Joined, Levels, Odd, Refused, Topic
from fairlead.wire.mirror import Depth, Heard
from fairlead.wire.shapes import READERS, LevelShape
from tests.venues.okx.places import AT, BOOK, CTX, TRADES, Talk, later, ring

NS = 1_700_000_000_000 * MS
FIVE = Topic("book", "BTC/USDT", "5")
Ladder = dict[int, int]


class Ladders:
    """A book of any depth, as the simulator holds one."""

    def __init__(self, bids: Ladder, asks: Ladder) -> None:
        self.bids, self.asks = dict(bids), dict(asks)
        self.seq = 100

    def top(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return sorted(self.bids.items(), reverse=True)[:levels], sorted(self.asks.items())[:levels]

    def whole(self) -> Depth:
        bids, asks = self.top(10_000)
        return Depth("BTC/USDT", True, self.seq, self.seq, self.seq, bids, asks, NS, self)

    def change(self, bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]]) -> Depth:
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            side.update(levels)
            for price in [price for price, qty in side.items() if not qty]:
                del side[price]
        prior, self.seq = self.seq, self.seq + len(bids) + len(asks)
        return Depth("BTC/USDT", False, prior + 1, self.seq, prior, bids, asks, NS, self)


class Line:
    """A room and what comes out of it; with `talk`, our conversation at the other end of the wire."""

    def __init__(self, door: str = "public", talk: Talk | None = None, book: Ladders | None = None) -> None:
        self.frames: list[bytes] = []
        self.topics: list[Topic] = []
        self.closed: list[int] = []
        self.talk, self.book = talk, book
        self.room = MIRROR.rooms[door](CTX, ring(), self)
        self.room.open(AT)
        self.sent = 0
        self.carry()

    def carry(self) -> None:
        """Takes to the room what the conversation wants sent."""
        while self.talk and self.sent < len(self.talk.out.frames):
            self.sent += 1
            self.room.receive(self.talk.out.frames[self.sent - 1], AT)

    def frame(self, text: bytes) -> None:
        self.frames.append(text)
        if self.talk:
            self.talk.receive(text)

    def join(self, topic: Topic) -> None:
        self.topics.append(topic)
        if self.book and topic.kind == "book":
            self.room.tell(topic, self.book.whole(), AT)

    def leave(self, topic: Topic) -> None:
        self.topics.remove(topic)

    def close(self, code: int, why: str) -> None:
        self.closed.append(code)

    def ping(self, payload: bytes = b"") -> None:
        raise AssertionError("this venue sends no pings of the protocol")

    def heard(self, heard: Heard) -> None:
        raise AssertionError("nothing is called through a public connection")

    def ask(self, op: str, *args: dict[str, str], id: str = "") -> list[Any]:
        """What the room answers to one request."""
        before = len(self.frames)
        self.room.receive(json.dumps({"op": op, "args": args} | ({"id": id} if id else {})).encode(), AT)
        return [json.loads(frame) for frame in self.frames[before:]]


def arg(channel: str, inst_id: str = "BTC-USDT") -> dict[str, str]:
    return {"channel": channel, "instId": inst_id}


def test_each_channel_is_acknowledged_for_itself() -> None:
    """If this failed, a client could not tell which of its subscriptions stand."""
    line = Line()
    said = line.ask("subscribe", arg("books"), arg("trades", "BTC-USDD"), arg("bbo-tbt"), id="7")
    assert [(one["event"], one["id"]) for one in said] == [("subscribe", "7"), ("error", "7"), ("subscribe", "7")]
    assert said[0]["arg"] == arg("books")
    assert said[1]["code"] == "60018"
    assert "channel:trades,instId:BTC-USDD doesn't exist" in said[1]["msg"]
    assert {one["connId"] for one in said} == {said[0]["connId"]}
    assert line.topics == [BOOK, Topic("quote", "BTC/USDT")]
    (left,) = line.ask("unsubscribe", arg("books"))
    assert left == {"event": "unsubscribe", "arg": arg("books"), "connId": said[0]["connId"]}
    assert line.topics == [Topic("quote", "BTC/USDT")]


@pytest.mark.parametrize(
    ("door", "frame", "code"),
    [
        ("public", b"pong?", "60012"),
        ("public", b"\xff\xfe", "60012"),
        ("public", b'{"op":"subscribe"}', "60013"),
        ("public", b'{"op":"subscribe","args":[{"instId":"BTC-USDT"}]}', "60013"),
        ("public", b'{"op":"ask","args":[{"channel":"books","instId":"BTC-USDT"}]}', "60019"),
        ("public", b'{"op":"login","args":[{"apiKey":"K"}]}', "60008"),
        ("public", b'{"id":"no-dash","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}', "60033"),
        ("public", b'{"op":"subscribe","args":[{"channel":"candle1m","instId":"BTC-USDT"}]}', "60018"),
        ("public", b'{"op":"subscribe","args":[{"channel":"books-elp","instId":"BTC-USDT"}]}', "60018"),
        ("public", b'{"op":"subscribe","args":[{"channel":"funding-rate","instId":"BTC-USDT"}]}', "60018"),
        ("public", b'{"op":"subscribe","args":[{"channel":"books-l2-tbt","instId":"BTC-USDT"}]}', "60011"),
        ("business", b'{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}', "64002"),
        ("business", b'{"op":"subscribe","args":[{"channel":"candle7m","instId":"BTC-USDT"}]}', "60018"),
    ],
)
def test_what_is_wrong_is_refused_by_its_own_code(door: str, frame: bytes, code: str) -> None:
    """If this failed, a mistake would pass against the simulator and be found at the venue."""
    line = Line(door)
    line.room.receive(frame, AT)
    (said,) = map(json.loads, line.frames)
    assert (said["event"], said["code"], line.topics) == ("error", code, [])


def test_requests_of_an_hour_are_counted() -> None:
    """If this failed, a storm of subscriptions would pass in the simulator and be cut off by the venue."""
    line = Line()
    for _ in range(REQUESTS_MOST):
        line.ask("unsubscribe", arg("books"))
    assert [one["code"] for one in line.ask("subscribe", arg("books"))] == ["60014"]
    line.room.receive(json.dumps({"op": "subscribe", "args": [arg("books")]}).encode(), later(3_600))
    assert line.topics == [BOOK]


def test_a_request_too_long_ends_the_connection() -> None:
    """If this failed, a client could send without bound."""
    line = Line()
    line.room.receive(b" " * (FRAME_MOST_BYTES + 1), AT)
    assert line.closed == [1009]


def test_an_idle_connection_is_closed_and_a_ping_keeps_it() -> None:
    """If this failed, a client without heartbeats would live in the simulator and be cut off by the venue."""
    line, idle = Line(), Line()
    for second in range(20, 200, 20):
        line.room.receive(b"ping", later(second))
        line.room.tick(later(second))
        idle.room.tick(later(second))
    assert line.closed == []
    assert set(line.frames) == {b"pong"}
    assert idle.closed[0] == 4004


def test_who_subscribes_twice_hears_no_second_whole() -> None:
    """If this failed, a client that does not leave before it renews would work here and starve at the venue."""
    line = Line(book=Ladders({10: 1}, {11: 1}))
    line.ask("subscribe", arg("books"))
    said = line.ask("subscribe", arg("books"))
    assert [one["event"] for one in said] == ["subscribe"]
    line.ask("unsubscribe", arg("books"))
    assert [one.get("action", one.get("event")) for one in line.ask("subscribe", arg("books"))] == [
        "subscribe", "snapshot",
    ]  # fmt: skip


def test_a_quiet_book_repeats_its_number() -> None:
    """If this failed, a quiet market could not be told from a dead one."""
    line = Line(book=Ladders({10: 1}, {11: 1}))
    line.ask("subscribe", arg("books"), arg("books5"))
    line.frames.clear()
    line.room.receive(b"ping", later(59))
    line.room.tick(later(60))
    beat, five = (json.loads(frame) for frame in line.frames[1:])
    quiet = {"ts": str(later(60).venue_ms), "seqId": 100, "checksum": 0, "prevSeqId": 100}
    assert (beat["action"], beat["data"]) == ("update", [{"asks": [], "bids": []} | quiet])
    assert (five["data"][0]["bids"], five["data"][0]["seqId"]) == ([["1", "0.00000001", "0", "1"]], 100)


def test_the_end_is_announced_in_the_venues_words() -> None:
    """If this failed, our conversation would not be prepared for what the venue announces."""
    talk = Talk([BOOK])
    line = Line(talk=talk)
    line.room.warn(60_000, AT)
    assert isinstance(talk.last_word, Ending)


def test_every_event_arrives_as_it_was_told() -> None:
    """If this failed, a number would change between the simulated market and the bot."""
    spot: dict[str, Any] = {"venue": "okx", "symbol": "BTC/USDT", "venue_ns": NS, "seen_ns": 5}
    swap = spot | {"symbol": "BTC/USDT:USDT"}
    told: list[tuple[Topic, Any]] = [
        (TRADES, Trade(**spot, id="12", price=62_000.1, qty=0.00000001, side="sell")),
        (Topic("quote", "BTC/USDT"), Quote(**spot, bid=62_000.0, bid_qty=1.5, ask=62_000.1, ask_qty=0.2, seq=9)),
        (Topic("ticker", "BTC/USDT"), Ticker(**spot, last=62_000.1, bid=1.0, ask=2.0, volume=3.0, quote_volume=4.5)),
        (Topic("mark", "BTC/USDT:USDT"), Mark(**swap, price=62_001.5)),
        (Topic("index", "BTC/USDT:USDT"), Index(**swap, price=62_001.25)),
        (Topic("funding", "BTC/USDT:USDT"), Funding(**swap, rate=0.0001, due_ns=NS + MS, interval_ms=28_800_000)),
    ]
    talk = Talk([topic for topic, _ in told])
    line = Line(talk=talk)
    for topic, event in told:
        line.room.tell(topic, event, AT)
    assert talk.out.heard == told
    assert {word.topic for word in talk.words(Joined)} == {topic for topic, _ in told}
    assert talk.words(Odd) == []


def test_candles_arrive_through_the_business_door() -> None:
    """If this failed, bars would never be heard, or be heard as closed while they still move."""
    topic = Topic("candles", "BTC/USDT", "1d")
    talk = Talk([topic])
    line = Line("business", talk)
    for closed in (False, True):
        event = Candle(
            venue="okx", symbol="BTC/USDT", venue_ns=0, seen_ns=5, interval="1d", open_ns=NS, open=1.5, high=2.0,
            low=1.0, close=1.25, volume=0.001, quote_volume=0.5, closed=closed,
        )  # fmt: skip
        line.room.tell(topic, event, AT)
        assert talk.out.heard[-1] == (topic, event)


def test_a_channel_of_the_wrong_door_is_refused_and_told() -> None:
    """If this failed, a topic sent to the wrong address would wait for ever."""
    talk = Talk([Topic("candles", "BTC/USDT", "1m")])
    Line(talk=talk)
    assert [word.fault.code for word in talk.words(Refused)] == ["60018"]


class Kept:
    """The book a client keeps from what it hears, by the venue's rule; it counts what did not follow."""

    def __init__(self) -> None:
        self.sides: tuple[Ladder, Ladder] = ({}, {})
        self.last, self.gaps = -1, 0

    def hear(self, said: Levels) -> None:
        if not said.whole and said.prior != self.last:
            self.gaps += 1
            return
        if said.whole:
            self.sides = ({}, {})
        for side, raw in zip(self.sides, (said.bids, said.asks), strict=True):
            for text, size in READERS[LevelShape.ROWS](raw):
                assert fixed(size, 8) or fixed(text, 1) in side, "a level goes that was never there"
                side[fixed(text, 1)] = fixed(size, 8)
            for price in [price for price, qty in side.items() if not qty]:
                del side[price]
        self.last = said.last


PRICES = st.integers(1, 460)
SIDE = st.lists(st.tuples(PRICES, st.integers(0, 3)), max_size=4, unique_by=lambda level: level[0])
CHANGE = st.tuples(SIDE, SIDE)


@settings(deadline=None)
@given(st.lists(CHANGE, max_size=12))
def test_the_book_heard_is_the_book_that_is(changes: list[Any]) -> None:
    """If this failed, a level beyond the sight of 400 would be missing or stay behind when the book moves."""
    truth = Ladders({1_000 - n: 1 for n in range(1, 430)}, {1_000 + n: 1 for n in range(1, 430)})
    talk = Talk([BOOK, FIVE])
    line, kept, five = Line(talk=talk, book=truth), Kept(), Kept()
    for bids, asks in changes:
        depth = truth.change([(1_000 - n, q) for n, q in bids], [(1_000 + n, q) for n, q in asks])
        for topic in (BOOK, FIVE):
            line.room.tell(topic, depth, AT)
    for topic, said in talk.out.heard:
        (kept if topic == BOOK else five).hear(said)
    for heard, levels in ((kept, 400), (five, 5)):
        bids, asks = truth.top(levels)
        assert (heard.sides, heard.gaps) == ((dict(bids), dict(asks)), 0)


def test_a_change_that_is_kept_back_shows_in_the_numbers_and_a_renewal_mends_it() -> None:
    """If this failed, a lost change would go unnoticed, or the book never be whole again."""
    truth = Ladders({10: 1, 9: 1}, {11: 1})
    talk = Talk([BOOK])
    line, kept = Line(talk=talk, book=truth), Kept()
    truth.change([(9, 5)], [])  # nobody is told
    line.room.tell(BOOK, truth.change([(8, 1)], []), AT)
    for _, said in talk.out.heard:
        kept.hear(said)
    assert kept.gaps == 1
    talk.told.renew(BOOK, later(1))
    line.carry()
    kept.hear(talk.out.heard[-1][1])
    assert kept.sides == ({10: 1, 9: 5, 8: 1}, {11: 1})


def test_a_false_level_is_told_as_it_was_given() -> None:
    """If this failed, a planted fault would be mended on its way, and the guard against it never tried."""
    truth = Ladders({10: 1}, {11: 1})
    talk = Talk([BOOK])
    line = Line(talk=talk, book=truth)
    line.room.tell(BOOK, Depth("BTC/USDT", False, 101, 101, 100, [(100, 7)], [], NS, truth), AT)
    assert READERS[LevelShape.ROWS](talk.out.heard[-1][1].bids) == [("10", "0.00000007")]


def test_a_room_tells_its_state_in_a_line() -> None:
    """If this failed, whoever looks into a running simulator would see an address in memory."""
    line = Line()
    line.ask("subscribe", arg("books"))
    assert repr(line.room) == "<Room 000003e8: 1 channels>"
    line.room.say(Heard(*HEARD), None, AT)
    assert len(line.frames) == 1


HEARD: tuple[Any, Any] = ("time", None)
