"""The chain that runs through the journal's lines: shows a line that was changed, lost or moved; knows no file.

A link is a hash over the link before it, the line's number and its body. So the one field is both a checksum of its own
line and a proof of all the lines before, their order and their number."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

LINK_BYTES = 16  # against accident, not against an enemy who may write to the disk: he could write a new chain
START = bytes(LINK_BYTES)  # the link before the first line

Row = tuple[int, bytes, bytes]  # number, body, link; from a damaged file they may be anything


class End(NamedTuple):
    """How far rows are whole, and what comes after that."""

    seq: int
    link: bytes
    beyond: int = 0  # rows that do not follow
    resumes_at: int = 0  # the first row beyond that follows the one before it: lines were damaged, not cut short


def link_of(before: bytes, seq: int, body: bytes) -> bytes:
    return blake2b(before + seq.to_bytes(8, "big") + body, digest_size=LINK_BYTES).digest()


def linked(bodies: Iterable[bytes], seq: int, link: bytes) -> list[Row]:
    """The rows of new lines, after the line `seq` with its link."""
    rows = []
    for number, body in enumerate(bodies, seq + 1):
        link = link_of(link, number, body)
        rows.append((number, body, link))
    return rows


def follow(rows: Iterable[Row], seq: int = 0, link: bytes = START) -> End:
    """Walks rows as they were read, which may be anything."""
    walk = iter(rows)
    for row in walk:
        if not _follows(row, seq, link):
            return _beyond(row, walk, End(seq, link))
        seq, _, link = row
    return End(seq, link)


def _beyond(first: Row, others: Iterable[Row], end: End) -> End:
    beyond, resumes_at, before = 1, 0, first
    for row in others:
        beyond += 1
        if not resumes_at and _follows(row, before[0], before[2]):
            resumes_at = row[0]
        before = row
    return End(end.seq, end.link, beyond, resumes_at)


def _follows(row: Row, seq: int, link: bytes) -> bool:
    number, body, kept = row
    return number == seq + 1 and type(body) is type(link) is bytes and kept == link_of(link, number, body)
