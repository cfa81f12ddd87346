"""Who may ask a venue what, and when: tickets in order of priority against its budgets; it never sends or waits.

Rules: a ticket takes from all its budgets or from none. What was granted is never given back, for its bytes may have
left. A part of every budget is kept from market data, so that an order can always be cancelled. The venue's own count
is believed where it is higher, its limits and its wish for quiet always.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from math import inf

from msgspec import Struct

from fairlead.core.windows import MS, Count, Now, count_of
from fairlead.errors import Limited, Misuse, UnknownName
from fairlead.wire.limits import Budget, Charge, Reading

RESERVE = 0.2  # of every budget, which data and history never touch
AGE_MS = 10_000  # waiting so long lifts a ticket by one class, up to that of orders
HOLD = 0.1  # a ticket may hold its betters back for this part of the time that it has waited
WAITING_MOST = 10_000  # tickets
ALERTS_PERCENT = (95, 85, 70)
COUNTS_SWEEP = 256  # more counts than this are searched for idle ones


class Priority(IntEnum):
    CANCEL = 0
    RECOVER = 1  # the truth about an order that we do not know
    ORDER = 2
    ACCOUNT = 3
    DATA = 4
    HISTORY = 5


class Ticket:
    """A wish, in the queue or granted."""

    __slots__ = ("charges", "granted", "number", "priority", "wished_ns")

    def __init__(self, number: int, charges: tuple[Charge, ...], priority: Priority, wished_ns: int) -> None:
        self.number, self.charges, self.priority, self.wished_ns = number, charges, priority, wished_ns
        self.granted = False

    def __repr__(self) -> str:
        charges = ", ".join(f"{one.units} of {one.budget}{' ' if one.of else ''}{one.of}" for one in self.charges)
        return f"<Ticket {self.number} {self.priority.name} {'granted' if self.granted else 'waiting'}: {charges}>"


class Quiet(Struct, frozen=True):
    """Until when a budget must rest, on the venue's clock."""

    budget: str
    until_ms: int
    banned: bool = False


class Standing(Struct, frozen=True):
    """What must survive a restart: forgetting a ban would lengthen it."""

    quiets: tuple[Quiet, ...] = ()
    at_ms: int = 0  # when it was written down, on the venue's clock: whoever reads it reads it later


class Use(Struct, frozen=True):
    """How full a budget is."""

    budget: str
    of: str
    used: int
    limit: int
    quiet_ms: int = 0
    banned: bool = False

    @property
    def fraction(self) -> float:
        return self.used / self.limit if self.limit else 1.0

    @property
    def alert_percent(self) -> int:
        """The highest line that it crossed; 0: none."""
        return next((line for line in ALERTS_PERCENT if self.used * 100 >= self.limit * line), 0)


class Budgets:
    """All budgets of one venue, as one key at one address meets them."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._budgets = {budget.name: budget for budget in budgets}
        self._limits = {name: budget.most or budget.units for name, budget in self._budgets.items()}
        self._counts: dict[tuple[str, str], Count] = {}
        self._sweep_at = COUNTS_SWEEP
        self._quiets: dict[str, tuple[int, Quiet]] = {}  # until when on our clock
        self._waiting: dict[int, Ticket] = {}
        self._last = 0

    def wish(self, charges: tuple[Charge, ...], priority: Priority, mono_ns: int) -> Ticket:
        charges = _merged(charges)
        for charge in charges:
            if charge.budget not in self._budgets:
                raise UnknownName("budget", charge.budget, self._budgets)
            if charge.units > self._limits[charge.budget]:
                raise Misuse(f"{charge.units} units are more than {charge.budget!r} ever allows at once.")
        if len(self._waiting) >= WAITING_MOST:
            raise Limited(f"{WAITING_MOST} requests are waiting already.", next="ask less, or wait for answers")
        self._last += 1
        ticket = self._waiting[self._last] = Ticket(self._last, charges, priority, mono_ns)
        return ticket

    def cancel(self, ticket: Ticket) -> bool:
        """Whether it was still waiting; it is not any more. What was granted stays charged."""
        return self._waiting.pop(ticket.number, None) is not None

    def granted(self, mono_ns: int, venue_ms: int) -> list[Ticket]:
        """The tickets that may go now, the most urgent first."""
        now, held, gone = Now(mono_ns, venue_ms), dict[tuple[str, str], int](), list[Ticket]()
        if len(self._counts) > self._sweep_at:
            self._sweep(now)
        for ticket in self._in_order(mono_ns):
            if any(ticket.priority >= held.get(_key(one), inf) for one in ticket.charges):
                continue
            full = self._full(ticket, now)
            if not full:
                for charge in ticket.charges:
                    self._count(_key(charge)).take(ticket.number, charge.units, now)
                ticket.granted = True
                gone.append(self._waiting.pop(ticket.number))
            for charge in full:
                key = _key(charge)
                held[key] = min(held.get(key, ticket.priority), self._holds(ticket, charge, now))
        return gone

    def wake_ms(self, mono_ns: int, venue_ms: int) -> int:
        """In how long to ask `granted` again; -1: not before something else happens."""
        now, waits = Now(mono_ns, venue_ms), []
        seen: set[tuple[str, str]] = set()
        for ticket in self._in_order(mono_ns):
            keys = {_key(charge) for charge in ticket.charges}
            if not keys <= seen:  # whoever waits behind others of the same budgets waits for them
                waits.append(max((self._opens_ns(one, ticket.priority, now) for one in ticket.charges), default=0))
                seen |= keys
        return max(1, -(-min(waits) // MS)) if waits else 1 if self._waiting else -1

    def answered(self, ticket: Ticket, mono_ns: int, venue_ms: int) -> None:
        """An answer to it came: it has arrived, and is no more on its way."""
        for charge in ticket.charges:
            if ticket.granted:
                self._count(_key(charge)).arrived(ticket.number, Now(mono_ns, venue_ms))

    def told(self, readings: Iterable[Reading], mono_ns: int, venue_ms: int) -> None:
        """What the venue says of its own count, its limits, and its wish for quiet."""
        now = Now(mono_ns, venue_ms)
        for reading in readings:
            if reading.budget not in self._budgets:
                continue
            if reading.limit >= 0:
                self._limits[reading.budget] = reading.limit
            if reading.used >= 0:
                self._count((reading.budget, "")).told(reading.used, now)
            until_ms = max(reading.quiet_until_ms, venue_ms + reading.quiet_ms)
            if until_ms > venue_ms:
                for name in self._shut_with(reading):
                    self._hush(Quiet(name, until_ms, reading.banned), now)

    def _shut_with(self, reading: Reading) -> list[str]:
        """A ban is not of one budget: whoever shares its owner, be it to dial, must be quiet too."""
        owner = self._budgets[reading.budget].of
        return [
            name
            for name, budget in self._budgets.items()
            if name == reading.budget or (reading.banned and budget.of == owner)
        ]

    def state(self, mono_ns: int) -> Standing:
        return Standing(tuple(quiet for until_ns, quiet in self._quiets.values() if until_ns > mono_ns))

    def restore(self, standing: Standing, mono_ns: int, venue_ms: int) -> None:
        for quiet in standing.quiets:
            if quiet.budget in self._budgets and quiet.until_ms > venue_ms:
                self._hush(quiet, Now(mono_ns, venue_ms))

    def use(self, mono_ns: int, venue_ms: int) -> tuple[Use, ...]:
        """Every budget that is in use or at rest."""
        now = Now(mono_ns, venue_ms)
        keys = sorted({*self._counts, *((name, "") for name in self._quiets)})
        return tuple(self._use(name, of, now) for name, of in keys)

    def __repr__(self) -> str:
        return f"<Budgets {', '.join(self._limits)}: {len(self._waiting)} waiting, {len(self._quiets)} told to rest>"

    def _use(self, name: str, of: str, now: Now) -> Use:
        until_ns, quiet = self._quiets.get(name, (0, None))
        rests = max(0, until_ns - now.mono_ns)
        used = self._counts[name, of].used(now) if (name, of) in self._counts else 0
        return Use(name, of, used, self._limits[name], -(-rests // MS), bool(quiet and quiet.banned and rests))

    def _in_order(self, mono_ns: int) -> list[Ticket]:
        def rank(ticket: Ticket) -> tuple[int, int]:
            lifted = ticket.priority - (mono_ns - ticket.wished_ns) // (AGE_MS * MS)
            return min(ticket.priority, max(Priority.ORDER, lifted)), ticket.number

        return sorted(self._waiting.values(), key=rank)

    def _full(self, ticket: Ticket, now: Now) -> list[Charge]:
        """The charges for which there is no room."""
        return [one for one in ticket.charges if self._opens_ns(one, ticket.priority, now) > 0]

    def _holds(self, ticket: Ticket, charge: Charge, now: Now) -> int:
        """The best class that must wait behind it: its own; or all but the most urgent, when its turn is near."""
        waited_ns = now.mono_ns - ticket.wished_ns
        near = self._opens_ns(charge, ticket.priority, now) <= waited_ns * HOLD
        return min(ticket.priority, Priority.ORDER) if near else ticket.priority

    def _opens_ns(self, charge: Charge, priority: Priority, now: Now) -> int:
        rests_ns = self._quiets[charge.budget][0] - now.mono_ns if charge.budget in self._quiets else 0
        if rests_ns > 0:
            return rests_ns
        # What is larger than its class may use goes when nothing else does.
        ceiling = max(charge.units, self._ceiling(charge.budget, priority))
        return self._count(_key(charge)).opens_ns(charge.units, ceiling, now)

    def _ceiling(self, name: str, priority: Priority) -> int:
        limit = self._limits[name]
        return limit if priority < Priority.DATA else int(limit * (1 - RESERVE))

    def _hush(self, quiet: Quiet, now: Now) -> None:
        until_ns = now.mono_ns + (quiet.until_ms - now.venue_ms) * MS
        if until_ns > self._quiets.get(quiet.budget, (0, quiet))[0]:
            self._quiets[quiet.budget] = (until_ns, quiet)

    def _count(self, key: tuple[str, str]) -> Count:
        if key not in self._counts:
            self._counts[key] = count_of(self._budgets[key[0]])
        return self._counts[key]

    def _sweep(self, now: Now) -> None:
        """Forgets those (closed connections, instruments no longer asked for) whose counts have run out."""
        self._counts = {key: count for key, count in self._counts.items() if count.used(now)}
        self._sweep_at = max(COUNTS_SWEEP, 2 * len(self._counts))


def _merged(charges: tuple[Charge, ...]) -> tuple[Charge, ...]:
    """One charge for each budget."""
    units: dict[tuple[str, str], int] = {}
    for charge in charges:
        units[_key(charge)] = units.get(_key(charge), 0) + charge.units
    return tuple(Charge(name, total, of) for (name, of), total in units.items())


def _key(charge: Charge) -> tuple[str, str]:
    return charge.budget, charge.of
