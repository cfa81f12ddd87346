"""The guard over real markets: hours that were honest, however odd they look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from fairlead.core.guard import Guard
from fairlead.model.market import MS, Candle, Quote, Ticker, Trade
from tests import recorded
from tests.core.test_guard import X, candle, quote, ticker, trade

CAPTURES = ("binance", "kraken", "okx")


def frames(name: str) -> Iterator[tuple[int, Any]]:
    for line in recorded.lines(name):
        if line["dir"] == "recv":
            yield nanoseconds(line.get("t_ns", line.get("t", 0))), json.loads(line["raw"])


def nanoseconds(at: float | int | str) -> int:
    """The recorders' own times: seconds, milliseconds or nanoseconds, or ISO text."""
    if isinstance(at, str):
        return round(datetime.fromisoformat(at).timestamp() * 1e9)
    for scale, most in ((10**9, 1e11), (10**6, 1e14), (10**3, 1e17)):
        if at < most:
            return round(at * scale)
    return int(at)


def values(seen: int, frame: Any) -> Iterator[Trade | Quote | Ticker | Candle | tuple[float, float]]:
    """What a recorded frame says, by the few shapes that the recordings have."""
    if isinstance(frame, list):
        yield from kraken_one(seen, frame)
    elif "stream" in frame:
        yield from binance(seen, frame["data"])
    elif "arg" in frame and "data" in frame:
        for row in frame["data"]:
            yield from okx(seen, frame["arg"]["channel"], row)
    elif frame.get("feed") in ("trade", "ticker_lite"):
        if frame["feed"] == "trade":
            yield trade(frame["price"], frame["qty"], frame["time"] * MS, seen=seen)
        else:
            yield frame["bid"], frame["ask"]


def binance(seen: int, data: Any) -> Iterator[Trade | Quote | Candle]:
    at = data.get("E", 0) * MS
    match data.get("e", "bookTicker"):
        case "trade" | "aggTrade":
            yield trade(float(data["p"]), float(data["q"]), data["T"] * MS, seen=seen)
        case "bookTicker":
            both = quote(float(data["b"]), float(data["a"]), at=at, seen=seen)
            yield msgspec.structs.replace(both, bid_qty=float(data["B"]), ask_qty=float(data["A"]))
        case "kline":
            bar = data["k"]
            prices = {name: float(bar[name[0]]) for name in ("open", "high", "low", "close", "volume")}
            yield msgspec.structs.replace(candle(at=at, **prices), open_ns=bar["t"] * MS)


def okx(seen: int, channel: str, row: Any) -> Iterator[Trade | Ticker]:
    at = int(row["ts"]) * MS
    if channel == "trades":
        yield trade(float(row["px"]), float(row["sz"]), at, seen=seen)
    elif channel == "tickers":
        names = {"last": "last", "bid": "bidPx", "ask": "askPx", "high": "high24h", "low": "low24h", "volume": "vol24h"}
        yield ticker(at=at, **{ours: float(row[theirs]) for ours, theirs in names.items()})


def kraken_one(seen: int, frame: Any) -> Iterator[Trade | tuple[float, float]]:
    if frame[-2] == "trade":
        for price, qty, at, *_ in frame[1]:
            yield trade(float(price), float(qty), round(float(at) * 1e9), seen=seen)
    elif frame[-2] == "ticker":
        yield float(frame[1]["b"][0]), float(frame[1]["a"][0])


def captures() -> list[str]:
    if not recorded.FOLDER.exists():
        return []
    return sorted(
        path.relative_to(recorded.FOLDER).as_posix()
        for venue in CAPTURES
        for path in (recorded.FOLDER / venue / "captures").glob("*.jsonl.gz")
    )


def test_the_guard_labels_nothing_over_all_captures() -> None:
    """If this failed, honest hours of real markets would be called anomalies."""
    recorded.folder("binance/captures")
    judged, found = 0, list[tuple[str, str, object]]()
    for name in captures():
        guard = Guard(X)
        judges = {Trade: guard.trade, Quote: guard.quote, Ticker: guard.ticker, Candle: guard.candle}
        for seen, frame in frames(name):
            for value in values(seen, frame):
                label = guard.top(*value) if isinstance(value, tuple) else judges[type(value)](value)  # type: ignore[operator]
                judged += 1
                if label:
                    found.append((name, label, value))
    assert found == []
    assert judged > 24_000


class Replay:
    """The best of each side of a recorded book: just enough to ask the guard, and no judge of continuity."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.whole_to, self.waiting = -1, list[Any]()

    def change(self, bids: Iterable[Any], asks: Iterable[Any]) -> None:
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for level in levels:
                price, qty = map(float, (level["price"], level["qty"]) if isinstance(level, dict) else level[:2])
                if qty:
                    side[price] = qty
                else:
                    side.pop(price, None)

    def whole(self, bids: Iterable[Any], asks: Iterable[Any]) -> None:
        self.bids.clear()
        self.asks.clear()
        self.change(bids, asks)

    def hear(self, frame: Any) -> bool:
        """Whether the frame said something about the book, and the book is known."""
        if isinstance(frame, list):
            return self._numbered_lists(frame)
        if "lastUpdateId" in frame:
            self.whole(frame["bids"], frame["asks"])
            self.whole_to = frame["lastUpdateId"]
            for change in self.waiting:
                self._diff(change)
            return True
        if frame.get("data") and "stream" in frame:
            return frame["data"].get("e") == "depthUpdate" and self._diff(frame["data"])
        if frame.get("channel") == "book" or frame.get("arg", {}).get("channel") == "books":
            for row in frame.get("data", ()):
                whole = "snapshot" in (frame.get("type"), frame.get("action"))
                (self.whole if whole else self.change)(row["bids"], row["asks"])
            return bool(frame.get("data"))
        if frame.get("feed") == "book_snapshot":
            self.whole(frame["bids"], frame["asks"])
        elif frame.get("feed") == "book":
            level = [frame]
            self.change(level if frame["side"] == "buy" else (), level if frame["side"] == "sell" else ())
        return frame.get("feed") in ("book", "book_snapshot")

    def _diff(self, data: Any) -> bool:
        if self.whole_to < 0:
            self.waiting.append(data)
        elif data["u"] > self.whole_to:
            self.change(data["b"], data["a"])
        return self.whole_to >= 0

    def _numbered_lists(self, frame: list[Any]) -> bool:
        if not str(frame[-2]).startswith("book"):
            return False
        for part in frame[1:-2]:
            if "as" in part:
                self.whole(part["bs"], part["as"])
            else:
                self.change(part.get("b", ()), part.get("a", ()))
        return True


def test_the_guard_labels_no_recorded_book() -> None:
    """If this failed, honest books of real markets would be called crossed, or their best prices impossible."""
    recorded.folder("binance/captures")
    judged, found = 0, list[tuple[str, str, object]]()
    for name in captures():
        guard, replay = Guard(X), Replay()
        for line in recorded.lines(name):
            if line["dir"] in ("recv", "rest") and replay.hear(json.loads(line["raw"])):
                top = max(replay.bids, default=None), min(replay.asks, default=None)
                judged += 1
                if label := guard.top(*top):
                    found.append((name, label, top))
    assert found == []
    assert judged > 5_000
