"""What can be traded: an instrument with its steps, limits and spellings, and the catalogue that finds it both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from msgspec import Struct

from fairlead.errors import UnknownName
from fairlead.model import numbers
from fairlead.model.symbols import Symbol, parse


class Instrument(Struct, frozen=True):
    """One market of one venue. Decimals are declared precision: fixed point and checksums stand on them."""

    symbol: str  # ours: BTC/USDT, BTC/USDT:USDT
    venue_symbol: str  # theirs, as REST requests spell it
    price_tick: Decimal
    qty_step: Decimal
    price_decimals: int
    qty_decimals: int
    # trading, post-only, limit-only, cancel-only, reduce-only, halted, pending, closed, unknown
    status: str = "trading"
    venue_status: str = ""  # their own word for it
    min_qty: Decimal = Decimal(0)
    max_qty: Decimal = Decimal(0)  # 0: the venue names none
    min_notional: Decimal = Decimal(0)
    contract_size: Decimal = Decimal(1)  # base (linear) or quote (inverse) per contract; 1 on spot
    # every other spelling by its use: {"ws": "BTC/USD", "reply": "XXBTZUSD", "code": "10459"}
    names: Mapping[str, str] = {}

    @property
    def parts(self) -> Symbol:
        return parse(self.symbol)

    @property
    def kind(self) -> str:
        return self.parts.kind

    def price(self, mantissa: int) -> Decimal:
        return numbers.unfixed(mantissa, self.price_decimals)

    def qty(self, mantissa: int) -> Decimal:
        return numbers.unfixed(mantissa, self.qty_decimals)


class Catalog:
    """All instruments of a venue in one environment, both ways; given, never fetched.

    `ours` takes any spelling the venue uses ("" matches REST's name and every declared one; a `use` only that one),
    `theirs` our symbol. `asset` translates asset codes (XXBT is BTC)."""

    def __init__(self, instruments: Iterable[Instrument], asset: Callable[[str], str] | None = None) -> None:
        self._by_symbol: dict[str, Instrument] = {}
        self._by_name: dict[tuple[str, str], Instrument] = {}
        self._asset = asset
        for one in instruments:
            self._by_symbol.setdefault(one.symbol, one)
            for use, name in (("", one.venue_symbol), *one.names.items()):
                self._by_name.setdefault((use, name), one)
                self._by_name.setdefault(("", name), one)

    def ours(self, spelling: str, use: str = "") -> Instrument | None:
        return self._by_name.get((use, spelling))

    def theirs(self, symbol: str) -> Instrument:
        found = self._by_symbol.get(symbol)
        if found is None:
            raise UnknownName("symbol", symbol, self._by_symbol)
        return found

    def asset(self, code: str) -> str:
        return self._asset(code) if self._asset is not None else code

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._by_symbol

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_symbol.values())

    def __len__(self) -> int:
        return len(self._by_symbol)

    def __repr__(self) -> str:
        return f"<Catalog of {len(self)} instruments>"
