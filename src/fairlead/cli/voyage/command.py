"""`fairlead voyage`: bots trade through storms in virtual time, and the venues' own ledgers judge how it went."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from fairlead.cli.opening import AsJson, checked_venue
from fairlead.cli.trouble import Failed
from fairlead.cli.voyage.log import Log, Tally
from fairlead.cli.voyage.voyage import sail
from fairlead.errors import Misuse
from fairlead.wire.printed import printed

CALM_PERCENT = 95  # of the intents that no mishap touched end as the ledger says, and in time


class Sailed(Struct, frozen=True):
    """One seed."""

    seed: int
    breaches: list[str]
    troubles: list[str]
    again: str  # the command that sails it again; "": nothing broke


class Ledger(Struct, frozen=True):
    """All seeds at one venue; what was accepted, lost and doubled, its own ledger says."""

    venue: str
    intents: int
    accepted: int
    lost: int
    doubled: int
    fills: int
    unknown_left: int
    frozen_left: int
    longest_doubt_s: float
    calm: int
    calm_well: int


class Summary(Struct, frozen=True):
    worked: bool
    seeds: int
    broken: list[int]


def voyage(
    *,
    seeds: int = 20,
    first_seed: int = 0,
    venue: str = "",
    twice: Annotated[bool, Parameter(negative="")] = False,
    json: AsJson = False,
) -> None:
    """Let bots trade through storms, offline and in virtual time; the venues' own ledgers are the judge.

    Parameters
    ----------
    seeds
        how many; one seed is one voyage of one to three venues
    first_seed
        where to begin
    venue
        this one alone
    twice
        sail each seed twice: both must be the same to the last byte
    """
    if seeds < 1 or first_seed < 0:
        raise Misuse("A voyage needs at least one seed, and none below zero.")
    venues = (checked_venue(venue),) if venue else ()
    logs = []
    for seed in range(first_seed, first_seed + seeds):
        log = _sail(seed, venues, twice)
        logs.append(log)
        _tell(log, venue, json)
    if not _sum_up(logs, json):
        raise Failed


def again(seed: int, venue: str = "") -> str:
    """The command that sails this seed again."""
    return f"fairlead voyage --seeds 1 --first-seed {seed}" + (f" --venue {venue}" if venue else "")


def _sail(seed: int, venues: tuple[str, ...], twice: bool) -> Log:
    log = sail(seed, venues=venues)
    if twice and sail(seed, venues=venues, blind=True).trace != log.trace:
        log.breach(0, "one seed gave two histories")
    return log


def _tell(log: Log, venue: str, as_json: bool) -> None:
    told = again(log.seed, venue) if log.count else ""
    if as_json:
        print(printed(Sailed(log.seed, log.breaches, sorted(log.struck), told)).decode(), flush=True)
        return
    if log.count:
        lines = [f"seed {log.seed} broke {log.count} times; again: {told}", *log.breaches]
        print("\n  ".join(lines), flush=True)
    elif sys.stderr.isatty():
        print(f"\rseed {log.seed}: {', '.join(sorted(log.struck))}\x1b[K", end="", file=sys.stderr, flush=True)


def _sum_up(logs: list[Log], as_json: bool) -> bool:
    tallies: dict[str, Tally] = {}
    for log in logs:
        for venue, tally in log.tallies.items():
            tallies.setdefault(venue, Tally()).add(tally)
    rows = [_row(venue, tally) for venue, tally in sorted(tallies.items())]
    slow = [row.venue for row in rows if row.calm_well * 100 < row.calm * CALM_PERCENT]
    summary = Summary(
        not slow and not any(log.count for log in logs), len(logs), [log.seed for log in logs if log.count]
    )
    if as_json:
        for line in (*rows, summary):
            print(printed(line).decode(), flush=True)
        return summary.worked
    console = Console()
    console.print()
    console.print(_table(rows))
    for venue in slow:
        console.print(f"{venue}: less than {CALM_PERCENT} % of what no mishap touched ended well and in time")
    broken = len(summary.broken)
    console.print(f"{len(logs)} voyages, {broken} broke" if broken else f"{len(logs)} voyages, none broke")
    return summary.worked


def _table(rows: list[Ledger]) -> Table:
    table = Table("", *(row.venue for row in rows))
    for name in ("intents", "accepted", "lost", "doubled", "fills", "unknown_left", "frozen_left"):
        table.add_row(name.replace("_", " "), *(str(getattr(row, name)) for row in rows))
    table.add_row("longest doubt", *(f"{row.longest_doubt_s:.1f} s" for row in rows))
    table.add_row("untouched, well", *(f"{row.calm_well} of {row.calm}" for row in rows))
    return table


def _row(venue: str, of: Tally) -> Ledger:
    return Ledger(
        venue, of.intents, of.accepted, of.lost, of.doubled, of.fills, of.unknown_left, of.frozen_left,
        round(of.doubt_s, 1), of.calm, of.calm_well,
    )  # fmt: skip
