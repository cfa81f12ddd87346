"""What is done with an account without await: the verbs of engine/trading, carried to the session's thread and back."""

from __future__ import annotations

from typing import Unpack

from fairlead.core.intent import Number
from fairlead.engine.market import Market
from fairlead.engine.trading import Terms
from fairlead.model.account import Balance, Leverage, Position
from fairlead.model.order import Order
from fairlead.model.orders import Fill, OrderReport
from fairlead.sync.loop import Loop
from fairlead.sync.stream import Stream


class Trading:
    """`orders`, `fills`, `balances`, `positions` are iterators; `ask_*` and `leverage` are single questions."""

    def __init__(self, loop: Loop, living: Market) -> None:
        self._loop, self._market = loop, living
        self.name = living.name

    # ---- orders

    def buy(self, symbol: str, **terms: Unpack[Terms]) -> Order:
        """The order as the venue left it with us; the terms and errors are those of engine/trading."""
        return self._loop.wait(self._market.buy(symbol, **terms))

    def sell(self, symbol: str, **terms: Unpack[Terms]) -> Order:
        return self._loop.wait(self._market.sell(symbol, **terms))

    def amend(
        self,
        order: Order | str,
        *,
        qty: Number | None = None,
        price: Number | None = None,
        trigger: Number | None = None,
    ) -> Order:
        """What is not given stays. `qty` is the new total, with what is filled in it."""
        return self._loop.wait(self._market.amend(order, qty=qty, price=price, trigger=trigger))

    def cancel(self, order: Order | str) -> Order:
        """As it stands when the venue has answered; `orders` tells when it has ended."""
        return self._loop.wait(self._market.cancel(order))

    def cancel_all(self, symbol: str = "") -> tuple[Order, ...]:
        """Every order of ours that is open (at one symbol)."""
        return self._loop.wait(self._market.cancel_all(symbol))

    def close(self, symbol: str, *, pos_side: str = "") -> Order:
        """Ends a position."""
        return self._loop.wait(self._market.close(symbol, pos_side=pos_side))

    def halt(self, why: str) -> tuple[Order, ...]:
        """The kill switch, until `resume`."""
        return self._loop.wait(self._market.halt(why))

    def resume(self, why: str) -> None:
        self._loop.wait(self._market.resume(why))

    # ---- what is known of them

    def orders(self, *, timeout_s: float | None = None) -> Stream[Order]:
        """Each order of ours whenever it changes."""
        return Stream(self._loop, self._market.orders, timeout_s)

    def fills(self, *, timeout_s: float | None = None) -> Stream[Fill]:
        return Stream(self._loop, self._market.fills, timeout_s)

    def balances(self, *, timeout_s: float | None = None) -> Stream[Balance]:
        return Stream(self._loop, self._market.balances, timeout_s)

    def positions(self, *, timeout_s: float | None = None) -> Stream[Position]:
        return Stream(self._loop, self._market.positions, timeout_s)

    def order(self, client_id: str) -> Order:
        return self._loop.call(lambda: self._market.order(client_id))

    def open_orders(self, symbol: str = "") -> tuple[Order, ...]:
        """Ours, as far as they may still change."""
        return self._loop.call(lambda: self._market.open_orders(symbol))

    def changed_since(self, seq: int) -> tuple[Order, ...]:
        """The orders that changed after that `Order.seq`."""
        return self._loop.call(lambda: self._market.changed_since(seq))

    # ---- questions

    def ask_balances(self) -> tuple[Balance, ...]:
        return self._loop.wait(self._market.ask_balances())

    def ask_positions(self, symbol: str = "") -> tuple[Position, ...]:
        return self._loop.wait(self._market.ask_positions(symbol))

    def ask_open_orders(self, symbol: str = "") -> tuple[OrderReport, ...]:
        """All of the account, by whomever they were placed."""
        return self._loop.wait(self._market.ask_open_orders(symbol))

    def ask_fills(self, symbol: str, start_ns: int = 0, end_ns: int = 0) -> tuple[Fill, ...]:
        """All of the account at one symbol, by whomever they were made."""
        return self._loop.wait(self._market.ask_fills(symbol, start_ns, end_ns))

    def leverage(self, symbol: str, *, margin: str = "") -> tuple[Leverage, ...]:
        return self._loop.wait(self._market.leverage(symbol, margin=margin))

    def set_leverage(
        self, symbol: str, leverage: Number, *, margin: str = "", pos_side: str = ""
    ) -> tuple[Leverage, ...]:
        return self._loop.wait(self._market.set_leverage(symbol, leverage, margin=margin, pos_side=pos_side))
