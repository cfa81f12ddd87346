"""OKX's own shapes, each under a payload of the vendor's document, with the noun it means; it asks and sends nothing.

Rows are the same on REST (in `data` of the envelope) and on the socket (in `data` of a frame). Nearly every value is a
text, "" where it does not apply."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

from msgspec import Raw, Struct, field

from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.model.market import MS, Candle, Funding, FundingPaid, Index, Mark, Quote, Ticker, Trade
from fairlead.model.numbers import DIGITS_EXACT, long_text
from fairlead.model.symbols import Symbol
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.shapes import Nonsense, ms_of

NAME = "okx"
T = TypeVar("T")

REPLY = frozenset({"code", "msg", "data"})
FRAME = frozenset({"arg", "arg.channel", "arg.instId", "action", "data"})


def known(around: frozenset[str], names: str) -> frozenset[str]:
    """The documented fields: those around the rows, and those of a row."""
    return around | {f"data.{name}" for name in names.split()}


# {"code":"0","msg":"","data":[...]}  REST API / Overview
class Envelope(Struct, Generic[T]):
    code: str
    data: list[T]
    msg: str = ""


# {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[...]}  WebSocket / Subscribe
class Frame(Struct, Generic[T], gc=False):
    data: list[T]


class Row(Struct, rename="camel", gc=False):
    """A row of `data`; fields that we do not read are left out, and the names below each row are all it documents."""


# {"ts":"1597026383085"}  GET / System time
class TimeRow(Row):
    ts: str

    def noun(self) -> int:
        return ms_of(self.ts)


TIME = "ts"


# {"instId":"BTC-USDT-SWAP","instType":"SWAP","ctVal":"0.01","tickSz":"0.1",...} GET / Instruments
class InstrumentRow(Row):
    inst_id: str
    tick_sz: str
    lot_sz: str
    min_sz: str = ""
    max_lmt_sz: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    settle_ccy: str = ""
    state: str = ""
    inst_id_code: int | str | None = None  # null until the venue generated it

    def noun(self) -> Instrument | None:
        """None for what has no symbol of ours: options and event contracts."""
        symbol = symbol_of(self.inst_id, self.settle_ccy)
        if symbol is None:
            return None
        tick, step = decimal(self.tick_sz), decimal(self.lot_sz)
        return Instrument(
            symbol=str(symbol), venue_symbol=self.inst_id, price_tick=tick, qty_step=step,
            price_decimals=numbers.decimals_of(tick), qty_decimals=numbers.decimals_of(step),
            status=STATES.get(self.state, "unknown"), venue_status=self.state,
            min_qty=decimal(self.min_sz), max_qty=decimal(self.max_lmt_sz),
            # The size of an order is in contracts; one holds ctVal x ctMult of the base (linear) or quote (inverse).
            contract_size=decimal(self.ct_val or "1") * decimal(self.ct_mult or "1") if symbol.settle else Decimal(1),
            names={} if self.inst_id_code is None else {"code": str(self.inst_id_code)},
        )  # fmt: skip


INSTRUMENT = """alias auctionEndTime baseCcy category contTdSwTime ctMult ctType ctVal ctValCcy elpMinLevel elpMinPxBand
    expTime floatPxLmtPct futureSettlement groupId initPxLmtPct instCategory instFamily instId instIdCode instType lever
    listTime lotSz maxIcebergSz maxLmtAmt maxLmtSz maxMktAmt maxMktSz maxPlatOILmt maxPxLmtPct maxStopSz maxTriggerSz
    maxTwapSz minSz openType optType posLmtAmt posLmtPct preMktSwTime quoteCcy rpiMinLevel rpiMinPxBand ruleType
    seriesId settleCcy state stk tickSz tradeQuoteCcyList uly upcChg upcChg.param upcChg.newValue upcChg.effTime"""
STATES = {
    "live": "trading", "post_only": "post-only", "preopen": "pending", "suspend": "halted", "rebase": "halted",
    "settling": "halted", "test": "halted", "expired": "closed",
}  # fmt: skip


def symbol_of(inst_id: str, settle: str = "") -> Symbol | None:
    """BTC-USDT, BTC-USDT-SWAP, BTC-USD-SWAP (settled in BTC), BTC-USD_UM-SWAP (settled in dollars), BTC-USDT-261225."""
    base, _, rest = inst_id.partition("-")
    family, _, term = rest.partition("-")
    quote, _, margined = family.partition("_")
    if not base or not quote or (term not in ("", "SWAP") and not (len(term) == 6 and term.isdecimal())):
        return None
    if not term:
        return Symbol(base, family)
    usual = base if family == "USD" else quote if margined else family
    return Symbol(base, quote, settle or usual, "" if term == "SWAP" else term)


# {"instType":"SWAP","instId":"BTC-USDT-SWAP","last":"62000.1","ts":"1597026383085",...}  GET / Ticker; WS / Tickers
class TickerRow(Row):
    inst_id: str
    last: str
    ask_px: str
    bid_px: str
    open24h: str
    high24h: str
    low24h: str
    vol24h: str
    vol_ccy24h: str = field(name="volCcy24h")
    ts: str
    inst_type: str = ""

    def noun(self, topic: Topic, seen_ns: int = 0) -> Ticker:
        return Ticker(
            venue=NAME, symbol=topic.symbol, venue_ns=ms_of(self.ts) * MS, seen_ns=seen_ns,
            last=_float(self.last), bid=_float(self.bid_px), ask=_float(self.ask_px), open=_float(self.open24h),
            high=_float(self.high24h), low=_float(self.low24h), volume=_float(self.vol24h),
            # volCcy24h counts the quote on spot, but the base on derivatives.
            quote_volume=_float(self.vol_ccy24h) if self.inst_type == "SPOT" else None,
        )  # fmt: skip


TICKER = """instType instId last lastSz askPx askSz bidPx bidSz open24h high24h low24h volCcy24h vol24h sodUtc0 sodUtc8
    ts"""


# {"asks":[["8476.98","415","0","13"]],"bids":[],"ts":"1597026383085","prevSeqId":-1,"seqId":123456}
# GET / Order book; WS / Order book channel
# A level is price, size, a deprecated "0" and the number of orders. `checksum` has been 0 since 2026 and is not read.
class BookRow(Row):
    asks: Raw
    bids: Raw
    ts: str
    seq_id: int = 0
    prev_seq_id: int = -1
    inst_id: str = ""

    def noun(self, topic: Topic, whole: bool, seen_ns: int = 0) -> Levels:
        last, at_ns = self.seq_id, ms_of(self.ts) * MS
        return Levels(topic, whole, last, last, self.prev_seq_id, None, self.bids, self.asks, at_ns, seen_ns)


class BookFrame(Struct, gc=False):
    data: list[BookRow]
    action: str = ""


BOOK = "asks bids ts seqId prevSeqId checksum instId"


# The same with one level a side, or none  WS / Order book, bbo-tbt
class BestRow(Row):
    asks: list[list[str]]
    bids: list[list[str]]
    ts: str
    seq_id: int = 0

    def noun(self, topic: Topic, seen_ns: int = 0) -> Quote:
        (bid, bid_qty), (ask, ask_qty) = _best(self.bids), _best(self.asks)
        return Quote(
            venue=NAME, symbol=topic.symbol, venue_ns=ms_of(self.ts) * MS, seen_ns=seen_ns,
            bid=bid, bid_qty=bid_qty, ask=ask, ask_qty=ask_qty, seq=self.seq_id,
        )  # fmt: skip


def _best(side: list[list[str]]) -> tuple[float, float]:
    """Price and size; an empty side has no price, and no number stands for that."""
    if not side:
        return float("nan"), 0.0
    if len(side[0]) < 2:
        raise Nonsense("a level without price and size")
    return float(side[0][0]), float(side[0][1])


# {"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12","side":"buy","ts":"1630048897897",
#  "count":"3","source":"0","seqId":1234}  GET / Trades; WS / Trades channel
# On the socket a row may stand for `count` trades of one taker at one price; tradeId is the last of them.
class TradeRow(Row):
    inst_id: str
    trade_id: str
    px: str
    sz: str
    side: str
    ts: str
    count: str = ""

    def noun(self, topic: Topic, seen_ns: int = 0) -> Trade:
        if self.side not in ("buy", "sell"):
            raise Nonsense(f"a trade's side is {self.side!r}")
        return Trade(
            venue=NAME, symbol=topic.symbol, venue_ns=ms_of(self.ts) * MS, seen_ns=seen_ns, id=self.trade_id,
            price=float(self.px), qty=float(self.sz), side=self.side, count=int(self.count) if self.count else 1,
        )  # fmt: skip

    def long(self) -> bool:
        return (len(self.px) > DIGITS_EXACT and long_text(self.px)) or (
            len(self.sz) > DIGITS_EXACT and long_text(self.sz)
        )


TRADE = "instId tradeId px sz side ts count source seqId"


# ["1597026383085","3.721","3.743","3.677","3.708","8422410","22698348.04","12698348.04","0"]  GET, WS / Candlesticks
# ts, open, high, low, close, volume (contracts or base), volume in currency, in quote currency, confirm (1: closed)
def candle(row: list[str], topic: Topic, seen_ns: int = 0) -> Candle:
    if len(row) < 6:
        raise Nonsense(f"a candle of {len(row)} members")
    return Candle(
        venue=NAME, symbol=topic.symbol, venue_ns=0, seen_ns=seen_ns, interval=topic.detail, open_ns=ms_of(row[0]) * MS,
        open=float(row[1]), high=float(row[2]), low=float(row[3]), close=float(row[4]), volume=float(row[5]),
        quote_volume=_float(row[7]) if len(row) > 7 else None, closed=len(row) > 8 and row[8] == "1",
    )  # fmt: skip


# {"fundingRate":"0.0000182","fundingTime":"1743609600000","ts":"1743588686291",...}  GET and WS / Funding rate
class FundingRow(Row):
    inst_id: str
    funding_rate: str
    funding_time: str
    next_funding_time: str = ""
    ts: str = ""

    def noun(self, topic: Topic, seen_ns: int = 0) -> Funding:
        due_ms = ms_of(self.funding_time)
        return Funding(
            venue=NAME, symbol=topic.symbol, venue_ns=(ms_of(self.ts) if self.ts else 0) * MS, seen_ns=seen_ns,
            rate=float(self.funding_rate), due_ns=due_ms * MS,
            interval_ms=ms_of(self.next_funding_time) - due_ms if self.next_funding_time else 0,
        )  # fmt: skip


FUNDING = """formulaType fundingRate fundingTime impactValue instId instType interestRate maxFundingRate method
    minFundingRate nextFundingRate nextFundingTime premium settFundingRate settState ts"""


# {"fundingRate":"0.0000746","fundingTime":"1703059200000","realizedRate":"0.0000746",...}  GET / Funding rate history
class PaidRow(Row):
    funding_rate: str
    funding_time: str
    realized_rate: str = ""  # what was paid in the end; fundingRate was the forecast

    def noun(self, symbol: str) -> FundingPaid:
        rate = float(self.realized_rate or self.funding_rate)
        return FundingPaid(venue=NAME, symbol=symbol, venue_ns=ms_of(self.funding_time) * MS, seen_ns=0, rate=rate)


PAID = "formulaType fundingRate fundingTime instId instType method realizedRate"


# {"instType":"SWAP","instId":"BTC-USDT-SWAP","markPx":"200","ts":"1597026383085"}  GET / Mark price; WS / Mark price
class MarkRow(Row):
    inst_id: str
    mark_px: str
    ts: str

    def noun(self, topic: Topic, seen_ns: int = 0) -> Mark:
        at_ns, price = ms_of(self.ts) * MS, float(self.mark_px)
        return Mark(venue=NAME, symbol=topic.symbol, venue_ns=at_ns, seen_ns=seen_ns, price=price)


MARK = "instType instId markPx ts"


# {"instId":"BTC-USDT","idxPx":"43350","high24h":"..","ts":"1597026383085",...}  GET and WS / Index tickers
class IndexRow(Row):
    inst_id: str
    idx_px: str
    ts: str

    def noun(self, topic: Topic, seen_ns: int = 0) -> Index:
        at_ns, price = ms_of(self.ts) * MS, float(self.idx_px)
        return Index(venue=NAME, symbol=topic.symbol, venue_ns=at_ns, seen_ns=seen_ns, price=price)


INDEX = "instId idxPx high24h sodUtc0 open24h low24h sodUtc8 ts"


def _float(text: str) -> float | None:
    return float(text) if text else None


def decimal(text: str) -> Decimal:
    return numbers.decimal(text) if text else Decimal(0)
