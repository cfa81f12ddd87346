"""The pages that list what there is, held against the code: every mishap, command, option, environment and interval."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator
from datetime import date

import pytest

from fairlead.cli import history, instruments, sim, watch, wire
from fairlead.cli.demo import command
from fairlead.cli.main import _HOMES
from fairlead.cli.opening import Where
from fairlead.engine.feed import Mends
from fairlead.sim.rules import ACTIONS, Args, Match, Rule
from fairlead.venues import registry
from fairlead.wire.asks import QUESTIONS
from tests.house.tree import ROOT, clean

COMMANDS = (
    *(command.demo, sim.sim, watch.watch, instruments.instruments, history.candles, history.trades),
    *(wire.ask, wire.read, wire.hear_, wire.fault),
)
HIDDEN = {"only"}  # for tests of the demo
SPELLED = {"start": "from", "end": "to"}  # where the option is named otherwise


def missing(page: str, words: Iterable[str]) -> Iterator[str]:
    """Words that no span of code on the page holds."""
    spans = re.findall(r"`[^`\n]+`|```.*?```", page, re.DOTALL)
    said = {span.strip("`") for span in spans} | set(re.findall(r"[\w.:-]+", " ".join(spans)))
    yield from (word for word in words if word not in said)


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _options() -> Iterator[str]:
    names = {name for call in COMMANDS for name, one in inspect.signature(call).parameters.items()
             if one.kind is inspect.Parameter.KEYWORD_ONLY}  # fmt: skip
    names |= {field.name for field in dataclasses.fields(Where)}
    yield from (f"--{SPELLED.get(name, name).replace('_', '-')}" for name in sorted(names - HIDDEN - {"where"}))


def test_every_mishap_has_its_line() -> None:
    """If this failed, somebody would write a mishap that exists already, or never stage one that was there."""
    actions = [action for actions in ACTIONS.values() for action in actions]
    fields = [*Rule.__struct_fields__, *Match.__struct_fields__, *Args.__struct_fields__]
    clean(missing(_page("simulator.md"), [*ACTIONS, *actions, *fields]))


def test_every_command_option_and_operation_is_explained() -> None:
    """If this failed, an option could only be found by reading the code."""
    page = _page("command-line.md")
    clean(missing(page, [*_HOMES, *_options(), *Mends.__struct_fields__, *map(str, QUESTIONS)]))
    headings = {line.lstrip("# ") for line in page.splitlines() if line.startswith("#")}
    assert {"demo", "sim", "watch", "instruments", "candles and trades", "wire", "wire hear"} <= headings


@pytest.mark.parametrize("name", registry.names())
def test_a_venues_page_names_all_that_the_venue_has(name: str) -> None:
    """If this failed, an environment, a call, a kind of stream or a candle would be had, and known to nobody."""
    venue, page = registry.venue(name), _page(f"venues/{name}.md")
    topics = {topic for door in venue.doors for topic in door.topics}
    clean(missing(page, [*venue.hosts, *map(str, venue.endpoints), *topics]))
    said = re.search(r"^Candles come in (.+)\.$", page, re.MULTILINE)
    assert said, "the page names no intervals"
    assert re.split(r", | and ", said[1]) == list(venue.intervals)
    depths = {str(depth) for door in venue.doors for depth in door.depths}
    assert {depth for depth in depths if not re.search(rf"\b{depth}\b", page.replace(",", ""))} == set()
    assert [one.what for one in venue.dated if not _told(page, one.on)] == []


def test_the_law_of_pages_catches_what_is_missing() -> None:
    """If this failed, the laws above could be green over an empty page."""
    page = "speaks of `drop` and\n```sh\nfairlead sim --seed 1\n```\nand gap, and `a`, `cancel all`"
    words = ["drop", "--seed", "gap", "a", "--see", "mute", "cancel all", "cancel it"]
    assert list(missing(page, words)) == ["gap", "--see", "mute", "cancel it"]


def _told(page: str, iso: str) -> bool:
    """2026-02-20 as 20 February 2026."""
    when = date.fromisoformat(iso)
    return f"{when.day} {when:%B %Y}" in page
