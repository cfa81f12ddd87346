"""Spoilt texts without end: true ones from recordings bent in one or two places, and now and then pure noise.

The same seed gives the same texts. Each bend is cheap, since millions are wanted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

LONGEST = 20_000  # bytes of a text that is worth bending: longer ones cost more than they find
NOISE = 0.02  # share of texts that were never true
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\btrue\b|\bfalse\b|\bnull\b')
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


class Mutants:
    """`bend` of a text, in the company of others like it."""

    def __init__(self, truths: Sequence[bytes], seed: str) -> None:
        assert truths, "noise alone finds little"
        self._rng = random.Random(seed)
        self._truths = tuple(dict.fromkeys(truth for truth in truths if len(truth) <= LONGEST)) or (
            truths[0][:LONGEST],
        )
        self._spans = tuple(tuple(found.span() for found in _TOKEN.finditer(truth)) for truth in self._truths)
        self._pairs = tuple(pair for truth in self._truths for pair in _PAIR.findall(truth)) or (b'"a":1',)

    def next(self) -> bytes:
        random_ = self._rng.random
        if random_() < NOISE:
            return self._rng.randbytes(int(random_() ** 3 * 300))
        at = int(random_() * len(self._truths))
        truth = self._truths[at]
        spans = self._spans[at]
        if spans and random_() < 0.55:
            start, end = spans[int(random_() * len(spans))]
            text = truth[:start] + self._instead(truth, spans) + truth[end:]
        else:
            text = self._bent(truth)
        return text if random_() < 0.8 else self._bent(text)

    def _instead(self, truth: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
        """A nasty value, or one from elsewhere in the same text."""
        random_ = self._rng.random
        if random_() < 0.75:
            return NASTY[int(random_() * len(NASTY))]
        start, end = spans[int(random_() * len(spans))]
        return truth[start:end]

    def _bent(self, text: bytes) -> bytes:
        return _BENDS[int(self._rng.random() * len(_BENDS))](self, text, int(self._rng.random() * (len(text) + 1)))

    def _flip(self, text: bytes, at: int) -> bytes:
        return (
            text[:at] + bytes((text[at] ^ 1 << int(self._rng.random() * 8),)) + text[at + 1 :]
            if at < len(text)
            else b""
        )

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


_BENDS: tuple[Callable[[Mutants, bytes, int], bytes], ...] = (
    Mutants._flip, Mutants._overwrite, Mutants._insert, Mutants._cut, Mutants._remove, Mutants._repeat,
    Mutants._splice, Mutants._key_twice, Mutants._key_twice,
)  # fmt: skip
