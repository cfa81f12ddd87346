"""The demo's orders, as a table: whole lives, an answer that is lost, a process that is killed; and who counts them.

What is said of an order on the way is Fairlead's word; what there is in the end is the simulated venue's ledger's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from msgspec import Struct

import fairlead
from fairlead.cli.demo.bot import Errand
from fairlead.cli.demo.outcomes import Count, Mark, Story
from fairlead.cli.demo.stage import BOTS, MS, SYMBOL, Stage, key_file
from fairlead.cli.demo.victim import Said, killed, restarted
from fairlead.engine.market import Market
from fairlead.model.order import Life, Order
from fairlead.sim.rules import Args, Match, Rule
from fairlead.venues import registry
from fairlead.wire.face import Clock

QTY, LESS = "0.01", "0.004"
BELOW, ABOVE = Decimal("0.95"), Decimal("1.01")  # of the market: where an order rests, and where it is filled at once
ANSWER_LATE_MS = 600  # before that only the private stream can have told of the order
ON_PLACE = Match(op="place")
LOOK_S = 0.01
AFTER_RESTART = {Life.NOT_ACCEPTED: "proven: ", Life.SENDING: "sent again, as was wished: "}


class Way:
    """Notes what is seen of an order, and when; `known` is its names, as the bot has them in the end."""

    def __init__(self, clock: Clock, marked: Callable[[Mark], None]) -> None:
        self.marks: list[Mark] = []
        self.known = ("", "")  # ours, the venue's
        self._clock, self._marked = clock, marked
        self._begin_ns = clock.mono_ns()

    @property
    def ms(self) -> float:
        return (self._clock.mono_ns() - self._begin_ns) / MS

    def note(self, what: str) -> None:
        self.marks.append(Mark(what, self.ms))
        self._marked(self.marks[-1])


Play = Callable[[Stage, str, Way], Awaitable[None]]


class Deed(Struct, frozen=True):
    """One order that is wanted, on each of its venues."""

    name: str
    what: str
    seats: tuple[int, ...]  # its venues, counted round
    play: Play
    patience_s: float = 6.0


async def played(stage: Stage, deed: Deed, venue: str, marked: Callable[[Mark], None]) -> Story:
    """Whatever becomes of it, the venue's ledger has the last word."""
    truth = stage.served.city.mouth(venue).truth
    before, way = len(truth.orders), Way(stage.clock, marked)
    is_done = False
    try:
        async with asyncio.timeout(deed.patience_s):
            await deed.play(stage, venue, way)
            is_done = True
    except TimeoutError:
        way.note("NOT FINISHED")
    except fairlead.Error as failed:
        way.note(f"FAILED: {failed}")
    there = [(row.client_id, row.order_id) for row in list(truth.orders)[before:]]
    count = counted(there, way.known)
    return Story(deed.name, deed.what, venue, is_done and count.is_right, count, tuple(way.marks))


def counted(there: Sequence[tuple[str, str]], known: tuple[str, str]) -> Count:
    """Of one order that was wanted. `there`: what the venue accepted; `known`: what the bot says there is."""
    return Count(intended=1, at_the_venue=len(there), lost=int(known not in there), doubled=max(0, len(there) - 1))


async def _life(stage: Stage, venue: str, way: Way) -> None:
    market = stage.session[venue]
    rule = Rule("delay", "rest", venue, ON_PLACE, phase="after", nth=1, args=Args(ms=ANSWER_LATE_MS))

    def hear(order: Order) -> None:
        if order.life is Life.OPEN and not way.marks and way.ms < ANSWER_LATE_MS:
            way.note("private stream: OPEN")

    handle, heard = stage.served.city.mishaps.add(rule), market.orders(hear)
    try:
        order = await market.buy(SYMBOL, qty=QTY, price=_price(stage, venue, BELOW))
        way.note("late answer")
        if "amend price" in registry.venue(venue).can:
            await market.amend(order, price=_price(stage, venue, ABOVE))
            way.note("amended")
            end = Life.FILLED
        else:
            await market.amend(order, qty=LESS)
            way.note("amended")
            await market.cancel(order)
            end = Life.CANCELLED
        order = await _when(stage, market, order, lambda now: now.life is end)
        way.note(end)
        way.known = (order.client_id, order.order_id)
    finally:
        handle.end()
        heard.close()


async def _lost_answer(stage: Stage, venue: str, way: Way) -> None:
    market, price = stage.session[venue], _price(stage, venue, BELOW)

    async def wanted() -> Order:
        return await market.buy(SYMBOL, qty=QTY, price=price, name="wanted once")

    handle = stage.served.city.mishaps.add(Rule("reset", "rest", venue, ON_PLACE, phase="after", nth=1))
    try:
        order = await wanted()
    finally:
        handle.end()
    way.note(f"no answer: {order.life}")
    order = await _when(stage, market, order, lambda now: not now.life.is_in_doubt)
    way.note(f"found: {order.life}")
    again = await wanted()
    way.note(f"asked for again: {'the same' if again.client_id == order.client_id else 'ANOTHER'}")
    way.known = (again.client_id, again.order_id)


async def _killed_before(stage: Stage, venue: str, way: Way) -> None:
    await _killed(stage, venue, way, "submit.after_sending")


async def _killed_after(stage: Stage, venue: str, way: Way) -> None:
    await _killed(stage, venue, way, "submit.after_reply")


async def _killed(stage: Stage, venue: str, way: Way, at: str) -> None:
    """A process of its own: its account, its journal, its death."""
    truth = stage.served.city.mouth(venue).truth
    before, what = len(truth.orders), errand(stage, venue)
    await killed(what, at)
    way.note(f"killed, and the venue has {'it' if len(truth.orders) > before else 'nothing'}")

    def hear(said: Said) -> None:
        way.note(f"{AFTER_RESTART.get(said.life, '') if any(way.known) else 'restarted: '}{said.life}")
        way.known = (said.client_id, said.order_id)

    await restarted(what, hear)


def errand(stage: Stage, venue: str) -> Errand:
    """The one order that the other process is to place."""
    return Errand(
        venue=venue,
        hosts=stage.served.addresses,
        keys=str(key_file(stage.folder)),
        key=BOTS,
        state=str(stage.folder / f"{BOTS}-{venue}"),
        symbol=SYMBOL,
        qty=QTY,
        price=_price(stage, venue, BELOW),
    )


async def _when(stage: Stage, market: Market, order: Order, come: Callable[[Order], bool]) -> Order:
    while not come(order := market.order(order.client_id)):
        await stage.clock.sleep(LOOK_S)
    return order


def _price(stage: Stage, venue: str, part: Decimal) -> str:
    """In whole units, which every venue's tick divides."""
    bid = stage.view.rows[venue].bid_exact
    assert bid is not None, "the book is live"
    return str((bid * part).quantize(Decimal(1)))


DEEDS = (
    Deed("life", "placed, followed, amended, ended", (0, 1, 2), _life),
    Deed("answer", "its answer is lost on the way", (1,), _lost_answer),
    Deed("killed-after", "kill -9 as its answer comes", (0,), _killed_after, 25.0),
    Deed("killed-before", "kill -9 as it is about to leave", (2,), _killed_before, 30.0),
)
