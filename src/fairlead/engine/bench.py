"""What all who work on one account's orders share: its books, its scribe, its counter; it does no business itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from fairlead.core import facts
from fairlead.core.account import Account
from fairlead.core.budget import Priority
from fairlead.core.drawdown import Drawdown
from fairlead.core.facts import AnyFact
from fairlead.core.halt import KillSwitch
from fairlead.core.ids import Ids
from fairlead.core.reconcile import Shown
from fairlead.core.stance import Stance
from fairlead.core.tally import Tally
from fairlead.core.track import Track, Turn
from fairlead.engine.bus import Bus
from fairlead.engine.chores import Chores
from fairlead.engine.private import Ears
from fairlead.engine.scribe import Scribe
from fairlead.engine.sender import Sending, Waiting
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import Error, JournalFailed, NotSent, Unknown, cut
from fairlead.model import events
from fairlead.model.order import Order
from fairlead.model.orders import Fill, OrderReport
from fairlead.wire.asks import Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.face import Journal
from fairlead.wire.faults import Fate, Fault, Kind, Outcome
from fairlead.wire.venue import Venue

F = TypeVar("F", bound=facts.Fact)
T = TypeVar("T")
PAGES_MOST = 100  # of one list; one that is longer was not read whole


class Counter(Protocol):
    """Where an account's business is done (engine/teller)."""

    def listen(self, ears: Ears) -> object: ...
    def trade(self) -> None: ...
    async def errand(
        self,
        op: Op,
        asked: Any,
        priority: Priority,
        *,
        not_after_ms: int = 0,
        waiting: Waiting | None = None,
        sending: Sending | None = None,
    ) -> Outcome[Any]: ...


class Surroundings(Protocol):
    """What an account needs from its venue's desk."""

    venue: Venue
    time: VenueTime

    @property
    def teller(self) -> Counter: ...
    @property
    def ctx(self) -> Ctx: ...
    def tell(self, event: events.Health) -> None: ...
    def blame(self, where: str, blunder: BaseException) -> None: ...
    def strange(self, what: str, sample: bytes) -> None: ...
    def renew_catalog(self) -> None: ...


class Bench:
    def __init__(self, around: Surroundings, account: str, journal: Journal) -> None:
        self.venue, self.time, self.teller, self.around = around.venue, around.time, around.teller, around
        self.chores = Chores(around.blame)
        self.account = Account(around.venue.name, account)
        self.switch, self.tally, self.drawdown, self.stance = KillSwitch(), Tally(), Drawdown(), Stance()
        self.scribe = Scribe(journal, self.time, self.chores, self.fold, self._published, self._trouble)
        self.orders: Bus[Order] = Bus(around.blame)
        self.fills: Bus[Fill] = Bus(around.blame)
        self.ids = Ids("0000")  # until the journal was read
        self.touched: set[str] = set()  # symbols of which something strange was told since the last reckoning
        self.frozen_ns: dict[str, int] = {}  # since when, in this process
        self.installation = ""  # as the journal names it
        self.last_ns = 0  # the time of the last line
        self.is_closed = False
        self.unsettled: Callable[[Track], None] = lambda track: None  # an order whose fills do not add up just now

    # ---- facts

    def fact(self, kind: type[F], **more: Any) -> F:
        return kind(venue=self.account.venue, account=self.account.account, at_ns=self.now_ns, **more)

    def fold(self, fact: AnyFact, seq: int) -> Turn | None:
        """One line of the journal into all that is made of it; what is of other accounts is theirs."""
        if isinstance(fact, facts.Opened):
            self.installation = fact.installation
        if (fact.venue, fact.account) != (self.account.venue, self.account.account):
            return None
        turn = self.account.take(fact, seq)
        self.last_ns = max(self.last_ns, fact.at_ns)
        for one in (self.switch, self.tally, self.drawdown):
            one.apply(fact)
        for fill in turn.fills if turn is not None else ():
            self.stance.traded(fill, fact.at_ns, turn.now.pos_side if turn is not None else "")
        return turn

    def _published(self, turn: Turn | None) -> None:
        if turn is None:
            return
        for fill in turn.fills:
            if fill.qty > 0:
                self.fills.publish(fill)
            else:
                self.odd(
                    turn.now.client_id, turn.now.symbol, "fill taken back", f"{-fill.qty} at {fill.price}: {fill.id}"
                )
        if turn.was != turn.now:
            self.orders.publish(turn.now)
            self._look_at(turn.now)
        if turn.surprise:
            self.touched.add(turn.now.symbol)
            self._surprise(turn)

    def _look_at(self, order: Order) -> None:
        track = self.account.tracks.get(order.client_id)
        if track is not None and track.missing:
            self.unsettled(track)

    def _surprise(self, turn: Turn) -> None:
        """Whatever cannot be right freezes its symbol; a count that went back is only told."""
        now, was = turn.now, turn.was
        if turn.surprise == "late":
            self.tell(
                events.OrderLate,
                symbol=now.symbol,
                client_id=now.client_id,
                was=str(was.life if was is not None else ""),
                now=str(now.life),
            )
        else:
            self.odd(now.client_id, now.symbol, turn.surprise, f"the order is {now.life}, filled {now.filled}")
        if turn.surprise != "backwards":
            self.freeze(now.symbol, f"{now.client_id}: {turn.surprise}")

    def freeze(self, symbol: str, why: str) -> None:
        """No new orders there, from this moment on; written down as soon as it can be."""
        if not self.account.frozen.get(symbol):
            self.account.frozen[symbol] = why
            self.frozen_ns[symbol] = self.now_ns
            self.scribe.hear(lambda: [self.fact(facts.Frozen, symbol=symbol, why=why)])
            self.tell(events.Disagreed, symbol=symbol, why=why)

    def ails(self, failed: JournalFailed) -> None:
        """What was about to be sent could not be written down: nothing new until a line has gone through."""
        self.scribe.ail(cut(str(failed)))
        if not self.scribe.waiting:
            self.scribe.hear(lambda: [self.opened()])

    def opened(self) -> facts.Opened:
        return self.fact(facts.Opened, installation=self.ids.installation, last_id=self.ids.last)

    def report_facts(self, track: Track, report: OrderReport, by: str) -> list[AnyFact]:
        if not self.is_sound(track, report):
            return []
        if not track.is_new(report):
            track.note(report)
            return []
        return [self.fact(facts.Reported, client_id=track.order.client_id, report=report, by=by)]

    def is_sound(self, track: Track, report: OrderReport) -> bool:
        """One with numbers that cannot be is shown and not believed: the venue is asked instead."""
        if not (sound := _can_be(report)):
            self._nonsense(track, "a report", report)
        return sound

    def fill_facts(self, track: Track, fill: Fill, by: str) -> list[AnyFact]:
        """None for one that is known; a fill that cannot be is shown and not counted: the venue is asked instead."""
        if not _can_be_of(track, fill):
            self._nonsense(track, "a fill", fill)
            return []
        if not track.is_news(fill):
            return []
        return [self.fact(facts.Traded, client_id=track.order.client_id, fill=fill, by=by)]

    def _nonsense(self, track: Track, what: str, said: object) -> None:
        self.around.strange(f"{what} with numbers that cannot be", repr(said).encode())
        self.unsettled(track)

    # ---- questions

    async def once(self, op: Op, asked: Any, priority: Priority) -> Outcome[Any]:
        """A question asked once; whatever kept it from being answered is a Fault with an unknown fate."""
        try:
            return await self.teller.errand(op, asked, priority)
        except (NotSent, Unknown) as failed:
            return Fault(Kind.SERVER, Fate.UNKNOWN, said=failed.said)
        except Error as failed:
            return Fault(Kind.INVALID, Fate.UNKNOWN, said=failed.said)

    async def all(self, op: Op, asked: Any, priority: Priority) -> tuple[Any, ...] | None:
        """A list read to its end; None if it was not: then what it lacks means nothing."""
        row, found, question = self.venue.endpoints.get(op), list[Any](), asked
        if row is None:
            return None
        for _ in range(PAGES_MOST):
            page = await self.once(op, question, priority)
            if isinstance(page, Fault):
                return None
            found.extend(page)
            question = row.after(question, page) if row.after is not None else None
            if question is None:
                return tuple(found)
        return None

    async def carried(self, work: Coroutine[Any, Any, T], name: str) -> T:
        """Runs to its end even if whoever waits for it gives up: what was begun must be written down."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        done.add_done_callback(_heard)

        async def run() -> None:
            try:
                done.set_result(await work)
            except asyncio.CancelledError:
                done.cancel()
                raise
            except BaseException as failed:  # noqa: BLE001 - whatever it is, it belongs to whoever waits
                done.set_exception(failed)

        self.chores.spawn(run(), name)
        return await asyncio.shield(done)

    # ---- time and words

    @property
    def now_ns(self) -> int:
        return self.time.now_ns()

    @property
    def now_ms(self) -> int:
        return self.time.now_ns() // MS

    @property
    def slack_ms(self) -> int:
        """How wrong our idea of the venue's clock may be."""
        return self.time.offset.uncertainty_ms

    def shown(self) -> Shown:
        return Shown(began_ns=self.now_ns, lag_ms=self.venue.settle.lag_ms)

    def tell(self, kind: type[events.AccountHealth], **more: Any) -> None:
        self.around.tell(kind(venue=self.account.venue, at_ns=self.now_ns, account=self.account.account, **more))

    def odd(self, client_id: str, symbol: str, label: str, said: str) -> None:
        self.tell(events.OrderOdd, symbol=symbol, client_id=client_id, label=label, said=said)

    def _trouble(self, why: str, after_ms: float) -> None:
        if why:
            self.tell(events.JournalDown, why=why, waiting=self.scribe.waiting)
        else:
            self.tell(events.JournalUp, after_ms=after_ms)

    def __repr__(self) -> str:
        return f"<Bench {self.account!r}, {self.scribe!r}>"


def _heard(done: asyncio.Future[Any]) -> None:
    """So that nobody complains of an error that nobody waited for any more."""
    if not done.cancelled():
        done.exception()


def _can_be(report: OrderReport) -> bool:
    """No count is below zero, no quantity and no price of an order is."""
    return all(one is None or one >= 0 for one in (report.filled, report.qty, report.price, report.trigger))


def _can_be_of(track: Track, fill: Fill) -> bool:
    """It is of something, and of no more than the order ever was for."""
    qtys = (track.intended.asked.qty, track.order.qty)
    return fill.qty > 0 and fill.price > 0 and (None in qtys or fill.qty <= max(one for one in qtys if one is not None))
