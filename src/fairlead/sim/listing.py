"""What is traded in the world and how busily: one Listing a market, in a trader's units; it never moves."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from fairlead.errors import Misuse

BPS = 10_000
LEAST_TICKS = 100  # a price under this many ticks leaves no room for a book


class Listing(Struct, frozen=True):
    """A market of one venue. Defaults make a large, calm one."""

    venue: str  # an opaque key
    symbol: str  # BTC/USDT, BTC/USDT:USDT
    start: Decimal  # price at the world's start
    price_decimals: int
    qty_decimals: int
    tick: Decimal = Decimal(0)  # 0: one unit of the last decimal
    lot: Decimal = Decimal(0)  # likewise
    spread_ticks: int = 1
    depth: int = 1_000  # levels a side
    span_bps: int = 250  # how far from the touch the last of them lies
    level_qty: Decimal = Decimal("0.5")  # what a level holds on average
    trade_qty: Decimal = Decimal("0.05")  # what a taker wants on average
    changes_hz: float = 20.0  # quotes changed a second besides those that follow the price
    trades_hz: float = 1.0  # takers a second; 0.002 makes a market with empty minutes
    step_ms: int = 100  # how often the market moves
    basis_bps: float = 1.0  # how far its price strays from its base's common path
    contract_size: Decimal = Decimal(1)
    funding_hours: int = 0  # 0: no perpetual, so neither funding nor marks
    mark_ms: int = 1_000
    age_days: int = 200  # how long it was listed before the world began: as far back as history goes

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]


class Grid(Struct, frozen=True):
    """A listing's numbers in fixed point: prices and quantities as integer counts of their last decimal."""

    tick: int
    lot: int
    start_ticks: float
    gap_ticks: int  # between two levels, on average
    level_lots: float
    trade_lots: float


def grid(of: Listing) -> Grid:
    """The listing in fixed point; refuses one whose numbers cannot make a market."""
    tick = _units(of, "tick", of.tick, of.price_decimals)
    lot = _units(of, "lot", of.lot, of.qty_decimals)
    start_ticks = float(of.start.scaleb(of.price_decimals) / tick)
    if start_ticks < LEAST_TICKS:
        raise Misuse(f"{of.venue} {of.symbol}: {of.start} is under {LEAST_TICKS} ticks.", next="give a finer tick")
    for what, (least, value, most) in _bounds(of).items():
        if not least <= value <= most:
            raise Misuse(f"{of.venue} {of.symbol}: {what} must be from {least} to {most}, not {value}.")
    gap = max(2, round(start_ticks * of.span_bps / BPS / of.depth))
    per_lot = Decimal(lot).scaleb(-of.qty_decimals)
    return Grid(tick, lot, start_ticks, gap, float(of.level_qty / per_lot), float(of.trade_qty / per_lot))


def _units(of: Listing, what: str, step: Decimal, decimals: int) -> int:
    units = step.scaleb(decimals) if step else Decimal(1)
    if units < 1 or units != int(units):
        raise Misuse(f"{of.venue} {of.symbol}: a {what} of {step} does not fit into {decimals} decimals.")
    return int(units)


def _bounds(of: Listing) -> dict[str, tuple[int, float, int]]:
    return {
        "depth": (1, of.depth, 10_000),
        "spread_ticks": (1, of.spread_ticks, LEAST_TICKS // 4),
        "span_bps": (1, of.span_bps, 2_000),
        "step_ms": (1, of.step_ms, 60_000),
        "mark_ms": (1, of.mark_ms, 60_000),
        "changes_hz": (0, of.changes_hz, 10_000),
        "trades_hz": (0, of.trades_hz, 1_000),
        "basis_bps": (0, of.basis_bps, 500),
        "funding_hours": (0, of.funding_hours, 24),
        "age_days": (0, of.age_days, 4_000),
    }
