"""Recorded messages of real venues, read from a folder outside the project; never copies one in, never invents one."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("FAIRLEAD_FIXTURES") or Path(__file__).resolve().parents[2] / "shared" / "fixtures")


def folder(name: str = "") -> Path:
    """A folder or file of the recordings; where it is absent the asking test (or test file) is skipped, and told."""
    path = FOLDER / name
    if not path.exists():
        reason = f"no recordings: {name or 'the folder'} is absent; FAIRLEAD_FIXTURES names where they lie"
        pytest.skip(reason, allow_module_level=True)
    return path


def lines(name: str) -> Iterator[dict[str, Any]]:
    """The JSON lines of one file of recordings, gzipped or plain; `raw` members stay text, exactly as sent."""
    path = folder(name)
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
