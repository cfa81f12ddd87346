"""The checker of a voyage: holds the program's journal and words against the venue's own ledger; it believes neither
the program nor what the venue told it.

At every step it looks at what is new in the ledger and in the journal, and at what is in doubt or frozen; at the end at
everything."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from fairlead.cli.voyage.bots import Try
from fairlead.cli.voyage.log import Log, Tally
from fairlead.cli.voyage.paper import Paper
from fairlead.core import facts, ids
from fairlead.core.account import Account
from fairlead.core.track import Track, sums
from fairlead.model.numbers import EXACT
from fairlead.model.order import Life, Order
from fairlead.model.orders import Fill, Status
from fairlead.sim.city import City
from fairlead.sim.truth import Accepted
from fairlead.venues import registry
from fairlead.wire.limits import Window

MS = 1_000_000
LOOK_MS = 100  # between two steps
S = 1_000 * MS
DOUBT_MORE_NS = 30 * S  # beyond the time the venue takes to settle
FREEZE_NS = 60 * S  # two quiet periods of the reconciler
REFUSED_NS = 60 * S  # what a mishap used up of a limit is missing for so long
REFILLS = 2
CALM_NS = 1_000 * MS  # an order that nothing kept is answered within this
ENDS = {
    Life.FILLED: Status.FILLED, Life.CANCELLED: Status.CANCELLED, Life.EXPIRED: Status.EXPIRED,
    Life.REJECTED: Status.REJECTED,
}  # fmt: skip
LIFE = {status: life for life, status in ENDS.items()} | {Status.OPEN: Life.OPEN}
AWAY = {Life.CANCELLED, Life.EXPIRED, Life.REJECTED}  # over before it was filled: venues have few words for why
NEVER = (Life.NOT_ACCEPTED, Life.ABANDONED)  # these say that the venue never had it


class Checker:
    """`touched`: when mishaps had a hand in a venue, as (venue or "" for all, from, to)."""

    def __init__(self, city: City, paper: Paper, log: Log, touched: list[tuple[str, int, int]]) -> None:
        self._city, self._paper, self._log, self._touched = city, paper, log, touched
        self._venues = tuple(mouth.venue.name for mouth in city.mouths)
        self._rows = dict.fromkeys(self._venues, 0)  # of the ledger's orders that were looked at
        self._lines = 0  # of the journal
        self._intended: dict[tuple[str, str], facts.Intended] = {}  # by venue and name
        self._sent: dict[tuple[str, str], int] = {}
        self._absent: dict[tuple[str, str], int] = {}
        self._fills: set[tuple[str, str, str]] = set()  # that were told
        self._held: list[tuple[str, int, int]] = []  # like touched: what a death left in doubt held new orders
        self._since: dict[tuple[str, ...], int] = {}  # what is in doubt or frozen, since when
        self.accounts: dict[str, Account] = {}  # of the program that lives now
        self._unresolved: dict[str, set[str]] = {}  # what was in doubt when it began
        self.longest_s = dict.fromkeys(self._venues, 0.0)

    # ---- at every step

    def look(self, now_ns: int) -> None:
        self._read_journal(now_ns)
        self._read_refusals(now_ns)
        for venue in self._venues:
            self._read_ledger(venue, now_ns)
        for venue, account in self.accounts.items():
            self._time(venue, account, now_ns)

    def told(self, order: Order, now_ns: int) -> None:
        """The program said this to its bots."""
        taken = self._accepted(order.venue, order.client_id)
        honest = [one for one in taken if not one.is_late]
        if order.life in NEVER and honest:
            self._log.breach(now_ns, f"{order.client_id} is told {order.life}, and {order.venue} took it")
        status = ENDS.get(order.life)
        if status is None or (order.life is Life.REJECTED and not order.order_id and not honest):
            return
        truth = self._city.mouth(order.venue).truth
        if not any(truth.end_of(one.order_id) for one in taken):
            self._log.breach(now_ns, f"{order.client_id} is told {order.life}, and is none of it at {order.venue}")

    def filled(self, fill: Fill, now_ns: int) -> None:
        """The program told this fill to its bots."""
        name = (fill.venue, fill.order_id, fill.id)
        if name in self._fills:
            self._log.breach(now_ns, f"{fill.client_id}: the fill {fill.id} was told twice")
        self._fills.add(name)

    def _read_refusals(self, now_ns: int) -> None:
        """The venue's own limits are never met, save where a mishap met them for us."""
        for mouth in self._city.mouths:
            while mouth.refusals:
                one = mouth.refusals.popleft()
                if not one.is_mishap and now_ns > self.touched_ns(one.venue, now_ns) + REFUSED_NS:
                    self._log.breach(now_ns, f"{one.venue} refused us by its limit of {one.budget}")

    def _read_journal(self, now_ns: int) -> None:
        for fact in islice(self._paper.facts, self._lines, None):
            match fact:
                case facts.Intended():
                    self._intend(fact, now_ns)
                case facts.Sending():
                    self._send(fact, now_ns)
                case facts.Absent():
                    name = (fact.venue, fact.client_id)
                    self._absent[name] = self._absent.get(name, 0) + 1
        self._lines = len(self._paper.facts)

    def _intend(self, fact: facts.Intended, now_ns: int) -> None:
        name = (fact.venue, fact.asked.client_id)
        if name in self._intended:
            self._log.breach(now_ns, f"{fact.venue}: the name {name[1]} was given twice")
        self._intended[name] = fact

    def _send(self, fact: facts.Sending, now_ns: int) -> None:
        name = (fact.venue, fact.client_id)
        self._sent[name] = self._sent.get(name, 0) + 1
        if fact.attempt > 1 and self._absent.get(name, 0) < fact.attempt - 1:
            self._log.breach(now_ns, f"{fact.client_id} is sent again, and its absence was not proven")

    def _read_ledger(self, venue: str, now_ns: int) -> None:
        rows = self._city.mouth(venue).truth.orders
        for row in islice(rows, self._rows[venue], None):
            name = row.client_id
            if not ids.is_ours(name):
                continue
            if (venue, name) not in self._intended or (venue, name) not in self._sent:
                self._log.breach(now_ns, f"{venue} took {name}, and the journal does not say that it was sent")
            honest = [one for one in self._accepted(venue, name) if not one.is_late]
            if len(honest) > 1:
                self._log.breach(now_ns, f"{venue} took {name} {len(honest)} times")
            track = self.accounts[venue].tracks.get(name) if venue in self.accounts else None
            if track is not None and track.order.life in NEVER and not row.is_late:
                self._log.breach(now_ns, f"{venue} took {name}, which was told {track.order.life}")
        self._rows[venue] = len(rows)

    def _time(self, venue: str, account: Account, now_ns: int) -> None:
        """No doubt and no freeze lasts longer than it may, once the venue answers again."""
        settled_ns = _settled_ns(venue)
        doubts = [("doubt", venue, track.order.client_id) for track in account.doubtful()]
        freezes = [("freeze", venue, symbol) for symbol in account.frozen]
        lasting: set[tuple[str, ...]] = {*doubts, *freezes}
        for key in [key for key in self._since if key[1] == venue and key not in lasting]:
            del self._since[key]
        quiet_ns = self.touched_ns(venue, now_ns)
        self._unresolved[venue] = self._unresolved.get(venue, set()) & {name for _, _, name in doubts}
        if self._unresolved[venue]:  # the death that left it goes on having a hand in what is wanted now
            self._held.append((venue, now_ns, now_ns + LOOK_MS * MS))
        for key in lasting:
            since_ns = self._since.setdefault(key, now_ns)
            if key[0] == "doubt":
                self.longest_s[venue] = max(self.longest_s[venue], (now_ns - since_ns) / S)
            most_ns = settled_ns + DOUBT_MORE_NS if key[0] == "doubt" else FREEZE_NS + (settled_ns if doubts else 0)
            late_ns = now_ns - max(since_ns, quiet_ns) - most_ns
            if 0 < late_ns <= LOOK_MS * MS:  # told once
                why = account.frozen.get(key[2], "")
                self._log.breach(now_ns, f"{venue}: the {key[0]} {key[2]!r} does not end {why}")

    # ---- what mishaps had a hand in

    def touched_ns(self, venue: str, now_ns: int) -> int:
        """When the last of them ended; it may last on."""
        return max(
            (min(to, now_ns) for name, frm, to in self._touched if name in ("", venue) and frm <= now_ns), default=0
        )

    def is_calm(self, one: Try) -> bool:
        """Whether nothing had a hand in it."""
        end_ns = one.began_ns + max(one.took_ns, CALM_NS)
        return not any(
            frm <= end_ns and one.began_ns <= to
            for name, frm, to in (*self._touched, *self._held)
            if name in ("", one.venue)
        )

    # ---- at the end

    def close(self, now_ns: int, tries: list[Try]) -> None:
        """Everything against the ledger, to the last digit."""
        for venue in self._venues:
            tally = self._log.tallies.setdefault(venue, Tally())
            self._count(venue, tally)
            account = self.accounts[venue]
            tally.unknown_left = sum(1 for _ in account.doubtful())
            tally.frozen_left = len(account.frozen)
            tally.doubt_s = self.longest_s[venue]
            if tally.unknown_left or tally.frozen_left:
                self._log.breach(now_ns, f"{venue}: at the end {account!r}")
            for track in account.tracks.values():
                for what in self._amiss(venue, track):
                    self._log.breach(now_ns, f"{venue} {track.order.client_id} {what}")
            for what in self._purse(venue):
                self._log.breach(now_ns, f"{venue}: {what}")
        for one in tries:
            self._judge_calm(one)

    def _count(self, venue: str, tally: Tally) -> None:
        ours = [name for where, name in self._intended if where == venue]
        tally.intents = len(ours)
        taken = [one for one in self._city.mouth(venue).truth.orders if ids.is_ours(one.client_id)]
        names = {one.client_id for one in taken}
        tally.accepted = len(names)
        tally.lost = len(names - set(ours))
        tally.doubled = sum(sum(not one.is_late for one in self._accepted(venue, name)) > 1 for name in names)
        tally.fills = sum(len(self._city.mouth(venue).truth.fills(one.order_id)) for one in taken)

    def _amiss(self, venue: str, track: Track) -> Iterator[str]:
        """What of an order is not as the ledger has it."""
        truth, order = self._city.mouth(venue).truth, track.order
        taken = self._accepted(venue, order.client_id)
        if not taken:
            if order.life not in (*NEVER, Life.REJECTED):
                yield f"is {order.life}, and the ledger does not know it"
            if order.filled:
                yield f"is filled {order.filled}, and the ledger does not know it"
            return
        one = next((row for row in taken if row.order_id == order.order_id), None)
        if one is None:
            yield f"is {order.order_id!r} with us and {[row.order_id for row in taken]} in the ledger"
            return
        end = truth.end_of(one.order_id)
        status = end.status if end is not None else Status.OPEN
        if ENDS.get(order.life) is not status and not {order.life, LIFE[status]} <= AWAY:
            yield f"is {order.life} with us and {status} in the ledger"
        filled, cost, fees = sums(truth.fills(one.order_id))
        for what, ours, theirs in (
            ("filled", order.filled, filled),
            ("counted", order.venue_filled, filled),
            ("cost", order.cost, cost),
            ("fees", dict(order.fees), dict(fees)),
        ):
            if ours != theirs:
                yield f"has {what} {ours} with us and {theirs} in the ledger"

    def _purse(self, venue: str) -> Iterator[str]:
        """The simulator's own accounts: what an account has is what it began with and all that moved."""
        mouth = self._city.mouth(venue)
        account = mouth.keyring.account(self._city.keys[venue].key)
        for asset, began in account.began.items():
            if EXACT.add(began, mouth.truth.moved(account.name, asset)) != account.purse.total(asset):
                yield f"{asset} does not add up at the venue itself"

    def holds(self, venue: str, told: Any, now_ns: int) -> None:
        """The balances that the program shows, at the end."""
        account = self._city.mouth(venue).keyring.account(self._city.keys[venue].key)
        shown = {one.asset: one.total for one in told}
        for asset in account.began:
            if shown.get(asset) != account.purse.total(asset):
                said = f"{asset} is {shown.get(asset)} with us and {account.purse.total(asset)} in the ledger"
                self._log.breach(now_ns, f"{venue}: {said}")

    def _judge_calm(self, one: Try) -> None:
        if not one.is_over or not self.is_calm(one):
            return
        tally = self._log.tallies[one.venue]
        tally.calm += 1
        track = self.accounts[one.venue].tracks.get(one.client_id)
        is_refused = one.said.startswith("Refused")  # the venue's word, which the ledger has too
        if one.took_ns <= CALM_NS and (is_refused or (track is not None and not [*self._amiss(one.venue, track)])):
            tally.calm_well += 1
        else:
            said = one.said or (track.order.life if track is not None else "not in the journal")
            self._log.odd.append(f"{one.venue} {one.began_ns / S:.1f} s, {one.took_ns // MS} ms: {said}")

    def _accepted(self, venue: str, name: str) -> list[Accepted]:
        return self._city.mouth(venue).truth.accepted(name)

    def began(self) -> None:
        """A new life of the program has opened: what it is in doubt about from before holds new orders."""
        for venue, account in self.accounts.items():
            self._unresolved[venue] = {track.order.client_id for track in account.doubtful()}

    def __repr__(self) -> str:
        return f"<Checker: {len(self._intended)} intents, {len(self._fills)} fills>"


def _settled_ns(venue: str) -> int:
    """When silence is proof; and the time in which a counter of calls that runs down slowly has run down twice: while
    it is full the venue does not answer, and what was in doubt together fills it again."""
    of = registry.venue(venue)
    slow = [one for one in of.budgets if one.window is Window.DECAYING and one.of == "key"]
    refill_ms = max((one.most * one.per_ms // one.units for one in slow), default=0)
    return (of.settle.fence_ms + of.settle.engine_ms + of.settle.lag_ms + REFILLS * refill_ms) * MS
