"""Events as a person reads them and as a machine does: one sentence, one flat object; it draws nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.core.book import Book
from fairlead.engine.view import Side, View
from fairlead.model import events
from fairlead.model.events import Health
from fairlead.wire.printed import plain, word_of

HIDDEN = ("type", "venue_ns", "seen_ns")  # from people


def line_of(event: Book | View | Any) -> dict[str, Any]:
    """What a machine gets of an event."""
    match event:
        case Book():
            return _book(event)
        case View():
            rows = {name: str(book.state) for name, book in event.rows.items()}
            return {"type": "view", "symbol": event.symbol, "bid": event.bid, "ask": event.ask, "venues": rows}
    told: dict[str, Any] = plain(event)
    return told


def in_words(event: Book | View | Any) -> str:
    """The same as a line for a person."""
    match event:
        case Health():
            return f"{event.venue}  {sentence(event)}"
        case View():
            return f"best of {event.symbol}  {side_of(event.bid)}  /  {side_of(event.ask)}"
    values = {name: value for name, value in line_of(event).items() if name not in HIDDEN and value is not None}
    return "  ".join(" x ".join(value) if isinstance(value, list) else str(value) for value in values.values())


def side_of(side: Side | None) -> str:
    return f"{side.price} ({side.venue})" if side is not None else "nobody"


def sentence(event: Health) -> str:
    """What happened, without the venue's name."""
    return _SENTENCES[type(event)](event)


def length(ms: float) -> str:
    """How long something took, in the unit that fits."""
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def _book(book: Book) -> dict[str, Any]:
    (bids, asks), word = book.texts(1), word_of(type(book))
    best = {"bid": bids[0] if bids else None, "ask": asks[0] if asks else None}
    times = {"age_ms": round(book.age_ms, 1), "lag_ms": round(book.lag_ms, 1)}
    named = {"type": word, "venue": book.venue, "symbol": book.symbol, "state": str(book.state), "seq": book.seq}
    return {**named, **best, **times}


def _connected(event: events.Connected) -> str:
    after = f" again, after {length(event.after_ms)}" if event.again else ""
    return f"{event.door}: connected{after} to {event.host}"


def _throttled(event: events.Throttled) -> str:
    return f"{event.why}: nothing on {event.budget} for {length(event.wait_ms)}"


_SENTENCES: Mapping[type[Health], Callable[[Any], str]] = {
    events.Connected: _connected,
    events.Lost: lambda e: f"{e.door}: lost, {e.why}",
    events.Switched: lambda e: f"{e.host_key}: from {e.was} to {e.now}, {e.why}",
    events.Replaced: lambda e: f"{e.door}: a new connection took over in {length(e.took_ms)}, {e.why}",
    events.Retiring: lambda e: f"{e.what} ends in {length(e.in_ms)}: {e.why}",
    events.Gap: lambda e: f"{e.topic}: gap, {e.why}",
    events.Resynced: lambda e: f"{e.topic}: whole again after {length(e.took_ms)} ({e.why})",
    events.Stale: lambda e: f"{e.topic}: {e.why}, {length(e.by_ms)} more than allowed",
    events.Fresh: lambda e: f"{e.topic}: lives again after {length(e.took_ms)}",
    events.Filled: lambda e: f"{e.topic}: {e.count} were missed, and fetched",
    events.Anomaly: lambda e: f"{e.topic}: {e.label}, kept aside: {e.sample}",
    events.Strange: lambda e: f"strange: {e.what}",
    events.Dropped: lambda e: f"{e.topic}: a slow reader lost {e.count}",
    events.Throttled: _throttled,
    events.Denied: lambda e: f"{e.topic}: refused, {e.said or e.kind}",
    events.Blunder: lambda e: f"{e.where} raised {e.what}",
    events.OldName: lambda e: f"{e.host} could not be resolved; its address of {length(e.age_ms)} ago stands in",
    events.Stalled: lambda e: f"this program stood still for {length(e.lasted_ms)}, in {e.where}",
    events.TradingOpened: lambda e: (
        f"{e.account}: open for business after {length(e.took_ms)}, {e.orders} orders known, {e.doubtful} in doubt, "
        f"{e.abandoned} never sent"
    ),
    events.OrderUnknown: lambda e: f"{e.client_id}: what became of the {e.what} is not known yet ({e.why})",
    events.OrderSettled: lambda e: f"{e.client_id}: {e.life}, known after {length(e.took_ms)}: {e.evidence}",
    events.OrderLate: lambda e: f"{e.client_id}: came to be after all; it was {e.was}, and is {e.now}",
    events.OrderOdd: lambda e: f"{e.client_id}: {e.label}: {e.said}",
    events.Foreign: lambda e: f"{e.symbol}: {'another Fairlead' if e.ours else 'another hand'}: {e.what} {e.name}",
    events.Disagreed: lambda e: f"{e.symbol or e.account}: frozen, the venue and we do not agree: {e.why}",
    events.Agreed: lambda e: f"{e.symbol or e.account}: agreed again: {e.evidence}",
    events.Reconciled: lambda e: (
        f"{e.account}: held against the venue ({e.why}): {e.reports} reports and {e.fills} fills were new, "
        f"{e.quarrels} do not agree"
    ),
    events.Corrected: lambda e: f"{e.what} {e.name}: {e.heard} was told, {e.shown} is there",
    events.Unreconciled: lambda e: f"{e.account}: could not be held against the venue: {e.why}",
    events.JournalDown: lambda e: f"{e.account}: nothing can be written down, {e.waiting} lines wait: {e.why}",
    events.JournalUp: lambda e: f"{e.account}: written down again after {length(e.after_ms)}",
    events.Deaf: lambda e: f"{e.topic}: the venue does not tell us of the account: {e.why}",
    events.SwitchThrown: lambda e: f"{e.account}: the kill switch was {'thrown' if e.on else 'released'}: {e.why}",
    events.Minded: lambda e: f"{e.account}: minded by {e.by}",
    events.Unminded: lambda e: f"{e.account}: no longer minded by {e.by}: {e.why}",
    events.Swept: lambda e: f"{e.account}: {e.by} may have cancelled our orders: {e.why}",
}
