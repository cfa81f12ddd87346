"""What shall go wrong on a voyage: drawn from its seed before it begins; it does no harm itself.

Each kind is a row of a table. A trouble begins at `at_ms`, may strike for `lasts_ms`, and works on for `tail_ms`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from fairlead.sim.rules import Args, Match, Rule
from fairlead.wire.face import Rng
from fairlead.wire.venue import Venue

FIRST_MS, LAST_MS = 6_000, 75_000
LEAST, MOST = 3, 7  # troubles of one voyage
LASTS_MS = (2_000, 12_000)
DEATHS = (
    "submit.before_intent", "submit.after_intent", "submit.before_sending", "submit.after_sending",
    "submit.after_reply", "submit.after_ack", "cancel.after_intent", "cancel.after_reply", "amend.after_intent",
    "amend.after_reply", "fill.heard", "reconcile.middle", "journal.before_commit", "journal.after_commit",
    "shutdown.drain",
)  # fmt: skip


class Trouble(Struct, frozen=True):
    """`venue` "": all of them."""

    kind: str
    at_ms: int
    lasts_ms: int = 0
    tail_ms: int = 0
    venue: str = ""
    rules: tuple[Rule, ...] = ()
    place: str = ""  # of a death: the failpoint; "": wherever it is just then
    count: int = 1  # the how-manyth time it is reached
    jump_ms: int = 0


Draw = Callable[[Rng, Venue, int], tuple[tuple[Rule, ...], int]]  # the rules, and how long they work on
ACTS, PLACE, READS = Match(op="acts"), Match(op="place"), Match(op="reads")
ORDERS = Match(kind="orders")
NO_ARGS = Args()


def _rest(
    action: str, match: Match = ACTS, phase: str = "before", args: Args = NO_ARGS, most: int = 0, tail_ms: int = 0
) -> Draw:
    def draw(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
        prob = rng.choice((0.3, 0.7, 1.0))
        rule = Rule(action, "rest", venue.name, match, phase, prob=prob, most=most, for_ms=lasts_ms, args=args)
        return (rule,), tail_ms

    return draw


def _timed(action: str, match: Match, least_ms: int, most_ms: int, phases: tuple[str, ...] = ("before",)) -> Draw:
    def draw(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
        ms = rng.randrange(least_ms, most_ms)
        rule = Rule(
            action, "rest", venue.name, match, rng.choice(phases), prob=rng.choice((0.3, 1.0)), for_ms=lasts_ms,
            args=Args(ms=ms),
        )  # fmt: skip
        return (rule,), ms

    return draw


def _lagging(action: str, match: Match) -> Draw:
    """The venue's reads trail its truth, no longer than is known of it."""

    def draw(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
        ms = rng.randrange(200, max(400, min(venue.settle.lag_ms, 20_000) * 3 // 4))
        return (Rule(action, "rest", venue.name, match, for_ms=lasts_ms, args=Args(ms=ms)),), ms

    return draw


def _ws(action: str, match: Match = ORDERS, args: Args = NO_ARGS, most: int = 0, tail_ms: int = 0) -> Draw:
    def draw(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
        prob = rng.choice((0.3, 1.0))
        return (Rule(action, venue=venue.name, match=match, prob=prob, most=most, for_ms=lasts_ms, args=args),), tail_ms

    return draw


def _late(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
    ms = rng.randrange(300, 6_000)
    return (Rule(rng.choice(("late", "delay")), venue=venue.name, for_ms=lasts_ms, args=Args(ms=ms)),), ms


def _duplicate(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
    """The venue lies about a new name: all of the account is frozen until the order is proven not to be there."""
    rule = Rule("decline", "rest", venue.name, PLACE, most=1, for_ms=lasts_ms, args=Args(text="DUPLICATE"))
    return (rule,), venue.settle.fence_ms + venue.settle.engine_ms + venue.settle.lag_ms + 10_000


def _conn(action: str, code: int = 0, tail_ms: int = 3_000) -> Draw:
    return lambda rng, venue, lasts_ms: ((Rule(action, "conn", venue.name, args=Args(code=code)),), tail_ms)


def _ending(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
    return (Rule("end", "conn", venue.name, args=Args(ms=lasts_ms)),), 3_000


def _dead(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
    """One address of each host; or all of them."""
    slot = rng.choice((0, -1))
    return (Rule("refuse", "conn", venue.name, Match(slot=slot), for_ms=lasts_ms),), 3_000


def _deaf(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
    return (Rule("deafen", venue=venue.name, most=1), Rule("cut", "conn", venue.name)), 12_000


def _lingering(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
    """The engine takes orders late, but within their fence, and the wire breaks before it has."""
    ms = rng.randrange(3_000, 4_800)
    linger = Rule("linger", "rest", venue.name, PLACE, for_ms=lasts_ms, args=Args(ms=ms))
    cuts = [Rule("cut", "conn", venue.name, most=1, from_ms=at_ms) for at_ms in range(500, lasts_ms, 1_500)]
    return (linger, *cuts), ms + 3_000


def _skew(rng: Rng, venue: Venue, lasts_ms: int) -> tuple[tuple[Rule, ...], int]:
    return (Rule("skew", "clock", venue.name, for_ms=lasts_ms, args=Args(ms=rng.randrange(-900, 900))),), 5_000


SETBACKS: Mapping[str, Draw] = {
    "reply lost": _rest("reset", phase="after"),
    "torn before": _rest("reset"),
    "reply torn within": _rest("reset", phase="after", args=Args(count=40)),
    "silence": _timed("hang", ACTS, 1_000, 12_000, ("before", "after")),
    "slow": _timed("delay", ACTS, 100, 6_000, ("before", "after")),
    "reads slow": _timed("delay", READS, 100, 6_000),
    "venue unsure": _rest("unsure"),
    "venue unsure after": _rest("unsure", phase="after"),
    "502 before": _rest("status"),
    "504 after": _rest("status", phase="after", args=Args(status=504)),
    "503 reads": _rest("status", READS, args=Args(status=503)),
    "lingering": _timed("linger", PLACE, 500, 9_000),
    "lingering, then cut": _lingering,
    "too many": _rest("limit", args=Args(ms=2_000), most=1, tail_ms=4_000),
    "too many, wordless": _rest("limit", args=Args(bare=True), most=1, tail_ms=60_000),
    "banned": _rest("ban", args=Args(ms=4_000), most=1, tail_ms=8_000),
    "declined": _rest("decline", PLACE, args=Args(text="INVALID tick")),
    "called a duplicate": _duplicate,
    "cancel not found": _rest("decline", Match(op="cancel"), args=Args(text="NOT_FOUND gone")),
    "hidden": _lagging("hide", PLACE),
    "stale reads": _lagging("stale", READS),
    "expelled": _timed("expel", PLACE, 100, 3_000),
    "revised": _rest("revise", PLACE, args=Args(factor=0.5)),
    "list cut short": _rest("omit", Match(op="open orders"), args=Args(count=1), most=1),
    "answers swapped": _rest("swap", PLACE, most=2),
    "garbage": _rest("garbage"),
    "garbage reads": _rest("garbage", READS),
    "half a reply": _rest("truncate"),
    "unknown field": _rest("stranger", READS, args=Args(text="novelty")),
    "event lost": _ws("drop"),
    "mute": _ws("mute"),
    "event twice": _ws("duplicate"),
    "out of order": _ws("reorder"),
    "frame lost": _ws("lose", Match()),
    "frame twice": _ws("double", Match()),
    "fill renamed": _ws("renumber", most=1),
    "order rewound": _ws("rewind", most=2),
    "garbage frame": _ws("garbage", ORDERS, most=1),
    "half a frame": _ws("truncate", ORDERS, most=1),
    "call lost": _ws("ignore", Match(), most=1),
    "balance corrupt": _ws("corrupt", Match(kind="balances"), most=1),
    "late frames": _late,
    "cut": _conn("cut"),
    "goodbye": _conn("cut", 1012),
    "announced end": _ending,
    "dead host": _dead,
    "lost acknowledgement": _deaf,
    "skew": _skew,
}
# Troubles that are no rule of the simulator: of the venue as a whole, of our own machine, of other hands.
OWN = ("maintenance", "clock jump", "disk full", "failed sync", "death", "death at a step", "restart", "second program",
       "cancelled by hand")  # fmt: skip
DEATHS_SHARE = 0.35  # of voyages in which the program dies at a step, whatever else is drawn


def plan(rng: Rng, venues: tuple[Venue, ...]) -> tuple[Trouble, ...]:
    """The troubles of a voyage, in the order of their times."""
    names = [*SETBACKS, *OWN]
    wanted = [rng.choice(names) for _ in range(rng.randrange(LEAST, MOST + 1))]
    if rng.random() < DEATHS_SHARE:
        wanted.append("death at a step")
    drawn = [_draw(rng, name, rng.choice(venues)) for name in wanted]
    return tuple(sorted(drawn, key=lambda one: one.at_ms))


def _draw(rng: Rng, name: str, venue: Venue) -> Trouble:
    at_ms, lasts_ms = rng.randrange(FIRST_MS, LAST_MS), rng.randrange(*LASTS_MS)
    match name:
        case "clock jump":
            return Trouble(name, at_ms, tail_ms=2_000, jump_ms=rng.choice((-3_600_000, -5_000, 5_000, 3_600_000)))
        case "maintenance":
            return Trouble(name, at_ms, lasts_ms, 3_000, venue.name)
        case "cancelled by hand":
            return Trouble(name, at_ms, venue=venue.name)
        case "death at a step":
            return Trouble(name, at_ms, lasts_ms, place=rng.choice(DEATHS), count=rng.choice((1, 1, 2, 3)))
        case "disk full" | "failed sync" | "death" | "restart" | "second program":
            return Trouble(name, at_ms, lasts_ms if name == "disk full" else 0, tail_ms=12_000)
    rules, tail_ms = SETBACKS[name](rng, venue, lasts_ms)
    return Trouble(name, at_ms, lasts_ms, tail_ms, venue.name, rules)
