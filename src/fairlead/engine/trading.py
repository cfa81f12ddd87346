"""What a user's code does with an account: places and changes orders, follows them, and asks what there is.

It judges nothing: what is wanted goes to the account's desk, which checks it, writes it down and sends it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from fairlead.core.budget import Priority
from fairlead.engine.bus import Bus, Subscription
from fairlead.engine.desk import Desk
from fairlead.errors import Misuse, Refused, UnknownName, cut
from fairlead.model.account import Balance, Leverage, Position
from fairlead.model.order import Order
from fairlead.model.orders import BUY, SELL, Fill, OrderReport, OrderType, Tif
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.faults import Fault
from fairlead.wire.orders import AskFills, AskLeverage, AskLeverages, AskOpenOrders, AskPositions

if TYPE_CHECKING:  # what judges and places orders is imported by the first of them: whoever only reads needs none of it
    from fairlead.core.intent import Number
    from fairlead.engine.account import AccountDesk
    from fairlead.engine.placing import Wanted

T = TypeVar("T")
Call = Callable[[T], None]


class Terms(TypedDict, total=False):
    """What may be said of an order beside its symbol and side. Numbers are texts, integers, Decimals, or floats whose
    shortest text is exact."""

    qty: Number | None  # of base, or contracts; this or the next
    quote_qty: Number | None  # of quote: how much to spend or to earn, at the market
    price: Number | None
    trigger: Number | None
    type: OrderType | str | None  # without it the prices say it: a limit, a stop, a stop limit, or a market order
    tif: Tif | str
    post_only: bool
    reduce_only: bool
    pos_side: str  # long, short: where positions are two-sided
    margin: str  # cash, cross, isolated
    valid_for_ms: int  # what has not left by then is not sent any more
    resend_if_not_accepted: bool  # proven not accepted, and still valid: send it again; never otherwise
    name: str  # yours for this wish: asked again under it, the same order is meant
    bot: str  # who wants it


class Trading:
    """The account's side of a Market. Where the venue was opened to be read only, orders are refused with words."""

    def __init__(self, desk: Desk, account: AccountDesk | None = None) -> None:
        self._desk, self._account = desk, account
        self.name = desk.name

    # ---- orders

    async def buy(self, symbol: str, **terms: Unpack[Terms]) -> Order:
        """The order as the venue left it with us. Is its life UNKNOWN, then nobody knows yet, and it is being found
        out. Raises Refused (by the venue), Held (by Fairlead), NotSent or Misuse: then it is not at the venue."""
        return await self._place(symbol, BUY, dict(terms))

    async def sell(self, symbol: str, **terms: Unpack[Terms]) -> Order:
        """As `buy`."""
        return await self._place(symbol, SELL, dict(terms))

    async def amend(
        self,
        order: Order | str,
        *,
        qty: Number | None = None,
        price: Number | None = None,
        trigger: Number | None = None,
    ) -> Order:
        """Changes an order of ours; what is not given stays. `qty` is the new total, with what is filled in it."""
        from fairlead.core.change import amended

        desk = self._trades
        now = desk.track(_id(order)).order
        instrument = self._desk.instrument(now.symbol)
        asked = amended(now, instrument, qty=qty, price=price, trigger=trigger, can=self._desk.venue.can)
        return await desk.amend(asked)

    async def cancel(self, order: Order | str) -> Order:
        """The order as it stands when the venue has answered; that it ended is told when the venue shows it."""
        return await self._trades.cancel(_id(order))

    async def cancel_all(self, symbol: str = "") -> tuple[Order, ...]:
        """Every order of ours that is open (at one symbol); those of others are left alone."""
        return await self._trades.cancel_all(self._symbol(symbol))

    async def close(self, symbol: str, *, pos_side: str = "") -> Order:
        """Ends a position by an order at the market that can only make it smaller."""
        legs = await self.ask_positions(symbol)
        held = [
            one for one in legs if one.symbol == self._symbol(symbol) and one.qty and pos_side in ("", one.pos_side)
        ]
        if len(held) != 1:
            sides = " and ".join(one.pos_side for one in held)
            raise Misuse(
                f"There is no position in {symbol} to close." if not held else f"{symbol} has positions {sides}.",
                next='say which: pos_side="long" or pos_side="short"' if held else "see ask_positions()",
            )
        leg = held[0]
        terms: dict[str, Any] = {"reduce_only": not leg.pos_side, "pos_side": leg.pos_side, "margin": leg.margin}
        return await self._place(leg.symbol, SELL if leg.qty > 0 else BUY, {"qty": abs(leg.qty), **terms})

    async def halt(self, why: str) -> tuple[Order, ...]:
        """The kill switch: our orders are cancelled and new ones refused, also after a restart, until `resume`."""
        return await self._trades.throw(why)

    async def resume(self, why: str) -> None:
        await self._trades.release(why)

    # ---- what is known of them

    def orders(self, callback: Call[Order] | None = None) -> Subscription[Order]:
        """Each order of ours whenever it changes, once its change is on disk."""
        return self._follow(self._trades.bench.orders, callback, "orders")

    def fills(self, callback: Call[Fill] | None = None) -> Subscription[Fill]:
        """Each fill of an order of ours, once."""
        return self._follow(self._trades.bench.fills, callback, "fills")

    def balances(self, callback: Call[Balance] | None = None) -> Subscription[Balance]:
        """Each balance whenever it changes."""
        return self._follow(self._trades.funds.balance_bus, callback, "balances")

    def positions(self, callback: Call[Position] | None = None) -> Subscription[Position]:
        """Each position whenever it changes; a quantity of 0 is a closed one."""
        return self._follow(self._trades.funds.position_bus, callback, "positions")

    def order(self, client_id: str) -> Order:
        return self._trades.track(client_id).order

    def open_orders(self, symbol: str = "") -> tuple[Order, ...]:
        """Ours, as far as they may still change; those in doubt are among them."""
        return tuple(one for one in self._trades.running(self._symbol(symbol)) if not one.life.is_over)

    def changed_since(self, seq: int) -> tuple[Order, ...]:
        """The orders that changed after that `Order.seq`: for a bot that was away."""
        return self._trades.bench.account.orders(after=seq)

    # ---- questions, which a key answers that may not trade, too

    async def ask_balances(self) -> tuple[Balance, ...]:
        answer: tuple[Balance, ...] = await self._desk.answer(Op.BALANCES, AskNothing(), Priority.ACCOUNT)
        return answer

    async def ask_positions(self, symbol: str = "") -> tuple[Position, ...]:
        asked = AskPositions(self._symbol(symbol))
        answer: tuple[Position, ...] = await self._desk.answer(Op.POSITIONS, asked, Priority.ACCOUNT)
        return answer

    async def ask_open_orders(self, symbol: str = "") -> tuple[OrderReport, ...]:
        """All of the account, by whomever they were placed, in the venue's words."""
        return await self._all(Op.OPEN_ORDERS, AskOpenOrders(symbol=self._symbol(symbol)))

    async def ask_fills(self, symbol: str, start_ns: int = 0, end_ns: int = 0) -> tuple[Fill, ...]:
        """All of the account at one symbol, by whomever they were made."""
        return await self._all(Op.FILLS, AskFills(symbol=self._symbol(symbol), start_ns=start_ns, end_ns=end_ns))

    async def leverage(self, symbol: str, *, margin: str = "") -> tuple[Leverage, ...]:
        asked = AskLeverages(symbol=self._symbol(symbol), margin=margin)
        answer: tuple[Leverage, ...] = await self._desk.answer(Op.LEVERAGE, asked, Priority.ACCOUNT)
        return answer

    async def set_leverage(
        self, symbol: str, leverage: Number, *, margin: str = "", pos_side: str = ""
    ) -> tuple[Leverage, ...]:
        from fairlead.core.intent import positive

        asked = AskLeverage(
            symbol=self._symbol(symbol),
            leverage=positive(leverage, Decimal(0), "leverage"),
            margin=margin,
            pos_side=pos_side,
        )
        self._trades.gate(asked.symbol)
        outcome = await self._desk.teller.errand(Op.SET_LEVERAGE, asked, Priority.ACCOUNT)
        if isinstance(outcome, Fault):
            raise Refused(
                f"{self.name} did not set the leverage ({outcome.kind}): {cut(outcome.said) or 'no words'}",
                venue=self.name,
                kind=outcome.kind,
                code=outcome.code,
                known=f"fate {outcome.fate}",
                next="ask for the leverage to see what holds",
            )
        answer: tuple[Leverage, ...] = outcome
        return answer

    # ---- inside

    async def _place(self, symbol: str, side: str, terms: dict[str, Any]) -> Order:
        from fairlead.core.intent import Wish, checked

        desk = self._trades
        for name in terms:
            if name not in Terms.__annotations__:
                raise UnknownName("word of an order", name, Terms.__annotations__)
        wanted = _wanted(terms)
        wish = Wish(symbol=symbol, side=side, **{name: terms[name] for name in Wish.__struct_fields__ if name in terms})
        instrument = self._desk.instrument(symbol)
        venue, hedged = self._desk.venue, self._desk.ctx.mode.hedged
        asked = checked(wish, instrument, can=venue.can, hedged=hedged, touch=self._desk.touch(instrument.symbol))
        return await desk.place(asked, wanted)

    @property
    def _trades(self) -> AccountDesk:
        if self._account is None:
            raise Misuse(
                f"{self.name} was opened to be read only: it places and follows no orders.",
                next='open it with key="..." and stage="live"',
            )
        return self._account

    def _follow(self, bus: Bus[T], callback: Call[T] | None, what: str) -> Subscription[T]:
        about = f"{self.name} {what}"
        return Subscription(bus, lambda: None, latest=False, callback=callback, about=about, whole=True)

    async def _all(self, op: Op, asked: Any) -> tuple[Any, ...]:
        return tuple([one async for page in self._desk.pages(op, asked, Priority.ACCOUNT) for one in page])

    def _symbol(self, symbol: str) -> str:
        return self._desk.instrument(symbol).symbol if symbol else ""


def _wanted(terms: Mapping[str, Any]) -> Wanted:
    from fairlead.engine.placing import WAIT_MS, Wanted

    valid_ms, again = terms.get("valid_for_ms", 0), terms.get("resend_if_not_accepted", False)
    if again and not valid_ms:
        raise Misuse(
            "An order that may be sent again must say until when.",
            next="give valid_for_ms beside resend_if_not_accepted",
        )
    return Wanted(
        wait_ms=valid_ms or WAIT_MS,
        resend_for_ms=valid_ms if again else 0,
        bot=terms.get("bot", ""),
        key=terms.get("name", ""),
    )


def _id(order: Order | str) -> str:
    return order if isinstance(order, str) else order.client_id
