"""`fairlead demo`: it ends by itself within a minute, and with 0 only if everything that went wrong was mended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from fairlead.cli.demo.show import Lines, Machine, Picture, Result, Show, Summary
from fairlead.cli.demo.stage import Stage, staged
from fairlead.cli.demo.steps import STEPS, Step
from fairlead.cli.opening import AsJson
from fairlead.cli.trouble import Failed
from fairlead.engine.feed import Mends
from fairlead.errors import UnknownName
from fairlead.io.clock import RealClock

FIRST_LOOK_S, LOOK_S = 2.5, 1.2  # for a person to see: the calm at the beginning, and each step's outcome
LIVE_MOST_S, CALM_MOST_S = 10.0, 3.0  # for all books to be live, at the beginning and after each step
MS = 1_000_000


def demo(
    *,
    without: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    keep: bool = False,
    seed: int = 1,
    only: Annotated[tuple[str, ...], Parameter(consume_multiple=True, show=False)] = (),
    json: AsJson = False,
) -> None:
    """Show the main job, offline: three venues' live books, and each kind of trouble found and mended.

    Parameters
    ----------
    without
        switch some of the mending off and see it fail: reconnect, resync, renew, guard, wait, failover
    keep
        stay on after the last step, until Ctrl-C
    seed
        one seed, one story of prices and orders
    """
    known = Mends.__struct_fields__
    for name in without:
        if name not in known:
            raise UnknownName("mending", name, known)
    names = [step.name for step in STEPS]
    for name in only:
        if name not in names:
            raise UnknownName("step", name, names)
    steps = [step for step in STEPS if step.name in only or not only]
    show: Show = Machine() if json else Picture(Console()) if sys.stdout.isatty() else Lines()
    summary = asyncio.run(_demo(show, steps, without, seed, keep))
    if not summary.worked:
        raise Failed


async def _demo(show: Show, steps: Sequence[Step], without: tuple[str, ...], seed: int, keep: bool) -> Summary:
    clock = RealClock()
    begin_ns = clock.mono_ns()
    async with staged(seed, Mends(**dict.fromkeys(without, False))) as stage:
        async with show.on(stage, steps):
            results = await _played(stage, show, steps)
        failed = tuple(f"{result.what} ({result.venue})" for result in results if not result.worked)
        counts = dict(sorted(stage.session.counts.items()))
        seconds = round((clock.mono_ns() - begin_ns) / MS / 1000, 1)
        summary = Summary(not failed, len(results), failed, without, seconds, counts)
        show.sum_up(results, summary)
        if keep:
            async with show.on(stage, steps):
                show.say("Ctrl-C ends it")
                await asyncio.Event().wait()
    return summary


async def _played(stage: Stage, show: Show, steps: Sequence[Step]) -> list[Result]:
    show.say("the books come up")
    await stage.calm(LIVE_MOST_S)
    live_ns = stage.clock.mono_ns()
    show.say(f"{len(stage.names)} books are live; nothing is wrong yet")
    await stage.clock.sleep(FIRST_LOOK_S if show.looks else 0)
    results = []
    for step in steps:
        waited_s = (stage.clock.mono_ns() - live_ns) / MS / 1000
        if waited_s < step.after_s:
            show.say("every channel teaches how often it speaks")
            await stage.clock.sleep(step.after_s - waited_s)
        results.append(await _step(stage, show, step))
        await stage.clock.sleep(LOOK_S if show.looks else 0)
        await stage.calm(CALM_MOST_S)
    return results


async def _step(stage: Stage, show: Show, step: Step) -> Result:
    venue = stage.names[step.seat % len(stage.names)]
    show.begin(step, venue)
    fooled = stage.fooled
    witness = await stage.play(venue, step.plan(stage, venue), step.patience_s)
    worked = witness.done.is_set() and stage.fooled == fooled
    mended_ms = witness.mended_ms if worked else None
    result = Result(
        step.name, step.mend, step.what, venue, witness.found_ms, mended_ms, worked, told=tuple(witness.told)
    )
    show.end(step, result)
    return result
