"""One world of markets behind all the simulator's mouths: pure, lived in virtual time, and the same for the same seed.

    world = World(seed, [Listing("north", "BTC/USDT", Decimal(62000), 2, 5), ...], start_ns)
    for happening in world.advance(to_ns):      # Changed, Traded, Marked, Funded: in order of time
        market = world.market(happening.venue, happening.symbol)

    market.top(levels)  .bid  .ask  .seq        the book; while a happening is in your hands it stands right after it
    market.mark  .index  .due_ns  .funding(due_ns)  .fundings(begin_ns, end_ns, most)
    market.history.trades(most, from_id=, since_ns=)
    market.history.candles(interval, begin_ns, end_ns, most, filled=, offset_ns=)
    market.history.day()                        the last 24 hours as one candle

`start_ns` may be any time; to begin fastest let it be a whole minute. Whoever holds an Rng gives `rng.getrandbits(64)`
as the seed. All numbers are fixed point in the listing's decimals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heapreplace

from fairlead.errors import Misuse, UnknownName
from fairlead.sim.happenings import Happening
from fairlead.sim.listing import Listing
from fairlead.sim.market import Market
from fairlead.sim.prices import MINUTE_NS, Path, Walk, Weather

_CALM = Weather()


class World:
    """Markets of one base follow one path, wherever they are listed; `recordings` gives a base a path of its own,
    scaled so that it passes through each listing's start."""

    def __init__(
        self, seed: int, listings: Iterable[Listing], start_ns: int,
        *, weather: Weather = _CALM, recordings: Mapping[str, Path] | None = None,
    ) -> None:  # fmt: skip
        paths = dict(recordings or {})
        origin_ns = start_ns - start_ns % MINUTE_NS  # the quiet beginning of the minute is lived through right here
        self.markets: dict[tuple[str, str], Market] = {}
        for listing in listings:
            if (listing.venue, listing.symbol) in self.markets:
                raise Misuse(f"{listing.venue} {listing.symbol} is listed twice.")
            if listing.base not in paths:
                paths[listing.base] = Walk(seed, listing.base, start_ns, weather)
            market = Market(seed, listing, paths[listing.base], origin_ns, start_ns)
            self.markets[listing.venue, listing.symbol] = market
            while market.next_ns <= start_ns:
                market.step()
        self.ns = start_ns
        self._order = list(self.markets.values())
        self._due = [(market.next_ns, index) for index, market in enumerate(self._order)]
        heapify(self._due)

    def market(self, venue: str, symbol: str) -> Market:
        found = self.markets.get((venue, symbol))
        if found is None:
            raise UnknownName("market", f"{venue} {symbol}", [f"{venue} {symbol}" for venue, symbol in self.markets])
        return found

    @property
    def next_ns(self) -> int:
        """When something may happen next."""
        return self._due[0][0] if self._due else self.ns

    def advance(self, to_ns: int) -> Iterator[Happening]:
        """What happens up to a time, that time included; the world moves as this is read, a market's step at a time."""
        while self._due and self._due[0][0] <= to_ns:
            self.ns, index = self._due[0]
            market = self._order[index]
            told = market.step()
            heapreplace(self._due, (market.next_ns, index))
            yield from told
        self.ns = max(self.ns, to_ns)

    def __repr__(self) -> str:
        return f"<World of {len(self.markets)} markets at {self.ns}>"
