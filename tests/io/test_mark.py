"""How far the journal has come: it outlives kills and torn writes, and knows an older copy from the present."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.io import mark
from fairlead.io.mark import LOOSE, PLACE_BYTES, SURE, UNKNOWN_BOOT, Mark, Reach, boot_id, lost_since

LINK, OTHER = b"l" * 16, b"o" * 16


def test_the_latest_note_is_read_again(tmp_path: Path) -> None:
    """If this failed, an older copy of the journal would pass for the present one."""
    mark = Mark(tmp_path / "mark")
    assert mark.reach is None
    mark.keep(Reach(3, LINK))
    mark.note(Reach(7, OTHER, boot=b"b" * 16, is_open=True, is_loose=True, is_doubted=True))
    mark.close()
    mark.close()
    assert Mark(tmp_path / "mark").reach == Reach(7, OTHER, b"b" * 16, True, True, True)


@pytest.mark.parametrize(("torn", "left"), [(LOOSE, 3), (SURE, 7)])
def test_a_torn_write_leaves_the_other_place(tmp_path: Path, torn: int, left: int) -> None:
    """If this failed, each power cut would send the program asking all venues far back."""
    mark = Mark(tmp_path / "mark")
    mark.keep(Reach(3, LINK))
    mark.note(Reach(7, OTHER))
    mark.close()
    raw = bytearray((tmp_path / "mark").read_bytes())
    for at in (5, 13, 40):
        hurt = raw.copy()
        hurt[torn * PLACE_BYTES + at] ^= 4
        (tmp_path / "mark").write_bytes(hurt)
        again = Mark(tmp_path / "mark")
        assert again.reach is not None
        assert again.reach.seq == left
        again.close()


def test_keeping_takes_the_mark_back_too(tmp_path: Path) -> None:
    """If this failed, an older journal that was accepted would be called older for ever."""
    mark = Mark(tmp_path / "mark")
    mark.keep(Reach(9, LINK))
    mark.note(Reach(11, LINK))
    mark.keep(Reach(4, OTHER))
    mark.close()
    assert Mark(tmp_path / "mark").reach == Reach(4, OTHER)


HERE = Reach(3, LINK, boot_id())


@pytest.mark.parametrize(
    ("reach", "last", "why"),
    [
        (None, 0, ""),
        (None, 4, "missing or damaged"),
        (HERE, 3, ""),
        (HERE, 9, ""),
        (HERE, 2, "had come to line 3"),
        (HERE._replace(link=OTHER), 9, "not the one"),
        (HERE._replace(is_open=True), 9, ""),
        (HERE._replace(is_open=True, is_loose=True, boot=OTHER), 9, "restarted"),
        (HERE._replace(is_open=True, is_loose=True, boot=UNKNOWN_BOOT), 9, "restarted"),
        (HERE._replace(is_loose=True, boot=OTHER), 9, ""),
        (HERE._replace(is_doubted=True), 9, "not been found out"),
    ],
)
def test_it_tells_why_lines_may_be_missing(reach: Reach | None, last: int, why: str) -> None:
    """If this failed, lost lines would go unsaid, or a sound journal would be doubted at each start."""
    said = lost_since(reach, {3: LINK}.get, last)
    assert why in said
    assert bool(said) == bool(why)


def test_a_machine_without_a_name_for_its_run_counts_as_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a system that does not tell its boots would lose unsynced lines without a word."""
    monkeypatch.setattr(mark, "BOOT_ID", tmp_path / "none")
    nameless = HERE._replace(is_open=True, is_loose=True, boot=boot_id())
    assert nameless.boot == UNKNOWN_BOOT
    assert "restarted" in lost_since(nameless, {3: LINK}.get, 3)
