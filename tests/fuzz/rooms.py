"""The decoders that all venues share, as targets: shapes, numbers, frames, recordings, and what people type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from fairlead.cli.frames import read_frames
from fairlead.cli.hear import heard
from fairlead.cli.topics import read_topic
from fairlead.errors import Error, Misuse
from fairlead.io.clock import seeded
from fairlead.io.frames import Frames, Shut
from fairlead.model import events, numbers
from fairlead.sim.city import City
from fairlead.sim.listing import Listing
from fairlead.sim.rules import read_rules
from fairlead.sim.server.control import FAULTS, answered
from fairlead.sim.server.headers import Headers
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.http import Request
from fairlead.wire.printed import printed
from fairlead.wire.shapes import READERS, LevelShape, Nonsense, strangers
from tests.fuzz.target import Take, Target
from tests.fuzz.venues import CALLS, CONNECTIONS, NOW_MS
from tests.wire import reader

LEVELS = (
    b'[["62000.01","0.5"],["61999.00000000","12.00000000"]]',
    b'[["8476.98","415","0","13"],["8477","0","0","0"]]',
    b'[["105944.30000","0.136",1762820248]]',
    b'[{"price":105944.20,"qty":0.136},{"price":1e-7,"qty":3}]',
)
NUMBERS = (b"62000.01", b"0.00000001", b"-0", b"1E-8", b"1.50", b"12345678901234567890.123456789", b"0")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
RULES = (
    b'{"action":"drop","venue":"toy","match":{"kind":"book"},"nth":3}',
    b'[{"action":"status","channel":"rest","args":{"status":503,"after_s":7},"for_ms":5000}]',
    b'[[fault]]\naction = "corrupt"\nprob = 0.5\nseed = 7\n[fault.args]\nfactor = 10.0\n',
)
FRAMES = (
    b"\x81\x05hello",
    b"\x01\x03\xe2\x82\xac\x80\x01a",
    b"\x89\x02hi\x8a\x00",
    b"\x88\x05\x03\xe8bye",
    b"\xc1\x02{}",
)


def targets() -> Iterator[Target]:
    said = [told.reply.body for told in CALLS.values()]
    said += [line.encode() for told in CONNECTIONS.values() for line in told.lines("recv")]
    for shape in LevelShape:
        yield Target(f"levels as {shape}", LEVELS, _arm(_levels(shape)), 3)
    yield Target("strangers", said, _arm(lambda text: strangers(text, frozenset({"data", "result.<any>", "arg.*"}))), 8)
    yield Target("numbers", NUMBERS, _arm(_number), 8)
    yield Target("frames of a socket", FRAMES, _frames, 4)
    yield Target("values in print", [*said, *NUMBERS], _arm(_printed), 3)
    yield Target(
        "topics as typed", [name.encode() for one in CONNECTIONS.values() for name in one.topics], _arm(_topic)
    )
    for venue in registry.names():
        yield from _recordings(venue)
    yield Target("rules of mishaps", RULES, _arm(_rules), 3)
    yield Target("the control port", _orders(), _control, 2)


def _arm(take: Take) -> Callable[[], Take]:
    """For what keeps nothing between two texts."""
    return lambda: take


def _levels(shape: LevelShape) -> Take:
    read = READERS[shape]

    def take(text: bytes) -> None:
        try:
            levels = read(text)
        except (msgspec.DecodeError, Nonsense):
            return
        for level in levels:
            assert len(level) == 2
            assert all(isinstance(one, str) for one in level)

    return take


def _number(text: bytes) -> None:
    """What is taken is a plain number, and neither a digit more nor less than it says."""
    word = text.decode("utf-8", "replace")
    try:
        number = numbers.decimal(word)
    except ValueError:
        number = None
    assert number is None or NUMBER.fullmatch(word), word
    decimals = 8
    try:
        mantissa = numbers.fixed(word, decimals)
    except numbers.MoreDecimals as more:
        decimals = more.decimals
        mantissa = numbers.fixed(word, decimals)
    except ValueError:
        mantissa = None
    assert (mantissa is None) == (number is None), word
    assert mantissa is None or numbers.unfixed(mantissa, decimals) == number


def _frames() -> Take:
    machine = Frames(4_096)

    def take(text: bytes) -> None:
        nonlocal machine
        while len(text) > 1:
            first, length = text[0], text[1] & 0x7F
            told = machine.take(first & 0x0F, first >> 7, first >> 4 & 0x07, text[2 : 2 + length])
            text = text[2 + length :]
            repr(machine)
            if isinstance(told, bytes):
                told.decode()
            elif isinstance(told, Shut):
                machine = Frames(4_096)

    return take


def _printed(text: bytes) -> None:
    """Words of a stranger, in every place where such words end up."""
    words = text.decode("utf-8", "surrogateescape")
    for value in (
        events.Strange(venue="v", at_ns=1, what=words, sample=words),
        Fault(Kind.INVALID, code=words, said=words),
        {words: text, "raw": (words, float("nan"), 10**400)},
    ):
        json.loads(printed(value))


def _topic(text: bytes) -> None:
    for name in registry.names():
        try:
            read_topic(text.decode("utf-8", "surrogateescape"), registry.venue(name))
        except Misuse as misuse:
            str(misuse)


def _recordings(venue: str) -> Iterator[Target]:
    """A file of recorded frames, some lines of it spoilt."""
    known = registry.venue(venue)
    told = [one for one in CONNECTIONS.values() if one.venue == venue and not one.signed and len(one.lines("recv")) > 1]
    files = [b"\n".join(_line(line) for line in one.lines("recv")[:6]) for one in told[:4]]
    catalog = reader.context(venue).catalog
    topics = [[reader.topic(name, catalog) for name in one.topics if "BTC" in name][:3] for one in told[:4]]

    def take(text: bytes) -> None:
        try:
            frames = read_frames(text.split(b"\n"))
            for line in heard(known, topics[len(text) % len(topics)], None if len(text) % 2 else catalog, frames):
                printed(line)
        except Error as error:
            str(error)

    yield Target(f"a recording of {venue}", files, _arm(take))


def _line(raw: str) -> bytes:
    return json.dumps({"t": NOW_MS / 1_000, "dir": "recv", "raw": raw}).encode()


def _rules(text: bytes) -> None:
    try:
        for rule in read_rules(text.decode("utf-8", "replace")):
            repr(rule)
    except Misuse as misuse:
        str(misuse)


def _orders() -> list[bytes]:
    posts = [b"POST " + FAULTS.encode() + b"\n" + rule.replace(b"toy", b"kraken") for rule in RULES]
    other = [b"GET " + FAULTS.encode() + b"\n", b"DELETE " + FAULTS.encode() + b"/1\n", b"GET /_sim/state\n"]
    return [*posts, *other, b'POST /_sim/maintenance\n{"venue":"kraken","on":true}']


class _Still:
    """A Clock that stands."""

    def mono_ns(self) -> int:
        return 0

    def wall_ns(self) -> int:
        return NOW_MS * 1_000_000

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits here")


def _control() -> Take:
    listing = Listing("kraken", "BTC/USDT", Decimal(60_000), 2, 5, depth=20, age_days=1)
    rng: Any = seeded(1)
    city = City(["kraken"], World(1, [listing], NOW_MS * 1_000_000), _Still(), rng)

    def take(text: bytes) -> None:
        head, _, body = text.partition(b"\n")
        method, _, path = head.decode("utf-8", "surrogateescape").partition(" ")
        reply = answered(city, Request(method, "control", path, headers=Headers([("Host", "127.0.0.1:1")]), body=body))
        assert reply.status in (200, 400, 404)
        city.step()

    return take
