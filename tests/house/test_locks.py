"""The locks: every version pinned, every file known by its hash, no address of where it came from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement

from tests.house.tree import ROOT, clean

LOCKS = ("runtime", "dev", "foreign")
_PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))? \\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?P<more> \\)?$")
_NOTE = re.compile(r"^ {4}# {1,3}(via|[a-z-])")


def faults(text: str) -> Iterator[str]:
    """Whatever is no pin, no hash and no note of who asked; and pins without a hash."""
    owed = ""
    for number, line in enumerate(text.splitlines(), 1):
        if pin := _PIN.match(line):
            if owed:
                yield f"{number}: {owed} has no hash"
            owed = pin["name"]
        elif _HASH.match(line):
            owed = ""
        elif not _NOTE.match(line) or "://" in line:
            yield f"{number}: neither pin, hash nor note: {line.strip()}"
    if owed:
        yield f"end: {owed} has no hash"


def pins(text: str) -> dict[str, str]:
    return {pin["name"]: pin["version"] for line in text.splitlines() if (pin := _PIN.match(line))}


def _lock(name: str) -> str:
    return (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_no_address(name: str) -> None:
    """If this failed, an installation could take a file that nobody has seen, or from where nobody has looked."""
    clean(faults(_lock(name)))
    assert pins(_lock(name))


def test_the_locks_hold_what_the_project_asks_for() -> None:
    """If this failed, the tested versions would not be those that the project's own metadata admits."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = {"runtime": project["project"]["dependencies"], "dev": groups["dev"], "foreign": groups["foreign"]}
    for lock, wanted in asked.items():
        held = pins(_lock(lock))
        for requirement in map(Requirement, wanted):
            version = held.get(_canonical(requirement.name), "")
            assert requirement.specifier.contains(version), f"{lock} holds {requirement.name} {version or 'not at all'}"


def test_what_is_tested_is_what_runs() -> None:
    """If this failed, the tests would prove other versions than those a user of the runtime lock gets."""
    runtime, dev = pins(_lock("runtime")), pins(_lock("dev"))
    assert {name: dev.get(name) for name in runtime} == runtime


def test_the_law_of_locks_catches_each_fault() -> None:
    """If this failed, a lock without hashes, or with an index in it, would pass."""
    good = f"one==1.0 \\\n    --hash=sha256:{'0' * 64}\n    # via two\n"
    assert (list(faults(good)), pins(good)) == ([], {"one": "1.0"})
    bad = [
        "--index-url https://example.com\n" + good,
        "two==2.0 \\\n" + good,
        good + "two==2.0 \\\n",
        good + "three>=1\n",
        good + "four @ https://example.com/f.whl\n",
        good.replace("0" * 64, "0"),
    ]
    assert [bool(list(faults(text))) for text in bad] == [True] * len(bad)
