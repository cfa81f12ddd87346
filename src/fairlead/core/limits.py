"""What a user allows his bots: the configuration of risk, read strictly; a word or number that is wrong is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from fairlead.errors import Misuse, UnknownName, cut

RATE_MOST = 10_000  # orders a minute that can be allowed: so many are remembered


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large things may get, each None where it is not limited. Notional is in the symbol's quote asset."""

    order_qty: Decimal | None = None  # of one order: base, or contracts
    order_notional: Decimal | None = None
    open_notional: Decimal | None = None  # of all of a symbol's orders that may still be filled, buys and sells added
    position: Decimal | None = None  # long or short, if everything that is open were filled: base, or contracts
    collar_bps: Decimal | None = None  # how far beyond the market a price may reach, in hundredths of a percent

    def __post_init__(self) -> None:
        _check_positive(self, Caps.__struct_fields__)


class Limits(Caps, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one account at one venue. What stands here is for every symbol; `of` says otherwise for some."""

    symbols: tuple[str, ...] | None = None  # the only ones that may be traded
    day_notional: Decimal | None = None  # a UTC day, of all symbols of one quote asset: traded, and what still may be
    per_second: int | None = None  # orders, and changes of orders
    per_minute: int | None = None
    book_age_ms: int | None = None  # since the book last changed
    # None: only a limit that is measured by the book needs it live. True: every order does. False: the book serves as
    # it was last seen.
    need_live_book: bool | None = None
    drawdown_percent: Decimal | None = None  # what the account may lose of its highest worth
    of: Mapping[str, Caps] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_positive(self, _OWN)
        if self.drawdown_percent is not None and self.drawdown_percent >= 100:
            raise Misuse(f"The limit drawdown_percent is {self.drawdown_percent}.", next="give less than 100")
        for name in ("per_second", "per_minute"):
            if (getattr(self, name) or 0) > RATE_MOST:
                raise Misuse(f"The limit {name} is above {RATE_MOST}.", next="give less, or leave it out")

    def caps(self, symbol: str) -> Caps:
        """Those of one symbol."""
        own = self.of.get(symbol, Caps())
        return Caps(
            **{
                name: getattr(self, name) if getattr(own, name) is None else getattr(own, name)
                for name in Caps.__struct_fields__
            }
        )


_OWN = ("day_notional", "per_second", "per_minute", "book_age_ms", "drawdown_percent")


def limits_from(text: str) -> Limits:
    """Limits as TOML says them: `order_notional = 5000`, and for one symbol `[of."BTC/USDT"]` with `position = 2`."""
    try:
        told = tomllib.loads(text, parse_float=Decimal)  # a float would have lost the digits that were written
    except (ValueError, RecursionError) as wrong:  # TOML's reader knows no bound for a number, nor for nesting
        raise Misuse(f"The limits are no TOML: {cut(str(wrong))}.") from None
    return limits_of(told)


def limits_of(told: Mapping[str, Any]) -> Limits:
    """Limits from a table that was read already."""
    _check_names(told, Limits)
    of = told.get("of")
    for caps in of.values() if isinstance(of, Mapping) else ():
        if isinstance(caps, Mapping):
            _check_names(caps, Caps)
    try:
        return msgspec.convert(told, Limits)
    except msgspec.ValidationError as wrong:
        raise Misuse(f"The limits are not what they should be: {wrong}.") from None


def _check_names(told: Mapping[str, Any], form: type[Struct]) -> None:
    for name in told:
        if name not in form.__struct_fields__:
            raise UnknownName("limit", name, form.__struct_fields__)


def _check_positive(limits: Struct, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(limits, name)
        if value is not None and not (Decimal(value).is_finite() and value > 0):
            raise Misuse(f"The limit {name} is {value}: it must be above zero.", next="leave it out to allow anything")
