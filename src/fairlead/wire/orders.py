"""The questions about orders and accounts. Whoever asks has checked them: numbers lie on the instrument's steps.

An order is named by `client_id` (ours) or `order_id` (the venue's); with both, the venue must find the same."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from fairlead.model.orders import OrderType, Tif


class AskPlace(Struct, frozen=True, kw_only=True):
    symbol: str
    side: str  # buy, sell
    type: OrderType
    client_id: str
    qty: Decimal | None = None  # of base, or contracts; exactly one of these two
    quote_qty: Decimal | None = None  # of quote: how much to spend or to earn
    price: Decimal | None = None
    trigger: Decimal | None = None
    tif: Tif = Tif.GTC  # of what has a limit
    post_only: bool = False
    reduce_only: bool = False
    pos_side: str = ""  # long, short: where positions are two-sided
    margin: str = ""  # cash, cross, isolated; "": as the account is set up
    # The fence: on the venue's clock, after this it must refuse. 0: none. `window_ms` is how far ahead that was when
    # the request was made, for venues that take a length instead of a moment.
    until_ms: int = 0
    window_ms: int = 0


class AskPlaceMany(Struct, frozen=True):
    orders: tuple[AskPlace, ...]  # of one fence


class AskAmend(Struct, frozen=True, kw_only=True):
    """What is None stays as it is. `qty` is the new total, what was filled included."""

    symbol: str
    client_id: str = ""
    order_id: str = ""
    qty: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    request: str = ""  # our name of this amendment, where the venue takes one
    until_ms: int = 0
    window_ms: int = 0


class AskCancel(Struct, frozen=True, kw_only=True):
    symbol: str
    client_id: str = ""
    order_id: str = ""


class AskCancelMany(Struct, frozen=True):
    orders: tuple[AskCancel, ...]


class AskCancelAll(Struct, frozen=True):
    symbol: str = ""  # "": of the whole account


class AskOrder(Struct, frozen=True, kw_only=True):
    symbol: str
    client_id: str = ""
    order_id: str = ""


class AskOpenOrders(Struct, frozen=True, kw_only=True):
    symbol: str = ""  # "": all
    client_id: str = ""  # only that one, where the venue can
    page: str = ""


class AskOrders(Struct, frozen=True, kw_only=True):
    """Orders that have ended, and on some venues open ones too; newest or oldest first, as the venue gives them."""

    symbol: str
    start_ns: int = 0
    end_ns: int = 0
    client_id: str = ""  # only those, where the venue can
    limit: int = 0
    page: str = ""


class AskFills(Struct, frozen=True, kw_only=True):
    symbol: str
    start_ns: int = 0
    end_ns: int = 0
    order_id: str = ""  # only its, where the venue can
    limit: int = 0
    page: str = ""


class AskPositions(Struct, frozen=True):
    symbol: str = ""


class AskClose(Struct, frozen=True, kw_only=True):
    """Close the whole position at the market."""

    symbol: str
    client_id: str
    pos_side: str = ""
    margin: str = ""


class AskLeverage(Struct, frozen=True, kw_only=True):
    symbol: str
    leverage: Decimal
    margin: str = ""
    pos_side: str = ""


class AskLeverages(Struct, frozen=True, kw_only=True):
    symbol: str
    margin: str = ""


class AskSetMode(Struct, frozen=True):
    hedged: bool


class AskDeadMan(Struct, frozen=True):
    """Cancel everything unless asked again within this time; 0: off."""

    timeout_ms: int
