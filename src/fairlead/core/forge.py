"""Candles made of trades, equal to the venue's own to the last digit; it never invents a bar before the first trade."""

from __future__ import annotations

from decimal import Decimal

from fairlead.model import intervals
from fairlead.model.market import Candle, Trade

OPEN_BARS = 3  # as many bars are kept for trades that come late


class Forge:
    """The bars of one symbol. A bar is given when it closes, and again when a late trade changes it."""

    def __init__(self, venue: str, symbol: str, interval: str, spot: bool = True) -> None:
        self.late = 0  # trades older than any bar we still hold: they are in no bar
        self._venue, self._symbol, self._interval, self._spot = venue, symbol, interval, spot
        self._bars: list[_Bar] = []  # oldest first; the last one runs

    def add(self, trade: Trade) -> tuple[Candle, ...]:
        """The bars that this trade closes or revises."""
        open_ns = intervals.start_ns(self._interval, trade.venue_ns)
        closed = self.pass_to(trade.venue_ns) if self._bars and open_ns > self._bars[-1].open_ns else ()
        if not self._bars:
            self._bars.append(_Bar(open_ns))
        for bar in reversed(self._bars):
            if bar.open_ns == open_ns:
                bar.add(trade)
                return closed if bar is self._bars[-1] else (*closed, self._candle(bar, closed=True))
        self.late += 1
        return closed

    def pass_to(self, venue_ns: int) -> tuple[Candle, ...]:
        """The bars that are over by then; those without trades carry on the last close and are marked."""
        closed = list[Candle]()
        while self._bars and venue_ns >= (next_ns := intervals.next_ns(self._interval, self._bars[-1].open_ns)):
            last = self._bars[-1]
            closed.append(self._candle(last, closed=True))
            self._bars.append(_Bar(next_ns, carried=last.close))
            del self._bars[:-OPEN_BARS]
        return tuple(closed)

    @property
    def running(self) -> Candle | None:
        return self._candle(self._bars[-1], closed=False) if self._bars else None

    def _candle(self, bar: _Bar, closed: bool) -> Candle:
        return Candle(
            venue=self._venue, symbol=self._symbol, venue_ns=bar.last_ns, seen_ns=bar.seen_ns,
            interval=self._interval, open_ns=bar.open_ns,
            open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=float(bar.volume),
            quote_volume=float(bar.quote_volume) if self._spot else None,
            trades=bar.trades, closed=closed, filled=not bar.trades,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Forge {self._symbol} {self._interval}: {len(self._bars)} bars held, {self.late} trades too late>"


class _Bar:
    """One bar in the making. Sums are exact: a venue adds decimals, and floats added one by one drift from them."""

    __slots__ = (
        "close", "first_ns", "high", "last_ns", "low", "open", "open_ns", "quote_volume", "seen_ns", "trades", "volume",
    )  # fmt: skip

    def __init__(self, open_ns: int, carried: float = 0.0) -> None:
        self.open_ns = open_ns
        self.open = self.high = self.low = self.close = carried
        self.volume = self.quote_volume = Decimal(0)
        self.trades = self.first_ns = self.last_ns = self.seen_ns = 0

    def add(self, trade: Trade) -> None:
        price, qty = trade.price, Decimal(repr(trade.qty))
        if not self.trades:
            self.open = self.high = self.low = self.close = price
            self.first_ns = self.last_ns = trade.venue_ns
        if trade.venue_ns < self.first_ns:
            self.open, self.first_ns = price, trade.venue_ns
        if trade.venue_ns >= self.last_ns:
            self.close, self.last_ns = price, trade.venue_ns
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.volume += qty
        self.quote_volume += qty * Decimal(repr(price))
        self.trades += trade.count
        self.seen_ns = max(self.seen_ns, trade.seen_ns)
