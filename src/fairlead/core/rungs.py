"""The levels of one book in exact fixed point: plain dictionaries and sorted keys; it knows no sequence numbers.

Texts become integers once (bounded memos remember them); a text with more decimals than declared widens the whole book
instead of losing a digit. Whatever replaces this file must pass the same tests."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence

from fairlead.model.numbers import POWERS, MoreDecimals, fixed

MEMO_MOST = 2_048  # texts remembered by each of a book's three memos; then forgotten all at once
LEVELS_MOST = 20_000  # a side; beyond it the worst levels go, since nobody trades there
DECIMALS_MOST = 30  # no venue declares more; a text that asks for it is nonsense


class BadLevel(ValueError):
    """A level that cannot be: `label` says how (zero, negative, not a number)."""

    def __init__(self, label: str, text: str) -> None:
        super().__init__(f"{label}: {text[:64]!r}")
        self.label = label


class _Memo(dict[str, int]):
    """What a text means, read when it is first looked up: a hit costs one lookup and no call."""

    __slots__ = ("_least", "_sign", "_widen", "decimals")

    def __init__(self, decimals: int, least: int, sign: int, widen: Callable[[int], None]) -> None:
        super().__init__()
        self.decimals, self._least, self._sign, self._widen = decimals, least, sign, widen

    def __missing__(self, text: str) -> int:
        number = self.once(text)
        if len(self) >= MEMO_MOST:
            self.clear()
        self[text] = number
        return number

    def once(self, text: str) -> int:
        """Without remembering it: most levels of a whole book never change."""
        try:
            number = fixed(text, self.decimals)
        except MoreDecimals as more:
            if more.decimals > DECIMALS_MOST:
                raise BadLevel("not a number in range", text) from None
            self._widen(more.decimals)
            number = fixed(text, self.decimals)
        except ValueError:
            raise BadLevel("not a number", text) from None
        if number < self._least:
            raise BadLevel("negative" if number < 0 else "zero", text)
        return number * self._sign


class Ladder:
    """One side. Keys are prices (bids) or negated prices (asks), ascending: the best is last, where lists are cheap.

    `edge` is the key down to which every level is known; None: all of them are."""

    __slots__ = ("edge", "keys", "qtys", "read", "sign")

    def __init__(self, sign: int, decimals: int, widen: Callable[[int], None]) -> None:
        self.sign = sign
        self.edge: int | None = None
        self.keys: list[int] = []
        self.qtys: dict[int, int] = {}
        self.read = _Memo(decimals, 1, sign, widen)  # from a price's text to its key

    def top(self, levels: int) -> list[tuple[int, int]]:
        """(price, quantity), best first; nothing from beyond the edge, where levels may be missing."""
        qtys, sign, keys = self.qtys, self.sign, self.keys
        first = max(0, len(keys) - levels)
        if self.edge is not None and first < len(keys) and keys[first] < self.edge:
            first = bisect_left(keys, self.edge)
        return [(key * sign, qtys[key]) for key in reversed(keys[first:])]

    def load(self, levels: Iterable[tuple[int, int]]) -> None:
        """(key, quantity) in any order; the last word on a level counts."""
        self.qtys.clear()
        self.qtys.update(levels)
        for key in [key for key, qty in self.qtys.items() if not qty]:
            del self.qtys[key]
        self.keys[:] = sorted(self.qtys)
        self.edge = None

    def cut(self, levels: int) -> None:
        """Forget all but the best."""
        worse = self.keys[:-levels]
        for key in worse:
            del self.qtys[key]
        del self.keys[: len(worse)]

    def end(self) -> None:
        """There are levels beyond these that we were not told."""
        self.edge = self.keys[0] if self.edge is None else max(self.edge, self.keys[0])

    def scale(self, key_by: int, qty_by: int) -> None:
        """In place: whoever is in the middle of a change goes on with the same list and dictionary."""
        levels = [(key * key_by, qty * qty_by) for key, qty in self.qtys.items()]
        self.qtys.clear()
        self.qtys.update(levels)
        self.keys[:] = [key * key_by for key in self.keys]
        self.edge = self.edge * key_by if self.edge is not None else None

    def copy_from(self, other: Ladder) -> None:
        self.keys[:], self.edge = other.keys, other.edge
        self.qtys.clear()
        self.qtys.update(other.qtys)
        self.read.clear()
        self.read.decimals = other.read.decimals


class Rungs:
    """Both sides of a book with their decimals."""

    __slots__ = ("_qtys", "asks", "bids", "widened")

    def __init__(self, price_decimals: int, qty_decimals: int) -> None:
        self.bids = Ladder(1, price_decimals, self._widen_prices)
        self.asks = Ladder(-1, price_decimals, self._widen_prices)
        self._qtys = _Memo(qty_decimals, 0, 1, self._widen_qtys)
        self.widened = 0  # how often a text needed more decimals than there were

    @property
    def price_decimals(self) -> int:
        return self.bids.read.decimals

    @property
    def qty_decimals(self) -> int:
        return self._qtys.decimals

    def load(self, bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> None:
        """Begin again with these levels; when one widens the book, all are read once more at the new scale."""
        widened = -1
        while widened != self.widened:
            widened = self.widened
            for ladder, levels in ((self.bids, bids), (self.asks, asks)):
                ladder.load([(ladder.read.once(price), self._qtys.once(qty)) for price, qty in levels])
        for ladder in (self.bids, self.asks):
            self._bound(ladder)

    def change(self, ladder: Ladder, levels: Sequence[tuple[str, str]]) -> None:
        """Absolute quantities; 0 removes, and removing what is not there is normal."""
        read, quantities, keys, qtys = ladder.read, self._qtys, ladder.keys, ladder.qtys
        for price_text, qty_text in levels:
            key = read[price_text]
            qty = quantities[qty_text]
            if qty:
                if key not in qtys:
                    insort(keys, key)
                qtys[key] = qty
            elif key in qtys:
                del qtys[key]
                del keys[bisect_left(keys, key)]
        if len(keys) > LEVELS_MOST:
            self._bound(ladder)

    def copy_from(self, other: Rungs) -> None:
        self.bids.copy_from(other.bids)
        self.asks.copy_from(other.asks)
        self._qtys.clear()
        self._qtys.decimals = other.qty_decimals

    def _bound(self, ladder: Ladder) -> None:
        if len(ladder.keys) > LEVELS_MOST:
            ladder.cut(LEVELS_MOST)
            ladder.end()

    def _widen_prices(self, decimals: int) -> None:
        by = POWERS[decimals - self.price_decimals]
        self.widened += 1
        for ladder in (self.bids, self.asks):
            ladder.scale(by, 1)
            ladder.read.clear()
            ladder.read.decimals = decimals

    def _widen_qtys(self, decimals: int) -> None:
        by = POWERS[decimals - self.qty_decimals]
        self.widened += 1
        for ladder in (self.bids, self.asks):
            ladder.scale(1, by)
        self._qtys.clear()
        self._qtys.decimals = decimals

    def __repr__(self) -> str:
        return f"<Rungs {len(self.bids.keys)} bids, {len(self.asks.keys)} asks, {self.price_decimals} decimals>"
