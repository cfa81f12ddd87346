"""Who plays in the transcripts: a key in the venue's form, who checks it, a book to look at, an ear that remembers."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any

from fairlead.venues import registry
from fairlead.wire.conversation import Topic
from fairlead.wire.door import Side
from fairlead.wire.mirror import Heard, Minted


class Pen:
    """A Signer of the venue's form, with a transcript's own key."""

    def __init__(self, venue: str, key: Mapping[str, str]) -> None:
        given = form(venue)
        self.key_id, self.algorithm, self._key = key["key"], given.algorithm, key
        secret = key["secret"]
        self._secret = base64.b64decode(secret) if given.in_base64 else secret.encode()

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, self.algorithm.removeprefix("hmac-"))

    def part(self, name: str) -> str:
        return self._key[name]


class Seal:
    """The Verifier of the same key."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen

    def knows(self, key_id: str) -> bool:
        return key_id == self._pen.key_id

    def verify(self, key_id: str, message: bytes, signature: bytes) -> bool:
        return self.knows(key_id) and signature == self._pen.sign(message)

    def part(self, key_id: str, name: str) -> str:
        return self._pen.part(name)

    def last_nonce(self, key_id: str) -> int:
        return 0

    def note_nonce(self, key_id: str, nonce: int) -> None:
        """One transcript is one call."""

    def bearer(self, token: str) -> str:
        return self._pen.key_id if token else ""


class Zero:
    """An Rng without surprises: what is minted matters here by its form alone."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def getrandbits(self, k: int, /) -> int:
        return 0

    def randrange(self, start: int, stop: int | None = None) -> int:
        return 0


class Listener:
    """An Ear that remembers."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.joined: list[Topic] = []
        self.calls: list[Heard] = []
        self.closed: tuple[int, str] | None = None

    def frame(self, text: bytes) -> None:
        self.frames.append(text)

    def ping(self, payload: bytes = b"") -> None: ...
    def leave(self, topic: Topic) -> None: ...

    def heard(self, heard: Heard) -> None:
        self.calls.append(heard)

    def join(self, topic: Topic) -> None:
        self.joined.append(topic)

    def close(self, code: int, why: str) -> None:
        self.closed = code, why


class Told:
    """A Sight of one book."""

    def __init__(self, bids: Side, asks: Side) -> None:
        self._sides = bids, asks

    def top(self, levels: int) -> tuple[Side, Side]:
        return self._sides[0][:levels], self._sides[1][:levels]


def form(venue: str) -> Minted:
    rng: Any = Zero()
    return registry.mirror(venue).mint(rng)
