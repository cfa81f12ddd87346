"""What a market says: trades, quotes, tickers, candles, funding, marks; each with the venue's time and ours.

Numbers are the float64 nearest to the venue's text (books are exact and live in core/book). `state` tells whether the
value was fresh when it came; how old it is by now, its feed tells."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

MS = 1_000_000  # nanoseconds in a millisecond


class State(StrEnum):
    """How far a value can be trusted now."""

    LIVE = "LIVE"
    STALE = "STALE"  # silent for longer than its own cadence allows, or late
    RESYNCING = "RESYNCING"  # known to be incomplete; a new beginning is on its way


class Stamped(Struct, frozen=True, gc=False, kw_only=True):
    """What every market value carries."""

    venue: str
    symbol: str
    venue_ns: int  # the venue's time; 0: it sends none
    seen_ns: int  # our clock, on the venue's scale, when the bytes came; 0: not from a stream
    state: State = State.LIVE

    @property
    def lag_ms(self) -> float:
        """How late it was when it came."""
        return (self.seen_ns - self.venue_ns) / MS if self.venue_ns and self.seen_ns else 0.0


class Trade(Stamped, frozen=True, gc=False, kw_only=True):
    id: str
    price: float
    qty: float  # base units on spot, contracts on derivatives
    side: str  # the taker's: buy or sell
    count: int = 1  # trades folded into this one; ids then end at `id`


class Quote(Stamped, frozen=True, gc=False, kw_only=True):
    """Best bid and ask."""

    bid: float
    bid_qty: float
    ask: float
    ask_qty: float
    seq: int = 0  # the venue's number for it, where it has one


class Ticker(Stamped, frozen=True, gc=False, kw_only=True):
    """The last 24 hours; None is what the venue does not say."""

    last: float | None
    bid: float | None = None
    ask: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None  # base units, or contracts
    quote_volume: float | None = None


class Candle(Stamped, frozen=True, gc=False, kw_only=True):
    interval: str
    open_ns: int  # first nanosecond of the bar
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None = None
    trades: int | None = None
    closed: bool = False  # the venue (or time) says that it will not change
    filled: bool = False  # not heard on the stream: mended from REST, or empty and carried on from the last close


class Funding(Stamped, frozen=True, gc=False, kw_only=True):
    """The rate of the running period and when it is paid."""

    rate: float
    due_ns: int
    interval_ms: int = 0  # 0: the venue does not say


class FundingPaid(Stamped, frozen=True, gc=False, kw_only=True):
    """One row of funding history; `venue_ns` is when it was paid."""

    rate: float


class Mark(Stamped, frozen=True, gc=False, kw_only=True):
    price: float


class Index(Stamped, frozen=True, gc=False, kw_only=True):
    price: float
