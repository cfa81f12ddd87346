"""Whether a market value can be true: each is answered with a label, "" for a normal one; it drops and changes nothing.

Every value is labelled and counted here; who passes it on says so. A market that really moved is believed after a few
values that agree with one another: a label is a doubt, not a verdict.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from math import inf, isfinite
from typing import Any

from fairlead.model import intervals
from fairlead.model.market import MS, Candle, Funding, Index, Mark, Quote, Ticker, Trade

FLOOR = 0.1  # this far outside of what was believed lately is a jump ...
FLOOR_TICKS = 10  # ... where the tick is not coarser than that
BLOCK = 64  # lately: this block of prices and the one before
BELIEVED = 5  # as many that agree are believed
FIRST = {"quote": 2, "book": 2}  # believed as they come: both sides at once; of all others the first price
REMEMBERED = 50  # over as many prices a doubted one may find others that agree
WICK = 3.0  # no bar's high or low is this many times away from where it opened and closed
RATE_MOST = 0.5  # no venue pays half a position as funding
BACK_NS = 2_000 * MS  # venues stamp in parallel: within one topic times may go back this much
BARS_MOST = 5_000  # more than any venue tells at once: a bar that opened longer ago is of another time
FUTURE_NS = 10_000 * MS  # ahead of our idea of the venue's clock


class Guard:
    """Of one instrument on one venue. A wrong symbol is told first, then nonsense, then time, then a jump."""

    def __init__(self, symbol: str, tick: float = 0.0, crossed_ok: bool = False) -> None:
        self.counts: Counter[str] = Counter()  # by label
        self._symbol, self._tick, self._crossed_ok = symbol, tick, crossed_ok
        self._bands: dict[str, _Band] = {}
        self._times: dict[str, _Time] = {}
        self._trades, self._quotes, self._tops = self._band("trades"), self._band("quote"), self._band("book")
        self._trade_time, self._quote_time = self._time("trades"), self._time("quote")

    def of(self, kind: str) -> Callable[[Any], str] | None:
        """What judges a topic of this kind, chosen once; None: its values hold no price (a book is judged by `top`)."""
        table: dict[str, Callable[[Any], str]] = {
            "trades": self.trade, "quote": self.quote, "ticker": self.ticker, "candles": self.candle,
            "mark": self.level, "index": self.level, "funding": self.funding,
        }  # fmt: skip
        return table.get(kind)

    def trade(self, trade: Trade) -> str:
        if trade.symbol == self._symbol and 0.0 < trade.qty < inf:
            label = self._trade_time.judge(trade.venue_ns, trade.seen_ns) or self._trades.judge(trade.price)
        else:
            label = self._stranger(trade.symbol) or _size(trade.qty)
        return self._count(label) if label else ""

    def quote(self, quote: Quote) -> str:
        bid, ask = quote.bid, quote.ask
        if quote.symbol == self._symbol and bid < ask and 0.0 < quote.bid_qty < inf and 0.0 < quote.ask_qty < inf:
            label = (
                self._quote_time.judge(quote.venue_ns, quote.seen_ns)
                or self._quotes.judge(bid)
                or self._quotes.judge(ask)
            )
        else:
            label = (
                self._stranger(quote.symbol)
                or _size(quote.bid_qty)
                or _size(quote.ask_qty)
                or self._sides(bid, ask)
                or self._quotes.judge(bid)
                or self._quotes.judge(ask)
            )
        return self._count(label) if label else ""

    def top(self, bid: float | None, ask: float | None) -> str:
        """The best of each side of a book; None is an empty side."""
        if bid is not None and ask is not None:
            label = "" if bid < ask else self._sides(bid, ask)
            label = label or self._tops.judge(bid) or self._tops.judge(ask)
        else:
            label = next((self._tops.judge(side) for side in (bid, ask) if side is not None), "")
        return self._count(label) if label else ""

    def ticker(self, ticker: Ticker) -> str:
        bid, ask, high, low = ticker.bid, ticker.ask, ticker.high, ticker.low
        label = self._stranger(ticker.symbol)
        for price in (ticker.last, ticker.open, high, low, bid, ask):
            label = label or ("" if price is None else _size(price))
        for volume in (ticker.volume, ticker.quote_volume):
            label = label or ("" if volume is None else _amount(volume))
        if not label and bid is not None and ask is not None and bid >= ask:
            label = self._sides(bid, ask)
        if not label and high is not None and low is not None and high < low:
            label = "inside out"
        label = label or self._time("ticker").judge(ticker.venue_ns, ticker.seen_ns)
        if not label and ticker.last is not None:
            label = self._band("ticker").judge(ticker.last)
        return self._count(label) if label else ""

    def candle(self, candle: Candle) -> str:
        label = self._stranger(candle.symbol)
        for price in (candle.open, candle.high, candle.low, candle.close):
            label = label or _size(price)
        label = label or _amount(candle.volume)
        if not label:
            least, most = min(candle.open, candle.close), max(candle.open, candle.close)
            if candle.low > least or candle.high < most:
                label = "inside out"
            elif candle.high > most * WICK or candle.low * WICK < least:
                label = "jump"
        topic = f"candles:{candle.interval}"
        label = label or _place(candle) or self._time(topic).judge(candle.venue_ns, candle.seen_ns)
        label = label or self._band(topic).judge(candle.close)
        return self._count(label) if label else ""

    def level(self, level: Mark | Index) -> str:
        """A mark or index price."""
        kind = type(level).__name__
        label = self._stranger(level.symbol) or self._time(kind).judge(level.venue_ns, level.seen_ns)
        label = label or self._band(kind).judge(level.price)
        return self._count(label) if label else ""

    def funding(self, funding: Funding) -> str:
        label = self._stranger(funding.symbol)
        if not label and not isfinite(funding.rate):
            label = "not finite"
        if not label and abs(funding.rate) > RATE_MOST:
            label = "jump"
        label = label or self._time("funding").judge(funding.venue_ns, funding.seen_ns)
        return self._count(label) if label else ""

    def _count(self, label: str) -> str:
        self.counts[label] += 1
        return label

    def _stranger(self, symbol: str) -> str:
        return "" if symbol == self._symbol else "wrong symbol"

    def _sides(self, bid: float, ask: float) -> str:
        label = _size(bid) or _size(ask)
        if label or self._crossed_ok:
            return label
        return "locked" if bid == ask else "crossed" if bid > ask else ""

    def _band(self, kind: str) -> _Band:
        if kind not in self._bands:
            self._bands[kind] = _Band(self._tick, FIRST.get(kind, 1))
        return self._bands[kind]

    def _time(self, kind: str) -> _Time:
        if kind not in self._times:
            self._times[kind] = _Time()
        return self._times[kind]

    def __repr__(self) -> str:
        found = ", ".join(f"{count} {label}" for label, count in sorted(self.counts.items()))
        return f"<Guard of {self._symbol}: {found or 'nothing odd'}>"


def _size(number: float) -> str:
    """Of a price or quantity."""
    return "zero" if number == 0.0 else _amount(number)


def _amount(number: float) -> str:
    """Of a volume, which may be zero."""
    return "not finite" if not isfinite(number) else "negative" if number < 0.0 else ""


def _place(candle: Candle) -> str:
    """Of a bar's opening: who believed a wrong one would look for all the bars between."""
    if not candle.seen_ns:
        return ""
    since_ns = candle.seen_ns - candle.open_ns
    if since_ns < -FUTURE_NS:
        return "future"
    return "backwards" if since_ns > BARS_MOST * intervals.length_ns(candle.interval) else ""


class _Band:
    """Where prices were lately, and a margin. Doubted prices stay outside until enough of them agree."""

    __slots__ = (
        "_before", "_doubts", "_high", "_in_row", "_least", "_left", "_low", "_margin", "_most", "_seen",
    )  # fmt: skip

    def __init__(self, tick: float, first: int) -> None:
        self._margin = FLOOR_TICKS * tick
        self._low, self._high = 0.0, inf
        self._least, self._most, self._before = inf, 0.0, (inf, 0.0)
        self._left = first
        self._doubts: deque[tuple[int, float]] = deque(maxlen=BELIEVED)
        self._seen, self._in_row = 0, 0

    def judge(self, price: float) -> str:
        self._seen += 1
        if not self._low < price < self._high:
            return self._doubt(price)
        self._in_row = 0
        if price < self._least or price > self._most:
            self._widen(price)
        self._left -= 1
        if not self._left:
            self._turn()
        return ""

    def _doubt(self, price: float) -> str:
        if label := _size(price):
            return label
        self._in_row += 1
        self._doubts.append((self._seen, price))
        prices = [one for seen, one in self._doubts if self._seen - seen < REMEMBERED]
        least, most = min(prices), max(prices)
        if len(prices) < BELIEVED or most - least > max(FLOOR * least, self._margin):
            return "jump"
        if self._in_row >= BELIEVED:  # the market is elsewhere now; otherwise it is at both places
            self._least, self._most, self._before = inf, 0.0, (inf, 0.0)
        self._in_row = 0
        self._doubts.clear()
        self._widen(least)
        self._widen(most)
        return ""

    def _widen(self, price: float) -> None:
        self._least, self._most = min(self._least, price), max(self._most, price)
        if self._high < inf:
            self._bound()

    def _turn(self) -> None:
        self._before = (self._least, self._most)
        self._least, self._most, self._left = inf, 0.0, BLOCK
        self._bound()

    def _bound(self) -> None:
        least, most = min(self._least, self._before[0]), max(self._most, self._before[1])
        self._low = max(0.0, least - max(least * FLOOR, self._margin))
        self._high = most + max(most * FLOOR, self._margin)


class _Time:
    """That a topic's times go forward and are not ahead of the present."""

    __slots__ = ("_from_ns", "_in_row")

    def __init__(self) -> None:
        self._from_ns, self._in_row = 0, 0

    def judge(self, venue_ns: int, seen_ns: int) -> str:
        if seen_ns and venue_ns > seen_ns + FUTURE_NS:
            return "future"
        if venue_ns >= self._from_ns:
            self._in_row = 0
            if venue_ns > self._from_ns + BACK_NS:
                self._from_ns = venue_ns - BACK_NS
            return ""
        if not venue_ns:
            return ""  # the venue sends none
        self._in_row += 1
        if self._in_row < BELIEVED:
            return "backwards"
        self._in_row, self._from_ns = 0, venue_ns - BACK_NS  # their clock was set back
        return ""
