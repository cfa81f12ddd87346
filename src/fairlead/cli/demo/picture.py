"""The demo in a terminal: books above, what goes wrong below them, and then the orders; drawn a few times a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fairlead.cli.demo.deeds import Deed
from fairlead.cli.demo.outcomes import Mark, Result, Story, Summary, closing
from fairlead.cli.demo.show import Parts, Show
from fairlead.cli.demo.stage import Stage
from fairlead.cli.demo.steps import Step
from fairlead.cli.words import length

PICTURES_HZ = 8
TALL_LINES = 36  # a smaller screen shows one half of it at a time, until the end
PADDING = (0, 2, 0, 0)


class Picture(Show):
    looks = True

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: Sequence[Step] = ()
        self._parts: Parts = ()
        self._venues: dict[str, str] = {}
        self._results: dict[str, Result] = {}
        self._marks: dict[tuple[str, str], list[Mark]] = {}
        self._stories: dict[tuple[str, str], Story] = {}
        self._now = ("", "")  # the order that is played
        self._settled = self._words = ""
        self._is_over = False

    def say(self, words: str) -> None:
        self._words = words

    def begin(self, step: Step, venue: str) -> None:
        self._venues[step.name] = venue
        self._words = f"now on {venue}: {step.what}"

    def end(self, step: Step, result: Result) -> None:
        self._results[step.name] = result
        self._words = ""

    def begin_orders(self, settled: str) -> None:
        self._settled, self._words = settled, ""

    def begin_order(self, deed: Deed, venue: str) -> None:
        self._now = (deed.name, venue)
        self._marks[self._now] = []
        self._words = f"now on {venue}: {deed.what}"

    def mark(self, mark: Mark) -> None:
        self._marks[self._now].append(mark)

    def told(self, story: Story) -> None:
        self._stories[story.name, story.venue] = story
        self._words = ""

    def sum_up(self, summary: Summary) -> None:
        style = "bold green" if summary.worked else "bold red"
        for words in ("", *closing(summary)):
            self._console.print(Text(words, style=style))

    @contextlib.asynccontextmanager
    async def on(self, stage: Stage, steps: Sequence[Step], parts: Parts) -> AsyncIterator[None]:
        self._steps, self._parts, self._is_over = steps, parts, False
        with Live(console=self._console, auto_refresh=False) as live:
            painter = asyncio.create_task(self._paint(live, stage))
            try:
                yield
            finally:
                painter.cancel()
                await asyncio.gather(painter, return_exceptions=True)
                self._is_over = True
                live.update(self._drawn(stage), refresh=True)

    async def _paint(self, live: Live, stage: Stage) -> None:
        while True:
            live.update(self._drawn(stage), refresh=True)
            await stage.clock.sleep(1 / PICTURES_HZ)

    def _drawn(self, stage: Stage) -> Group:
        head = Text("Fairlead: simulated venues on this machine, real sockets, no internet\n", style="bold")
        whole = self._is_over or self._console.height >= TALL_LINES
        parts: list[RenderableType] = [head, stage.board.books(), *stage.board.bests()]
        if self._steps and (whole or not self._settled):
            parts += [Text(), self._mishaps()]
        if self._parts and (whole or self._settled):
            parts += [Text(), self._orders()]
        if self._settled:
            parts.append(Text(self._settled, "dim"))
        return Group(*parts, Text(self._words, "cyan"))

    def _mishaps(self) -> Table:
        table = Table("what goes wrong", "on", "found after", "mended after", "how", box=None, padding=PADDING)
        for step in self._steps:
            result, venue = self._results.get(step.name), self._venues.get(step.name, "")
            if result is None:
                table.add_row(step.what, venue, "...", "", "", style="" if venue else "dim")
                continue
            mark = Text(f"{step.what}", style="green" if result.worked else "red")
            mended = Text(_time(result.mended_ms) or "NOT MENDED", style="" if result.worked else "bold red")
            table.add_row(mark, venue, _time(result.found_ms) or "not found", mended, step.how if result.worked else "")
        return table

    def _orders(self) -> Table:
        table = Table("an order", "on", "what is seen of it", "there", box=None, padding=PADDING)
        for deed, venue in self._parts:
            name = (deed.name, venue)
            story, marks = self._stories.get(name), self._marks.get(name)
            if story is None:
                table.add_row(deed.what, venue, _way(marks or ()), "", style="dim" if marks is None else "")
                continue
            style = "green" if story.worked else "bold red"
            table.add_row(Text(deed.what, style), venue, _way(story.marks), Text(str(story.count.at_the_venue), style))
        return table


def _way(marks: Sequence[Mark]) -> Text:
    way = Text("" if marks else "...")
    for mark in marks:
        way.append(" \N{RIGHTWARDS ARROW} " if way else "", "dim")
        way.append(mark.what).append(f" {length(mark.ms)}", "dim")
    return way


def _time(ms: float | None) -> str:
    return "" if ms is None else length(ms)
