"""Fairlead's side: a whole session, its sockets and clock replaced by what the recording says; nothing is left out.

Each message goes the way of life: line, conversation, lane, judges, feed, bus, callback."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from time import thread_time_ns
from typing import Any, NamedTuple

from _recording import BEGIN_MS, CADENCE_MS, LEVELS, Recording, info, names, record, renamed, resident_mb

from fairlead.engine.desk import Windows
from fairlead.engine.feed import Feed
from fairlead.engine.market import Market
from fairlead.engine.session import Session
from fairlead.model.market import MS, State
from fairlead.wire.conversation import Topic
from fairlead.wire.face import HttpCall, WsListener
from fairlead.wire.http import Reply

SYMBOL = "BTC/USDT"
TURNS_MOST = 100_000


class RecordedClock:
    """Stands where the recording is; waiting takes the loop's time."""

    def __init__(self) -> None:
        self.ns = BEGIN_MS * MS

    def mono_ns(self) -> int:
        return self.ns

    def wall_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class RecordedHttp:
    def __init__(self, replies: dict[str, str]) -> None:
        self._replies = replies

    async def send(self, call: HttpCall, timeout_ms: int) -> Reply:
        path = call.url.partition("?")[0].rpartition("/")[2]
        return Reply(200, {}, self._replies[path].encode())

    async def close(self) -> None:
        pass


class RecordedSocket:
    """Every dial succeeds, every subscription is acknowledged; the frames come from outside."""

    listener: WsListener

    async def dial(self, url: str, listener: WsListener, timeout_ms: int) -> RecordedSocket:
        self.listener = listener
        listener.opened()
        return self

    def send(self, text: bytes) -> None:
        yes = json.dumps({"result": None, "id": json.loads(text)["id"]}).encode()
        asyncio.get_running_loop().call_soon(self.listener.frame, yes, BEGIN_MS * MS)

    def close(self, code: int = 1000, reason: str = "") -> None:
        pass

    def waiting_bytes(self) -> int:
        return 0


class Side(NamedTuple):
    texts: tuple[str, ...]
    topic: Topic
    listen: Callable[[Market, Callable[[Any], None]], object]
    read: Callable[[Any], Any]  # what the user's code looks at
    last: Any  # what it must have seen at the end


def sides(recording: Recording) -> dict[str, Side]:
    trade, quote = (json.loads(texts[-1])["data"] for texts in (recording.trades, recording.quotes))
    return {
        "depth": Side(
            recording.depth,
            Topic("book", SYMBOL, str(LEVELS)),
            lambda market, call: market.book(SYMBOL, call, depth=LEVELS),
            lambda book: (book.bid, book.ask),
            tuple(map(float, recording.best)),
        ),
        "trades": Side(
            recording.trades,
            Topic("trades", SYMBOL),
            lambda market, call: market.trades(SYMBOL, call),
            lambda trade: trade.price,
            float(trade["p"]),
        ),
        "quotes": Side(
            recording.quotes,
            Topic("quote", SYMBOL),
            lambda market, call: market.quotes(SYMBOL, call),
            lambda quote: (quote.bid, quote.ask),
            (float(quote["b"]), float(quote["a"])),
        ),
    }


async def feed(rounds: int) -> list[dict[str, Any]]:
    recording = record()
    times = {
        kind: min([await _timed(recording, side) for _ in range(rounds)]) for kind, side in sides(recording).items()
    }
    return [{"name": "fairlead", "us": times}]


async def _timed(recording: Recording, side: Side) -> float:
    seen: Any = None
    heard = 0

    def callback(value: Any) -> None:
        nonlocal seen, heard
        seen = side.read(value)
        heard += 1

    async with opened(recording.exchange_info, recording.snapshot) as (session, socket, clock):
        market = session["binance"]
        side.listen(market, callback)
        await _live([market.feed(side.topic)], clock)
        frames = [text.encode() for text in side.texts]
        heard, arrive = 0, socket.listener.frame
        began_ns = thread_time_ns()
        for frame in frames:
            clock.ns += CADENCE_MS * MS
            arrive(frame, clock.ns)
        took_ns = thread_time_ns() - began_ns
        assert (heard, seen) == (len(frames), side.last), f"{heard} heard, the last {seen}: {session.counts}"
    return took_ns / len(frames) / 1_000


async def memory(symbols: int, changes: int) -> dict[str, Any]:
    recording = record(changes)
    listing = json.dumps(info(names(symbols)))
    async with opened(listing, recording.snapshot) as (session, socket, clock):
        market = session["binance"]
        before_mb = resident_mb()
        feeds = []
        for one in market.instruments:
            market.book(one.symbol, lambda book: None, depth=LEVELS)
            feeds.append(market.feed(Topic("book", one.symbol, str(LEVELS))))
        await _live(feeds, clock)
        for text in recording.depth:
            for name in names(symbols):
                socket.listener.frame(renamed(text, name).encode(), clock.ns)
        assert all(feed.last.bid == float(recording.best[0]) for feed in feeds)
        return {"name": "fairlead", "before_mb": before_mb, "books_mb": resident_mb() - before_mb}


async def _live(feeds: list[Feed[Any]], clock: RecordedClock) -> None:
    for _ in range(TURNS_MOST):
        if all(feed.state is State.LIVE for feed in feeds):
            return
        clock.ns += MS
        await asyncio.sleep(0)  # all of it is in memory, so a turn of the loop is enough to wait for
    raise AssertionError(f"not live after {TURNS_MOST} turns: {feeds}")


@asynccontextmanager
async def opened(listing: str, snapshot: str) -> AsyncIterator[tuple[Session, RecordedSocket, RecordedClock]]:
    """A session that believes to be connected."""
    clock, socket = RecordedClock(), RecordedSocket()
    replies = {
        "time": json.dumps({"serverTime": BEGIN_MS}),
        "exchangeInfo": listing,
        "depth": snapshot,
    }
    async with Session(["binance"], Windows(clock, Random(1), RecordedHttp(replies), socket)) as session:
        yield session, socket, clock


if __name__ == "__main__":
    numbers = map(int, sys.argv[2:])
    print(json.dumps(asyncio.run({"feed": feed, "memory": memory}[sys.argv[1]](*numbers))))
