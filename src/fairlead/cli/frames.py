"""A recording's frames, and which question a recorded reply answers; it interprets nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from fairlead.errors import Misuse
from fairlead.model.instrument import Catalog
from fairlead.wire import shapes
from fairlead.wire.asks import AskBook, AskCandles, AskSymbol, AskTrades, Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.http import Reply
from fairlead.wire.venue import Venue

SECOND_NS = 1_000_000_000
NS_MOST = 1 << 63
HEARD, REPLY, SENT = "recv", "rest", "send"
OP_OF = {
    "book": Op.BOOK, "trades": Op.TRADES, "ticker": Op.TICKER, "candles": Op.CANDLES, "funding": Op.FUNDING,
    "mark": Op.MARK, "index": Op.INDEX,
}  # fmt: skip


class Frame(Struct, frozen=True):
    """One line of a recording: {"t" | "t_ns", "dir", "raw", "url"?}."""

    dir: str
    raw: str
    t: Decimal = Decimal(0)  # seconds
    t_ns: int = 0
    url: str = ""

    @property
    def is_timed(self) -> bool:
        """Within what nanoseconds in 64 bits can tell; a decimal may also be NaN, or 1E+999999."""
        return self.t.is_finite() and 0 <= self.t < NS_MOST // SECOND_NS and 0 <= self.t_ns < NS_MOST

    @property
    def seen_ns(self) -> int:
        return self.t_ns or int(self.t * SECOND_NS)


def read_frames(lines: Iterable[bytes]) -> list[Frame]:
    decode, frames = msgspec.json.Decoder(Frame).decode, list[Frame]()
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            frame = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise Misuse(
                f"Line {number} is no recorded frame: {wrong}",
                next='a line is {"t" or "t_ns", "dir": "recv", "rest" or "send", "raw", "url"?} in JSON',
            ) from None
        if not frame.is_timed:
            raise Misuse(f"Line {number} has no time that can be.", next="write seconds as t, or nanoseconds as t_ns")
        if frame.dir not in (HEARD, REPLY, SENT):
            raise Misuse(f"Line {number} has the direction {frame.dir!r}.", next="write recv, rest or send")
        frames.append(frame)
    return frames


def answers(venue: Venue, topics: Iterable[Topic], catalog: Catalog, frame: Frame) -> Iterator[tuple[Topic, Any]]:
    """Which of these topics a recorded reply can be about, and what it says then. An address that is only words can be
    about any."""
    where = urlsplit(frame.url)
    for topic in topics:
        row = venue.endpoints.get(OP_OF[topic.kind]) if topic.kind in OP_OF else None
        if row is None:
            continue
        asked, ctx = _question(topic), Ctx(catalog)
        if where.netloc and where.path != row.path_for(asked):
            continue
        one, told = catalog.theirs(topic.symbol), parse_qs(where.query)
        spellings = {one.venue_symbol, *one.names.values()}
        named = [name for name, value in row.ask(asked, ctx).items() if value in spellings and name in told]
        if any(told[name][0] not in spellings for name in named):
            continue
        body = frame.raw.encode()
        if venue.fault(Reply(200, {}, body), row.op) is not None:
            continue
        try:
            yield topic, row.read(body, asked, ctx)
        except (msgspec.DecodeError, shapes.Nonsense):
            continue


def _question(topic: Topic) -> Any:
    match topic.kind:
        case "book":
            return AskBook(topic.symbol, int(topic.detail or 0))
        case "trades":
            return AskTrades(topic.symbol)
        case "candles":
            return AskCandles(topic.symbol, topic.detail)
    return AskSymbol(topic.symbol)
