"""Cases of orders in bad surroundings: hosts, connections and clocks that fail, deaths, disks, and a second program."""

from __future__ import annotations

import asyncio

from fairlead.core import ids
from fairlead.errors import Held, JournalFailed, NotSent, Refused
from fairlead.model import events
from fairlead.model.order import Life
from tests.conformance.case import Case
from tests.conformance.needs import NONCES, TRADES, of_orders
from tests.conformance.pier import CALM_S, Pier
from tests.conformance.stage import MS, SYMBOL
from tests.engine.harbour import Paper

PAGE = "<html><body>Welcome to the airport. Please accept our terms.</body></html>"
HOUR_MS = 3_600_000
ENDS = (Life.OPEN, Life.NOT_ACCEPTED, Life.REJECTED, Life.ABANDONED)


async def one_host_dead(at: Pier) -> None:
    at.strike("refuse", "conn", slot=0, for_ms=HOUR_MS)
    await at.wait(20)
    order = await at.bid()
    at.is_life(order, Life.OPEN)
    await at.market.cancel(order)


async def half_open(at: Pier) -> None:
    """Not one byte more comes on the open connections: what is asked there is not answered."""
    at.strike("late", "ws", for_ms=1_000, ms=HOUR_MS)
    order = await at.bid()
    await at.settled()
    at.is_life(order, *ENDS)
    await at.wait(60)
    at.is_life(await at.bid(percent=12), Life.OPEN)


async def cannot_be_heard(at: Pier) -> None:
    """We hear the venue, and it does not hear us: what goes by socket is lost."""
    ignore = at.strike("ignore", "ws", for_ms=30_000)
    order = await at.bid()
    await at.settled()
    at.must(ignore.fired, "nothing was lost")
    at.is_life(order, *ENDS)


async def all_down(at: Pier) -> None:
    orders = [await at.bid(percent=10 + index) for index in range(2)]
    at.strike("refuse", "conn", for_ms=60_000)
    await at.wait(1)
    failed = await at.fails(at.bid(percent=15))
    at.must(isinstance(failed, (NotSent, Held)), f"told as {failed!r}")
    await at.wait(90)
    for order in orders:
        at.is_life(order, Life.OPEN)
    at.is_life(await at.bid(percent=15), Life.OPEN)


async def storm(at: Pier) -> None:
    order = await at.bid()
    at.strike("slam", "conn", most=6)
    at.strike("cut", "conn")
    await at.wait(120)
    at.is_life(order, Life.OPEN)
    at.is_life(await at.bid(percent=12), Life.OPEN)


async def redirected(at: Pier) -> None:
    at.strike("status", op="place", status=301)
    try:
        order = await at.bid()
    except Refused:
        order = at.last
    await at.settled()
    at.is_life(order, Life.NOT_ACCEPTED, Life.REJECTED)
    hosts = {call.path.partition("/")[0] for call in at.ear.calls}
    at.must(hosts == {at.name}, f"asked elsewhere: {hosts}")


async def captive(at: Pier) -> None:
    for phase in ("before", "after"):
        at.strike("status", op="place", phase=phase, status=200, text=PAGE)
        at.strike("mute", "ws", kind="orders", for_ms=10_000)
        order = await at.bid()
        at.must(order.life is Life.UNKNOWN, f"a stranger's page made it {order.life}")
        await at.settled()
        at.is_life(order, Life.OPEN if at.accepted(order) else Life.NOT_ACCEPTED)


async def wrong_clock(at: Pier) -> None:
    for off_ms in (5_000, -10_000):
        at.strike("skew", "clock", ms=off_ms, for_ms=200_000)
        await at.reopen()
        order = await at.bid()
        at.is_life(order, Life.OPEN)
        await at.wait(CALM_S)


async def clock_jumps(at: Pier) -> None:
    for off_ms in (5_000, -5_000):
        order = await at.bid()
        at.strike("reset", op="place")
        at.strike("mute", "ws", kind="orders", for_ms=10_000)
        doubtful = await at.bid(percent=12)
        at.clock.jump(off_ms * MS)
        await at.settled()
        at.is_life(doubtful, Life.NOT_ACCEPTED)
        at.is_life(order, Life.OPEN)


async def clock_goes_back(at: Pier) -> None:
    names = [(await at.bid()).client_id]
    at.clock.jump(-HOUR_MS * MS)
    names.append((await at.bid(percent=12)).client_id)
    await at.wait(CALM_S)
    await at.reopen()
    names.append((await at.bid(percent=14)).client_id)
    numbers = [ids.number_of(name) for name in names]
    at.must(numbers == sorted(set(numbers)), f"the names do not rise: {names}")


async def slept(at: Pier) -> None:
    """Our steady clock stood still, the world is half an hour on, and an order ended meanwhile."""
    order = await at.bid()
    at.strike("reset", op="place")
    doubtful = await at.bid(percent=12)
    at.city._begin_ns += HOUR_MS // 2 * MS
    at.clock.jump(HOUR_MS // 2 * MS)
    at.strike("cut", "conn")
    await at.settled()
    await at.wait(CALM_S)
    at.is_life(order, Life.OPEN)
    at.is_life(doubtful, Life.NOT_ACCEPTED)


async def lied_to(at: Pier) -> None:
    at.strike("lie", op="time", most=1, ms=10_000)
    await at.wait(130)
    at.is_life(await at.bid(), Life.OPEN)


async def clock_runs_away(at: Pier) -> None:
    """The venue's clock is suddenly elsewhere: what it refuses for that is refused for sure, and sent by nobody."""
    at.strike("skew", "clock", ms=-20_000, for_ms=600_000)
    for _ in range(4):
        try:
            order = await at.bid()
        except Refused:
            order = at.last
        await at.settled()
        at.is_life(order, *ENDS)
        await at.wait(20)
    at.is_life(order, Life.OPEN)


async def number_used(at: Pier) -> None:
    """Another program signs with the same key, and its numbers are ahead of ours."""
    at.strike("decline", op="place", text="NONCE")
    try:
        await at.bid()
    except Refused as refused:
        at.must(refused.next, f"it does not say what to do: {refused}")
    at.is_life(await at.bid(percent=12), Life.OPEN)


async def stalled(at: Pier) -> None:
    placing = asyncio.ensure_future(at.bid())
    await at.wait(0.003)
    loop = asyncio.get_running_loop()
    loop.pass_time(2.0)  # type: ignore[attr-defined]  # a collector, a plugin, a stopped process
    order = await placing
    await at.wait(5)
    at.is_life(order, Life.OPEN)
    at.must(not at.heard(events.Lost), "a connection was given up that only we did not read")


async def full_at_intent(at: Pier) -> None:
    stands = await at.bid()
    at.paper.fails = 6
    failed = await at.fails(at.bid())
    at.must(isinstance(failed, JournalFailed), f"told as {failed!r}")
    at.must(len(at.truth.received) == 1, "it was sent, and nothing of it is on disk")
    at.saw(events.JournalDown)
    await at.market.cancel(stands)  # what takes risk away goes out all the same
    await at.wait(60)
    at.saw(events.JournalUp)
    at.is_life(stands, Life.CANCELLED)
    at.is_life(await at.bid(), Life.OPEN)


async def full_at_answer(at: Pier) -> None:
    """The disk is full when the answer comes: what was heard is written as soon as it can be."""
    placing = asyncio.ensure_future(at.take())
    while not at.truth.received:
        await at.wait(0.0005)
    at.paper.fails = 12
    order = await placing
    await at.wait(60)
    at.saw(events.JournalDown, events.JournalUp)
    at.is_life(order, Life.FILLED)


async def older_backup(at: Pier) -> None:
    """The journal of some minutes ago is put back: what it lacks is found at the venue."""
    stands = await at.bid()
    lines = len(at.paper.bodies)
    lacking = [await at.bid(percent=12), await at.take()]
    await at.wait(CALM_S)
    at.fills.clear()
    at.voided = True  # the fills of the orders that it lacks are told anew
    await at.reopen(lines)
    await at.settled()
    await at.wait(CALM_S)
    for order in (stands, *lacking):
        at.must(order.client_id in at.account.tracks, f"{order.client_id} is not known any more")


async def another_host(at: Pier) -> None:
    """A second program with the same key, and a journal of its own."""
    at.forgiven_ns = at.city.now_ns() + int(2 * CALM_S * 1e9)  # each of the two holds the limits for its own
    mine = await at.bid()
    async with at.another(Paper(), "bot-a", 77) as session:
        theirs = await session[at.name].buy(SYMBOL, qty="0.01", price=at.price(-14))
        await at.wait(CALM_S)
        foreign = [one for one in at.heard(events.Foreign) if one.ours]
        at.must(foreign, "a second program under our names was not told")
        await at.market.cancel_all()
        await at.wait(2)
        at.must(session[at.name].order(theirs.client_id).life is Life.OPEN, "its order was cancelled")
    at.is_life(mine, Life.CANCELLED)
    await at.wait(CALM_S)


async def ended_in_storm(at: Pier) -> None:
    """The end comes while orders are on their way: each is known to the next program."""
    at.strike("hang", op="place", phase="after", most=2, ms=3_000)
    placing = [asyncio.ensure_future(at.bid(percent=10 + index)) for index in range(5)]
    await at.wait(0.005)
    ending = at.clock.mono_ns()
    closing = asyncio.ensure_future(at.reopen())
    await asyncio.gather(*placing, return_exceptions=True)
    await closing
    at.must(at.clock.mono_ns() - ending < 30_000 * MS, "the end took too long")
    await at.wait(CALM_S)
    at.forgiven_ns = at.city.now_ns()


def dies_at(number: int, when: str) -> Case:
    """Real processes, killed for good, on every venue."""
    holds = "after the restart nothing is lost, doubled or untold"
    staged = "SIGKILL, then a restart, over real sockets"
    return Case(number, f"killed {when}", staged, holds, needs=(TRADES,), proven=(KILLS,))


def on_disk(number: int, fault: str, holds: str, *tests: str) -> Case:
    proven = tuple(f"tests/io/test_journal{test}" for test in tests)
    return Case(number, fault, "a disk that does so under the journal", holds, needs=(TRADES,), proven=proven)


KILLS = "tests/kill/test_kills.py::test_killed_at_each_step_nothing_is_lost_doubled_or_untold"
CASES = (
    of_orders(69, "a host is dead when an order is due", "the first of two, for good", "the other one takes it",
        one_host_dead),
    of_orders(72, "an order goes out on a half-open connection", "not one byte comes on it any more",
        "UNKNOWN, then the truth; the next order takes a live one", half_open),
    of_orders(73, "the venue does not hear us", "for 30 s, while we hear it", "UNKNOWN, then the truth",
        cannot_be_heard),
    of_orders(74, "everything is down while orders stand", "for a minute", "new ones are not sent, nothing is lost",
        all_down),
    of_orders(75, "connections are closed at once while orders stand", "six in a row",
        "nothing is lost, and it goes on", storm),
    of_orders(76, "an order is redirected", "301", "it is sent nowhere else", redirected),
    of_orders(77, "a stranger's page answers an order", "200, before and after the venue acts",
        "UNKNOWN, then the truth", captive),
    of_orders(78, "our clock is wrong when an order is due", "5 s behind, then 10 s ahead",
        "it is accepted", wrong_clock),
    of_orders(79, "our clock jumps while an order is in doubt", "5 s on, then back", "the fence is the venue's",
        clock_jumps),
    of_orders(80, "our clock goes back an hour", "and the program is started anew", "names of orders still rise",
        clock_goes_back),
    of_orders(81, "the machine slept while an order was in doubt", "for half an hour", "held against the venue first",
        slept),
    of_orders(82, "the venue's clock lies before an order", "one reading is 10 s off", "it is accepted", lied_to),
    of_orders(83, "the venue refuses our clock", "its own is 20 s elsewhere of a sudden",
        "refused for sure, measured again, and the next ones are accepted", clock_runs_away),
    of_orders(84, "a number was used already", "one refusal", "refused for sure, and the next one is accepted",
        number_used, NONCES),
    of_orders(85, "our loop stands still while an order is under way", "for 2 s", "no false alarm", stalled),
    dies_at(86, "before the intent is on disk (K1)"),
    dies_at(87, "after the intent, before leave to send (K2)"),
    dies_at(88, "with leave, before it is on disk as sent (K3)"),
    dies_at(89, "when it is on disk as sent, before a byte leaves (K4)"),
    dies_at(91, "when it was sent, and not yet accepted (K6)"),
    dies_at(92, "when it was accepted, and not yet answered (K7)"),
    dies_at(93, "when it was answered, and that is not on disk (K8)"),
    dies_at(94, "when the answer is on disk, and nobody was told (K9)"),
    dies_at(95, "when a fill was heard, and is not on disk (K10)"),
    dies_at(96, "when a fill is on disk, and nobody was told (K11)"),
    dies_at(97, "when a cancel or an amendment is on disk (K12)"),
    dies_at(98, "when a cancel or an amendment was answered (K13)"),
    dies_at(99, "while the venue is held against the journal (K14)"),
    dies_at(100, "while the journal is folded (K15)"),
    dies_at(101, "while it ends (K16)"),
    of_orders(103, "the disk is full when an order is wanted", "six appends fail",
        "it is not sent, and told; cancels go out; it goes on when there is room", full_at_intent),
    of_orders(104, "the disk is full when an answer comes", "twelve appends fail",
        "no new orders; what was heard is written when there is room", full_at_answer),
    on_disk(105, "a sync fails", "it is never tried again blindly",
        ".py::test_a_failed_sync_is_never_tried_again",
        "_power.py::test_after_a_failed_sync_and_a_reopening_a_power_cut_still_loses_nothing"),
    on_disk(106, "the journal's end is torn", "cut back to the last whole line, and counted",
        "_damage.py::test_a_torn_end_is_cut_back_and_counted"),
    on_disk(107, "a bit flips within the journal", "refused by name, mended on demand",
        "_damage.py::test_damage_in_the_middle_is_refused_by_name_and_mended_on_demand",
        "_damage.py::test_a_flipped_bit_anywhere_is_harmless_or_told"),
    of_orders(108, "an older backup of the journal is put back", "three orders ago",
        "what it lacks is found at the venue and taken over", older_backup),
    on_disk(109, "two programs on one folder", "the second is told who holds it",
        "_process.py::test_a_second_owner_is_refused_and_told_who_holds_it"),
    of_orders(110, "two programs with one key", "the second has a journal of its own",
        "told as ours by another hand; each leaves the other's orders alone", another_host),
    of_orders(112, "the program is ended while orders go out", "five on their way, two of them not answered",
        "it ends in time, and the next program knows every one", ended_in_storm),
)  # fmt: skip
