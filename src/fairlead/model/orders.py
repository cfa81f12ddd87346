"""What becomes of orders: what a venue reports of one, what was filled, and what it takes; all numbers exact.

A report says what a venue said, and `None` or "" where it did not: updates of some venues are partial."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

BUY, SELL = "buy", "sell"


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"  # at its trigger, a market order: the price went against us
    STOP_LIMIT = "stop limit"
    TAKE_PROFIT = "take profit"  # at its trigger, a market order: the price went our way
    TAKE_PROFIT_LIMIT = "take profit limit"

    @property
    def is_limit(self) -> bool:
        return self in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)

    @property
    def is_triggered(self) -> bool:
        return self not in (OrderType.LIMIT, OrderType.MARKET)


class Tif(StrEnum):
    """How long it stays."""

    GTC = "GTC"  # until it is filled or cancelled
    IOC = "IOC"  # what is not filled at once is cancelled
    FOK = "FOK"  # all at once, or nothing


class Status(StrEnum):
    """What the venue calls the order's state, in our words."""

    PENDING = "pending"  # accepted, not yet live
    OPEN = "open"
    PARTIAL = "partial"  # open, and filled in part
    FILLED = "filled"
    CANCELLED = "cancelled"  # may be filled in part
    EXPIRED = "expired"  # ended by the venue's rules (IOC, FOK, self-trade); may be filled in part
    REJECTED = "rejected"  # taken, then refused

    @property
    def is_final(self) -> bool:
        return self in (Status.FILLED, Status.CANCELLED, Status.EXPIRED, Status.REJECTED)


class OrderReport(Struct, frozen=True, kw_only=True):
    """What a venue says of one order."""

    venue: str
    symbol: str
    order_id: str  # the venue's
    status: Status
    client_id: str = ""
    venue_ns: int = 0  # when it became so
    seen_ns: int = 0
    created_ns: int = 0
    side: str = ""
    type: OrderType | None = None
    tif: Tif | None = None
    qty: Decimal | None = None  # of base (or contracts), in total
    quote_qty: Decimal | None = None  # where it was given in quote
    price: Decimal | None = None  # its limit
    trigger: Decimal | None = None
    filled: Decimal | None = None  # of base (or contracts), so far
    cost: Decimal | None = None  # of quote, so far
    average: Decimal | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    pos_side: str = ""  # long, short; "": one-sided
    margin: str = ""  # cash, cross, isolated
    reason: str = ""  # the venue's word for why it ended or changed
    request: str = ""  # of the amendment that this answers, where the venue names it


class Fill(Struct, frozen=True, kw_only=True):
    """One execution. Told again, it has the same `order_id` and `id`: with the symbol they are its name."""

    venue: str
    symbol: str
    order_id: str
    id: str
    side: str
    price: Decimal
    qty: Decimal
    fee: Decimal | None = None  # paid is positive, a rebate negative; None: the venue did not say
    fee_asset: str = ""
    maker: bool | None = None
    client_id: str = ""
    venue_ns: int = 0
    seen_ns: int = 0


class Receipt(Struct, frozen=True, kw_only=True):
    """The venue took a request about one order; with it came what it showed of the order, if anything.

    That a cancel or an amendment was taken does not mean that it was done: only a report says so."""

    order_id: str = ""
    client_id: str = ""
    venue_ns: int = 0
    report: OrderReport | None = None
    fills: tuple[Fill, ...] = ()
