"""Every error a user can meet, in one tree: whose fault it is, what is known, what to do next; never a secret.

Error
├── Misuse              the caller asked for something that cannot be
│   ├── UnknownName     a venue, symbol, interval, topic or option that does not exist; names the nearest
│   └── BadNumber       a price or quantity that is not what the instrument takes
├── Closed              the session (or stream) was closed; nothing was sent
├── Held                Fairlead itself refuses the order: nothing was sent
│   ├── RiskRefused     a limit the user set; names it, and how far the order is beyond it
│   └── JournalFailed   it could not be written down, so it may not be sent
├── InDoubt             an order (or a change of one) whose fate is not known yet; it is being found out
├── TransportError      the way to the venue failed
│   ├── NotSent         not one byte left this machine: nothing happened at the venue
│   └── Unknown         bytes may have left: the venue may or may not have acted
└── VenueError          the venue answered
    ├── Refused         it understood and said no
    ├── Limited         it asked us to wait (or our own budget did, before it had to)
    └── Nonsense        its answer made no sense to us; the answer is shown, cut and redacted
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN_CHARS = 200  # how much of a venue's words an error may repeat


class Error(Exception):
    """What every Fairlead error says: the words, then what is known and what to do."""

    fault = "unknown"  # whose: caller, network, venue, fairlead

    def __init__(self, said: str, *, known: str = "", next: str = "") -> None:
        super().__init__(said)
        self.said, self.known, self.next = said, known, next

    def __str__(self) -> str:
        parts = [self.said]
        if self.known:
            parts.append(f"Known: {self.known}")
        if self.next:
            parts.append(f"Next: {self.next}")
        return " ".join(part if part.endswith((".", "!", "?")) else part + "." for part in parts)


class Misuse(Error):
    fault = "caller"


class UnknownName(Misuse):
    def __init__(self, what: str, given: str, valid: Iterable[str], *, known: str = "") -> None:
        names = sorted(set(valid))
        close = nearest(given, names)
        hint = f"did you mean {', '.join(close)}?" if close else f"valid ones: {_some(names)}."
        super().__init__(f"There is no {what} {given!r}.", known=known, next=hint)
        self.what, self.given, self.close = what, given, close


class BadNumber(Misuse):
    pass


class Closed(Error):
    fault = "caller"


class Held(Error):
    fault = "caller"


class RiskRefused(Held):
    pass


class JournalFailed(Held):
    fault = "fairlead"


class InDoubt(Error):
    fault = "network"


class TransportError(Error):
    fault = "network"


class NotSent(TransportError):
    pass


class Unknown(TransportError):
    pass


class VenueError(Error):
    fault = "venue"

    def __init__(self, said: str, *, venue: str = "", kind: str = "", code: str = "", known: str = "", next: str = ""):
        super().__init__(said, known=known, next=next)
        self.venue, self.kind, self.code = venue, kind, code


class Refused(VenueError):
    pass


class Limited(VenueError):
    pass


class Nonsense(VenueError):
    pass


def nearest(given: str, valid: Iterable[str], at_most: int = 3) -> tuple[str, ...]:
    """The names most like `given`, whatever their case and separators."""
    plain = {name: _plain(name) for name in valid}
    wanted = _plain(given)
    same = [name for name, text in plain.items() if text == wanted]
    if same:
        return tuple(same[:at_most])
    close = difflib.get_close_matches(wanted, list(plain.values()), n=at_most, cutoff=0.6)
    return tuple(name for text in close for name, other in plain.items() if other == text)[:at_most]


def cut(text: str | bytes, at_most: int = SHOWN_CHARS) -> str:
    """As much of a foreign text as an error may repeat, on one line."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    line = " ".join(words.split())
    return line if len(line) <= at_most else f"{line[:at_most]}… ({len(words)} characters)"


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _some(names: list[str], at_most: int = 12) -> str:
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")
