"""Invariants of what is no book: trades, candles, quotes, marks and funding equal the city's; each is heard once.

Trades: in order, once, with the city's numbers; one that is missing in the end was told as gone, or was kept aside as
an anomaly. Candles: no hole, no double, the last word on each closed bar is the city's. Everything else: the value is
one that the city really had lately, so nothing that a mishap spoiled was passed on as normal."""

from __future__ import annotations

import re
from typing import Any

from fairlead.engine.feed import Feed
from fairlead.model.market import Candle, Funding, Mark, Quote, Trade
from fairlead.model.numbers import nearest_float
from fairlead.sim.stall import Stall
from tests.voyage.chronicle import Story
from tests.voyage.log import Log

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
END_NS = 8 * SECOND_NS  # what happened so shortly before the end may still be on its way
GONE = re.compile(r"(\d+) trades after .* are gone")


class TradeLookout:
    """`counts`: the venue numbers its trades one by one, so that every hole must be told."""

    def __init__(self, feed: Feed[Trade], venue: str, story: Story, log: Log) -> None:
        self._feed, self._story, self._log = feed, story, log
        self._name = f"{venue} {feed.topic}"
        self._ids: list[int] = []
        self.gone = 0  # told as lost for good

    def hear(self, trade: Trade, now_ns: int) -> None:
        self._log.note("trade", now_ns, trade.venue, trade.symbol, trade.id, trade.price, trade.qty, trade.side)
        if self._log.is_blind:
            return
        id = int(trade.id)
        if self._ids and id <= self._ids[-1]:
            word = "twice" if id in self._ids else "out of order"
            self._log.breach(now_ns, f"{self._name}: trade {id} came {word}, after {self._ids[-1]}")
        self._ids.append(id)
        true, of = self._story.trade(id), self._story.market.listing
        if true is None:
            if self._story.trades and id >= self._story.trades[0].id:
                self._log.breach(now_ns, f"{self._name}: nobody made trade {id}")
            return
        numbers = (nearest_float(true.price, of.price_decimals), nearest_float(true.qty, of.qty_decimals), true.side)
        if numbers != (trade.price, trade.qty, trade.side):
            self._log.breach(now_ns, f"{self._name}: trade {trade!r} was {numbers} in the city")

    def told_gone(self, why: str) -> None:
        if found := GONE.search(why):
            self.gone += int(found[1])

    def close(self, now_ns: int, world_ns: int) -> None:
        """At the end every trade since the first is accounted for."""
        if not self._ids:
            self._log.breach(now_ns, f"{self._name}: not one trade came")
            return
        heard = {*self._ids, *(int(sample.id) for _, sample in self._feed.anomalies)}
        missing = [
            trade.id
            for trade in self._story.trades
            if trade.id > self._ids[0] and trade.ns < world_ns - END_NS and trade.id not in heard
        ]
        if len(missing) > self.gone:
            self._log.breach(
                now_ns, f"{self._name}: {missing[:8]} of {len(missing)} are missing, {self.gone} were told"
            )


class CandleLookout:
    def __init__(self, venue: str, feed: Feed[Candle], stall: Stall, log: Log) -> None:
        self._stall, self._log, self._interval = stall, log, feed.topic.detail
        self._name = f"{venue} {feed.topic}"
        self._closed: dict[int, Candle] = {}

    def hear(self, candle: Candle, now_ns: int) -> None:
        self._log.note("candle", now_ns, candle.venue, candle.symbol, _numbers(candle), candle.closed, candle.filled)
        if not candle.closed:
            return
        before = self._closed.get(candle.open_ns)
        if before is not None and _numbers(before) == _numbers(candle):
            self._log.breach(now_ns, f"{self._name}: the bar of {candle.open_ns} closed twice")
        if before is None and self._closed and candle.open_ns != max(self._closed) + MINUTE_NS:
            self._log.breach(now_ns, f"{self._name}: a hole before the bar of {candle.open_ns}")
        self._closed[candle.open_ns] = candle

    def close(self, now_ns: int, world_ns: int) -> None:
        if not self._closed or max(self._closed) < world_ns - 2 * MINUTE_NS - END_NS:
            self._log.breach(now_ns, f"{self._name}: the last bars did not close, {len(self._closed)} did")
        for open_ns, candle in self._closed.items():
            true = self._stall.candles(self._interval, open_ns, open_ns + 1, 1)[0]
            if _numbers(true) != _numbers(candle):
                told = f"{_numbers(candle)}{' filled' if candle.filled else ''}"
                self._log.breach(now_ns, f"{self._name}: the bar {told} was {_numbers(true)} in the city")


class ValueLookout:
    """Quotes, marks, funding: whether the city had that value."""

    def __init__(self, venue: str, feed: Feed[Any], story: Story, log: Log) -> None:
        self._story, self._log = story, log
        self._name = f"{venue} {feed.topic}"

    def hear(self, value: Quote | Mark | Funding, now_ns: int) -> None:
        match value:
            case Quote():
                numbers: tuple[float, ...] = (value.bid, value.bid_qty, value.ask, value.ask_qty)
                is_true = numbers in self._story.tops
            case Mark():
                numbers = (value.price,)
                is_true = value.price in self._story.marks
            case Funding():
                numbers = (value.rate, value.due_ns)
                is_true = value.rate == float(self._story.market.funding(value.due_ns))
        self._log.note(type(value).__name__, now_ns, value.venue, value.symbol, numbers, value.state)
        if not is_true:
            self._log.breach(now_ns, f"{self._name}: the city never had {value!r}")


def _numbers(candle: Candle) -> tuple[int, float, float, float, float, float]:
    return candle.open_ns, candle.open, candle.high, candle.low, candle.close, candle.volume
