"""Two hundred symbols over real sockets that are cut again and again: nothing piles up, and all is right at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import fairlead
from fairlead.core.book import Book
from fairlead.engine.bus import Subscription
from fairlead.engine.feed import Feed
from fairlead.engine.session import Session
from fairlead.io.clock import RealClock, seeded
from fairlead.model.market import State, Trade
from fairlead.sim.city import City
from fairlead.sim.listing import Listing
from fairlead.sim.rules import Args, Rule
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from fairlead.wire.conversation import Topic
from fairlead.wire.face import Rng
from tests.conftest import Figure
from tests.soak.holdings import Held, Left, held, left

SYMBOLS = {"binance": 60, "kraken": 70, "okx": 70}
DEPTHS = {"binance": 100}  # of a snapshot that costs little; elsewhere the usual
LEVELS = 20  # a side, of each book in the world
COMPARED = 10  # as many as every venue shows
EVERYDAY_S, PROOF_S = 60, 300
CUT_FIRST_S, CUT_LAST_S = 3.0, 9.0  # between two cuts
CODES = (0, 0, 1001, 1006, 1012)  # 0: broken without a close
MENDED_S = 70.0  # from the last cut: who is cut again and again waits up to half a minute before it dials anew
HEARD_S = 1.0  # so long after the world stands still its last words have come
CHRONICLE_CHANGES = 64  # of each book that the city remembers, so that its own memory is full early
# From the end of the first third to the end of the last:
PROCESS_MOST_BYTES = 40 << 20  # with the city in it
SESSION_MOST_BYTES = 4 << 20  # its memos of texts and numbers of trades are bounded, and still filling


class Stoppable:
    """The city's clock: real until it is stopped, and then the world stands still."""

    def __init__(self) -> None:
        self._real, self._stopped_ns = RealClock(), 0

    def mono_ns(self) -> int:
        return self._stopped_ns or self._real.mono_ns()

    def wall_ns(self) -> int:
        return self._real.wall_ns()

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds)

    def stop(self) -> None:
        self._stopped_ns = self._real.mono_ns()


def _markets() -> Iterator[tuple[str, str]]:
    for venue, count in SYMBOLS.items():
        yield from ((venue, f"C{number:02}/USDT") for number in range(count))


def _listings() -> Iterator[Listing]:
    """Each moves once a second, and changes hands every five."""
    for number, (venue, symbol) in enumerate(_markets()):
        yield Listing(
            venue, symbol, Decimal(100 + number), 2, 4, depth=LEVELS, changes_hz=0.2, trades_hz=0.2, step_ms=1_000,
            age_days=0,
        )  # fmt: skip


class Reader:
    """Of all books, one after the other as they come, and of all trades, by a callback each."""

    def __init__(self, session: Session) -> None:
        self.books = self.trades = 0
        self.wrong: list[str] = []  # trades that were doubled, left out or overtaken
        self._last: dict[tuple[str, str], int] = {}
        self._subscriptions: list[Subscription[Any]] = []
        self._tasks: list[asyncio.Task[None]] = []
        for venue, symbol in _markets():
            books = session[venue].book(symbol, depth=DEPTHS.get(venue))
            self._subscriptions += [books, session[venue].trades(symbol, self._trade)]
            self._tasks.append(asyncio.create_task(self._read(books), name=f"reads {venue} {symbol}"))

    @property
    def waiting(self) -> int:
        return sum(len(one._queue) for one in self._subscriptions)

    async def ended(self) -> None:
        await asyncio.gather(*self._tasks)

    async def _read(self, books: Subscription[Book]) -> None:
        async for _ in books:
            self.books += 1

    def _trade(self, trade: Trade) -> None:
        self.trades += 1
        key, number = (trade.venue, trade.symbol), int(trade.id)
        before = self._last.get(key)
        if before is not None and number - trade.count != before:
            self.wrong.append(f"{trade.venue} {trade.symbol}: {number} ({trade.count}) after {before}")
        self._last[key] = number


async def _soak(seconds: int, figure: Figure) -> None:
    stoppable, rng = Stoppable(), seeded(7)
    city = City(SYMBOLS, World(7, _listings(), RealClock().wall_ns()), stoppable, rng)
    before = left()
    async with Served(city, stoppable) as served:
        session = fairlead.open(*SYMBOLS, environment="sim", hosts=served.addresses)
        async with session:
            reader = Reader(session)
            early = await _through(city, rng, session, seconds / 3)
            await _through(city, rng, session, seconds * 2 / 3)
            await _mended(session)
            late = held(session)
            stoppable.stop()
            await asyncio.sleep(HEARD_S)
            _are_equal(session, city)
            assert reader.waiting == 0
        await reader.ended()
    assert reader.wrong == []
    _is_flat(early, late)
    _is_over(before, left())
    figure("soak: books read", reader.books)
    figure("soak: trades read", reader.trades)
    figure("soak: connections lost", session.counts["Lost"])
    figure("soak: bytes more in the process", late.peak_bytes - early.peak_bytes)
    figure("soak: bytes more on the session", late.session_bytes - early.session_bytes)


async def _through(city: City, rng: Rng, session: Session, seconds: float) -> Held:
    """So long, with a cut every few seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (rest := end - loop.time()) > 0:
        await asyncio.sleep(min(rest, rng.uniform(CUT_FIRST_S, CUT_LAST_S)))
        venue, code = rng.choice([*SYMBOLS]), rng.choice(CODES)
        city.mishaps.add(Rule("cut", channel="conn", venue=venue, args=Args(code=code)))
    return held(session)


async def _mended(session: Session) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + MENDED_S
    while marked := [repr(feed) for feed in _books(session) if feed.state is not State.LIVE]:
        assert loop.time() < end, marked
        await asyncio.sleep(0.25)


def _books(session: Session) -> Iterator[Feed[Any]]:
    for venue, symbol in _markets():
        depth = str(DEPTHS.get(venue, ""))
        yield session[venue].feed(Topic("book", symbol, depth))


def _are_equal(session: Session, city: City) -> None:
    for feed in _books(session):
        book: Book = feed.book  # type: ignore[attr-defined]  # it is a book's
        bids, asks = city.mouth(book.venue).stalls[book.symbol].top(COMPARED)
        told = (book.rungs.bids.top(COMPARED), book.rungs.asks.top(COMPARED))
        assert (feed.state, *told) == (State.LIVE, list(bids), list(asks)), feed


def _is_flat(early: Held, late: Held) -> None:
    assert late.peak_bytes - early.peak_bytes < PROCESS_MOST_BYTES
    assert late.session_bytes - early.session_bytes < SESSION_MOST_BYTES


def _is_over(before: Left, after: Left) -> None:
    assert after.tasks == before.tasks
    assert set(after.timers) <= set(before.timers)
    assert after.files <= before.files


@pytest.mark.timeout(400)
async def test_two_hundred_symbols_are_cut_for_a_minute(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a bot that runs for days would fill its memory, leave sockets behind, or hold a wrong book."""
    monkeypatch.setattr("fairlead.sim.stall.CHANGES_KEPT", CHRONICLE_CHANGES)
    await _soak(EVERYDAY_S, figure)


@pytest.mark.proof
@pytest.mark.timeout(1_200)
async def test_two_hundred_symbols_are_cut_for_five_minutes(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, what grows too slowly to be seen in a minute would be found by users instead."""
    monkeypatch.setattr("fairlead.sim.stall.CHANGES_KEPT", CHRONICLE_CHANGES)
    await _soak(PROOF_S, figure)
