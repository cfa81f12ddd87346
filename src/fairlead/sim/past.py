"""What a market did before the world began: its trades, minute by minute, made up when asked and never stored.

A minute of the past has four stands: it opens, touches one extreme, then the other, and closes. Each stand is a few
equal trades at one price, so a minute's candle is exact without making up its trades, and its trades fold back to
it. Trade ids need no counting from the beginning of time either: how many trades came before a minute is a function of
the minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from fairlead.sim.bars import Candle
from fairlead.sim.chance import WORD, words
from fairlead.sim.happenings import Traded
from fairlead.sim.listing import LEAST_TICKS, Grid, Listing
from fairlead.sim.prices import DAY_MINUTES, MINUTE_NS

Stand: TypeAlias = tuple[int, int, int, bool]  # price, quantity of each trade, trades, whether takers bought

_WICK = 4e-4  # how far, as a share of the price, an extreme may lie beyond open and close
_HALF = 1 << 16  # half a word
_DAYS_KEPT = 4


class _Day(Struct, frozen=True):
    ids: list[int]  # the first trade's of each minute, and of the next day's first
    stands: list[tuple[Stand, ...]]


class Past:
    """Minutes are counted from the epoch; `fair` gives the fair price in ticks at a day's 1,441 whole minutes."""

    def __init__(self, seed: int, listing: Listing, grid: Grid, fair: Callable[[int], Sequence[float]]) -> None:
        self._name = (seed, listing.venue, listing.symbol)
        self._listing, self._grid, self._fair = listing, grid, fair
        self._rate = listing.trades_hz * 60
        self._days: dict[int, _Day] = {}

    def before(self, minute: int) -> int:
        """How many trades came before a minute: also the id of its first."""
        day, index = divmod(minute, DAY_MINUTES)
        return self._made(day).ids[index]

    def minute_of(self, id: int) -> int:
        """The minute that holds a trade."""
        minute = int(id / self._rate)
        while self.before(minute) > id:
            minute -= 1
        while self.before(minute + 1) <= id:
            minute += 1
        return minute

    def candle(self, minute: int) -> Candle | None:
        day, index = divmod(minute, DAY_MINUTES)
        made = self._made(day)
        stands, first = made.stands[index], made.ids[index]
        if not stands:
            return None
        prices = [stand[0] for stand in stands]
        volume = turnover = trades = buy_volume = buy_turnover = 0
        for price, qty, count, bought in stands:
            total = qty * count
            volume += total
            turnover += price * total
            trades += count
            if bought:
                buy_volume += total
                buy_turnover += price * total
        return Candle(
            minute * MINUTE_NS, prices[0], max(prices), min(prices), prices[-1],
            volume, turnover, trades, buy_volume, buy_turnover, first, first + trades - 1,
        )  # fmt: skip

    def trades(self, minute: int) -> list[Traded]:
        """The minute's trades, evenly spread."""
        day, index = divmod(minute, DAY_MINUTES)
        made = self._made(day)
        drawn = [(price, qty, bought) for price, qty, count, bought in made.stands[index] for _ in range(count)]
        id, begin_ns, apart_ns = made.ids[index], minute * MINUTE_NS, MINUTE_NS // (len(drawn) or 1)
        venue, symbol = self._listing.venue, self._listing.symbol
        return [
            Traded(
                venue, symbol, begin_ns + apart_ns // 2 + n * apart_ns, id + n, price, qty, "buy" if bought else "sell"
            )
            for n, (price, qty, bought) in enumerate(drawn)
        ]

    def _made(self, day: int) -> _Day:
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _DAYS_KEPT:
                del self._days[next(iter(self._days))]
            known = self._days[day] = self._make(day)
        return known

    def _make(self, day: int) -> _Day:
        begin = day * DAY_MINUTES
        # A minute holds from half to one and a half times the rate: its ids begin at a share of its own length, drawn.
        luck = (*words(DAY_MINUTES, *self._name, "count", day), *words(1, *self._name, "count", day + 1))
        ids = [int(self._rate * (begin + index + word / WORD / 2)) for index, word in enumerate(luck)]
        prices = [max(LEAST_TICKS, int(price + 0.5)) for price in self._fair(day)]
        drawn = words(3 * DAY_MINUTES, *self._name, "stands", day)
        stands = [
            self._minute(prices[m], prices[m + 1], ids[m + 1] - ids[m], drawn[3 * m : 3 * m + 3])
            for m in range(DAY_MINUTES)
        ]
        return _Day(ids, stands)

    def _minute(self, opened: int, closed: int, count: int, luck: tuple[int, ...]) -> tuple[Stand, ...]:
        if not count:
            return ()
        tick, lot, most = self._grid.tick, self._grid.lot, 2 * self._grid.trade_lots / _HALF
        up, down = divmod(luck[0], _HALF)
        reach = opened * _WICK / _HALF
        rose = closed >= opened
        high = (max(opened, closed) + int(up * reach)) * tick
        low = (min(opened, closed) - int(down * reach)) * tick
        first, second = ((low, False), (high, True)) if rose else ((high, True), (low, False))
        stops: tuple[tuple[int, bool], ...] = ((opened * tick, bool(luck[0] & 1)), first, second, (closed * tick, rose))
        if count < len(stops):
            stops = (stops[0], first, stops[3])[:count]
        each, more = divmod(count, len(stops))
        sizes = (*divmod(luck[1], _HALF), *divmod(luck[2], _HALF))
        return tuple(
            [
                (price, lot * (1 + int(size * most)), each + more if index == 0 else each, bought)
                for index, ((price, bought), size) in enumerate(zip(stops, sizes, strict=False))
            ]
        )
