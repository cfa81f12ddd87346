"""What is shown spoilt texts: a name, true texts of its kind, and a machine that must survive them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from fairlead.wire.conversation import Need, Topic, Word
from fairlead.wire.limits import Charge
from fairlead.wire.mirror import Heard
from fairlead.wire.printed import printed

Take = Callable[[bytes], object]


class Target(Struct, frozen=True):
    """`arm` makes a fresh machine; it takes one text after another and raises where it must not."""

    name: str
    truths: Sequence[bytes]
    arm: Callable[[], Take]
    share: int = 1  # of all texts, beside the other targets'
    others: Sequence[bytes] = ()  # true of its kind elsewhere
    lasts: bool = False  # in life one machine takes all that comes


class Sink:
    """An Out that keeps nothing, but sees to it that all it is told can be shown."""

    def event(self, word: Word) -> None:
        printed(word)

    def frame(self, text: bytes, cost: tuple[Charge, ...] = (), tag: str = "") -> None:
        text.decode()

    def need(self, need: Need) -> None:
        printed(need)


class Drain:
    """An Ear that keeps nothing: what it is told to send must be text."""

    def frame(self, text: bytes) -> None:
        text.decode()

    def ping(self, payload: bytes = b"") -> None:
        assert len(payload) <= 125, "a control frame holds no more"

    def heard(self, heard: Heard) -> None:
        printed(heard)

    def join(self, topic: Topic) -> None:
        printed(topic)

    def leave(self, topic: Topic) -> None:
        printed(topic)

    def close(self, code: int, why: str) -> None:
        assert len(why.encode()) <= 123, "a close frame holds no more"


def shown(value: Any) -> None:
    """A noun is of use only if its lag can be told and it can be written down."""
    for one in value if isinstance(value, tuple) else (value,):
        if hasattr(one, "lag_ms"):
            assert one.lag_ms == one.lag_ms, "a lag is a number"
        printed(one)
