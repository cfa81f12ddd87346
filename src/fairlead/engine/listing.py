"""What a venue lists and how our account there is set up: asked at the start and while we run; it sends no order."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from fairlead.engine.sender import Sender
from fairlead.engine.timing import MS, VenueTime
from fairlead.errors import Error
from fairlead.model import events
from fairlead.model.instrument import Catalog, Instrument
from fairlead.wire.asks import AskListing, AskNothing, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.venue import Venue

EVERY_MS = 3_600_000  # steps and states of instruments change while we run
AGAIN_MS = 60_000  # after it could not be had
RETIRES_SOON_MS = 90 * 86_400_000  # what the venue retires within this is told at the start


class Listing:
    """`ctx` of the sender is what it found last. `heard`: the symbols that are listened to."""

    def __init__(
        self, venue: Venue, sender: Sender, time: VenueTime, heard: Callable[[], Collection[str]], *, has_key: bool
    ) -> None:
        self._venue, self._sender, self._time, self._heard, self._has_key = venue, sender, time, heard, has_key
        self._due_ns = 0

    async def open(self) -> None:
        """The account's mode first, where there is a key and the venue knows modes: every ask is told of it."""
        if self._has_key and Op.MODE in self._venue.endpoints:
            mode = await self._sender.ask(Op.MODE, AskNothing())
            self._sender.ctx = Ctx(self._sender.ctx.catalog, mode)
        await self._read()

    def is_due(self) -> bool:
        """True once: whoever hears it renews."""
        now_ns = self._time.clock.mono_ns()
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + AGAIN_MS * MS
        return True

    def doubt(self) -> None:
        """What we hold may be out of date: asked for at the next look, and not again for a while."""
        if self._due_ns > self._time.clock.mono_ns() + AGAIN_MS * MS:
            self._due_ns = 0

    async def renew(self) -> str:
        """Why it could not be, if so."""
        try:
            await self._read()
        except Error as error:
            return f"the instruments could not be renewed: {error.said}"
        return ""

    def retirements(self) -> list[events.Retiring]:
        """What the venue will take away soon, of that which we (or a user's older code) rely on."""
        found = []
        for one in self._venue.dated:
            at_ns = int(datetime.fromisoformat(one.on).replace(tzinfo=UTC).timestamp()) * 1_000 * MS
            in_ms = (at_ns - self._time.now_ns()) // MS
            if 0 < in_ms < RETIRES_SOON_MS:
                why = f"on {one.on}; instead: {one.instead}"
                name, now_ns = self._venue.name, self._time.now_ns()
                found.append(events.Retiring(venue=name, at_ns=now_ns, what=one.what, in_ms=in_ms, why=why))
        return found

    async def _read(self) -> None:
        found: list[Instrument] = []
        for market in self._venue.markets:
            found.extend(await self._sender.ask(Op.INSTRUMENTS, AskListing(market)))
        ctx = self._sender.ctx
        gone = set(self._heard()) - {one.symbol for one in found}
        found.extend(one for one in ctx.catalog if one.symbol in gone)  # the venue itself ends their streams
        if found != list(ctx.catalog):  # the same one serves on: connections opened under it know all there is
            self._sender.ctx = Ctx(Catalog(found, self._venue.assets), ctx.mode)
        self._due_ns = self._time.clock.mono_ns() + EVERY_MS * MS

    def __repr__(self) -> str:
        return f"<Listing {self._venue.name}: {len(self._sender.ctx.catalog)} instruments, {self._sender.ctx.mode}>"
