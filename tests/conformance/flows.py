"""Cases of trades, quotes and candles: wrong numbers and times, holes after a reconnect, bursts, sleeping readers."""

from __future__ import annotations

from fairlead.engine.bus import QUEUE_MOST, Subscription
from fairlead.model import events
from fairlead.model.market import Quote, Trade
from tests.conformance.case import Case
from tests.conformance.needs import CANDLES, QUOTES
from tests.conformance.stage import SYMBOL, Stage

SWARM = 10  # rules that each double an event: 1,024 copies
BURST = 5 * 2**SWARM


async def wrong_numbers(at: Stage) -> None:
    await at.calm()
    for factor in (10.0, 0.0, -1.0):
        strikes = at.strike("corrupt", kind="trades", most=1, factor=factor)
        await at.wait(8)
        at.must(strikes.fired, "no trade was struck")
    at.must(len(at.heard(events.Anomaly)) == 3, f"three wrong prices were told as {at.heard(events.Anomaly)}")


async def wrong_quotes(at: Stage) -> None:
    await at.calm()
    quotes: list[Quote] = []
    at.market.quotes(SYMBOL, quotes.append)
    await at.wait(5)
    for factor in (10.0, 0.0, -1.0):
        at.strike("corrupt", kind="quote", most=1, factor=factor)
        await at.wait(5)
    price = at.stall.quote().bid
    wrong = [quote for quote in quotes if not price * 0.9 < quote.bid < quote.ask < price * 1.1]
    at.must(quotes and not wrong, f"of {len(quotes)} quotes these were passed on as normal: {wrong}")
    at.saw(events.Anomaly)


async def wrong_times(at: Stage) -> None:
    await at.calm()
    for off_ms in (3_600_000, -3_600_000):
        at.strike("misdate", kind="trades", most=1, ms=off_ms)
        await at.wait(8)
    at.must(len(at.heard(events.Anomaly)) == 2, f"two wrong times were told as {at.heard(events.Anomaly)}")
    seen = [trade.seen_ns for trade in at.trades.heard if trade.seen_ns]  # what was fetched was not seen
    at.must(seen == sorted(seen), "the time of receipt went back")


async def reconnected(at: Stage) -> None:
    await at.calm()
    for _ in range(3):
        at.strike("cut", "conn")
        await at.wait(10)
    at.must(len(at.heard(events.Lost)) >= 3, "the connection was not lost three times")


async def silent_trades(at: Stage) -> None:
    await at.calm()
    at.strike("mute", kind="trades", for_ms=40_000)
    await at.wait(60)
    at.saw(events.Stale, events.Filled)


async def missing_candles(at: Stage) -> None:
    await at.calm()
    candles = at.candles()
    await at.wait(50)
    at.strike("mute", kind="candles", for_ms=90_000)
    await at.wait(260)
    candles.ends_true(bars=4)
    at.saw(events.Filled)


async def wrong_candles(at: Stage) -> None:
    await at.calm()
    candles = at.candles()
    await at.wait(50)
    at.strike("corrupt", kind="candles", most=3, factor=10.0)
    await at.wait(140)
    candles.ends_true(bars=2)
    at.saw(events.Anomaly)


async def burst(at: Stage) -> None:
    await at.calm()
    slow = at.market.book(SYMBOL)
    for kind in ("book", "trades"):
        for _ in range(SWARM):
            at.strike("duplicate", kind=kind, most=5)
    await at.wait(10)
    waiting = len(slow._queue)
    at.must(waiting <= 1, f"{waiting} books wait for a reader who sleeps")
    at.must(at.book.is_live, "the burst left the book behind")


async def slow_reader(at: Stage) -> None:
    """In a market of 600 trades a second."""
    await at.calm()
    slow: Subscription[Trade] = at.market.trades(SYMBOL)
    prompt: list[Trade] = []
    at.market.trades(SYMBOL, prompt.append)
    await at.wait(25)
    at.must(len(slow._queue) == QUEUE_MOST, f"{len(slow._queue)} trades wait for a reader who sleeps")
    at.must(len(prompt) == len(slow._queue) + slow.dropped, "a prompt reader lost what a slow one did")
    at.saw(events.Dropped)


CASES = (
    Case(
        56, "a trade's price is ten times off, zero, or negative", "one trade each",
        "each is labelled and kept aside, and none is passed on as normal", wrong_numbers,
    ),
    Case(
        56, "a quote's price is ten times off, zero, or negative", "one quote each",
        "none is passed on as normal", wrong_quotes, (QUOTES,),
    ),
    Case(
        57, "a time from the future, or from the past", "two trades are dated an hour off",
        "both are labelled, asked for again, and the time of receipt never goes back", wrong_times,
    ),
    Case(
        58, "trades repeat or are missing after a reconnect", "the connection is cut three times",
        "every trade is heard once and in order", reconnected,
    ),
    Case(
        58, "trades are missing though the connection stands", "the trades are silent for 40 s",
        "the silence is told, and the missing trades are asked for and put in their place", silent_trades,
    ),
    Case(
        59, "candles are missing or late", "the candles are silent for 90 s",
        "the bars are asked for, marked, and there is neither a hole nor a double", missing_candles, (CANDLES,),
    ),
    Case(
        59, "a candle is wrong, and is told anew", "three tellings of the bar have a close ten times off",
        "they are labelled, and the bar closes with the true numbers", wrong_candles, (CANDLES,),
    ),
    Case(
        66, "a burst", f"five changes and five trades come as {BURST:,} frames each within a moment",
        "the book is the latest, a sleeping reader holds one value, and nothing is applied twice", burst,
    ),
    Case(
        67, "a slow reader", "600 trades a second, and one of three readers sleeps",
        f"it keeps the latest {QUEUE_MOST:,}, is told what it lost, and the others lose nothing", slow_reader,
        trades_hz=600.0,
    ),
)  # fmt: skip
