"""`fairlead sim`: the exchange city alone, on loopback, for any client; it serves until it is interrupted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

import fairlead
from fairlead.cli.board import paper
from fairlead.cli.opening import AsJson, checked_venue
from fairlead.io.clock import RealClock, seeded
from fairlead.sim.city import City
from fairlead.sim.markets import usual
from fairlead.sim.rules import Rule, read_rules
from fairlead.sim.server.gates import announced
from fairlead.sim.server.web import Served
from fairlead.sim.world import World
from fairlead.wire.printed import printed


def sim(
    *,
    seed: int = 1,
    faults: Path | None = None,
    venues: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    hosts_each: int = 2,
    control_port: int = 0,
    json: AsJson = False,
) -> None:
    """Run simulated venues on loopback, for Fairlead or any other client, until Ctrl-C.

    Parameters
    ----------
    seed
        one seed, one story of prices and orders
    faults
        a file of mishaps, TOML with [[fault]] tables or JSON
    venues
        which of them; all by default
    hosts_each
        addresses a venue has for each of its hosts, so that one can die
    control_port
        where mishaps are posted to while it runs; any free one by default
    """
    names = tuple(checked_venue(name) for name in venues) or fairlead.venue_names()
    rules = read_rules(faults.read_text(encoding="utf-8")) if faults else ()
    asyncio.run(_serve(names, seed, rules, hosts_each, control_port, json))


async def _serve(
    names: tuple[str, ...], seed: int, rules: tuple[Rule, ...], hosts_each: int, control_port: int, as_json: bool
) -> None:
    clock = RealClock()
    city = City(names, World(seed, usual(names), clock.wall_ns()), clock, seeded(seed))
    for rule in rules:
        city.mishaps.add(rule)
    async with Served(city, clock, slots=max(1, hosts_each), control_port=control_port) as served:
        told = line_of(served)
        if as_json:
            print(printed(told).decode(), flush=True)
        else:
            _show(told)
        await asyncio.Event().wait()


def line_of(served: Served) -> dict[str, Any]:
    """The line for machines: each venue's first addresses and demo key, and beside them all that it has."""
    return {**announced(served.city, served.addresses), "alternates": served.addresses, "control": served.control}


def _show(told: dict[str, Any]) -> None:
    console = paper()
    for name, venue in told["venues"].items():
        table = Table(title=name, title_justify="left", title_style="bold", show_header=False)
        for key, addresses in told["alternates"][name].items():
            table.add_row(key, "  ".join(addresses))
        for part, secret in venue["key"].items():
            table.add_row(f"demo {part}", secret)
        console.print(table)
    console.print(f"Mishaps: POST {told['control']}/_sim/faults    Ctrl-C ends it.")
