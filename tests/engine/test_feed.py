"""What every kind of stream shares: who reads it, how fresh it is, and what is said of it, once."""

from __future__ import annotations

from fairlead.engine.feed import JOIN_WAIT_MS, KEPT_ANOMALIES, Mends
from fairlead.model import events
from tests.engine.stage import Stage, play
from tests.engine.told import BOOK, MARKS, QUOTES, TRADES, quote, trade, whole


async def steady(stage: Stage, count: int = 60) -> None:
    """Quotes four times a second, for as long as is learned from."""
    for number in range(1, count):
        stage.wires[-1].tell(QUOTES, quote(number))
        await stage.wait(250)


def kinds(stage: Stage) -> list[str]:
    return [type(event).__name__ for event in stage.told]


def test_a_silence_is_told_once_and_its_end_once() -> None:
    """If this failed, a silent stream would pass for live, or be told four times a second."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(QUOTES)
        await stage.wait(20)
        stage.told.clear()
        await steady(stage)
        assert kinds(stage) == []
        await stage.wait(5_000)
        assert kinds(stage) == ["Stale"]
        assert stage.told[0].why == "silent"  # type: ignore[attr-defined]
        stage.wires[0].tell(QUOTES, quote(99))
        await stage.wait(500)
        assert kinds(stage) == ["Stale", "Fresh"]
        assert str(feed.state) == "LIVE"

    play(visit, mends=Mends(renew=False))


def test_a_lost_connection_is_told_by_its_loss_and_its_return() -> None:
    """If this failed, each topic would tell a storm of its own when one wire is cut."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(QUOTES)
        await stage.wait(20)
        stage.told.clear()
        stage.wires[0].drop()
        await stage.wait(1)
        assert str(feed.state) == "RESYNCING"
        await stage.wait(1_000)
        assert kinds(stage) == ["Lost", "Connected", "Resynced"]
        assert stage.told[2].why == "the connection was lost"  # type: ignore[attr-defined]
        assert 0 < stage.told[2].took_ms < 1_000  # type: ignore[attr-defined]

    play(visit)


def test_a_silent_channel_is_renewed_before_anything_else() -> None:
    """If this failed, one dead channel would cost all the others their connection at once."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(QUOTES)
        await stage.wait(20)
        await steady(stage)
        await stage.wait(3_000)
        assert stage.wires[0].texts[-1] == "renew quote:BTC/USDT"
        assert len(stage.wires) == 1

    play(visit)


def test_an_acknowledgement_that_never_comes_is_asked_for_again() -> None:
    """If this failed, a subscription lost on its way would be waited for, for ever."""

    async def visit(stage: Stage) -> None:
        stage.acks = False
        stage.desk.feed(TRADES)
        await stage.wait(2 * JOIN_WAIT_MS + 1_000)
        assert stage.wires[0].texts == ["join trades:BTC/USDT", "renew trades:BTC/USDT", "renew trades:BTC/USDT"]

    play(visit)


def test_the_age_counts_from_the_venues_time_or_else_ours() -> None:
    """If this failed, an old value would look new, or a venue without times look ancient."""

    async def visit(stage: Stage) -> None:
        book, marks = stage.desk.feed(BOOK), stage.desk.feed(MARKS)
        assert (book.age_ms, marks.age_ms) == (0.0, 0.0)
        stage.replies["/book"] = whole(10, at_ns=stage.desk.time.now_ns())
        await stage.wait(2_000)
        assert 1_990 < book.age_ms < 2_010

    play(visit)


def test_anomalies_are_kept_up_to_a_bound_and_counted_beyond_it() -> None:
    """If this failed, a venue gone mad would fill the memory, or its oddities go uncounted."""

    async def visit(stage: Stage) -> None:
        feed = stage.desk.feed(TRADES)
        await stage.wait(20)
        for number in range(1, 2 * KEPT_ANOMALIES + 1):
            stage.wires[0].tell(TRADES, trade(number, symbol="ETH/USDT"))
        assert len(feed.anomalies) == KEPT_ANOMALIES
        assert feed.counts == {"wrong symbol": 2 * KEPT_ANOMALIES}
        assert len(stage.heard(events.Anomaly)) == 2 * KEPT_ANOMALIES

    play(visit)


def test_without_the_guard_everything_passes() -> None:
    """If this failed, a demonstration of what the guard keeps away would keep it away all the same."""

    async def visit(stage: Stage) -> None:
        heard: list[str] = []
        stage.desk.feed(TRADES).subscribe(lambda one: heard.append(one.symbol))
        await stage.wait(20)
        stage.wires[0].tell(TRADES, trade(1, symbol="ETH/USDT"))
        assert heard == ["ETH/USDT"]

    play(visit, mends=Mends(guard=False))
