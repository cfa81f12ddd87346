"""What a venue answers to each question, as a table of operations; it acts on nothing, and the mirror has checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from fairlead.model.account import Position
from fairlead.model.instrument import Catalog, Instrument
from fairlead.model.market import MS, Candle, FundingPaid, Ticker, Trade
from fairlead.sim import settings
from fairlead.sim.account import Account
from fairlead.sim.exchange import Exchange
from fairlead.sim.keys import Keyring
from fairlead.sim.stall import Stall
from fairlead.wire.asks import AskBook, AskCandles, AskFundings, AskListing, AskSymbol, AskTrades, Op
from fairlead.wire.mirror import Depth, Heard
from fairlead.wire.orders import AskOrder

USUAL_ROWS = 500  # where a question names no limit and its mirror has set none


class Shop(Struct, frozen=True):
    """All that a venue's answers are taken from."""

    catalog: Catalog
    stalls: Mapping[str, Stall]  # by our symbol
    keyring: Keyring
    exchange: Exchange
    venue_ns: Callable[[], int]
    past_ms: int = 0  # how far behind the truth what is told of orders and accounts is

    def account(self, heard: Heard) -> Account:
        return self.keyring.account(heard.key_id)

    def seen_ns(self) -> int:
        return self.venue_ns() - self.past_ms * MS


def answer(shop: Shop, heard: Heard) -> Any:
    return ANSWERS[heard.op](shop, heard)


def _instruments(shop: Shop, heard: Heard) -> tuple[Instrument, ...]:
    asked: AskListing = heard.asked
    return tuple(one for one in shop.catalog if asked.market in ("", one.kind))


def _book(shop: Shop, heard: Heard) -> Depth:
    asked: AskBook = heard.asked
    return shop.stalls[asked.symbol].whole(asked.depth)


def _ticker(shop: Shop, heard: Heard) -> Ticker | tuple[Ticker, ...]:
    """One, or all of them where the venue lets a question name none."""
    asked: AskSymbol = heard.asked
    if asked.symbol:
        return shop.stalls[asked.symbol].ticker()
    return tuple(stall.ticker() for stall in shop.stalls.values())


def _trades(shop: Shop, heard: Heard) -> tuple[Trade, ...]:
    """By the venue's page, which is a trade's id here; else from a time on; else the latest."""
    asked: AskTrades = heard.asked
    stall, limit = shop.stalls[asked.symbol], asked.limit or USUAL_ROWS
    if not asked.page:
        return stall.trades(limit, since_ns=0 if heard.newest else asked.since_ns)
    id = int(asked.page)
    if not heard.newest:
        return stall.trades(limit, from_id=id)
    return tuple(one for one in stall.trades(limit, from_id=max(0, id - limit)) if int(one.id) < id)


def _candles(shop: Shop, heard: Heard) -> tuple[Candle, ...]:
    asked: AskCandles = heard.asked
    begin_ns = 0 if heard.newest else asked.start_ns
    found = shop.stalls[asked.symbol].candles(asked.interval, begin_ns, asked.end_ns, asked.limit or USUAL_ROWS)
    return tuple(bar for bar in found if bar.open_ns >= asked.start_ns)


def _fundings(shop: Shop, heard: Heard) -> tuple[FundingPaid, ...]:
    asked: AskFundings = heard.asked
    begin_ns = 0 if heard.newest else asked.start_ns
    found = shop.stalls[asked.symbol].fundings(begin_ns, asked.end_ns, asked.limit or USUAL_ROWS)
    return tuple(paid for paid in found if paid.venue_ns >= asked.start_ns)


def _positions(shop: Shop, heard: Heard) -> tuple[Position, ...]:
    return shop.exchange.pit.positions(shop.account(heard), heard.asked.symbol, shop.venue_ns())


def _order(shop: Shop, heard: Heard) -> Any:
    asked: AskOrder = heard.asked
    records, at_ns = shop.exchange.records, shop.seen_ns()
    return records.order(shop.account(heard), asked.symbol, asked.client_id, asked.order_id, at_ns)


def _open_orders(shop: Shop, heard: Heard) -> Any:
    records, is_past = shop.exchange.records, bool(shop.past_ms)
    return records.open(shop.account(heard), heard.asked, shop.seen_ns(), heard.newest, is_past)


def _orders(shop: Shop, heard: Heard) -> Any:
    return shop.exchange.records.orders(shop.account(heard), heard.asked, shop.seen_ns(), heard.newest)


def _fills(shop: Shop, heard: Heard) -> Any:
    return shop.exchange.records.fills(shop.account(heard), heard.asked, shop.seen_ns(), heard.newest)


ANSWERS: Mapping[Op, Callable[[Shop, Heard], Any]] = {
    Op.TIME: lambda shop, _: shop.venue_ns() // MS,
    Op.INSTRUMENTS: _instruments,
    Op.BOOK: _book,
    Op.TICKER: _ticker,
    Op.TRADES: _trades,
    Op.CANDLES: _candles,
    Op.FUNDING: lambda shop, heard: shop.stalls[heard.asked.symbol].funding(),
    Op.FUNDINGS: _fundings,
    Op.MARK: lambda shop, heard: shop.stalls[heard.asked.symbol].mark(),
    Op.INDEX: lambda shop, heard: shop.stalls[heard.asked.symbol].index(),
    Op.BALANCES: lambda shop, heard: shop.account(heard).purse.balances(),
    Op.POSITIONS: _positions,
    Op.MODE: lambda shop, heard: shop.account(heard).mode,
    Op.LEVERAGE: lambda shop, heard: settings.leverages(shop.account(heard), heard.asked),
    Op.FEES: lambda shop, heard: settings.fees(shop.exchange.pit, shop.account(heard), heard.asked),
    Op.TOKEN: lambda shop, heard: shop.keyring.token(heard.key_id),
    Op.ORDER: _order,
    Op.OPEN_ORDERS: _open_orders,
    Op.ORDERS: _orders,
    Op.FILLS: _fills,
}
