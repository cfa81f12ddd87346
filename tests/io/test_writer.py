"""Group commit: what waits together is written together, each is told its own number, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fairlead.errors import JournalFailed
from fairlead.io import writer
from fairlead.io.writer import Writer


class Slow:
    """A disk that takes as long as a test likes."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.may_go = threading.Semaphore(0)
        self.fails: Exception | None = None
        self.last = 0

    def commit(self, bodies: list[bytes]) -> int:
        assert self.may_go.acquire(timeout=30)
        if self.fails is not None:
            raise self.fails
        self.batches.append(bodies)
        self.last += len(bodies)
        return self.last


def nothing() -> None:
    return


async def waiting(of: Writer, *calls: list[bytes]) -> list[asyncio.Future[int]]:
    return [of.submit(bodies) for bodies in calls]


async def until(group: Writer, says: str) -> None:
    while says not in repr(group):  # noqa: ASYNC110 - a thread does it, which knows no event of a loop
        await asyncio.sleep(0.001)


async def test_what_waits_while_the_disk_works_is_one_commit() -> None:
    """If this failed, a burst of orders would wait for one sync each."""
    disk = Slow()
    group = Writer(disk.commit, nothing)
    [first] = await waiting(group, [b"1"])
    await until(group, "0 lines")
    rest = await waiting(group, [b"2", b"3"], [], [b"4"])
    assert "3 lines waiting" in repr(group)
    disk.may_go.release(2)
    assert await asyncio.gather(first, *rest) == [1, 3, 3, 4]
    assert disk.batches == [[b"1"], [b"2", b"3", b"4"]]
    group.close()


async def test_each_caller_of_a_failed_commit_is_told_by_an_error_of_its_own() -> None:
    """If this failed, orders that share a commit would wait for ever, or one trace would grow with every caller."""
    disk = Slow()
    group = Writer(disk.commit, nothing)
    for fails, says in ((JournalFailed("full", next="make room"), "make room"), (ZeroDivisionError("odd"), "odd")):
        disk.fails = fails
        calls = await waiting(group, [b"1"], [b"2"], [b"3"])
        disk.may_go.release(3)
        told = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(why, JournalFailed) and says in str(why) for why in told)
        assert len(set(map(id, told))) == 3
        while disk.may_go.acquire(blocking=False):
            pass
    group.close()


@pytest.mark.parametrize("limit", ["WAITING_LINES_MAX", "WAITING_BYTES_MAX"])
async def test_a_disk_that_does_not_keep_up_is_told_before_memory_is_full(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """If this failed, a stalled disk would end the process, and with it everything it was about to cancel."""
    monkeypatch.setattr(writer, limit, 10)
    disk = Slow()
    group = Writer(disk.commit, nothing)
    [first] = await waiting(group, [b"1"])
    await until(group, "0 lines")
    rest = await waiting(group, [b"x"] * 5, [b"x"] * 5)
    with pytest.raises(JournalFailed, match="does not keep up"):
        group.submit([b"x"])
    disk.may_go.release(9)
    assert await asyncio.gather(first, *rest) == [1, 6, 11]
    group.close()


async def test_no_commit_is_larger_than_its_limit_and_no_call_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a burst would make one commit that takes a second, or half a batch of facts could be kept."""
    monkeypatch.setattr(writer, "COMMIT_LINES_MAX", 3)
    disk = Slow()
    group = Writer(disk.commit, nothing)
    calls = await waiting(group, [b"1"], [b"2", b"3"], [b"4"], [b"5", b"6", b"7", b"8"], [b"9"])
    disk.may_go.release(9)
    assert await asyncio.gather(*calls) == [1, 3, 4, 8, 9]
    assert all(len(batch) <= 3 or batch == [b"5", b"6", b"7", b"8"] for batch in disk.batches)
    group.close()


async def test_ending_without_writing_tells_those_who_wait() -> None:
    """If this failed, a bot would wait for an answer that nobody will give."""
    disk = Slow()
    group = Writer(disk.commit, nothing)
    [taken] = await waiting(group, [b"1"])
    await until(group, "0 lines")
    [left] = await waiting(group, [b"2"])
    disk.may_go.release()
    group.close(write_waiting=False)
    assert await taken == 1
    with pytest.raises(JournalFailed, match="closed"):
        await left
    with pytest.raises(JournalFailed, match="closed"):
        group.submit([b"3"])
    assert "ended" in repr(group)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_defect_between_commits_leaves_nobody_waiting() -> None:
    """If this failed, a defect of ours would hang every order after it without a word."""

    def defect() -> None:
        raise ZeroDivisionError

    disk = Slow()
    group = Writer(disk.commit, defect)
    disk.may_go.release(9)
    [first] = await waiting(group, [b"1"])
    assert await first == 1
    await until(group, "ended")
    group.close()
    with pytest.raises(JournalFailed, match="closed"):
        group.submit([b"2"])


def test_a_loop_that_is_gone_stops_no_other() -> None:
    """If this failed, a script that ended early would take the journal of its neighbours along."""
    disk = Slow()
    group = Writer(disk.commit, nothing)
    asyncio.run(waiting(group, [b"1"]))
    disk.may_go.release(9)

    async def neighbour() -> int:
        return await group.submit([b"2"])

    assert asyncio.run(neighbour()) == 2
    group.close()
