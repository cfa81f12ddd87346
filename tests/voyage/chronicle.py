"""What really happened in a world: every book, trade and mark, noted as it happened; no venue's word can change it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from msgspec import Struct

from fairlead.model.numbers import nearest_float
from fairlead.sim.happenings import Changed, Happening, Level, Marked, Traded
from fairlead.sim.listing import Listing
from fairlead.sim.market import Market
from fairlead.sim.prices import Weather
from fairlead.sim.world import World

CALM = Weather(vol_year=0.3)  # the storms are on the wire
LEVELS = 50  # of each side of a book: compared to the last digit


class Page(Struct, frozen=True):
    """A book right after a change."""

    seq: int
    ns: int
    bids: list[Level]
    asks: list[Level]


class Story:
    """Of one market. Prices and quantities are in the listing's fixed point, as the world has them."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.pages: list[Page] = []
        self.at: dict[int, int] = {}  # sequence number -> page
        self.tops: dict[tuple[float, float, float, float], int] = {}  # bid, its quantity, ask, its quantity -> page
        self.trades: list[Traded] = []
        self.marks: set[float] = set()  # and indices
        self.turn(market.seq, market.ns)

    def turn(self, seq: int, ns: int) -> None:
        """A new page: the book as it stands."""
        bids, asks = self.market.top(LEVELS)
        self.at[seq] = len(self.pages)
        of = self.market.listing
        (bid, bid_qty), (ask, ask_qty) = bids[0], asks[0]
        prices = [nearest_float(price, of.price_decimals) for price in (bid, ask)]
        qtys = [nearest_float(qty, of.qty_decimals) for qty in (bid_qty, ask_qty)]
        self.tops[prices[0], qtys[0], prices[1], qtys[1]] = len(self.pages)
        self.pages.append(Page(seq, ns, list(bids), list(asks)))
        if of.funding_hours:
            self.mark()

    def mark(self) -> None:
        """The mark and the index as they stand."""
        of = self.market.listing
        for price in (self.market.mark, self.market.index):
            self.marks.add(nearest_float(price, of.price_decimals))

    def trade(self, id: int) -> Traded | None:
        """A trade that was made since the chronicle began."""
        index = bisect_left(self.trades, id, key=lambda trade: trade.id)
        return self.trades[index] if index < len(self.trades) and self.trades[index].id == id else None


class Chronicle(World):
    """A world that is written down while it is lived."""

    def __init__(self, seed: int, listings: Iterable[Listing], start_ns: int) -> None:
        super().__init__(seed, listings, start_ns, weather=CALM)
        self.stories = {key: Story(market) for key, market in self.markets.items()}

    def advance(self, to_ns: int) -> Iterator[Happening]:
        for happening in super().advance(to_ns):
            story = self.stories[happening.venue, happening.symbol]
            match happening:
                case Changed():
                    story.turn(happening.last, happening.ns)
                case Traded():
                    story.trades.append(happening)
                case Marked():
                    story.mark()
            yield happening
