"""The documents: one sentence a line, links that lead somewhere, commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, clean, committed

_SPAN = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_MARK = re.compile(r"^\s*(?:[-*+]|\d+\.|>)\s+")
_HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
# A full stop that ends no sentence.
_SHORT = re.compile(r"\b(e\.g|i\.e|etc|vs|no|approx)\.", re.IGNORECASE)
_TWO = re.compile(r"[.!?][)\"'*_]*\s+[\"'(*_\[]*[A-Z]")
_COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?(make|fairlead)((?: +[^#\n]*)?)")
_FENCE = re.compile(r"^(```|~~~)")


def sentences(path: str, text: str) -> Iterator[str]:
    """Lines that hold two sentences, and sentences that run over lines; so that a change shows as what it is."""
    lines = list(_prose(text))
    for index, (number, line) in enumerate(lines):
        words = _SHORT.sub("", _SPAN.sub("x", _LINK.sub("x", _MARK.sub("", line))))
        if _TWO.search(words):
            yield f"{path}:{number}: two sentences on a line"
        following = lines[index + 1] if index + 1 < len(lines) else (0, "")
        if following[0] == number + 1 and not _MARK.match(following[1]) and not re.search(r"[.!?:;,][)\"'*_]*$", words):
            yield f"{path}:{number}: a sentence runs over the line"


def broken_links(path: str, text: str, root: Path) -> Iterator[str]:
    for target in _LINK.findall(_SPAN.sub("", _unfenced(text))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (root / path).parent / name if name else root / path
        if not file.exists():
            yield f"{path}: {target} leads nowhere"
        elif anchor and file.suffix == ".md" and anchor not in _anchors(file.read_text(encoding="utf-8")):
            yield f"{path}: {target} names no heading"


def commands(text: str) -> set[tuple[str, str]]:
    """The (program, word) pairs that a document's shell blocks show."""
    found: set[tuple[str, str]] = set()
    shell = False
    for line in text.splitlines():
        if _FENCE.match(line):
            shell = not shell and line[3:].strip() in ("sh", "bash", "console", "shell")
        elif shell and (hit := _COMMAND.match(line)):
            words = [word for word in hit[2].split() if "=" not in word]
            found.update((hit[1], word) for word in (words if hit[1] == "make" else words[:1]) if word[0] != "-")
    return found


def make_targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def unknown(shown: Collection[tuple[str, str]], targets: Collection[str]) -> Iterator[str]:
    for program, word in sorted(shown):
        if program == "make" and word not in targets:
            yield f"make {word} is no target"
        elif program == "fairlead" and not _runs(word):
            yield f"fairlead {word} is no command"


def _runs(word: str) -> bool:
    asked = [sys.executable, "-c", "from fairlead.cli.main import main; main()", word, "--help"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _prose(text: str) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.strip() and not line.lstrip().startswith(("#", "|", "<", "[")):
            yield number, line.rstrip()


def _unfenced(text: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)


def _anchors(text: str) -> set[str]:
    headings = _HEADING.findall(_unfenced(text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _documents() -> dict[str, str]:
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in committed() if path.endswith(".md")}


def test_one_sentence_a_line() -> None:
    """If this failed, a changed word would show as a changed paragraph, and reviews would miss it."""
    clean(slip for path, text in _documents().items() for slip in sentences(path, text))


def test_every_link_leads_somewhere() -> None:
    """If this failed, a newcomer would be sent to a page or heading that is not there."""
    clean(slip for path, text in _documents().items() for slip in broken_links(path, text, ROOT))


def test_every_command_shown_exists() -> None:
    """If this failed, the first thing a newcomer types could be refused."""
    targets = make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    clean(unknown(set().union(*map(commands, _documents().values())), targets))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two.", 1),
        ("A sentence that\nruns on.", 1),
        ("One.\nTwo, e.g. Three.\n\n- item\n- item", 0),
        ("```\nOne. Two.\n```\n| One. Two. |\n# One. Two", 0),
        ("See [One. Two](a.md) and `x. Y`.", 0),
    ],
)
def test_the_law_of_sentences_catches_a_slip(text: str, count: int) -> None:
    """If this failed, the law above could be green over any wall of text."""
    assert len(list(sentences("a.md", text))) == count


def test_the_law_of_links_catches_a_slip(tmp_path: Path) -> None:
    """If this failed, dead links and dead anchors would pass."""
    (tmp_path / "b.md").write_text("# One two\n\n## Add a venue, now\n", encoding="utf-8")
    good = "[b](b.md) [c](b.md#one-two) [d](b.md#add-a-venue-now) [e](https://example.com)\n```\n[x](gone)\n```"
    assert list(broken_links("a.md", good, tmp_path)) == []
    assert len(list(broken_links("a.md", "[b](c.md) [c](b.md#three)", tmp_path))) == 2


def test_the_law_of_commands_catches_a_slip() -> None:
    """If this failed, a renamed target could live on in the documents."""
    text = "```sh\nmake setup PYTHON=python3.12\nmake dance  # well\nfairlead --help\n```\nmake tea\n"
    assert commands(text) == {("make", "setup"), ("make", "dance")}
    assert list(unknown(commands(text), make_targets("setup: x\n\tdance:\n"))) == ["make dance is no target"]
    assert commands("```console\n$ fairlead watch a b\n```") == {("fairlead", "watch")}
