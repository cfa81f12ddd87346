"""What goes wrong in the demo, as a table: how it is done, which mending answers it, and what proves that it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from fairlead.cli.demo.stage import Evidence, Plan, Stage
from fairlead.model import events
from fairlead.model.market import Ticker
from fairlead.sim.rules import Args, Match, Rule

BOOK = Match(kind="book")
LIMITED_MS = 1_500  # for so long the venue wants quiet
LATE_STEP_MS, LATE_STEPS = 350, 6  # lateness grows by so much at a time, so that it is no silence
LEARNED_S = 11.0  # a channel must have been heard for so long before its silence means anything
BELIEVED_S = 3.0  # so many trades must have passed that one is known to be far off


class Step(Struct, frozen=True):
    name: str
    mend: str  # a field of engine.feed.Mends
    what: str  # goes wrong
    how: str  # it is mended
    seat: int  # on which venue, counted round; each step goes to one that suits it
    plan: Callable[[Stage, str], Plan]
    patience_s: float = 6.0
    after_s: float = 0.0  # not before the books have been live for so long


def told(kind: type[events.Health] | tuple[type[events.Health], ...], topic: str = "", **words: str) -> Evidence:
    """Whether a health event is of this kind, of such a topic, and says these words."""

    def is_so(event: Any) -> bool:
        return (
            isinstance(event, kind)
            and getattr(event, "topic", "").startswith(topic)
            and all(getattr(event, name) == word for name, word in words.items())
        )

    return is_so


LIVES = told((events.Resynced, events.Fresh), "book:")


def _cut(stage: Stage, venue: str) -> Plan:
    door = stage.door(venue).name
    rule = Rule("cut", channel="conn", venue=venue, match=Match(door=door))
    return Plan((rule,), (told(events.Lost, door=door), told(events.Connected, door=door), LIVES))


def _gap(stage: Stage, venue: str) -> Plan:
    return Plan((Rule("gap", venue=venue, match=BOOK, nth=1),), (told(events.Gap, "book:"), LIVES))


def _anomaly(stage: Stage, venue: str) -> Plan:
    """The guard mends by not passing it on: to find it is to mend it."""
    rule = Rule("corrupt", venue=venue, match=Match(kind="trades"), nth=1, args=Args(factor=10.0))
    return Plan((rule,), (told(events.Anomaly, "trades:"),))


def _limit(stage: Stage, venue: str) -> Plan:
    rule = Rule("limit", channel="rest", venue=venue, match=Match(op="ticker"), nth=1, args=Args(ms=LIMITED_MS))
    return Plan((rule,), (told(events.Throttled), lambda answer: isinstance(answer, Ticker)), ask=True)


def _silent(stage: Stage, venue: str) -> Plan:
    rule = Rule("stick", venue=venue, match=BOOK, nth=1)
    return Plan((rule,), (told(events.Stale, "book:", why="silent"), LIVES))


def _late(stage: Stage, venue: str) -> Plan:
    """The way of this connection is jammed; the next one finds another."""
    rules = tuple(
        Rule("late", venue=venue, match=BOOK, from_ms=step * 400, args=Args(ms=(step + 1) * LATE_STEP_MS))
        for step in range(LATE_STEPS)
    )
    evidence = (told(events.Stale, "book:", why="late"), told(events.Connected), LIVES)
    return Plan(rules, evidence, until=events.Connected)


def _death(stage: Stage, venue: str) -> Plan:
    door = stage.door(venue)
    rule = Rule("refuse", channel="conn", venue=venue, match=Match(host=door.host, slot=stage.slot(venue)))
    switched = told(events.Switched, host_key=door.host)
    return Plan((rule,), (told(events.Lost, door=door.name), switched, told(events.Connected, door=door.name), LIVES))


STEPS = (
    Step("cut", "reconnect", "the wire is cut", "dialled again", 0, _cut),
    Step("gap", "resync", "a change of the book is lost", "that one book begun again", 2, _gap),
    Step(
        "anomaly",
        "guard",
        "a trade at ten times the price",
        "kept aside, passed on to nobody",
        1,
        _anomaly,
        after_s=BELIEVED_S,
    ),
    Step("limit", "wait", "429: too many requests", "waited as long as it said", 0, _limit),
    Step("silent", "renew", "a channel falls silent", "subscribed anew", 1, _silent, after_s=LEARNED_S),
    Step("late", "renew", "a channel comes late", "moved to a new connection", 2, _late, 12.0, LEARNED_S),
    Step("death", "failover", "a host dies", "another of its hosts serves", 0, _death, 8.0),
)
