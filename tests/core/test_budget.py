"""What a venue allows, and who may use it first."""

from __future__ import annotations

import pytest

from fairlead.core import budget
from fairlead.core.budget import Budgets, Priority, Standing, Ticket
from fairlead.core.windows import MS
from fairlead.errors import Limited, Misuse, UnknownName
from fairlead.wire.limits import Budget, Charge, Reading, Window

WEIGHT = Budget("weight", 100, 60_000, Window.FIXED, "ip")
ORDERS = Budget("orders", 10, 2_000, Window.SLIDING, "account")
CALLS = Budget("calls", 1, 3_000, Window.DECAYING, "key", most=15)
FRAMES = Budget("frames", 5, 1_000, Window.TOKENS, "connection")
ALL = (WEIGHT, ORDERS, CALLS, FRAMES)
NOON_MS = 1_700_000_040_000 // 60_000 * 60_000  # an edge of every window
START_NS = 5_000_000 * MS


class World:
    """Budgets in virtual time."""

    def __init__(self, *budgets: Budget, at_ms: int = 10_000) -> None:
        self.budgets, self.at_ms = Budgets(budgets or ALL), at_ms

    @property
    def now(self) -> tuple[int, int]:
        return START_NS + self.at_ms * MS, NOON_MS + self.at_ms

    def wish(self, *charges: Charge, as_: Priority = Priority.ORDER) -> Ticket:
        return self.budgets.wish(charges, as_, self.now[0])

    def wishes(self, count: int, *charges: Charge, as_: Priority = Priority.ORDER) -> list[Ticket]:
        return [self.wish(*charges, as_=as_) for _ in range(count)]

    def granted(self, after_ms: int = 0) -> list[Ticket]:
        self.at_ms += after_ms
        return self.budgets.granted(*self.now)

    def told(self, *readings: Reading) -> None:
        self.budgets.told(readings, *self.now)

    def used(self, name: str) -> int:
        return next((use.used for use in self.budgets.use(*self.now) if use.budget == name), 0)


@pytest.mark.parametrize(("name", "most"), [("weight", 100), ("orders", 10), ("calls", 15), ("frames", 5)])
def test_no_more_is_granted_than_the_budget_holds(name: str, most: int) -> None:
    """If this failed, the venue would refuse us, and ban us for going on."""
    world = World()
    world.wishes(most + 5, Charge(name))
    assert len(world.granted()) == most
    assert world.granted() == []


ROOM = [("weight", 60_000, 100), ("orders", 3_050, 10), ("frames", 2_000, 5)]


@pytest.mark.parametrize(("name", "in_ms", "most"), ROOM)
def test_room_comes_back_with_time_and_the_wake_says_when(name: str, in_ms: int, most: int) -> None:
    """If this failed, waiting requests would wait for ever, or the machine would look for room in a tight loop."""
    world = World(at_ms=30_000)
    world.wishes(most * 2, Charge(name))
    world.granted()
    looks, waited, got = 0, 0, 0
    while got < most and looks < 20:
        wake = world.budgets.wake_ms(*world.now)
        assert wake > 0
        waited += wake
        got += len(world.granted(after_ms=wake))
        looks += 1
    assert got == most
    assert waited <= in_ms


def test_a_ticket_takes_from_all_its_budgets_or_from_none() -> None:
    """If this failed, a request that waits for one budget would use up another meanwhile."""
    world = World()
    world.wishes(10, Charge("orders"))
    world.granted()
    world.wish(Charge("weight", 5), Charge("orders"))
    assert world.granted() == []
    assert world.used("weight") == 0


def test_each_instrument_has_its_own_share_where_the_venue_counts_so() -> None:
    """If this failed, a busy market would stop the orders of all others."""
    world = World()
    first = world.wishes(10, Charge("orders", of="A"))
    second = world.wishes(10, Charge("orders", of="B"))
    assert world.granted() == first + second
    world.wish(Charge("orders", of="A"))
    assert world.granted() == []


def test_the_most_urgent_goes_first() -> None:
    """If this failed, a cancel would wait behind a download of candles."""
    world = World(Budget("b", 1, 1_000, Window.SLIDING, "ip"))
    for priority in reversed(Priority):
        world.wish(Charge("b"), as_=priority)
    order = list[Priority]()
    while len(order) < len(Priority):
        order += [ticket.priority for ticket in world.granted(after_ms=100)]
    assert order == list(Priority)


@pytest.mark.parametrize("data", [Priority.DATA, Priority.HISTORY])
def test_data_never_touches_the_reserve(data: Priority) -> None:
    """If this failed, a download could use up what a cancel needs."""
    world = World()
    world.wishes(30, Charge("weight", 5), as_=data)
    assert len(world.granted()) == 16
    world.wishes(4, Charge("weight", 5), as_=Priority.CANCEL)
    assert [ticket.priority for ticket in world.granted()] == [Priority.CANCEL] * 4


def test_data_does_not_starve_under_a_flood_of_orders() -> None:
    """If this failed, a bot that floods orders would blind itself."""
    world, granted = World(ORDERS), list[Priority]()
    for step in range(2_400):
        if step % 4:
            world.wish(Charge("orders"))  # three times what the budget allows
        if step % 200 == 40:
            world.wish(Charge("orders"), as_=Priority.HISTORY)
        for ticket in world.granted(after_ms=50):
            granted.append(ticket.priority)
            world.budgets.answered(ticket, *world.now)
    assert granted.count(Priority.HISTORY) >= 3
    assert granted.count(Priority.ORDER) > 120 / 2 * 10 * 0.8


def test_a_cancel_is_never_held_back_by_those_that_waited_long() -> None:
    """If this failed, the age of a download could cost the time of a cancel."""
    world = World(ORDERS)
    world.wishes(9, Charge("orders"))
    world.granted()
    world.wishes(5, Charge("orders"), as_=Priority.DATA)
    for _ in range(200):
        world.wishes(1, Charge("orders"))
        world.granted(after_ms=500)
        cancel = world.wish(Charge("orders"), as_=Priority.CANCEL)
        assert world.granted(after_ms=3_100)[0] is cancel


def test_a_heavy_request_is_not_overtaken_for_ever_by_light_ones() -> None:
    """If this failed, a large page of history would never come while small ones do."""
    world = World(WEIGHT)
    world.wishes(15, Charge("weight", 5), as_=Priority.DATA)
    world.granted()
    heavy = world.wish(Charge("weight", 50), as_=Priority.DATA)
    light = world.wishes(5, Charge("weight"), as_=Priority.DATA)
    assert world.granted() == []
    assert world.granted(after_ms=60_000) == [heavy, *light]


def test_a_cancelled_wish_costs_nothing_and_a_granted_one_is_never_given_back() -> None:
    """If this failed, cancelling would waste the budget, or count bytes that have left as never sent."""
    world = World(ORDERS)
    first, second = world.wishes(2, Charge("orders", 6))
    assert world.granted() == [first]
    assert world.budgets.cancel(second)
    assert not world.budgets.cancel(second)
    assert not world.budgets.cancel(first)
    assert world.used("orders") == 6


def test_near_an_edge_both_windows_are_charged_until_the_answer_tells() -> None:
    """If this failed, a request counted in the next window would be one too many there."""
    world = World(WEIGHT, at_ms=59_500)
    tickets = world.wishes(10, Charge("weight", 10))
    assert world.granted() == tickets
    world.wish(Charge("weight"))
    assert world.granted(after_ms=1_000) == []
    world = World(WEIGHT, at_ms=58_990)
    tickets = world.wishes(10, Charge("weight", 10))
    assert world.granted() == tickets
    world.at_ms = 59_100
    for ticket in tickets:
        world.budgets.answered(ticket, *world.now)
    late = world.wishes(10, Charge("weight", 10))
    assert world.granted(after_ms=1_200) == late


def test_the_venues_own_count_is_believed_where_it_is_higher() -> None:
    """If this failed, another program at our address would make us run into the limit."""
    world = World()
    world.wish(Charge("weight", 10))
    world.granted()
    world.told(Reading("weight", used=97))
    assert world.used("weight") == 97
    world.told(Reading("weight", used=12))
    assert world.used("weight") == 97
    assert len(world.granted(after_ms=60_000)) == 0
    for name, told, left in (("orders", 9, 1), ("calls", 13, 2)):
        world.told(Reading(name, used=told))
        assert world.used(name) == told
        world.wishes(9, Charge(name))
        assert len(world.granted()) == left


def test_a_count_from_before_an_edge_does_not_fill_the_window_after_it() -> None:
    """If this failed, an answer that crossed the minute would stop us for the whole next one."""
    world = World(at_ms=60_100)
    world.told(Reading("weight", used=100))
    assert world.used("weight") == 0


def test_a_limit_that_the_venue_changed_is_adopted_at_once() -> None:
    """If this failed, lowered limits would get us banned, and raised ones be wasted."""
    world = World()
    world.told(Reading("weight", limit=20))
    world.wishes(8, Charge("weight", 5))
    assert len(world.granted()) == 4
    world.told(Reading("weight", limit=30))
    assert len(world.granted()) == 2


def test_a_request_larger_than_a_lowered_limit_goes_alone() -> None:
    """If this failed, it would wait for ever, and hold all others of its budget."""
    world = World()
    world.wish(Charge("weight", 80))
    world.told(Reading("weight", limit=50))
    assert len(world.granted()) == 1


@pytest.mark.parametrize("given", [{"quiet_ms": 5_000}, {"quiet_until_ms": NOON_MS + 15_000}])
def test_a_budget_told_to_rest_rests_for_everybody_and_only_itself(given: dict[str, int]) -> None:
    """If this failed, we would go on after a 429 and be banned, or stop what nobody asked us to stop."""
    world = World()
    world.told(Reading("weight", **given))  # type: ignore[arg-type]
    world.wish(Charge("weight"), as_=Priority.CANCEL)
    other = world.wish(Charge("orders"))
    assert world.granted() == [other]
    assert world.budgets.wake_ms(*world.now) == 5_000
    assert world.granted(after_ms=4_999) == []
    assert len(world.granted(after_ms=1)) == 1


def test_a_shorter_wish_for_quiet_does_not_shorten_a_ban() -> None:
    """If this failed, a late Retry-After would make us knock during the ban and lengthen it."""
    world = World()
    world.told(Reading("weight", quiet_ms=100_000, banned=True), Reading("weight", quiet_ms=1_000))
    use = next(use for use in world.budgets.use(*world.now) if use.budget == "weight")
    assert (use.quiet_ms, use.banned) == (100_000, True)


def test_a_ban_shuts_all_that_its_owner_may_do() -> None:
    """If this failed, we would go on to dial while our address is banned, and lengthen the ban."""
    dials = Budget("dials", 300, 300_000, Window.SLIDING, "ip")
    keyed = Budget("keyed", 10, 10_000, Window.SLIDING, "key")
    world = World(WEIGHT, dials, keyed)
    world.told(Reading("weight", quiet_ms=5_000, banned=True))
    waiting, free = world.wish(Charge("dials")), world.wish(Charge("keyed"))
    assert world.granted() == [free]
    assert world.granted(after_ms=5_000) == [waiting]


def test_bans_survive_a_restart() -> None:
    """If this failed, restarting the bot would be the way to turn two minutes of ban into three days."""
    before = World()
    before.told(Reading("weight", quiet_ms=100_000, banned=True), Reading("orders", quiet_ms=1_000))
    standing = before.budgets.state(before.now[0])
    after = Budgets(ALL)
    mono_ns, venue_ms = 77 * MS, before.now[1] + 40_000  # another boot, another monotonic clock
    after.restore(standing, mono_ns, venue_ms)
    after.wish((Charge("weight"),), Priority.CANCEL, mono_ns)
    assert after.granted(mono_ns, venue_ms) == []
    assert after.wake_ms(mono_ns, venue_ms) == 60_000
    assert [use.budget for use in after.use(mono_ns, venue_ms) if use.quiet_ms] == ["weight"]
    assert before.budgets.state(before.now[0] + 200_000 * MS) == Standing()


def test_the_gauges_cross_each_line_once() -> None:
    """If this failed, nobody would be warned before the venue refuses."""
    world, lines = World(WEIGHT), list[int]()
    for _ in range(20):
        world.wish(Charge("weight", 5))
        world.granted()
        use = world.budgets.use(*world.now)[0]
        lines.append(use.alert_percent)
    assert lines == [0] * 13 + [70] * 3 + [85] * 2 + [95] * 2
    assert use.fraction == 1.0


def test_what_cannot_be_is_refused_at_once() -> None:
    """If this failed, a mistyped budget or a monstrous request would wait in silence for ever."""
    world = World()
    with pytest.raises(UnknownName, match="weight"):
        world.wish(Charge("wieght"))
    with pytest.raises(Misuse, match="ever allows"):
        world.wish(Charge("orders", 6), Charge("orders", 6))
    assert world.budgets.wake_ms(*world.now) == -1


def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a venue that is down would fill our memory with wishes."""
    monkeypatch.setattr(budget, "WAITING_MOST", 3)
    world = World()
    world.wishes(3, Charge("weight"))
    with pytest.raises(Limited, match="3 requests"):
        world.wish(Charge("weight"))


def test_counts_of_the_past_are_forgotten() -> None:
    """If this failed, every connection ever opened would stay in memory."""
    world = World()
    for number in range(2_000):
        world.wish(Charge("frames", of=f"connection {number}"))
        world.granted(after_ms=100)
    assert len(world.budgets.use(*world.now)) <= 2 * budget.COUNTS_SWEEP


def test_they_tell_their_state_in_a_line() -> None:
    """If this failed, a stuck request could not be explained."""
    world = World(ORDERS)
    ticket = world.wish(Charge("orders", 2, of="A"))
    assert repr(ticket) == "<Ticket 1 ORDER waiting: 2 of orders A>"
    assert repr(world.budgets) == "<Budgets orders: 1 waiting, 0 told to rest>"
