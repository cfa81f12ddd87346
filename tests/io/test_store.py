"""Small files that outlive the process: whole or not at all, for their owner's eyes, and never a reason to stop."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fairlead.io.store import FILE_BYTES_MAX, FileStore, state_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_written_is_read_again_by_the_next_process(tmp_path: Path) -> None:
    """If this failed, a ban would be forgotten with every restart."""
    folder = tmp_path / "a" / "b"
    FileStore(folder).write("bans.json", b"one")
    FileStore(folder).write("bans.json", b"two")
    assert FileStore(folder).read("bans.json") == b"two"
    assert [path.name for path in folder.iterdir()] == ["bans.json"]


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    """If this failed, other users of a machine could read what a bot was told."""
    FileStore(tmp_path / "state").write("bans.json", b"one")
    assert mode(tmp_path / "state") == 0o700
    assert mode(tmp_path / "state" / "bans.json") == 0o600


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_text_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """If this failed, a full disk would cost the ban that was kept before, or fill up with halves."""
    kept = FileStore(tmp_path)
    kept.write("bans.json", b"one")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os if call == "fsync" else Path, call, full)
    with pytest.raises(OSError, match="no space"):
        kept.write("bans.json", b"two")
    monkeypatch.undo()
    assert kept.read("bans.json") == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["bans.json"]


def test_the_text_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a power cut could leave an empty file under the good name."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def noted_replace(self: Path, target: Path) -> Path:
        steps.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    FileStore(tmp_path).write("bans.json", b"one")
    assert steps == ["file", "name", "folder"]


def test_what_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    """If this failed, a strange state folder would keep a program from starting."""
    kept = FileStore(tmp_path)
    assert kept.read("none") is None
    (tmp_path / "folder").mkdir()
    assert kept.read("folder") is None
    (tmp_path / "huge").write_bytes(b"x" * (FILE_BYTES_MAX + 1))
    assert kept.read("huge") is None
    (tmp_path / "file").write_bytes(b"x" * FILE_BYTES_MAX)
    assert FileStore(tmp_path / "file").read("none") is None
    assert kept.read("file") is not None


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    """If this failed, whoever keeps a ban would meet an error that it does not expect."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=r"file|exists|directory"):
        FileStore(tmp_path / "file" / "state").write("bans.json", b"one")


def test_the_state_folder_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If this failed, a machine set up with care would find our files somewhere else."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "fairlead"
    monkeypatch.setenv("XDG_STATE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert state_folder() == tmp_path / "home" / ".local" / "state" / "fairlead"
