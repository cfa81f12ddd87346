"""How the demo is shown: plain lines in a pipe, JSON lines for machines; a terminal's picture stands in picture.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

from fairlead.cli.demo.deeds import Deed
from fairlead.cli.demo.outcomes import Mark, Result, Story, Summary, closing
from fairlead.cli.demo.stage import Stage
from fairlead.cli.demo.steps import Step
from fairlead.cli.words import length
from fairlead.wire.printed import printed

Parts: TypeAlias = Sequence[tuple[Deed, str]]  # orders to come, and on which venue


class Show:
    """Prints nothing by itself. `looks`: somebody watches, so that there is a pause after each step."""

    looks = False

    def begin(self, step: Step, venue: str) -> None: ...
    def end(self, step: Step, result: Result) -> None: ...
    def begin_orders(self, settled: str) -> None: ...
    def begin_order(self, deed: Deed, venue: str) -> None: ...
    def mark(self, mark: Mark) -> None: ...
    def told(self, story: Story) -> None: ...
    def sum_up(self, summary: Summary) -> None: ...
    def say(self, words: str) -> None: ...

    @contextlib.asynccontextmanager
    async def on(self, stage: Stage, steps: Sequence[Step], parts: Parts) -> AsyncIterator[None]:
        """While the demo runs."""
        yield


class Machine(Show):
    def end(self, step: Step, result: Result) -> None:
        print(printed(result).decode(), flush=True)

    def told(self, story: Story) -> None:
        print(printed(story).decode(), flush=True)

    def sum_up(self, summary: Summary) -> None:
        print(printed(summary).decode(), flush=True)


class Lines(Show):
    def say(self, words: str) -> None:
        print(words, flush=True)

    def end(self, step: Step, result: Result) -> None:
        found = f"found after {length(result.found_ms)}" if result.found_ms is not None else "not found"
        mended = f"{step.how} after {length(result.mended_ms)}" if result.mended_ms is not None else "NOT MENDED"
        self.say(f"{result.venue}: {step.what}: {found}; {mended}")

    def begin_orders(self, settled: str) -> None:
        self.say(f"Now orders. {settled}")

    def told(self, story: Story) -> None:
        way = "; ".join(f"{mark.what} ({length(mark.ms)})" for mark in story.marks)
        self.say(f"{story.venue}: {story.what}: {way}; the venue counts: {story.count}")

    def sum_up(self, summary: Summary) -> None:
        for words in closing(summary):
            self.say(words)
