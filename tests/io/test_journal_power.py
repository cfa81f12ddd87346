"""Power cuts: every prefix of what the journal wrote, with what was not synced half lost and torn, is opened again."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from fairlead.errors import JournalFailed
from fairlead.io import mark, tape
from fairlead.io.clock import RealClock
from fairlead.io.journal import MARK, DiskJournal
from fairlead.io.tape import Durability
from tests.io.disk import Disk, Step, disk, power_cut, watch_mark

Figure = Callable[[str, int], None]
CHECKPOINT_PAGES = 12  # so that few lines see many checkpoints


class Voyage(NamedTuple):
    """What was written and when each append was told as kept."""

    before: dict[str, bytes]
    steps: list[Step]
    bodies: list[bytes]
    told: list[tuple[int, int]]  # after so many steps, so many lines

    def kept(self, steps: int) -> int:
        return max((lines for after, lines in self.told if after <= steps), default=0)


def voyage(folder: Path, floor: Disk, patch: pytest.MonkeyPatch, durability: Durability, appends: int) -> Voyage:
    """Appends of one to five lines, over many checkpoints, and a close."""
    patch.setattr(tape, "CHECKPOINT_PAGES", CHECKPOINT_PAGES)
    DiskJournal(folder, RealClock(), inline=True).close()
    before = {name: (folder / name).read_bytes() for name in ("journal.db", MARK)}
    watch_mark(patch, folder / MARK, floor.log)
    rng, bodies, told = random.Random(1), [], []
    journal = DiskJournal(folder, RealClock(), durability=durability, inline=True, vfs=floor.name)
    for _ in range(appends):
        lines = [rng.randbytes(rng.randrange(600)) for _ in range(rng.randrange(1, 6))]
        last = asyncio.run(journal.append(lines))
        told.append((len(floor.log), last))
        bodies += lines
    journal.close()
    return Voyage(before, floor.log, bodies, told)


def verdict(folder: Path, sailed: Voyage, steps: int) -> str:
    """What a journal made of the files says: whole, lost (told so or silently), or refused."""
    try:
        journal = DiskJournal(folder, RealClock(), inline=True)
    except JournalFailed:
        return "refused"
    bodies = [line.body for line in journal.lines()]
    journal.abandon()
    if bodies != sailed.bodies[: len(bodies)]:
        return "wrong"
    if len(bodies) < sailed.kept(steps):
        return "lost, told" if journal.older else "lost, silent"
    return "whole, doubted" if journal.older else "whole"


def cuts(tmp_path: Path, patch: pytest.MonkeyPatch, durability: Durability, images: int, appends: int) -> Counter[str]:
    with disk(f"power-{durability}") as floor:
        sailed = voyage(tmp_path / "sailed", floor, patch, durability, appends)
    patch.setattr(os, "fsync", lambda _: None)  # nothing pulls the plug on the opening of an image
    (tmp_path / "boot").write_text("0123456789abcdef0123456789abcdef")
    patch.setattr(mark, "BOOT_ID", tmp_path / "boot")  # it is on again
    rng, seen = random.Random(2), Counter[str]()
    for number in range(images):
        steps = number * len(sailed.steps) // images + 1  # every prefix, as often as there are images for it
        folder = tmp_path / "image"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in power_cut(sailed.before, sailed.steps[:steps], rng).items():
            (folder / name).write_bytes(text)
        seen[verdict(folder, sailed, steps)] += 1
    return seen


def test_a_power_cut_loses_nothing_that_was_told_as_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """If this failed, an order could be at the venue and in no journal after the lights went out."""
    seen = cuts(tmp_path, monkeypatch, "power", 600, appends=40)
    assert seen == {"whole": 600}
    figure("power-cut images", 600)


def test_without_a_sync_at_each_commit_lines_are_lost_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, either the test above could not find a loss, or "process" would lose orders without a word."""
    seen = cuts(tmp_path, monkeypatch, "process", 300, appends=40)
    assert seen["lost, told"] > 0
    assert set(seen) <= {"lost, told", "whole, doubted", "whole"}


def test_the_images_find_a_journal_that_never_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, the images would prove nothing: a journal without a single sync must be found broken."""
    monkeypatch.setitem(tape._SYNCHRONOUS, "power", "OFF")
    seen = cuts(tmp_path, monkeypatch, "power", 300, appends=40)
    assert seen["refused"] > 0
    assert seen["lost, told"] + seen["lost, silent"] > 0


@pytest.mark.proof
def test_ten_thousand_power_cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure) -> None:
    """If this failed, an order could be at the venue and in no journal after the lights went out."""
    images = 10_000
    assert cuts(tmp_path, monkeypatch, "power", images, appends=200) == {"whole": images}
    figure("power-cut images", images)
