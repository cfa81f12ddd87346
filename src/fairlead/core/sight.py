"""All that is known at the moment an order is judged, put together from the folds of the journal and the live books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from fairlead.core.drawdown import Drawdown
from fairlead.core.exposure import Exposure, exposure
from fairlead.core.tally import Tally
from fairlead.core.worth import Touch
from fairlead.model.account import Position
from fairlead.model.instrument import Instrument
from fairlead.model.numbers import EXACT
from fairlead.model.order import Order
from fairlead.wire.orders import AskAmend

ZERO = Decimal(0)


class Sight(Struct, frozen=True, kw_only=True):
    exposure: Exposure  # of the order's symbol
    touch: Touch | None = None  # None: no book of it is heard
    day_notional: Decimal = ZERO  # of its quote asset: traded today, and all open orders that may trade today
    day_unpriced: tuple[str, ...] = ()  # orders of whom nobody can tell what they may add to that
    in_second: int = 0  # orders wanted before this one
    in_minute: int = 0
    fallen_percent: Decimal | None = None  # below the highest worth; None: no equity was read


class Holdings(Struct, frozen=True, kw_only=True):
    """What an account has: `orders` are those that may still change, or whose fills do not add up yet; `positions` hold
    the fills that the orders count; `changes` were sent and not answered, by client id."""

    orders: tuple[Order, ...] = ()
    positions: tuple[Position, ...] = ()
    changes: Mapping[str, AskAmend] = {}


def sight_of(
    instrument: Instrument,
    now_ns: int,
    holdings: Holdings,
    tally: Tally,
    drawdown: Drawdown,
    listed: Callable[[str], Instrument | None],
    touch_for: Callable[[str], Touch | None],
) -> Sight:
    """For an order of this instrument, now, on the venue's clock."""
    quote, own = instrument.parts.quote, Exposure()
    day, unpriced = tally.traded(quote, now_ns, listed), []
    for symbol in {order.symbol for order in holdings.orders} | {instrument.symbol}:
        one = instrument if symbol == instrument.symbol else listed(symbol)
        if one is None:
            unpriced += _names(holdings.orders, symbol)
        elif one.parts.quote == quote:
            found = exposure(holdings.orders, holdings.positions, one, touch_for(symbol), holdings.changes)
            day, own = EXACT.add(day, found.notional), found if one is instrument else own
            unpriced += found.unpriced
    return Sight(
        exposure=own,
        touch=touch_for(instrument.symbol),
        day_notional=day,
        day_unpriced=tuple(sorted(unpriced)),
        in_second=tally.in_second(now_ns),
        in_minute=tally.in_minute(now_ns),
        fallen_percent=drawdown.percent,
    )


def _names(orders: Iterable[Order], symbol: str) -> list[str]:
    return [order.client_id for order in orders if order.symbol == symbol]
