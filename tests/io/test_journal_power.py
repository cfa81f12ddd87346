"""Power cuts: every prefix of what the journal wrote, with what was not synced half lost and torn, is opened again."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from fairlead.errors import JournalFailed
from fairlead.io import mark, tape
from fairlead.io.clock import RealClock
from fairlead.io.journal import LINES, MARK, DiskJournal
from fairlead.io.tape import Durability
from tests.conftest import Figure
from tests.io.disk import Disk, Step, disk, power_cut, watch

CHECKPOINT_PAGES = 12  # so that few lines see many checkpoints


class How(NamedTuple):
    appends: int = 40
    failed_syncs: tuple[int, ...] = ()  # at which of them
    failed_checkpoints: tuple[int, ...] = ()  # from which of them on the next one fails


class Sailed(NamedTuple):
    """What was written and when each append was told as kept."""

    before: dict[str, bytes]
    steps: list[Step]
    bodies: list[bytes]
    told: list[tuple[int, int]]  # after so many steps, so many lines

    def kept(self, steps: int) -> int:
        return max((lines for after, lines in self.told if after <= steps), default=0)


def sail(folder: Path, floor: Disk, patch: pytest.MonkeyPatch, durability: Durability, how: How) -> Sailed:
    """Appends of one to five lines, over many checkpoints, and a close; on the way a sync may fail."""
    patch.setattr(tape, "CHECKPOINT_PAGES", CHECKPOINT_PAGES)
    DiskJournal(folder, RealClock(), inline=True).close()
    before = {name: (folder / name).read_bytes() for name in (LINES, MARK)}
    watch(patch, folder, floor.log)
    rng, told = random.Random(1), []
    journal = DiskJournal(folder, RealClock(), durability=durability, inline=True, vfs=floor.name)
    for turn in range(how.appends):
        lines = [rng.randbytes(rng.randrange(600)) for _ in range(rng.randrange(1, 6))]
        if turn in how.failed_syncs:
            floor.breaks = "sync"
            with pytest.raises(JournalFailed):
                asyncio.run(journal.append(lines))
            floor.breaks = ""
            journal.reopen()
            continue
        if turn in how.failed_checkpoints:
            floor.breaks = f"sync {LINES}"  # until the next checkpoint meets it
        last = asyncio.run(journal.append(lines))
        told.append((len(floor.log), last))
        if not journal.is_sound:
            floor.breaks = ""
            journal.reopen()
    bodies = [line.body for line in journal.lines()]
    journal.close()
    return Sailed(before, floor.log, bodies, told)


def verdict(folder: Path, sailed: Sailed, steps: int) -> str:
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


def cuts(
    tmp_path: Path, patch: pytest.MonkeyPatch, images: int, how: How, durability: Durability = "power"
) -> Counter[str]:
    with disk(f"power-{durability}") as floor:
        sailed = sail(tmp_path / "sailed", floor, patch, durability, how)
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
    seen = cuts(tmp_path, monkeypatch, 400, How())
    assert seen == {"whole": 400}
    figure("power-cut images", 400)


def test_without_a_sync_at_each_commit_lines_are_lost_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, either the test above could not find a loss, or "process" would lose orders without a word."""
    seen = cuts(tmp_path, monkeypatch, 300, How(), "process")
    assert seen["lost, told"] > 0
    assert set(seen) <= {"lost, told", "whole, doubted", "whole"}


def test_the_images_find_a_journal_that_never_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, the images would prove nothing: a journal without a single sync must be found broken."""
    monkeypatch.setitem(tape._SYNCHRONOUS, "power", "OFF")
    seen = cuts(tmp_path, monkeypatch, 300, How())
    assert seen["refused"] > 0
    assert seen["lost, told"] + seen["lost, silent"] > 0


FAILED = How(failed_syncs=(5, 17, 18, 31), failed_checkpoints=(8, 20))


def test_after_a_failed_sync_and_a_reopening_a_power_cut_still_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """If this failed, lines told as kept after a hiccup of the disk would stand on others that are on no disk."""
    assert cuts(tmp_path, monkeypatch, 400, FAILED) == {"whole": 400}
    figure("power-cut images", 400)


def test_the_images_find_a_reopening_that_trusts_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, the test above would not know a disk that forgets what it failed to sync."""
    monkeypatch.setattr(tape, "_settle", lambda _wal: None)
    seen = cuts(tmp_path, monkeypatch, 400, FAILED)
    assert seen["lost, told"] + seen["lost, silent"] + seen["refused"] > 0


@pytest.mark.proof
def test_ten_thousand_power_cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure) -> None:
    """If this failed, an order could be at the venue and in no journal after the lights went out."""
    images = 10_000
    how = How(appends=200, failed_syncs=(20, 60, 61, 150), failed_checkpoints=(30, 90))
    assert cuts(tmp_path, monkeypatch, images, how) == {"whole": images}
    figure("power-cut images", images)
