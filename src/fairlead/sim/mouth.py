"""One venue's mouth: a request becomes a reply in the venue's words, from one world; it opens no socket and waits for
nobody. Mishaps of REST are done to a reply here; those that take time are left to whoever carries it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from fairlead.model import numbers
from fairlead.model.instrument import Catalog
from fairlead.sim.answers import Shop
from fairlead.sim.exchange import Exchange
from fairlead.sim.harm import Harm, Page, Said, Torn, by_socket, proxied
from fairlead.sim.keys import Keyring
from fairlead.sim.limiter import Limiter, Over, Who
from fairlead.sim.listing import Listing
from fairlead.sim.mishaps import MS_NS, Handle, Mishaps
from fairlead.sim.pit import Told, unheard
from fairlead.sim.rules import Args, Match, Moment
from fairlead.sim.spoils import BYTES
from fairlead.sim.stall import Stall
from fairlead.sim.teller import Teller, Wait
from fairlead.sim.truth import Truth
from fairlead.sim.twists import answered
from fairlead.sim.world import World
from fairlead.wire.asks import AskNothing, Op
from fairlead.wire.door import Door
from fairlead.wire.endpoint import Access, Ctx, Mode
from fairlead.wire.faults import Fate, Fault, Kind
from fairlead.wire.http import Reply, Request
from fairlead.wire.limits import Charge
from fairlead.wire.mirror import Heard, Mirror, Terms
from fairlead.wire.signing import Stamp
from fairlead.wire.venue import Venue

REFUSALS_KEPT = 10_000
LEAST_NOTIONAL = Decimal(5)  # of spot markets, in quote units
LIMITED_MS = 1_000  # the wait that a mishap asks for when its rule names none
HOUR_MS = 3_600_000
MAINTENANCE = Fault(Kind.MAINTENANCE, status=503)  # the mirror gives it the venue's code and words


class Refusal(Struct, frozen=True):
    """A request or connection that the limits (or a mishap in their name) turned away."""

    venue: str
    budget: str
    who: Who
    ns: int
    is_mishap: bool
    is_ban: bool


Step: TypeAlias = Wait | Reply | Torn  # what `hear` says in turn: waits, then a reply or a tear


class Mouth:
    def __init__(
        self, venue: Venue, mirror: Mirror, world: World, mishaps: Mishaps, now_ns: Callable[[], int],
        told: Told = unheard,
    ) -> None:  # fmt: skip
        self.venue, self.mirror, self.mishaps = venue, mirror, mishaps
        self._now_ns = now_ns
        markets = [market for (name, _), market in world.markets.items() if name == venue.name]
        instruments = [mirror.listing(_terms(one.listing, number)) for number, one in enumerate(markets)]
        self.ctx = Ctx(Catalog(instruments))
        pairs = zip(markets, instruments, strict=True)
        self.stalls = {market.listing.symbol: Stall(market, instrument) for market, instrument in pairs}
        has_margin = any(one.kind != "spot" for one in instruments)
        self.keyring = Keyring(lambda: now_ns() // MS_NS, Mode(margin="cross" if has_margin else "cash"))
        self.exchange = Exchange(venue.name, mirror, self.stalls, self.skewed, told)
        self.shop = Shop(self.ctx.catalog, self.stalls, self.keyring, self.exchange, lambda: self.skewed(now_ns()))
        self.teller = Teller(self.shop, mishaps, venue.name, now_ns)
        self.limiter = Limiter(venue.budgets, lambda budget: mirror.ban(budget, 1, 1) is not None)
        self.refusals: deque[Refusal] = deque(maxlen=REFUSALS_KEPT)
        self.is_in_maintenance = False
        self.warned_ms = 0  # how long before a connection's end of life it is announced; 0: it is not
        self._life_ms: int | None = None

    @property
    def truth(self) -> Truth:
        return self.exchange.truth

    def skewed(self, ns: int) -> int:
        """The venue's clock at a time of the world's, as far off as mishaps make it."""
        return ns + self.mishaps.skew_ms(self.venue.name) * MS_NS

    def venue_ms(self) -> int:
        return self.skewed(self._now_ns()) // MS_NS

    def stamp(self) -> Stamp:
        return Stamp(mono_ns=self._now_ns(), venue_ms=self.venue_ms())

    def set_skew(self) -> None:
        """Puts the venue's clock on all that it tells of."""
        skew_ns = self.mishaps.skew_ms(self.venue.name) * MS_NS
        for stall in self.stalls.values():
            stall.skew_ns = skew_ns

    def life_ms(self, door: Door) -> int:
        """How long a connection lives: as the venue says, unless set otherwise; 0: for ever."""
        return door.life_ms if self._life_ms is None else self._life_ms

    def set_life(self, life_ms: int, warned_ms: int = 0) -> None:
        self._life_ms, self.warned_ms = life_ms, warned_ms

    # REST.

    def hear(self, request: Request, ip: str) -> Iterator[Step]:
        """The steps of one request. Each is taken when the one before is done, so that limits, the clock and the world
        are read at the right time."""
        heard = self.mirror.hear(request, self.ctx)
        here, who = _here(request, heard), self.who(ip, heard.key_id if isinstance(heard, Heard) else "")
        if isinstance(heard, Heard):
            self.teller.witness(heard, "rest")
        yield from (self._worded(harm, heard) for harm in self._harm(Moment.ASK, heard, who, here))
        reply = yield from self._reply(request, heard, who, here)
        for handle in self._struck(Moment.REPLY, here):
            reply = replace(reply, body=BYTES[handle.rule.action](reply.body, handle.rule.args))
        yield from (self._worded(harm, heard) for harm in self._harm(Moment.ACTED, heard, who, here, reply))
        yield reply

    def call(self, heard: Heard, who: Who, here: Match) -> Iterator[Wait | Torn | Said]:
        """The same of a call by socket, which ends with what is to be said. Its hearing has checked who calls."""
        self.teller.witness(heard, "socket")
        here = replace(here, op=heard.op, symbol=getattr(heard.asked, "symbol", ""))
        yield from map(by_socket, self._harm(Moment.ASK, heard, who, here))
        free_of = next((door.free_of for door in self.venue.doors if door.name == here.door), frozenset[str]())
        outcome = self.admit([one for one in self.charges(heard) if one.budget not in free_of], who)
        if outcome is None and heard.key_id and not self.keyring.knows(heard.key_id):
            outcome = Fault(Kind.KEY)
        if outcome is None:
            outcome = yield from self.teller.said(heard, here, "socket")
        yield from map(by_socket, self._harm(Moment.ACTED, heard, who, here))
        yield Said(outcome)

    def who(self, ip: str, key_id: str, connection: str = "") -> Who:
        account = self.keyring.account(key_id).name if self.keyring.knows(key_id) else ""
        return Who(ip, key_id, connection, account)

    def _reply(self, request: Request, heard: Heard | Fault, who: Who, here: Match) -> Generator[Wait, None, Reply]:
        if self.is_in_maintenance:
            return self.mirror.refuse(MAINTENANCE)
        charges = self.charges(heard)
        over = self.admit(charges, who)
        if over is not None:
            return self.mirror.refuse(over)
        reply = yield from self._answer(request, heard, here)
        readings = self.limiter.readings(charges, who, self.venue_ms(), self._now_ns() // MS_NS)
        return replace(reply, headers={**reply.headers, **self.mirror.toll(readings)})

    def _answer(self, request: Request, heard: Heard | Fault, here: Match) -> Generator[Wait, None, Reply]:
        if isinstance(heard, Fault):
            return self.mirror.refuse(heard)
        row = self.venue.endpoints.get(heard.op)
        if row is not None and row.access is Access.SIGNED:
            fault = self.mirror.proof(request, self.keyring, self.stamp())
            if fault is not None:
                return self.mirror.refuse(fault)
        said = yield from self.teller.said(heard, here, "rest")
        return self.mirror.say(answered(heard, said), said, self.ctx, self.stamp())

    def charges(self, heard: Heard | Fault) -> tuple[Charge, ...]:
        """What it costs; what is not understood costs as much as asking the time."""
        op, asked = (heard.op, heard.asked) if isinstance(heard, Heard) else (Op.TIME, AskNothing())
        row = self.venue.endpoints.get(op)
        return row.cost(asked) if row else ()

    # Limits.

    def admit(self, charges: Sequence[Charge], who: Who) -> Fault | None:
        """Charges it, or says in the venue's words why not."""
        over = self.limiter.admit(charges, who, self.venue_ms(), self._now_ns() // MS_NS)
        return self._over(over, who, is_mishap=False) if over else None

    def _over(self, over: Over, who: Who, is_mishap: bool) -> Fault:
        ban = self.mirror.ban(over.budget, over.wait_ms, over.until_ms) if over.until_ms else None
        self.refusals.append(
            Refusal(self.venue.name, over.budget, who, self._now_ns(), is_mishap, is_ban=ban is not None)
        )
        return ban or self.mirror.limit(over.budget, over.wait_ms)

    # Connections.

    def room(self, host_key: str, path: str) -> tuple[Door, str] | None:
        """The door that answers at this path, and the name of its room there; the longest path wins."""
        bare = path.partition("?")[0]
        doors = {door.name: door for door in self.venue.doors if door.host == host_key}
        fitting = [
            (len(at), name)
            for name, at in self.mirror.paths.items()
            if name.partition("/")[0] in doors and (bare == at or bare.startswith(at.rstrip("/") + "/"))
        ]
        if not fitting:
            return None
        name = max(fitting)[1]
        return doors[name.partition("/")[0]], name

    # Mishaps.

    def _struck(self, moment: Moment, here: Match) -> Iterator[Handle]:
        return self.mishaps.struck(moment, self.venue.name, here)

    def _harm(
        self, moment: Moment, heard: Heard | Fault, who: Who, here: Match, reply: Reply | None = None
    ) -> Iterator[Harm]:
        """Mishaps of a whole request, before the venue acts or after."""
        for handle in self._struck(moment, here):
            args = handle.rule.args
            match handle.rule.action:
                case "hang":
                    yield Wait(args.ms or HOUR_MS)
                    yield Torn()
                case "delay":
                    yield Wait(args.ms)
                case "reset":
                    yield Torn(reply, args.count)
                case "unsure":
                    yield Fault(Kind.SERVER, Fate.UNKNOWN)
                case "status":
                    yield Page(args)
                case "limit" | "ban" as action:
                    yield self._limited(action == "ban", args, heard, who)

    def _worded(self, harm: Harm, heard: Heard | Fault) -> Step:
        match harm:
            case Fault(kind=Kind.SERVER) if isinstance(heard, Heard):
                return self.mirror.say(heard, harm, self.ctx, self.stamp())
            case Fault():
                return self.mirror.refuse(harm)
            case Page(args):
                return proxied(args)
            case _:
                return harm

    def _limited(self, is_ban: bool, args: Args, heard: Heard | Fault, who: Who) -> Fault:
        """As if what the request costs were used up, in the venue's own words. Who goes on in spite of it is refused
        by the limits themselves; who was not told how long to wait may."""
        charge = next(iter(self.charges(heard)), Charge(self.venue.budgets[0].name))
        wait_ms = args.ms or LIMITED_MS
        if args.bare:
            over = Over(charge.budget, wait_ms)
        else:
            over = self.limiter.shut(charge, who, wait_ms, self.venue_ms(), self._now_ns() // MS_NS, is_ban)
        fault = self._over(over, who, is_mishap=True)
        return replace(fault, wait_ms=0) if args.bare else fault

    def __repr__(self) -> str:
        return f"<Mouth of {self.venue.name}: {len(self.stalls)} markets, {len(self.refusals)} refusals>"


def _here(request: Request, heard: Heard | Fault) -> Match:
    op, symbol = (heard.op.value, getattr(heard.asked, "symbol", "")) if isinstance(heard, Heard) else ("", "")
    return Match(op=op, path=request.path, symbol=symbol, host=request.host)


def _terms(listing: Listing, number: int) -> Terms:
    """The market before the venue names it; derivatives have no least notional."""
    step = numbers.unfixed(1, listing.qty_decimals)
    return Terms(
        symbol=listing.symbol,
        price_tick=listing.tick or numbers.unfixed(1, listing.price_decimals),
        qty_step=listing.lot or step,
        min_qty=listing.lot or step,
        min_notional=LEAST_NOTIONAL if not listing.funding_hours else Decimal(0),
        contract_size=listing.contract_size,
        number=number,
    )
