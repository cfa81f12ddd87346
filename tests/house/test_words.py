"""What no committed file may say: a registry's host, a path of somebody's machine, talk of how the work was done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, clean, committed

# Each with one letter in brackets, so that this file obeys itself.
_HOSTS = (r"python[h]osted", r"py[p]i\.", r"npm[j]s\.", r"deb\.[d]ebian")
_PATHS = (r"/[w]ork/", r"/[f]arm/", r"/[t]mp/", r"/[r]oot/", r"/[h]ome/", r"/[U]sers/", r"/opt/[p]y", r"C:[\\]")
_TALK = (r"sub-?[a]gent", r"developer [s]ession", r"this [s]ession", r"before-[s]top", r"Co-Authored-[B]y")
BANNED = re.compile("|".join((*_HOSTS, *_PATHS, *_TALK)), re.IGNORECASE)
LARGE_BYTES = 512 * 1024


def slips(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if hit := BANNED.search(line):
            yield f"{path}:{number}: says {hit.group()!r}"


def test_no_file_says_what_belongs_elsewhere() -> None:
    """If this failed, the project would carry somebody's machine or workshop into every user's copy."""
    found: list[str] = []
    for path in committed():
        raw = (ROOT / path).read_bytes()
        if b"\0" not in raw:
            found.extend(slips(path, raw.decode("utf-8")))
    clean(found)


def test_no_recording_is_kept_in_the_project() -> None:
    """If this failed, data of others, with licences of others, would ship inside the product."""
    heavy = [path for path in committed() if (ROOT / path).stat().st_size > LARGE_BYTES]
    packed = [path for path in committed() if Path(path).suffix in (".gz", ".zip", ".whl", ".parquet", ".jsonl")]
    assert (heavy, packed) == ([], [])


@pytest.mark.parametrize(
    "text",
    ["files.python|hosted.org", "https://py|pi.org/simple", "see /w|ork/main", "cd /h|ome/me", "a Sub|agent"],
)
def test_the_law_of_words_catches_a_slip(text: str) -> None:
    """If this failed, the law above could be green over any path and any host."""
    assert len(list(slips("a.md", f"fine\n{text.replace('|', '')}\nfine"))) == 1
    assert list(slips("a.md", "a session works at home, in the root, for hosts\nhttps://api.example.com")) == []
