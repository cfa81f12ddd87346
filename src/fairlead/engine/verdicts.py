"""What an answer to an order or a change means, and how a refusal is worded; it knows no order and keeps nothing."""

from __future__ import annotations

from typing import Any

from fairlead.errors import Error, NotSent, Refused, cut
from fairlead.wire.advice import ADVICE
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.orders import AskPlace
from fairlead.wire.signing import Stamp
from fairlead.wire.venue import Settle

NOT_SENT = "not sent"  # the code of a Fault that is ours: not a byte left


def fenced_until(settle: Settle, at: Stamp, slack_ms: int) -> tuple[int, int]:
    """The fence, and how far ahead of this moment it lies; never nearer than the venue takes it, whatever our clock is
    wrong by. (0, 0): the venue knows no fence."""
    if not settle.fence_ms:
        return 0, 0
    window_ms = max(settle.fence_ms, settle.fence_min_ms + slack_ms)
    return at.venue_ms + window_ms, window_ms


def answer_to(asked: AskPlace, outcome: Outcome[Any]) -> Outcome[Any]:
    """An answer that speaks of another order is no answer to ours."""
    names = strangers(asked.client_id, outcome)
    if names:
        return Fault(Kind.UNKNOWN_CODE, Fate.UNKNOWN, code="crossed", said=f"the answer speaks of {', '.join(names)}")
    return outcome


def strangers(client_id: str, outcome: Outcome[Any]) -> list[str]:
    """The other orders that an answer names."""
    if isinstance(outcome, Fault):
        return []
    report = outcome.report
    return sorted({outcome.client_id, report.client_id if report is not None else ""} - {"", client_id})


def is_open(outcome: Outcome[Any]) -> bool:
    """Whether an answer to a change leaves it open what became of it: "there is no such order" is no proof."""
    return isinstance(outcome, Fault) and (outcome.fate is not Fate.REFUSED or outcome.kind is Kind.NOT_FOUND)


def refused(venue: str, what: str, fault: Fault, known: str) -> Error:
    if fault.code == NOT_SENT:
        return NotSent(f"{what} was not sent: {fault.said}", known=known, next="ask again if it is still wanted")
    return Refused(
        f"{venue} refused {what} ({fault.kind}): {cut(fault.said) or 'no words'}",
        venue=venue,
        kind=fault.kind,
        code=fault.code,
        known=f"{known}; code {fault.code or '-'}, HTTP {fault.status or '-'}",
        next=f"wait {fault.wait_ms / 1000:.0f} s" if fault.wait_ms else ADVICE[fault.kind],
    )
