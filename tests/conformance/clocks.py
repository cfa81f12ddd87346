"""Cases of time: a wrong clock, one that jumps, one that lies, a machine that slept, a loop that stood still."""

from __future__ import annotations

from fairlead.model import events
from tests.conformance.case import Case
from tests.conformance.needs import SIGNS
from tests.conformance.stage import MS, Stage

OFF_MS = 5_000
LIE_MS = 10_000
ASLEEP_MS = 1_800_000
NEAR_MS = 500  # a venue may tell its time in whole seconds


def _off_ms(at: Stage) -> float:
    """How far our idea of the venue's clock is from the venue's clock."""
    return abs(at.desk.time.now_ns() / MS - at.city.mouth(at.name).venue_ms())


async def wrong_at_start(at: Stage) -> None:
    for off_ms in (OFF_MS, -2 * OFF_MS):
        at.strike("skew", "clock", ms=off_ms)
        if off_ms > 0:
            await at.calm()
        else:
            await at.reopen()
            await at.wait(10)
        at.must(_off_ms(at) < NEAR_MS, f"our idea of the venue's clock is {_off_ms(at):.0f} ms off")
        at.must(abs(at.book.book.age_ms) < 2_000, f"the book claims to be {at.book.book.age_ms:.0f} ms old")
        await at.market.ask_balances()  # signed with the venue's time
    at.never_saw(events.Stale)


async def jumped(at: Stage) -> None:
    await at.calm()
    for off_ms in (OFF_MS, -OFF_MS, -3_600_000):
        at.clock.jump(off_ms * MS)
        await at.wait(3)
        at.must(_off_ms(at) < NEAR_MS, f"our idea of the venue's clock is {_off_ms(at):.0f} ms off")
    at.must(not at.book.was_marked, "timers fired that had no cause")
    at.never_saw(events.Lost, events.Anomaly)


async def slept(at: Stage) -> None:
    """Our steady clock stands still in sleep: the world is half an hour on, and every connection is gone."""
    await at.calm()
    at.sleep_machine(ASLEEP_MS)
    at.strike("cut", "conn")
    await at.wait(20)
    at.saw(events.Lost, events.Resynced)
    at.must(_off_ms(at) < NEAR_MS, f"our idea of the venue's clock is {_off_ms(at):.0f} ms off")
    at.must(abs(at.book.book.age_ms) < 2_000, f"the book claims to be {at.book.book.age_ms:.0f} ms old")


async def stopped(at: Stage) -> None:
    """The process was stopped, and its steady clock went on."""
    await at.calm()
    at.strike("cut", "conn")
    at.stall_loop(ASLEEP_MS / 1_000)
    await at.wait(20)
    at.saw(events.Lost, events.Resynced)


async def lied_to(at: Stage) -> None:
    await at.calm()
    lie = at.strike("lie", "rest", op="time", most=1, ms=LIE_MS)
    for _ in range(130):
        await at.wait(1)
        at.must(_off_ms(at) < NEAR_MS, f"our idea of the venue's clock is {_off_ms(at):.0f} ms off")
    at.must(lie.fired == 1, f"{lie!r} was not believed because it was not told")
    at.must(not at.book.was_marked, "one lie made the book late")


async def stalled(at: Stage) -> None:
    await at.calm()
    dials = len(at.ear.dials)
    for _ in range(3):
        at.stall_loop(2.0)
        await at.wait(8)
    at.must(len(at.ear.dials) == dials, "a connection was given up that only we did not read")
    at.never_saw(events.Lost, events.Gap)


CASES = (
    Case(
        78, "our clock is wrong when we start", f"the venue's clock is {OFF_MS // 1000} s ahead, then behind",
        "the difference is measured, ages are true, and what is signed is accepted", wrong_at_start, (SIGNS,),
    ),
    Case(
        79, "our clock jumps while we run", f"by {OFF_MS // 1000} s, back, and an hour back",
        "no timer fires or waits for it, and the difference is measured again", jumped,
    ),
    Case(
        81, "the machine slept for half an hour", "our steady clock stood still, the connections are gone",
        "everything begins anew before it is LIVE, and the difference is measured again", slept,
    ),
    Case(
        81, "the process was stopped for half an hour", "our steady clock went on, the connections are gone",
        "everything begins anew before it is LIVE", stopped,
    ),
    Case(
        82, "the venue's clock lies once", f"one reading is {LIE_MS // 1000} s off",
        "it is outvoted: our idea of the clock never leaves the truth", lied_to,
    ),
    Case(
        85, "our loop stands still for 2 s", "three times",
        "no connection is given up for it, and nothing is lost", stalled,
    ),
)  # fmt: skip
