"""The toy's questions: one path a question, parameters under our own names, pages by the next id or time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import json
from msgspec.structs import asdict, replace

from fairlead.model.account import Balance
from fairlead.model.instrument import Instrument
from fairlead.model.market import Candle, Funding, FundingPaid, Index, Mark, Ticker, Trade
from fairlead.wire.asks import AskCandles, AskTrades, Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Access, Ctx, Endpoint
from fairlead.wire.limits import Charge
from tests.conformance.toy.wire import Book

PAGE = 500  # rows


def encode(method: str, named: Mapping[str, Any]) -> tuple[str, bytes, Mapping[str, str]]:
    return urlencode(named), b"", {}


def _row(op: Op, noun: Any, access: Access = Access.OPEN, cost: int = 1, after: Any = None) -> Endpoint[Any, Any]:
    reader = json.Decoder(noun)

    def read(body: bytes, asked: Any, ctx: Ctx) -> Any:
        answer = reader.decode(body)
        return answer.levels(Topic("book", asked.symbol), 0) if isinstance(answer, Book) else answer

    return Endpoint(
        op, "GET", f"/{op}",
        ask=lambda asked, _: {name: value for name, value in asdict(asked).items() if value},
        read=read, access=access, cost=lambda _: (Charge("weight", cost),), after=after,
    )  # fmt: skip


def _next_trades(asked: AskTrades, answer: tuple[Trade, ...]) -> AskTrades | None:
    """Only who asks from a time or an id on gets further: the latest have nothing after them."""
    if len(answer) < (asked.limit or PAGE) or not (asked.since_ns or asked.page):
        return None
    return replace(asked, page=str(int(answer[-1].id) + 1))


def _next_candles(asked: AskCandles, answer: tuple[Candle, ...]) -> AskCandles | None:
    return replace(asked, start_ns=answer[-1].open_ns + 1) if len(answer) >= (asked.limit or PAGE) else None


ENDPOINTS = {
    Op.TIME: _row(Op.TIME, int),
    Op.INSTRUMENTS: _row(Op.INSTRUMENTS, tuple[Instrument, ...]),
    Op.BOOK: _row(Op.BOOK, Book, cost=5),
    Op.TICKER: _row(Op.TICKER, Ticker),
    Op.TRADES: _row(Op.TRADES, tuple[Trade, ...], after=_next_trades),
    Op.CANDLES: _row(Op.CANDLES, tuple[Candle, ...], after=_next_candles),
    Op.FUNDING: _row(Op.FUNDING, Funding),
    Op.FUNDINGS: _row(Op.FUNDINGS, tuple[FundingPaid, ...]),
    Op.MARK: _row(Op.MARK, Mark),
    Op.INDEX: _row(Op.INDEX, Index),
    Op.BALANCES: _row(Op.BALANCES, tuple[Balance, ...], Access.SIGNED),
}
