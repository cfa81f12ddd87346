"""Rules of what shall go wrong: the table of actions, where and when each strikes, and how rules are read and refused.

    Rule("drop", venue="north", match=Match(kind="book"), nth=3)

A rule names an action, where it may strike (`match`), when (`from_ms` after it was added, for `for_ms`, 0: until it is
ended) and which of the chances it takes: the `nth`, `every` so-manyth, each with `prob`, at most `most` of them."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct

from fairlead.errors import Misuse, UnknownName
from fairlead.wire.asks import Op
from fairlead.wire.faults import Kind


class Moment(StrEnum):
    """Where in the life of a request or a connection a rule may strike."""

    ASK = "a request came, nothing was done"
    TAKE = "the engine is about to take a request that acts"
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
        "reset": (Moment.ASK, Moment.ACTED),  # the connection breaks without a reply, or after args.count bytes of it
        "unsure": (Moment.ASK, Moment.ACTED),  # the venue says in its own words that it does not know what it did
        "status": (Moment.ASK, Moment.ACTED),  # args.status with args.text as body, args.after_s as Retry-After
        "limit": (Moment.ASK,),  # the venue's own 429, for args.ms; args.bare: without Retry-After, and only this once
        "ban": (Moment.ASK,),  # the venue's own 418, where it bans, for args.ms
        "linger": (Moment.TAKE,),  # it is taken args.ms later, whoever still waits
        "unfence": (Moment.TAKE,),  # it is taken although its deadline has passed
        "decline": (Moment.TAKE,),  # refused for no reason: args.text is a kind and a word, "INVALID tick"
        "hide": (Moment.TAKE,),  # no read shows the order for args.ms
        "expel": (Moment.TAKE,),  # accepted, and thrown out args.ms later
        "revise": (Moment.TAKE,),  # its quantity times args.factor, on whole lots
        "stale": (Moment.ANSWER,),  # a book as it was args.count changes ago; orders and fills as of args.ms ago
        "omit": (Moment.ANSWER,),  # the last args.count of a list, or of a batch's outcomes, are left out (0: one)
        "swap": (Moment.ANSWER,),  # what another request of the kind was answered, or names of nobody's order
        "lie": (Moment.ANSWER,),  # the time, args.ms off
        "corrupt": (Moment.ANSWER,),  # prices times args.factor
        "garbage": (Moment.REPLY,),  # the body is no JSON
        "truncate": (Moment.REPLY,),  # half of the body, under a length that fits
        "stranger": (Moment.REPLY,),  # an object gets a field nobody knows
    },
    "ws": {
        "drop": (Moment.TELL,),
        "mute": (Moment.TELL,),  # the same, by another habit: for a while, pings and acknowledgements go on
        "stick": (Moment.TELL,),  # only changes of books: nothing more is told until it is subscribed to anew
        "gap": (Moment.TELL,),  # only changes of books: a number is skipped
        "cross": (Moment.TELL,),  # only changes of books: a bid at the second best ask
        "ghost": (Moment.TELL,),  # only changes of books: a level is deleted that is not there
        "duplicate": (Moment.TELL,),
        "reorder": (Moment.TELL,),  # told after the next one
        "corrupt": (Moment.TELL,),
        "checksum": (Moment.TELL,),  # the sums of a book are wrong
        "misdate": (Moment.TELL,),  # the venue's time is args.ms off
        "renumber": (Moment.TELL,),  # only fills: told once more, under another id
        "rewind": (Moment.TELL,),  # only orders: told as if nothing had been filled
        "delay": (Moment.FRAME,),  # by args.ms; later frames overtake it
        "late": (Moment.FRAME,),  # by args.ms, in order
        "lose": (Moment.FRAME,),  # worded and numbered, and not sent
        "double": (Moment.FRAME,),  # sent twice
        "rewrite": (Moment.FRAME,),  # args.text is "this=>that"
        "garbage": (Moment.FRAME,),
        "truncate": (Moment.FRAME,),
        "stranger": (Moment.FRAME,),
        "swap": (Moment.FRAME,),  # names another instrument
        "huge": (Moment.FRAME,),  # a frame of args.count bytes goes first
        "malformed": (Moment.FRAME,),  # args.text: rsv or utf8; a frame against RFC 6455 goes first
        "deny": (Moment.HEAR,),  # the venue knows no such instrument
        "deafen": (Moment.HEAR,),  # what would be answered is lost: acknowledgements
        "ignore": (Moment.HEAR,),  # it was lost on its way
    },
    "conn": {
        "refuse": (Moment.DIAL,),  # the host is dead: no connection, REST neither, open ones break
        "slam": (Moment.OPEN,),  # accepted, then closed at once
        "cut": (Moment.TICK,),  # args.code; 0: broken without a close
        "end": (Moment.TICK,),  # announced args.ms before
    },
    "clock": {"skew": (Moment.CLOCK,)},  # the venue's clock is args.ms ahead
}


# Words for several operations, for Match.op.
GROUPS: dict[str, frozenset[Op]] = {
    "acts": frozenset({Op.PLACE, Op.PLACE_MANY, Op.AMEND, Op.CANCEL, Op.CANCEL_MANY, Op.CANCEL_ALL, Op.CLOSE}),
    "reads": frozenset({Op.ORDER, Op.OPEN_ORDERS, Op.ORDERS, Op.FILLS, Op.BALANCES, Op.POSITIONS}),
}


class Match(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which chances count; empty is any."""

    op: str = ""  # or a word of GROUPS
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
    except (msgspec.DecodeError, ValueError, RecursionError) as trouble:  # TOML's reader knows no bound for a number
        raise Misuse(
            f"These are no mishaps: {trouble}",
            next="a rule needs an action; its other fields are channel, venue, match, args and when",
        ) from None
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
    if rule.match.op and rule.match.op not in {*Op, *GROUPS}:
        raise UnknownName("operation", rule.match.op, {*Op, *GROUPS})
    if rule.action == "decline" and rule.args.text.partition(" ")[0] not in set(Kind):
        raise UnknownName("kind of refusal", rule.args.text.partition(" ")[0], Kind)
    if rule.action == "rewrite" and not rule.args.text.partition("=>")[0]:
        raise Misuse("A rewrite must say what becomes what.", next='give args.text as "this=>that"')
    if not 0 <= rule.prob <= 1 or min(rule.nth, rule.every, rule.most, rule.from_ms, rule.for_ms) < 0:
        raise Misuse("A mishap's prob lies between 0 and 1, and its counts and times are not negative.")
    return rule
