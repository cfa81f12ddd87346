"""`fairlead demo`: it ends by itself within a minute, with 0 only if all was mended and no order lost or doubled."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from fairlead.cli.demo.deeds import DEEDS, Deed, played
from fairlead.cli.demo.hurry import PROOF_MS, settled
from fairlead.cli.demo.outcomes import Result, Story, Summary, total
from fairlead.cli.demo.picture import Picture
from fairlead.cli.demo.show import Lines, Machine, Parts, Show
from fairlead.cli.demo.stage import Stage, staged
from fairlead.cli.demo.steps import STEPS, Step
from fairlead.cli.opening import AsJson
from fairlead.cli.trouble import Failed
from fairlead.engine.feed import Mends
from fairlead.errors import UnknownName
from fairlead.io.clock import RealClock
from fairlead.venues import registry

FIRST_LOOK_S, LOOK_S = 2.0, 0.8  # for a person to see: the calm at the beginning, and each step's outcome
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
    """Show the main job, offline: three venues' live books, trouble found and mended, and orders that come through it.

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
    names = [one.name for one in (*STEPS, *DEEDS)]
    for name in only:
        if name not in names:
            raise UnknownName("step", name, names)
    steps = [step for step in STEPS if step.name in only or not only]
    deeds = [deed for deed in DEEDS if deed.name in only or not only]
    show: Show = Machine() if json else Picture(Console()) if sys.stdout.isatty() else Lines()
    summary = asyncio.run(_demo(show, steps, deeds, without, seed, keep))
    if not summary.worked:
        raise Failed


async def _demo(
    show: Show, steps: Sequence[Step], deeds: Sequence[Deed], without: tuple[str, ...], seed: int, keep: bool
) -> Summary:
    clock = RealClock()
    begin_ns, words = clock.mono_ns(), settled(registry.names())
    async with staged(seed, Mends(**dict.fromkeys(without, False))) as stage:
        parts = [(deed, venue) for deed in deeds for venue in stage.seated(deed.seats)]
        async with show.on(stage, steps, parts):
            results = await _played(stage, show, steps)
            if parts:
                show.begin_orders(words)
            stories = await _ordered(stage, show, parts)
        failed = tuple(f"{result.what} ({result.venue})" for result in results if not result.worked)
        bad = tuple(f"{story.what} ({story.venue})" for story in stories if not story.worked)
        summary = Summary(
            worked=not failed and not bad,
            steps=len(results),
            not_mended=failed,
            without=without,
            seconds=round((clock.mono_ns() - begin_ns) / MS / 1000, 1),
            events=dict(sorted(stage.session.counts.items())),
            orders=total(stories),
            orders_failed=bad,
            settle_ms=PROOF_MS,
        )
        show.sum_up(summary)
        if keep:
            async with show.on(stage, steps, parts):
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


async def _ordered(stage: Stage, show: Show, parts: Parts) -> list[Story]:
    stories = []
    for deed, venue in parts:
        show.begin_order(deed, venue)
        stories.append(await played(stage, deed, venue, show.mark))
        show.told(stories[-1])
        await stage.clock.sleep(LOOK_S if show.looks else 0)
    return stories


async def _step(stage: Stage, show: Show, step: Step) -> Result:
    (venue,) = stage.seated((step.seat,))
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
