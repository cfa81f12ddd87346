"""What the venue shows against what we hold: what to take over, what to ask for, what is foreign, what does not agree.

It decides and does nothing; done twice, it finds the second time that there is nothing left to do. What changed less
than the venue's reading lag ago is no disagreement: a reading may be older than it looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from fairlead.core import ids
from fairlead.core.account import Account
from fairlead.core.track import Track, name_of, sums
from fairlead.model.orders import Fill, OrderReport

MS = 1_000_000


class Shown(Struct, frozen=True, kw_only=True):
    """One reading of the venue. `open` None: it was not read, or not to its end; then its silence says nothing."""

    began_ns: int  # on the venue's clock: before the first question left
    open: tuple[OrderReport, ...] | None = None
    fills: tuple[Fill, ...] = ()
    lag_ms: int = 0


class Findings(Struct, frozen=True, kw_only=True):
    reports: tuple[tuple[str, OrderReport], ...] = ()  # of ours, by client id
    fills: tuple[tuple[str, Fill], ...] = ()  # of ours, not counted yet
    asks: tuple[str, ...] = ()  # ours, running, but not among the open ones: each must be asked for
    gaps: tuple[str, ...] = ()  # ours, with less fills than the venue counted: they must be fetched
    foreign: tuple[OrderReport, ...] = ()  # open orders of other hands: shown, and left alone
    strangers: tuple[Fill, ...] = ()  # fills of orders that we cannot name


class Quarrel(Struct, frozen=True):
    """What does not agree, and where. It freezes that symbol until a later reading agrees."""

    symbol: str
    why: str


def compare(account: Account, shown: Shown) -> Findings:
    reports, foreign = _split(account, shown.open or ())
    fills, strangers = _sort(account, shown.fills)
    seen = {client_id for client_id, _ in reports}
    running = [track for track in account.running() if not track.order.life.is_in_doubt]
    return Findings(
        reports=tuple(reports),
        fills=tuple(fills),
        asks=tuple(_unseen(running, seen, shown)),
        gaps=tuple(track.order.client_id for track in running if track.missing),
        foreign=tuple(foreign),
        strangers=tuple(strangers),
    )


def quarrels(account: Account, shown: Shown) -> Iterator[Quarrel]:
    """What does not agree although all that was asked for has been taken over."""
    for track in account.running():
        if not is_settled(track, shown):
            continue
        order = track.order
        if track.missing:
            yield Quarrel(
                order.symbol,
                f"{order.client_id}: the venue counts {order.venue_filled} as filled, its fills sum to {order.filled}",
            )
        elif track.surplus:
            yield Quarrel(
                order.symbol,
                f"{order.client_id}: its fills sum to {order.filled}, the venue counts only {order.venue_filled}",
            )
    for report in shown.open or ():
        known = account.of(report)
        if known is None or not is_settled(known, shown):
            continue
        order = known.order
        if order.order_id not in ("", report.order_id):
            why = f"{order.client_id}: the venue has a second order of that name, {report.order_id}"
            yield Quarrel(report.symbol, why)
        elif order.life.is_over:
            yield Quarrel(report.symbol, f"{order.client_id} is {order.life} with us, and open at the venue")


def taken_back(track: Track, listed: Iterable[Fill]) -> list[Fill]:
    """Which of the fills that we counted are none: `listed` is the venue's own list of them, whole and settled. Where
    that does not add up to the venue's own count, nothing is concluded."""
    theirs = list(listed)
    filled, _, _ = sums(theirs)
    if filled != track.order.venue_filled:
        return []
    names = {name_of(fill) for fill in theirs}
    return [fill for name, fill in track.fills.items() if name not in names]


def _split(account: Account, reports: Iterable[OrderReport]) -> tuple[list[tuple[str, OrderReport]], list[OrderReport]]:
    ours, foreign = [], []
    for report in reports:
        track = account.of(report)
        if track is not None:
            ours.append((track.order.client_id, report))
        else:
            foreign.append(report)
    return ours, foreign


def _sort(account: Account, fills: Iterable[Fill]) -> tuple[list[tuple[str, Fill]], list[Fill]]:
    new, strangers = [], []
    for fill in fills:
        track = account.of(fill)
        if track is None:
            strangers.append(fill)
        elif track.is_news(fill):
            new.append((track.order.client_id, fill))
    return new, strangers


def _unseen(running: Iterable[Track], seen: set[str], shown: Shown) -> Iterator[str]:
    """An order over with us lacks only fills. To ask for one that changed just now does no harm: only to conclude
    something from its not being found would."""
    for track in running:
        order = track.order
        is_unseen = shown.open is not None and order.client_id not in seen and not order.life.is_over
        if is_unseen or (track.surplus and is_settled(track, shown)):
            yield order.client_id


def is_settled(track: Track, shown: Shown) -> bool:
    """Whether the reading is surely younger than the last change that we know of."""
    return track.order.updated_ns + shown.lag_ms * MS <= shown.began_ns


def of_another(report: OrderReport, installation: str) -> bool:
    """An order that Fairlead placed, but not this installation: two of them trade one account."""
    return ids.is_ours(report.client_id) and not ids.is_ours(report.client_id, installation)
