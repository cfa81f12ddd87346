"""Health: what happened to connections, streams and data, as values; demo, metrics and alerts read nothing else."""

from __future__ import annotations

from msgspec import Struct


class Health(Struct, frozen=True, kw_only=True, tag=True):
    venue: str
    at_ns: int


class Connected(Health, frozen=True, kw_only=True, tag=True):
    door: str
    host: str
    again: int = 0  # how many times this line was connected before
    after_ms: float = 0.0  # how long it was down


class Lost(Health, frozen=True, kw_only=True, tag=True):
    door: str
    host: str
    code: int
    why: str


class Switched(Health, frozen=True, kw_only=True, tag=True):
    """Another of the venue's hosts serves now: the old one failed, or was slower."""

    host_key: str
    was: str
    now: str
    why: str


class Replaced(Health, frozen=True, kw_only=True, tag=True):
    """A connection was replaced by a live one before its end; nothing was missed."""

    door: str
    why: str
    took_ms: float


class Retiring(Health, frozen=True, kw_only=True, tag=True):
    """The venue announced an end: of this connection, or of something we rely on."""

    what: str
    in_ms: int
    why: str


class Gap(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    why: str


class Resynced(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    why: str
    took_ms: float


class Stale(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    why: str  # silent or late
    by_ms: float


class Fresh(Health, frozen=True, kw_only=True, tag=True):
    """A stale topic lives again."""

    topic: str
    took_ms: float


class Filled(Health, frozen=True, kw_only=True, tag=True):
    """Candles (or trades) that the stream did not bring were fetched and marked."""

    topic: str
    count: int
    first_ns: int


class Anomaly(Health, frozen=True, kw_only=True, tag=True):
    topic: str
    label: str
    sample: str


class Strange(Health, frozen=True, kw_only=True, tag=True):
    """A field, word or frame that the venue's documents do not name, or that could not be read: counted, shown."""

    what: str
    sample: str
    count: int = 1


class Dropped(Health, frozen=True, kw_only=True, tag=True):
    """A slow reader lost this many events; books and quotes conflate instead."""

    topic: str
    count: int


class Throttled(Health, frozen=True, kw_only=True, tag=True):
    """The venue told us to wait (429, a ban, an overload); nothing more is sent on that budget until then."""

    budget: str
    wait_ms: float
    why: str
    banned: bool = False


class Denied(Health, frozen=True, kw_only=True, tag=True):
    """A subscription was refused."""

    topic: str
    kind: str
    code: str
    said: str


class Blunder(Health, frozen=True, kw_only=True, tag=True):
    """A user's callback raised; the stream went on without it."""

    where: str
    what: str


class OldName(Health, frozen=True, kw_only=True, tag=True):
    """The address of a host could not be asked for: the one of so long ago stands in."""

    host: str
    age_ms: float


class Stalled(Health, frozen=True, kw_only=True, tag=True):
    """Our own loop stood still: what looked like silence may have been us. `where`: the code that held it up."""

    lasted_ms: float
    where: str


class AccountHealth(Health, frozen=True, kw_only=True, tag=True):
    """Of one account of the venue. `symbol` "": all of it."""

    account: str


class TradingOpened(AccountHealth, frozen=True, kw_only=True, tag=True):
    """The journal was read and the venue held against it: new orders are taken from now on."""

    orders: int
    doubtful: int
    abandoned: int
    took_ms: float


class OrderUnknown(AccountHealth, frozen=True, kw_only=True, tag=True):
    """It may or may not be at the venue (`what`: the order, or a cancel or amendment of it); it is being found out."""

    symbol: str
    client_id: str
    what: str
    why: str
    looks: int = 0  # how often it was looked for already


class OrderSettled(AccountHealth, frozen=True, kw_only=True, tag=True):
    """A doubt has ended: how, and by what evidence."""

    symbol: str
    client_id: str
    life: str
    evidence: str
    took_ms: float


class OrderLate(AccountHealth, frozen=True, kw_only=True, tag=True):
    """The venue shows an order that was refused, proven absent, or never sent: it was taken over."""

    symbol: str
    client_id: str
    was: str
    now: str


class OrderOdd(AccountHealth, frozen=True, kw_only=True, tag=True):
    """What a venue said of an order cannot be right: a second one of the same name, an answer meant for another, a
    count that goes back, other numbers than were asked for."""

    symbol: str
    client_id: str
    label: str
    said: str


class Foreign(AccountHealth, frozen=True, kw_only=True, tag=True):
    """An order or a fill of another hand (or of another Fairlead, then `ours`): shown, and left alone."""

    symbol: str
    what: str  # order, fill
    name: str
    ours: bool = False


class Disagreed(AccountHealth, frozen=True, kw_only=True, tag=True):
    """The venue and we do not say the same: no new orders there until they do."""

    symbol: str
    why: str


class Agreed(AccountHealth, frozen=True, kw_only=True, tag=True):
    symbol: str
    evidence: str


class Reconciled(AccountHealth, frozen=True, kw_only=True, tag=True):
    """The venue was held against our books; the counts are of what the stream had not told."""

    why: str
    reports: int
    fills: int
    asked: int
    quarrels: int
    took_ms: float


class Corrected(AccountHealth, frozen=True, kw_only=True, tag=True):
    """The stream had told another balance or position than the venue shows when asked: what it shows holds now."""

    what: str  # balance, position
    name: str
    heard: str
    shown: str


class Unreconciled(AccountHealth, frozen=True, kw_only=True, tag=True):
    """It could not be read whole; it is tried again."""

    why: str


class JournalDown(AccountHealth, frozen=True, kw_only=True, tag=True):
    """Nothing can be written down: no new orders; cancels go on, and what was heard is tried again."""

    why: str
    waiting: int


class JournalUp(AccountHealth, frozen=True, kw_only=True, tag=True):
    after_ms: float


class Deaf(AccountHealth, frozen=True, kw_only=True, tag=True):
    """The venue does not tell us of the account now; orders go on being asked for."""

    topic: str
    why: str


class SwitchThrown(AccountHealth, frozen=True, kw_only=True, tag=True):
    """The kill switch was thrown, or released."""

    on: bool
    why: str


class Minded(AccountHealth, frozen=True, kw_only=True, tag=True):
    """From now on somebody cancels our open orders if this process dies: the venue, or our watchdog."""

    by: str


class Unminded(AccountHealth, frozen=True, kw_only=True, tag=True):
    """If this process dies, nobody will cancel our orders; or all are cancelled in `in_ms` because we cannot say that
    we live."""

    by: str
    why: str
    in_ms: int = 0


class Swept(AccountHealth, frozen=True, kw_only=True, tag=True):
    """Our open orders may have been cancelled because we were silent: all of ours is held against the venue."""

    by: str
    why: str
