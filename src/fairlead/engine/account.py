"""The orders of one venue and key: placed, changed, followed, and held against the venue; one writer, one journal.

It opens by reading its journal: what was wanted and never sent is given up, what was sent and not answered is found
out. New orders are taken once the venue has been held against the books."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from fairlead.core import account as accounts
from fairlead.core import facts, ids
from fairlead.core.facts import AnyFact
from fairlead.core.halt import cancels
from fairlead.core.limits import Limits
from fairlead.core.risk import Risk
from fairlead.core.track import Track
from fairlead.core.worth import Touch
from fairlead.engine.batching import Batching, Done
from fairlead.engine.bench import Bench, Surroundings
from fairlead.engine.changing import Changing
from fairlead.engine.ears import AccountEars
from fairlead.engine.funds import Funds
from fairlead.engine.placing import Placing, Wanted
from fairlead.engine.prober import Prober
from fairlead.engine.reckoner import Reckoner
from fairlead.engine.timing import MS
from fairlead.errors import Closed, Error, Held, JournalFailed, UnknownName
from fairlead.io import failpoint
from fairlead.model import events
from fairlead.model.order import Order
from fairlead.wire.face import Journal, Rng
from fairlead.wire.orders import AskAmend, AskPlace

HEARING_WAIT_S = 2.0  # the first reading waits so long for the private stream
OPEN_WAIT_S = 10.0  # `open` returns after that; what is not known yet goes on being found out
RECALL_LINES = 500  # folded at a time
DRAIN_WAIT_S = 10.0  # `close` lets what is under way come to its end for so long


class AccountDesk:
    """`orders` and `fills` of the bench are published as they happen, after they are on disk."""

    def __init__(
        self,
        around: Surroundings,
        account: str,
        journal: Journal,
        rng: Rng,
        *,
        limits: Limits | None = None,
        touch_for: Callable[[str], Touch | None] = lambda symbol: None,
    ) -> None:
        self.bench = Bench(around, account, journal)
        self._journal, self._rng = journal, rng
        self._is_open = self._is_closing = False
        self._unresolved: set[str] = set()  # in doubt since before the start: no new orders where they are
        risk = Risk(limits or Limits())
        self._placing = Placing(self.bench, risk, touch_for, self.gate)
        self._batching = Batching(self.bench, self._placing)
        self.prober = Prober(self.bench, self._placing.again, self._cancel_again)
        self._placing.doubted = self.prober.resolve
        self._changing = Changing(self.bench, self.prober, risk, self.gate, self._placing.sight)
        self.funds = Funds(self.bench)
        self.reckoner = Reckoner(self.bench, self.prober, self.funds)
        self.reckoner.looks_back = journal.older
        self._ears = AccountEars(self.bench, self.reckoner, self.funds)
        self.bench.unsettled = self._ears.unsettled

    # ---- life

    async def open(self) -> None:
        """On an open venue's desk, once. JournalFailed: nothing is traded."""
        bench, began_ns = self.bench, self.bench.time.clock.mono_ns()
        given_up = await self._recall()
        bench.teller.listen(self._ears)
        bench.teller.trade()
        doubtful = list(bench.account.doubtful())
        for track in doubtful:
            self.prober.resolve(track, "the process ended before it was answered")
        for track in bench.account.running():
            if track.order.cancelling or track.order.amending:
                self.prober.follow(track, "the process ended before it was done")
        opening = bench.chores.spawn(self._begin(began_ns, len(doubtful), given_up), "opening")
        await asyncio.wait([opening], timeout=OPEN_WAIT_S)

    async def _recall(self) -> int:
        """The journal, folded; how many orders had never been sent."""
        bench = self.bench
        for count, _ in enumerate(bench.scribe.read_on(), 1):
            if count % RECALL_LINES == 0:  # a year of lines takes seconds: what else lives on this loop goes on
                await asyncio.sleep(0)
        bench.ids = ids.Ids(bench.installation or ids.new_installation(self._rng), bench.account.last_id)
        told: list[AnyFact] = [bench.opened()]
        given_up = list(accounts.abandoned(bench.account))
        for track in given_up:
            why = "the process ended before it was sent"
            told.append(bench.fact(facts.Unsent, client_id=track.order.client_id, why=why))
        for track in bench.account.doubtful():
            self._unresolved.add(track.order.client_id)
            why = "the process ended before it was answered"
            told.append(bench.fact(facts.Unsure, client_id=track.order.client_id, why=why))
        await bench.scribe.write(*told)
        return len(given_up)

    async def _begin(self, began_ns: int, doubtful: int, abandoned: int) -> None:
        with contextlib.suppress(TimeoutError):  # read once it is heard: else all would have to be read again then
            async with asyncio.timeout(HEARING_WAIT_S):
                await self._ears.joined.wait()
        while not await self.reckoner.tried("the start"):
            await self.bench.time.clock.sleep(1.0)
        self._is_open = True
        self.bench.tell(
            events.TradingOpened,
            orders=len(self.bench.account.tracks),
            doubtful=doubtful,
            abandoned=abandoned,
            took_ms=(self.bench.time.clock.mono_ns() - began_ns) / MS,
        )
        self.bench.chores.spawn(self.reckoner.run(), "reckoning")

    async def close(self) -> None:
        """What is under way may come to its end; what is heard by then is written down. Before the venue's desk is."""
        self._is_closing = True
        failpoint.reached("shutdown.drain")
        try:
            async with asyncio.timeout(DRAIN_WAIT_S):
                await self._placing.idle()
                await self.bench.scribe.drained()
        except TimeoutError:
            pass  # the journal knows how far everything came
        self.bench.is_closed = True
        await self.bench.chores.close()
        for bus in (self.bench.orders, self.bench.fills, self.funds.balance_bus, self.funds.position_bus):
            bus.close()

    # ---- business

    async def place(self, asked: AskPlace, wanted: Wanted | None = None) -> Order:
        self.funds.begin(asked.symbol)
        return await self._placing.place(asked, wanted or Wanted())

    async def place_many(self, asked: Sequence[AskPlace], wanted: Wanted | None = None) -> tuple[Done, ...]:
        """Each order, or the error that `place` would have raised; in one request where the venue takes that."""
        for symbol in {one.symbol for one in asked}:
            self.funds.begin(symbol)
        return await self._batching.place(asked, wanted or Wanted())

    async def cancel(self, client_id: str) -> Order:
        """The order as the venue's answer left it: its end is told when the venue shows it."""
        withdrawn = self._placing.withdraw(client_id)
        return withdrawn or await self._changing.cancel(self.track(client_id))

    async def cancel_all(self, symbol: str = "") -> tuple[Order, ...]:
        """Ours only, whatever else is open there; each by itself. What failed is told, and stays open."""
        names = [asked.client_id for asked in cancels(self.running(symbol))]
        done = await asyncio.gather(*(self.cancel(name) for name in names), return_exceptions=True)
        for name, result in zip(names, done, strict=True):
            if isinstance(result, Error):
                self.bench.odd(name, self.track(name).order.symbol, "not cancelled", result.said)
            elif isinstance(result, BaseException):
                raise result
        await self._changing.cancel_twins(symbol)
        return tuple(self.track(name).order for name in names)

    async def amend(self, asked: AskAmend) -> Order:
        return await self._changing.amend(self.track(asked.client_id), asked)

    async def throw(self, why: str) -> tuple[Order, ...]:
        """The kill switch: nothing new from now on, over restarts too, and what is ours is cancelled."""
        thrown = self.bench.fact(facts.Halted, on=True, why=why)
        self.bench.switch.apply(thrown)  # from this moment on, whatever the disk says
        try:
            await self.bench.scribe.write(thrown)
        except JournalFailed as failed:
            self.bench.scribe.hear(lambda: [thrown])
            self.bench.ails(failed)
        self.bench.tell(events.SwitchThrown, on=True, why=why)
        return await self.cancel_all()

    async def release(self, why: str) -> None:
        await self.bench.scribe.write(self.bench.fact(facts.Halted, on=False, why=why))
        self.bench.tell(events.SwitchThrown, on=False, why=why)

    async def worth(self, equity: Decimal, *, by_hand: bool = False) -> None:
        """What the account is worth now: the drawdown stop measures from its highest."""
        if self.bench.drawdown.read(equity) or by_hand:
            peak = equity if by_hand else self.bench.drawdown.peak or equity
            await self.bench.scribe.write(self.bench.fact(facts.Peaked, equity=peak, by_hand=by_hand))

    def gate(self, symbol: str) -> None:
        """Raises why no order may go there now."""
        bench = self.bench
        if self._is_closing:
            raise Closed("The account was closed; nothing was sent.")
        bench.switch.check()
        if bench.scribe.ails:
            raise JournalFailed(
                "Nothing can be written down now, so nothing may be sent.", known=bench.scribe.ails, next="see the disk"
            )
        if not self._is_open:
            raise Held(
                "The account is not open for business yet.",
                known="the venue is being held against the journal; nothing was sent",
                next="wait for TradingOpened",
            )
        why = bench.account.why_frozen(symbol)
        if why:
            raise Held(
                f"No new orders of {symbol} now: the venue and we do not agree.",
                known=f"{why}; nothing was sent",
                next="it is being found out; a reading that agrees opens it again",
            )
        for name in list(self._unresolved):
            order = self.track(name).order
            if not order.life.is_in_doubt:
                self._unresolved.discard(name)
            elif order.symbol == symbol:
                raise Held(f"No new orders of {symbol} before {name} is found out.", known="nothing was sent")

    # ---- what there is

    def track(self, client_id: str) -> Track:
        track = self.bench.account.tracks.get(client_id)
        if track is None:
            raise UnknownName("order", client_id, [one.client_id for one in self.running()])
        return track

    def running(self, symbol: str = "") -> tuple[Order, ...]:
        orders = (track.order for track in self.bench.account.running())
        return tuple(order for order in orders if symbol in ("", order.symbol))

    def since(self, seq: int) -> Iterator[tuple[int, AnyFact]]:
        """What was written of this account after that line: for whoever was away."""
        account = self.bench.account
        for line in self._journal.lines(seq):
            fact = facts.read(line.body)
            if (fact.venue, fact.account) == (account.venue, account.account):
                yield line.seq, fact

    # ---- inside

    async def _cancel_again(self, track: Track) -> None:
        await self._changing.again(track)

    def __repr__(self) -> str:
        state = "closing" if self._is_closing else "open" if self._is_open else "not open yet"
        return f"<AccountDesk {state}: {self.bench!r}, {self.prober!r}>"
