"""One of our own orders as we know it: what was wanted, how far it got, and how sure that is; never a guess."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from fairlead.model.orders import OrderType, Tif


class Life(StrEnum):
    """Where an order is in its life. What leads from one to another stands in core/life, as a table."""

    INTENT = "INTENT"  # written down; no byte has left
    SENDING = "SENDING"  # written down as sent: a byte may have left
    UNKNOWN = "UNKNOWN"  # it may or may not be at the venue; only the venue's evidence ends this
    OPEN = "OPEN"  # the venue took it
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"  # the venue said no
    NOT_ACCEPTED = "NOT_ACCEPTED"  # proven: it never came to be at the venue, and cannot any more
    ABANDONED = "ABANDONED"  # never sent, and never will be

    @property
    def is_over(self) -> bool:
        return self not in _RUNNING

    @property
    def is_in_doubt(self) -> bool:
        return self in (Life.SENDING, Life.UNKNOWN)


_RUNNING = frozenset({Life.INTENT, Life.SENDING, Life.UNKNOWN, Life.OPEN, Life.PARTIAL})


class Order(Struct, frozen=True, kw_only=True):
    """`filled`, `cost`, `fees` are sums of distinct fills, and so exact; `venue_filled` is the venue's own count, which
    runs ahead while a fill is still on its way."""

    venue: str
    account: str  # the key's label: one account of the venue
    client_id: str
    symbol: str
    side: str
    type: OrderType
    life: Life
    order_id: str = ""
    qty: Decimal | None = None
    quote_qty: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    tif: Tif = Tif.GTC
    post_only: bool = False
    reduce_only: bool = False
    pos_side: str = ""
    margin: str = ""
    filled: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fees: tuple[tuple[str, Decimal], ...] = ()  # by asset
    venue_filled: Decimal = Decimal(0)
    attempt: int = 0  # how often it was sent: once, unless the caller asked for more
    until_ms: int = 0  # the fence of the last attempt, on the venue's clock
    cancelling: bool = False  # a cancel was sent and nothing has shown yet what came of it
    amending: bool = False
    late: bool = False  # it came to be after its absence had been proven: the venue broke its word
    reason: str = ""  # why it ended, in the venue's or our words
    created_ns: int = 0
    updated_ns: int = 0
    seq: int = 0  # of the journal: the last line that changed it; a bot that was away asks for what came after

    @property
    def left(self) -> Decimal | None:
        """What may still be filled; None where the quantity is given in quote."""
        return None if self.qty is None else max(Decimal(0), self.qty - max(self.filled, self.venue_filled))

    @property
    def average(self) -> Decimal | None:
        return self.cost / self.filled if self.filled else None
