"""The simulator's order book: two sides of anonymous levels and the walk that matches a taker; it never draws a number.

A side keeps its levels under a key that grows with how good the price is (a bid's price, an ask's price negated), so
that one code serves both. What changed since the last look is remembered with what it was before."""

from __future__ import annotations

from bisect import bisect_left, insort

from fairlead.sim.happenings import Level, Levels


class Half:
    """One side. `sign` is 1 for bids and -1 for asks; a price is key times sign."""

    __slots__ = ("_qtys", "_was", "keys", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []  # worst first: the best is at the end, where lists are cheap
        self._qtys: dict[int, int] = {}
        self._was: dict[int, int] = {}

    def put(self, key: int, qty: int) -> None:
        """What the level holds from now on; 0 removes it."""
        old = self._qtys.get(key, 0)
        if old == qty:
            return
        self._was.setdefault(key, old)
        if not qty:
            del self._qtys[key]
            del self.keys[bisect_left(self.keys, key)]
            return
        if not old:
            insort(self.keys, key)
        self._qtys[key] = qty

    def has(self, key: int) -> bool:
        return key in self._qtys

    def at(self, price: int) -> int:
        """What this side holds at a price."""
        return self._qtys.get(price * self.sign, 0)

    def take(self, qty: int, worst: int | None = None) -> list[Level]:
        """The matching walk: a taker takes level after level, best first, down to key `worst`; the fills, by price."""
        fills = []
        while qty and self.keys and (worst is None or self.keys[-1] >= worst):
            key = self.keys[-1]
            held = self._qtys[key]
            filled = min(qty, held)
            self.put(key, held - filled)
            fills.append((key * self.sign, filled))
            qty -= filled
        return fills

    def top(self, levels: int) -> Levels:
        if levels <= 0:
            return ()
        sign, qtys = self.sign, self._qtys
        return tuple([(key * sign, qtys[key]) for key in self.keys[: -levels - 1 : -1]])

    def changes(self) -> Levels:
        """What differs from the last time this was asked, best first."""
        qtys, was = self._qtys, self._was
        if not was:
            return ()
        now = [(key, qtys.get(key, 0)) for key in sorted(was, reverse=True)]
        told = tuple([(key * self.sign, qty) for key, qty in now if qty != was[key]])
        was.clear()
        return told


class Book:
    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids, self.asks = Half(1), Half(-1)

    def __repr__(self) -> str:
        best = [half.top(1) for half in (self.bids, self.asks)]
        return f"<Book {len(self.bids.keys)} bids, {len(self.asks.keys)} asks, best {best}>"
