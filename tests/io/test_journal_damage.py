"""Damaged journals: whatever a disk does to the files, no wrong line is handed out and no loss goes unsaid."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import apsw
import pytest

from fairlead.errors import JournalFailed, Misuse
from fairlead.io import mark
from fairlead.io.clock import RealClock
from fairlead.io.journal import LINES, MARK, DiskJournal
from fairlead.io.mark import SURE, UNKNOWN_BOOT
from fairlead.io.tape import Durability
from tests.conftest import Figure

BODIES = [b"line %d of some length, so that pages fill %s" % (seq, b"x" * (seq % 90)) for seq in range(1, 201)]
REPAIR = "repair=True"


def opened(folder: Path, *, repair: bool = False, durability: Durability = "power") -> DiskJournal:
    return DiskJournal(folder, RealClock(), inline=True, repair=repair, durability=durability)


def written(folder: Path, bodies: list[bytes], *, close: bool = True) -> None:
    journal = opened(folder)
    asyncio.run(_append_each(journal, bodies))
    if close:
        journal.close()
    else:
        journal.abandon()


async def _append_each(journal: DiskJournal, bodies: list[bytes]) -> None:
    for start in range(0, len(bodies), 20):
        await journal.append(bodies[start : start + 20])


def read(journal: DiskJournal) -> list[bytes]:
    bodies = [line.body for line in journal.lines()]
    journal.close()
    return bodies


def sql(folder: Path, *statements: str) -> None:
    connection = apsw.Connection(str(folder / LINES))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def flipped(path: Path, at: int, bit: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1 << bit
    path.write_bytes(raw)


def verdict(folder: Path) -> str:
    """What a journal makes of damaged files; fails if it hands out a wrong line or is silent about a loss."""
    try:
        journal = opened(folder, durability="process")
    except Misuse:
        return "taken for a later format"
    except JournalFailed as why:
        refused = str(why)
    else:
        refused = ""
    if refused:
        assert REPAIR in refused
        journal = opened(folder, repair=True)
        assert journal.aside is not None
        assert journal.older
        bodies = [line.body for line in journal.lines()]
        journal.abandon()
        assert bodies == BODIES[: len(bodies)]
        return "refused"
    loss, bodies = journal.older, [line.body for line in journal.lines()]
    assert bodies == BODIES[: len(bodies)]
    assert loss or bodies == BODIES
    assert asyncio.run(journal.append([b"goes on"])) == len(bodies) + 1
    assert [line.body for line in journal.lines(len(bodies))] == [b"goes on"]
    journal.abandon()
    return "told" if loss else "whole"


def flips(tmp_path: Path, patch: pytest.MonkeyPatch, rng: random.Random, count: int) -> Counter[str]:
    """One flipped bit each: in the file of lines or the write-ahead file, header or body, or in the mark."""
    patch.setattr(os, "fsync", lambda _: None)  # nobody pulls the plug here
    written(tmp_path / "closed", BODIES)
    written(tmp_path / "open", BODIES, close=False)
    seen = Counter[str]()
    for number in range(count):
        source = tmp_path / ("open" if number % 2 else "closed")
        files = [path.name for path in sorted(source.iterdir()) if path.name.startswith("journal")]
        folder, file = copied(source, tmp_path / "hurt"), files[number // 2 % len(files)]
        size = (folder / file).stat().st_size
        at = (
            rng.randrange(min(size, 200)) if number % 3 == 0 else rng.randrange(size)
        )  # headers are small: look closely
        flipped(folder / file, at, rng.randrange(8))
        seen[f"{file} {verdict(folder)}"] += 1
    return seen


def test_a_flipped_bit_anywhere_is_harmless_or_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """If this failed, a bit of rust could change an order, or hide that one ever was."""
    seen = flips(tmp_path, monkeypatch, random.Random(5), 160)
    assert seen["journal.db refused"] > 0
    assert seen["journal.db-wal told"] > 0
    assert seen["journal.db taken for a later format"] <= 2  # of its four bytes
    assert seen["journal.mark told"] + seen["journal.mark whole"] > 0
    figure("flipped bits", 160)


@pytest.mark.proof
def test_two_thousand_flipped_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure) -> None:
    """If this failed, a bit of rust could change an order, or hide that one ever was."""
    seen = flips(tmp_path, monkeypatch, random.Random(6), 2_000)
    assert seen["journal.db taken for a later format"] < 50  # four bytes of it say so
    assert sum(seen.values()) == 2_000
    figure("flipped bits", 2_000)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE lines SET body = CAST('other' AS BLOB) WHERE seq = 70",
        "UPDATE lines SET link = zeroblob(16) WHERE seq = 70",
        "UPDATE lines SET body = (SELECT body FROM lines WHERE seq = 71) WHERE seq = 70",
        "DELETE FROM lines WHERE seq = 70",
        "UPDATE lines SET seq = -1 WHERE seq = 70",
    ],
)
def test_damage_in_the_middle_is_refused_by_name_and_mended_on_demand(tmp_path: Path, damage: str) -> None:
    """If this failed, orders would be folded from lines that nobody wrote, or a repair would throw lines away."""
    written(tmp_path, BODIES)
    sql(tmp_path, damage)
    hurt = (tmp_path / LINES).read_bytes()
    for _ in range(2):
        with pytest.raises(JournalFailed, match=r"damaged: line (70|1) is not the one .*repair=True"):
            opened(tmp_path)
    assert (tmp_path / LINES).read_bytes() == hurt
    mended = opened(tmp_path, repair=True)
    assert mended.aside is not None
    assert mended.aside.read_bytes() == hurt
    assert [line.body for line in mended.lines()] in (BODIES[:69], [])
    mended.settled()
    mended.close()
    again = opened(tmp_path, repair=True)
    assert (again.older, again.aside) == (False, None)


@pytest.mark.parametrize(("at", "value"), [(18, 3), (39, 1)], ids=["may not be written", "pages that are none"])
def test_a_header_that_would_spoil_the_next_line_is_refused(tmp_path: Path, at: int, value: int) -> None:
    """If this failed, a bot would start, and lose its way to write, or its pages, with the first order."""
    written(tmp_path, BODIES)
    raw = bytearray((tmp_path / LINES).read_bytes())
    raw[at] = value
    (tmp_path / LINES).write_bytes(raw)
    with pytest.raises(JournalFailed, match="damaged"):
        opened(tmp_path)
    mended = opened(tmp_path, repair=True)
    assert [line.body for line in mended.lines()] == BODIES
    mended.settled()
    mended.reopen()
    assert (mended.older, mended.aside) == (False, None)
    mended.close()


@pytest.mark.parametrize("lost", [1, 3])
@pytest.mark.parametrize("how", ["body", "link"])
def test_a_torn_end_is_cut_back_and_counted(tmp_path: Path, lost: int, how: str) -> None:
    """If this failed, a crash would keep a bot from starting, or leave half a line in its history."""
    written(tmp_path, BODIES)
    whole = len(BODIES) - lost
    sql(tmp_path, f"UPDATE lines SET {how} = zeroblob(16) WHERE seq > {whole}")
    journal = opened(tmp_path)
    assert (journal.last, journal.cut, journal.older) == (whole, lost, True)
    assert asyncio.run(journal.append([b"goes on"])) == whole + 1
    assert read(journal) == [*BODIES[:whole], b"goes on"]


def test_repairs_keep_every_damaged_file(tmp_path: Path) -> None:
    """If this failed, a second repair would write over what the first had put aside."""
    for number in range(1, 4):
        written(tmp_path, [b"a", b"b", b"c", b"d"])
        sql(tmp_path, "UPDATE lines SET body = zeroblob(1) WHERE seq = (SELECT max(seq) - 2 FROM lines)")
        journal = opened(tmp_path, repair=True)
        assert journal.aside == tmp_path / f"journal.damaged-{number}.db"
        journal.close()
    assert len(list(tmp_path.glob("journal.damaged-*.db"))) == 3


def test_the_write_ahead_file_is_put_aside_too_and_never_replayed(tmp_path: Path) -> None:
    """If this failed, a repair would mix pages of the damaged file into the new one, or lose its newest lines."""
    written(tmp_path, BODIES[:100])
    written(tmp_path, BODIES[100:], close=False)
    raw = bytearray((tmp_path / LINES).read_bytes())
    raw[4096:] = bytes(len(raw) - 4096)
    (tmp_path / LINES).write_bytes(raw)
    journal = opened(tmp_path, repair=True)
    assert journal.aside is not None
    assert journal.aside.with_name(f"{journal.aside.name}-wal").stat().st_size > 0
    bodies = read(journal)
    assert bodies == BODIES[: len(bodies)]
    assert verdict(tmp_path) == "told"


def test_a_file_of_lines_that_is_gone_is_not_begun_anew_in_silence(tmp_path: Path) -> None:
    """If this failed, a bot would start as if it had never traded, beside its own open orders."""
    written(tmp_path, BODIES)
    (tmp_path / LINES).unlink()
    journal = opened(tmp_path)
    assert (journal.last, journal.older) == (0, True)
    assert "had come to line 200" in journal.doubt
    journal.abandon()
    (tmp_path / LINES).unlink()
    (tmp_path / f"{LINES}-wal").write_bytes(b"left")
    with pytest.raises(JournalFailed, match="it is gone"):
        opened(tmp_path)
    assert opened(tmp_path, repair=True).last == 0


def test_an_older_backup_is_told_until_it_is_settled(tmp_path: Path) -> None:
    """If this failed, orders placed since the backup would be strangers, and nobody would look for them."""
    written(tmp_path / "now", BODIES[:50])
    backup = (tmp_path / "now" / LINES).read_bytes()
    written(tmp_path / "now", BODIES[50:])
    (tmp_path / "now" / LINES).write_bytes(backup)
    for _ in range(3):  # told again at each start, also when lines were written meanwhile
        journal = opened(tmp_path / "now")
        assert journal.older
        asyncio.run(journal.append([b"new"]))
        journal.abandon()
    journal = opened(tmp_path / "now")
    journal.settled()
    assert not journal.older
    journal.abandon()
    assert not opened(tmp_path / "now").older


def test_the_copy_of_another_time_is_told(tmp_path: Path) -> None:
    """If this failed, a backup that was used for a while could come back as if it were the present."""
    written(tmp_path / "one", BODIES[:100])
    copied(tmp_path / "one", tmp_path / "two")
    written(tmp_path / "one", [b"one"])
    written(tmp_path / "two", [b"two", b"and more"])
    shutil.copy(tmp_path / "two" / LINES, tmp_path / "one" / LINES)
    journal = opened(tmp_path / "one")
    assert journal.older
    assert "line 101 is not the one" in journal.doubt


def test_a_lost_or_hurt_mark_is_told(tmp_path: Path) -> None:
    """If this failed, a backup brought back without its mark would pass for the present."""
    written(tmp_path, BODIES)
    file = tmp_path / MARK
    raw = file.read_bytes()
    file.write_bytes(raw[: SURE * mark.PLACE_BYTES])  # one of its two places is enough
    journal = opened(tmp_path)
    assert not journal.older
    journal.close()
    for hurt in (raw[:20], b"", None):
        file.unlink()
        if hurt is not None:
            file.write_bytes(hurt)
        journal = opened(tmp_path)
        assert "mark" in journal.doubt
        journal.settled()
        journal.close()


@pytest.mark.parametrize("boot", ["0123456789abcdef0123456789abcdef", "", "no hex"])
def test_a_restarted_machine_is_told_where_lines_were_not_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    """If this failed, "process" would lose the last orders before a power cut without a word."""
    cases: dict[Durability, bool] = {"process": True, "power": False}
    for durability, doubted in cases.items():
        folder = tmp_path / durability
        journal = opened(folder, durability=durability)
        asyncio.run(journal.append([b"one"]))
        journal.abandon()
        again = opened(folder, durability=durability)
        assert again.older == (mark.boot_id() == UNKNOWN_BOOT and doubted)
        again.abandon()
        with monkeypatch.context() as patch:
            (tmp_path / "boot").write_text(boot)
            patch.setattr(mark, "BOOT_ID", tmp_path / "boot")
            restarted = opened(folder)
            assert restarted.older is doubted
            restarted.settled()
            restarted.close()
            assert not opened(folder).older


def test_a_line_that_rots_while_it_runs_is_never_handed_out(tmp_path: Path) -> None:
    """If this failed, a bot that catches up could be told of an order that nobody placed."""
    journal = opened(tmp_path)
    asyncio.run(_append_each(journal, BODIES))
    journal._tape._connection.execute("UPDATE lines SET body = zeroblob(3) WHERE seq = 70")
    told: list[int] = []
    with pytest.raises(JournalFailed, match="line 70 is no longer"):
        told.extend(line.seq for line in journal.lines())
    journal.close()


def test_a_foreign_database_is_no_journal(tmp_path: Path) -> None:
    """If this failed, a wrong path could make Fairlead write into somebody else's data."""
    connection = apsw.Connection(str(tmp_path / LINES))
    connection.execute("CREATE TABLE lines (seq INTEGER PRIMARY KEY, body BLOB, link BLOB)")
    connection.close()
    with pytest.raises(JournalFailed, match="header says 0"):
        opened(tmp_path)
