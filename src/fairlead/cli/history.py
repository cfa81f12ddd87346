"""`fairlead candles` and `fairlead trades`: the past of a market into a file, with holes mended and marked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from fairlead.cli.files import Row, checked_out, write
from fairlead.cli.opening import AsJson, Where, checked_venue, opened
from fairlead.errors import Misuse
from fairlead.io.clock import RealClock
from fairlead.model import intervals
from fairlead.model.market import MS, Candle, Trade

_DAY_MS = 86_400_000
CANDLE_HEADS = ("time", "open", "high", "low", "close", "volume", "quote_volume", "trades", "closed", "filled")
TRADE_HEADS = ("time", "id", "price", "qty", "side", "count")

From = Annotated[str, Parameter(name="--from", help="2024-01-31, 2024-01-31T12:00, milliseconds, or 7d for days ago")]
To = Annotated[str, Parameter(name="--to", help="likewise, not included; now by default")]
Out = Annotated[Path | None, Parameter(name="--out", help="a .csv or .parquet file; standard output by default")]


def candles(
    venue: str, symbol: str, interval: str, /, *, start: From, end: To = "", out: Out = None,
    where: Where = Where(), json: AsJson = False,
) -> None:  # fmt: skip
    """Download candles. Bars in which nothing traded carry on the last close and are marked as filled."""
    span = _span(start, end)
    checked_out(out, json)
    rows = asyncio.run(_candles(checked_venue(venue), symbol, interval, span, where))
    first_ns = rows[0].open_ns if rows else span[1]
    if intervals.next_ns(interval, span[0]) < first_ns:
        print(f"note: {venue} gives no {interval} candles of {symbol} before {_iso(first_ns)}", file=sys.stderr)
    write(CANDLE_HEADS, (_candle_row(one) for one in rows), out, json)


def trades(
    venue: str, symbol: str, /, *, start: From, end: To = "", out: Out = None,
    where: Where = Where(), json: AsJson = False,
) -> None:  # fmt: skip
    """Download trades, as far back as the venue gives them."""
    span = _span(start, end)
    checked_out(out, json)
    rows = asyncio.run(_trades(checked_venue(venue), symbol, span, where))
    write(TRADE_HEADS, (_trade_row(one) for one in rows), out, json)


async def _candles(venue: str, symbol: str, interval: str, span: tuple[int, int], where: Where) -> Sequence[Candle]:
    async with opened([venue], where) as session:
        market = session[venue]
        with _progress() as progress:
            bar = progress.add_task(f"{venue} {symbol} {interval}", total=_bars(interval, *span))
            return await market.history(
                symbol, interval, *span, told=lambda count: progress.update(bar, completed=count)
            )


async def _trades(venue: str, symbol: str, span: tuple[int, int], where: Where) -> list[Trade]:
    begin_ns, end_ns = span
    found: dict[str, Trade] = {}
    async with opened([venue], where) as session:
        with _progress() as progress:
            bar = progress.add_task(f"{venue} {symbol} trades", total=None)
            before_ns = 0
            async for page in session[venue].past_trades(symbol, begin_ns):
                found.update({trade.id: trade for trade in page if begin_ns <= trade.venue_ns < end_ns})
                progress.update(bar, completed=len(found))
                # Some venues page forwards, others back from now: only the former may stop at the end.
                if page and before_ns and page[0].venue_ns >= max(before_ns, end_ns):
                    break
                before_ns = page[0].venue_ns if page else before_ns
    return sorted(found.values(), key=lambda one: (one.venue_ns, len(one.id), one.id))


def _candle_row(one: Candle) -> Row:
    prices = (one.open, one.high, one.low, one.close, one.volume, one.quote_volume)
    return (_iso(one.open_ns), *prices, one.trades, one.closed, one.filled)


def _trade_row(one: Trade) -> Row:
    return (_iso(one.venue_ns), one.id, one.price, one.qty, one.side, one.count)


def _iso(at_ns: int) -> str:
    """2024-01-31T12:00:00.000000000Z, with as many decimals as are needed."""
    seconds, part = divmod(at_ns, 1_000 * MS)
    fraction = f".{part:09}".rstrip("0") if part else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _span(start: str, end: str) -> tuple[int, int]:
    now_ms = RealClock().wall_ns() // MS
    begin_ms, end_ms = _at_ms(start, now_ms), _at_ms(end, now_ms) if end else now_ms
    if begin_ms >= end_ms:
        raise Misuse(f"The time from {start} to {end or 'now'} is empty.", next="give a --from before --to")
    return begin_ms * MS, end_ms * MS


def _at_ms(text: str, now_ms: int) -> int:
    """A time as it is typed; without a zone it is UTC."""
    if text.endswith("d") and text[:-1].isdecimal():
        return now_ms - int(text[:-1]) * _DAY_MS
    if text.isdecimal() and len(text) > len("20240131"):
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(
            f"{text!r} is not a time.", next="write 2024-01-31, 2024-01-31T12:00, milliseconds, or 7d for days ago"
        ) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1_000)


def _bars(interval: str, begin_ns: int, end_ns: int) -> int:
    """How many bars there are about; an interval that does not exist is told by the market."""
    return (end_ns - begin_ns) // intervals.length_ns(interval) if interval in intervals.NAMES else 0


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, *times, console=console, transient=True, disable=not console.is_terminal)
