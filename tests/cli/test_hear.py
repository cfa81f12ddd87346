"""`fairlead wire hear`: recordings of the real venues replay whole; what is broken in one is told as such."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.cli.typed import Ran, typed
from tests.recorded import folder

CAPTURES = {
    # file -> topics, and how many lines of each type come of it
    "binance/captures/spot_BTCUSDT_20240808.jsonl.gz": (
        ["book:BTC/USDT", "trades:BTC/USDT", "quote:BTC/USDT"], {"trade": 2278, "quote": 8637},
    ),
    "binance/captures/spot_LRCBTC_2021.jsonl.gz": (
        ["book:LRC/BTC", "quote:LRC/BTC", "candles:LRC/BTC:1m"], {"quote": 9, "candle": 1},
    ),
    "binance/captures/spot_NKNUSDT_2021.jsonl.gz": (["book:NKN/USDT", "quote:NKN/USDT"], {"quote": 74}),
    "kraken/captures/v2_BTC-USD_2023.jsonl.gz": (["book:BTC/USD"], {"book": 221}),
}  # fmt: skip


def hear(venue: str, topics: list[str], frames: list[dict[str, Any]]) -> Ran:
    return typed(["wire", "hear", venue, *topics], b"\n".join(json.dumps(frame).encode() for frame in frames))


@pytest.mark.parametrize("name", CAPTURES)
def test_a_recording_replays_without_a_gap(name: str) -> None:
    """If this failed, a change of a real book would be lost, doubled or wrong, and the price with it."""
    topics, counts = CAPTURES[name]
    ran = typed(["wire", "hear", name.partition("/")[0], *topics], gzip.decompress(folder(name).read_bytes()))
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0]["type"] == "note"
    assert [ran.of(kind) for kind in ("gap", "anomaly", "odd", "refused")] == [[], [], [], []]
    assert {kind: len(ran.of(kind)) for kind in counts} == counts
    (state,) = ran.of("book_state")
    assert list(state) == ["type", "symbol", "state", "bids", "asks"]
    assert state == ran.lines[-1]
    assert (state["state"], len(state["bids"]), len(state["asks"])) == ("LIVE", 10, 10)
    best = ran.of("book")[-1]
    assert (best["bid"], best["ask"]) == (state["bids"][0], state["asks"][0])


def test_the_best_prices_are_those_that_the_venue_told_beside_the_book() -> None:
    """If this failed, the replay could be whole and yet hold another book than the venue's."""
    name = "binance/captures/spot_BTCUSDT_20240808.jsonl.gz"
    lines = gzip.decompress(folder(name).read_bytes())
    ran = typed(["wire", "hear", "binance", "book:BTC/USDT", "quote:BTC/USDT"], lines)
    quotes = {line["seq"]: line for line in ran.of("quote")}
    shared = [(line, quotes[line["seq"]]) for line in ran.of("book") if line["seq"] in quotes]
    assert len(shared) > 100
    for book, quote in shared:
        assert [float(text) for text in (*book["bid"], *book["ask"])] == [
            quote["bid"], quote["bid_qty"], quote["ask"], quote["ask_qty"],
        ]  # fmt: skip


def change(first: int, last: int, bids: list[list[str]]) -> dict[str, Any]:
    data = {"e": "depthUpdate", "E": 1700000000000, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": []}
    return {"dir": "recv", "raw": json.dumps({"stream": "btcusdt@depth@100ms", "data": data}, separators=(",", ":"))}


WHOLE = {
    "dir": "rest",
    "url": "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000",
    "raw": '{"lastUpdateId":10,"bids":[["99.5","1"],["99","2"]],"asks":[["100.25","3"]]}',
}


def test_changes_wait_for_the_whole_and_are_applied_in_exact_texts() -> None:
    """If this failed, a book would begin without the changes that came before its snapshot."""
    ran = hear("binance", ["book:BTC/USDT"], [change(9, 11, [["99.5", "4"]]), WHOLE, change(12, 12, [["99", "0"]])])
    assert [line["type"] for line in ran.lines] == ["note", "note", "waiting", "book", "book", "book_state"]
    assert ran.lines[-1] == {
        "type": "book_state", "symbol": "BTC/USDT", "state": "LIVE",
        "bids": [["99.50", "4"]], "asks": [["100.25", "3"]],
    }  # fmt: skip


def test_a_missing_change_is_a_gap_and_the_book_is_not_live() -> None:
    """If this failed, a broken recording would look whole."""
    ran = hear("binance", ["book:BTC/USDT"], [WHOLE, change(12, 13, [["99.5", "4"]])])
    assert "11" in ran.of("gap")[0]["why"]
    assert ran.lines[-1]["state"] == "RESYNCING"


def test_an_impossible_price_is_labelled_and_not_passed_on() -> None:
    """If this failed, an anomaly in a recording would be told as a price."""
    ran = hear("binance", ["book:BTC/USDT"], [WHOLE, change(11, 11, [["101", "4"]])])
    assert ran.of("anomaly")[0]["label"] == "crossed"
    assert ran.lines[-1]["state"] == "RESYNCING"


def test_what_was_not_named_is_counted_and_what_fits_nothing_is_odd() -> None:
    """If this failed, a recording of another symbol would pass for an empty one."""
    other = {**WHOLE, "url": "https://api.binance.com/api/v3/depth?symbol=ETHUSDT"}
    ran = hear("binance", ["trades:BTC/USDT"], [change(1, 2, []), other, {"dir": "recv", "raw": "{"}])
    assert ran.of("unused")[0]["frames"] == 1
    assert [line["what"] for line in ran.of("odd")] == ["a reply that fits no topic", "not a frame of this venue"]


def test_a_line_that_is_no_frame_is_named_by_its_number() -> None:
    """If this failed, nobody would find the broken line in a long recording."""
    for line in (b"{", b'{"dir":"up","raw":""}', b'{"dir":"recv"}', b"\xff"):
        ran = typed(["wire", "hear", "kraken", "book:BTC/USD"], b'{"dir":"recv","raw":"{}"}\n' + line)
        assert ran.code == 2
        assert "Line 2" in ran.err


def test_topics_over_several_doors_hear_one_recording() -> None:
    """If this failed, candles and trades of one recording could not be heard at once where their doors differ."""
    bar = ["1700000000000", "1", "2", "0.5", "1.5", "10", "10", "15", "0"]
    frames = [
        {"arg": {"channel": "candle1m", "instId": "BTC-USDT"}, "data": [bar]},
        {
            "arg": {"channel": "trades", "instId": "BTC-USDT"},
            "data": [
                {"instId": "BTC-USDT", "tradeId": "5", "px": "1.5", "sz": "2", "side": "buy", "ts": "1700000000001"}
            ],
        },
    ]
    lines = [{"dir": "recv", "raw": json.dumps(frame, separators=(",", ":"))} for frame in frames]
    ran = hear("okx", ["candles:BTC/USDT:1m", "trades:BTC/USDT"], lines)
    assert (len(ran.of("candle")), len(ran.of("trade")), ran.of("odd")) == (1, 1, [])


def test_what_an_account_was_told_is_heard_without_a_key_or_a_symbol() -> None:
    """If this failed, what a venue said of an order could not be shown to whoever is to mend a misreading."""
    told = {"e": "executionReport", "E": 2, "s": "BTCUSDT", "c": "fl1", "S": "BUY", "o": "LIMIT", "f": "GTC",
            "q": "1.5", "p": "61000.0", "P": "0", "F": "0", "g": -1, "C": "", "x": "NEW", "X": "NEW", "r": "NONE",
            "i": 42, "l": "0", "z": "0", "L": "0", "n": "0", "N": None, "T": 2, "t": -1, "I": 1, "w": True, "m": False,
            "M": False, "O": 2, "Z": "0", "Y": "0", "Q": "0", "W": 2, "V": "NONE"}  # fmt: skip
    line = json.dumps({"dir": "recv", "raw": json.dumps({"subscriptionId": 0, "event": told})}).encode()
    for topics, symbol in ((["orders", "balances"], "BTCUSDT"), (["orders:BTC/USDT"], "BTC/USDT")):
        ran = typed(["wire", "hear", "binance", *topics], line)
        assert ran.code == 0
        report = ran.of("order_report")[0]
        assert (report["symbol"], report["qty"], report["order_type"]) == (symbol, "1.5", "limit")
