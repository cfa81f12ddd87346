"""A market as one venue shows it: the world's integers put into the venue's instrument and the nouns of the model.

It also keeps the truth for whoever checks: the book as it was at any of the last changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal

from fairlead.errors import Misuse
from fairlead.model import numbers
from fairlead.model.instrument import Instrument
from fairlead.model.intervals import next_ns, start_ns
from fairlead.model.market import Candle, Funding, FundingPaid, Index, Mark, Quote, Ticker, Trade
from fairlead.sim import bars
from fairlead.sim.happenings import Changed, Level, Levels, Traded
from fairlead.sim.market import Market
from fairlead.wire.mirror import Depth

CHANGES_KEPT = 4_096
CHANGES_A_WHOLE = 256  # how often the whole book is kept, for changes to be applied to
ALL_LEVELS = 1_000_000


class Stall:
    """`skew_ns` is how far the venue's clock is ahead of the world's. It is itself the Sight of its book."""

    def __init__(self, market: Market, instrument: Instrument) -> None:
        self.market, self.instrument = market, instrument
        self.venue, self.symbol = market.listing.venue, market.listing.symbol
        self.skew_ns = 0
        self._up = tuple(
            10 ** self._wider(what, declared, listed)
            for what, declared, listed in (
                ("price", instrument.price_decimals, market.listing.price_decimals),
                ("quantity", instrument.qty_decimals, market.listing.qty_decimals),
            )
        )
        self._contract = float(market.listing.contract_size)
        self._changes: deque[Changed] = deque(maxlen=CHANGES_KEPT)
        self._wholes: deque[tuple[int, tuple[Levels, Levels]]] = deque(maxlen=CHANGES_KEPT // CHANGES_A_WHOLE + 1)
        self._since_whole = 0
        self._keep_whole()

    # What is now.

    def top(self, levels: int) -> tuple[Levels, Levels]:
        bids, asks = self.market.top(levels)
        return self._scaled(bids), self._scaled(asks)

    def other(self, side: str, levels: int) -> Levels:
        """Those whom a taker of this side would trade with."""
        bids, asks = self.market.top(levels)
        return self._scaled(asks if side == "buy" else bids)

    def there(self, side: str, price: int) -> int:
        """What makers of this side show at a price of the instrument's."""
        up, scale = self._up
        return self.market.at(side, price // up) * scale if price % up == 0 else 0

    def fixed(self, price: int, qty: int) -> Level:
        """The world's numbers in the instrument's decimals."""
        return price * self._up[0], qty * self._up[1]

    def last(self) -> int:
        """The last price, in the instrument's decimals."""
        traded = self.market.history.trades(1)
        return traded[-1].price * self._up[0] if traded else self.fixed(*self.market.bid)[0]

    def mark_price(self) -> Decimal:
        return numbers.unfixed(self.market.mark, self.market.listing.price_decimals)

    def whole(self, levels: int = 0, changes_ago: int = 0) -> Depth:
        """The book, or as it was some changes ago."""
        seq, ns = self.market.seq, self.market.ns
        bids, asks = self.top(levels or ALL_LEVELS)
        if changes_ago and self._changes:
            old = self._changes[-min(changes_ago, len(self._changes), CHANGES_KEPT - CHANGES_A_WHOLE)]
            seq, ns = old.prior, old.ns
            bids, asks = (side[: levels or None] for side in self.book_at(seq))
        return Depth(self.symbol, True, seq, seq, seq, bids, asks, ns + self.skew_ns, self)

    def quote(self) -> Quote:
        (bid, bid_qty), (ask, ask_qty) = self.market.bid, self.market.ask
        return Quote(
            venue=self.venue, symbol=self.symbol, venue_ns=self._ns, seen_ns=0, seq=self.market.seq,
            bid=self._price(bid), bid_qty=self._qty(bid_qty), ask=self._price(ask), ask_qty=self._qty(ask_qty),
        )  # fmt: skip

    def ticker(self) -> Ticker:
        day, quote = self.market.history.day(), self.quote()
        return Ticker(
            venue=self.venue, symbol=self.symbol, venue_ns=quote.venue_ns, seen_ns=0, bid=quote.bid, ask=quote.ask,
            last=self._price(day.close) if day else None,
            open=self._price(day.open) if day else None,
            high=self._price(day.high) if day else None,
            low=self._price(day.low) if day else None,
            volume=self._qty(day.volume) if day else 0.0,
            quote_volume=self._turnover(day.turnover) if day else 0.0,
        )  # fmt: skip

    def funding(self) -> Funding:
        market = self.market
        return Funding(
            venue=self.venue, symbol=self.symbol, venue_ns=self._ns, seen_ns=0,
            rate=float(market.funding(market.due_ns)), due_ns=market.due_ns,
            interval_ms=market.listing.funding_hours * 3_600_000,
        )  # fmt: skip

    def fundings(self, begin_ns: int, end_ns: int, most: int) -> tuple[FundingPaid, ...]:
        return tuple(
            FundingPaid(venue=self.venue, symbol=self.symbol, venue_ns=paid.ns, seen_ns=0, rate=float(paid.rate))
            for paid in self.market.fundings(begin_ns, end_ns, most)
        )

    def mark(self) -> Mark:
        return Mark(
            venue=self.venue, symbol=self.symbol, venue_ns=self._ns, seen_ns=0, price=self._price(self.market.mark)
        )

    def index(self) -> Index:
        price = self._price(self.market.index)
        return Index(venue=self.venue, symbol=self.symbol, venue_ns=self._ns, seen_ns=0, price=price)

    def trades(self, most: int, *, from_id: int = -1, since_ns: int = 0) -> tuple[Trade, ...]:
        found = self.market.history.trades(most, from_id=from_id, since_ns=since_ns)
        return tuple(self.trade(one) for one in found)

    def candles(self, interval: str, begin_ns: int, end_ns: int, most: int) -> tuple[Candle, ...]:
        found = self.market.history.candles(interval, begin_ns, end_ns, most, filled=True)
        return tuple(self.candle(one, interval) for one in found)

    # What happened.

    def change(self, changed: Changed) -> Depth:
        """The change in the venue's numbers; it is remembered."""
        self._changes.append(changed)
        self._since_whole += 1
        if self._since_whole >= CHANGES_A_WHOLE:
            self._keep_whole()
        bids, asks = self._scaled(changed.bids), self._scaled(changed.asks)
        return Depth(
            self.symbol, False, changed.first, changed.last, changed.prior, bids, asks, changed.ns + self.skew_ns, self
        )

    def trade(self, traded: Traded) -> Trade:
        return Trade(
            venue=self.venue, symbol=self.symbol, venue_ns=traded.ns + self.skew_ns, seen_ns=0, id=str(traded.id),
            price=self._price(traded.price), qty=self._qty(traded.qty), side=traded.side,
        )  # fmt: skip

    def candle(self, bar: bars.Candle, interval: str) -> Candle:
        return Candle(
            venue=self.venue, symbol=self.symbol, venue_ns=self._ns, seen_ns=0, interval=interval, open_ns=bar.begin_ns,
            open=self._price(bar.open), high=self._price(bar.high),
            low=self._price(bar.low), close=self._price(bar.close),
            volume=self._qty(bar.volume), quote_volume=self._turnover(bar.turnover), trades=bar.trades,
            closed=next_ns(interval, start_ns(interval, bar.begin_ns)) <= self.market.ns,
        )  # fmt: skip

    # What was.

    def seqs(self) -> tuple[tuple[int, int], ...]:
        """The numbers at which the book can be asked for, with their times, oldest first."""
        oldest = self._wholes[0][0]
        return tuple((changed.last, changed.ns) for changed in self._changes if changed.last >= oldest)

    def seq_at(self, ns: int) -> int:
        """The number of the last change told with this time or an earlier one, on the venue's clock."""
        for changed in reversed(self._changes):
            if changed.ns + self.skew_ns <= ns:
                return changed.last
        raise Misuse(f"{self.venue} {self.symbol}: what was then is no longer kept.")

    def book_at(self, seq: int) -> tuple[Levels, Levels]:
        """All bids and asks, best first, as they were right after the change of that number."""
        if seq == self.market.seq:
            return self.top(ALL_LEVELS)
        known = next((whole for at, whole in reversed(self._wholes) if at <= seq), None)
        begin = next((at for at, _ in reversed(self._wholes) if at <= seq), -1)
        if known is None:
            raise Misuse(f"{self.venue} {self.symbol}: change {seq} is no longer kept.")
        bids, asks = dict(known[0]), dict(known[1])
        last = begin
        for changed in self._between(begin, seq):
            last = changed.last
            for side, levels in ((bids, changed.bids), (asks, changed.asks)):
                side.update(levels)
        if last != seq:
            raise Misuse(f"{self.venue} {self.symbol}: no change ended at {seq}.")
        return _sorted(self._scaled(tuple(bids.items())), -1), _sorted(self._scaled(tuple(asks.items())), 1)

    def _between(self, begin: int, end: int) -> Iterator[Changed]:
        return (changed for changed in self._changes if begin < changed.last <= end)

    def _keep_whole(self) -> None:
        self._wholes.append((self.market.seq, self.market.top(ALL_LEVELS)))
        self._since_whole = 0

    @property
    def _ns(self) -> int:
        return self.market.ns + self.skew_ns

    def _wider(self, what: str, declared: int, listed: int) -> int:
        if declared < listed:
            raise Misuse(f"{self.venue} {self.symbol}: a {what} of {listed} decimals in an instrument of {declared}.")
        return declared - listed

    def _scaled(self, levels: Levels) -> Levels:
        price, qty = self._up
        return levels if price == qty == 1 else tuple([(p * price, q * qty) for p, q in levels])

    def _price(self, units: int) -> float:
        return numbers.nearest_float(units, self.market.listing.price_decimals)

    def _qty(self, units: int) -> float:
        return numbers.nearest_float(units, self.market.listing.qty_decimals)

    def _turnover(self, units: int) -> float:
        listing = self.market.listing
        return numbers.nearest_float(units, listing.price_decimals + listing.qty_decimals) * self._contract

    def __repr__(self) -> str:
        return f"<Stall {self.venue} {self.symbol} at change {self.market.seq}>"


def _sorted(levels: Levels, sign: int) -> Levels:
    return tuple(sorted([level for level in levels if level[1]], key=lambda level: sign * level[0]))
