"""A venue that knows its own book at every number, and tells it in each way that a BookRule can name."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec import Raw

from fairlead.core.strand import Strand
from fairlead.model.instrument import Instrument
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Levels, Topic
from fairlead.wire.door import BookRule, Continuity, Side
from fairlead.wire.shapes import LevelShape

BTC = Instrument("BTC/USDT", "BTCUSDT", Decimal(1), Decimal(1), 0, 0)
TOPIC = Topic("book", BTC.symbol)
Book = tuple[list[tuple[int, int]], list[tuple[int, int]]]
Change = tuple[bool, int, int]  # of a bid, so far from the middle, new quantity
MIDDLE = 1_000


def crc(bids: Side, asks: Side, _: Instrument) -> int:
    return zlib.crc32(repr((list(bids), list(asks))).encode())


RULES = {
    "range": BookRule(Continuity.RANGE, LevelShape.PAIRS, whole_from=Op.BOOK),
    "range then prior": BookRule(Continuity.PRIOR, LevelShape.PAIRS, start=Continuity.RANGE, whole_from=Op.BOOK),
    "prior": BookRule(Continuity.PRIOR, LevelShape.PAIRS),
    "next": BookRule(Continuity.NEXT, LevelShape.PAIRS),
    "sum": BookRule(Continuity.SUM, LevelShape.PAIRS, cut=True, checksum=crc, checksum_levels=1_000),
    "whole": BookRule(Continuity.WHOLE, LevelShape.PAIRS),
}


def raw(levels: Sequence[tuple[int, int]]) -> Raw:
    return Raw(msgspec.json.encode([[str(price), str(qty)] for price, qty in levels]))


class Oracle:
    """`truth` holds the book at every moment that a strand can be at: by time, which is the message's index."""

    def __init__(self, rule: BookRule, depth: int = 0) -> None:
        self.rule, self.depth = rule, depth
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for away in range(1, 6):
            self.sides[0][MIDDLE - away] = self.sides[1][MIDDLE + away] = away
        self.number, self.ns = 10_000, 1
        self.truth = {1: self.seen()}
        self.told: list[Levels] = []

    def seen(self) -> Book:
        """As much of the book as this venue shows to a subscriber."""
        most = self.depth if self.rule.cut or self.rule.then is Continuity.WHOLE else 0
        bids, asks = sorted(self.sides[0].items(), reverse=True), sorted(self.sides[1].items())
        return (bids[:most], asks[:most]) if most else (bids, asks)

    def change(self, changes: Sequence[Change], jump: int = 0) -> Levels:
        """Something happens, and is told; `jump` numbers belong to what this stream does not tell."""
        before, prior = self.seen(), self.number
        self.ns += 1
        for is_bid, away, qty in changes:
            side, price = self.sides[0 if is_bid else 1], MIDDLE - away if is_bid else MIDDLE + away
            side.pop(price, None)
            if qty:
                side[price] = qty
        if self.rule.then is Continuity.PRIOR:
            first, self.number = prior + jump + 1, prior + jump + max(1, len(changes))
        elif self.rule.then is Continuity.RANGE:
            first, self.number = prior + 1, prior + max(1, len(changes))
        else:
            first = self.number = prior + 1
        self.truth[self.ns] = after = self.seen()
        if self.rule.then is Continuity.WHOLE:
            return self._tell(True, first, prior, after)
        return self._tell(False, first, prior, (self._diff(0, before, after), self._diff(1, before, after)))

    def heartbeat(self) -> Levels:
        """Nothing happened, and that is told."""
        self.ns += 1
        self.truth[self.ns] = self.seen()
        return self._tell(False, self.number, self.number, ([], []))

    def restart(self) -> Levels:
        """Maintenance: the numbers go down, the chain goes on."""
        self.ns += 1
        self.truth[self.ns] = self.seen()
        prior, self.number = self.number, self.number - 5_000
        return self._tell(False, self.number, prior, ([], []))

    def whole(self) -> Levels:
        return self._make(True, 0, -1, self.seen())

    def fetched(self) -> Levels:
        """By REST: with a number and no time, and never deeper than asked for."""
        bids, asks = self.seen()
        most = self.depth or len(bids) + len(asks)
        return Levels(TOPIC, True, 0, self.number, -1, None, raw(bids[:most]), raw(asks[:most]), 0, 0)

    def _diff(self, side: int, before: Book, after: Book) -> list[tuple[int, int]]:
        """A level that only fell out of sight is not told."""
        new, old = dict(after[side]), dict(before[side])
        gone = [(price, 0) for price in old if price not in self.sides[side]]
        return [(price, qty) for price, qty in new.items() if old.get(price) != qty] + gone

    def _tell(self, whole: bool, first: int, prior: int, book: Book) -> Levels:
        self.told.append(self._make(whole, first, prior, book))
        return self.told[-1]

    def _make(self, whole: bool, first: int, prior: int, book: Book) -> Levels:
        then, checksum = self.rule.then, None
        if then is Continuity.SUM:
            first = number = 0
            checksum = crc(*self.seen(), BTC)
        else:
            number = self.number
        prior = prior if then is Continuity.PRIOR else -1
        return Levels(TOPIC, whole, first, number, prior, checksum, raw(book[0]), raw(book[1]), self.ns, self.ns)


def told_by(strand: Strand) -> Book:
    """What a strand shows."""
    return strand.rungs.bids.top(10_000), strand.rungs.asks.top(10_000)
