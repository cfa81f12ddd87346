"""core/strand over recorded books: no gap, and the best prices that the venue itself told at the same number."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from fairlead.core.strand import Strand, Take
from fairlead.model.market import MS
from fairlead.wire.conversation import Levels, Topic
from tests.core.oracle import BTC, RULES
from tests.recorded import lines


class _Wrapped(msgspec.Struct):
    data: msgspec.Raw


class _Depth(msgspec.Struct):
    e: str = ""
    E: int = 0
    U: int = 0
    u: int = 0
    pu: int = -1
    b: msgspec.Raw = Raw(b"[]")
    a: msgspec.Raw = Raw(b"[]")


class _Ticker(msgspec.Struct):
    u: int
    b: str
    B: str
    a: str
    A: str


class _Snapshot(msgspec.Struct):
    lastUpdateId: int  # noqa: N815
    bids: msgspec.Raw
    asks: msgspec.Raw


CAPTURES = {
    "spot_BTCUSDT_20240808": "range",
    "spot_LRCBTC_2021": "range",
    "spot_NKNUSDT_2021": "range",
    "usdm_AKROUSDT_2021": "range then prior",
    "usdm_ETHUSDT_20240808": "range then prior",
    "usdm_SUSHIUSDT_2021": "range then prior",
}


@pytest.mark.parametrize("name", CAPTURES)
def test_a_recorded_book_agrees_with_the_recorded_best_prices(name: str) -> None:
    """The continuity rules would hold for our idea of the venue and break on the real one."""
    strand, topic = Strand(BTC, RULES[CAPTURES[name]], 1_000), Topic("book", BTC.symbol, "1000")
    tops: dict[int, tuple[float, ...]] = {}
    tickers: list[_Ticker] = []
    applied = 0
    for line in lines(f"binance/captures/{name}.jsonl.gz"):
        if line["dir"] == "rest":
            whole = msgspec.json.decode(line["raw"], type=_Snapshot)
            levels = Levels(topic, True, 0, whole.lastUpdateId, -1, None, whole.bids, whole.asks, 0, 0)
            assert strand.supply(levels) is Take.WHOLE
            continue
        data = msgspec.json.decode(line["raw"], type=_Wrapped).data
        heard = msgspec.json.decode(data, type=_Depth)
        if heard.e == "depthUpdate":
            change = Levels(topic, False, heard.U, heard.u, heard.pu, None, heard.b, heard.a, heard.E * MS, 1)
            took = strand.take(change)
            assert took in (Take.WAITING, Take.APPLIED, Take.IGNORED), strand.why
            applied += took is Take.APPLIED
            if strand.live:
                bids, asks = strand.rungs.bids.top(1)[0], strand.rungs.asks.top(1)[0]
                tops[strand.last] = _floats(strand, *bids, *asks)
        elif "bookTicker" in line["raw"][:60]:
            tickers.append(msgspec.json.decode(data, type=_Ticker))
    assert applied > 10
    shared = [ticker for ticker in tickers if ticker.u in tops]
    assert [tops[one.u] for one in shared] == [
        (float(one.b), float(one.B), float(one.a), float(one.A)) for one in shared
    ]
    assert shared or name != "spot_BTCUSDT_20240808"


def _floats(strand: Strand, bid: int, bid_qty: int, ask: int, ask_qty: int) -> tuple[float, ...]:
    price, qty = 10**strand.rungs.price_decimals, 10**strand.rungs.qty_decimals
    return bid / price, bid_qty / qty, ask / price, ask_qty / qty
