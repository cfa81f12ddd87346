"""How an account at a simulated venue is set up: two-sided positions, leverage, fees; told, and set where it may be."""

from __future__ import annotations

from msgspec.structs import replace

from fairlead.model.account import Fees, Leverage
from fairlead.sim.account import Account
from fairlead.sim.pit import Pit
from fairlead.sim.positions import LEVERAGE_MOST, Name
from fairlead.wire.asks import AskSymbol
from fairlead.wire.endpoint import Mode
from fairlead.wire.faults import Fault, Kind, Outcome
from fairlead.wire.orders import AskLeverage, AskLeverages, AskSetMode

NO_SYMBOL = Fault(Kind.SYMBOL)
BUSY = Fault(Kind.ACCOUNT, said="busy")
TOO_MUCH = Fault(Kind.RISK, said="leverage")


def set_mode(account: Account, asked: AskSetMode) -> Outcome[Mode]:
    """Venues change it only while nothing stands on it."""
    if asked.hedged != account.mode.hedged and (account.open or account.positions):
        return BUSY
    account.mode = replace(account.mode, hedged=asked.hedged)
    return account.mode


def leverages(account: Account, asked: AskLeverages) -> tuple[Leverage, ...]:
    return tuple(account.positions.lever(name) for name in _names(account, asked.symbol, asked.margin, ""))


def set_leverage(pit: Pit, account: Account, asked: AskLeverage, ns: int) -> Outcome[tuple[Leverage, ...]]:
    if asked.symbol not in pit.stalls:
        return NO_SYMBOL
    if not 1 <= asked.leverage <= LEVERAGE_MOST:
        return TOO_MUCH
    if account.open_of(asked.symbol):
        return BUSY
    names = _names(account, asked.symbol, asked.margin, asked.pos_side)
    told = tuple(account.positions.set_leverage(name, asked.leverage) for name in names)
    for name in names:
        pit.clearing.margin(account, name, pit.stalls[asked.symbol].instrument)
    pit.flush(account, ns)
    return told


def fees(pit: Pit, account: Account, asked: AskSymbol) -> Outcome[Fees]:
    stall = pit.stalls.get(asked.symbol)
    return account.fees(stall.instrument) if stall else NO_SYMBOL


def _names(account: Account, symbol: str, margin: str, pos_side: str) -> list[Name]:
    """The positions that a setting is about: both sides where positions are two-sided and none is named."""
    sides = ("long", "short") if account.mode.hedged else ("",)
    return [(symbol, side, margin or account.mode.margin) for side in sides if pos_side in ("", side)]
