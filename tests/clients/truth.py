"""What the city knows of a market, as clients see it: floats, best first; asked for in the city's own thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from fairlead.model.market import Candle, Trade
from fairlead.sim.city import City
from fairlead.sim.stall import Stall
from fairlead.wire.door import Side
from tests.clients.town import Town

Row: TypeAlias = tuple[float, float]
Book: TypeAlias = tuple[list[Row], list[Row]]
MS = 1_000_000


class Truth:
    """Of one market."""

    def __init__(self, town: Town, venue: str, symbol: str) -> None:
        self._town, self._venue, self._symbol = town, venue, symbol

    @property
    def seq(self) -> int:
        return self._town.do(lambda city: self._stall(city).market.seq)

    def now_ms(self) -> int:
        return self._town.do(lambda city: city.now_ns() // MS)

    def book(self, seq: int, levels: int) -> Book:
        """As it was right after a change."""
        return self._town.do(lambda city: _book(self._stall(city), seq, levels))

    def book_at_ms(self, ms: int, levels: int) -> Book:
        """As it was at the end of a millisecond."""

        def find(city: City) -> Book:
            stall = self._stall(city)
            return _book(stall, stall.seq_at((ms + 1) * MS - 1), levels)

        return self._town.do(find)

    def books_since(self, seq: int, levels: int) -> Mapping[int, Book]:
        """Every book from that change on."""

        def find(city: City) -> Mapping[int, Book]:
            stall = self._stall(city)
            return {at: _book(stall, at, levels) for at in (seq, *(at for at, _ in stall.seqs())) if at >= seq}

        return self._town.do(find)

    def trades(self, first: int, last: int) -> list[Trade]:
        return list(self._town.do(lambda city: self._stall(city).trades(last - first + 1, from_id=first)))

    def candles(self, interval: str, begin_ms: int, most: int) -> list[Candle]:
        return list(self._town.do(lambda city: self._stall(city).candles(interval, begin_ms * MS, 0, most)))

    def stall(self, ask: Any) -> Any:
        """Whatever else it can be asked."""
        return self._town.do(lambda city: ask(self._stall(city)))

    def _stall(self, city: City) -> Stall:
        return city.mouth(self._venue).stalls[self._symbol]


def rows(side: list[list[float]], levels: int) -> list[Row]:
    """A client's levels; some venues add more to each."""
    return [(level[0], level[1]) for level in side[:levels]]


def _book(stall: Stall, seq: int, levels: int) -> Book:
    bids, asks = stall.book_at(seq)
    return _floats(stall, bids[:levels]), _floats(stall, asks[:levels])


def _floats(stall: Stall, side: Side) -> list[Row]:
    one = stall.instrument
    return [(float(one.price(price)), float(one.qty(qty))) for price, qty in side]
