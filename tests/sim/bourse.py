"""A small exchange for tests: one spot market and one perpetual of no venue, whose book and trades the test decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fairlead.model.instrument import Instrument
from fairlead.model.orders import OrderType, Receipt
from fairlead.sim.account import Account
from fairlead.sim.exchange import Exchange
from fairlead.sim.happenings import Levels
from fairlead.sim.stall import Stall
from fairlead.wire.endpoint import Mode
from fairlead.wire.faults import Fault
from fairlead.wire.mirror import Habits
from fairlead.wire.orders import AskPlace
from tests.conformance.toy.mirror import MIRROR

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
MS_NS = 1_000_000
D = Decimal
INSTRUMENTS = (
    Instrument(SPOT, "BTCUSDT", D("0.01"), D("0.00001"), 2, 5, min_qty=D("0.00001"), max_qty=D(100), min_notional=D(5)),
    Instrument(SWAP, "BTCSWAP", D("0.1"), D("0.01"), 1, 2, min_qty=D("0.01"), contract_size=D("0.01")),
)


class Booth(Stall):
    """A stall whose book is written by hand, best first: (price, quantity) as text."""

    def __init__(self, instrument: Instrument) -> None:
        self.symbol, self.instrument, self.skew_ns = instrument.symbol, instrument, 0
        self.book: dict[str, Levels] = {"buy": (), "sell": ()}
        self.last_price, self.marked = 0, D(100)

    def show(self, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> None:
        self.book = {"buy": self._fixed(bids), "sell": self._fixed(asks)}
        self.last_price = self.last_price or self.book["buy"][0][0]

    def _fixed(self, levels: list[tuple[str, str]]) -> Levels:
        of = self.instrument
        return tuple((int(D(p).scaleb(of.price_decimals)), int(D(q).scaleb(of.qty_decimals))) for p, q in levels)

    def other(self, side: str, levels: int) -> Levels:
        return self.book["sell" if side == "buy" else "buy"][:levels]

    def there(self, side: str, price: int) -> int:
        return dict(self.book[side]).get(price, 0)

    def last(self) -> int:
        return self.last_price

    def mark_price(self) -> Decimal:
        return self.marked


class Bourse:
    """One account, a clock that stands until it is moved, and all that was told."""

    def __init__(self, mode: Mode = Mode(margin="cross"), **habits: Any) -> None:
        self.booths = {one.symbol: Booth(one) for one in INSTRUMENTS}
        self.told: list[tuple[str, Any]] = []
        self.ns, self.skew_ms = 1_750_000_000_000 * MS_NS, 0
        mirror = replace(
            MIRROR, habits=Habits(**habits), order_name=lambda n: str(1_000 + n), fill_name=lambda n: f"T{n}"
        )
        self.exchange = Exchange(
            "bourse", mirror, self.booths, lambda ns: ns + self.skew_ms * MS_NS,
            lambda account, kind, event: self.told.append((kind, event)),
        )  # fmt: skip
        self.account = Account("me", mode)
        self.show()

    def show(
        self, bids: tuple[tuple[str, str], ...] = (("100", "1"), ("99", "2")),
        asks: tuple[tuple[str, str], ...] = (("101", "1"), ("102", "2")), symbol: str = SPOT,
    ) -> None:  # fmt: skip
        self.booths[symbol].show(list(bids), list(asks))

    def ask(self, side: str = "buy", qty: str | None = "1", price: str | None = "100", **more: Any) -> AskPlace:
        wanted: dict[str, Any] = {
            "symbol": SPOT, "side": side, "type": OrderType.LIMIT if price else OrderType.MARKET, "client_id": "",
            "qty": D(qty) if qty else None, "price": D(price) if price else None,
        }  # fmt: skip
        return AskPlace(**{**wanted, **{name: D(v) if name == "quote_qty" else v for name, v in more.items()}})

    def place(self, *args: Any, **more: Any) -> Receipt:
        taken = self.exchange.place(self.account, self.ask(*args, **more), self.ns)
        assert isinstance(taken, Receipt), taken
        return taken

    def refused(self, *args: Any, **more: Any) -> tuple[str, str]:
        fault = self.exchange.place(self.account, self.ask(*args, **more), self.ns)
        assert isinstance(fault, Fault), fault
        return fault.kind.value, fault.said

    def trade(self, taker: str, price: str, qty: str, symbol: str = SPOT) -> None:
        of = self.booths[symbol].instrument
        fixed_price, fixed_qty = int(D(price).scaleb(of.price_decimals)), int(D(qty).scaleb(of.qty_decimals))
        self.booths[symbol].last_price = fixed_price
        self.exchange.pit.traded(symbol, taker, fixed_price, fixed_qty, self.ns)

    def change(self, symbol: str = SPOT) -> None:
        self.exchange.pit.changed(symbol, self.ns)

    def wait(self, ms: int) -> None:
        self.ns += ms * MS_NS
        self.exchange.advance(self.ns)

    def events(self) -> list[str]:
        """The executions told so far, in short."""
        found = [event for kind, event in self.told if kind == "orders"]
        return [f"{one.what} {one.report.status} {one.report.filled.normalize():f}" for one in found]

    def free(self, asset: str) -> str:
        return f"{self.account.purse.free(asset).normalize():f}"

    def total(self, asset: str) -> str:
        return f"{self.account.purse.total(asset).normalize():f}"
