"""The names of our orders: short enough for every venue, never given twice, rising in time; it asks no clock itself.

`fl`, four characters of the installation, twelve of the order: lower-case letters and digits, for a venue that allows
eighteen of them in free text and another that allows nothing else."""

from __future__ import annotations

from fairlead.wire.face import Rng

PREFIX = "fl"
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"  # in the order of their codes: a higher number is a later text
INSTALLATION_CHARS = 4
ORDER_CHARS = 12
CHARS = len(PREFIX) + INSTALLATION_CHARS + ORDER_CHARS


class Ids:
    """Names are numbers: the time in nanoseconds, or one more than the last where the clock has not moved on or has
    gone back. `last` comes from the journal; if an old one was restored, the time still leads past what it lacks."""

    def __init__(self, installation: str, last: int = 0) -> None:
        if len(installation) != INSTALLATION_CHARS or not set(installation) <= set(ALPHABET):
            raise ValueError(f"an installation has {INSTALLATION_CHARS} letters and digits, not {installation!r}")
        self.installation, self.last = installation, last

    def next(self, now_ns: int) -> str:
        self.last = max(self.last + 1, now_ns)
        return f"{PREFIX}{self.installation}{_text(self.last)}"

    def __repr__(self) -> str:
        return f"<Ids of {self.installation}, last {_text(self.last)}>"


def new_installation(rng: Rng) -> str:
    """Drawn once, when a journal begins: two installations of one account can be told apart."""
    return "".join(rng.choice(ALPHABET) for _ in range(INSTALLATION_CHARS))


def is_ours(client_id: str, installation: str = "") -> bool:
    """Whether Fairlead gave this name; with `installation`: whether this one did."""
    return len(client_id) == CHARS and client_id.startswith(PREFIX + installation) and set(client_id) <= set(ALPHABET)


def number_of(client_id: str) -> int:
    """The number that such a name stands for."""
    return int(client_id[-ORDER_CHARS:], len(ALPHABET))


def _text(number: int) -> str:
    digits = ""
    for _ in range(ORDER_CHARS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
