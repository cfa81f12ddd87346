"""What goes wrong, by rule: which rules there are, when each is due, and how often it struck; it never does the harm.

    handle = mishaps.add(Rule("drop", venue="north", match=Match(kind="book"), nth=3))
    handle.fired, handle.end()

A rule names an action, where it may strike (`match`), when (`from_ms` after it was added, for `for_ms`, 0: until it is
ended) and which of the chances it takes: the `nth`, `every` so-manyth, each with `prob`, at most `most` of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

import msgspec
from msgspec import Struct

from fairlead.errors import Misuse, UnknownName
from fairlead.sim.chance import WORD, stream
from fairlead.wire.asks import Op
from fairlead.wire.face import Rng

MS_NS = 1_000_000
RULES_MOST = 1_000  # a control port must not fill the memory


class Moment(StrEnum):
    """Where in the life of a request or a connection a rule may strike."""

    ASK = "a request came, nothing was done"
    ANSWER = "the answer is found, not yet worded"
    REPLY = "the reply is worded"
    ACTED = "the venue has acted and worded its reply, which is not yet sent"
    DIAL = "an address is dialled"
    OPEN = "a connection was just opened"
    TICK = "a connection lives"
    HEAR = "a frame came"
    TELL = "an event is about to be worded"
    FRAME = "a frame is about to go out"
    CLOCK = "the venue reads its clock"


# channel -> action -> its moment before acceptance, and after it where that makes a difference
ACTIONS: dict[str, dict[str, tuple[Moment, ...]]] = {
    "rest": {
        "hang": (Moment.ASK, Moment.ACTED),  # no reply for args.ms (0: an hour)
        "delay": (Moment.ASK, Moment.ACTED),
        "reset": (Moment.ASK, Moment.ACTED),  # the connection breaks without a reply
        "status": (Moment.ASK, Moment.ACTED),  # args.status with args.text as body, args.after_s as Retry-After
        "limit": (Moment.ASK,),  # the venue's own 429; args.bare: without Retry-After
        "ban": (Moment.ASK,),  # the venue's own 418, where it bans
        "stale": (Moment.ANSWER,),  # a book as it was args.count changes ago
        "lie": (Moment.ANSWER,),  # the time, args.ms off
        "corrupt": (Moment.ANSWER,),  # prices times args.factor
        "garbage": (Moment.REPLY,),  # the body is no JSON
        "truncate": (Moment.REPLY,),  # half of the body, under a length that fits
        "stranger": (Moment.REPLY,),  # an object gets a field nobody knows
    },
    "ws": {
        "drop": (Moment.TELL,),
        "mute": (Moment.TELL,),  # the same, by another habit: for a while, pings and acknowledgements go on
        "gap": (Moment.TELL,),  # only changes of books: a number is skipped
        "duplicate": (Moment.TELL,),
        "reorder": (Moment.TELL,),  # told after the next one
        "corrupt": (Moment.TELL,),
        "checksum": (Moment.TELL,),  # the sums of a book are wrong
        "misdate": (Moment.TELL,),  # the venue's time is args.ms off
        "delay": (Moment.FRAME,),  # by args.ms; later frames overtake it
        "late": (Moment.FRAME,),  # by args.ms, in order
        "garbage": (Moment.FRAME,),
        "truncate": (Moment.FRAME,),
        "stranger": (Moment.FRAME,),
        "swap": (Moment.FRAME,),  # names another instrument
        "huge": (Moment.FRAME,),  # a frame of args.count bytes goes first
        "malformed": (Moment.FRAME,),  # args.text: rsv or utf8; a frame against RFC 6455 goes first
        "deny": (Moment.HEAR,),  # the venue knows no such instrument
        "deafen": (Moment.HEAR,),  # what would be answered is lost: acknowledgements
    },
    "conn": {
        "refuse": (Moment.DIAL,),  # the host is dead: no connection, REST neither, open ones break
        "slam": (Moment.OPEN,),  # accepted, then closed at once
        "cut": (Moment.TICK,),  # args.code; 0: broken without a close
        "end": (Moment.TICK,),  # announced args.ms before
    },
    "clock": {"skew": (Moment.CLOCK,)},  # the venue's clock is args.ms ahead
}


class Match(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which chances count; empty is any."""

    op: str = ""
    path: str = ""
    kind: str = ""  # of a topic
    symbol: str = ""
    door: str = ""
    host: str = ""  # a host key of the venue
    slot: int = -1  # which of that key's addresses, from 0


class Args(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an action needs to know; each reads its own."""

    ms: int = 0
    status: int = 502
    text: str = ""
    after_s: int = -1
    bare: bool = False
    factor: float = 10.0
    count: int = 0
    code: int = 0


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    action: str
    channel: str = "ws"
    venue: str = ""  # empty: every venue
    match: Match = Match()
    phase: str = "before"  # or after: whether the venue acts on a request before the mishap
    nth: int = 0
    every: int = 0
    prob: float = 1.0
    most: int = 0  # times; 0: no end
    from_ms: int = 0
    for_ms: int = 0
    seed: int | None = None  # None: drawn
    args: Args = Args()

    @property
    def moment(self) -> Moment:
        moments = ACTIONS[self.channel][self.action]
        return moments[-1] if self.phase == "after" else moments[0]

    @property
    def is_once(self) -> bool:
        """It says neither how long nor how often: on a connection's life it strikes all there are, once."""
        return not (self.for_ms or self.nth or self.every or self.most)


def read_rules(text: str) -> tuple[Rule, ...]:
    """Rules from a file's text: TOML with [[fault]] tables, or JSON with one rule or a list of them."""
    try:
        if text.lstrip()[:1] == "{":
            return (checked(msgspec.json.decode(text, type=Rule)),)
        if text.lstrip()[:1] == "[" and text.lstrip()[:2] != "[[":
            rules = msgspec.json.decode(text, type=tuple[Rule, ...])
        else:
            rules = msgspec.toml.decode(text, type=_File).fault
    except msgspec.DecodeError as trouble:
        raise Misuse(f"These are no mishaps: {trouble}", next="see the rules in the simulator's manual") from None
    return tuple(checked(rule) for rule in rules)


class _File(Struct, forbid_unknown_fields=True):
    fault: tuple[Rule, ...] = ()


def checked(rule: Rule) -> Rule:
    """The rule itself when it can ever strike; Misuse, naming what is possible, when it cannot."""
    if rule.channel not in ACTIONS:
        raise UnknownName("channel of mishaps", rule.channel, ACTIONS)
    if rule.action not in ACTIONS[rule.channel]:
        raise UnknownName(f"mishap on channel {rule.channel}", rule.action, ACTIONS[rule.channel])
    if rule.phase not in ("before", "after"):
        raise UnknownName("phase of a mishap", rule.phase, ("before", "after"))
    if rule.match.op and rule.match.op not in set(Op):
        raise UnknownName("operation", rule.match.op, Op)
    if not 0 <= rule.prob <= 1 or min(rule.nth, rule.every, rule.most, rule.from_ms, rule.for_ms) < 0:
        raise Misuse("A mishap's prob lies between 0 and 1, and its counts and times are not negative.")
    return rule


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
        return any(True for _ in self._standing(Moment.DIAL, venue, Match(host=host_key, slot=slot)))

    def skew_ms(self, venue: str) -> int:
        """How far a venue's clock is ahead now."""
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
        wanted.op in ("", here.op)
        and wanted.path in ("", here.path)
        and wanted.kind in ("", here.kind)
        and wanted.symbol in ("", here.symbol)
        and wanted.door in ("", here.door)
        and wanted.host in ("", here.host)
        and wanted.slot in (-1, here.slot)
    )
