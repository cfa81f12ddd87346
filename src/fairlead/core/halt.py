"""The kill switch: one switch of an account that stays as it was thrown, also over a restart, for it is in the journal.

Thrown, it refuses every new order and every change, reducing ones too, and names what of ours has to be cancelled;
it touches nobody else's orders. Only an explicit release, a fact like the throw, ends it."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.core.facts import AnyFact, Halted
from fairlead.errors import RiskRefused
from fairlead.model.order import Life, Order
from fairlead.wire.orders import AskCancel


class KillSwitch:
    """The fold of the journal's Halted lines; throwing it is writing one."""

    def __init__(self) -> None:
        self.thrown: Halted | None = None

    def apply(self, fact: AnyFact) -> None:
        if isinstance(fact, Halted):
            self.thrown = fact if fact.on else None

    def check(self) -> None:
        """Raises while it is thrown. To be asked once more just before an order is written as sent: what was wanted
        before the throw must not leave after it."""
        if self.thrown is not None:
            raise RiskRefused(
                f"The kill switch is thrown: {self.thrown.why or 'no reason was given'}.",
                known="no new order or change is sent, and ours are being cancelled; it stays so over a restart",
                next="look at the orders and positions, then release it by hand",
            )

    def __repr__(self) -> str:
        return f"<KillSwitch {'thrown: ' + self.thrown.why if self.thrown else 'off'}>"


def cancels(orders: Iterable[Order]) -> tuple[AskCancel, ...]:
    """What to cancel: all of ours that may be at the venue, those in doubt with them. A cancel may be repeated."""
    return tuple(
        AskCancel(symbol=order.symbol, client_id=order.client_id, order_id=order.order_id)
        for order in orders
        if not order.life.is_over and order.life is not Life.INTENT
    )
