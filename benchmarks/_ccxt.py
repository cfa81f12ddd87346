"""The ccxt.pro side: its own client and handlers read the same texts; run in the environment of other people's clients.

Twice: as its users must, awaiting `watch_*` for each value, and in its favour with the handlers alone and nobody
waiting, so that no future and no task switch is counted."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from time import thread_time_ns
from types import SimpleNamespace
from typing import Any, NamedTuple

import ccxt
import ccxt.pro
from _recording import LEVELS, Recording, info, names, record, renamed, resident_mb
from aiohttp import WSMsgType
from ccxt.async_support.base.ws import client as ws

SYMBOL = "BTC/USDT"


class Side(NamedTuple):
    texts: tuple[str, ...]
    watch: Callable[[Any], Awaitable[Any]]
    kept: Callable[[Any], Any]  # where the exchange keeps the value
    read: Callable[[Any], Any]  # what the user's code looks at
    last: Any  # what it must have seen at the end


class Unplugged(ws.Client):  # type: ignore[misc]  # its library has no types
    """Connected to nothing; subscribing is heard by nobody."""

    async def send(self, message: object) -> None:
        pass


def sides(recording: Recording) -> dict[str, Side]:
    trade, quote = (json.loads(texts[-1])["data"] for texts in (recording.trades, recording.quotes))
    return {
        "depth": Side(
            recording.depth,
            lambda exchange: exchange.watch_order_book(SYMBOL, LEVELS),
            lambda exchange: exchange.orderbooks[SYMBOL],
            lambda book: (book["bids"][0][0], book["asks"][0][0]),
            tuple(map(float, recording.best)),
        ),
        "trades": Side(
            recording.trades,
            lambda exchange: exchange.watch_trades(SYMBOL),
            lambda exchange: exchange.trades[SYMBOL],
            lambda trades: trades[-1]["price"],
            float(trade["p"]),
        ),
        "quotes": Side(
            recording.quotes,
            lambda exchange: exchange.watch_bids_asks([SYMBOL]),
            lambda exchange: exchange.bidsasks,
            lambda quotes: (quotes[SYMBOL]["bid"], quotes[SYMBOL]["ask"]),
            (float(quote["b"]), float(quote["a"])),
        ),
    }


async def feed(rounds: int) -> list[dict[str, Any]]:
    recording = record()
    table = sides(recording)
    name = f"ccxt.pro {ccxt.__version__} ({ws.json_parser.__name__})"
    alone = {kind: min([await _alone(recording, side) for _ in range(rounds)]) for kind, side in table.items()}
    watched = {kind: min([await _watched(recording, side) for _ in range(rounds)]) for kind, side in table.items()}
    return [{"name": f"{name}, watched", "us": watched}, {"name": f"{name}, handlers alone", "us": alone}]


async def _alone(recording: Recording, side: Side) -> float:
    exchange, client = _ready(recording)
    messages = _framed(side.texts)
    began_ns = thread_time_ns()
    for message in messages:
        client.handle_message(message)
        seen = side.read(side.kept(exchange))
    took_ns = thread_time_ns() - began_ns
    assert seen == side.last, f"{seen} is not what was recorded"
    return took_ns / len(messages) / 1_000


async def _watched(recording: Recording, side: Side) -> float:
    """One message, one value: the next message comes when the user's code waits for it."""
    exchange, client = _ready(recording)
    messages = iter(_framed(side.texts))
    loop = asyncio.get_running_loop()
    began_ns = thread_time_ns()
    for _ in side.texts:
        loop.call_soon(lambda: client.handle_message(next(messages)))
        seen = side.read(await side.watch(exchange))
    took_ns = thread_time_ns() - began_ns
    assert seen == side.last, f"{seen} is not what was recorded"
    await exchange.close()
    return took_ns / len(side.texts) / 1_000


async def memory(symbols: int, changes: int) -> dict[str, Any]:
    recording = record(changes)
    exchange, client = _unplugged(info(names(symbols)))
    before_mb = resident_mb()
    for symbol in exchange.symbols:
        _begin(exchange, symbol, recording.snapshot)
    for text in recording.depth:
        for name in names(symbols):
            client.handle_message(SimpleNamespace(type=WSMsgType.TEXT, data=renamed(text, name)))
    assert all(book["bids"][0][0] == float(recording.best[0]) for book in exchange.orderbooks.values())
    name = f"ccxt.pro {ccxt.__version__}"
    return {"name": name, "before_mb": before_mb, "books_mb": resident_mb() - before_mb}


def _ready(recording: Recording) -> tuple[Any, Any]:
    exchange, client = _unplugged(json.loads(recording.exchange_info))
    _begin(exchange, SYMBOL, recording.snapshot)
    return exchange, client


def _unplugged(listing: dict[str, Any]) -> tuple[Any, Any]:
    exchange = ccxt.pro.binance({"enableRateLimit": False})
    exchange.options |= {"crossMarginPairsData": [], "isolatedMarginPairsData": []}  # else parse_market wants to ask
    exchange.set_markets([exchange.parse_market(one) for one in listing["symbols"]])
    nothing: Callable[..., None] = lambda *_: None  # noqa: E731 - three times the same
    client = Unplugged("wss://stream.binance.com:9443/ws/0", exchange.handle_message, nothing, nothing, nothing)
    client.connected.resolve(client.url)
    exchange.client = lambda _: client
    return exchange, client


def _begin(exchange: Any, symbol: str, snapshot: str) -> None:
    """As its own handler does when the snapshot has come."""
    reply = json.loads(snapshot)
    book = exchange.order_book({}, LEVELS)
    book.reset(exchange.parse_order_book(reply, symbol))
    book["nonce"] = reply["lastUpdateId"]
    exchange.orderbooks[symbol] = book


def _framed(texts: tuple[str, ...]) -> list[SimpleNamespace]:
    return [SimpleNamespace(type=WSMsgType.TEXT, data=text) for text in texts]


if __name__ == "__main__":
    numbers = map(int, sys.argv[2:])
    print(json.dumps(asyncio.run({"feed": feed, "memory": memory}[sys.argv[1]](*numbers))))
