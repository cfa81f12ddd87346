"""Spoilt texts without end: true ones from recordings bent in one or two places, and now and then pure noise.

The same seed gives the same texts. Each bend is cheap, since millions are wanted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

LONGEST = 20_000  # bytes of a text that is worth bending: longer ones cost more than they find
NOISE = 0.02  # share of texts that were never true
NAMED, VALUED = 0.04, 0.6  # shares of texts in which a key, or a value, is another; all else is bent anywhere
OWN = 0.9  # share of texts that are the target's own
ONCE = 0.85  # share of texts that are not bent a second time
QUOTE = ord('"')
_VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"(?!\s*:)|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|\btrue\b|\bfalse\b|\bnull\b')
_KEY = re.compile(rb'"(?:[^"\\]|\\.)*"(?=\s*:)')
_PAIR = re.compile(rb'"[^"\\]*":(?:"[^"\\]*"|[-\w.]+)')

# What may stand where a value stood.
NASTY: tuple[bytes, ...] = (
    b"null", b"true", b"false", b"[]", b"{}", b'""', b'" "', b"0", b"-0", b"-1", b"1.5", b'"-1"', b'"0"',
    b"NaN", b"Infinity", b"-Infinity", b'"NaN"', b'"nan"', b'"inf"', b'"-Infinity"', b'"sNaN"',
    b"1e5", b"1e999", b"-1e999", b"1E-999", b'"1e999"', b'"1E-400"', b'"1e-8"', b"9" * 19, b"9" * 20, b"9" * 400,
    b'"%s"' % (b"9" * 19), b'"%s"' % (b"9" * 400), b'"%s"' % (b"9" * 4500), b"9" * 4500, b"-" + b"9" * 400,
    b"0." + b"1" * 70, b'"0.%s"' % (b"1" * 70), b'"1.00000000000000000001"', b"1.00000000000000000001",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616",
    b'" 1"', b'"1 "', b'"1_0"', b'"+1"', b'"0x10"', b'"1,5"', '"１２"'.encode(), '"٣"'.encode(), '"²"'.encode(),
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\x00"', b'"\\x"', b"\xff",
    b"[" * 400, b"[" * 1200 + b"]" * 1200, b'{"a":' * 1200 + b"0" + b"}" * 1200, b'[["1","2"]]', b'[["1"]]', b"[[]]",
    b'"buy"', b'"BTC/USD"', b'"9999-12-31T23:59:59.999999999Z"', b'"0000-00-00T00:00:00Z"', b'"2024-02-30T00:00:00Z"',
    b'"%s"' % (b"x" * 3000), b'{"code":1,"msg":null}', b"253402300800000", b"-62135596800000", b'"-62135596800000"',
)  # fmt: skip
TEXTS = tuple(nasty for nasty in NASTY if nasty[:1] == b'"')


class Mutants:
    """`others` are true elsewhere: now and then one comes, and whole ones or parts of them are mixed in."""

    def __init__(self, truths: Sequence[bytes], seed: str, others: Sequence[bytes] = ()) -> None:
        assert truths, "noise alone finds little"
        self._rng = random.Random(seed)
        self._own = len(truths)
        self._truths = tuple(truth[:LONGEST] for truth in (*truths, *others))
        self._values = tuple(_spans(_VALUE, truth) for truth in self._truths)
        self._keys = tuple(_spans(_KEY, truth) for truth in self._truths)
        self._pairs: tuple[bytes, ...] = tuple(pair for truth in self._truths for pair in _PAIR.findall(truth)) or (
            b'"a":1',
        )

    def next(self) -> bytes:
        random_ = self._rng.random
        if random_() < NOISE:
            return self._rng.randbytes(int(random_() ** 3 * 300))
        at = int(random_() * (self._own if random_() < OWN else len(self._truths)))
        truth, kind = self._truths[at], random_()
        spans = self._keys[at] if kind < NAMED else self._values[at] if kind < NAMED + VALUED else ()
        text = self._replaced(truth, spans) if spans else self._bent(truth)
        return text if random_() < ONCE else self._bent(text)

    def _replaced(self, truth: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
        """A nasty value in the place of one, mostly of the same type; or one from elsewhere in the same text."""
        random_ = self._rng.random
        start, end = spans[int(random_() * len(spans))]
        nasty = TEXTS if truth[start] == QUOTE and random_() < 0.7 else NASTY
        other = nasty[int(random_() * len(nasty))]
        if random_() < 0.2:
            begin, stop = spans[int(random_() * len(spans))]
            other = truth[begin:stop]
        return truth[:start] + other + truth[end:]

    def _bent(self, text: bytes) -> bytes:
        bend: _Bend = _BENDS[int(self._rng.random() * len(_BENDS))]
        return bend(self, text, int(self._rng.random() * (len(text) + 1)))

    def _flip(self, text: bytes, at: int) -> bytes:
        bit = 1 << int(self._rng.random() * 8)
        return text[:at] + bytes(byte ^ bit for byte in text[at : at + 1]) + text[at + 1 :]

    def _overwrite(self, text: bytes, at: int) -> bytes:
        return text[:at] + bytes((int(self._rng.random() * 256),)) + text[at + 1 :]

    def _insert(self, text: bytes, at: int) -> bytes:
        return text[:at] + NASTY[int(self._rng.random() * len(NASTY))] + text[at:]

    def _cut(self, text: bytes, at: int) -> bytes:
        return text[:at]

    def _remove(self, text: bytes, at: int) -> bytes:
        return text[:at] + text[at + 1 + int(self._rng.random() * 24) :]

    def _repeat(self, text: bytes, at: int) -> bytes:
        end = at + 1 + int(self._rng.random() * 40)
        return text[:end] + text[at:end] * (1 + int(self._rng.random() * 3)) + text[end:]

    def _splice(self, text: bytes, at: int) -> bytes:
        other = self._truths[int(self._rng.random() * len(self._truths))]
        return text[:at] + other[int(self._rng.random() * len(other)) :]

    def _key_twice(self, text: bytes, at: int) -> bytes:
        """A member that may be there already, at the beginning of some object."""
        brace = text.find(b"{", at) + 1 or text.find(b"{") + 1
        return text[:brace] + self._pairs[int(self._rng.random() * len(self._pairs))] + b"," + text[brace:]


_Bend = Callable[[Mutants, bytes, int], bytes]
_BENDS: tuple[_Bend, ...] = (
    Mutants._flip, Mutants._overwrite, Mutants._insert, Mutants._cut, Mutants._remove, Mutants._repeat,
    Mutants._splice, Mutants._key_twice, Mutants._key_twice,
)  # fmt: skip


def _spans(pattern: re.Pattern[bytes], truth: bytes) -> tuple[tuple[int, int], ...]:
    return tuple(found.span() for found in pattern.finditer(truth))
