"""The face without await, against a city on loopback: answers, streams, timeouts, ends, and no thread left behind."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from decimal import Decimal

import pytest
from msgspec.structs import replace

import fairlead
import fairlead.sync
from fairlead.engine.market import Market
from fairlead.engine.session import Session
from fairlead.io.clock import RealClock, seeded
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from tests.house.test_face import loaded

VENUES = ("binance", "okx")
SYMBOL, SWAP = "BTC/USDT", "BTC/USDT:USDT"
TRADES_HZ = 20.0
MINUTE_NS = 60_000_000_000
SOON_S = 20.0  # a limit for a test that hangs, never a measure

Ended = Future[tuple[Served, asyncio.AbstractEventLoop, asyncio.Event]]


async def _live(begun: Ended) -> None:
    clock, end = RealClock(), asyncio.Event()
    listings = [replace(one, trades_hz=TRADES_HZ) for one in usual(VENUES)]
    city = City(VENUES, World(1, listings, clock.wall_ns()), clock, seeded(1))
    async with Served(city, clock) as served:
        begun.set_result((served, asyncio.get_running_loop(), end))
        await end.wait()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A city in a thread of its own: whoever blocks must not block the venues too."""
    begun: Ended = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_live(begun)), name="city")
    thread.start()
    served, loop, end = begun.result(SOON_S)
    yield served
    loop.call_soon_threadsafe(end.set)
    thread.join(SOON_S)


@pytest.fixture
def session(served: Served) -> Iterator[fairlead.sync.Session]:
    with fairlead.sync.open(*VENUES, hosts=served.addresses) as session:
        yield session
    assert not living()


def living() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "fairlead"]


def test_questions_block_and_answer(session: fairlead.sync.Session) -> None:
    """If this failed, a script would hold a coroutine in its hand where it asked for a price."""
    market = session["okx"]
    now_ns = market.ask_time() * 1_000_000
    ticker, levels = market.ask_ticker(SYMBOL), market.ask_book(SYMBOL, 5)
    assert (ticker.symbol, levels.whole) == (SYMBOL, True)
    assert market.ask_mark(SWAP).price > 0
    assert market.ask_index(SWAP).price > 0
    assert market.ask_funding(SWAP).due_ns > now_ns - MINUTE_NS
    ids = [int(trade.id) for trade in market.ask_trades(SYMBOL, 10)]
    assert ids == list(range(ids[0], ids[0] + 10))
    assert SWAP in market.instruments
    assert market.instrument(SYMBOL).price_tick == Decimal("0.01")
    assert session.venues == VENUES


def test_history_comes_whole(session: fairlead.sync.Session) -> None:
    """If this failed, a notebook's candles, trades or funding could lack what the venue has."""
    market = session["okx"]
    now_ns = market.ask_time() * 1_000_000
    begin_ns = now_ns // MINUTE_NS * MINUTE_NS - 30 * MINUTE_NS
    opens = [candle.open_ns for candle in market.history(SYMBOL, "1m", begin_ns, now_ns)]
    assert opens == list(range(begin_ns, begin_ns + 31 * MINUTE_NS, MINUTE_NS))
    pages = market.past_trades(SYMBOL, now_ns - MINUTE_NS)
    ids = sorted({int(trade.id) for page in pages for trade in page})
    assert ids == list(range(ids[0], ids[-1] + 1))
    paid = [one.venue_ns for one in market.past_fundings(SWAP, now_ns - 3 * 24 * 60 * MINUTE_NS)]
    assert paid == sorted(set(paid))
    assert len(paid) >= 8


def test_a_book_stands_still_in_the_hand(session: fairlead.sync.Session) -> None:
    """If this failed, a book could change between reading its bid and its ask, in the middle of a decision."""
    books = session["binance"].book(SYMBOL, timeout_s=SOON_S)
    live = (book for book in books if book.state is fairlead.State.LIVE)
    first = next(live)
    shown = (first.seq, first.texts(1_000))
    later = [next(live) for _ in range(5)]
    assert (first.seq, first.texts(1_000)) == shown
    seqs = [first.seq, *(book.seq for book in later)]
    assert seqs == sorted(seqs)
    assert seqs[-1] > seqs[0]
    assert all(book.bid is not None and book.ask is not None and book.bid < book.ask for book in (first, *later))


def test_impatience_loses_no_trade(session: fairlead.sync.Session) -> None:
    """If this failed, a trade that came just as the wait ended would be lost, or be told twice."""
    impatient, ids = 0, list[int]()
    with session["binance"].trades(SYMBOL, timeout_s=0.001) as trades:
        while len(ids) < TRADES_HZ:
            try:
                ids.append(int(next(trades).id))
            except TimeoutError:
                impatient += 1
    ids += [int(trade.id) for trade in trades]  # what had come before it was closed
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert impatient
    assert trades.dropped == 0
    assert list(trades) == []


def test_each_kind_of_stream_is_heard(session: fairlead.sync.Session) -> None:
    """If this failed, a verb of the blocking face would lead to another stream than its name says."""
    market = session["okx"]
    streams: dict[type, Iterator[fairlead.Quote | fairlead.Ticker | fairlead.Candle | fairlead.Funding | fairlead.Mark]]
    streams = {
        fairlead.Quote: market.quotes(SWAP, timeout_s=SOON_S),
        fairlead.Ticker: market.tickers(SWAP, timeout_s=SOON_S),
        fairlead.Candle: market.candles(SWAP, "1m", timeout_s=SOON_S),
        fairlead.Funding: market.fundings(SWAP, timeout_s=SOON_S),
        fairlead.Mark: market.marks(SWAP, timeout_s=SOON_S),
    }
    for kind, stream in streams.items():
        event = next(stream)
        assert (type(event), event.symbol) == (kind, SWAP)
    assert isinstance(next(market.indices(SWAP, timeout_s=SOON_S)), fairlead.Index)


def test_the_view_and_the_health_are_seen_from_outside(session: fairlead.sync.Session) -> None:
    """If this failed, a script could not tell the best price of all venues, nor that a connection came about."""
    health, view = session.health(timeout_s=SOON_S), session.consolidated(SYMBOL)
    told = {type(event).__name__ for event in itertools.islice(health, 4)}
    assert told == {"Connected", "Resynced"}
    assert session.counts["Connected"] == 2
    bids = {name: book.bid for name, book in view.rows.items()}
    assert set(bids) == set(VENUES)
    assert view.bid is not None
    assert view.ask is not None
    assert view.bid.venue in VENUES
    assert isinstance(view.crossed, bool)
    view.close()


def test_closing_ends_whoever_reads(served: Served) -> None:
    """If this failed, a thread that reads a stream would wait for ever after the session was closed by another."""
    session = fairlead.sync.open("binance", hosts=served.addresses)
    session.open()
    market = session["binance"]
    candles = market.candles(SYMBOL, "1d")
    reader = threading.Thread(target=lambda: list(candles), name="reader")
    reader.start()
    session.close()
    reader.join(SOON_S)
    assert not reader.is_alive()
    assert living() == []
    assert list(candles) == []
    with pytest.raises(fairlead.Closed):
        market.ask_time()
    with pytest.raises(fairlead.Closed):
        session["binance"]
    session.close()
    session.open()
    assert session["binance"].ask_time()
    with pytest.raises(fairlead.Misuse):
        session.open()
    session.close()


def test_what_cannot_be_opened_leaves_no_thread(served: Served) -> None:
    """If this failed, each misspelt name in a notebook would leave a thread behind."""
    closed_port = {"okx": {"rest": "http://127.0.0.1:9", "ws": "ws://127.0.0.1:9"}}
    with pytest.raises(fairlead.NotSent), fairlead.sync.open("okx", hosts=closed_port):
        pass
    with pytest.raises(fairlead.UnknownName, match="binance"), fairlead.sync.open("binnance"):
        pass
    assert living() == []


def test_ctrl_c_ends_a_wait_and_the_session_closes(served: Served) -> None:
    """If this failed, a script that waits could only be killed, and its connections would end without a word."""
    script = (
        "import json, sys, threading, fairlead.sync\n"
        "try:\n"
        "    with fairlead.sync.open('binance', hosts=json.loads(sys.argv[1])) as session:\n"
        "        candles = session['binance'].candles('BTC/USDT', '1d')\n"
        "        print('waiting', flush=True)\n"
        "        while True: next(candles)\n"
        "except KeyboardInterrupt:\n"
        "    print([thread.name for thread in threading.enumerate()])\n"
    )
    asked = [sys.executable, "-W", "error", "-c", script, json.dumps(served.addresses)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "waiting\n"
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=SOON_S)
    assert (out, err, run.returncode) == ("['MainThread']\n", "", 0)


def test_a_session_that_waits_for_itself_is_told(session: fairlead.sync.Session) -> None:
    """If this failed, a question asked from the session's own thread would hang both for ever."""
    market = session["binance"]
    with pytest.raises(fairlead.Misuse, match="wait for itself"):
        market._loop.call(market.ask_time)


def test_the_face_is_loaded_when_it_is_used() -> None:
    """If this failed, `import fairlead` would start with threads and loops that most programs never need."""
    assert "fairlead.sync" not in loaded("import fairlead")
    assert "fairlead.sync" in loaded("import fairlead\nassert fairlead.sync.open")


@pytest.mark.parametrize(
    ("here", "there", "callbacks"),
    [(fairlead.sync.Market, Market, {"feed"}), (fairlead.sync.Session, Session, {"desk"})],
)
def test_both_faces_have_the_same_verbs(here: type, there: type, callbacks: set[str]) -> None:
    """If this failed, a verb that was added to one face would be missed in the other."""
    verbs = [{name for name in vars(face) if not name.startswith("_")} for face in (here, there)]
    assert verbs[1] - verbs[0] - callbacks == set()
    assert verbs[0] - verbs[1] - {"counts"} == set()
