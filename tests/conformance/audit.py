"""Holds what a session believes of its orders against the simulator's own ledger, to the last digit; it stages nothing.

Nothing accepted is unknown to us, nothing was sent twice, every life is the ledger's, every fill was counted once."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from fairlead.core.track import Track
from fairlead.model import events
from fairlead.model.order import Life
from fairlead.model.orders import Fill, Status
from tests.conformance.witness import Breach

if TYPE_CHECKING:
    from tests.conformance.pier import Pier

ENDS = {
    Status.FILLED: (Life.FILLED,),
    Status.CANCELLED: (Life.CANCELLED,),
    Status.EXPIRED: (Life.EXPIRED, Life.CANCELLED),  # venues have one word for both
    Status.REJECTED: (Life.REJECTED, Life.CANCELLED, Life.EXPIRED),  # likewise of what they threw out
}
NEVER = (Life.REJECTED, Life.NOT_ACCEPTED, Life.ABANDONED)
RUNS = (Life.OPEN, Life.PARTIAL)


def audit(at: Pier) -> None:
    """Raises a Breach for the first thing that is not so."""
    tracks = at.account.tracks
    for row in at.truth.orders:
        if row.client_id.startswith(f"fl{at.account.installation}") and row.client_id not in tracks:
            raise at.breach(f"the venue accepted {row.client_id}, and the journal does not know it")
    for track in tracks.values():
        _of_one(at, track)
    _fills_once(at.fills, at)
    for asset, told in at.desk.funds.balances.items():
        total = at.mouth.keyring.account(at.city.keys[at.name].key).purse.total(asset)
        if told.total != total:
            raise at.breach(f"{told.total} {asset} was told, {total} is there")
    refusals = [one for one in at.mouth.refusals if not one.is_mishap and one.ns > at.forgiven_ns]
    if refusals:
        raise at.breach(f"the venue's own limits refused us: {refusals}")
    if at.heard(events.Blunder):
        raise at.breach(f"a blunder: {at.heard(events.Blunder)}")


def _of_one(at: Pier, track: Track) -> None:
    order, name = track.order, track.order.client_id
    accepted = at.truth.accepted(name)
    if len(accepted) > 1:
        raise at.breach(f"{name} was accepted {len(accepted)} times")
    if at.truth.attempts(name) > order.attempt:
        raise at.breach(f"{name} arrived {at.truth.attempts(name)} times, {order.attempt} were written down")
    if not accepted:
        if order.life not in NEVER:
            raise at.breach(f"{name} is {order.life}, and the venue never accepted it")
        return
    (row,) = accepted
    if order.order_id != row.order_id:
        raise at.breach(f"{name} is {order.order_id!r} with us and {row.order_id!r} at the venue")
    ended, fills = at.truth.end_of(row.order_id), at.truth.fills(row.order_id)
    expected = RUNS if ended is None else ENDS[ended.status]
    if order.life not in expected:
        raise at.breach(f"{name} is {order.life}, the ledger says {ended or 'it is open'}")
    filled = sum((fill.qty for fill in fills), Decimal(0))
    if order.filled != filled:
        raise at.breach(f"{name} has {order.filled} filled with us, {filled} in the ledger")
    heard = {fill.id for fill in at.fills if fill.order_id == row.order_id}
    if not at.voided and heard != {fill.id for fill in fills}:
        raise at.breach(f"of {name} the fills {sorted(heard)} were told, {[fill.id for fill in fills]} happened")


def _fills_once(fills: Iterable[Fill], at: Pier) -> None:
    seen: set[tuple[str, str]] = set()
    for fill in fills:
        if (fill.order_id, fill.id) in seen:
            raise Breach(f"the fill {fill.id} of {fill.order_id} was told twice; {at.account!r}")
        seen.add((fill.order_id, fill.id))
