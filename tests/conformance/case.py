"""A numbered case: a fault, how it is staged, what must hold, and what a venue needs for it to apply; it runs nothing.

The numbers are those of a larger catalogue of faults: gaps are meant."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from fairlead.wire.mirror import Mirror
from fairlead.wire.venue import Venue
from tests.conformance.pier import Trade
from tests.conformance.real import Visit
from tests.conformance.stage import Act


class Need(Struct, frozen=True):
    """What a venue must have for a case to apply; `lacks` says why it does not, where it has not."""

    lacks: str
    of: Callable[[Venue, Mirror], bool]


class Case(Struct, frozen=True):
    number: int
    fault: str
    staged: str
    holds: str
    act: Act | None = None  # in virtual time
    needs: tuple[Need, ...] = ()
    proven: tuple[str, ...] = ()  # tests as pytest names them, of code that is the same for every venue
    real: Visit | None = None  # over real sockets, in real time
    trades_hz: float = 1.0  # how busy the market is
    trade: Trade | None = None  # in virtual time, of orders

    def lacking(self, venue: Venue, mirror: Mirror) -> str:
        """Why this case cannot apply; empty if it can."""
        return next((need.lacks for need in self.needs if not need.of(venue, mirror)), "")
