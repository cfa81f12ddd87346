"""One market of the world: a live book, its trades and marks, moved a step at a time; it knows no venue's words.

It steps on its own beat, and all it does follows from the world's seed and its own name: the other markets and the way
time is cut into calls make no difference."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from fairlead.sim.book import Book
from fairlead.sim.chance import stream, words
from fairlead.sim.flow import Flow
from fairlead.sim.happenings import Changed, Funded, Happening, Level, Levels, Marked, Traded
from fairlead.sim.history import HOUR_NS, History
from fairlead.sim.listing import LEAST_TICKS, Listing, grid
from fairlead.sim.past import Past
from fairlead.sim.prices import DAY_NS, Basis, Path

MS_NS = 1_000_000
_USUAL_RATE = 1e-4  # funding when the market does not stray
_RATE_LOOKS = 8  # how often in a funding period one looks how far it strays


class Market:
    """`origin_ns`, a whole minute, is where its life begins and `start_ns` where its price is the listing's."""

    def __init__(self, seed: int, listing: Listing, path: Path, origin_ns: int, start_ns: int) -> None:
        self.listing, self._grid = listing, grid(listing)
        name = (seed, listing.venue, listing.symbol)
        self._path, self._basis = path, Basis(*name, listing.basis_bps)
        self._scale = self._grid.start_ticks / path.at(start_ns)
        listed_ns = (origin_ns // DAY_NS - listing.age_days) * DAY_NS if listing.age_days else origin_ns
        self.history = History(Past(seed, listing, self._grid, self._fair_minutes), listed_ns, origin_ns)
        self._book, self._flow = Book(), Flow(listing, self._grid, stream(*name, "flow"))
        first, beat = words(2, *name, "birth")
        self.seq = first  # the number of the last level change
        self.ns = origin_ns  # the last step
        self.next_ns = origin_ns + 1 + beat % (listing.step_ms * MS_NS)
        self._flow.step(self._book, self._fair_ticks(origin_ns))
        self._changes()

    def step(self) -> tuple[Happening, ...]:
        """Moves to `next_ns`; what happened: trades, then the change of the book, then marks and funding."""
        before_ns, self.ns = self.ns, self.next_ns
        self.next_ns += self.listing.step_ms * MS_NS
        trades = self._flow.step(self._book, self._fair_ticks(self.ns))
        told: list[Happening] = [self._trade(side, fill) for side, fill in trades]
        self.history.now_ns = self.ns
        changed = self._changes()
        if changed:
            told.append(changed)
        if self.listing.funding_hours:
            told += self._perpetual(before_ns)
        return tuple(told)

    def top(self, levels: int) -> tuple[Levels, Levels]:
        """Bids and asks, best first."""
        return self._book.bids.top(levels), self._book.asks.top(levels)

    @property
    def bid(self) -> Level:
        return self._book.bids.top(1)[0]

    @property
    def ask(self) -> Level:
        return self._book.asks.top(1)[0]

    def at(self, side: str, price: int) -> int:
        """What makers of one side show at a price."""
        return (self._book.bids if side == "buy" else self._book.asks).at(price)

    @property
    def index(self) -> int:
        """The common path's price, without this market's own straying."""
        return self._price(0.0)

    @property
    def mark(self) -> int:
        return self._price(self._basis.at(self.ns) / 2)

    def funding(self, due_ns: int) -> Decimal:
        """The rate of the period that ends at a due time, already known while it runs."""
        look_ns = self.listing.funding_hours * HOUR_NS // _RATE_LOOKS
        strayed = sum(self._basis.at(due_ns - look * look_ns) for look in range(1, _RATE_LOOKS + 1)) / _RATE_LOOKS
        return Decimal(f"{_USUAL_RATE + strayed / 2:.8f}")

    @property
    def due_ns(self) -> int:
        """When funding is next paid; 0 where there is none. Periods are counted from the epoch."""
        period_ns = self.listing.funding_hours * HOUR_NS
        return (self.ns // period_ns + 1) * period_ns if period_ns else 0

    def fundings(self, begin_ns: int = 0, end_ns: int = 0, most: int = 100) -> tuple[Funded, ...]:
        """What was paid in [begin_ns, end_ns), oldest first: the first if a beginning is given, else the latest."""
        period_ns = self.listing.funding_hours * HOUR_NS
        if not period_ns:
            return ()
        end_ns = min(end_ns or self.ns + 1, self.ns + 1)
        least_ns = max(begin_ns, self.history.listed_ns)
        due = range(-(-least_ns // period_ns) * period_ns, end_ns, period_ns)
        return tuple([self._funded(due_ns) for due_ns in (due[:most] if begin_ns else due[max(0, len(due) - most) :])])

    def __repr__(self) -> str:
        of = self.listing
        return f"<Market {of.venue} {of.symbol} at {self.ns}, change {self.seq}, trade {self.history.next_id - 1}>"

    def _price(self, strayed: float) -> int:
        return int(self._scale * self._path.at(self.ns) * (1 + strayed) + 0.5) * self._grid.tick

    def _fair_ticks(self, ns: int) -> int:
        return max(LEAST_TICKS, int(self._scale * self._path.at(ns) * (1 + self._basis.at(ns)) + 0.5))

    def _fair_minutes(self, day: int) -> Sequence[float]:
        both = zip(self._path.minutes(day), self._basis.minutes(day), strict=True)
        return [self._scale * price * (1 + strayed) for price, strayed in both]

    def _trade(self, side: str, fill: Level) -> Traded:
        of = self.listing
        trade = Traded(of.venue, of.symbol, self.ns, self.history.next_id, fill[0], fill[1], side)
        self.history.hear(trade)
        return trade

    def _changes(self) -> Changed | None:
        bids, asks = self._book.bids.changes(), self._book.asks.changes()
        if not bids and not asks:
            return None
        prior = self.seq
        self.seq += len(bids) + len(asks)
        return Changed(self.listing.venue, self.listing.symbol, self.ns, prior + 1, self.seq, prior, bids, asks)

    def _perpetual(self, before_ns: int) -> list[Happening]:
        told: list[Happening] = []
        of, mark_ns, period_ns = self.listing, self.listing.mark_ms * MS_NS, self.listing.funding_hours * HOUR_NS
        if self.ns // mark_ns > before_ns // mark_ns:
            told.append(Marked(of.venue, of.symbol, self.ns, self.mark, self.index))
        if self.ns // period_ns > before_ns // period_ns:
            told.append(self._funded(self.ns // period_ns * period_ns))
        return told

    def _funded(self, due_ns: int) -> Funded:
        return Funded(self.listing.venue, self.listing.symbol, due_ns, self.funding(due_ns))
