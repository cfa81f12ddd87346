"""The operations and the questions they take; `read` of an endpoint answers with the noun named beside each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


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
    KEY = "key"
    MODE = "mode"
    TOKEN = "token"  # noqa: S105   leave to open a stream
    POSITIONS = "positions"
    HISTORY = "history"
    # orders
    PLACE = "place"
    PLACE_MANY = "place many"
    AMEND = "amend"
    CANCEL = "cancel"
    CANCEL_MANY = "cancel many"
    CANCEL_ALL = "cancel all"
    ORDER = "order"
    OPEN_ORDERS = "open orders"
    ORDERS = "orders"
    FILLS = "fills"
    DEAD_MAN = "dead man"


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
}
