"""The journal's promise: lines that were told as kept are there, in order; what could not be kept is refused aloud."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from fairlead.errors import JournalFailed, Misuse
from fairlead.io import failpoint, tape
from fairlead.io.clock import RealClock, run_virtual
from fairlead.io.journal import LINE_BYTES_MAX, LINES, READ_LINES, DiskJournal
from fairlead.wire.face import Journal
from tests.io.disk import Disk, disk

MODES = pytest.mark.parametrize("inline", [True, False], ids=["inline", "thread"])


@pytest.fixture
def floor() -> Iterator[Disk]:
    with disk("faulty") as floor:
        yield floor


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoint.disarm()


def opened(folder: Path, *, inline: bool = True, vfs: str = "", repair: bool = False) -> DiskJournal:
    return DiskJournal(folder, RealClock(), inline=inline, vfs=vfs, repair=repair)


def bodies(journal: Journal, after: int = 0) -> list[bytes]:
    return [line.body for line in journal.lines(after)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sound(journal: Journal) -> bool:
    return journal.is_sound


@MODES
async def test_lines_are_there_when_it_is_opened_again(tmp_path: Path, inline: bool) -> None:
    """If this failed, a restart would forget orders that are at the venue."""
    journal = opened(tmp_path, inline=inline)
    assert await journal.append([b"one", b"", b"three"]) == 3
    assert await journal.append([]) == 3
    assert await journal.append([b"four"]) == 4
    journal.close()
    again = opened(tmp_path, inline=inline)
    assert bodies(again) == [b"one", b"", b"three", b"four"]
    assert bodies(again, after=2) == [b"three", b"four"]
    assert (bodies(again, after=4), bodies(again, after=9)) == ([], [])
    assert (again.last, again.cut, again.older, again.is_sound) == (4, 0, False, True)
    assert await again.append([b"five"]) == 5
    again.close()


@MODES
async def test_lines_are_there_after_a_death_without_a_close(tmp_path: Path, inline: bool) -> None:
    """If this failed, a crash would forget orders that are at the venue."""
    for death in range(1, 6):
        journal = opened(tmp_path, inline=inline)
        assert await journal.append([b"%d" % death]) == death
        journal.abandon()
        assert (journal.cut, journal.doubt) == (0, "")
    assert bodies(opened(tmp_path)) == [b"1", b"2", b"3", b"4", b"5"]


async def test_many_appenders_share_commits_and_keep_their_order(tmp_path: Path) -> None:
    """If this failed, a later fact could stand before the one it rests on, or two orders could get one number."""
    journal = opened(tmp_path, inline=False)

    async def bot(name: int) -> list[int]:
        return [await journal.append([b"%d %d" % (name, turn)]) for turn in range(20)]

    numbers = await asyncio.gather(*map(bot, range(50)))
    kept = {line.seq: line.body for line in journal.lines()}
    assert sorted(kept) == list(range(1, 1001))
    for name, mine in enumerate(numbers):
        assert [kept[number] for number in mine] == [b"%d %d" % (name, turn) for turn in range(20)]
        assert mine == sorted(mine)
    journal.close()


async def test_calls_made_one_after_the_other_are_written_in_that_order(tmp_path: Path) -> None:
    """If this failed, the answer of a venue could be written before the question."""
    journal = opened(tmp_path, inline=False)
    calls = [asyncio.ensure_future(journal.append([b"%d" % turn, b"and"])) for turn in range(300)]
    assert await asyncio.gather(*calls) == list(range(2, 602, 2))
    assert bodies(journal)[::2] == [b"%d" % turn for turn in range(300)]
    journal.close()


async def test_a_cancelled_caller_stops_nobody(tmp_path: Path) -> None:
    """If this failed, one bot that went away would leave the others waiting for ever."""
    journal = opened(tmp_path, inline=False)
    first, second = (asyncio.ensure_future(journal.append([text])) for text in (b"one", b"two"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 2
    journal.close()


async def test_closing_writes_what_waits_and_then_refuses(tmp_path: Path) -> None:
    """If this failed, a shutdown would lose the last lines, or take some that nobody will write."""
    journal = opened(tmp_path, inline=False)
    waiting = [asyncio.ensure_future(journal.append([b"%d" % turn])) for turn in range(100)]
    await asyncio.sleep(0)
    journal.close()
    journal.close()
    assert await asyncio.gather(*waiting) == list(range(1, 101))
    for late in (journal.append([b"late"]), _first(journal)):
        with pytest.raises(JournalFailed, match="closed"):
            await late
    assert not sound(journal)
    assert names(tmp_path) == ["journal.db", "journal.mark", "owner.lock"]
    assert len(bodies(opened(tmp_path))) == 100


async def _first(journal: DiskJournal) -> None:
    next(journal.lines())


def test_virtual_time_knows_it_inline(tmp_path: Path) -> None:
    """If this failed, a voyage with a journal would hang, or differ from itself."""

    async def main() -> list[int]:
        journal = opened(tmp_path)
        numbers = await asyncio.gather(*(journal.append([b"%d" % turn]) for turn in range(5)))
        journal.close()
        return list(numbers)

    assert sorted(run_virtual(main, seed=3)) == [1, 2, 3, 4, 5]


async def test_long_journals_are_read_page_by_page_while_it_is_written(tmp_path: Path) -> None:
    """If this failed, a bot that catches up would miss lines, or hold up the orders of others."""
    journal = opened(tmp_path)
    await journal.append([b"%d" % turn for turn in range(2 * READ_LINES)])
    reading = journal.lines(after=1)
    assert next(reading).seq == 2
    await journal.append([b"meanwhile"])
    assert [line.seq for line in reading] == list(range(3, 2 * READ_LINES + 2))
    journal.close()


async def test_a_line_too_long_is_refused_and_nothing_else(tmp_path: Path) -> None:
    """If this failed, one strange reply could fill the memory or end the journal."""
    journal = opened(tmp_path)
    with pytest.raises(JournalFailed, match="longer than"):
        await journal.append([b"fine", b"x" * (LINE_BYTES_MAX + 1)])
    assert await journal.append([b"x" * LINE_BYTES_MAX]) == 1


async def test_the_write_ahead_file_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a bot that runs for months would fill its disk and take minutes to start."""
    monkeypatch.setattr(tape, "CHECKPOINT_PAGES", 20)
    journal = opened(tmp_path)
    sizes = []
    for _ in range(200):
        await journal.append([b"x" * 1000])
        sizes.append((tmp_path / f"{LINES}-wal").stat().st_size)
    assert max(sizes) <= 26 * 4200
    journal.abandon()
    assert len(bodies(opened(tmp_path))) == 200


async def test_only_the_owner_may_look(tmp_path: Path) -> None:
    """If this failed, other users of a machine could read what somebody trades."""
    journal = opened(tmp_path / "state")
    await journal.append([b"one"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    journal.close()


@MODES
async def test_a_full_disk_refuses_and_goes_on_when_there_is_room(tmp_path: Path, floor: Disk, inline: bool) -> None:
    """If this failed, an order could leave unwritten, or a bot would need a restart after the disk was cleaned."""
    journal = opened(tmp_path, inline=inline, vfs=floor.name)
    await journal.append([b"before"])
    floor.is_full = True
    for _ in range(3):
        with pytest.raises(JournalFailed, match="disk is full"):
            await journal.append([b"refused", b"refused"])
    assert sound(journal)
    assert bodies(journal) == [b"before"]
    floor.is_full = False
    assert await journal.append([b"after"]) == 2
    journal.close()
    assert bodies(opened(tmp_path)) == [b"before", b"after"]


@pytest.mark.parametrize("breaks", ["sync", "write"])
@MODES
async def test_a_failed_sync_is_never_tried_again(tmp_path: Path, floor: Disk, inline: bool, breaks: str) -> None:
    """If this failed, the second sync would say that all is well, and the lines before it would be on no disk."""
    journal = opened(tmp_path, inline=inline, vfs=floor.name)
    await journal.append([b"before"])
    floor.breaks = breaks
    with pytest.raises(JournalFailed, match="cannot be written"):
        await journal.append([b"in doubt"])
    assert not sound(journal)
    floor.breaks, steps = "", len(floor.log)
    with pytest.raises(JournalFailed, match="reopen"):
        await journal.append([b"refused"])
    assert len(floor.log) == steps  # not a byte was written, not a sync was asked for
    assert bodies(journal) == [b"before"]
    journal.reopen()
    assert sound(journal)
    assert bodies(journal) in ([b"before"], [b"before", b"in doubt"])
    last = journal.last
    assert await journal.append([b"after"]) == last + 1
    journal.close()
    assert bodies(opened(tmp_path))[-1] == b"after"


async def test_a_reopening_that_fails_may_be_tried_again(tmp_path: Path, floor: Disk) -> None:
    """If this failed, a disk that comes back late would leave the journal neither usable nor known as broken."""
    journal = opened(tmp_path, vfs=floor.name)
    await journal.append([b"before"])
    floor.breaks = "sync"
    with pytest.raises(JournalFailed):
        await journal.append([b"in doubt"])
    floor.breaks = "read"
    for _ in range(2):
        with pytest.raises(JournalFailed, match="cannot be read"):
            journal.reopen()
        assert not sound(journal)
        with pytest.raises(JournalFailed):
            next(journal.lines())
    floor.breaks = ""
    journal.reopen()
    assert bodies(journal)[0] == b"before"
    journal.close()


@pytest.mark.parametrize("breaks", ["sync", "write"])
async def test_a_checkpoint_that_fails_takes_back_nothing(
    tmp_path: Path, floor: Disk, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    """If this failed, lines already told as kept would be called lost, or a broken disk would go unheard."""
    monkeypatch.setattr(tape, "CHECKPOINT_PAGES", 1)
    journal = opened(tmp_path, vfs=floor.name)

    def breaking(self: tape.Tape) -> None:
        floor.breaks = breaks
        try:
            checkpoint(self)
        finally:
            floor.breaks = ""

    checkpoint = tape.Tape.checkpoint
    monkeypatch.setattr(tape.Tape, "checkpoint", breaking)
    assert await journal.append([b"kept"]) == 1
    assert not sound(journal)
    monkeypatch.undo()
    journal.reopen()
    assert bodies(journal) == [b"kept"]
    journal.close()
    assert bodies(opened(tmp_path)) == [b"kept"]


async def test_a_full_disk_at_a_checkpoint_is_borne(
    tmp_path: Path, floor: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a disk that is full for a moment would end a journal that has lost nothing."""
    monkeypatch.setattr(tape, "CHECKPOINT_PAGES", 1)
    journal = opened(tmp_path, vfs=floor.name)
    failpoint.arm("journal.after_commit", lambda: setattr(floor, "is_full", True))
    assert await journal.append([b"kept"]) == 1
    failpoint.disarm()
    assert sound(journal)
    floor.is_full = False
    assert await journal.append([b"kept too"]) == 2
    journal.abandon()
    assert bodies(opened(tmp_path)) == [b"kept", b"kept too"]


class SimCrash(BaseException):
    pass


def crash() -> None:
    raise SimCrash


@pytest.mark.parametrize(
    ("place", "kept"),
    [("journal.before_commit", []), ("journal.after_commit", [b"one"]), ("journal.in_checkpoint", [b"one"])],
)
async def test_a_planned_death_leaves_what_a_death_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, kept: list[bytes]
) -> None:
    """If this failed, a voyage that crashes at this place would prove something else than a crash."""
    monkeypatch.setattr(tape, "CHECKPOINT_PAGES", 1)
    journal = opened(tmp_path)
    failpoint.arm(place, crash)
    with pytest.raises(SimCrash):
        await journal.append([b"one"])
    failpoint.disarm()
    journal.abandon()
    again = opened(tmp_path)
    assert (bodies(again), again.cut, again.doubt) == (kept, 0, "")


async def test_a_folder_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    """If this failed, a wrong path would be called a damaged journal, and somebody would repair it."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalFailed, match="files belong to this user"):
        opened(tmp_path / "file")
    (tmp_path / "odd" / LINES).mkdir(parents=True)
    with pytest.raises(JournalFailed, match="directory"):
        opened(tmp_path / "odd", repair=True)
    opened(tmp_path / "two").close()
    other = apsw.Connection(str(tmp_path / "two" / LINES))
    other.pragma("user_version", 2)
    with pytest.raises(JournalFailed, match="locked"):
        opened(tmp_path / "two")
    other.close()
    with pytest.raises(Misuse, match="format 2"):
        opened(tmp_path / "two", repair=True)


async def test_its_repr_tells_its_state(tmp_path: Path) -> None:
    """If this failed, a log would not show whether orders could be written."""
    journal = opened(tmp_path)
    await journal.append([b"one"])
    assert repr(journal).endswith("at line 1, power, sound>")
    journal.close()
    assert repr(journal).endswith("closed>")
