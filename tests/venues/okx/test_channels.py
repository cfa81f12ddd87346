"""What the venue calls our topics, both ways."""

from __future__ import annotations

import pytest

from fairlead.venues.okx.channels import BARS, BOOKS, CHANNELS, FEEDS, Arg, arg_of, by_id, by_index, topic_of
from fairlead.wire.conversation import Topic
from tests.venues.okx.places import CTX, named

TOPICS = [
    *(Topic("book", "BTC/USDT", depth) for depth in BOOKS if depth),
    *(Topic(kind, "BTC/USDT:USDT") for kind in CHANNELS),
    *(Topic("candles", "BTC/USD:USD", interval) for interval in BARS),
]


@pytest.mark.parametrize("topic", TOPICS, ids=str)
def test_topics_and_channels_lead_both_ways(topic: Topic) -> None:
    """If this failed, what was subscribed to would come back as something else."""
    arg = arg_of(topic, CTX)
    assert arg.channel in FEEDS
    assert topic_of(arg, CTX) == topic
    assert arg.head == f'{{"arg":{{"channel":"{arg.channel}","instId":"{arg.inst_id}"}}'.encode()


def test_an_index_is_found_by_its_pair_and_nothing_else_is() -> None:
    """If this failed, the index's name would be taken for the spot pair of that name, or the other way round."""
    swaps = named("BTC-USDT-SWAP")
    assert by_id("BTC-USDT", swaps) is None
    found = by_index("BTC-USDT", CTX)
    assert found is not None
    assert found.symbol == "BTC/USDT:USDT"
    only_spot = by_index("ETH-BTC", CTX)
    assert only_spot is not None
    assert only_spot.symbol == "ETH/BTC"
    assert by_index("BTC-DKK", CTX) is None


@pytest.mark.parametrize(
    "arg", [Arg("books", "BTC-USDD"), Arg("candle1D", "BTC-USDT"), Arg("funding-rate", "BTC-USDT"), Arg("", "BTC-USDT")]
)
def test_what_is_no_channel_is_no_topic(arg: Arg) -> None:
    """If this failed, the simulator would accept a subscription that the venue refuses."""
    assert topic_of(arg, CTX) is None
