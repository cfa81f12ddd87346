"""A simulator that runs beside the tests of the commands, as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.running import running


@pytest.fixture(scope="package")
def simulator() -> Iterator[str]:
    """The line that `fairlead sim --json` prints when it is ready."""
    with running(["sim", "--json", "--seed", "3"]) as process:
        assert process.stdout is not None
        yield process.stdout.readline()
