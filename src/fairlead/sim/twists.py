"""What mishaps do to orders: to a request as the engine takes it, to its answer, and to what is told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from fairlead.model.orders import Fill, OrderReport, Receipt, Status
from fairlead.sim.exchange import Twist
from fairlead.sim.mishaps import Handle
from fairlead.sim.purse import ZERO
from fairlead.wire.faults import Fault, Kind
from fairlead.wire.mirror import Execution, Heard


def twisted(handles: Iterable[Handle]) -> Twist:
    twist = Twist()
    for handle in handles:
        args = handle.rule.args
        match handle.rule.action:
            case "unfence":
                twist = replace(twist, is_unfenced=True)
            case "decline":
                kind, _, word = args.text.partition(" ")
                twist = replace(twist, refusal=Fault(Kind(kind), said=word))
            case "hide":
                twist = replace(twist, hidden_ms=args.ms)
            case "expel":
                twist = replace(twist, expel_ms=max(1, args.ms))
            case "revise":
                twist = replace(twist, factor=args.factor)
    return twist


def mixed_up(said: Any, other: Any) -> Any:
    """What another request of the kind was answered; before there was one, names of an order that is nobody's."""
    if other is not None and not isinstance(other, Fault) and other != said:
        return other
    if isinstance(said, tuple):
        return tuple(mixed_up(one, None) for one in said)
    if isinstance(said, Receipt):
        return replace(said, **_turned(said), report=said.report and mixed_up(said.report, None))
    return replace(said, **_turned(said)) if isinstance(said, OrderReport) else said


def answered(heard: Heard, said: Any) -> Heard:
    """A batch of which items were left out of the answer is worded as if only the others had been asked."""
    orders = getattr(heard.asked, "orders", ())
    if not isinstance(said, tuple) or len(said) >= len(orders):
        return heard
    return replace(heard, asked=replace(heard.asked, orders=orders[: len(said)]))


def _turned(said: Receipt | OrderReport) -> dict[str, str]:
    """Other ids of the same letters, so that no reader stumbles over their form."""
    return {"order_id": said.order_id[:-2] + said.order_id[:-3:-1], "client_id": said.client_id[::-1]}


def renumbered(event: Execution, fill: Fill) -> Execution:
    """The same execution once more, under an id of its own: its last two characters swapped, or its last one moved."""
    swapped = fill.id[:-2] + fill.id[:-3:-1]
    moved = fill.id[:-1] + {"9": "8", "Z": "Y"}.get(fill.id[-1:], "9" if fill.id[-1:].isdigit() else "Z")
    return replace(event, fill=replace(fill, id=swapped if swapped != fill.id else moved))


def rewound(event: Execution) -> Execution:
    report = replace(event.report, filled=ZERO, cost=ZERO, average=None, status=Status.OPEN)
    return Execution("accepted", report)
