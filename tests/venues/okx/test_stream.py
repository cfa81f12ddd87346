"""The conversation: what it asks, what it makes of each answer and of silence, and that no bytes disturb it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.market import Candle, Quote, Trade
from fairlead.venues.okx import channels
from fairlead.venues.okx.stream import ACK_MS, PING_MS, TRIES
from fairlead.venues.okx.venue import VENUE
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Answer, Call, Ending, Joined, Levels, Odd, Ready, Refused, Topic
from fairlead.wire.door import Continuity
from fairlead.wire.faults import Kind
from fairlead.wire.limits import Charge
from tests.venues.okx.places import BOOK, CTX, LISTED, TRADES, Talk, acked, later

FIVE, SWAP_BOOK = Topic("book", "BTC/USDT", "5"), Topic("book", "BTC/USDT:USDT", "400")
ARG = {"channel": "books", "instId": "BTC-USDT"}


def book(seq: int, prior: int, action: str = "update", **more: Any) -> dict[str, Any]:
    row = {"asks": [["62000.1", "1", "0", "1"]], "bids": [], "ts": "1700000000000", "checksum": 0}
    return {"arg": ARG, "action": action, "data": [row | {"prevSeqId": prior, "seqId": seq} | more]}


def trade(**more: Any) -> dict[str, Any]:
    row = {"instId": "BTC-USDT", "tradeId": "9", "px": "62000.1", "sz": "0.5", "side": "buy", "ts": "1700000000000"}
    return {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [row | more]}


def live(*topics: Topic) -> Talk:
    """A conversation whose book has its whole, at number 10."""
    talk = Talk(topics or (BOOK,))
    talk.receive(acked(BOOK, "books", "BTC-USDT"), book(10, -1, "snapshot"))
    talk.out.heard.clear()
    return talk


def test_subscriptions_go_out_in_one_request_and_are_paid_for() -> None:
    """If this failed, a start with many topics would use up the venue's requests of the hour."""
    talk = Talk([BOOK, TRADES, Topic("quote", "BTC/USDT:USDT"), Topic("index", "BTC/USDT:USDT")])
    args = [
        ARG, {"channel": "trades", "instId": "BTC-USDT"}, {"channel": "bbo-tbt", "instId": "BTC-USDT-SWAP"},
        {"channel": "index-tickers", "instId": "BTC-USDT"},
    ]  # fmt: skip
    assert talk.asked == [{"id": "s1", "op": "subscribe", "args": args}]
    assert talk.out.costs == [(Charge("requests"),)]
    assert isinstance(talk.out.words[0], Ready)


def test_a_long_list_is_cut_into_requests_that_the_venue_takes() -> None:
    """If this failed, a request beyond the venue's size would end the connection."""
    topics = [
        Topic(kind, one.symbol, detail)
        for one in LISTED
        for kind, detail in [("candles", name) for name in channels.BARS] + [(kind, "") for kind in channels.CHANNELS]
    ]
    talk = Talk(topics)
    assert len(talk.out.frames) == -(-len(topics) // 100)
    assert max(map(len, talk.out.frames)) < 64 * 1024


def test_an_answer_may_come_for_each_channel_and_from_data_alone() -> None:
    """If this failed, a lost acknowledgement would look like a dead subscription."""
    talk = Talk([BOOK, TRADES])
    talk.receive(acked(BOOK, "books", "BTC-USDT"))
    assert talk.words(Joined) == [Joined(BOOK)]
    talk.receive(trade())
    assert talk.words(Joined) == [Joined(BOOK), Joined(TRADES)]
    talk.receive(acked(TRADES, "trades", "BTC-USDT"))
    assert len(talk.words(Joined)) == 2


def test_changes_carry_the_venues_numbers() -> None:
    """If this failed, a gap, a quiet book's heartbeat or a reset could not be told apart."""
    talk = live()
    talk.receive(book(11, 10), book(11, 11, asks=[]), book(3, 11))
    numbers = [(event.prior, event.first, event.last, event.whole) for _, event in talk.out.heard]
    assert numbers == [(10, 11, 11, False), (11, 11, 11, False), (11, 3, 3, False)]
    rule = VENUE.doors[0].book_rule("400")
    assert rule is not None
    assert (rule.then, rule.start, rule.whole_from) == (Continuity.PRIOR, Continuity.PRIOR, None)
    assert (event := talk.out.heard[0][1]).venue_ns == 1_700_000_000_000_000_000
    assert (event.seen_ns, event.checksum, bytes(event.asks)) == (5, None, b'[["62000.1","1","0","1"]]')


def test_a_renewed_book_hears_no_change_before_its_new_whole() -> None:
    """If this failed, changes of the lost book would be applied to the new one."""
    talk = live()
    talk.told.renew(BOOK, later(1))
    assert [one["op"] for one in talk.asked[1:]] == ["unsubscribe", "subscribe"]
    talk.receive(book(12, 11), acked(BOOK, "books", "BTC-USDT"), book(13, 12), book(20, -1, "snapshot"), book(21, 20))
    assert [event.last for _, event in talk.out.heard] == [20, 21]


def test_a_book_is_renewed_once_however_often_it_is_asked() -> None:
    """If this failed, a gap would start a storm of subscriptions, and the venue would shut the door."""
    talk = live()
    for _ in range(50):
        talk.told.renew(BOOK, later(1))
        talk.receive(book(99, 98))
    assert len(talk.asked) == 3


def test_a_renewed_channel_of_another_kind_goes_on() -> None:
    """If this failed, a silent trades channel could not be asked for again."""
    talk = Talk([TRADES])
    talk.receive(acked(TRADES, "trades", "BTC-USDT"))
    talk.told.renew(TRADES, later(1))
    talk.receive(acked(TRADES, "trades", "BTC-USDT"), trade())
    assert [one["op"] for one in talk.asked] == ["subscribe", "unsubscribe", "subscribe"]
    assert len(talk.out.heard) == 1


def test_snapshot_channels_are_whole_each_time() -> None:
    """If this failed, five-level books would be treated as changes and rot."""
    talk = Talk([FIVE])
    row = {"asks": [["2", "1", "0", "1"]], "bids": [["1", "1", "0", "1"]], "instId": "BTC-USDT", "ts": "1", "seqId": 7}
    talk.receive({"arg": {"channel": "books5", "instId": "BTC-USDT"}, "data": [row]})
    ((topic, event),) = talk.out.heard
    assert (topic, event.whole, event.last) == (FIVE, True, 7)
    rule = VENUE.doors[0].book_rule("5")
    assert rule is not None
    assert rule.then is Continuity.WHOLE


def test_two_topics_of_one_channel_share_a_subscription() -> None:
    """If this failed, the index of a pair could not be heard for its spot and its swap at once."""
    spot, swap = Topic("index", "BTC/USDT"), Topic("index", "BTC/USDT:USDT")
    talk = Talk([spot, swap])
    assert len(talk.asked[0]["args"]) == 1
    row = {"instId": "BTC-USDT", "idxPx": "62000", "ts": "1700000000000"}
    talk.receive({"arg": {"channel": "index-tickers", "instId": "BTC-USDT"}, "data": [row]})
    assert [(topic, event.symbol) for topic, event in talk.out.heard] == [(spot, "BTC/USDT"), (swap, "BTC/USDT:USDT")]
    talk.told.leave([spot], later(1))
    assert len(talk.asked) == 1
    talk.join(Topic("index", "BTC/USDT"), at=later(2))
    assert talk.last_word == Joined(spot)
    talk.told.leave([spot, swap], later(3))
    assert talk.asked[-1]["op"] == "unsubscribe"


def test_what_was_left_may_still_trickle_in() -> None:
    """If this failed, each topic left would be followed by a warning."""
    talk = live()
    talk.told.leave([BOOK], later(1))
    arg = {"event": "unsubscribe", "arg": ARG, "connId": "a4d3ae55"}
    talk.receive(book(11, 10), arg)
    assert (talk.out.heard, talk.words(Odd)) == ([], [])
    talk.receive(book(12, 11))
    assert len(talk.words(Odd)) == 1


WRONG = "Wrong URL or channel:{},instId:{} doesn't exist. Please use the correct URL, channel and parameters."


def refused(code: str, msg: str, **more: str) -> dict[str, str]:
    return {"event": "error", "code": code, "msg": msg, "connId": "a4d3ae55", **more}


def test_a_refusal_hits_the_channel_it_names() -> None:
    """If this failed, one wrong symbol would silence all that were asked for with it."""
    talk = Talk([BOOK, SWAP_BOOK, TRADES])
    talk.receive(refused("60018", WRONG.format("books", "BTC-USDT"), id="s1"))
    ((word),) = talk.words(Refused)
    assert (word.topic, word.fault.kind, word.fault.code) == (BOOK, Kind.SYMBOL, "60018")
    talk.receive(acked(TRADES, "trades", "BTC-USDT"))
    assert talk.words(Joined) == [Joined(TRADES)]


def test_a_refusal_that_names_nothing_is_found_by_asking_one_by_one() -> None:
    """If this failed, an anonymous refusal would take down subscriptions that are fine."""
    talk = Talk([BOOK, TRADES])
    talk.receive(refused("60012", "Invalid request: {...}", id="s1"))
    assert talk.words(Refused) == []
    alone = [one for one in talk.asked[1:] if one["op"] == "subscribe"]
    assert [len(one["args"]) for one in alone] == [1, 1]
    talk.receive(refused("60012", "Invalid request: {...}", id=alone[1]["id"]))
    assert [word.topic for word in talk.words(Refused)] == [TRADES]


def test_refusals_that_name_nothing_at_all_come_to_an_end() -> None:
    """If this failed, two wrong channels would be asked for in turn until the hour's requests are used up."""
    talk = Talk([BOOK, TRADES])
    for _ in range(20):
        talk.receive(refused("60012", "Invalid request"))
    assert {word.topic for word in talk.words(Refused)} == {BOOK, TRADES}
    assert sum(one["op"] == "subscribe" for one in talk.asked) <= 1 + 2 * TRIES


def test_too_many_requests_say_when_to_try_again() -> None:
    """If this failed, a bot would go on asking until the venue ends the connection."""
    talk = Talk([BOOK, TRADES])
    talk.receive(refused("60014", "Requests too frequent", id="s1"))
    assert [word.topic for word in talk.words(Refused)] == [BOOK, TRADES]
    assert all(word.fault.kind is Kind.LIMIT and word.fault.wait_ms for word in talk.words(Refused))


def test_a_refused_unsubscribe_is_of_no_matter_and_a_stray_refusal_is_told() -> None:
    """If this failed, a renewal could be taken for refused, or a refusal vanish."""
    talk = live()
    talk.told.renew(BOOK, later(1))
    talk.receive(refused("60018", WRONG.format("books", "BTC-USDT"), id=talk.asked[1]["id"]))
    assert (talk.words(Refused), talk.words(Odd)) == ([], [])
    live_talk = live()
    live_talk.receive(refused("64004", "conflict"))
    assert [word.what for word in live_talk.words(Odd)] == ["a refusal of nothing that was asked: 64004"]


@pytest.mark.parametrize(
    "topic",
    [
        Topic("book", "BTC/USDD"), Topic("book", "BTC/USDT", "20"), Topic("candles", "BTC/USDT", "8h"),
        Topic("orders", "BTC/USDT"),
    ],
)  # fmt: skip
def test_what_the_venue_does_not_have_is_refused_unsent(topic: Topic) -> None:
    """If this failed, a topic of a misspelled name would wait for ever."""
    talk = Talk([topic, TRADES])
    assert [word.topic for word in talk.words(Refused)] == [topic]
    assert len(talk.asked[0]["args"]) == 1


def test_a_lost_answer_is_asked_for_again_and_then_given_up() -> None:
    """If this failed, one lost frame would leave a topic silent for ever, or be asked for without end."""
    talk = Talk([TRADES])
    for turn in range(1, 10):
        talk.told.tick(later(turn * ACK_MS / 1000))
    subscribed = [one for one in talk.asked if one["op"] == "subscribe"]
    assert len(subscribed) == TRIES
    ((word),) = talk.words(Refused)
    assert (word.topic, word.fault.kind) == (TRADES, Kind.SERVER)
    assert word.fault.wait_ms > 0


def test_a_whole_that_never_comes_is_asked_for_again() -> None:
    """If this failed, a book whose first message was lost would stay empty behind a good acknowledgement."""
    talk = Talk([BOOK])
    talk.receive(acked(BOOK, "books", "BTC-USDT"), book(11, 10))
    talk.told.tick(later(ACK_MS / 1000))
    assert [one["op"] for one in talk.asked] == ["subscribe", "unsubscribe", "subscribe"]


def test_changes_that_flow_without_their_whole_ask_for_it_soon_and_not_often() -> None:
    """If this failed, a book whose whole was lost would stay marked for ten seconds, or ask with every change."""
    talk = Talk([BOOK])
    talk.receive(acked(BOOK, "books", "BTC-USDT"), book(11, 10))
    for tenth in range(1, 80):
        talk.told.tick(later(tenth / 10))
        talk.receive(book(11 + tenth, 10 + tenth))
    assert [one["op"] for one in talk.asked] == ["subscribe", *["unsubscribe", "subscribe"] * (TRIES - 1)]
    talk.receive(book(200, -1, "snapshot"), book(201, 200))
    assert [levels.last for _, levels in talk.out.heard] == [200, 201]


def test_a_quiet_connection_is_asked_for_a_sign() -> None:
    """If this failed, a quiet market would look like a dead connection, or the venue would hang up after 30 s."""
    talk = live()
    for second in range(1, 61):
        before = len(talk.out.frames)
        talk.told.tick(later(second))
        talk.receive(*[b"pong"] * (len(talk.out.frames) - before))
    assert 3 <= talk.out.frames.count(b"ping") <= 60_000 // PING_MS
    assert talk.words(Odd) == []
    assert VENUE.doors[0].quiet_ms > PING_MS


def test_the_announced_end_is_passed_on() -> None:
    """If this failed, an upgrade of the venue would cut the stream instead of being prepared for."""
    talk = live()
    talk.receive({"event": "notice", "code": "64008", "msg": "The connection will soon be closed.", "connId": "a4"})
    assert talk.last_word == Ending(60_000, "The connection will soon be closed.")


def test_another_symbols_data_goes_to_no_lane() -> None:
    """If this failed, a price of one market could be taken for another's."""
    talk = live(BOOK, TRADES)
    talk.receive(book(11, 10, instId="ETH-USDT"), trade(instId="ETH-USDT"))
    assert talk.out.heard == []
    assert len(talk.words(Odd)) == 2


def test_a_number_too_long_for_a_float_is_told_and_passed_on() -> None:
    """If this failed, digits would be lost without a word."""
    talk = Talk([TRADES])
    talk.receive(trade(px="62000.123456789012345"), trade(px="62000.10000000000000"))
    assert [event.price for _, event in talk.out.heard] == [62000.123456789012345, 62000.1]
    assert [word.what for word in talk.words(Odd)] == ["more digits than a float holds"]


def test_unknown_fields_and_words_are_told() -> None:
    """If this failed, a change of the venue's interface would go unnoticed until something breaks."""
    talk = live(BOOK, TRADES)
    talk.receive(trade(mood="good"), trade(side="both"), book(11, 10, "rewrite"), {"event": "party"})
    assert [word.what for word in talk.words(Odd)] == [
        "unknown field data.mood on trades",
        "unreadable on trades: a trade's side is 'both'",
        "unknown action rewrite on books",
        "a frame that nothing asked for: party",
    ]
    assert [event.side for _, event in talk.out.heard] == ["buy"]


def test_fields_in_another_order_are_read_all_the_same() -> None:
    """If this failed, a harmless change of the venue's writing would stop all data."""
    talk = live()
    talk.receive({"action": "update", **book(11, 10)})
    talk.receive({"data": book(12, 11)["data"], "arg": dict(reversed(ARG.items())), "action": "update"})
    assert [event.last for _, event in talk.out.heard] == [11, 12]


def test_rows_mean_what_the_document_says() -> None:
    """If this failed, a column would be taken for another."""
    talk = Talk([Topic("quote", "BTC/USDT"), Topic("candles", "BTC/USDT", "1m"), TRADES])
    best = {"asks": [["2", "20", "0", "1"]], "bids": [], "ts": "1", "seqId": 7}
    row = ["60000", "1", "4", "0.5", "3", "10", "25", "26", "1"]
    talk.receive(
        {"arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"}, "data": [best]},
        {"arg": {"channel": "candle1m", "instId": "BTC-USDT"}, "data": [row]},
        trade(count="3", seqId=5, source="0"),
    )
    quote, candle, last = (event for _, event in talk.out.heard)
    assert isinstance(quote, Quote)
    assert (quote.ask, quote.ask_qty, quote.bid_qty, quote.seq) == (2, 20, 0, 7)
    assert quote.bid != quote.bid  # no bid: no number stands for it
    assert isinstance(candle, Candle)
    assert (candle.open_ns, candle.close, candle.volume, candle.quote_volume) == (60_000_000_000, 3, 10, 26)
    assert candle.closed
    assert isinstance(last, Trade)
    assert (last.id, last.count, last.side) == ("9", 3, "buy")


def test_nothing_is_called_through_a_public_connection() -> None:
    """If this failed, a call would wait for an answer that never comes."""
    talk = Talk()
    talk.told.call(Call("7", Op.PLACE, None), later(1))
    assert isinstance(talk.last_word, Answer)
    assert talk.last_word.tag == "7"


def test_a_machine_tells_its_state_in_a_line() -> None:
    """If this failed, whoever looks for the reason of a silence would see an address in memory."""
    assert repr(Talk([BOOK, TRADES]).told) == "<Channels: 2 subscribed, 2 of them not yet answered>"
    assert repr(live().told) == "<Channels: 1 subscribed, 0 of them not yet answered>"


HEADS = st.sampled_from([b"", b'{"arg":{"channel":"books","instId":"BTC-USDT"}', b'{"event":', b'{"arg":', b"[" * 50])


@given(st.lists(st.builds(lambda head, tail: head + tail, HEADS, st.binary(max_size=120)), max_size=8))
def test_no_bytes_disturb_a_conversation(frames: list[bytes]) -> None:
    """If this failed, one broken frame would take down the stream of every market."""
    talk = live(BOOK, TRADES)
    talk.receive(*frames)
    talk.receive(book(10**6, 10))
    assert isinstance(talk.out.heard[-1][1], Levels)


FIELDS = ["arg", "data", "event", "asks", "bids", "ts", "px", "channel", "instId", "code", "id"]
LEAVES = st.none() | st.integers() | st.sampled_from(["", "1", "x", "-1", "nan", "BTC-USDT", "books", "error"])
PARTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner),
    max_leaves=10,
)


@given(st.sampled_from(sorted(channels.FEEDS)), PARTS)
def test_no_json_disturbs_a_conversation(channel: str, data: Any) -> None:
    """If this failed, a frame of an unforeseen shape would take down the stream of every market."""
    topic = channels.topic_of(channels.Arg(channel, "BTC-USDT-SWAP"), CTX) or Topic("index", "BTC/USDT:USDT")
    talk = Talk([topic])
    arg = talk.asked[0]["args"][0]
    talk.receive({"arg": arg, "data": data}, {"arg": arg, "data": [data]}, msgspec.json.encode(data))
    talk.told.tick(later(1))
