"""One venue as a program holds it: streams, questions and history, over real venues in the city."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fairlead.engine.session import Session
from fairlead.errors import Misuse, UnknownName
from fairlead.venues import registry
from tests.engine.test_session import BTC, Town, in_town

HOUR_NS = 3_600 * 1_000_000_000
each_venue = pytest.mark.parametrize("name", registry.names())


def visiting(name: str, visit: Any) -> None:
    async def main(town: Town) -> None:
        async with town.session(name) as session:
            await visit(session)

    in_town(main, (name,))


@each_venue
def test_every_stream_of_a_spot_market_speaks(name: str) -> None:
    """If this failed, a kind of data that the venue gives would never reach a program."""

    async def visit(session: Session) -> None:
        market = session[name]
        streams: list[Any] = [
            market.book(BTC), market.trades(BTC), market.quotes(BTC), market.tickers(BTC), market.candles(BTC, "1m"),
        ]  # fmt: skip
        for stream in streams:
            event = await stream.first(120)
            assert (event.venue, event.symbol) == (name, BTC)

    visiting(name, visit)


@each_venue
def test_history_comes_whole_in_order_and_tells_how_far_it_is(name: str) -> None:
    """If this failed, a back test would run on a series with holes, doubles, or the running bar as a closed one."""

    async def visit(session: Session) -> None:
        told: list[int] = []
        end_ns = session.desk(name).time.now_ns() // HOUR_NS * HOUR_NS
        bars = await session[name].history(BTC, "1h", end_ns - 600 * HOUR_NS, end_ns, told.append)
        assert [bar.open_ns for bar in bars] == list(range(end_ns - 600 * HOUR_NS, end_ns, HOUR_NS))
        assert told == sorted(told)
        assert told[-1] >= 600

    visiting(name, visit)


@each_venue
def test_single_questions_are_answered_with_nouns(name: str) -> None:
    """If this failed, a script that asks once would have to know the venue's own words."""

    async def visit(session: Session) -> None:
        market = session[name]
        await asyncio.sleep(30)
        ours_ms = session.desk(name).time.now_ns() // 1_000_000
        assert abs(await market.ask_time() - ours_ms) < 1_500
        book, trades, ticker = (
            await market.ask_book(BTC, 5),
            await market.ask_trades(BTC, 5),
            await market.ask_ticker(BTC),
        )
        assert book.whole
        assert [trade.venue_ns for trade in trades] == sorted(trade.venue_ns for trade in trades)
        assert ticker.last is not None
        pages = [page async for page in market.past_trades(BTC, session.desk(name).time.now_ns() - 20 * 10**9)]
        ids = [trade.id for page in pages for trade in page]
        assert len(set(ids)) == len(ids) > 0

    visiting(name, visit)


def test_intervals_that_do_not_exist_are_told_apart_from_those_a_venue_lacks() -> None:
    """If this failed, a misspelled interval would be asked of the venue."""

    async def visit(session: Session) -> None:
        with pytest.raises(UnknownName, match="interval '1mn'"):
            session["kraken"].candles(BTC, "1mn")
        with pytest.raises(Misuse, match="kraken has no 3m candles"):
            session["kraken"].candles(BTC, "3m")

    visiting("kraken", visit)


def test_a_book_is_offered_at_the_venues_depths_only() -> None:
    """If this failed, a depth that the venue does not stream would be refused long after it was asked for."""

    async def visit(session: Session) -> None:
        market = session["kraken"]
        book = await market.book(BTC, depth=25).first(60)
        assert len(book.bids(100)) == 25
        with pytest.raises(Misuse, match="no book of depth 26"):
            market.book(BTC, depth=26)

    visiting("kraken", visit)
