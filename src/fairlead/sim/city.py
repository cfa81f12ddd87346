"""The exchange city: one world behind several venues' mouths, and the truth about what each of them said.

    city = City(["north", "south"], world, clock, rng)      # names the registry knows
    reply = await city.handle(venue, request, ip)           # a Reply, or Torn: the connection broke
    connection = city.connect(venue, host_key, slot, path, ip, wire)   # a Connection, a Reply that refuses, or None
    city.step()                                             # about ten times a second, by whoever carries the city
    city.mishaps.add(Rule(...))

    city.mouth(venue).stalls[symbol].book_at(seq)           # the truth, for whoever checks
    city.mouth(venue).truth                         what became of every order: see sim/truth
    city.mouth(venue).refusals  .limiter  .keyring  .set_life(ms)  .is_in_maintenance
    city.new_key(venue)  .revoke(venue, key_id)  .by_hand(venue, key_id, op, asked)

It opens no socket and starts no task: server/ carries it, over loopback or in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from fairlead.errors import UnknownName
from fairlead.sim.account import Account
from fairlead.sim.acts import ACTS, Act
from fairlead.sim.connection import GOING_AWAY, RESTART, Connection
from fairlead.sim.happenings import Changed, Funded, Happening, Level, Marked, Traded
from fairlead.sim.harm import Torn
from fairlead.sim.limiter import Who
from fairlead.sim.meddler import Wire
from fairlead.sim.mishaps import Mishaps
from fairlead.sim.mouth import MAINTENANCE, Mouth
from fairlead.sim.rules import Match, Moment
from fairlead.sim.stall import Stall
from fairlead.sim.teller import Wait
from fairlead.sim.world import World
from fairlead.venues import registry
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.face import Clock, Rng
from fairlead.wire.http import Reply, Request
from fairlead.wire.mirror import Minted, Mirror
from fairlead.wire.orders import AskOpenOrders

SECOND_NS = 1_000_000_000
STEP_MS = 100  # how often whoever carries the city calls `step`


class City:
    def __init__(
        self, names: Iterable[str], world: World, clock: Clock, rng: Rng, mirrors: Mapping[str, Mirror] | None = None
    ) -> None:
        """`mirrors` in place of the registered ones: where a vendor leaves something open, with the switch turned."""
        self.world, self._clock = world, clock
        self._begin_ns = world.ns - clock.mono_ns()  # a machine's wall clock may jump; the world's does not
        names = tuple(names)
        self.mishaps = Mishaps(self.now_ns, rng, names)
        mirrors = {name: registry.mirror(name) for name in names} | dict(mirrors or {})
        self._mouths = {
            name: Mouth(
                registry.venue(name), mirrors[name], world, self.mishaps, self.now_ns, partial(self._tell_account, name)
            )
            for name in names
        }
        self._rng = rng
        self.keys = {name: self.new_key(name) for name in names}
        self._connections: dict[int, Connection] = {}
        self._joined: dict[tuple[str, str, str], dict[tuple[int, Topic], Connection]] = {}
        self._tops: dict[Stall, tuple[Level, Level]] = {}  # as last told
        self._bars: dict[tuple[Stall, str], int] = {}  # where the bar last told begins
        self._born = 0
        self._beat = self.now_ns() // SECOND_NS

    def now_ns(self) -> int:
        return self._begin_ns + self._clock.mono_ns()

    def mouth(self, venue: str) -> Mouth:
        if venue not in self._mouths:
            raise UnknownName("venue", venue, self._mouths)
        return self._mouths[venue]

    @property
    def mouths(self) -> tuple[Mouth, ...]:
        return tuple(self._mouths.values())

    @property
    def connections(self) -> tuple[Connection, ...]:
        return tuple(self._connections.values())

    def new_key(self, venue: str, like: str = "") -> Minted:
        """A key to a new account; or one more to the account of a key there is."""
        mouth = self.mouth(venue)
        minted = mouth.mirror.mint(self._rng)
        mouth.keyring.add(minted, mouth.keyring.account(like) if like else None)
        return minted

    def revoke(self, venue: str, key_id: str, code: int = 0) -> None:
        """A key is good for nothing any more: what listens by it hears nothing, or, with a code, is closed with it."""
        self.mouth(venue).keyring.revoke(key_id)
        for connection in self.connections if code else ():
            if connection.mouth is self.mouth(venue) and any(topic.detail == key_id for topic in connection.topics):
                connection.close(code, "the key was revoked")

    def by_hand(self, venue: str, key_id: str, op: Op, asked: Any) -> Any:
        """Somebody else who may act on the account does so: on the venue's own page, say."""
        self._catch_up()
        mouth = self.mouth(venue)
        act = Act(mouth.exchange, mouth.keyring.account(key_id), asked, self.now_ns(), how="hand")
        return ACTS[op](act)

    # Doors.

    async def handle(self, venue: str, request: Request, ip: str) -> Reply | Torn:
        """One request; takes as long as mishaps make it."""
        self._catch_up()
        for step in self.mouth(venue).hear(request, ip):
            if not isinstance(step, Wait):
                return step
            await self._clock.sleep(step.ms / 1_000)
            self._catch_up()
        return Torn()

    def connect(self, venue: str, host_key: str, slot: int, path: str, ip: str, wire: Wire) -> Connection | Reply:
        """A connection at the room of this path, which its front then opens; or the reply that refuses the upgrade."""
        self._catch_up()
        mouth = self.mouth(venue)
        found = mouth.room(host_key, path)
        if found is None:
            return Reply(404, {"content-type": "text/plain"}, b"404 page not found")
        if mouth.is_in_maintenance:
            return mouth.mirror.refuse(MAINTENANCE)
        self._born += 1
        door, room = found
        over = mouth.admit(door.dial_cost, Who(ip, connection=str(self._born)))
        if over is not None:
            return mouth.mirror.refuse(over)
        return Connection(self._born, mouth, door, room, path, slot, ip, wire, self)

    def opened(self, connection: Connection) -> None:
        """Its front can carry frames now: from here on it lives."""
        self._connections[connection.id] = connection
        connection.opened()
        here = Match(door=connection.door.name, host=connection.door.host, slot=connection.slot)
        for handle in self.mishaps.struck(Moment.OPEN, connection.mouth.venue.name, here):
            connection.close(handle.rule.args.code or GOING_AWAY, "not now")

    def maintain(self, venue: str, is_on: bool) -> None:
        """Shuts a venue for maintenance, or opens it again: it says so to requests and closes its connections."""
        mouth = self.mouth(venue)
        mouth.is_in_maintenance = is_on
        for connection in self.connections if is_on else ():
            if connection.mouth is mouth:
                connection.close(RESTART, "maintenance")

    # Time.

    def step(self) -> None:
        """Lets the world and every connection live up to now."""
        self._catch_up()
        for connection in self.connections:
            if self.mishaps.is_dead(connection.mouth.venue.name, connection.door.host, connection.slot):
                connection.reset()
            elif connection.is_open:
                connection.tick()
        self.mishaps.end_of_step()

    def _catch_up(self) -> None:
        for mouth in self.mouths:
            mouth.set_skew()
        now_ns = self.now_ns()
        for happening in self.world.advance(now_ns):
            self._happen(happening)
        for mouth in self.mouths:
            mouth.exchange.advance(now_ns)
        beat = self.now_ns() // SECOND_NS
        if beat > self._beat:
            self._beat = beat
            for (venue, kind, symbol), listeners in tuple(self._joined.items()):
                if listeners and kind in ON_THE_BEAT:
                    self._tell_on_the_beat(self._mouths[venue].stalls[symbol], kind)

    # What is told.

    def _happen(self, happening: Happening) -> None:
        mouth = self._mouths.get(happening.venue)
        if mouth is None:
            return
        stall = mouth.stalls[happening.symbol]
        mouth.exchange.advance(happening.ns)
        match happening:
            case Changed():
                self._tell(stall, "book", stall.change(happening))
                self._tell_quote(stall)
                mouth.exchange.pit.changed(stall.symbol, mouth.skewed(happening.ns))
            case Traded():
                self._tell(stall, "trades", stall.trade(happening))
                price, qty = stall.fixed(happening.price, happening.qty)
                mouth.exchange.pit.traded(stall.symbol, happening.side, price, qty, mouth.skewed(happening.ns))
            case Marked():
                self._tell(stall, "mark", stall.mark())
                self._tell(stall, "index", stall.index())
            case Funded():
                self._tell(stall, "funding", stall.funding())
                accounts = mouth.keyring.accounts()
                mouth.exchange.pit.funded(accounts, stall.symbol, happening.rate, mouth.skewed(happening.ns))

    def _tell_quote(self, stall: Stall) -> None:
        if not self._joined.get((stall.venue, "quote", stall.symbol)):
            return
        top = (stall.market.bid, stall.market.ask)
        if self._tops.get(stall) != top:
            self._tops[stall] = top
            self._tell(stall, "quote", stall.quote())

    def _tell_on_the_beat(self, stall: Stall, kind: str) -> None:
        if kind == "ticker":
            self._tell(stall, kind, stall.ticker())
        elif kind == "funding":
            self._tell(stall, kind, stall.funding())
        else:
            listeners = self._joined[stall.venue, kind, stall.symbol]
            for interval in dict.fromkeys(topic.detail for _, topic in listeners):
                self._tell_bars(stall, interval)

    def _tell_bars(self, stall: Stall, interval: str) -> None:
        """The running bar; before it the one that closed since it was last told."""
        last_ns = self._bars.get((stall, interval), 0)
        for bar in stall.candles(interval, 0, 0, 2):
            if bar.open_ns == last_ns or not bar.closed:
                self._tell(stall, "candles", bar, interval)
                self._bars[stall, interval] = bar.open_ns

    def _tell(self, stall: Stall, kind: str, event: Any, detail: str | None = None) -> None:
        listeners = self._joined.get((stall.venue, kind, stall.symbol))
        for (_, topic), connection in tuple(listeners.items()) if listeners else ():
            if detail is None or topic.detail == detail:
                connection.tell(topic, event)

    def _tell_account(self, venue: str, account: Account, kind: str, event: Any) -> None:
        """To whoever listens with a good key of the account."""
        keyring = self._mouths[venue].keyring
        for (_, topic), connection in tuple(self._joined.get((venue, kind, ""), {}).items()):
            if keyring.knows(topic.detail) and keyring.account(topic.detail) is account:
                connection.tell(topic, event)

    # What connections ask.

    def joined(self, connection: Connection, topic: Topic) -> None:
        key = (connection.mouth.venue.name, topic.kind, topic.symbol)
        self._joined.setdefault(key, {})[connection.id, topic] = connection

    def left(self, connection: Connection, topic: Topic) -> None:
        key = (connection.mouth.venue.name, topic.kind, topic.symbol)
        self._joined[key].pop((connection.id, topic), None)

    def gone(self, connection: Connection) -> None:
        for topic in connection.topics:
            self.left(connection, topic)
        self._connections.pop(connection.id, None)

    def present(self, connection: Connection, topic: Topic) -> None:
        mouth = connection.mouth
        stall = mouth.stalls.get(topic.symbol)
        if stall is not None and topic.kind in STANDING:
            connection.tell(topic, STANDING[topic.kind](stall, topic))
        elif topic.kind in HOLDING and mouth.keyring.knows(topic.detail):
            connection.tell(topic, HOLDING[topic.kind](mouth, mouth.keyring.account(topic.detail)))

    def __repr__(self) -> str:
        return f"<City of {', '.join(self._mouths)}: {len(self._connections)} connections, {self.world!r}>"


def _running_bar(stall: Stall, topic: Topic) -> Any:
    return stall.candles(topic.detail, 0, 0, 1)[0]


STANDING: Mapping[str, Callable[[Stall, Topic], Any]] = {
    "book": lambda stall, _: stall.whole(),
    "quote": lambda stall, _: stall.quote(),
    "ticker": lambda stall, _: stall.ticker(),
    "candles": _running_bar,
    "funding": lambda stall, _: stall.funding(),
    "mark": lambda stall, _: stall.mark(),
    "index": lambda stall, _: stall.index(),
}
HOLDING: Mapping[str, Callable[[Mouth, Account], Any]] = {  # of an account, when its topic is joined
    "orders": lambda mouth, account: mouth.exchange.records.open(
        account, AskOpenOrders(), mouth.shop.venue_ns(), False
    ),
    "balances": lambda _, account: account.purse.balances(),
    "positions": lambda mouth, account: mouth.exchange.pit.positions(account, "", mouth.shop.venue_ns()),
}
ON_THE_BEAT = ("ticker", "candles", "funding")
