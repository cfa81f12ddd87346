"""What shall go wrong on one voyage: drawn from its seed before it begins; it does no harm itself.

Each kind of trouble is a row of a table: the rules that make it, and how long it still works after its last strike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from fairlead.sim.rules import Args, Match, Rule
from fairlead.wire.face import Rng

FIRST_MS, LAST_MS = 40_000, 530_000  # the client learns its cadences before, and mends everything after
# Who is thrown out again and again in seconds is right to wait longer each time, which is proven elsewhere: troubles of
# one venue begin so far apart, though they may last into each other.
APART_MS = 15_000
DRAWS = 20  # the first of them that keeps this distance is taken
LEAST, MOST = 11, 16  # troubles of one voyage
KINDS_LEAST = 8
WINDOW_MS = 60_000  # the longest window in which a venue counts requests
ACK_MS = 10_500  # an acknowledgement that did not come in ten seconds is asked for again


class Trouble(Struct, frozen=True):
    """One thing that goes wrong. `tail_ms`: what was struck works on for so long (a late frame is on its way, a request
    hangs, a venue asked for quiet, one that was shut is dialled again); only then is the mishap over. `jump_ms`: our
    own wall clock is moved instead."""

    kind: str
    at_ms: int
    venue: str
    rules: tuple[Rule, ...] = ()
    tail_ms: int = 0
    jump_ms: int = 0
    closed_ms: int = 0  # the whole venue is in maintenance for so long


class Place(Struct, frozen=True):
    """Where a trouble may strike. `counts`: the venue numbers its trades one by one, so that a lost one shows; `sums`:
    its books carry checksums."""

    venue: str
    symbols: tuple[str, ...]
    counts: bool
    sums: bool


NO_ARGS = Args()
Draw = Callable[[Rng, Place], tuple[tuple[Rule, ...], int]]


def _ws(action: str, kind: str, most: int = 1, args: Args = NO_ARGS) -> Draw:
    """A mishap of one channel's events or frames, so many times."""

    def draw(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
        match = Match(kind=kind, symbol=rng.choice(at.symbols))
        return (Rule(action, venue=at.venue, match=match, most=most, args=args),), 0

    return draw


def _mute(kind: str, least_ms: int, most_ms: int) -> Draw:
    def draw(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
        match = Match(kind=kind, symbol=rng.choice(at.symbols))
        return (Rule("mute", venue=at.venue, match=match, for_ms=rng.randrange(least_ms, most_ms)),), 0

    return draw


def _late(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    late_ms = rng.randrange(300, 5_000)
    return (Rule("late", venue=at.venue, for_ms=rng.randrange(5_000, 20_000), args=Args(ms=late_ms)),), late_ms


def _delay(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    delay_ms = rng.randrange(300, 3_000)
    match = Match(kind="book", symbol=rng.choice(at.symbols))
    return (Rule("delay", venue=at.venue, match=match, most=2, args=Args(ms=delay_ms)),), delay_ms


def _conn(action: str, code: int = 0) -> Draw:
    return lambda rng, at: ((Rule(action, "conn", at.venue, args=Args(code=code)),), 0)


def _dead(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    """One of the venue's hosts dies for a while; there is another."""
    return (Rule("refuse", "conn", at.venue, Match(slot=0), for_ms=rng.randrange(3_000, 40_000)),), 0


def _slam(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    return (Rule("slam", "conn", at.venue, most=2), Rule("cut", "conn", at.venue)), 0


def _ending(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    lead_ms = rng.randrange(3_000, 8_000)
    return (Rule("end", "conn", at.venue, args=Args(ms=lead_ms)),), lead_ms


def _deaf(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    """The acknowledgements after a cut are lost; they are asked for again after ten seconds, so its end is then."""
    return (Rule("deafen", venue=at.venue, most=1), Rule("cut", "conn", at.venue)), ACK_MS


def _rest(action: str, least_ms: int = 0, most_ms: int = 1, most: int = 1, status: int = 502) -> Draw:
    """REST fails just when it is needed: after a gap and a cut."""

    def draw(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
        wait_ms = rng.randrange(least_ms, most_ms)
        args = Args(ms=wait_ms, status=status)
        need = Rule("gap", venue=at.venue, match=Match(kind="book"), most=1)
        if rng.random() < 0.5:
            need = Rule("cut", "conn", at.venue)
        return (Rule(action, "rest", at.venue, most=most, args=args), need), wait_ms

    return draw


def _wordless(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    """A 429 without Retry-After: whoever is careful rests until the venue's window is over."""
    return (Rule("limit", "rest", at.venue, most=1, args=Args(bare=True)), Rule("cut", "conn", at.venue)), WINDOW_MS


def _stale(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    match = Match(op="book")
    stale = Rule("stale", "rest", at.venue, match, most=rng.randrange(1, 4), args=Args(count=rng.randrange(1, 40)))
    return (stale, Rule("cut", "conn", at.venue)), 0


def _skew(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    return (
        Rule("skew", "clock", at.venue, for_ms=rng.randrange(20_000, 90_000), args=Args(ms=rng.randrange(-900, 900))),
    ), 0


def _misdate(rng: Rng, at: Place) -> tuple[tuple[Rule, ...], int]:
    match = Match(kind="trades" if at.counts else "quote", symbol=rng.choice(at.symbols))
    off_ms = rng.choice((-3_600_000, -30_000, 30_000, 3_600_000))
    return (Rule("misdate", venue=at.venue, match=match, most=1, args=Args(ms=off_ms)),), 0


ANYWHERE: Mapping[str, Draw] = {
    "cut": _conn("cut"),
    "goodbye": _conn("cut", code=1012),
    "announced end": _ending,
    "dead host": _dead,
    "slammed door": _slam,
    "lost acknowledgement": _deaf,
    "malformed frame": _ws("malformed", ""),
    "gap": _ws("gap", "book"),
    "drop": _ws("drop", "book"),
    "duplicate": _ws("duplicate", "", 6),
    "duplicate trade": _ws("duplicate", "trades", 3),
    "reorder": _ws("reorder", "book"),
    "delay": _delay,
    "late": _late,
    "mute": _mute("book", 4_000, 15_000),
    "mute trades": _mute("trades", 20_000, 60_000),
    "mute candles": _mute("candles", 20_000, 100_000),
    "corrupt book": _ws("corrupt", "book"),
    "corrupt quote": _ws("corrupt", "quote", 2),
    "corrupt candle": _ws("corrupt", "candles", 2),
    "misdate": _misdate,
    "wrong symbol": _ws("swap", "book"),
    "garbage": _ws("garbage", "book"),
    "truncate": _ws("truncate", "book"),
    "unknown field": _ws("stranger", "", 3),
    "huge frame": _ws("huge", "book", args=Args(count=200_000)),
    "limit": _rest("limit", 1_000, 6_000),
    "limit without a word": _wordless,
    "ban": _rest("ban", 3_000, 9_000),
    "server error": _rest("status", most=2, status=502),
    "overload": _rest("status", most=2, status=503),
    "hang": _rest("hang", 500, 4_000),
    "torn reply": _rest("reset"),
    "garbage reply": _rest("garbage"),
    "truncated reply": _rest("truncate"),
    "stale snapshot": _stale,
    "skew": _skew,
}
# A trade that goes astray where ids prove nothing cannot be missed by anybody.
COUNTED: Mapping[str, Draw] = {
    "drop trade": _ws("drop", "trades"),
    "reorder trades": _ws("reorder", "trades"),
    "corrupt trade": _ws("corrupt", "trades"),
    "garbage trade": _ws("garbage", "trades"),
}
# Where another symbol is watched on the same connection, a perfect forgery of its trade cannot be told from a true one.
ALONE: Mapping[str, Draw] = {"wrong symbol's trade": _ws("swap", "trades")}
# A wrong sum says something only where the venue sums its books.
SUMMED: Mapping[str, Draw] = {"checksum": _ws("checksum", "book")}
OWN = ("clock jump", "maintenance")


def plan(rng: Rng, places: tuple[Place, ...]) -> tuple[Trouble, ...]:
    """The troubles of a voyage, in the order of their times."""
    names = [*ANYWHERE, *COUNTED, *ALONE, *SUMMED, *OWN]
    rng.shuffle(names)
    count = rng.randrange(LEAST, MOST + 1)
    wanted = [*names[:KINDS_LEAST], *(rng.choice(names) for _ in range(count - KINDS_LEAST))]
    drawn = [_draw(rng, name, 0, places) for name in wanted]
    begun: dict[str, list[int]] = {}
    return tuple(sorted((_placed(rng, one, begun) for one in drawn), key=lambda one: one.at_ms))


def _placed(rng: Rng, trouble: Trouble, begun: dict[str, list[int]]) -> Trouble:
    """At a time that keeps its distance from what began earlier or later at the same venue."""
    times = begun.setdefault(trouble.venue, [])
    drawn = [rng.randrange(FIRST_MS, LAST_MS) for _ in range(DRAWS)]
    at_ms = max(drawn, key=lambda one: min([APART_MS, *(abs(one - other) for other in times)]))
    times.append(at_ms)
    return msgspec.structs.replace(trouble, at_ms=at_ms)


def _draw(rng: Rng, name: str, at_ms: int, places: tuple[Place, ...]) -> Trouble:
    at = rng.choice([place for place in places if _fits(name, place)])
    if name == "clock jump":
        return Trouble(name, at_ms, "", jump_ms=rng.choice((-3_600_000, -5_000, 5_000, 3_600_000)))
    if name == "maintenance":
        closed_ms = rng.randrange(1_000, 6_000)
        return Trouble(name, at_ms, at.venue, closed_ms=closed_ms, tail_ms=closed_ms)
    rules, tail_ms = {**ANYWHERE, **COUNTED, **ALONE, **SUMMED}[name](rng, at)
    return Trouble(name, at_ms, at.venue, rules, tail_ms)


def _fits(name: str, at: Place) -> bool:
    return (
        (at.counts or (name not in COUNTED and name not in ALONE))
        and (len(at.symbols) == 1 or name not in ALONE)
        and (at.sums or name not in SUMMED)
    )
