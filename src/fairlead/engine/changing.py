"""Cancels and amends: a cancel is repeated until the venue shows an end, an amendment is asked for once.

A yes of the venue's is no deed yet, and "there is no such order" no proof: only what it shows of the order counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec.structs import replace

from fairlead.core import facts
from fairlead.core.budget import Priority
from fairlead.core.facts import AnyFact
from fairlead.core.risk import Risk
from fairlead.core.sight import Sight
from fairlead.core.track import Track
from fairlead.engine.bench import Bench
from fairlead.engine.prober import Prober
from fairlead.engine.verdicts import NOT_SENT, fenced_until, is_open, refused, strangers
from fairlead.errors import JournalFailed, NotSent, Unknown, cut
from fairlead.io import failpoint
from fairlead.model.order import Order
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.orders import AskAmend, AskCancel
from fairlead.wire.signing import Stamp

WAIT_MS = 5_000  # a change that has not left by then is not wanted any more


class Changing:
    def __init__(
        self,
        bench: Bench,
        prober: Prober,
        risk: Risk,
        gate: Callable[[str], None],
        sight: Callable[[str], Sight],
    ) -> None:
        self._bench, self._prober, self._risk, self._gate, self._sight = bench, prober, risk, gate, sight

    # ---- cancels

    async def cancel(self, track: Track) -> Order:
        """The order as it stands when the venue has answered; its end is told when the venue shows it."""
        if track.order.life.is_over:
            return track.order
        return await self._bench.carried(self._cancel(track), f"cancel of {track.order.client_id}")

    async def _cancel(self, track: Track) -> Order:
        bench, order = self._bench, track.order
        asked = AskCancel(symbol=order.symbol, client_id=order.client_id, order_id=order.order_id)
        await self._note(bench.fact(facts.CancelSent, asked=asked, client_id=order.client_id))
        failpoint.reached("cancel.after_intent")
        outcome = await self._ask(Op.CANCEL, asked, Priority.CANCEL)
        failpoint.reached("cancel.after_reply")
        await self._answered(track, "cancel", outcome)
        if not track.order.life.is_over:
            why = cut(outcome.said or outcome.kind) if is_open(outcome) else ""
            self._follow(track, why)
        if isinstance(outcome, Fault) and not is_open(outcome) and not track.order.life.is_over:
            raise refused(bench.venue.name, f"the cancel of {order.client_id}", outcome, _shown(track))
        return track.order

    def _follow(self, track: Track, why: str) -> None:
        """From when it is known that a cancel was sent; nobody waits for a disk that fails."""

        async def later() -> None:
            await self._bench.scribe.keep()
            self._prober.follow(track, why)

        if self._bench.scribe.ails:
            self._bench.chores.spawn(later(), f"cancel of {track.order.client_id}")
        else:
            self._prober.follow(track, why)

    async def cancel_twins(self, symbol: str) -> None:
        """Second orders of one name, which should not be, and are ours all the same: by the venue's own id."""
        for track in list(self._bench.account.tracks.values()):
            for order_id, report in track.twins.items():
                is_over = report is not None and report.status.is_final
                if not is_over and symbol in ("", track.order.symbol):
                    await self._ask(Op.CANCEL, AskCancel(symbol=track.order.symbol, order_id=order_id), Priority.CANCEL)

    async def again(self, track: Track) -> None:
        """The venue shows it open still: a cancel may be repeated freely."""
        order = track.order
        asked = AskCancel(symbol=order.symbol, client_id=order.client_id, order_id=order.order_id)
        await self._answered(track, "cancel", await self._ask(Op.CANCEL, asked, Priority.CANCEL))

    async def _note(self, fact: AnyFact) -> None:
        """A cancel only takes risk away: it goes out even when it cannot be written down."""
        try:
            await self._bench.scribe.write(fact)
        except JournalFailed as failed:
            self._bench.scribe.hear(lambda: [fact])
            self._bench.ails(failed)

    # ---- amendments

    async def amend(self, track: Track, asked: AskAmend) -> Order:
        bench, order = self._bench, track.order
        self._gate(order.symbol)
        instrument = bench.around.ctx.catalog.theirs(order.symbol)
        self._risk.judge_change(order, asked, instrument, self._sight(order.symbol))
        return await bench.carried(self._amend(track, asked), f"amendment of {order.client_id}")

    async def _amend(self, track: Track, asked: AskAmend) -> Order:
        bench, name = self._bench, track.order.client_id

        async def sending(question: AskAmend, by: str) -> None:
            self._gate(track.order.symbol)
            await bench.scribe.write(bench.fact(facts.AmendSent, asked=question, client_id=name))
            failpoint.reached("amend.after_intent")

        outcome = await self._ask(Op.AMEND, partial(self._fenced, asked), Priority.ORDER, sending)
        failpoint.reached("amend.after_reply")
        await self._answered(track, "amend", outcome)
        if track.order.amending:
            self._prober.follow(track, cut(outcome.said or outcome.kind) if is_open(outcome) else "")
        if isinstance(outcome, Fault) and not is_open(outcome):
            raise refused(bench.venue.name, f"the amendment of {name}", outcome, _shown(track))
        return track.order

    def _fenced(self, asked: AskAmend, at: Stamp) -> AskAmend:
        until_ms, window_ms = fenced_until(self._bench.venue.settle, at, self._bench.slack_ms)
        return replace(asked, until_ms=until_ms, window_ms=window_ms)

    # ---- both

    async def _ask(self, op: Op, asked: Any, priority: Priority, sending: Any = None) -> Outcome[Any]:
        """What was answered; a Fault of unknown fate where nothing was. What was not sent at all goes up."""
        bench = self._bench
        try:
            return await bench.teller.errand(op, asked, priority, not_after_ms=bench.now_ms + WAIT_MS, sending=sending)
        except Unknown as lost:
            return Fault(Kind.SERVER, Fate.UNKNOWN, said=lost.said)
        except NotSent as kept:
            return Fault(Kind.SERVER, Fate.REFUSED, code=NOT_SENT, said=kept.said)

    async def _answered(self, track: Track, what: str, outcome: Outcome[Any]) -> None:
        bench, name = self._bench, track.order.client_id
        answered = partial(bench.fact, facts.ChangeAnswered, client_id=name, what=what)
        if isinstance(outcome, Fault):
            await self._keep([answered(fault=outcome)])
            return
        told: list[AnyFact] = [answered()]
        if names := strangers(name, outcome):
            bench.odd(name, track.order.symbol, "crossed", f"the answer speaks of {', '.join(names)}")
        else:
            if outcome.report is not None:
                told += bench.report_facts(track, outcome.report, what)
            for fill in outcome.fills:
                told += bench.fill_facts(track, fill, what)
        await self._keep(told)

    async def _keep(self, told: list[AnyFact]) -> None:
        """While the disk fails nobody waits for it: the next cancel must go out."""
        if self._bench.scribe.ails:
            self._bench.scribe.hear(lambda: told)
        else:
            await self._bench.scribe.keep(*told)

    def __repr__(self) -> str:
        return f"<Changing {self._bench.account!r}>"


def _shown(track: Track) -> str:
    return f"the order is {track.order.life}, filled {track.order.filled}"
