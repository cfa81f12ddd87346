"""The instruments that `wire` works with: read from the venue's own list, or made up from the symbols named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from fairlead.errors import Misuse, Nonsense, cut
from fairlead.model.instrument import Catalog, Instrument
from fairlead.venues import registry
from fairlead.wire import shapes
from fairlead.wire.asks import AskListing, Op
from fairlead.wire.endpoint import Ctx
from fairlead.wire.http import Reply
from fairlead.wire.mirror import Terms
from fairlead.wire.venue import Venue

DECIMALS = (8, 8)  # of price and quantity, until something was seen
Decimals = tuple[int, int]


def listed(venue: Venue, files: Sequence[Path]) -> Catalog:
    """All that the venue's list replies name."""
    row, found = venue.endpoints[Op.INSTRUMENTS], dict[str, Instrument]()
    for path in files:
        body = path.read_bytes()
        fault = venue.fault(Reply(200, {}, body), Op.INSTRUMENTS)
        if fault is not None:
            raise Misuse(f"{path} is no list of instruments but a refusal: {cut(fault.said)}")
        for market in venue.markets:
            try:
                some = row.read(body, AskListing(market), Ctx(Catalog((), venue.assets)))
            except (msgspec.DecodeError, shapes.Nonsense) as wrong:
                raise Nonsense(
                    f"{path} is not what {venue.name} answers to {Op.INSTRUMENTS}.", venue=venue.name, known=str(wrong)
                ) from None
            found.update({one.symbol: one for one in some})
    return Catalog(found.values(), venue.assets)


def made(venue: Venue, symbols: Iterable[str], decimals: Mapping[str, Decimals] | None = None) -> Catalog:
    """Instruments as the venue would list them, as far as a symbol tells; their steps are guesses."""
    listing, known = registry.mirror(venue.name).listing, decimals or {}
    instruments = []
    for symbol in dict.fromkeys(symbols):
        price_tick, qty_step = (Decimal(1).scaleb(-places) for places in known.get(symbol, DECIMALS))
        try:
            instruments.append(listing(Terms(symbol, price_tick, qty_step, min_qty=qty_step)))
        except Misuse as wrong:
            raise Misuse(f"The names of {symbol} cannot be guessed: {wrong.said}", next="give --instruments") from None
    return Catalog(instruments, venue.assets)
