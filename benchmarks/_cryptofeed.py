"""The cryptofeed side: its own message handler reads the same texts; run in the environment of other people's clients.

Its trades are aggregated ones, so those texts are renamed for it before the clock starts."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from importlib.metadata import version
from time import thread_time_ns
from typing import Any

from _recording import Recording, info, names, record, renamed, resident_mb
from cryptofeed.defines import L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import Binance
from cryptofeed.symbols import Symbols

NAME = f"cryptofeed {version('cryptofeed')}"
Seen = list[Any]


async def feed(rounds: int) -> list[dict[str, Any]]:
    recording = record()
    _list(json.loads(recording.exchange_info))
    sides = {"depth": _depth, "trades": _trades, "quotes": _quotes}
    times = {kind: min([await run(recording) for _ in range(rounds)]) for kind, run in sides.items()}
    return [{"name": NAME, "us": times}]


async def memory(symbols: int, changes: int) -> dict[str, Any]:
    recording = record(changes)
    _list(info(names(symbols)))

    async def read(book: Any, _: float) -> None:
        pass

    feed = Binance(symbols=Binance.symbols(), channels=[L2_BOOK], callbacks={L2_BOOK: read})
    before_mb = resident_mb()
    for pair in Binance.symbols():
        _begin(feed, pair, recording.snapshot)
    for text in recording.depth:
        for name in names(symbols):
            await feed.message_handler(renamed(text, name), None, 1_700_000_000.0)
    assert all(book.book.bids.index(0)[0] == Decimal(recording.best[0]) for book in feed._l2_book.values())
    return {"name": NAME, "before_mb": before_mb, "books_mb": resident_mb() - before_mb}


async def _depth(recording: Recording) -> float:
    seen: Seen = [None, None]

    async def read(book: Any, _: float) -> None:
        seen[:] = book.book.bids.index(0)[0], book.book.asks.index(0)[0]

    feed = _feed(L2_BOOK, read)
    _begin(feed, "BTC-USDT", recording.snapshot)
    took_us = await _timed(feed, recording.depth)
    assert seen == [Decimal(text) for text in recording.best], "another book than the recording's"
    return took_us


async def _trades(recording: Recording) -> float:
    seen: Seen = []

    async def read(trade: Any, _: float) -> None:
        seen[:] = [trade.price]

    renamed = [text.replace('"e":"trade"', '"e":"aggTrade"').replace('"t":', '"a":') for text in recording.trades]
    took_us = await _timed(_feed(TRADES, read), tuple(renamed))
    assert seen == [Decimal(json.loads(recording.trades[-1])["data"]["p"])]
    return took_us


async def _quotes(recording: Recording) -> float:
    seen: Seen = []

    async def read(ticker: Any, _: float) -> None:
        seen[:] = [ticker.bid]

    took_us = await _timed(_feed(TICKER, read), recording.quotes)
    assert seen == [Decimal(json.loads(recording.quotes[-1])["data"]["b"])]
    return took_us


def _list(listing: dict[str, Any]) -> None:
    symbols, facts = Binance._parse_symbol_data(listing)
    Symbols.set(Binance.id, symbols, dict(facts))


def _begin(feed: Binance, pair: str, snapshot: str) -> None:
    """As its own handler does when the snapshot has come."""
    book = feed._parse_snapshot(pair, snapshot)
    feed._l2_book[pair] = book
    feed.last_update_id[pair] = book.sequence_number


def _feed(channel: str, read: Callable[[Any, float], Awaitable[None]]) -> Binance:
    return Binance(symbols=["BTC-USDT"], channels=[channel], callbacks={channel: read})


async def _timed(feed: Binance, texts: tuple[str, ...]) -> float:
    handle = feed.message_handler
    began_ns = thread_time_ns()
    for text in texts:
        await handle(text, None, 1_700_000_000.0)
    return (thread_time_ns() - began_ns) / len(texts) / 1_000


if __name__ == "__main__":
    numbers = map(int, sys.argv[2:])
    print(json.dumps(asyncio.run({"feed": feed, "memory": memory}[sys.argv[1]](*numbers))))
