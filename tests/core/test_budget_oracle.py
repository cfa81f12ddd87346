"""Budgets against a venue that counts at arrival, with a wicked wire and a wrong clock: it never has to refuse."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fairlead.core.budget import Budgets, Priority, Ticket
from fairlead.core.windows import ARRIVES_MS, MS, SKEW_MS
from fairlead.wire.limits import Budget, Charge, Window
from tests.core.test_budget import CALLS, FRAMES, NOON_MS, ORDERS, START_NS

MINUTE = Budget("minute", 12, 3_000, Window.FIXED, "ip")  # short, so that edges are met often
WATCHED = (MINUTE, ORDERS, CALLS, FRAMES)


class Oracle(RuleBasedStateMachine):
    """The venue, counting at arrival, with a wire as wicked as allowed and a clock as wrong as allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.budgets = Budgets(WATCHED)
        self.at_ms = 0
        self.going: list[tuple[int, Ticket]] = []  # when each arrives
        self.coming: list[tuple[int, Ticket]] = []  # when its answer is here
        self.arrivals: dict[str, list[tuple[int, int]]] = {one.name: [] for one in WATCHED}
        self.skew_ms = 0
        self.level = {"calls": (0.0, 0), "frames": (0.0, 0)}

    @property
    def now(self) -> tuple[int, int]:
        return START_NS + self.at_ms * MS, NOON_MS + self.at_ms + self.skew_ms

    @rule(
        charges=st.lists(st.tuples(st.sampled_from(WATCHED), st.integers(1, 5)), min_size=1, max_size=2),
        priority=st.sampled_from(Priority),
        count=st.integers(1, 12),
    )
    def wish(self, charges: list[tuple[Budget, int]], priority: Priority, count: int) -> None:
        once = {one.name: Charge(one.name, units) for one, units in charges}
        for _ in range(count):
            self.budgets.wish(tuple(once.values()), priority, self.now[0])

    @rule(delays=st.lists(st.integers(0, ARRIVES_MS), min_size=1, max_size=6), back=st.integers(0, 3_000))
    def grant(self, delays: list[int], back: int) -> None:
        for number, ticket in enumerate(self.budgets.granted(*self.now)):
            arrives = self.at_ms + delays[number % len(delays)]
            self.going.append((arrives, ticket))
            self.coming.append((arrives + back, ticket))
        self.pass_time(0)

    @rule(ms=st.sampled_from([1, 7, 50, 240, 990, 1_010, 2_000, 9_000]))
    def pass_time(self, ms: int) -> None:
        self.at_ms += ms
        for arrives, ticket in sorted((one for one in self.going if one[0] <= self.at_ms), key=lambda one: one[0]):
            for charge in ticket.charges:
                self.arrive(charge, arrives)
        for _, ticket in [one for one in self.coming if one[0] <= self.at_ms]:
            self.budgets.answered(ticket, *self.now)
        self.going = [one for one in self.going if one[0] > self.at_ms]
        self.coming = [one for one in self.coming if one[0] > self.at_ms]

    @rule(skew=st.integers(-SKEW_MS, SKEW_MS))
    def step_clock(self, skew: int) -> None:
        self.skew_ms = skew

    @precondition(lambda self: self.budgets.wake_ms(*self.now) > 0)
    @rule()
    def sleep_until_woken(self) -> None:
        self.pass_time(self.budgets.wake_ms(*self.now))

    def arrive(self, charge: Charge, at_ms: int) -> None:
        heard = self.arrivals[charge.budget]
        heard.append((at_ms, charge.units))
        if charge.budget == "minute":
            window = (NOON_MS + at_ms) // MINUTE.per_ms
            assert sum(units for at, units in heard if (NOON_MS + at) // MINUTE.per_ms == window) <= MINUTE.units
        elif charge.budget == "orders":
            assert sum(units for at, units in heard if at_ms - ORDERS.per_ms < at <= at_ms) <= ORDERS.units
        else:
            rule_ = CALLS if charge.budget == "calls" else FRAMES
            level, since = self.level[charge.budget]
            level = max(0.0, level - (at_ms - since) * rule_.units / rule_.per_ms) + charge.units
            self.level[charge.budget] = (level, at_ms)
            assert level <= (rule_.most or rule_.units) + 1e-6

    @invariant()
    def gauges_never_exceed_the_limit(self) -> None:
        assert all(use.used <= use.limit for use in self.budgets.use(*self.now))


TestTheOracleNeverRefuses = Oracle.TestCase
TestTheOracleNeverRefuses.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
