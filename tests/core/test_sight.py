"""What is known when an order is judged: its own symbol's exposure, and the day over all symbols of its quote asset."""

from __future__ import annotations

from decimal import Decimal

from fairlead.core import facts
from fairlead.core.drawdown import Drawdown
from fairlead.core.sight import Holdings, sight_of
from fairlead.core.tally import Tally
from fairlead.core.worth import Touch
from fairlead.model.account import Position
from fairlead.model.instrument import Instrument
from fairlead.model.orders import OrderType
from fairlead.wire.orders import AskAmend
from tests.core.test_tally import NOON, traded, wanted
from tests.core.wishes import BTC, COIN, PERP, SPOT, TOUCH, listed, order


def touch_for(symbol: str) -> Touch | None:
    return TOUCH if symbol == BTC else None


def test_a_sight_holds_all_that_a_limit_asks_for() -> None:
    """If this failed, a limit would be judged by another market, another account's day, or nothing."""
    tally, drawdown = Tally(), Drawdown()
    seen: tuple[facts.AnyFact, ...] = (traded(1, "0.5", "60000"), traded(2, "5", "50000", symbol=COIN), wanted(NOON))
    for fact in seen:
        tally.apply(fact)
    drawdown.read(Decimal(100))
    drawdown.read(Decimal(80))
    holdings = Holdings(
        orders=(
            order("fl1"),
            order("fl2", symbol=PERP, qty="2"),
            order("fl3", symbol=COIN, qty="7"),
            order("fl4", symbol=PERP, type=OrderType.MARKET, price=None),
            order("fl5", symbol="OLD/USDT:USDT"),
        ),
        positions=(Position(venue="v", symbol=BTC, qty=Decimal(3)), Position(venue="v", symbol=PERP, qty=Decimal(9))),
        changes={"fl1": AskAmend(symbol=BTC, client_id="fl1", qty=Decimal(2))},
    )
    sight = sight_of(SPOT, NOON, holdings, tally, drawdown, listed, touch_for)
    assert (sight.exposure.longest, sight.exposure.unpriced) == (Decimal(5), ())
    assert sight.day_notional == 30_000 + 100_000 + 1_000
    assert sight.day_unpriced == ("fl4", "fl5")
    assert (sight.in_second, sight.in_minute, sight.touch) == (1, 1, TOUCH)
    assert sight.fallen_percent == 20


def test_a_symbol_without_orders_is_seen_with_its_position() -> None:
    """If this failed, the first order of a symbol would be judged as if nothing were held."""
    holdings = Holdings(positions=(Position(venue="v", symbol=BTC, qty=Decimal(-3)),))
    sight = sight_of(SPOT, NOON, holdings, Tally(), Drawdown(), listed, touch_for)
    assert (sight.exposure.position, sight.exposure.shortest) == (Decimal(-3), Decimal(3))
    known: Instrument | None = listed(BTC)
    assert known is SPOT
