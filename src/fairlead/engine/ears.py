"""What the private stream tells, handed to whom it concerns: the scribe, the funds, the reckoner; it judges nothing.

Nothing is dropped here: a report or a fill that is nobody's asks for a reading of the venue."""

from __future__ import annotations

import asyncio

from fairlead.core import ids
from fairlead.core.facts import AnyFact
from fairlead.core.track import Track
from fairlead.engine.bench import Bench
from fairlead.engine.funds import Funds
from fairlead.engine.private import Turn, Turned
from fairlead.engine.reckoner import Reckoner
from fairlead.io import failpoint
from fairlead.model import events
from fairlead.model.account import Holding, Position
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.conversation import Event, Topic

GAP_WAIT_MS = 2_000  # a fill that the venue counted may be on its way; after that it is fetched
RECKONS = {
    Turn.JOINED: "a new hearing",
    Turn.MISSED: "the venue's numbers show a gap",
    Turn.FRESH: "the connection speaks again",
}


class AccountEars:
    """As private.Ears."""

    def __init__(self, bench: Bench, reckoner: Reckoner, funds: Funds) -> None:
        self._bench, self._reckoner, self._funds = bench, reckoner, funds
        self._gaps: set[str] = set()
        self.joined = asyncio.Event()  # the account is heard

    def heard(self, topic: Topic, event: Event) -> None:
        if self._bench.is_closed:
            return  # the next process asks the venue for it
        match event:
            case OrderReport():
                self._bench.scribe.hear(lambda: self._of_report(event))
            case Fill():
                failpoint.reached("fill.heard")
                self._bench.scribe.hear(lambda: self._of_fill(event))
            case Position():
                self._funds.told(event)
                if not self._funds.is_explained(event):
                    self._bench.chores.later(self._bench.venue.settle.lag_ms, lambda: self._doubt(event))
            case Holding():
                self._funds.told(event)

    def turned(self, word: Turned) -> None:
        if self._bench.is_closed:
            return
        if word.what is Turn.JOINED:
            self.joined.set()
        if word.what in RECKONS:
            self._reckoner.want(RECKONS[word.what])
        elif word.what in (Turn.LOST, Turn.STALE, Turn.OUSTED, Turn.REFUSED):
            self._bench.tell(events.Deaf, topic=str(word.topic), why=word.why or word.what)
            if word.what is not Turn.LOST:
                self._reckoner.want(f"{word.topic} is {word.what}")

    def unsettled(self, track: Track) -> None:
        """Once for each order that lacks a fill, or of which nonsense was told: if what is right has not come by itself
        soon, it is asked for."""
        name = track.order.client_id
        if name in self._gaps:
            return
        self._gaps.add(name)

        def look() -> None:
            self._gaps.discard(name)
            if track.missing or not track.order.life.is_over:
                self._reckoner.want(f"what is told of {name} is not whole")

        self._bench.chores.later(GAP_WAIT_MS, look)

    # ---- inside

    def _of_report(self, report: OrderReport) -> list[AnyFact]:
        track = self._bench.account.of(report)
        if track is None:
            self._strange(report)
            return []
        return self._bench.report_facts(track, report, "stream")

    def _of_fill(self, fill: Fill) -> list[AnyFact]:
        track = self._bench.account.of(fill)
        if track is None:
            self._strange(fill)
            return []
        return self._bench.fill_facts(track, fill, "stream")

    def _strange(self, event: OrderReport | Fill) -> None:
        """Of another hand, or of ours by a name that we do not know yet: the next reading tells them apart."""
        self._bench.touched.add(event.symbol)
        if ids.is_ours(event.client_id) or (isinstance(event, Fill) and not event.client_id):
            self._reckoner.want("an order that nobody here knows")

    def _doubt(self, told: Position) -> None:
        if not self._funds.is_explained(told):
            self._reckoner.want(f"the position in {told.symbol} is not what the fills make it")

    def __repr__(self) -> str:
        return f"<AccountEars, {len(self._gaps)} orders wait for a fill>"
