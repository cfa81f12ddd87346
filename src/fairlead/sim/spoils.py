"""How a mishap spoils an event, an answer or the bytes of a frame; it decides nothing and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fairlead.model.account import Balance, Position
from fairlead.model.instrument import Catalog, Instrument
from fairlead.model.market import Candle, Funding, Index, Mark, Quote, Ticker, Trade
from fairlead.model.orders import Fill, OrderReport, Receipt
from fairlead.sim.mishaps import MS_NS
from fairlead.sim.rules import Args
from fairlead.wire.door import Side
from fairlead.wire.mirror import Depth, Execution, Sight

_PHRASES = {403: "Forbidden", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
LEVELS = 1_000  # of a book, looked at for a price without one
HUGE_BYTES = 64 * 1024 * 1024  # larger than any client should take
_NUMBER: Mapping[type, str] = {
    Trade: "price", Quote: "bid", Ticker: "last", Candle: "close", Mark: "price", Index: "price", Funding: "rate",
    Fill: "qty", OrderReport: "filled", Position: "qty", Balance: "total", Receipt: "report",
}  # fmt: skip


def corrupted(event: Any, args: Args) -> Any:
    """The event with one price (of orders and accounts: one quantity) times the factor; of a tuple the last one's."""
    if isinstance(event, tuple):
        return (*event[:-1], corrupted(event[-1], args)) if event else event
    if isinstance(event, Depth):
        return _corrupted_depth(event, args)
    if isinstance(event, Execution):
        name = "report" if event.fill is None else "fill"
        return replace(event, **{name: corrupted(getattr(event, name), args)})
    name = _NUMBER.get(type(event), "")
    value = getattr(event, name) if name else None
    if value is None:
        return event
    if isinstance(value, Struct):
        return replace(event, **{name: corrupted(value, args)})
    factor = Decimal(str(args.factor)) if isinstance(value, Decimal) else args.factor
    return replace(event, **{name: value * factor})


def _corrupted_depth(event: Depth, args: Args) -> Depth:
    """The best bid that is told; an ask where no bid is."""
    name = "bids" if event.bids else "asks"
    side: Side = getattr(event, name)
    if not side:
        return event
    price, qty = side[0]
    return replace(event, **{name: ((int(price * args.factor), qty or 1), *side[1:])})


def crossed(event: Depth) -> Depth:
    """The change also bids what the second best ask wants."""
    _, asks = event.sight.top(2)
    return replace(event, bids=(asks[-1], *event.bids)) if asks else event


def haunted(event: Depth) -> Depth:
    """The change also deletes the first price behind the best bid that has no level."""
    bids, _ = event.sight.top(LEVELS)
    there = {price for price, _ in (*bids, *event.bids)}
    free = next((price for price in range(bids[0][0] - 1, 0, -1) if price not in there), 0) if bids else 0
    return replace(event, bids=(*event.bids, (free, 0))) if free else event


class Crooked(Struct, frozen=True):
    """A Sight that shows other quantities than there are: what is summed over it is wrong."""

    sight: Sight

    def top(self, levels: int) -> tuple[Side, Side]:
        bids, asks = self.sight.top(levels)
        return [(price, qty + 1) for price, qty in bids], asks


def misdated(event: Any, args: Args) -> Any:
    """What has no time of its own stays as it is."""
    if isinstance(event, Execution):
        return replace(event, report=misdated(event.report, args), fill=event.fill and misdated(event.fill, args))
    if not hasattr(event, "venue_ns"):
        return event
    return replace(event, venue_ns=event.venue_ns + args.ms * MS_NS)


def stranger(text: bytes, args: Args) -> bytes:
    """An object gets a field that no document names: the first, or the one that `count` says, from 0."""
    at = -1
    for _ in range(args.count + 1):
        at = text.find(b"{", at + 1)
        if at < 0:
            return text
    comma = b"" if text[at + 1 : at + 2] == b"}" else b","
    return text[: at + 1] + b'"' + (args.text or "novelty").encode() + b'":1' + comma + text[at + 1 :]


def page(status: int) -> bytes:
    """What a proxy in front of the venue says."""
    said = f"{status} {_PHRASES.get(status, 'Unknown')}"
    return f"<html><head><title>{said}</title></head><body><center><h1>{said}</h1></center></body></html>".encode()


BYTES: Mapping[str, Callable[[bytes, Args], bytes]] = {
    "garbage": lambda text, args: args.text.encode() or b'{"a":]' + text[:20].replace(b'"', b"'"),
    "truncate": lambda text, args: text[: len(text) // 2],
    "stranger": stranger,
}


def swapped(text: bytes, symbol: str, catalog: Catalog) -> bytes:
    """The frame, naming the next instrument of the catalogue in its stead."""
    if symbol not in catalog:
        return text
    everything = list(catalog)
    one = catalog.theirs(symbol)
    other = everything[(everything.index(one) + 1) % len(everything)]
    return _renamed(text, one, lambda use: _spellings(other).get(use, ""))


def estranged(text: bytes, catalog: Catalog, back: bool = False) -> bytes:
    """A frame in which every instrument has a name that is not listed, or such a frame with the true names again."""
    for one in catalog:
        for name in _spellings(one).values():
            here, there = (_strange(name), name) if back else (name, _strange(name))
            text = text.replace(here.encode(), there.encode()).replace(here.lower().encode(), there.lower().encode())
    return text


def _strange(name: str) -> str:
    """Of the same shape, but nobody's: BTC-USDT becomes QZB-TCUSD, so that the venue refuses it in its own words."""
    letters = [c for c in name if c.isalnum()]
    turned = iter("QZ" + "".join(letters[:-2]))
    return "".join(next(turned) if c.isalnum() else c for c in name)


def _spellings(one: Instrument) -> dict[str, str]:
    return {"": one.venue_symbol, **one.names}


def _renamed(text: bytes, one: Instrument, other: Callable[[str], str]) -> bytes:
    for use, name in _spellings(one).items():
        if there := other(use):
            text = text.replace(f'"{name}"'.encode(), f'"{there}"'.encode())
    return text
