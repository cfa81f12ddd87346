"""Holds a bot against the simulator's own ledger: what was doubled, lost or believed wrongly; it asks the bot nothing.

A bot that says how its orders stand (a line of JSON each, with client_id, life and filled) is held to its word; of one
that says nothing, only what it did is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from fairlead.model.order import Life
from fairlead.model.orders import Status
from fairlead.sim.mouth import Mouth
from fairlead.wire.asks import Op

ENDS: Mapping[Status, tuple[Life, ...]] = {
    Status.FILLED: (Life.FILLED,),
    Status.CANCELLED: (Life.CANCELLED,),
    Status.EXPIRED: (Life.EXPIRED, Life.CANCELLED),  # venues have one word for both
    Status.REJECTED: (Life.REJECTED, Life.CANCELLED, Life.EXPIRED),
}
NEVER = (Life.REJECTED, Life.NOT_ACCEPTED, Life.ABANDONED)
RUNS = (Life.OPEN, Life.PARTIAL)


class Word(Struct, frozen=True):
    """What a bot says of one order in the end."""

    client_id: str
    life: Life
    filled: Decimal = Decimal(0)


class Verdict(Struct, frozen=True):
    intended: int  # different orders that were asked for
    accepted: int
    fills: int
    said: int  # orders of which the bot said how they stand
    broken: tuple[str, ...]


def words(said: bytes) -> dict[str, Word]:
    """Lines that are no such word are the bot's own business; the last word of an order holds."""
    found: dict[str, Word] = {}
    for line in said.splitlines():
        try:
            word = msgspec.json.decode(line, type=Word)
        except msgspec.DecodeError:
            continue
        found[word.client_id] = word
    return found


def judged(mouth: Mouth, said: Mapping[str, Word], foreign: str) -> Verdict:
    """`foreign` is the order of another hand, which nobody may touch; "" where there is none."""
    truth = mouth.truth
    rows = [row for row in truth.orders if row.how != "hand"]
    broken = [*_doubled(mouth), *_misbelieved(mouth, said)]
    if foreign and truth.end_of(foreign) is not None:
        broken.append("an order of another hand was cancelled")
    ours = [one for one in mouth.refusals if not one.is_mishap]
    if ours:
        broken.append(f"the venue's limits refused {len(ours)} requests")
    asked = {row.client_id for row in truth.received if row.op in (Op.PLACE, Op.PLACE_MANY) and row.how != "hand"}
    fills = sum(len(truth.fills(row.order_id)) for row in rows)
    return Verdict(len(asked), len(rows), fills, len(said), tuple(broken))


def _doubled(mouth: Mouth) -> Iterator[str]:
    """By its name; or, under another name, alike in all that was asked for: this is what a blind repetition makes."""
    names: set[str] = set()
    alike: set[tuple[object, ...]] = set()
    for row in mouth.truth.orders:
        if row.how == "hand":
            continue
        if row.client_id in names:
            yield f"{row.client_id} was accepted twice"
        names.add(row.client_id)
        found = mouth.exchange.records.find(mouth.keyring.account(row.account), row.symbol, "", row.order_id)
        if found is None:
            continue
        asked = (row.symbol, found.asked.side, found.asked.type, found.asked.qty, found.asked.price)
        if asked in alike:
            yield f"{row.client_id} is an order that was placed before, under another name"
        alike.add(asked)


def _misbelieved(mouth: Mouth, said: Mapping[str, Word]) -> Iterator[str]:
    truth = mouth.truth
    for row in truth.orders if said else ():
        if row.how != "hand" and row.client_id not in said:
            yield f"{row.client_id} is lost: it was accepted, and the bot does not know it"
    for name, word in said.items():
        rows = truth.accepted(name)
        if not rows:
            if word.life not in NEVER:
                yield f"{name} is {word.life} with the bot, and was never accepted"
            continue
        ended, fills = truth.end_of(rows[0].order_id), truth.fills(rows[0].order_id)
        if word.life not in (RUNS if ended is None else ENDS[ended.status]):
            yield f"{name} is {word.life} with the bot, the ledger says {ended.status if ended else 'open'}"
        filled = sum((fill.qty for fill in fills), Decimal(0))
        if word.filled != filled:
            yield f"{name} has {word.filled} filled with the bot, {filled} in the ledger"
