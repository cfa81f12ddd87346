"""The venue's end of the socket: what it acknowledges, shows, sums and refuses, alone and against the adapter."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fairlead.core.strand import Strand, Take
from fairlead.model.instrument import Catalog
from fairlead.model.intervals import SECOND_NS
from fairlead.model.market import Candle, Quote, Ticker, Trade
from fairlead.sim.happenings import Changed
from fairlead.sim.listing import Listing
from fairlead.sim.market import Market
from fairlead.sim.stall import Stall
from fairlead.sim.world import World
from fairlead.venues.kraken.channels import BOOK_RULE
from fairlead.venues.kraken.hearing import BEAT_NS, FRAMES_A_SECOND, IDLE_NS, NOT_HERE
from fairlead.venues.kraken.mirror import MIRROR
from fairlead.wire.conversation import Joined, Levels, Odd, Refused, Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.mirror import Terms
from tests.venues.kraken.places import AT, BOOK, QUOTE, TICKER, TRADES, Room, Sight, Talk, later

NOW_NS = AT.venue_ms * 1_000_000
CANDLES = Topic("candles", "BTC/USD", "1m")


def sight(levels: int = 15) -> Sight:
    return Sight({1_000 - n: 100 + n for n in range(levels)}, {1_001 + n: 200 + n for n in range(levels)})


def book(room: Room, view: Sight, depth: int = 10) -> Topic:
    room.ask("subscribe", channel="book", symbol=["BTC/USD"], depth=depth)
    topic = Topic("book", "BTC/USD", str(depth))
    room.tell(topic, view.whole())
    return topic


def levels(frames: list[Any], side: str = "bids") -> list[tuple[float, float]]:
    return [(level["price"], level["qty"]) for frame in frames for level in frame["data"][0][side]]


# ---- acknowledgements and refusals


def test_it_says_its_state_when_opened() -> None:
    """If this failed, clients that wait for the venue's status would wait for ever; its number is over 2**63."""
    room = Room()
    room.hearing.open(AT)
    (status,) = room.said
    assert (status["channel"], status["data"][0]["system"]) == ("status", "online")
    assert status["data"][0]["connection_id"] > 2**63


def test_each_symbol_is_acknowledged_alone_before_it_is_joined() -> None:
    """If this failed, a client that counts acknowledgements would think half its symbols lost."""
    room = Room()
    said = room.ask("subscribe", channel="book", symbol=["BTC/USD", "ETH/BTC"], depth=25, req_id=9)
    assert [(one["result"]["symbol"], one["result"]["depth"], one["success"]) for one in said] == [
        ("BTC/USD", 25, True), ("ETH/BTC", 25, True),
    ]  # fmt: skip
    assert [str(topic) for topic in room.ear.joined] == ["book:BTC/USD:25", "book:ETH/BTC:25"]
    assert {"time_in", "time_out", "req_id", "method"} <= set(said[0])


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"channel": "book", "symbol": ["ABC/DEF"]}, "Currency pair not supported ABC/DEF"),
        ({"channel": "book", "symbol": ["XBT/USD"]}, "Currency pair not supported XBT/USD"),
        ({"channel": "book", "symbol": ["BTC/USD"], "depth": 20}, "Subscription depth not supported"),
        ({"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 2}, "Subscription ohlc interval not supported"),
        ({"channel": "books", "symbol": ["BTC/USD"]}, "Subscription name invalid"),
        ({"channel": "executions", "token": "T"}, NOT_HERE),
        ({"channel": "book", "symbol": "BTC/USD"}, "Malformed request"),
        ({"channel": "book"}, "Malformed request"),
    ],
)
def test_what_the_venue_refuses_is_refused_in_its_words(params: dict[str, Any], error: str) -> None:
    """If this failed, a mistake would work in the simulator and fail at the venue."""
    room = Room()
    (said,) = room.ask("subscribe", **params)
    assert (said["error"], said["success"], "result" in said) == (error, False, False)
    assert room.ear.joined == []


def test_a_second_subscription_of_the_same_is_refused_and_leaving_needs_one() -> None:
    """If this failed, a client that subscribes twice, or leaves what it has not, would not learn of it."""
    room = Room()
    room.ask("subscribe", channel="trade", symbol=["BTC/USD"])
    (again,) = room.ask("subscribe", channel="trade", symbol=["BTC/USD"])
    (left,) = room.ask("unsubscribe", channel="trade", symbol=["BTC/USD"])
    (gone,) = room.ask("unsubscribe", channel="trade", symbol=["BTC/USD"])
    assert (again["error"], left["success"], gone["error"]) == ("Already subscribed", True, "Subscription Not Found")
    assert room.ear.left == [TRADES]


def test_garbage_and_orders_are_refused_without_a_fall() -> None:
    """If this failed, any bytes could end the simulator."""
    room = Room()
    for frame in (b"", b"hello", b"[]", b'{"method":1}', b'{"method":"add_order","params":{}}', b"[" * 100_000):
        (said,) = room.hear(frame, later(1 + len(frame)))
        assert said["success"] is False


def test_it_answers_pings_and_counts_frames() -> None:
    """If this failed, a client could flood the simulator and be cut off only by the venue."""
    room = Room()
    (pong,) = room.hear({"method": "ping", "req_id": 101})
    assert (pong["method"], pong["req_id"]) == ("pong", 101)
    answers = [room.hear({"method": "ping"})[0] for _ in range(FRAMES_A_SECOND)]
    assert [one.get("error") for one in answers] == [None] * (FRAMES_A_SECOND - 1) + ["Exceeded msg rate"]
    assert room.hear({"method": "ping"}, later(2))[0]["method"] == "pong"


def test_it_beats_for_subscribers_and_closes_on_the_idle() -> None:
    """If this failed, a client could not tell a quiet market from a dead wire, or would hold a useless one for ever."""
    room, idle = Room(), Room()
    room.ask("subscribe", channel="trade", symbol=["BTC/USD"])
    for one in (room, idle):
        one.hearing.tick(later(BEAT_NS / SECOND_NS / 2))
        assert one.said == []
        one.hearing.tick(later(BEAT_NS / SECOND_NS))
        one.hearing.tick(later(BEAT_NS / SECOND_NS * 1.5))
    assert (room.said, idle.said) == ([{"channel": "heartbeat"}], [])
    for one in (room, idle):
        one.hearing.tick(later(IDLE_NS / SECOND_NS))
    assert (room.ear.closed, idle.ear.closed) == (None, (1001, "idle"))


# ---- books


def test_a_level_that_falls_out_of_the_depth_is_not_told_to_go() -> None:
    """If this failed, clients that forget to cut their book would look right here and be wrong at the venue."""
    room, view = Room(), sight()
    topic = book(room, view)
    assert levels(room.tell(topic, view.change([(1_500, 7)]))) == [(150.0, 7e-8)]


def test_a_level_that_comes_into_the_depth_is_told_as_new() -> None:
    """If this failed, a client's book would grow thin at its end although the venue's does not."""
    room, view = Room(), sight()
    topic = book(room, view)
    assert levels(room.tell(topic, view.change([(1_000, 0)]))) == [(100.0, 0.0), (99.0, 110e-8)]


def test_what_lies_beyond_the_depth_is_not_told() -> None:
    """If this failed, a depth of 10 would cost what a depth of 1000 costs."""
    room, view = Room(), sight()
    topic = book(room, view)
    assert room.tell(topic, view.change([(985, 7), (980, 7)], [(1_020, 7)])) == []


def test_a_thin_book_is_shown_as_it_is() -> None:
    """If this failed, a market with fewer levels than the depth could not be followed."""
    room, view = Room(), sight(2)
    topic = book(room, view)
    assert levels(room.tell(topic, view.change([(1, 5), (1_000, 0)]))) == [(0.1, 5e-8), (100.0, 0.0)]


def test_changes_go_on_when_the_snapshot_was_lost() -> None:
    """If this failed, a client whose snapshot went astray would hear nothing from which to notice it."""
    room, view = Room(), sight()
    room.ask("subscribe", channel="book", symbol=["BTC/USD"])
    (told,) = room.tell(BOOK, view.change([(1_000, 1)]))
    assert (told["type"], told["data"][0]["bids"]) == ("update", [{"price": 100.0, "qty": 1e-8}])


@pytest.mark.parametrize("pads", [True, False])
def test_numbers_are_bare_and_padded_or_not(pads: bool) -> None:
    """If this failed, clients that need the zeros, or stumble over their absence, would not be found out."""
    room = Room(pads=pads)
    room.ask("subscribe", channel="book", symbol=["BTC/USD"])
    room.hearing.tell(BOOK, Sight({980_100: 150_000_000}, {}).whole(), AT)
    text = room.ear.frames[-1]
    assert (b'{"price":98010.0,"qty":1.50000000}' in text) is pads
    assert (b'{"price":98010.0,"qty":1.5}' in text) is not pads


class Street:
    """A market of the simulated world, its venue's end, and the adapter with its books, joined without a wire."""

    def __init__(self, depths: tuple[int, ...], seed: int = 1, levels: int = 60) -> None:
        listings = [
            Listing("kraken", f"{name}/USD", Decimal(100), 2, 8, depth=levels, changes_hz=40)
            for name in ("BTC", "ETH", "ADA")
        ]
        self.world = World(seed, listings, NOW_NS)
        self.ctx = Ctx(Catalog([MIRROR.listing(terms(one)) for one in listings]))
        self.stalls = {
            one.symbol: Stall(self.market(one.symbol), self.ctx.catalog.theirs(one.symbol)) for one in listings
        }
        self.topics = [Topic("book", one.symbol, str(depth)) for one, depth in zip(listings, depths, strict=False)]
        self.room, self.talk = Room(self.ctx), Talk(*self.topics, ctx=self.ctx)
        self.strands = {
            topic: Strand(self.ctx.catalog.theirs(topic.symbol), BOOK_RULE, int(topic.detail)) for topic in self.topics
        }
        self._sent = self._heard = 0
        self.carry()

    def market(self, symbol: str) -> Market:
        return self.world.market("kraken", symbol)

    def carry(self) -> list[tuple[Topic, Take]]:
        """Everything said either way arrives; what became of the books."""
        frames, self._sent = self.talk.out.frames[self._sent :], len(self.talk.out.frames)
        for frame in frames:
            joined = len(self.room.ear.joined)
            self.room.hearing.receive(frame, later(self._sent))
            for topic in self.room.ear.joined[joined:]:
                self.room.hearing.tell(topic, self.stalls[topic.symbol].whole(), AT)
        said, self.room.ear.frames = self.room.ear.frames, []
        self.talk.receive(*said)
        heard, self._heard = self.talk.out.heard[self._heard :], len(self.talk.out.heard)
        return [(topic, self.strands[topic].take(event)) for topic, event in heard if isinstance(event, Levels)]

    def live(self, seconds: int, lost: float = 0.0) -> list[Take]:
        took, chance = list[Take](), random.Random(5)
        for happening in self.world.advance(self.world.ns + seconds * SECOND_NS):
            if not isinstance(happening, Changed):
                continue
            change = self.stalls[happening.symbol].change(happening)
            topic = next((one for one in self.topics if one.symbol == happening.symbol), None)
            if topic is None or chance.random() < lost:
                continue
            self.room.hearing.tell(topic, change, AT)
            for about, what in self.carry():
                took.append(what)
                if what > Take.IGNORED:
                    self.talk.streams.renew(about, AT)
                    took += [one for _, one in self.carry()]
            if not lost:
                self.equal(topic)
        return took

    def equal(self, topic: Topic) -> None:
        strand, depth = self.strands[topic], int(topic.detail)
        bids, asks = self.stalls[topic.symbol].top(depth)
        assert tuple(strand.rungs.bids.top(depth)) == tuple(bids)
        assert tuple(strand.rungs.asks.top(depth)) == tuple(asks)


def terms(listing: Listing) -> Terms:
    return Terms(listing.symbol, Decimal("0.01"), Decimal("0.00000001"), Decimal("0.00000001"))


def test_the_adapters_book_is_the_markets_book_at_every_change() -> None:
    """If this failed, a level would be lost, kept or misplaced on the way from the venue to the user, at some depth."""
    street = Street((10, 25, 100))
    took = street.live(30)
    assert set(took) == {Take.APPLIED}
    assert len(took) > 300
    assert street.talk.words(Odd) == street.talk.words(Refused) == []
    assert len(street.talk.words(Joined)) == 3


def test_lost_changes_are_found_by_the_sum_and_mended() -> None:
    """If this failed, a book with a hole in it would be published as whole."""
    street = Street((10,))
    took = street.live(60, lost=0.05)
    assert took.count(Take.GAP) > 3
    assert took.count(Take.WHOLE) == took.count(Take.GAP)
    street.live(5, lost=0.0)
    street.equal(street.topics[0])


# ---- the other channels


def test_a_trade_comes_through_as_it_was() -> None:
    """If this failed, a price or a side would change on the way."""
    room, talk = Room(), Talk(TRADES)
    trade = Trade(
        venue="kraken",
        symbol="BTC/USD",
        venue_ns=NOW_NS + 1_000,
        seen_ns=5,
        id="7",
        price=98010.1,
        qty=1e-8,
        side="sell",
    )
    room.ask("subscribe", channel="trade", symbol=["BTC/USD"])
    talk.receive(*room.tell(TRADES, trade))
    assert talk.out.heard == [(TRADES, trade)]


def quote(bid: float, **more: Any) -> Quote:
    told = {
        "venue": "kraken",
        "symbol": "BTC/USD",
        "venue_ns": NOW_NS,
        "seen_ns": 5,
        "bid_qty": 0.5,
        "ask": 98010.1,
        "ask_qty": 1.0,
    }
    return Quote(bid=bid, **{**told, **more})


def test_quotes_and_tickers_share_a_channel() -> None:
    """If this failed, who joined both would hear one of them twice, or the other never."""
    room, talk = Room(), Talk(QUOTE, TICKER)
    day = Ticker(venue="kraken", symbol="BTC/USD", venue_ns=NOW_NS, seen_ns=5, last=98000.0, bid=98010.0, ask=98010.1,
                 open=97000.0, high=98100.0, low=96900.0, volume=12.5, quote_volume=1_218_750.0)  # fmt: skip
    talk.receive(*room.hear(talk.out.frames[0]))
    assert room.ear.joined == [TICKER, QUOTE]
    assert room.tell(TICKER, day) == []
    (first,) = room.tell(QUOTE, quote(98010.0))
    assert (first["type"], first["data"][0]["vwap"], first["data"][0]["change_pct"]) == ("snapshot", 97500.0, 1.03)
    assert room.tell(TICKER, day) == []  # told at the next change of the best prices
    (second,) = room.tell(QUOTE, quote(98009.0))
    talk.receive(first, second)
    assert [event for topic, event in talk.out.heard if topic == QUOTE] == [quote(98010.0), quote(98009.0)]
    told = msgspec.structs.replace(day, open=None, quote_volume=None)
    assert [event for topic, event in talk.out.heard if topic == TICKER] == [
        told,
        msgspec.structs.replace(told, bid=98009.0),
    ]


def test_a_ticker_asked_for_at_trades_is_silent_at_quotes() -> None:
    """If this failed, the venue's default would bring more frames here than there."""
    room = Room()
    room.ask("subscribe", channel="ticker", symbol=["BTC/USD"])
    day = Ticker(venue="kraken", symbol="BTC/USD", venue_ns=NOW_NS, seen_ns=0, last=1.0)
    assert len(room.tell(QUOTE, quote(1.0)) + room.tell(TICKER, day)) == 1
    assert (len(room.tell(QUOTE, quote(2.0))), len(room.tell(TICKER, day))) == (0, 1)


def bar(minute: int, close: float, trades: int, closed: bool = False) -> Candle:
    return Candle(
        venue="kraken",
        symbol="BTC/USD",
        venue_ns=NOW_NS + 5,
        seen_ns=5,
        interval="1m",
        open_ns=NOW_NS + minute * 60 * SECOND_NS,
        open=1.0,
        high=9.0,
        low=1.0,
        close=close,
        volume=float(trades),
        trades=trades,
        closed=closed,
    )


def test_bars_are_told_on_trades_only() -> None:
    """If this failed, clients that wait for the venue to close a bar would work here and wait for ever there."""
    room, talk = Room(), Talk(CANDLES)
    talk.receive(*room.hear(talk.out.frames[0]))
    told = [bar(0, 2.0, 1), bar(0, 3.0, 2), bar(0, 3.0, 2, closed=True), bar(1, 3.0, 0), bar(1, 4.0, 1)]
    for one in told:
        talk.receive(*room.tell(CANDLES, one))
    assert [event for _, event in talk.out.heard] == [told[0], told[1], told[4]]


def test_a_warning_of_the_end_says_nothing() -> None:
    """If this failed, clients could rely on an announcement that the venue does not make."""
    room = Room()
    room.hearing.warn(1_000, AT)
    assert room.said == []
