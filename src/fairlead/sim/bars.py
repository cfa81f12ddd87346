"""A candle in fixed point and how candles fold into longer ones; it never asks where they came from."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from fairlead.sim.happenings import Traded


class Candle(Struct, frozen=True, gc=False):
    """Prices and quantities are integer counts of the listing's last decimal; turnover is price times quantity."""

    begin_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int
    trades: int  # 0: nobody traded; the prices are the last close, the ids -1
    buy_volume: int  # the part where the taker bought
    buy_turnover: int
    first_id: int
    last_id: int


def of_trade(trade: Traded, begin_ns: int) -> Candle:
    price, qty, turnover = trade.price, trade.qty, trade.price * trade.qty
    bought = trade.side == "buy"
    return Candle(
        begin_ns, price, price, price, price, qty, turnover, 1,
        qty if bought else 0, turnover if bought else 0, trade.id, trade.id,
    )  # fmt: skip


def flat(begin_ns: int, close: int) -> Candle:
    """A bar in which nobody traded."""
    return Candle(begin_ns, close, close, close, close, 0, 0, 0, 0, 0, -1, -1)


def fold(candles: Sequence[Candle], begin_ns: int) -> Candle | None:
    """One candle out of several with trades in them, oldest first; None out of none."""
    if not candles:
        return None
    return Candle(
        begin_ns,
        candles[0].open,
        max([one.high for one in candles]),
        min([one.low for one in candles]),
        candles[-1].close,
        sum([one.volume for one in candles]),
        sum([one.turnover for one in candles]),
        sum([one.trades for one in candles]),
        sum([one.buy_volume for one in candles]),
        sum([one.buy_turnover for one in candles]),
        candles[0].first_id,
        candles[-1].last_id,
    )
