"""Places orders: risk first, then the journal, then the venue, once; what came of it is written down before it is told.

It never sends an order a second time, except where the caller wished so beforehand and absence was proven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fairlead.core import facts
from fairlead.core.budget import Priority
from fairlead.core.facts import AnyFact, Intended
from fairlead.core.limits import Limits
from fairlead.core.risk import Risk
from fairlead.core.sight import Holdings, Sight, sight_of
from fairlead.core.track import Track
from fairlead.core.worth import Touch
from fairlead.engine.bench import Bench
from fairlead.engine.steps import Steps
from fairlead.engine.timing import MS
from fairlead.engine.verdicts import answer_to, fenced_until, refused
from fairlead.errors import Error, Held, JournalFailed, Misuse, Unknown, cut
from fairlead.io import failpoint
from fairlead.model.instrument import Instrument
from fairlead.model.order import Life, Order
from fairlead.model.orders import Receipt
from fairlead.wire.asks import Op
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.orders import AskPlace, AskPlaceMany
from fairlead.wire.signing import Stamp

WAIT_MS = 5_000  # an order that has not left by then is not wanted any more
UNLIMITED = Limits()
FILLS_MOST = 200  # in one line of the journal
STALE_CATALOG = frozenset({Kind.INVALID, Kind.SYMBOL, Kind.MARKET_STATE})


class Wanted(Struct, frozen=True, kw_only=True):
    """How an order is wanted, beside what it is."""

    wait_ms: int = WAIT_MS  # how long it may wait for leave
    resend_for_ms: int = 0  # if it is proven not accepted: send it again, not after this; 0: never
    bot: str = ""
    key: str = ""  # the caller's own name of this wish: asked again under it, the same order is meant


class Placing:
    """`gate` raises why no order may go to a symbol now."""

    def __init__(
        self, bench: Bench, risk: Risk, touch_for: Callable[[str], Touch | None], gate: Callable[[str], None]
    ) -> None:
        self._bench, self._risk, self._touch_for, self._gate = bench, risk, touch_for, gate
        self._pending: dict[str, Track] = {}  # wanted, and not on disk yet: they count for the limits already
        self._withdrawn: set[str] = set()
        self.doubted: Callable[[Track, str], None] = lambda track, why: None  # who looks into doubts

    async def place(self, asked: AskPlace, wanted: Wanted) -> Order:
        """The order as the venue left it with us; UNKNOWN if nobody knows yet. Refused, NotSent or Held if it is not
        at the venue, and will not be."""
        known = self._wished(asked, wanted.key)
        if known is not None:
            return known
        intended = self.begin(asked, wanted)
        work = self.run(intended, wanted.wait_ms)
        return await self._bench.carried(work, f"order {intended.asked.client_id}")

    def begin(self, asked: AskPlace, wanted: Wanted) -> Intended:
        """Judged, named and counted from now on; not written yet."""
        self._gate(asked.symbol)
        instrument = self._instrument(asked.symbol)
        if self._risk.limits != UNLIMITED:  # to see all that is open takes time
            self._risk.judge(asked, instrument, self.sight(asked.symbol))
        bench = self._bench
        name = bench.ids.next(bench.now_ns)
        until_ns = bench.now_ns + wanted.resend_for_ms * MS if wanted.resend_for_ms else 0
        intended = bench.fact(
            Intended, asked=replace(asked, client_id=name), resend_until_ns=until_ns, bot=wanted.bot, key=wanted.key
        )
        self._pending[name] = Track(intended, 0)
        return intended

    def ended(self, intended: Intended) -> None:
        """Whatever became of it, it is not under way any more."""
        self._pending.pop(intended.asked.client_id, None)
        self._withdrawn.discard(intended.asked.client_id)

    def withdraw(self, client_id: str) -> Order | None:
        """An order that still waits for leave: it will not be sent."""
        track = self._bench.account.tracks.get(client_id) or self._pending.get(client_id)
        if track is None or track.order.life is not Life.INTENT:
            return None
        self._withdrawn.add(client_id)
        return track.order

    async def idle(self) -> None:
        """Returns when nothing is under way."""
        while self._pending:
            await self._bench.time.clock.sleep(0.01)

    def sight(self, symbol: str) -> Sight:
        bench, known = self._bench, self._bench.account.tracks
        waiting = tuple(track.order for name, track in self._pending.items() if name not in known)
        catalog = bench.around.ctx.catalog
        running = tuple(track.order for track in bench.account.running())
        holdings = Holdings(
            orders=(*running, *waiting),
            positions=bench.stance.positions(bench.venue.name),
            changes=bench.account.changes(),
        )
        sight = sight_of(
            self._instrument(symbol),
            bench.now_ns,
            holdings,
            bench.tally,
            bench.drawdown,
            lambda name: catalog.theirs(name) if name in catalog else None,
            self._touch_for,
        )
        more = len(waiting)
        return replace(sight, in_second=sight.in_second + more, in_minute=sight.in_minute + more)

    # ---- one order

    async def run(self, intended: Intended, wait_ms: int) -> Order:
        try:
            await self._attempt(intended, 1, self._bench.now_ms + wait_ms)
        finally:
            self.ended(intended)
        return self._bench.account.tracks[intended.asked.client_id].order

    async def again(self, track: Track) -> None:
        """Proven not accepted: sent once more if that was wished, is still in time, and nothing forbids it."""
        until_ns = track.intended.resend_until_ns
        if self._bench.now_ns >= until_ns or track.is_claimed:
            return
        try:
            self._gate(track.order.symbol)
            await self._attempt(track.intended, track.order.attempt + 1, until_ns // MS)
        except Error as failed:
            self._bench.odd(track.order.client_id, track.order.symbol, "not sent again", cut(failed.said))

    async def _attempt(self, intended: Intended, attempt: int, not_after_ms: int) -> None:
        outcome = await self.send(
            Op.PLACE,
            (intended,),
            lambda at: self.fenced(intended.asked, at),
            attempt=attempt,
            not_after_ms=not_after_ms,
        )
        if outcome is not None:
            await self.answered(intended, attempt, outcome)

    async def send(
        self,
        op: Op,
        wanted: tuple[Intended, ...],
        question: Callable[[Stamp], AskPlace | AskPlaceMany],
        *,
        attempt: int,
        not_after_ms: int,
    ) -> Outcome[Any] | None:
        """The answer to one request that places all of these; None: nobody knows, which is written down already."""
        bench, steps = self._bench, Steps(self._bench, wanted, attempt, self._check_sending)
        names = [intended.asked.client_id for intended in wanted]
        try:
            outcome = await bench.teller.errand(
                op, question, Priority.ORDER, not_after_ms=not_after_ms, waiting=steps.waiting, sending=steps.sending
            )
        except Unknown as lost:
            await self._unsure(names, lost.said, None)
        except asyncio.CancelledError:
            raise  # we are going down: what is on disk says how far it came
        except Exception as failed:  # ours or the venue's: told below, or passed on to whoever asked
            if steps.is_sent and not isinstance(failed, Error):  # a bug of ours, after a byte may have left
                bench.around.blame("placing", failed)
                await self._unsure(names, f"an error of ours: {type(failed).__name__}", None)
                return None
            if steps.is_written or isinstance(failed, JournalFailed):  # which may be on disk after all
                await self._unsent(names, failed)
            raise
        else:
            failpoint.reached("submit.after_reply")
            return outcome
        return None

    async def answered(self, intended: Intended, attempt: int, outcome: Outcome[Any]) -> None:
        asked, bench = intended.asked, self._bench
        name = asked.client_id
        match answer_to(asked, outcome):
            case Fault(kind=Kind.DUPLICATE) as fault:
                # Fresh, it cannot be: our names are not unique, or somebody between us sent it twice. Which, the venue
                # knows. After an earlier attempt it says that the first one came to be after all.
                if attempt == 1:
                    bench.odd(name, asked.symbol, "duplicate", fault.said)
                    bench.freeze("", f"{name} is new, and the venue has an order of that name already")
                await self._unsure([name], fault.said or "the venue has an order of that name", fault)
            case Fault(fate=Fate.REFUSED) as fault:
                await bench.scribe.keep(bench.fact(facts.Declined, client_id=name, fault=fault))
                failpoint.reached("submit.after_ack")
                if fault.kind in STALE_CATALOG:
                    bench.around.renew_catalog()
                if bench.account.tracks[name].order.life is Life.REJECTED:
                    raise refused(
                        bench.venue.name, f"the order {name}", fault, "it is not at the venue and will not be"
                    )
            case Fault() as fault:
                await self._unsure([name], fault.said or fault.kind, fault)
            case receipt:
                await bench.scribe.keep(*self._taken(name, receipt))
                failpoint.reached("submit.after_ack")
                self._compare(intended)

    def _taken(self, name: str, receipt: Receipt) -> list[AnyFact]:
        """One line with all that the answer tells. Of fills that are very many, or of which some cannot be, each that
        can is a line of its own: a line is bounded."""
        bench, track = self._bench, self._bench.account.tracks[name]
        if receipt.report is not None and not bench.is_sound(track, receipt.report):
            receipt = replace(receipt, report=None)
        fills = [fact for fill in receipt.fills for fact in bench.fill_facts(track, fill, "place")]
        if len(fills) == len(receipt.fills) <= FILLS_MOST:
            fills = []
        else:
            receipt = replace(receipt, fills=())
        return [bench.fact(facts.Taken, client_id=name, receipt=receipt), *fills]

    async def _unsent(self, names: list[str], failed: Exception) -> None:
        told = [self._bench.fact(facts.Unsent, client_id=name, why=cut(str(failed))) for name in names]
        if isinstance(failed, JournalFailed):  # as soon as it can be; whoever asked need not wait for that
            self._bench.scribe.hear(lambda: told)
        else:
            await self._bench.scribe.keep(*told)

    async def _unsure(self, names: list[str], why: str, fault: Fault | None) -> None:
        bench = self._bench
        await bench.scribe.keep(
            *(bench.fact(facts.Unsure, client_id=name, why=cut(why), fault=fault) for name in names)
        )
        for track in map(bench.account.tracks.__getitem__, names):
            if track.order.life.is_in_doubt:
                self.doubted(track, cut(why))

    def _compare(self, intended: Intended) -> None:
        """A venue that rounds or changes an order says so here: told, and the order shows what the venue has."""
        asked, order = intended.asked, self._bench.account.tracks[intended.asked.client_id].order
        for what, ours, theirs in (("price", asked.price, order.price), ("quantity", asked.qty, order.qty)):
            if ours is not None and theirs is not None and ours != theirs:
                self._bench.odd(order.client_id, order.symbol, "changed", f"{what} {ours} was asked, {theirs} is there")

    # ---- inside

    def _check_sending(self, asked: AskPlace) -> None:
        """Asked again when the next thing is to write it down as sent: much may have changed since it was wanted."""
        if asked.client_id in self._withdrawn:
            raise Held("The order was withdrawn before it was sent.", known="nothing was sent")
        self._gate(asked.symbol)

    def fenced(self, asked: AskPlace, at: Stamp) -> AskPlace:
        until_ms, window_ms = fenced_until(self._bench.venue.settle, at, self._bench.slack_ms)
        return replace(asked, until_ms=until_ms, window_ms=window_ms)

    def _wished(self, asked: AskPlace, key: str) -> Order | None:
        if not key:
            return None
        waiting = (track for track in self._pending.values() if track.intended.key == key)
        track = self._bench.account.wished(key) or next(waiting, None)
        if track is None and (name := self._bench.account.used_for(key)):
            raise Misuse(
                f"The name {key!r} was used long ago.",
                known=f"for the order {name}, which has ended; nothing was sent",
                next="give each wish a name of its own",
            )
        if track is None:
            return None
        if replace(track.intended.asked, client_id="") != replace(asked, client_id=""):
            raise Misuse(
                f"The name {key!r} stands for another order already.",
                known=f"{track.order.client_id} is {track.order.life}; nothing was sent",
                next="give each wish a name of its own",
            )
        return track.order

    def _instrument(self, symbol: str) -> Instrument:
        return self._bench.around.ctx.catalog.theirs(symbol)

    def __repr__(self) -> str:
        return f"<Placing {len(self._pending)} under way>"
