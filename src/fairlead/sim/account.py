"""One account at a simulated venue: its purse, positions, settings and open orders; it decides nothing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from fairlead.model.account import Fees
from fairlead.model.instrument import Instrument
from fairlead.sim.positions import Positions
from fairlead.sim.purse import Purse
from fairlead.sim.ticket import Ticket
from fairlead.wire.endpoint import Mode

PURSE: Mapping[str, Decimal] = {
    "BTC": Decimal("2.5"), "ETH": Decimal(40), "USDT": Decimal(250_000), "USD": Decimal(100_000),
}  # fmt: skip
RATES = {"spot": (Decimal("0.0008"), Decimal("0.001"))}  # of maker and taker
SWAP_RATES = (Decimal("0.0002"), Decimal("0.0005"))


CASH = Mode()


class Account:
    """`name` is its first key's, `began` what it owned when it was opened."""

    def __init__(self, name: str, mode: Mode = CASH, owned: Mapping[str, Decimal] = PURSE) -> None:
        self.name, self.began = name, dict(owned)
        self.purse, self.positions = Purse(owned.items()), Positions()
        self.mode = mode
        self.open: dict[str, Ticket] = {}  # by the venue's id, oldest first
        self.rates: dict[str, tuple[Decimal, Decimal]] = {}  # by symbol, where it does not pay the usual
        self.fires_ms = 0  # the dead man's switch, on the venue's clock; 0: off

    def fees(self, instrument: Instrument) -> Fees:
        maker, taker = self.rates.get(instrument.symbol) or RATES.get(instrument.kind, SWAP_RATES)
        return Fees(symbol=instrument.symbol, maker=maker, taker=taker)

    def open_of(self, symbol: str) -> list[Ticket]:
        return [ticket for ticket in self.open.values() if symbol in ("", ticket.symbol)]

    def open_as(self, client_id: str) -> Ticket | None:
        return next((ticket for ticket in self.open.values() if client_id and ticket.client_id == client_id), None)

    def __repr__(self) -> str:
        return f"<Account {self.name[:6]}... with {len(self.open)} open orders, {self.positions!r}>"
