"""Transcripts: plain-text cases written from a vendor's documents, found in the venues' folders and taken apart here.

A `.http` file is one call. The head holds comments, `asked <op> <JSON of the question>`, for signed calls
`key {"key":..,"secret":..,"passphrase":..} at <venue_ms> nonce <n>`, and where the mirror cannot say the very same
answer again `one-way <why>`. Then `--- request`, `--- reply <status>` (both may begin with header lines, an empty line,
a body) and `--- answer`: what `printed` makes of it, for a tuple one line each.

A `.frames` file is one connection. The head holds comments, `topics <kind:SYMBOL:detail> ...`, `door <name>` where no
topic tells it, `key ...` as above where it is signed, and `one-way <why>`. Topics are joined as soon as it is ready.
Then steps in order: `--- send` what must have been sent, `--- recv` what the venue says, `--- tick <ms>` later,
`--- renew <topic>`, `--- leave <topic>`, `--- call <op> <JSON of the question>` (tagged c1, c2, ...) and `--- supply
<JSON of the answer>` to what was needed last; at the end `--- words` and `--- events` (topic, printed event)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fairlead.model.instrument import Catalog, Instrument
from fairlead.venues import registry
from fairlead.wire.asks import QUESTIONS, AskListing, Op
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Ctx
from fairlead.wire.http import Reply, Request

FOLDER = Path(__file__).parent


class Signed(NamedTuple):
    key: dict[str, str]
    venue_ms: int
    nonce: int


class Call(NamedTuple):
    venue: str
    op: Op
    asked: Any
    request: Request  # its host is left empty: the row names it
    reply: Reply
    answer: list[Any]
    signed: Signed | None
    one_way: str


class Connection(NamedTuple):
    venue: str
    topics: tuple[str, ...]
    steps: tuple[tuple[str, str, tuple[str, ...]], ...]  # (what, argument, lines), in order
    words: list[Any]
    events: list[tuple[str, Any]]
    signed: Signed | None
    door: str  # "": where the first topic is heard
    one_way: str

    def lines(self, what: str) -> tuple[str, ...]:
        return tuple(line for step, _, lines in self.steps if step == what for line in lines)

    def calls(self) -> tuple[Op, ...]:
        return tuple(question(argument)[0] for what, argument, _ in self.steps if what == "call")


def files(ending: str) -> list[Path]:
    return sorted(FOLDER.glob(f"*/*.{ending}"))


def call(path: Path) -> Call:
    head, parts = _parts(path)
    sections = {what: (argument, lines) for what, argument, lines in parts}
    op, asked = question(head["asked"])
    first, *more = sections["request"][1]
    method, target = first.split(" ", 1)
    at, _, query = target.partition("?")
    headers, body = _message(more)
    request = Request(method, "", at, query=query, headers=headers, body=body)
    status, lines = sections["reply"]
    headers, body = _message(lines)
    reply = Reply(int(status), {name.lower(): value for name, value in headers.items()}, body)
    answer = [json.loads(line) for line in sections["answer"][1]]
    signed = _signed(head["key"]) if "key" in head else None
    return Call(path.parent.name, op, asked, request, reply, answer, signed, head.get("one-way", ""))


def connection(path: Path) -> Connection:
    head, parts = _parts(path)
    steps = tuple(part for part in parts if part[0] not in ("words", "events"))
    words = [json.loads(line) for what, _, lines in parts if what == "words" for line in lines]
    told = [line.split(" ", 1) for what, _, lines in parts if what == "events" for line in lines]
    events = [(topic, json.loads(event)) for topic, event in told]
    topics, signed = tuple(head.get("topics", "").split()), _signed(head["key"]) if "key" in head else None
    door, one_way = head.get("door", ""), head.get("one-way", "")
    return Connection(path.parent.name, topics, steps, words, events, signed, door, one_way)


def door(told: Connection) -> Door:
    """Where it goes: the door that is named, or that of the first topic."""
    venue = registry.venue(told.venue)
    first = topic(told.topics[0], context(told.venue).catalog) if told.topics else Topic("")
    found = next((door for door in venue.doors if door.name == told.door), venue.door_for(first.kind, first.detail))
    assert found is not None
    return found


def question(text: str) -> tuple[Op, Any]:
    """`cancel all {"symbol":"BTC/USDT"}`: the operation and what it is asked with."""
    name, brace, fields = text.partition("{")
    op = Op(name.strip())
    return op, msgspec.json.decode(brace + fields or "{}", type=QUESTIONS[op])


def context(venue: str) -> Ctx:
    """The catalogue that the folder's own lists of instruments make."""
    known = registry.venue(venue)
    row = known.endpoints[Op.INSTRUMENTS]
    instruments: list[Instrument] = []
    for path in sorted(FOLDER.glob(f"{venue}/instruments-*.http")):
        told = call(path)
        if told.reply.status == 200 and known.fault(told.reply, Op.INSTRUMENTS) is None:
            instruments += row.read(told.reply.body, told.asked, Ctx(Catalog(())))
    return Ctx(Catalog(instruments, known.assets))


def markets(venue: str) -> set[str]:
    return {told.asked.market for told in map(call, files("http")) if isinstance(told.asked, AskListing)}


def topic(text: str, catalog: Catalog) -> Topic:
    """kind:SYMBOL or kind:SYMBOL:detail, where the symbol itself may hold a colon."""
    kind, _, rest = text.partition(":")
    if rest in catalog:
        return Topic(kind, rest)
    symbol, _, detail = rest.rpartition(":")
    return Topic(kind, symbol, detail) if symbol in catalog else Topic(kind, rest)


def shape(text: bytes) -> set[tuple[str, str]]:
    """Every path of a JSON text with the type of what stands there. The members of a list are alike, those of a row (a
    list within a list) each have their own place; null may stand for anything."""
    return set(_shape(msgspec.json.decode(text), "", within_list=False))


def _shape(value: Any, path: str, within_list: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _shape(one, f"{path}.{name}", within_list=False)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _shape(one, f"{path}[{at if within_list else ''}]", within_list=True)
    elif value is not None:
        yield path, "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _parts(path: Path) -> tuple[dict[str, str], list[tuple[str, str, tuple[str, ...]]]]:
    head: dict[str, str] = {}
    parts: list[tuple[str, str, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("--- "):
            what, _, argument = line[4:].partition(" ")
            parts.append((what, argument, []))
        elif parts:
            parts[-1][2].append(line)
        elif line and not line.startswith("#"):
            name, _, value = line.partition(" ")
            head[name] = value
    return head, [(what, argument, tuple(_stripped(lines))) for what, argument, lines in parts]


def _stripped(lines: list[str]) -> list[str]:
    """Without the empty lines at the end."""
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def _message(lines: Iterable[str]) -> tuple[dict[str, str], bytes]:
    """Header lines, an empty line, the body; a body may stand alone when it is JSON or HTML."""
    lines = list(lines)
    headers: dict[str, str] = {}
    while lines and lines[0] and lines[0][0] not in "{[<" and ": " in lines[0]:
        name, _, value = lines.pop(0).partition(": ")
        headers[name] = value
    if lines and not lines[0]:
        lines.pop(0)
    return headers, "\n".join(lines).encode()


def _signed(text: str) -> Signed:
    key, _, rest = text.partition(" at ")
    at, _, nonce = rest.partition(" nonce ")
    return Signed(json.loads(key), int(at), int(nonce or 0))
