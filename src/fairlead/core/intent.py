"""From what a user writes to an order that can be written down: every number exact and on its step, every word known.

It refuses what the venue would refuse, before anything is sent, and says whose fault that is; it never rounds, and
never decides what the user may risk (core/risk does)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias, TypeVar

from msgspec import Struct

from fairlead.core.worth import Touch, dearest, worth
from fairlead.errors import BadNumber, Held, Misuse, UnknownName
from fairlead.model.instrument import Instrument
from fairlead.model.market import State
from fairlead.model.numbers import on_step
from fairlead.model.orders import BUY, SELL, OrderType, Tif
from fairlead.wire.orders import AskPlace

Number: TypeAlias = str | int | float | Decimal
W = TypeVar("W", bound=StrEnum)
MARGINS = ("", "cash", "cross", "isolated")  # the first: as the account is set up


class Wish(Struct, frozen=True, kw_only=True):
    """What the user wrote. Without a type it is what its prices say: a limit, a stop limit, a stop, or a market order;
    take-profits look like stops and must be named."""

    symbol: str
    side: str
    qty: Number | None = None
    quote_qty: Number | None = None
    price: Number | None = None
    trigger: Number | None = None
    type: OrderType | str | None = None
    tif: Tif | str = Tif.GTC
    post_only: bool = False
    reduce_only: bool = False
    pos_side: str = ""
    margin: str = ""


def checked(
    wish: Wish,
    instrument: Instrument,
    *,
    can: Collection[str],
    hedged: bool = False,
    touch: Touch | None = None,
) -> AskPlace:
    """The order as it will be asked for, still without a client id and a fence. `can`: what the venue can."""
    if wish.side not in (BUY, SELL):
        raise UnknownName("side", str(wish.side), (BUY, SELL))
    type_, tif = _type_of(wish), _word(Tif, "time in force", wish.tif)
    _check_words(wish, type_, tif)
    _check_side(wish, instrument, hedged)
    if type_.is_triggered and "stops" not in can:
        raise Misuse(f"The venue has no {type_} orders.", next="watch the price and send a limit or market order")
    _check_amount(wish, type_, can)
    asked = AskPlace(
        symbol=instrument.symbol,
        side=wish.side,
        type=type_,
        client_id="",
        qty=None if wish.qty is None else on_lot(wish.qty, instrument),
        quote_qty=None if wish.quote_qty is None else positive(wish.quote_qty, Decimal(0), "quote quantity"),
        price=None if wish.price is None else positive(wish.price, instrument.price_tick, "price"),
        trigger=None if wish.trigger is None else positive(wish.trigger, instrument.price_tick, "trigger"),
        tif=tif,
        post_only=wish.post_only,
        reduce_only=wish.reduce_only,
        pos_side=wish.pos_side,
        margin=wish.margin,
    )
    check_open(asked, instrument)
    if not asked.reduce_only:  # venues let the rest of a position go, however small it is
        check_notional(asked, instrument, touch)
    return asked


def positive(number: Number, step: Decimal, what: str) -> Decimal:
    exact = on_step(number, step, what)
    if exact <= 0:
        raise BadNumber(f"The {what} {exact} is not above zero.", next=f"give a {what} above zero")
    return exact


def on_lot(number: Number, instrument: Instrument) -> Decimal:
    """A quantity that the instrument takes."""
    qty = positive(number, instrument.qty_step, "quantity")
    unit = instrument.parts.base if instrument.kind == "spot" else "contracts"
    if qty < instrument.min_qty:
        raise BadNumber(
            f"The quantity {qty} is below the least of {instrument.symbol}.",
            known=f"the venue takes no less than {instrument.min_qty} {unit}",
            next=f"ask for {instrument.min_qty} or more",
        )
    if 0 < instrument.max_qty < qty:
        raise BadNumber(
            f"The quantity {qty} is above the most of {instrument.symbol}.",
            known=f"the venue takes no more than {instrument.max_qty} {unit} in one order",
            next=f"ask for {instrument.max_qty} or less, or for several orders",
        )
    return qty


def check_notional(asked: AskPlace, instrument: Instrument, touch: Touch | None) -> None:
    """Not below the least worth. A market order is valued at what a live book shows; without one only the venue can
    tell, and will."""
    seen = touch if touch is not None and touch.state is State.LIVE else None
    # The least is asked of the order's own price: a better one that somebody offers does not count for it.
    price = asked.price or asked.trigger or dearest(asked.side, (), seen)
    total = asked.quote_qty if asked.qty is None else worth(instrument, asked.qty, price)
    if total is not None and total < instrument.min_notional:
        raise BadNumber(
            f"The order is worth {total.normalize():f} {instrument.parts.quote}, which is too little.",
            known=f"the venue takes no order of {instrument.symbol} below {instrument.min_notional:f}",
            next="ask for more",
        )


def check_open(asked: AskPlace, instrument: Instrument) -> None:
    """The market must take such an order now. It is nobody's fault here: the venue lists it so."""
    takes, how = _OPEN.get(instrument.status, (_nothing, "is in a state that is not known"))
    if takes(asked):
        return
    word = f" (its own word: {instrument.venue_status})" if instrument.venue_status else ""
    raise Held(
        f"{instrument.symbol} {how}: the order was not sent.",
        known=f"the venue lists it as {instrument.status}{word}",
        next="wait until the venue trades it again; what is open can be cancelled",
    )


def _nothing(_: AskPlace) -> bool:
    return False


# What each state of an instrument takes, and what is said of the rest.
_OPEN: Mapping[str, tuple[Callable[[AskPlace], bool], str]] = {
    "trading": (lambda _: True, ""),
    "post-only": (lambda asked: asked.post_only, "takes post-only orders alone"),
    "limit-only": (lambda asked: asked.type.is_limit, "takes limit orders alone"),
    "reduce-only": (lambda asked: asked.reduce_only, "takes reduce-only orders alone"),
    "cancel-only": (_nothing, "takes cancels alone"),
    "halted": (_nothing, "is halted"),
    "pending": (_nothing, "is not traded yet"),
    "closed": (_nothing, "is not traded any more"),
}


def _word(words: type[W], what: str, given: object) -> W:
    """One of these words, however it is written: as the word, or by its name."""
    text = str(given)
    for word in words:
        if text.replace("_", " ").lower() in (word.value.lower(), word.name.replace("_", " ").lower()):
            return word
    raise UnknownName(what, text, [word.value for word in words])


def _type_of(wish: Wish) -> OrderType:
    if wish.type is not None:
        return _word(OrderType, "type of order", wish.type)
    if wish.trigger is not None:
        return OrderType.STOP if wish.price is None else OrderType.STOP_LIMIT
    return OrderType.MARKET if wish.price is None else OrderType.LIMIT


def _check_words(wish: Wish, type_: OrderType, tif: Tif) -> None:
    """Prices where the type has them, and only words that go together."""
    for name, given, wanted in (
        ("price", wish.price, type_.is_limit),
        ("trigger", wish.trigger, type_.is_triggered),
    ):
        if wanted and given is None:
            raise Misuse(f"A {type_} order needs a {name}.", next=f"give {name}=...")
        if given is not None and not wanted:
            raise Misuse(f"A {type_} order has no {name}.", next=f"leave the {name} out, or name another type")
    for name in ("post_only", "reduce_only"):
        if not isinstance(getattr(wish, name), bool):
            raise Misuse(
                f"{name} is {getattr(wish, name)!r}, neither True nor False.", next=f"give {name}=True or False"
            )
    if wish.post_only and not type_.is_limit:
        raise Misuse(f"A {type_} order cannot be post-only: it takes what is there.", next="give a price")
    if wish.post_only and tif is not Tif.GTC:
        raise Misuse(
            f"Post-only and {tif} contradict each other: one must wait in the book, the other may not.",
            next="leave one of them out",
        )
    if tif is not Tif.GTC and not type_.is_limit:
        raise Misuse(f"A {type_} order has no time in force.", next="leave tif out, or give a price")


def _check_side(wish: Wish, instrument: Instrument, hedged: bool) -> None:
    """Words of positions, where there are positions."""
    if wish.margin not in MARGINS:
        raise UnknownName("kind of margin", str(wish.margin), MARGINS[1:])
    if instrument.kind == "spot":
        for name in ("reduce_only", "pos_side"):
            if getattr(wish, name):
                raise Misuse(f"{instrument.symbol} is spot: there is no position for {name}.", next=f"leave {name} out")
        return
    if hedged and wish.pos_side not in ("long", "short"):
        raise Misuse(
            "The account holds long and short positions apart, and the order does not say which it is for.",
            next='give pos_side="long" or pos_side="short"',
        )
    if not hedged and wish.pos_side:
        raise Misuse("The account holds one position a symbol: it has no sides.", next="leave pos_side out")


def _check_amount(wish: Wish, type_: OrderType, can: Collection[str]) -> None:
    if (wish.qty is None) == (wish.quote_qty is None):
        which = "neither" if wish.qty is None else "both"
        raise Misuse(f"An order has a quantity or a quote quantity; {which} was given.", next="give one of the two")
    if wish.quote_qty is None:
        return
    if type_ is not OrderType.MARKET:
        raise Misuse("Only a market order may be given in quote.", next="give qty instead of quote_qty")
    if f"quote {wish.side}" not in can:
        raise Misuse(f"The venue takes no market {wish.side} for an amount of quote.", next="give qty")
