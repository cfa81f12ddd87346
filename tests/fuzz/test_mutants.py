from __future__ import annotations

import json
from itertools import islice

from tests.fuzz.mutants import Mutants

TRUTHS = (b'{"id":1,"data":[{"p":"62000.1","T":1700000000000,"m":true}]}', b'{"result":null,"id":2}')


def _some(seed: str, count: int = 5_000) -> list[bytes]:
    mutants = Mutants(TRUTHS, seed)
    return list(islice(iter(mutants.next, None), count))


def test_a_seed_gives_the_same_texts_again() -> None:
    """If this failed, an input that broke a decoder could not be found a second time."""
    assert _some("a") == _some("a")
    assert _some("a") != _some("b")


def test_texts_are_bent_in_every_way_and_not_beyond_recognition() -> None:
    """If this failed, decoders would be shown noise alone, which the first byte refuses, or nothing new at all."""
    texts = _some("c")
    assert len(set(texts)) > len(texts) / 3
    readable = 0
    for text in texts:
        try:
            readable += isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            continue
    assert 0.2 < readable / len(texts) < 0.8
