"""From what a user writes to a checked change of one of our orders: new totals, never below what was filled."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from msgspec.structs import replace

from fairlead.core.intent import Number, check_notional, check_open, on_lot, positive
from fairlead.errors import BadNumber, Held, InDoubt, Misuse
from fairlead.model.instrument import Instrument
from fairlead.model.order import Life, Order
from fairlead.wire.orders import AskAmend, AskPlace


def amended(
    order: Order,
    instrument: Instrument,
    *,
    qty: Number | None = None,
    price: Number | None = None,
    trigger: Number | None = None,
    can: Collection[str],
) -> AskAmend:
    """The change as it will be asked for, still without a fence; what stays as it is, is None in it."""
    _check_life(order)
    for name, given, has in (
        ("quantity", qty, order.qty is not None),
        ("price", price, order.type.is_limit),
        ("trigger", trigger, order.type.is_triggered),
    ):
        if given is not None and not has:
            raise Misuse(f"The order has no {name} that could be changed.", known=_shown(order))
    asked = AskAmend(
        symbol=order.symbol,
        client_id=order.client_id,
        order_id=order.order_id,
        qty=_news(None if qty is None else on_lot(qty, instrument), order.qty),
        price=_news(None if price is None else positive(price, instrument.price_tick, "price"), order.price),
        trigger=_news(None if trigger is None else positive(trigger, instrument.price_tick, "trigger"), order.trigger),
    )
    if (asked.qty, asked.price, asked.trigger) == (None, None, None):
        raise Misuse("The change changes nothing.", known=_shown(order), next="give another qty, price or trigger")
    _check_can(order, asked, can)
    after = as_place(order, asked)
    check_open(after, instrument)
    if not after.reduce_only:
        check_notional(after, instrument, None)
    return asked


def as_place(order: Order, asked: AskAmend) -> AskPlace:
    """The order as it would be asked for anew after this change."""
    was = AskPlace(
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        client_id=order.client_id,
        qty=order.qty,
        quote_qty=order.quote_qty,
        price=order.price,
        trigger=order.trigger,
        tif=order.tif,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        pos_side=order.pos_side,
        margin=order.margin,
    )
    news = {name: new for name in ("qty", "price", "trigger") if (new := getattr(asked, name)) is not None}
    return replace(was, **news)


def _news(given: Decimal | None, was: Decimal | None) -> Decimal | None:
    return None if given == was else given


def _check_life(order: Order) -> None:
    if order.life.is_over:
        raise Misuse("The order has ended and cannot be changed.", known=_shown(order), next="place a new one")
    if order.life is Life.INTENT:
        raise Held("The order was not sent yet and cannot be changed.", known=_shown(order), next="try in a moment")
    if order.life.is_in_doubt or order.amending or order.cancelling:
        what = "a cancel" if order.cancelling else "an earlier change" if order.amending else "the order itself"
        raise InDoubt(
            f"The order cannot be changed now: what became of {what} is not known yet.",
            known=_shown(order),
            next="wait until it is found out; nothing was sent",
        )


def _check_can(order: Order, asked: AskAmend, can: Collection[str]) -> None:
    if asked.price is not None and "amend price" not in can:
        raise Misuse("The venue does not change the price of an order.", next="cancel it and place another")
    if asked.trigger is not None and "amend price" not in can:
        raise Misuse("The venue does not change the trigger of an order.", next="cancel it and place another")
    if asked.qty is None or order.qty is None:
        return
    if asked.qty > order.qty and "amend up" not in can:
        raise Misuse(
            f"The venue does not make an order larger: {order.qty} to {asked.qty}.",
            next="place a second one for the rest",
        )
    done = max(order.filled, order.venue_filled)
    if asked.qty <= done:
        raise BadNumber(
            f"The new quantity {asked.qty} is not above what is filled.",
            known=f"{done} are filled, and a quantity is the total with these in it",
            next="to stop here, cancel the order",
        )


def _shown(order: Order) -> str:
    filled = f", filled {order.filled} of {order.qty}" if order.qty is not None else ""
    return f"{order.client_id} is {order.life}{filled}"
