"""`fairlead wire`: what Fairlead sends and what it makes of a message, for bug reports and tests; it contacts nobody.

Every line it prints is JSON with a `type`. What `ask` prints is what the venue would get, with all that proves who
asks: do not publish it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from fairlead.cli import catalogs, hear
from fairlead.cli.frames import read_frames
from fairlead.cli.topics import read_op, read_topic
from fairlead.cli.trouble import Failed
from fairlead.errors import Misuse, Nonsense, UnknownName, cut
from fairlead.io.clock import RealClock
from fairlead.keys.signer import FileSigner
from fairlead.model.instrument import Catalog
from fairlead.venues import registry
from fairlead.wire import shapes
from fairlead.wire.advice import ADVICE
from fairlead.wire.asks import QUESTIONS, Op
from fairlead.wire.endpoint import Access, Ctx, Endpoint, build
from fairlead.wire.http import Reply
from fairlead.wire.printed import plain, printed
from fairlead.wire.signing import Stamp
from fairlead.wire.venue import Venue

MS = 1_000_000
app = App(name="wire", help="What Fairlead sends, and what it makes of a message; nobody is contacted.")

Instruments = Annotated[tuple[Path, ...], Parameter(name="--instruments", help="the venue's own list replies")]
AsJson = Annotated[bool, Parameter(name="--json", help="errors as JSON too; all else is JSON anyway")]


def ask(
    venue: str,
    op: str,
    question: str = "{}",
    /,
    *,
    key: Path | None = None,
    now_ms: int = 0,
    nonce: int = 0,
    environment: str = "live",
    instruments: Instruments = (),
    json: AsJson = False,
) -> None:
    """Print the request that asks it: method, url, headers, body.

    Parameters
    ----------
    venue
        a venue's name; a wrong one is answered with the nearest
    op
        an operation: time, instruments, book, ticker, trades, candles, balances ...
    question
        its question as JSON, such as {"symbol":"BTC/USDT"}
    key
        a file with {"key", "secret", "passphrase"?, "kind"?}, for signed operations
    now_ms
        the venue's time at which it is signed; the machine's by default
    nonce
        a number that rises; the time by default
    environment
        which of the venue's addresses it goes to
    """
    where = registry.venue(venue)
    row, asked = _row(where, op), _question(op, question)
    at_ms = now_ms or RealClock().wall_ns() // MS
    request = build(row, asked, Ctx(_catalog(where, asked, instruments)), where.encode)
    if row.access is Access.SIGNED:
        if key is None:
            raise Misuse(f"{venue} answers {row.op} only to a key.", next="give --key FILE")
        request = where.sign(request, FileSigner(key.read_bytes(), where.key_kinds), Stamp(0, at_ms, nonce or at_ms))
    if environment not in where.hosts:
        raise UnknownName(f"environment of {venue}", environment, where.hosts)
    _say(
        {
            "type": "request",
            "method": request.method,
            "url": where.hosts[environment][request.host][0] + request.target,
            "headers": {**where.headers.get(environment, {}), **request.headers},
            "body": request.body.decode(),
        }
    )
    _note(asked, instruments)


def read(venue: str, op: str, question: str = "{}", /, *, instruments: Instruments = (), json: AsJson = False) -> None:
    """Read a reply from standard input and print what it answers; a refusal is printed as a fault, and fails.

    Parameters
    ----------
    venue
        a venue's name; a wrong one is answered with the nearest
    op
        the operation that was asked
    question
        the question that was asked, as JSON
    """
    where, body = registry.venue(venue), sys.stdin.buffer.read()
    row, asked = _row(where, op), _question(op, question)
    fault = where.fault(Reply(200, {}, body), row.op)
    if fault is not None:
        _say(fault)
        raise Failed
    try:
        answer = row.read(body, asked, Ctx(_catalog(where, asked, instruments)))
    except (msgspec.DecodeError, shapes.Nonsense) as wrong:
        known = f"{wrong}; it says {cut(body)!r}"
        raise Nonsense(f"This is not what {venue} answers to {row.op}.", venue=venue, known=known) from None
    _say(answer)
    _note(asked, instruments)


def hear_(
    venue: str, topics: Annotated[list[str], Parameter(name="TOPICS")], /, *, instruments: Instruments = (),
    json: AsJson = False,
) -> None:  # fmt: skip
    """Hear recorded frames from standard input, one JSON object a line, and print what becomes of them.

    Parameters
    ----------
    venue
        a venue's name; a wrong one is answered with the nearest
    topics
        what is heard: kind:SYMBOL[:detail], such as book:BTC/USDT or candles:BTC/USDT:1m
    """
    where = registry.venue(venue)
    wanted = [read_topic(text, where) for text in topics]
    frames = read_frames(sys.stdin.buffer)
    for told in hear.heard(where, wanted, catalogs.listed(where, instruments) if instruments else None, frames):
        _say(told)


def fault(
    venue: str,
    /,
    *,
    status: int,
    op: str = "place",
    header: tuple[str, ...] = (),
    json: AsJson = False,
) -> None:
    """Read a reply from standard input and print what it refuses: kind, fate, how long to wait, and advice.

    Parameters
    ----------
    venue
        a venue's name; a wrong one is answered with the nearest
    status
        the HTTP status it came with
    op
        what had been asked; an order unless you say otherwise, since there the fate matters most
    header
        a header it came with, such as "Retry-After: 5"
    """
    where = registry.venue(venue)
    name = op.lower().replace("-", " ").replace("_", " ")
    if name not in set(Op):
        raise UnknownName("operation", op, Op)
    pairs = (one.partition(":") for one in header)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    found = where.fault(Reply(status, headers, sys.stdin.buffer.read()), Op(name))
    if found is None:
        _say({"type": "no_fault", "op": name, "advice": "this reply refuses nothing"})
    else:
        _say({**plain(found), "op": name, "advice": ADVICE[found.kind]})


def _row(venue: Venue, op: str) -> Endpoint[Any, Any]:
    row = venue.endpoints.get(read_op(op))
    if row is None:
        raise UnknownName(f"operation of {venue.name}", op, [str(known) for known in venue.endpoints])
    return row


def _question(op: str, text: str) -> Any:
    """The question of an operation; a field that it does not have is named with the nearest that it has."""
    kind = QUESTIONS[read_op(op)]
    try:
        given = msgspec.json.decode(text, type=dict[str, Any])
        for name in given:
            if name not in kind.__struct_fields__:
                raise UnknownName(f"field in a question of {op}", name, kind.__struct_fields__)
        return msgspec.convert(given, kind)
    except msgspec.DecodeError as wrong:
        fields = ", ".join(kind.__struct_fields__) or "none"
        raise Misuse(f"The question is not right: {wrong}", next=f"give a JSON object; its fields: {fields}") from None


def _catalog(venue: Venue, asked: Any, instruments: Sequence[Path]) -> Catalog:
    if instruments:
        return catalogs.listed(venue, instruments)
    return catalogs.made(venue, [asked.symbol] if getattr(asked, "symbol", "") else [])


def _note(asked: Any, instruments: Sequence[Path]) -> None:
    if getattr(asked, "symbol", "") and not instruments:
        print(f"note: the venue's name of {asked.symbol} is guessed; --instruments FILE makes it sure", file=sys.stderr)


def _say(value: object) -> None:
    sys.stdout.buffer.write(printed(value) + b"\n")
    sys.stdout.buffer.flush()


app.command(ask)
app.command(read)
app.command(hear_, name="hear")
app.command(fault)
