"""The levels of one book in exact fixed point: plain dictionaries and sorted keys; it knows no sequence numbers.

Texts become integers once (a bounded memo remembers them); a text with more decimals than declared widens the whole
book instead of losing a digit. Whatever replaces this file must pass the same tests."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from fairlead.model.numbers import POWERS, MoreDecimals, fixed

MEMO_MOST = 32_768  # texts remembered a book; then forgotten all at once
LEVELS_MOST = 20_000  # a side; beyond it the worst levels go, since nobody trades there
DECIMALS_MOST = 30  # no venue declares more; a text that asks for it is nonsense


class BadLevel(ValueError):
    """A level that cannot be: `label` says how (zero, negative, not a number)."""

    def __init__(self, label: str, text: str) -> None:
        super().__init__(f"{label}: {text[:64]!r}")
        self.label = label


class Ladder:
    """One side. Keys are prices (asks) or negated prices (bids), ascending, so that index 0 is the best."""

    __slots__ = ("keys", "qtys", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.qtys: dict[int, int] = {}

    def top(self, levels: int) -> list[tuple[int, int]]:
        """(price, quantity), best first."""
        qtys, sign = self.qtys, self.sign
        return [(key * sign, qtys[key]) for key in self.keys[:levels]]

    def load(self, levels: Iterable[tuple[int, int]]) -> None:
        self.qtys = {price * self.sign: qty for price, qty in levels if qty}
        self.keys = sorted(self.qtys)

    def cut(self, levels: int) -> None:
        """Forget all but the best."""
        for key in self.keys[levels:]:
            del self.qtys[key]
        del self.keys[levels:]

    def scale(self, price_by: int, qty_by: int) -> None:
        self.qtys = {key * price_by: qty * qty_by for key, qty in self.qtys.items()}
        self.keys = [key * price_by for key in self.keys]


class Rungs:
    """Both sides of a book with their decimals."""

    __slots__ = ("_prices", "_qtys", "asks", "bids", "price_decimals", "qty_decimals", "widened")

    def __init__(self, price_decimals: int, qty_decimals: int) -> None:
        self.bids, self.asks = Ladder(-1), Ladder(1)
        self.price_decimals, self.qty_decimals = price_decimals, qty_decimals
        self.widened = 0  # how often a text needed more decimals than there were
        self._prices: dict[str, int] = {}
        self._qtys: dict[str, int] = {}

    def load(self, bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> None:
        """Begin again with these levels; when one widens the book, all are read once more at the new scale."""
        widened = -1
        while widened != self.widened:
            widened = self.widened
            for ladder, levels in ((self.bids, bids), (self.asks, asks)):
                ladder.load([(self._price(price), self._qty(qty)) for price, qty in levels])

    def change(self, ladder: Ladder, levels: Sequence[tuple[str, str]]) -> None:
        """Absolute quantities; 0 removes, and removing what is not there is normal."""
        prices, quantities, sign = self._prices, self._qtys, ladder.sign
        for price_text, qty_text in levels:
            qty = quantities.get(qty_text)
            if qty is None:
                qty = self._qty(qty_text)
            price = prices.get(price_text)
            if price is None:
                price = self._price(price_text)
            key = price * sign
            if qty:
                if key not in ladder.qtys:
                    insort(ladder.keys, key)
                ladder.qtys[key] = qty
            elif ladder.qtys.pop(key, None) is not None:
                del ladder.keys[bisect_left(ladder.keys, key)]
        if len(ladder.keys) > LEVELS_MOST:
            ladder.cut(LEVELS_MOST)

    def copy_from(self, other: Rungs) -> None:
        self.price_decimals, self.qty_decimals = other.price_decimals, other.qty_decimals
        for mine, theirs in ((self.bids, other.bids), (self.asks, other.asks)):
            mine.keys, mine.qtys = list(theirs.keys), dict(theirs.qtys)
        self._prices.clear()
        self._qtys.clear()

    def _price(self, text: str) -> int:
        price = self._prices.get(text)
        if price is None:
            price = self._read(text, prices=True)
            if price <= 0:
                raise BadLevel("negative" if price < 0 else "zero", text)
            if len(self._prices) >= MEMO_MOST:
                self._prices.clear()
            self._prices[text] = price
        return price

    def _qty(self, text: str) -> int:
        qty = self._qtys.get(text)
        if qty is None:
            qty = self._read(text, prices=False)
            if qty < 0:
                raise BadLevel("negative", text)
            if len(self._qtys) >= MEMO_MOST:
                self._qtys.clear()
            self._qtys[text] = qty
        return qty

    def _read(self, text: str, *, prices: bool) -> int:
        decimals = self.price_decimals if prices else self.qty_decimals
        try:
            return fixed(text, decimals)
        except MoreDecimals as more:
            if more.decimals > DECIMALS_MOST:
                raise BadLevel("not a number in range", text) from None
            self._widen(more.decimals - decimals, prices=prices)
            return fixed(text, more.decimals)
        except ValueError:
            raise BadLevel("not a number", text) from None

    def _widen(self, by: int, *, prices: bool) -> None:
        self.widened += 1
        price_by, qty_by = (POWERS[by], 1) if prices else (1, POWERS[by])
        for ladder in (self.bids, self.asks):
            ladder.scale(price_by, qty_by)
        if prices:
            self.price_decimals += by
            self._prices.clear()
        else:
            self.qty_decimals += by
            self._qtys.clear()

    def __repr__(self) -> str:
        return f"<Rungs {len(self.bids.keys)} bids, {len(self.asks.keys)} asks, {self.price_decimals} decimals>"
