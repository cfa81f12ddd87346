"""The operations and the questions they take; `read` of an endpoint answers with the noun named beside each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from fairlead.wire import orders


class Op(StrEnum):
    # market                        question      answer
    TIME = "time"  #                AskNothing    int, ms
    INSTRUMENTS = "instruments"  #  AskListing    tuple[Instrument, ...]
    BOOK = "book"  #                AskBook       Levels (whole)
    TICKER = "ticker"  #            AskSymbol     Ticker
    TRADES = "trades"  #            AskTrades     tuple[Trade, ...], oldest first
    CANDLES = "candles"  #          AskCandles    tuple[Candle, ...], oldest first
    FUNDING = "funding"  #          AskSymbol     Funding
    FUNDINGS = "fundings"  #        AskFundings   tuple[FundingPaid, ...], oldest first
    MARK = "mark"  #                AskSymbol     Mark
    INDEX = "index"  #              AskSymbol     Index
    # account
    BALANCES = "balances"  #        AskNothing    tuple[Balance, ...]
    POSITIONS = "positions"  #      AskPositions  tuple[Position, ...]
    MODE = "mode"  #                AskNothing    endpoint.Mode
    SET_MODE = "set mode"  #        AskSetMode    endpoint.Mode
    LEVERAGE = "leverage"  #        AskLeverages  tuple[Leverage, ...]
    SET_LEVERAGE = "set leverage"  # AskLeverage  tuple[Leverage, ...]
    FEES = "fees"  #                AskSymbol     Fees
    TOKEN = "token"  # noqa: S105   AskNothing    str: leave to open a stream
    KEY = "key"
    HISTORY = "history"
    # orders
    PLACE = "place"  #              AskPlace      Receipt
    PLACE_MANY = "place many"  #    AskPlaceMany  tuple[Outcome[Receipt], ...], one for each
    AMEND = "amend"  #              AskAmend      Receipt
    CANCEL = "cancel"  #            AskCancel     Receipt
    CANCEL_MANY = "cancel many"  #  AskCancelMany tuple[Outcome[Receipt], ...], one for each
    CANCEL_ALL = "cancel all"  #    AskCancelAll  tuple[Receipt, ...]; empty where the venue names none
    ORDER = "order"  #              AskOrder      OrderReport
    OPEN_ORDERS = "open orders"  #  AskOpenOrders tuple[OrderReport, ...]
    ORDERS = "orders"  #            AskOrders     tuple[OrderReport, ...]
    FILLS = "fills"  #              AskFills      tuple[Fill, ...]
    CLOSE = "close"  #              AskClose      Receipt
    DEAD_MAN = "dead man"  #        AskDeadMan    DeadMan


class AskNothing(Struct, frozen=True):
    pass


class AskListing(Struct, frozen=True):
    market: str = ""  # one of Venue.markets


class AskSymbol(Struct, frozen=True):
    symbol: str


class AskBook(Struct, frozen=True):
    symbol: str
    depth: int = 0  # levels a side; 0: the venue's usual. More than it allows is cut to that


class AskTrades(Struct, frozen=True):
    symbol: str
    limit: int = 0
    since_ns: int = 0  # from then on, oldest first, where the venue can; 0: the latest
    page: str = ""  # the venue's own cursor, set by Endpoint.after


class AskCandles(Struct, frozen=True):
    symbol: str
    interval: str
    start_ns: int = 0  # bars that open at or after; 0: the latest
    end_ns: int = 0  # bars that open before; 0: until now
    limit: int = 0  # bars a page; 0: as many as the venue gives
    page: str = ""


class AskFundings(Struct, frozen=True):
    symbol: str
    start_ns: int = 0
    end_ns: int = 0
    limit: int = 0
    page: str = ""


QUESTIONS: Mapping[Op, type[Struct]] = {  # what each operation is asked with
    Op.TIME: AskNothing,
    Op.INSTRUMENTS: AskListing,
    Op.BOOK: AskBook,
    Op.TICKER: AskSymbol,
    Op.TRADES: AskTrades,
    Op.CANDLES: AskCandles,
    Op.FUNDING: AskSymbol,
    Op.FUNDINGS: AskFundings,
    Op.MARK: AskSymbol,
    Op.INDEX: AskSymbol,
    Op.BALANCES: AskNothing,
    Op.POSITIONS: orders.AskPositions,
    Op.MODE: AskNothing,
    Op.SET_MODE: orders.AskSetMode,
    Op.LEVERAGE: orders.AskLeverages,
    Op.SET_LEVERAGE: orders.AskLeverage,
    Op.FEES: AskSymbol,
    Op.TOKEN: AskNothing,
    Op.PLACE: orders.AskPlace,
    Op.PLACE_MANY: orders.AskPlaceMany,
    Op.AMEND: orders.AskAmend,
    Op.CANCEL: orders.AskCancel,
    Op.CANCEL_MANY: orders.AskCancelMany,
    Op.CANCEL_ALL: orders.AskCancelAll,
    Op.ORDER: orders.AskOrder,
    Op.OPEN_ORDERS: orders.AskOpenOrders,
    Op.ORDERS: orders.AskOrders,
    Op.FILLS: orders.AskFills,
    Op.CLOSE: orders.AskClose,
    Op.DEAD_MAN: orders.AskDeadMan,
}
