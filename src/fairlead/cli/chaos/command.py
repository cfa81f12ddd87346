"""`fairlead chaos list` and `fairlead chaos run`: what can go wrong, one at a time, under your own bot or ours."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from pathlib import Path

from cyclopts import App
from rich.table import Table

from fairlead.cli.board import paper
from fairlead.cli.chaos.scenarios import SCENARIOS, Scenario, named
from fairlead.cli.chaos.stage import OWN_BOT, Outcome, staged
from fairlead.cli.opening import AsJson, checked_venue
from fairlead.cli.trouble import Failed
from fairlead.errors import Misuse
from fairlead.venues import registry
from fairlead.wire.printed import printed

SECONDS = 40.0
app = App(name="chaos", help="One thing goes wrong at a time under a bot, yours or ours; the venue's ledger judges.")


def list_(*, json: AsJson = False) -> None:
    """Name what can be staged, what goes wrong in it, and whose users suffered it."""
    if json:
        for one in SCENARIOS:
            print(printed({"type": "scenario", **_told(one)}).decode())
        return
    table = Table("name", "what goes wrong", "suffered by users of", box=None)
    for one in SCENARIOS:
        table.add_row(one.name, one.wrong, ", ".join(one.users))
    paper().print(table)


def run(name: str, /, *, bot: str = "", venue: str = "", seconds: float = SECONDS, json: AsJson = False) -> None:
    """Stage one scenario, or `all` of them, and tell whether it held.

    Parameters
    ----------
    name
        one that `fairlead chaos list` names, or all
    bot
        a command that starts your bot, in place of ours; it finds the simulator by its environment
    venue
        at which simulated venue; the first there is by default
    seconds
        how long the bot may take; then it is asked to end
    """
    scenarios = SCENARIOS if name == "all" else (named(name),)
    where = checked_venue(venue) if venue else registry.names()[0]
    if seconds <= 0:
        raise Misuse("A bot needs time.", next="give --seconds above 0")
    command = shlex.split(bot) if bot else OWN_BOT
    broken = 0
    for one in scenarios:
        with tempfile.TemporaryDirectory() as folder:
            outcome = asyncio.run(staged(one, where, command, Path(folder), seconds))
        broken += not _held(outcome)
        _tell(one, where, outcome, json)
    if broken:
        raise Failed


def _held(outcome: Outcome) -> bool:
    """A bot that placed nothing proves nothing, and neither does a mishap that never struck."""
    return not outcome.verdict.broken and outcome.verdict.intended > 0 and outcome.struck > 0


def _tell(one: Scenario, venue: str, outcome: Outcome, as_json: bool) -> None:
    verdict = outcome.verdict
    if as_json:
        told = {"venue": venue, "held": _held(outcome), "struck": outcome.struck, "ended": outcome.ended}
        print(printed({"type": "chaos", **_told(one), **told, "verdict": verdict}).decode(), flush=True)
        return
    console = paper()
    console.print(f"[bold]{one.name}[/] at {venue}: {one.wrong}")
    console.print(
        f"  the bot asked for {verdict.intended} orders, {verdict.accepted} came to be, {verdict.fills} fills"
    )
    if not verdict.said:
        console.print("  it does not say how its orders stand: only what it did is judged")
    for breach in verdict.broken:
        console.print(f"  [red]broke[/]: {breach}")
    if _held(outcome):
        console.print("  [green]held[/]: nothing was lost, doubled, or believed that is not so")
        return
    if not outcome.struck or not verdict.intended:
        nothing = "what was to go wrong never met it" if verdict.intended else "the bot placed no order"
        console.print(f"  [red]proved nothing[/]: {nothing}; it ended {outcome.ended}")
    console.print(f"  why it matters: {one.matters}")
    if outcome.complaint:
        console.print(f"  it complained: {outcome.complaint.splitlines()[-1]}", markup=False)


def _told(one: Scenario) -> dict[str, object]:
    return {"name": one.name, "wrong": one.wrong, "matters": one.matters, "users": one.users}


app.command(list_, name="list")
app.command(run, name="run")
