"""A ban outlives the process that earned it: kept, recalled before the first request, and over when it is over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from fairlead.core.budget import Quiet, Standing
from fairlead.errors import Limited
from fairlead.io.store import FileStore
from fairlead.model import events
from fairlead.wire.asks import AskNothing, Op
from tests.engine.stage import Stage, play, refusal


class Shelf:
    """A store in memory; `is_full`: it takes nothing more."""

    def __init__(self, text: bytes | None = None) -> None:
        self.texts: dict[str, bytes] = {} if text is None else {"bans.json": text}
        self.is_full = False
        self.writes = 0

    def read(self, name: str) -> bytes | None:
        return self.texts.get(name)

    def write(self, name: str, text: bytes) -> None:
        self.writes += 1
        if self.is_full:
            raise OSError("no space left")
        self.texts[name] = text


def banned_for(stage: Stage, ms: int, budget: str = "weight") -> bytes:
    quiet = Quiet(budget, stage.clock.wall_ns() // 1_000_000 + ms, banned=True)
    return msgspec.json.encode(Standing((quiet,)))


def test_no_request_is_sent_before_a_recalled_ban_is_over() -> None:
    """If this failed, each restart of a banned program would make its ban longer."""
    shelf = Shelf()

    async def visit(stage: Stage) -> None:
        shelf.texts["bans.json"] = banned_for(stage, 30_000)
        began_ms = stage.now_ms
        await stage.desk.open()
        assert stage.calls[0][0] - began_ms >= 30_000

    play(visit, is_open=False, store=shelf)


def test_a_clock_that_was_set_back_lengthens_no_ban() -> None:
    """If this failed, a venue's wish for a few quiet seconds would keep a restarted program from asking for an hour."""
    shelf = Shelf()

    async def visit(stage: Stage) -> None:
        told_ms = stage.clock.wall_ns() // 1_000_000 + 3_600_000  # as the clock was then
        quiet = Quiet("weight", told_ms + 15_000)
        shelf.texts["bans.json"] = msgspec.json.encode(Standing((quiet,), at_ms=told_ms))
        began_ms = stage.now_ms
        await stage.desk.open()
        assert 15_000 <= stage.calls[0][0] - began_ms < 16_000

    play(visit, is_open=False, store=shelf)


def test_a_start_during_a_long_ban_fails_at_once_and_says_how_long() -> None:
    """If this failed, a program would hang for days in its first line, or ask into the ban."""
    shelf = Shelf()

    async def visit(stage: Stage) -> None:
        shelf.texts["bans.json"] = banned_for(stage, 3_600_000)
        with pytest.raises(Limited) as limited:
            await stage.desk.open()
        assert limited.value.next == "wait 3600 s"
        assert not stage.calls

    play(visit, is_open=False, store=shelf)


def test_a_ban_earned_by_the_very_start_is_kept() -> None:
    """If this failed, a program that is restarted whenever it fails would ask on and on into its ban."""
    shelf = Shelf()

    async def visit(stage: Stage) -> None:
        stage.replies["/time"] = stage.replies["/instruments"] = refusal(418, "banned", after_s=3_600)
        with pytest.raises(Limited):
            await stage.desk.open()
        await stage.desk.close()
        kept = msgspec.json.decode(shelf.texts["bans.json"], type=Standing)
        assert {(quiet.budget, quiet.banned) for quiet in kept.quiets} == {("weight", True), ("dials", True)}
        again = stage.new_desk()
        asked = len(stage.calls)
        with pytest.raises(Limited):
            await again.open()
        assert len(stage.calls) == asked
        await again.close()

    play(visit, is_open=False, store=shelf)


def test_a_ban_is_written_once_and_taken_off_when_it_is_over() -> None:
    """If this failed, the disk would be written four times a second, or an old ban haunt the next start."""
    shelf = Shelf()

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = [refusal(418, after_s=20), ()]
        asyncio.get_running_loop().create_task(stage.desk.answer(Op.TRADES, AskNothing()))
        await stage.wait(10_000)
        assert shelf.writes == 1
        await stage.wait(20_000)
        assert not msgspec.json.decode(shelf.texts["bans.json"], type=Standing).quiets
        assert shelf.writes == 2

    play(visit, store=shelf)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"quiets":[{"budget":7}]}', b"\xff\xfe", b'"x"'])
def test_a_file_that_is_not_ours_is_as_if_it_were_not_there(text: bytes) -> None:
    """If this failed, a damaged file would keep the program from starting."""

    async def visit(stage: Stage) -> None:
        await stage.desk.open()
        assert len(stage.asked("/time")) == 3

    play(visit, is_open=False, store=Shelf(text))


def test_a_budget_that_no_longer_exists_is_ignored() -> None:
    """If this failed, a file of an older version would raise at every start."""
    shelf = Shelf()

    async def visit(stage: Stage) -> None:
        shelf.texts["bans.json"] = banned_for(stage, 3_600_000, budget="gone")
        await stage.desk.open()

    play(visit, is_open=False, store=shelf)


def test_what_cannot_be_written_is_told_a_few_times_and_tried_until_it_can() -> None:
    """If this failed, a full disk would stop the market data, or lose the ban though there is room again."""
    shelf = Shelf()

    async def visit(stage: Stage) -> None:
        shelf.is_full = True
        stage.replies["/trades"] = [refusal(418, after_s=50), ()]
        asyncio.get_running_loop().create_task(stage.desk.answer(Op.TRADES, AskNothing()))
        await stage.wait(10_000)
        assert len(stage.heard(events.Strange)) == 5
        shelf.is_full = False
        await stage.wait(1_000)
        assert "weight" in shelf.texts["bans.json"].decode()
        await stage.wait(60_000)

    play(visit, store=shelf)


def test_a_ban_survives_in_a_real_file(tmp_path: Path) -> None:
    """If this failed, what the tests above prove of a shelf would not hold of the disk."""
    store = FileStore(tmp_path / "state")

    async def visit(stage: Stage) -> None:
        stage.replies["/trades"] = refusal(418, after_s=3_600)
        with pytest.raises(Limited):
            await stage.desk.answer(Op.TRADES, AskNothing())
        await stage.desk.close()
        again = stage.new_desk()
        with pytest.raises(Limited):
            await again.open()
        await again.close()

    play(visit, store=store)
