"""The dead man's switch of a venue, kept from firing while we live: armed, renewed, and switched off in good time.

It cancels all orders of the account, other people's too; therefore it is used only where the user said that the
account is this program's alone, and our own watchdog serves otherwise. It never sends: it says what to ask."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from fairlead.errors import Misuse
from fairlead.model.account import DeadMan
from fairlead.wire.orders import AskDeadMan
from fairlead.wire.signing import Stamp

MS = 1_000_000
TIMEOUT_LEAST_MS, TIMEOUT_MOST_MS = 10_000, 120_000  # what every venue with such a switch takes
RENEWALS = 4  # in the time that it waits: three may fail
# After one failed: venues count these calls (one a second at the most, or a slow drip that cancels need as well).
AGAIN_LEAST_MS, AGAINS = 1_000, 12  # no sooner, and so many in the time that it waits
STEP_MS = 1_000  # venues tell in whole seconds when it fires
STRAY_MS = 10_000  # a renewal that was sent and never answered may still arrive for so long


class Keeper(StrEnum):
    """Who cancels what is open when we are gone."""

    VENUE = "the venue"
    WATCHDOG = "our watchdog"
    NOBODY = "nobody"


class Safety(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the user wants to happen when his program dies; nothing, unless he says so."""

    dead_man: bool = False
    alone: bool = False  # no other program and no person trades this account
    timeout_ms: int = 60_000  # how long we may be silent

    def __post_init__(self) -> None:
        if not TIMEOUT_LEAST_MS <= self.timeout_ms <= TIMEOUT_MOST_MS:
            raise Misuse(
                f"A dead man's switch after {self.timeout_ms} ms is not to be had.",
                next=f"give {TIMEOUT_LEAST_MS} to {TIMEOUT_MOST_MS} ms",
            )

    def keeper(self, venue_has: bool) -> Keeper:
        if not self.dead_man:
            return Keeper.NOBODY
        return Keeper.VENUE if venue_has and self.alone else Keeper.WATCHDOG


class Armed(Struct, frozen=True):
    """It stands; `after_ms` is how long renewals had failed before."""

    fires_ms: int  # on the venue's clock
    after_ms: int = 0


class Failing(Struct, frozen=True):
    """Renewals (or the switching off) fail: told once until one succeeds."""

    why: str
    in_ms: int  # until it fires and all is cancelled; 0: it does not stand


class Fired(Struct, frozen=True):
    """It may have fired: everything of ours is to be reconciled. Told when it could have, and once more when the venue
    answers again, because an unanswered renewal may have put it off."""

    since_ms: int  # on the venue's clock


class Disarmed(Struct, frozen=True):
    pass


Word: TypeAlias = Armed | Failing | Fired | Disarmed


class Switch:
    """Of one account. Begins off; `want` says whether it shall stand, `tick` is asked about twice a second. Before an
    announced maintenance it must be off: venues fire it when they come back."""

    def __init__(self, timeout_ms: int, tell: Callable[[Word], None]) -> None:
        self.timeout_ms, self._tell = timeout_ms, tell
        self._wanted = False
        self._asked: AskDeadMan | None = None  # and not answered yet
        self._asked_at = Stamp()
        self._due_ns = 0
        self._fires_ms = 0  # by the last answer; 0: it does not stand
        self._stray_ns = 0  # until then a lost renewal may still arrive
        self._failing_ns = 0  # since when; 0: all is well
        self._fired = False  # told, and not answered since

    def want(self, on: bool) -> None:
        if on is not self._wanted:
            self._wanted, self._due_ns = on, 0

    def protects(self, at: Stamp) -> bool:
        return self._fires_ms > at.venue_ms

    @property
    def is_off(self) -> bool:
        """Surely: it will not fire any more."""
        return not (self._wanted or self._asked or self._fires_ms or self._stray_ns)

    def tick(self, at: Stamp) -> AskDeadMan | None:
        """What to ask the venue now; whoever asks it tells by `answered` or `failed` what came."""
        if self._fires_ms and at.venue_ms >= self._fires_ms and not self._fired:
            self._fired = True
            self._tell(Fired(self._fires_ms))
        if self._asked is not None or at.mono_ns < self._due_ns or self.is_off:
            return None
        self._asked, self._asked_at = AskDeadMan(self.timeout_ms if self._wanted else 0), at
        return self._asked

    def answered(self, told: DeadMan, at: Stamp) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            return  # an answer that came after it had been given up: the next one tells the same
        self._check_fired(told, asked, at)
        self._fired = False
        if asked.timeout_ms:
            self._stand(told.fires_ms, at)
        elif at.mono_ns < self._stray_ns:
            self._fires_ms, self._due_ns = 0, self._stray_ns  # a lost renewal could arm it again: off once more, later
        else:
            self._fires_ms = self._stray_ns = self._failing_ns = 0
            self._tell(Disarmed())
        self._due_ns = self._due_ns if bool(asked.timeout_ms) is self._wanted else 0

    def failed(self, why: str, at: Stamp, *, unsent: bool = False) -> None:
        """`unsent`: not a byte of it left, or the venue refused it; otherwise it may have been taken."""
        asked, self._asked = self._asked, None
        self._due_ns = at.mono_ns + max(AGAIN_LEAST_MS, self.timeout_ms // AGAINS) * MS
        if asked is not None and asked.timeout_ms and not unsent:
            self._stray_ns = at.mono_ns + STRAY_MS * MS
        if not self._failing_ns:
            self._failing_ns = at.mono_ns
            self._tell(Failing(why, max(0, self._fires_ms - at.venue_ms) if self._fires_ms else 0))

    def _stand(self, fires_ms: int, at: Stamp) -> None:
        after_ms = (at.mono_ns - self._failing_ns) // MS if self._failing_ns else 0
        is_news = not self._fires_ms or self._failing_ns
        self._fires_ms, self._failing_ns = fires_ms, 0
        self._due_ns = self._asked_at.mono_ns + self.timeout_ms * MS // RENEWALS
        if is_news:
            self._tell(Armed(fires_ms, after_ms))

    def _check_fired(self, told: DeadMan, asked: AskDeadMan, at: Stamp) -> None:
        """Whether this answer was given after the moment at which it would have fired. The venue's own number says
        when it took a renewal; what it says after a switching off means nothing, so then our clock must do."""
        taken_ms = told.fires_ms - asked.timeout_ms if asked.timeout_ms else at.venue_ms
        if self._fires_ms and (self._fired or taken_ms + STEP_MS >= self._fires_ms):
            self._tell(Fired(self._fires_ms))

    def __repr__(self) -> str:
        state = "off" if self.is_off else f"fires at {self._fires_ms}" if self._fires_ms else "not standing"
        return f"<Switch {state}{', wanted' if self._wanted else ''}{', failing' if self._failing_ns else ''}>"
