"""How a test is left out: never in silence, and not in CI when what it lacks could have been installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import recorded
from tests.conftest import lack


@pytest.mark.parametrize(("ci", "can_install"), [("", True), ("true", False), ("", False)])
def test_a_lack_that_cannot_be_mended_skips_with_its_reason(ci: str, can_install: bool) -> None:
    """If this failed, a machine without the optional parts could not run the tests at all."""
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        lack("no such thing", can_install=can_install, environment={"CI": ci})


def test_ci_fails_for_what_it_could_have_installed() -> None:
    """If this failed, CI could be green with the third witness never heard."""
    with pytest.raises(pytest.fail.Exception, match="no such thing"):
        lack("no such thing", can_install=True, environment={"CI": "true"})


def test_absent_recordings_skip_with_the_name_of_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, absent recordings would look like passed tests, or like broken ones."""
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    with pytest.raises(pytest.skip.Exception, match="FAIRLEAD_FIXTURES"):
        recorded.folder("acme/captures")
    (tmp_path / "one.jsonl").write_text('{"raw": "1.50"}\n{"raw": "2"}\n', encoding="utf-8")
    assert [line["raw"] for line in recorded.lines("one.jsonl")] == ["1.50", "2"]
