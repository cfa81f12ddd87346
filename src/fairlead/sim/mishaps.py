"""The mishaps of a city: which rules are at work, when each is due, and how often it struck; it never does the harm.

handle = mishaps.add(Rule("drop", venue="north", match=Match(kind="book"), nth=3))
handle.fired, handle.end()"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fairlead.errors import Misuse, UnknownName
from fairlead.sim.chance import WORD, stream
from fairlead.sim.rules import GROUPS, Match, Moment, Rule, checked
from fairlead.wire.face import Rng

MS_NS = 1_000_000
RULES_MOST = 1_000  # a control port must not fill the memory


class Handle:
    """One rule at work."""

    def __init__(self, id: int, rule: Rule, begin_ns: int, seed: int) -> None:
        self.id, self.rule = id, rule
        self.fired = self.chances = 0
        self.begin_ns = begin_ns + rule.from_ms * MS_NS
        self.end_ns = self.begin_ns + rule.for_ms * MS_NS if rule.for_ms else 0  # 0: not known yet
        self.is_ended = False
        self._drawn = stream(seed, "mishap")

    def end(self) -> None:
        self.is_ended = True

    def is_over(self, now_ns: int) -> bool:
        spent = (self.rule.nth and self.chances >= self.rule.nth) or (self.rule.most and self.fired >= self.rule.most)
        return self.is_ended or bool(spent) or bool(self.end_ns and now_ns >= self.end_ns)

    def stands(self, now_ns: int) -> bool:
        """Whether it holds now: for mishaps that are a state and take no chances."""
        holds = now_ns >= self.begin_ns and not self.is_over(now_ns)
        self.fired = self.fired or int(holds)
        return holds

    def strikes(self, now_ns: int) -> bool:
        """Whether it takes this chance; the caller has found that it matches."""
        if now_ns < self.begin_ns or self.is_over(now_ns):
            return False
        rule = self.rule
        self.chances += 1
        if rule.nth:
            due = self.chances == rule.nth
        elif rule.every:
            due = self.chances % rule.every == 0
        else:
            due = rule.prob >= 1 or next(self._drawn) < rule.prob * WORD
        self.fired += due
        return due

    def __repr__(self) -> str:
        return f"<Mishap {self.id} {self.rule.channel}/{self.rule.action}: {self.fired} of {self.chances} chances>"


class Mishaps:
    """All rules of a city, asked at every moment in the order they were added."""

    def __init__(self, now_ns: Callable[[], int], rng: Rng, venues: Iterable[str] = ()) -> None:
        self._now_ns, self._rng, self._venues = now_ns, rng, tuple(venues)
        self._added = 0
        self._at: dict[Moment, list[Handle]] = {moment: [] for moment in Moment}

    def add(self, rule: Rule) -> Handle:
        checked(rule)
        if rule.venue and rule.venue not in self._venues:
            raise UnknownName("venue", rule.venue, self._venues)
        if len(self.handles()) >= RULES_MOST:
            raise Misuse(f"There are {RULES_MOST} mishaps already.", next="end some first")
        self._added += 1
        seed = self._rng.getrandbits(64) if rule.seed is None else rule.seed
        handle = Handle(self._added, rule, self._now_ns(), seed)
        self._at[rule.moment].append(handle)
        return handle

    def handles(self) -> tuple[Handle, ...]:
        """Those that are not over, in the order they were added."""
        now_ns = self._now_ns()
        for moment, handles in self._at.items():
            if handles:
                self._at[moment] = [handle for handle in handles if not handle.is_over(now_ns)]
        return tuple(sorted((one for handles in self._at.values() for one in handles), key=lambda one: one.id))

    def clear(self) -> None:
        for handle in self.handles():
            handle.end()

    def any_at(self, moment: Moment) -> bool:
        """Whether it is worth asking: a look that costs nothing."""
        return bool(self._at[moment])

    def struck(self, moment: Moment, venue: str, here: Match) -> Iterator[Handle]:
        """The rules that strike here and now."""
        now_ns = self._now_ns()
        for handle in tuple(self._at[moment]):
            if handle.rule.venue in ("", venue) and _fits(handle.rule.match, here) and handle.strikes(now_ns):
                yield handle

    def end_of_step(self) -> None:
        """What strikes once on all connections there are has done so."""
        for handle in self._at[Moment.TICK]:
            if handle.rule.is_once and handle.fired:
                handle.end()

    def is_dead(self, venue: str, host_key: str, slot: int) -> bool:
        """Whether an address takes no connections now."""
        if not self.any_at(Moment.DIAL):
            return False
        return any(True for _ in self._standing(Moment.DIAL, venue, Match(host=host_key, slot=slot)))

    def skew_ms(self, venue: str) -> int:
        """How far a venue's clock is ahead now."""
        if not self.any_at(Moment.CLOCK):
            return 0
        return sum(handle.rule.args.ms for handle in self._standing(Moment.CLOCK, venue, Match()))

    def _standing(self, moment: Moment, venue: str, here: Match) -> Iterator[Handle]:
        now_ns = self._now_ns()
        for handle in self._at[moment]:
            if handle.rule.venue in ("", venue) and _fits(handle.rule.match, here) and handle.stands(now_ns):
                yield handle

    def __repr__(self) -> str:
        return f"<Mishaps {list(self.handles())}>"


def _fits(wanted: Match, here: Match) -> bool:
    return (
        (wanted.op in ("", here.op) or here.op in GROUPS.get(wanted.op, ()))
        and wanted.path in ("", here.path)
        and wanted.kind in ("", here.kind)
        and wanted.symbol in ("", here.symbol)
        and wanted.door in ("", here.door)
        and wanted.host in ("", here.host)
        and wanted.slot in (-1, here.slot)
    )
