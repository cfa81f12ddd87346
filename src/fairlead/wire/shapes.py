"""The shapes that venues share: levels, numbers and times as sent, and which fields are strangers.

A venue's own structs live in its wire.py; here is only what core and every venue need to read alike."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from fairlead.errors import cut

MS_MOST = ((1 << 63) - 1) // 1_000_000  # the year 2262: what nanoseconds in 64 bits can tell; JSON knows no bound
Ms = Annotated[int, Meta(ge=0, le=MS_MOST)]
Seconds = Annotated[int, Meta(ge=0, le=MS_MOST // 1_000)]
NO_JSON = "(in part no JSON)"  # the stranger in a text that is unreadable where its decoder passes over it


class Nonsense(ValueError):
    """A reply or frame that is not of the shape the venue documents."""


class LevelShape(StrEnum):
    """How a venue writes the levels of a book."""

    PAIRS = "pairs"  # [["62000.01","0.5"], ...]
    ROWS = "rows"  # [["62000.01","0.5","0","3"], ...]: price and quantity first
    OBJECTS = "objects"  # [{"price":62000.1,"qty":0.5}, ...]: bare numbers, read as text


class _Object(Struct, gc=False):
    price: Raw
    qty: Raw


Texts = list[tuple[str, str]]
_PAIRS = msgspec.json.Decoder(Texts).decode
_QUADS = msgspec.json.Decoder(list[tuple[str, str, str, str]]).decode
_ANY_ROWS = msgspec.json.Decoder(list[list[Any]]).decode
_OBJECTS = msgspec.json.Decoder(list[_Object]).decode
_UNLIKE = (msgspec.ValidationError, UnicodeDecodeError, RecursionError)  # not of the usual shape, or of none


def _pairs(raw: Raw | bytes) -> Texts:
    try:
        return _PAIRS(raw)
    except _UNLIKE:
        return _any_rows(raw)


def _rows(raw: Raw | bytes) -> Texts:
    try:
        return [(row[0], row[1]) for row in _QUADS(raw)]
    except _UNLIKE:
        return _any_rows(raw)


def _any_rows(raw: Raw | bytes) -> Texts:
    """Rows of any length whose first two members are texts or bare numbers."""
    try:
        rows = _ANY_ROWS(raw)
    except (UnicodeDecodeError, RecursionError) as wrong:
        raise Nonsense(f"not levels: {type(wrong).__name__}: {cut(bytes(raw))}") from None
    if any(len(row) < 2 or not isinstance(row[0], str) or not isinstance(row[1], str) for row in rows):
        raise Nonsense(f"not levels: {cut(bytes(raw))}")
    return [(row[0], row[1]) for row in rows]


def _objects(raw: Raw | bytes) -> Texts:
    """Objects; a venue that streams them may still answer REST with rows."""
    try:
        return [(number_text(level.price), number_text(level.qty)) for level in _OBJECTS(raw)]
    except _UNLIKE:
        return _any_rows(raw)


READERS: dict[LevelShape, Callable[[Raw | bytes], Texts]] = {
    LevelShape.PAIRS: _pairs,
    LevelShape.ROWS: _rows,
    LevelShape.OBJECTS: _objects,
}


def number_text(raw: Raw) -> str:
    """A number's own text, whether it was sent bare or in quotes."""
    text = bytes(raw).decode("ascii", "replace")
    return text[1:-1] if text[:1] == '"' else text


def ms_of(text: str) -> int:
    """A text of milliseconds as their number."""
    if not (text.isdecimal() and text.isascii() and len(text) <= _MS_CHARS) or int(text) > MS_MOST:
        raise Nonsense(f"not a time in milliseconds: {cut(text, 40)!r}")
    return int(text)


_MS_CHARS = len(str(MS_MOST))


def strangers(raw: bytes, known: frozenset[str]) -> tuple[str, ...]:
    """The fields of a JSON text that `known` does not name. Paths are dotted, lists and top-level arrays add nothing:
    {"data":[{"k":{"t":1}}]} has the fields "data", "data.k", "data.k.t". A known name with ".*" covers all below, one
    with ".<any>" stands for whatever key is there: "result.<any>.price".

    Whoever asks has read the text by its shape already: what is unreadable only now is told as one more stranger."""
    found: dict[str, None] = {}
    try:
        _walk(msgspec.json.decode(raw), "", known, found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found[NO_JSON] = None
    return tuple(found)


def _walk(value: Any, path: str, known: frozenset[str], found: dict[str, None]) -> None:
    if isinstance(value, list):
        for one in value:
            _walk(one, path, known, found)
    elif isinstance(value, dict):
        for name, one in value.items():
            dotted = f"{path}.{name}" if path else name
            if f"{path}.*" in known:
                return
            whatever = f"{path}.<any>"
            if dotted in known or whatever in known:
                _walk(one, dotted if dotted in known else whatever, known, found)
            else:
                found[dotted] = None


class Inspector:
    """Says when a frame shall be searched for strangers: the first of each shape and then every `every`-th,
    so that a venue's new field is noticed without reading every message twice."""

    def __init__(self, every: int) -> None:
        self._every, self._seen = every, dict[str, int]()

    def due(self, shape: str) -> bool:
        count = self._seen.get(shape, 0)
        self._seen[shape] = count + 1
        return count % self._every == 0

    def __repr__(self) -> str:
        return f"<Inspector every {self._every}: {self._seen}>"
