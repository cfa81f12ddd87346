"""How the demo is shown: a living picture in a terminal, plain lines in a pipe, JSON lines for machines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec import Struct
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fairlead.cli.demo.stage import Stage
from fairlead.cli.demo.steps import Step
from fairlead.cli.words import length
from fairlead.wire.printed import printed

PICTURES_HZ = 8


class Result(Struct, frozen=True):
    """What became of one step; times from when it went wrong, None where it did not come to that."""

    name: str
    mend: str
    what: str
    venue: str
    found_ms: float | None
    mended_ms: float | None
    worked: bool
    told: tuple[str, ...]  # the evidence, in words


class Summary(Struct, frozen=True):
    worked: bool
    steps: int
    not_mended: tuple[str, ...]  # what went wrong, and on which venue
    without: tuple[str, ...]
    seconds: float
    events: Mapping[str, int]  # health events of each kind


class Show:
    """Prints nothing by itself. `looks`: somebody watches, so that there is a pause after each step."""

    looks = False

    def begin(self, step: Step, venue: str) -> None: ...
    def end(self, step: Step, result: Result) -> None: ...
    def sum_up(self, results: Sequence[Result], summary: Summary) -> None: ...
    def say(self, words: str) -> None: ...

    @contextlib.asynccontextmanager
    async def on(self, stage: Stage, steps: Sequence[Step]) -> AsyncIterator[None]:
        """While the demo runs."""
        yield


class Machine(Show):
    def end(self, step: Step, result: Result) -> None:
        print(printed(result).decode(), flush=True)

    def sum_up(self, results: Sequence[Result], summary: Summary) -> None:
        print(printed(summary).decode(), flush=True)


class Lines(Show):
    def say(self, words: str) -> None:
        print(words, flush=True)

    def end(self, step: Step, result: Result) -> None:
        found = f"found after {length(result.found_ms)}" if result.found_ms is not None else "not found"
        mended = f"{step.how} after {length(result.mended_ms)}" if result.mended_ms is not None else "NOT MENDED"
        self.say(f"{result.venue}: {step.what}: {found}; {mended}")

    def sum_up(self, results: Sequence[Result], summary: Summary) -> None:
        self.say(closing(summary))


class Picture(Show):
    """Books above, the steps below, drawn a few times a second."""

    looks = True

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: Sequence[Step] = ()
        self._venues: dict[str, str] = {}
        self._results: dict[str, Result] = {}
        self._words = ""

    def say(self, words: str) -> None:
        self._words = words

    def begin(self, step: Step, venue: str) -> None:
        self._venues[step.name] = venue
        self._words = f"now on {venue}: {step.what}"

    def end(self, step: Step, result: Result) -> None:
        self._results[step.name] = result
        self._words = ""

    def sum_up(self, results: Sequence[Result], summary: Summary) -> None:
        style = "bold green" if summary.worked else "bold red"
        self._console.print(Text(f"\n{closing(summary)}", style=style))

    @contextlib.asynccontextmanager
    async def on(self, stage: Stage, steps: Sequence[Step]) -> AsyncIterator[None]:
        self._steps = steps
        with Live(console=self._console, auto_refresh=False) as live:
            painter = asyncio.create_task(self._paint(live, stage))
            try:
                yield
            finally:
                painter.cancel()
                await asyncio.gather(painter, return_exceptions=True)
                live.update(self._drawn(stage), refresh=True)

    async def _paint(self, live: Live, stage: Stage) -> None:
        while True:
            live.update(self._drawn(stage), refresh=True)
            await stage.clock.sleep(1 / PICTURES_HZ)

    def _drawn(self, stage: Stage) -> Group:
        head = Text("Fairlead: simulated venues on this machine, real sockets, no internet\n", style="bold")
        return Group(head, stage.board.books(), *stage.board.bests(), Text(), self._table(), Text(self._words, "cyan"))

    def _table(self) -> Table:
        table = Table("what goes wrong", "on", "found after", "mended after", "how", box=None, padding=(0, 2, 0, 0))
        for step in self._steps:
            result, venue = self._results.get(step.name), self._venues.get(step.name, "")
            if result is None:
                table.add_row(step.what, venue, "...", "", "", style="" if venue else "dim")
                continue
            mark = Text(f"{step.what}", style="green" if result.worked else "red")
            mended = Text(_time(result.mended_ms) or "NOT MENDED", style="" if result.worked else "bold red")
            table.add_row(mark, venue, _time(result.found_ms) or "not found", mended, step.how if result.worked else "")
        return table


def closing(summary: Summary) -> str:
    """The last sentence."""
    if summary.worked:
        words = f"All {summary.steps} were found and mended, in {summary.seconds:.0f} s."
        return f"{words} See one fail: fairlead demo --without resync"
    off = f" Switched off: {', '.join(summary.without)}." if summary.without else ""
    return f"{len(summary.not_mended)} of {summary.steps} were not mended: {', '.join(summary.not_mended)}.{off}"


def _time(ms: float | None) -> str:
    return "" if ms is None else length(ms)
