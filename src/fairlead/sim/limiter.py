"""The venue's own limits, counted where requests arrive: who is refused, how long, and who is banned; it words nothing.

A refused request is not charged. Who goes on while refused is banned, each time for longer, where the venue bans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from fairlead.errors import Misuse
from fairlead.wire.limits import Budget, Charge, Reading, Window

STRIKES_TO_BAN = 10  # refusals in a row
BAN_FIRST_MS = 120_000  # doubled each time
BAN_MOST_MS = 3 * 86_400_000


class Who(Struct, frozen=True):
    """Who asks; budgets are shared by one of these."""

    ip: str
    key: str = ""
    connection: str = ""
    account: str = ""


class Over(Struct, frozen=True):
    budget: str
    wait_ms: int
    until_ms: int = 0  # on the venue's clock; 0: refused, not banned


class Limiter:
    """`venue_ms` is the venue's clock, `mono_ms` one that never jumps; `bans` says which budgets ban."""

    def __init__(self, budgets: Iterable[Budget], bans: Callable[[str], bool]) -> None:
        self._budgets = {budget.name: budget for budget in budgets}
        self._bans = bans
        self._meters: dict[tuple[str, str], Meter] = {}
        self._strikes: dict[str, int] = {}
        self._banned: dict[str, tuple[str, int, int]] = {}  # owner -> budget, until when on the steady clock, times

    def admit(self, charges: Sequence[Charge], who: Who, venue_ms: int, mono_ms: int) -> Over | None:
        """Charges all of it, or nothing and says which budget is used up."""
        banned = self._ban_of(who, venue_ms, mono_ms)
        if banned is not None:
            return banned
        wanted = [(self._meter(charge, who), charge) for charge in charges if charge.units]
        for meter, charge in wanted:
            wait_ms = max(meter.shut_until_ms - mono_ms, meter.wait_ms(charge.units, meter.now(venue_ms, mono_ms)))
            if wait_ms > 0:
                return self._refuse(meter.budget, wait_ms, who, venue_ms, mono_ms)
        for meter, charge in wanted:
            meter.add(charge.units, meter.now(venue_ms, mono_ms))
            self._strikes.pop(_owner(meter.budget, who), None)
        return None

    def shut(self, charge: Charge, who: Who, wait_ms: int, venue_ms: int, mono_ms: int, is_ban: bool) -> Over:
        """Refuses the budget's owner for a while without a cause, or bans it."""
        meter = self._meter(charge, who)
        if is_ban:
            self._banned[_owner(meter.budget, who)] = (meter.budget.name, mono_ms + wait_ms, 0)
            return Over(meter.budget.name, wait_ms, venue_ms + wait_ms)
        meter.shut_until_ms = mono_ms + wait_ms
        return Over(meter.budget.name, wait_ms)

    def readings(self, charges: Sequence[Charge], who: Who, venue_ms: int, mono_ms: int) -> tuple[Reading, ...]:
        """How far the budgets of these charges are used."""
        meters = {id(meter): meter for meter in (self._meter(charge, who) for charge in charges)}
        return tuple(
            Reading(meter.budget.name, used=meter.used(meter.now(venue_ms, mono_ms)), limit=meter.limit)
            for meter in meters.values()
        )

    def forget(self, connection: str) -> None:
        """Nobody will charge this connection again."""
        gone = [key for key in self._meters if key[1].endswith(f"#{connection}")]
        for key in gone:
            del self._meters[key]

    def _meter(self, charge: Charge, who: Who) -> Meter:
        budget = self._budgets.get(charge.budget)
        if budget is None:
            raise Misuse(f"A charge names the budget {charge.budget!r}, which is not declared.")
        owner = f"{_owner(budget, who)}/{charge.of}" if budget.of == "instrument" else _owner(budget, who)
        meter = self._meters.get((budget.name, owner))
        if meter is None:
            meter = self._meters[budget.name, owner] = METERS[budget.window](budget)
        return meter

    def _refuse(self, budget: Budget, wait_ms: int, who: Who, venue_ms: int, mono_ms: int) -> Over:
        owner = _owner(budget, who)
        strikes = self._strikes[owner] = self._strikes.get(owner, 0) + 1
        if strikes <= STRIKES_TO_BAN or not self._bans(budget.name):
            return Over(budget.name, wait_ms)
        times = self._banned[owner][2] + 1 if owner in self._banned else 0
        length_ms = min(BAN_FIRST_MS << min(times, 20), BAN_MOST_MS)
        self._banned[owner] = (budget.name, mono_ms + length_ms, times)
        del self._strikes[owner]
        return Over(budget.name, length_ms, venue_ms + length_ms)

    def _ban_of(self, who: Who, venue_ms: int, mono_ms: int) -> Over | None:
        for owner in (f"ip {who.ip}", f"key {who.key}", f"account {who.account}"):
            name, until_ms, _ = self._banned.get(owner, ("", 0, 0))
            if until_ms > mono_ms:
                return Over(name, until_ms - mono_ms, venue_ms + until_ms - mono_ms)
        return None

    def __repr__(self) -> str:
        return f"<Limiter {len(self._meters)} meters, {len(self._banned)} were or are banned>"


def _owner(budget: Budget, who: Who) -> str:
    """Who shares the budget; an unsigned request on a key's budget counts for its address."""
    if budget.of == "connection":
        return f"connection #{who.connection}"
    if budget.of in ("account", "instrument") and who.account:
        return f"account {who.account}"
    return f"key {who.key}" if budget.of != "ip" and who.key else f"ip {who.ip}"


class Meter(ABC):
    """One budget of one owner; times are milliseconds of the clock that `now` picks."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.limit = budget.most or budget.units
        self.shut_until_ms = 0  # on the steady clock

    def now(self, venue_ms: int, mono_ms: int) -> int:
        return mono_ms

    @abstractmethod
    def used(self, now_ms: int) -> int:
        """In whole units, rounded up."""

    @abstractmethod
    def wait_ms(self, units: int, now_ms: int) -> int:
        """How long until so many units fit; 0: now."""

    @abstractmethod
    def add(self, units: int, now_ms: int) -> None: ...


class Fixed(Meter):
    _window, _count = -1, 0

    def now(self, venue_ms: int, mono_ms: int) -> int:
        return venue_ms

    def used(self, now_ms: int) -> int:
        return self._count if now_ms // self.budget.per_ms == self._window else 0

    def wait_ms(self, units: int, now_ms: int) -> int:
        per_ms = self.budget.per_ms
        return 0 if self.used(now_ms) + units <= self.limit else per_ms - now_ms % per_ms

    def add(self, units: int, now_ms: int) -> None:
        self._count = self.used(now_ms) + units
        self._window = now_ms // self.budget.per_ms


class Sliding(Meter):
    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self._log: deque[tuple[int, int]] = deque()
        self._count = 0

    def used(self, now_ms: int) -> int:
        while self._log and self._log[0][0] <= now_ms - self.budget.per_ms:
            self._count -= self._log.popleft()[1]
        return self._count

    def wait_ms(self, units: int, now_ms: int) -> int:
        excess = self.used(now_ms) + units - self.limit
        for at_ms, count in self._log:
            if excess <= 0:
                break
            excess -= count
            if excess <= 0:
                return at_ms + self.budget.per_ms - now_ms
        return 0 if excess <= 0 else self.budget.per_ms

    def add(self, units: int, now_ms: int) -> None:
        self._log.append((now_ms, units))
        self._count += units


class Decaying(Meter):
    """A counter that falls steadily; TOKENS is the same seen from below: a bucket that fills."""

    _at_ms = _parts = 0  # counted in parts, `per_ms` of them a unit: it falls by `units` of them a millisecond

    def used(self, now_ms: int) -> int:
        return -(-self._left(now_ms) // self.budget.per_ms)

    def wait_ms(self, units: int, now_ms: int) -> int:
        excess = self._left(now_ms) + (units - self.limit) * self.budget.per_ms
        return max(0, -(-excess // self.budget.units))

    def add(self, units: int, now_ms: int) -> None:
        self._parts = self._left(now_ms) + units * self.budget.per_ms
        self._at_ms = now_ms

    def _left(self, now_ms: int) -> int:
        return max(0, self._parts - (now_ms - self._at_ms) * self.budget.units)


METERS: dict[Window, type[Meter]] = {
    Window.FIXED: Fixed,
    Window.SLIDING: Sliding,
    Window.DECAYING: Decaying,
    Window.TOKENS: Decaying,
}
