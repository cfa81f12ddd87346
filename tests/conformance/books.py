"""Cases of the book: gaps, sums, crossed prices, snapshots of the past, and changes that belong elsewhere."""

from __future__ import annotations

from fairlead.model import events
from tests.conformance.case import Case
from tests.conformance.needs import FETCHES, SUMS
from tests.conformance.stage import Stage


async def gap(at: Stage) -> None:
    await at.calm()
    at.strike("gap", kind="book", most=1)
    await at.wait(12)
    at.saw(events.Gap, events.Resynced)
    at.must(at.book.was_marked, "the book was never marked")


async def old_snapshot(at: Stage) -> None:
    await at.calm()
    stale = at.strike("stale", "rest", op="book", most=3, count=30)
    at.strike("cut", "conn")
    await at.wait(20)
    at.must(stale.fired == 3, f"{stale!r} did not do its work")
    at.saw(events.Resynced)


async def wrong_sum(at: Stage) -> None:
    await at.calm()
    at.strike("checksum", kind="book", most=1)
    await at.wait(12)
    at.saw(events.Gap, events.Resynced)
    at.must(at.book.was_marked, "the book was never marked")


async def crossed(at: Stage) -> None:
    await at.calm()
    at.strike("cross", kind="book", most=1)
    await at.wait(12)
    at.saw(events.Resynced)
    at.must(at.book.was_marked, "the book was never marked")


async def ghost(at: Stage) -> None:
    await at.calm()
    ghost = at.strike("ghost", kind="book", most=5)
    await at.wait(5)
    at.must(ghost.fired == 5, f"{ghost!r} did not do its work")
    at.must(not at.book.was_marked, f"a level that was not there took the book with it: {at.book!r}")


async def wrong_price(at: Stage) -> None:
    await at.calm()
    for factor in (10.0, 0.0, -1.0):
        at.strike("corrupt", kind="book", most=1, factor=factor)
        await at.wait(30)
    at.saw(events.Anomaly)


async def wrong_name(at: Stage) -> None:
    await at.calm()
    swap = at.strike("swap", kind="book", most=2)
    await at.wait(12)
    at.must(swap.fired == 2, f"{swap!r} did not do its work")
    at.saw(events.Strange)


async def doubled(at: Stage) -> None:
    await at.calm()
    at.strike("duplicate", kind="book", most=6)
    at.strike("reorder", kind="book", most=1)
    await at.wait(12)


CASES = (
    Case(
        51, "a change of the book is lost", "one change is swallowed and its number with it",
        "the book is marked at once, begins again from a whole, and no wrong level was ever LIVE", gap,
    ),
    Case(
        52, "the snapshot is older than the first change", "after a cut, three snapshots are 30 changes old",
        "each is refused and asked for again, and the book joins without a hole", old_snapshot, (FETCHES,),
    ),
    Case(
        53, "the checksum does not match", "one change carries the sum of another book",
        "the book is marked and begins again", wrong_sum, (SUMS,),
    ),
    Case(
        54, "the book is crossed", "one change bids above the best ask",
        "the crossed book is never LIVE, and it begins again", crossed,
    ),
    Case(
        55, "a change deletes a level that is not there", "five changes delete one more level than there is",
        "the book goes on, unmarked and true", ghost,
    ),
    Case(
        56, "a price of the book is ten times off, zero, or negative", "one change each",
        "it is labelled, and no such level was ever LIVE", wrong_price,
    ),
    Case(
        58, "changes come twice or in another order", "six changes twice, two changes exchanged",
        "nothing is applied twice, and what is missing is noticed", doubled,
    ),
    Case(
        65, "another symbol's data on the channel", "two frames of the book name another instrument",
        "they are refused and told, and what is missing is noticed", wrong_name,
    ),
)  # fmt: skip
